//! What one user keeps on the server: mailboxes and their messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{header, personality::Manners, utf7};

/// UIDVALIDITY of the first mailbox; later ones count up, so a mailbox made anew never has its old number.
const FIRST_VALIDITY: u32 = 1_700_000_001;
/// X-GM-MSGID of the first message; real ones have about this size.
const FIRST_GMAIL_ID: u64 = 1_780_000_000_000_000_001;

/// A stored message in one mailbox.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) uid: u32,
    pub(super) octets: Arc<[u8]>,
    pub(super) flags: BTreeSet<String>,
    pub(super) internal_date: i64,
    pub(super) modseq: u64,
    /// The same for every label's copy of one message (X-GM-MSGID, EMAILID).
    pub(super) gmail_id: u64,
    pub(super) gmail_thread: u64,
    pub(super) recent: bool,
}

/// What a new message is made of.
pub(super) struct NewMessage {
    pub(super) octets: Arc<[u8]>,
    pub(super) flags: BTreeSet<String>,
    pub(super) internal_date: i64,
}

/// A mailbox; its messages stand in ascending order of UID.
pub(super) struct Mailbox {
    pub(super) id: u64,
    pub(super) attributes: Vec<String>,
    pub(super) subscribed: bool,
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) highest_modseq: u64,
    pub(super) messages: Vec<Message>,
}

impl Mailbox {
    pub(super) fn has_attribute(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own.eq_ignore_ascii_case(attribute))
    }

    pub(super) fn selectable(&self) -> bool {
        !self.has_attribute("\\Noselect") && !self.has_attribute("\\NonExistent")
    }

    pub(super) fn message(&self, uid: u32) -> Option<&Message> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid).ok()?;
        self.messages.get(at)
    }

    fn message_mut(&mut self, uid: u32) -> Option<&mut Message> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid).ok()?;
        self.messages.get_mut(at)
    }

    fn insert(&mut self, mut message: Message) -> u32 {
        self.highest_modseq += 1;
        message.modseq = self.highest_modseq;
        let uid = message.uid;
        let at = self.messages.partition_point(|other| other.uid < uid);
        self.messages.insert(at, message);
        self.uid_next = self.uid_next.max(uid.saturating_add(1));
        uid
    }
}

/// Every mailbox of one user, by its name as it stands on the wire.
pub(super) struct Store {
    mailboxes: BTreeMap<Vec<u8>, Mailbox>,
    delimiter: char,
    labels: bool,
    /// Whether messages are told the conversation they are part of.
    threads: bool,
    next_id: u64,
    next_validity: u32,
    next_gmail_id: u64,
}

impl Store {
    pub(super) fn new(personality: &Manners, delimiter: char) -> Self {
        let mut store = Self {
            mailboxes: BTreeMap::new(),
            delimiter,
            labels: personality.labels,
            threads: personality.labels || personality.has("OBJECTID"),
            next_id: 1,
            next_validity: FIRST_VALIDITY,
            next_gmail_id: FIRST_GMAIL_ID,
        };
        for (name, attributes) in personality.mailboxes {
            store.create(&utf7::encode(name), attributes);
        }
        store
    }

    pub(super) fn delimiter(&self) -> char {
        self.delimiter
    }

