//! FETCH (RFC 9051 §6.4.5; RFC 7162; RFC 8474; X-GM-EXT-1), and the faults that live there.

use std::sync::Arc;

use super::{
    command::{Arguments, Value},
    fault::{Asked, Fault},
    fetch_answer::{Answer, Item, OtherRange, Wrong},
    injection::Occasion,
    reply::{Reply, line},
    section::{self, Section, SectionItem},
    session::Session,
    set::NumberSet,
};

/// How answering for one message went.
enum Progress {
    Told,
    Expunged,
    /// A fault ended the whole answer.
    CutOff,
}

impl Session {
    pub(super) fn fetch(&mut self, name: &str, arguments: &mut Arguments) -> Option<Reply> {
        let by_uid = name.starts_with("UID ");
        let set = NumberSet::parse(&arguments.octets()?)?;
        let mut items = self.items(&arguments.next()?)?;
        let mut changed_since = 0;
        if let Some(modifiers) = arguments.list() {
            let mut modifiers = Arguments::new(modifiers);
            if !self.shared.personality.has("CONDSTORE") || !modifiers.skip("CHANGEDSINCE") {
                return None;
            }
            changed_since = modifiers.text()?.parse().ok()?;
            if !items.iter().any(|item| matches!(item, Item::ModSeq)) {
                items.push(Item::ModSeq);
            }
        }
        if by_uid && !items.iter().any(|item| matches!(item, Item::Uid)) {
            items.insert(0, Item::Uid);
        }
        self.condstore |= items.iter().any(|item| matches!(item, Item::ModSeq));
        let here = Occasion { asked: Some(asked(&items)), ..self.occasion() };
        let wanted = self.wanted(by_uid, &set)?;
        if let Some(text) = self.shared.faults.take(&here, |fault| match fault {
            Fault::FetchRefused { uid, text } if wanted.iter().any(|(_, wanted)| wanted == uid) => {
                Some(text.clone())
            }
            _ => None,
        }) {
            return Some(Reply::no(text));
        }
        let mut reply = Reply::ok("Fetch completed.");
        if self.shared.faults.holds(&here, &Fault::FetchEmpty) {
            return Some(reply);
        }
        self.mark_seen(&items, &wanted, changed_since)?;
        // RFC 9051 §7.5.1: an EXPUNGE moves every higher number down at once.
        let mut expunged = 0;
        for (number, uid) in wanted {
            match self.fetch_one(&here, &items, number - expunged, uid, changed_since, &mut reply)? {
                Progress::Told => {}
                Progress::Expunged => expunged += 1,
                Progress::CutOff => return Some(reply),
            }
        }
        self.add_news(&mut reply, by_uid);
        Some(reply)
    }

    /// The messages of a set, by sequence number and UID, as far as the session knows of them.
    pub(super) fn wanted(&self, by_uid: bool, set: &NumberSet) -> Option<Vec<(u32, u32)>> {
        let selected = self.selected.as_ref()?;
        let (last_number, last_uid) = selected.last();
        let fits = |(number, uid): &(u32, u32)| {
            if by_uid { set.contains(*uid, last_uid) } else { set.contains(*number, last_number) }
        };
        Some(selected.numbered().filter(fits).collect())
    }

    /// Reading a text without PEEK marks it, where the mailbox may be written (RFC 9051 §6.4.5).
    fn mark_seen(&mut self, items: &[Item], wanted: &[(u32, u32)], changed_since: u64) -> Option<()> {
        let marks = items.iter().any(|item| matches!(item, Item::Section(SectionItem { peek: false, .. })));
        let selected = self.selected.as_ref()?;
        if !marks || selected.read_only {
            return Some(());
        }
        let (user, record) = (self.user.as_ref()?, &self.shared.record);
        user.change(|store| {
            for (_, uid) in wanted {
                let message = store.get(&selected.name).and_then(|mailbox| mailbox.message(*uid));
                let Some(message) = message.filter(|message| message.modseq > changed_since) else {
                    continue;
                };
                let mut flags = message.flags.clone();
                if flags.insert("\\Seen".to_owned()) {
                    store.set_flags(&selected.name, *uid, &flags);
                    record.flag_changed();
                }
            }
        });
        Some(())
    }

