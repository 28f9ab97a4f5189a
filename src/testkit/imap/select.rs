//! SELECT and its kin, STATUS, and the news of a selected mailbox (RFC 9051 §6.3.2, §6.3.11, §7.4).

use std::collections::BTreeSet;

use super::{
    command::{Arguments, Value},
    fault::{Fault, Told},
    reply::{Reply, Response, Then, astring, line},
    session::Session,
    store::{Mailbox, canonical},
};

/// The mailbox a session has open, as the session knows it.
pub(super) struct Selected {
    pub(super) id: u64,
    pub(super) name: Vec<u8>,
    pub(super) read_only: bool,
    uid_validity: u32,
    /// The mailbox's highest MODSEQ when the session had heard everything.
    heard: u64,
    /// UID and MODSEQ by sequence number, the first being 1.
    pub(super) view: Vec<(u32, u64)>,
}

impl Selected {
    /// The highest sequence number and the highest UID: what `*` means.
    pub(super) fn last(&self) -> (u32, u32) {
        let uid = self.view.iter().map(|(uid, _)| *uid).max().unwrap_or(0);
        (u32::try_from(self.view.len()).unwrap_or(u32::MAX), uid)
    }

    /// Sequence numbers and UIDs in order.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, u32)> {
        (1..).zip(self.view.iter().map(|(uid, _)| *uid))
    }

    /// Notes that the session has been told of a message's state.
    pub(super) fn told(&mut self, number: u32, modseq: u64) {
        let at = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
        if let Some(known) = self.view.get_mut(at) {
            known.1 = modseq;
        }
    }
}

impl Session {
    pub(super) fn select(&mut self, name: &str, arguments: &mut Arguments) -> Option<Reply> {
        let user = self.user.clone()?;
        let mailbox_name = canonical(&arguments.octets()?);
        if let Some(parameters) = arguments.list() {
            if !self.shared.personality.has("CONDSTORE") {
                return None;
            }
            self.condstore |= parameters.iter().any(|parameter| parameter.is("CONDSTORE"));
        }
        let mut untagged = Vec::new();
        if self.selected.take().is_some() && self.shared.personality.has("CONDSTORE") {
            line(&mut untagged, "* OK [CLOSED] Previous mailbox closed.");
        }
        let mut store = user.store();
        let Some(mailbox) = store.get_mut(&mailbox_name).filter(|mailbox| mailbox.selectable()) else {
            return Some(Reply::no("[NONEXISTENT] Unknown mailbox.").with(untagged));
        };
        let read_only = name == "EXAMINE";
        self.selected = Some(Selected {
            id: mailbox.id,
            name: mailbox_name,
            read_only,
            uid_validity: mailbox.uid_validity,
            heard: mailbox.highest_modseq,
            view: mailbox.messages.iter().map(|message| (message.uid, message.modseq)).collect(),
        });
        if self.holds(&Fault::UidDescending)
            && let Some(selected) = &mut self.selected
        {
            selected.view.reverse();
        }
        self.describe(mailbox, read_only, &mut untagged);
        if !read_only {
            for message in &mut mailbox.messages {
                message.recent = false;
            }
        }
        let access = if read_only { "READ-ONLY" } else { "READ-WRITE" };
        Some(Reply::ok(format!("[{access}] {name} completed.")).with(untagged))
    }

    fn describe(&self, mailbox: &Mailbox, read_only: bool, untagged: &mut Vec<Response>) {
        const FLAGS: &str = r"\Answered \Flagged \Deleted \Seen \Draft";
        line(untagged, format!("* FLAGS ({FLAGS})"));
        let permanent = if read_only { String::new() } else { format!(r"{FLAGS} \*") };
        line(untagged, format!("* OK [PERMANENTFLAGS ({permanent})] Flags permitted."));
        line(untagged, format!("* {} EXISTS", mailbox.messages.len()));
        line(untagged, format!("* {} RECENT", recent(mailbox)));
        if let Some(first) = mailbox.messages.iter().position(|message| !message.flags.contains("\\Seen")) {
            line(untagged, format!("* OK [UNSEEN {}] First unseen.", first + 1));
        }
        if let Some(told) = self.uid_validity_told(mailbox) {
            line(untagged, format!("* OK [UIDVALIDITY {told}] UIDs valid"));
        }
        if let Some(told) = self.uid_next_told(mailbox) {
            line(untagged, format!("* OK [UIDNEXT {told}] Predicted next UID"));
        }
        if self.shared.personality.has("CONDSTORE") {
            line(untagged, format!("* OK [HIGHESTMODSEQ {}] Highest", mailbox.highest_modseq));
        }
    }

    pub(super) fn close(&mut self, name: &str) -> Reply {
        if let (Some(user), Some(selected), "CLOSE") = (&self.user, &self.selected, name)
            && !selected.read_only
        {
            user.change(|store| {
                let mailbox = store.get(&selected.name);
                let deleted: Vec<u32> = mailbox.map(deleted).unwrap_or_default();
                store.remove(&selected.name, &deleted)
            });
        }
        self.selected = None;
        Reply::ok(format!("{name} completed."))
    }