    pub(super) fn mailboxes(&self) -> impl Iterator<Item = (&Vec<u8>, &Mailbox)> {
        self.mailboxes.iter()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Mailbox> {
        self.mailboxes.get(&canonical(name))
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut Mailbox> {
        self.mailboxes.get_mut(&canonical(name))
    }

    pub(super) fn by_id(&self, id: u64) -> Option<(&Vec<u8>, &Mailbox)> {
        self.mailboxes.iter().find(|(_, mailbox)| mailbox.id == id)
    }

    /// Makes a mailbox; `false` when it is there already.
    pub(super) fn create(&mut self, name: &[u8], attributes: &[&str]) -> bool {
        let name = canonical(name);
        if self.mailboxes.contains_key(&name) {
            return false;
        }
        let mailbox = Mailbox {
            id: self.next_id,
            attributes: attributes.iter().map(ToString::to_string).collect(),
            subscribed: true,
            uid_validity: self.next_validity,
            uid_next: 1,
            highest_modseq: 1,
            messages: Vec::new(),
        };
        self.next_id += 1;
        self.next_validity = self.next_validity.wrapping_add(1);
        self.mailboxes.insert(name, mailbox);
        true
    }

    pub(super) fn delete(&mut self, name: &[u8]) -> bool {
        let name = canonical(name);
        name != b"INBOX" && self.mailboxes.remove(&name).is_some()
    }

    /// Renames a mailbox with everything below it; INBOX stays, emptied (RFC 9051 §6.3.6).
    pub(super) fn rename(&mut self, from: &[u8], to: &[u8]) -> bool {
        let (from, to) = (canonical(from), canonical(to));
        if self.mailboxes.contains_key(&to) {
            return false;
        }
        let Some(mailbox) = self.mailboxes.remove(&from) else { return false };
        self.mailboxes.insert(to.clone(), mailbox);
        if from == b"INBOX" {
            return self.create(b"INBOX", &[]);
        }
        let mut prefix = from;
        prefix.extend(self.delimiter.to_string().into_bytes());
        let below: Vec<Vec<u8>> =
            self.mailboxes.keys().filter(|name| name.starts_with(&prefix)).cloned().collect();
        for name in below {
            if let (Some(mailbox), Some(rest)) = (self.mailboxes.remove(&name), name.get(prefix.len() - 1..))
            {
                self.mailboxes.insert([to.as_slice(), rest].concat(), mailbox);
            }
        }
        true
    }

    /// Adds a message and returns its UID; `None` without such a mailbox.
    pub(super) fn append(&mut self, name: &[u8], new: NewMessage, uid: Option<u32>) -> Option<u32> {
        let gmail_id = self.next_gmail_id;
        let gmail_thread = if self.threads { self.thread_of(&new.octets) } else { None };
        let message = Message {
            uid: 0,
            octets: new.octets,
            flags: new.flags,
            internal_date: new.internal_date,
            modseq: 0,
            gmail_id,
            gmail_thread: gmail_thread.unwrap_or(gmail_id),
            recent: true,
        };
        let uid = self.place(name, &message, uid)?;
        self.next_gmail_id += 1;
        Some(uid)
    }

    /// Copies a message; under labels the copy is the same message with one label more.
    pub(super) fn copy(&mut self, from: &[u8], uid: u32, to: &[u8]) -> Option<u32> {
        let mut message = self.get(from)?.message(uid)?.clone();
        message.recent = true;
        self.place(to, &message, None)
    }

    /// Removes messages for good; out of All Mail they leave every label.
    pub(super) fn remove(&mut self, name: &[u8], uids: &[u32]) -> usize {
        let Some(mailbox) = self.get_mut(name) else { return 0 };
        let everywhere = mailbox.has_attribute("\\All");
        let mut gone = Vec::new();
        mailbox.messages.retain(|message| {
            let stays = uids.binary_search(&message.uid).is_err();
            if !stays {
                gone.push(message.gmail_id);
            }
            stays
        });
        mailbox.highest_modseq += u64::from(!gone.is_empty());
        if self.labels && everywhere {
            for mailbox in self.mailboxes.values_mut() {
                take_out(mailbox, &gone);
            }
        }
        gone.len()
    }

    /// Sets a message's flags; under labels they belong to the message, not to its copy.
    pub(super) fn set_flags(&mut self, name: &[u8], uid: u32, flags: &BTreeSet<String>) -> bool {
        let labels = self.labels;
        let Some(mailbox) = self.get_mut(name) else { return false };
        let Some(message) = mailbox.message(uid) else { return false };
        let gmail_id = message.gmail_id;
        let mark = |mailbox: &mut Mailbox, uid: u32| {
            let next = mailbox.highest_modseq + 1;
            if let Some(message) = mailbox.message_mut(uid).filter(|message| message.flags != *flags) {
                message.flags.clone_from(flags);
                message.modseq = next;
                mailbox.highest_modseq = next;
            }
        };
        mark(mailbox, uid);
        if labels {
            for mailbox in self.mailboxes.values_mut() {
                let copy = mailbox.messages.iter().find(|copy| copy.gmail_id == gmail_id);
                if let Some(uid) = copy.map(|copy| copy.uid) {
                    mark(mailbox, uid);
                }
            }
        }
        true
    }

    /// Puts other octets under a UID, as no server may.
    pub(super) fn replace(&mut self, name: &[u8], uid: u32, octets: Arc<[u8]>) -> bool {
        let message = self.get_mut(name).and_then(|mailbox| mailbox.message_mut(uid));
        message.map(|message| message.octets = octets).is_some()
    }

    /// Gives a mailbox a new UIDVALIDITY and its messages the UIDs 1, 2, 3, …
    pub(super) fn set_uid_validity(&mut self, name: &[u8], uid_validity: u32) -> bool {
        let Some(mailbox) = self.get_mut(name) else { return false };
        mailbox.uid_validity = uid_validity;
        mailbox.uid_next = 1;
        for message in &mut mailbox.messages {
            message.uid = mailbox.uid_next;
            mailbox.uid_next += 1;
        }
        true
    }

    /// What X-GM-LABELS says of a message seen in `mailbox`: its other labels.
    pub(super) fn labels_of(&self, mailbox: u64, gmail_id: u64) -> Vec<Vec<u8>> {
        self.mailboxes
            .iter()
            .filter(|(_, other)| other.id != mailbox && !other.has_attribute("\\All"))
            .filter(|(_, other)| other.messages.iter().any(|message| message.gmail_id == gmail_id))
            .map(|(name, other)| label(name, other))
            .collect()
    }

    fn place(&mut self, name: &[u8], message: &Message, uid: Option<u32>) -> Option<u32> {
        let labels = self.labels;
        let target = self.get_mut(name).filter(|mailbox| mailbox.selectable())?;
        if labels && let Some(copy) = target.messages.iter().find(|copy| copy.gmail_id == message.gmail_id) {
            return Some(copy.uid);
        }
        let uid = uid.unwrap_or(target.uid_next);
        if target.message(uid).is_some() {
            return None;
        }
        let discards = target.has_attribute("\\Trash") || target.has_attribute("\\Junk");
        let id = target.id;
        target.insert(Message { uid, ..message.clone() });
        if labels {
            for mailbox in self.mailboxes.values_mut().filter(|mailbox| mailbox.id != id) {
                if discards {
                    take_out(mailbox, &[message.gmail_id]);
                } else if mailbox.has_attribute("\\All")
                    && !mailbox.messages.iter().any(|copy| copy.gmail_id == message.gmail_id)
                {
                    mailbox.insert(Message { uid: mailbox.uid_next, ..message.clone() });
                } else if mailbox.has_attribute("\\Trash") || mailbox.has_attribute("\\Junk") {
                    take_out(mailbox, &[message.gmail_id]);
                }
            }
        }
        Some(uid)
    }

    fn thread_of(&self, octets: &[u8]) -> Option<u64> {
        let mut parents = header::values(octets, "In-Reply-To");
        parents.extend(header::values(octets, "References"));
        let parents: BTreeSet<&str> = parents.iter().flat_map(|value| value.split_whitespace()).collect();
        if parents.is_empty() {
            return None;
        }
        self.mailboxes.values().flat_map(|mailbox| &mailbox.messages).find_map(|message| {
            let ids = header::values(&message.octets, "Message-ID");
            ids.iter().any(|id| parents.contains(id.as_str())).then_some(message.gmail_thread)
        })
    }
}

fn take_out(mailbox: &mut Mailbox, gmail_ids: &[u64]) {
    let before = mailbox.messages.len();
    mailbox.messages.retain(|message| !gmail_ids.contains(&message.gmail_id));
    mailbox.highest_modseq += u64::from(mailbox.messages.len() < before);
}

fn label(name: &[u8], mailbox: &Mailbox) -> Vec<u8> {
    const SYSTEM: [(&str, &str); 6] = [
        ("\\Drafts", "\\Draft"),
        ("\\Flagged", "\\Starred"),
        ("\\Important", "\\Important"),
        ("\\Junk", "\\Spam"),
        ("\\Sent", "\\Sent"),
        ("\\Trash", "\\Trash"),
    ];
    if name == b"INBOX" {
        return b"\\Inbox".to_vec();
    }
    let system = SYSTEM.iter().find(|(attribute, _)| mailbox.has_attribute(attribute));
    system.map_or_else(|| name.to_vec(), |(_, label)| label.as_bytes().to_vec())
}

/// INBOX is one name in every case (RFC 9051 §5.1).
pub(super) fn canonical(name: &[u8]) -> Vec<u8> {
    if name.eq_ignore_ascii_case(b"INBOX") { b"INBOX".to_vec() } else { name.to_vec() }
}

/// A flag in its usual spelling; system flags have one case.
pub(super) fn flag(name: &str) -> String {
    ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"]
        .into_iter()
        .find(|system| system.eq_ignore_ascii_case(name))
        .unwrap_or(name)
        .to_owned()
}