    /// Answers for one message.
    fn fetch_one(
        &mut self,
        here: &Occasion,
        items: &[Item],
        number: u32,
        uid: u32,
        changed_since: u64,
        reply: &mut Reply,
    ) -> Option<Progress> {
        let user = Arc::clone(self.user.as_ref()?);
        let selected = self.selected.as_mut()?;
        let faults = &self.shared.faults;
        let expunged = {
            let store = user.store();
            let Some((name, mailbox)) = store.by_id(selected.id) else { return Some(Progress::Told) };
            let Some(mut message) = mailbox.message(uid).filter(|message| message.modseq > changed_since)
            else {
                return Some(Progress::Told);
            };
            if faults.holds(here, &Fault::FetchMissing { uid }) {
                return Some(Progress::Told);
            }
            let other = faults.take(here, |fault| match fault {
                Fault::WrongUid { asked, sent } if *asked == uid => mailbox.message(*sent),
                _ => None,
            });
            message = other.unwrap_or(message);
            selected.told(number, message.modseq);
            let reads_text = |item: &&Item| {
                matches!(item, Item::Section(SectionItem { section: Section::Whole | Section::Text, .. }))
            };
            if items.iter().any(|item| reads_text(&item)) {
                self.shared.record.body(&user.login, &super::utf7::display(name), uid);
            }
            let answer = Answer {
                store: &store,
                mailbox: mailbox.id,
                number,
                message,
                size: faults.take(here, |fault| match fault {
                    Fault::Size { size } => Some(*size),
                    _ => None,
                }),
                wrong: faults.take(here, |fault| wrong(fault, uid)),
                range: faults.take(here, |fault| match fault {
                    Fault::RangeIgnored => Some(OtherRange::Whole),
                    Fault::RangeMoved { by } => Some(OtherRange::Moved(*by)),
                    _ => None,
                }),
            };
            let seen = !selected.read_only
                && items.iter().any(|item| matches!(item, Item::Section(SectionItem { peek: false, .. })))
                && !items.iter().any(|item| matches!(item, Item::Flags));
            let mut told: Vec<&Item> = items.iter().collect();
            if seen {
                told.push(&Item::Flags);
            }
            if faults.holds(here, &Fault::NoUid { uid }) {
                told.retain(|item| !matches!(item, Item::Uid));
            }
            let extra = faults.take_all(here, |fault| match fault {
                Fault::Item { uid: of, name, value } if *of == uid => Some((name.clone(), value.clone())),
                _ => None,
            });
            told.retain(|item| !extra.iter().any(|(name, _)| item.label().eq_ignore_ascii_case(name)));
            let sections = told.iter().filter(|item| matches!(item, Item::Section(_))).count();
            if faults.holds(here, &Fault::FetchSplit { uid }) && sections > 0 && sections < told.len() {
                let (sections, rest): (Vec<&Item>, Vec<&Item>) =
                    told.iter().partition(|item| matches!(item, Item::Section(_)));
                reply.untagged.push(answer.response(&rest, &extra).0);
                told = sections;
            }
            let (response, then) = answer.response(&told, &extra);
            reply.untagged.push(response);
            if let Some(then) = then {
                reply.tagged = None;
                reply.then = then;
                return Some(Progress::CutOff);
            }
            faults.holds(here, &Fault::ExpungeAmid { uid })
        };
        if expunged {
            user.change(|store| store.remove(&selected.name, &[uid]));
            line(&mut reply.untagged, format!("* {number} EXPUNGE"));
            selected.view.retain(|(known, _)| *known != uid);
            return Some(Progress::Expunged);
        }
        Some(Progress::Told)
    }

    fn items(&self, asked: &Value) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        for value in asked.items() {
            let word = value.text()?;
            match word.to_ascii_uppercase().as_str() {
                "FAST" => items.extend([Item::Flags, Item::InternalDate, Item::Size]),
                _ => items.push(self.item(word)?),
            }
        }
        (!items.is_empty()).then_some(items)
    }

    fn item(&self, word: &str) -> Option<Item> {
        let offered = |capability, item| self.shared.personality.has(capability).then_some(item);
        let old = |section, peek| {
            Item::Section(SectionItem { label: word.to_ascii_uppercase(), section, peek, partial: None })
        };
        Some(match word.to_ascii_uppercase().as_str() {
            "UID" => Item::Uid,
            "FLAGS" => Item::Flags,
            "RFC822.SIZE" => Item::Size,
            "INTERNALDATE" => Item::InternalDate,
            "MODSEQ" => offered("CONDSTORE", Item::ModSeq)?,
            "X-GM-MSGID" => offered("X-GM-EXT-1", Item::GmailId)?,
            "X-GM-THRID" => offered("X-GM-EXT-1", Item::GmailThread)?,
            "X-GM-LABELS" => offered("X-GM-EXT-1", Item::GmailLabels)?,
            "EMAILID" => offered("OBJECTID", Item::EmailId)?,
            "THREADID" => offered("OBJECTID", Item::ThreadId)?,
            "RFC822" => old(Section::Whole, false),
            "RFC822.HEADER" => old(Section::Header, true),
            "RFC822.TEXT" => old(Section::Text, false),
            _ => Item::Section(section::parse(word)?),
        })
    }
}

fn asked(items: &[Item]) -> Asked {
    let mut asked = Asked::Attributes;
    for item in items {
        match item {
            Item::Section(SectionItem { section: Section::Whole | Section::Text, .. }) => return Asked::Body,
            Item::Section(_) => asked = Asked::Header,
            _ => {}
        }
    }
    asked
}

fn wrong(fault: &Fault, of: u32) -> Option<Wrong> {
    match fault {
        Fault::BodyNil { uid } if *uid == of => Some(Wrong::Nil),
        Fault::BodyEmpty { uid } if *uid == of => Some(Wrong::Empty),
        Fault::Literal { uid, announced, sent } if *uid == of => {
            Some(Wrong::Literal(announced.clone(), *sent))
        }
        _ => None,
    }
}