    pub(super) fn status(&mut self, arguments: &mut Arguments) -> Option<Reply> {
        let user = self.user.clone()?;
        let name = canonical(&arguments.octets()?);
        let items = arguments.list()?;
        let store = user.store();
        let Some(mailbox) = store.get(&name).filter(|mailbox| mailbox.selectable()) else {
            return Some(Reply::no("[NONEXISTENT] Mailbox doesn't exist"));
        };
        let mut untagged = Vec::new();
        line(&mut untagged, self.status_line(&name, mailbox, &items)?);
        Some(Reply::ok("Status completed.").with(untagged))
    }

    /// `* STATUS name (…)`; `None` for an item not on offer.
    pub(super) fn status_line(&mut self, name: &[u8], mailbox: &Mailbox, items: &[Value]) -> Option<Vec<u8>> {
        let mut told = Vec::new();
        for item in items {
            let item = item.text()?.to_ascii_uppercase();
            let value = match item.as_str() {
                "MESSAGES" => Some(mailbox.messages.len().to_string()),
                "RECENT" => Some(recent(mailbox).to_string()),
                "UIDNEXT" => self.uid_next_told(mailbox),
                "UIDVALIDITY" => self.uid_validity_told(mailbox),
                "UNSEEN" => {
                    let unseen = mailbox.messages.iter().filter(|message| !message.flags.contains("\\Seen"));
                    Some(unseen.count().to_string())
                }
                "HIGHESTMODSEQ" if self.shared.personality.has("CONDSTORE") => {
                    self.condstore = true;
                    Some(mailbox.highest_modseq.to_string())
                }
                _ => return None,
            };
            told.extend(value.map(|value| format!("{item} {value}")));
        }
        let mut text = b"* STATUS ".to_vec();
        text.extend(astring(name));
        text.extend(format!(" ({})", told.join(" ")).into_bytes());
        Some(text)
    }

    /// Adds what happened to the selected mailbox since the session last heard of it.
    pub(super) fn with_news(&mut self, mut reply: Reply) -> Reply {
        self.add_news(&mut reply, true);
        reply
    }

    /// As [`with_news`](Self::with_news); commands by sequence number may not report EXPUNGE (RFC 9051 §7.5.1).
    pub(super) fn add_news(&mut self, reply: &mut Reply, expunges: bool) {
        let (Some(user), Some(selected)) = (&self.user, &mut self.selected) else { return };
        let store = user.store();
        let Some((_, mailbox)) =
            store.by_id(selected.id).filter(|(_, mailbox)| mailbox.uid_validity == selected.uid_validity)
        else {
            line(
                &mut reply.untagged,
                "* BYE [UNAVAILABLE] Mailbox changed beneath the session, sign in again.",
            );
            reply.tagged = None;
            reply.then = Then::Close;
            return;
        };
        if selected.heard == mailbox.highest_modseq {
            return;
        }
        let mut numbers = selected.view.len();
        if expunges {
            let mut gone: Vec<usize> = Vec::new();
            let mut at = 0;
            selected.view.retain(|(uid, _)| {
                at += 1;
                let stays = mailbox.message(*uid).is_some();
                if !stays {
                    gone.push(at);
                }
                stays
            });
            for number in gone.iter().rev() {
                line(&mut reply.untagged, format!("* {number} EXPUNGE"));
            }
            numbers -= gone.len();
            selected.heard = mailbox.highest_modseq;
        }
        for (number, (uid, known)) in (1..).zip(&mut selected.view) {
            if let Some(message) = mailbox.message(*uid).filter(|message| message.modseq != *known) {
                *known = message.modseq;
                let flags = super::fetch_answer::flag_list(message);
                let modseq =
                    if self.condstore { format!(" MODSEQ ({})", message.modseq) } else { String::new() };
                line(&mut reply.untagged, format!("* {number} FETCH (UID {uid} FLAGS {flags}{modseq})"));
            }
        }
        let known: BTreeSet<u32> = selected.view.iter().map(|(uid, _)| *uid).collect();
        let arrived = mailbox.messages.iter().filter(|message| !known.contains(&message.uid));
        selected.view.extend(arrived.map(|message| (message.uid, message.modseq)));
        if selected.view.len() > numbers {
            line(&mut reply.untagged, format!("* {} EXISTS", selected.view.len()));
            line(&mut reply.untagged, format!("* {} RECENT", recent(mailbox)));
        }
    }

    fn uid_validity_told(&self, mailbox: &Mailbox) -> Option<String> {
        let lie = self.shared.faults.take(&self.occasion(), |fault| match fault {
            Fault::UidValidity(told) => Some(*told),
            _ => None,
        });
        told(lie, mailbox.uid_validity)
    }

    fn uid_next_told(&self, mailbox: &Mailbox) -> Option<String> {
        let lie = self.shared.faults.take(&self.occasion(), |fault| match fault {
            Fault::UidNext(told) => Some(*told),
            _ => None,
        });
        told(lie, mailbox.uid_next)
    }
}

/// The UIDs marked for removal, ascending.
pub(super) fn deleted(mailbox: &Mailbox) -> Vec<u32> {
    let marked = mailbox.messages.iter().filter(|message| message.flags.contains("\\Deleted"));
    marked.map(|message| message.uid).collect()
}

fn recent(mailbox: &Mailbox) -> usize {
    mailbox.messages.iter().filter(|message| message.recent).count()
}

fn told(lie: Option<Told>, truth: u32) -> Option<String> {
    match lie {
        None => Some(truth.to_string()),
        Some(Told::Value(value)) => Some(value.to_string()),
        Some(Told::Nothing) => None,
    }
}
