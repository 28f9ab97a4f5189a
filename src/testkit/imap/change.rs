//! STORE, APPEND, COPY, MOVE and EXPUNGE (RFC 9051 §6.3.12, §6.4; RFC 4315, 6851, 7162).

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    command::{Arguments, Value},
    date,
    fetch_answer::flag_list,
    reply::{Reply, line},
    select::deleted,
    session::Session,
    set::{NumberSet, compress},
    store::{NewMessage, canonical, flag},
};

const TRY_CREATE: &str = "[TRYCREATE] Mailbox doesn't exist";
const READ_ONLY: &str = "Mailbox is read-only.";

impl Session {
    pub(super) fn store_flags(&mut self, name: &str, arguments: &mut Arguments) -> Option<Reply> {
        let by_uid = name.starts_with("UID ");
        let set = NumberSet::parse(&arguments.octets()?)?;
        let mut unchanged_since = u64::MAX;
        if let Some(modifiers) = arguments.list() {
            let mut modifiers = Arguments::new(modifiers);
            if !self.shared.personality.has("CONDSTORE") || !modifiers.skip("UNCHANGEDSINCE") {
                return None;
            }
            unchanged_since = modifiers.text()?.parse().ok()?;
            self.condstore = true;
        }
        let action = arguments.text()?.to_ascii_uppercase();
        let (action, silent) =
            action.strip_suffix(".SILENT").map_or((action.as_str(), false), |action| (action, true));
        if !["FLAGS", "+FLAGS", "-FLAGS"].contains(&action) {
            return None;
        }
        let named = flags_of(arguments.next()?.items())?;
        let wanted = self.wanted(by_uid, &set)?;
        let (user, condstore, record) = (self.user.clone()?, self.condstore, &self.shared.record);
        let selected = self.selected.as_mut()?;
        if selected.read_only {
            return Some(Reply::no(READ_ONLY));
        }
        let (mut untagged, mut modified) = (Vec::new(), Vec::new());
        user.change(|store| {
            for (number, uid) in wanted {
                let Some(message) = store.get(&selected.name).and_then(|mailbox| mailbox.message(uid)) else {
                    continue;
                };
                if message.modseq > unchanged_since {
                    modified.push(if by_uid { uid } else { number });
                    continue;
                }
                let flags: BTreeSet<String> = match action {
                    "+FLAGS" => message.flags.union(&named).cloned().collect(),
                    "-FLAGS" => message.flags.difference(&named).cloned().collect(),
                    _ => named.clone(),
                };
                if flags != message.flags {
                    record.flag_changed();
                }
                store.set_flags(&selected.name, uid, &flags);
                let Some(message) = store.get(&selected.name).and_then(|mailbox| mailbox.message(uid)) else {
                    continue;
                };
                selected.told(number, message.modseq);
                let mut items = Vec::new();
                if by_uid {
                    items.push(format!("UID {uid}"));
                }
                if !silent {
                    items.push(format!("FLAGS {}", flag_list(message)));
                }
                if condstore {
                    items.push(format!("MODSEQ ({})", message.modseq));
                }
                if !silent || condstore {
                    line(&mut untagged, format!("* {number} FETCH ({})", items.join(" ")));
                }
            }
        });
        modified.sort_unstable();
        let code =
            if modified.is_empty() { String::new() } else { format!("[MODIFIED {}] ", compress(&modified)) };
        let mut reply = Reply::ok(format!("{code}Store completed.")).with(untagged);
        self.add_news(&mut reply, by_uid);
        Some(reply)
    }

    pub(super) fn append(&mut self, arguments: &mut Arguments) -> Option<Reply> {
        let user = self.user.clone()?;
        let name = canonical(&arguments.octets()?);
        let flags = flags_of(&arguments.list().unwrap_or_default())?;
        let first = arguments.octets()?;
        let (internal_date, octets) = match arguments.octets() {
            Some(octets) => (date::parse_date_time(std::str::from_utf8(&first).ok()?)?, octets),
            None => (now(), first),
        };
        let new = NewMessage { octets: Arc::from(octets), flags, internal_date };
        let placed = user.change(|store| {
            let uid = store.append(&name, new, None)?;
            Some((store.get(&name)?.uid_validity, uid))
        });
        let Some((uid_validity, uid)) = placed else { return Some(Reply::no(TRY_CREATE)) };
        let code = if self.shared.personality.has("UIDPLUS") {
            format!("[APPENDUID {uid_validity} {uid}] ")
        } else {
            String::new()
        };
        Some(self.with_news(Reply::ok(format!("{code}Append completed."))))
    }

    pub(super) fn copy(&mut self, name: &str, arguments: &mut Arguments) -> Option<Reply> {
        let by_uid = name.starts_with("UID ");
        let moves = name.ends_with("MOVE");
        let set = NumberSet::parse(&arguments.octets()?)?;
        let to = canonical(&arguments.octets()?);
        let wanted = self.wanted(by_uid, &set)?;
        let user = self.user.clone()?;
        let selected = self.selected.as_ref()?;
        if moves && selected.read_only {
            return Some(Reply::no(READ_ONLY));
        }
        let done = user.change(|store| {
            let uid_validity = store.get(&to).filter(|mailbox| mailbox.selectable())?.uid_validity;
            let copied: Vec<(u32, u32)> = wanted
                .iter()
                .filter_map(|(_, uid)| Some((*uid, store.copy(&selected.name, *uid, &to)?)))
                .collect();
            if moves {
                let mut gone: Vec<u32> = copied.iter().map(|(uid, _)| *uid).collect();
                gone.sort_unstable();
                store.remove(&selected.name, &gone);
            }
            Some((uid_validity, copied))
        });
        let Some((uid_validity, copied)) = done else { return Some(Reply::no(TRY_CREATE)) };
        let (from, new): (Vec<u32>, Vec<u32>) = copied.into_iter().unzip();
        let code = if self.shared.personality.has("UIDPLUS") && !from.is_empty() {
            format!("[COPYUID {uid_validity} {} {}]", compress(&from), compress(&new))
        } else {
            String::new()
        };
        if moves {
            // RFC 6851 §4.3: the code goes into an untagged OK, before the EXPUNGEs.
            let mut untagged = Vec::new();
            if !code.is_empty() {
                line(&mut untagged, format!("* OK {code} Moved UIDs."));
            }
            return Some(self.with_news(Reply::ok("Move completed.").with(untagged)));
        }
        let mut reply = Reply::ok(format!("{code} Copy completed.").trim_start());
        self.add_news(&mut reply, by_uid);
        Some(reply)
    }

    pub(super) fn expunge(&mut self, name: &str, arguments: &mut Arguments) -> Option<Reply> {
        let only = if name == "UID EXPUNGE" { Some(NumberSet::parse(&arguments.octets()?)?) } else { None };
        let user = self.user.clone()?;
        let selected = self.selected.as_ref()?;
        if selected.read_only {
            return Some(Reply::no(READ_ONLY));
        }
        let last = selected.last().1;
        user.change(|store| {
            let mut gone = store.get(&selected.name).map(deleted).unwrap_or_default();
            gone.retain(|uid| only.as_ref().is_none_or(|only| only.contains(*uid, last)));
            store.remove(&selected.name, &gone)
        });
        Some(self.with_news(Reply::ok("Expunge completed.")))
    }
}

fn flags_of(values: &[Value]) -> Option<BTreeSet<String>> {
    values.iter().map(|value| value.text().map(flag)).collect()
}

fn now() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "a server of the kit has its own clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
