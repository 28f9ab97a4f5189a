//! Which mailboxes are read, and what they are for.

use std::collections::{BTreeMap, BTreeSet};

use super::wire::ListRow;
use crate::contract::MailboxListing;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::mailbox_names;
use crate::types::{Mailbox, MailboxName, MailboxStatus, ModSeq, SpecialUse, UidValidity};

/// Most mailboxes that are looked at: ten times the largest account seen.
pub(super) const MAX_MAILBOXES: usize = 20_000;

/// Sorts what LIST said: uses are told by attribute, else, one mailbox a use, by name.
pub(super) fn mailboxes(rows: Vec<ListRow>) -> Vec<Mailbox> {
    let mut seen = BTreeSet::new();
    let mut mailboxes = Vec::new();
    for row in rows {
        if !row.name.is_speakable() || !seen.insert(row.name.clone()) {
            continue;
        }
        let has = |attribute: &str| row.attributes.iter().any(|a| a == attribute);
        let mut mailbox = Mailbox::new(row.name.clone(), row.delimiter);
        mailbox.selectable = !has("noselect") && !has("nonexistent");
        mailbox.special_use =
            row.attributes.iter().find_map(|a| special_use(a)).filter(|_| !row.name.is_inbox());
        mailboxes.push(mailbox);
    }
    for special_use in
        [SpecialUse::Archive, SpecialUse::Drafts, SpecialUse::Junk, SpecialUse::Sent, SpecialUse::Trash]
    {
        if mailboxes.iter().any(|m| m.special_use == Some(special_use)) {
            continue;
        }
        let named = |m: &&mut Mailbox| {
            m.special_use.is_none()
                && m.selectable
                && !m.name.is_inbox()
                && mailbox_names::use_of(&last_component(m)) == Some(special_use)
        };
        let depth = |m: &Mailbox| components(m).len();
        // The shallowest: "Drafts", not "Projects/Drafts", which may hold anything.
        if let Some(mailbox) =
            mailboxes.iter_mut().filter(named).min_by_key(|m| depth(m)).filter(|m| depth(m) <= 2)
        {
            mailbox.special_use = Some(special_use);
        }
    }
    mailboxes
}

/// The items of a STATUS response.
pub(super) fn status_of(items: &[(String, u64)]) -> MailboxStatus {
    let item = |name: &str| items.iter().find(|(item, _)| item == name).map(|(_, value)| *value);
    let number = |name: &str| item(name).and_then(|n| u32::try_from(n).ok());
    let mod_seq = item("HIGHESTMODSEQ").filter(|n| *n > 0).map(ModSeq);
    let validity = number("UIDVALIDITY").and_then(UidValidity::new);
    MailboxStatus::new(
        number("MESSAGES").unwrap_or_default(),
        number("UIDNEXT").unwrap_or_default(),
        validity,
        mod_seq,
    )
}

fn special_use(attribute: &str) -> Option<SpecialUse> {
    Some(match attribute {
        "all" | "allmail" => SpecialUse::All,
        "archive" => SpecialUse::Archive,
        "drafts" => SpecialUse::Drafts,
        "flagged" | "starred" => SpecialUse::Flagged,
        "important" => SpecialUse::Important,
        "junk" | "spam" => SpecialUse::Junk,
        "sent" => SpecialUse::Sent,
        "trash" => SpecialUse::Trash,
        _ => return None,
    })
}

fn components(mailbox: &Mailbox) -> Vec<String> {
    let name = mailbox.name.to_string();
    match mailbox.delimiter {
        Some(delimiter) => name.split(char::from(delimiter)).map(str::to_owned).collect(),
        None => vec![name],
    }
}

fn last_component(mailbox: &Mailbox) -> String {
    components(mailbox).pop().unwrap_or_default()
}

/// Chooses what is read: everything selectable except Drafts, Junk, Trash, views and exclusions; on Gmail the mailbox that
/// holds every message.
pub(super) fn chosen(
    all: &[Mailbox],
    statuses: &BTreeMap<MailboxName, MailboxStatus>,
    excluded: &[String],
    gmail: bool,
    answered: bool,
) -> Result<MailboxListing> {
    let status =
        |mailbox: &Mailbox| Mailbox { status: statuses.get(&mailbox.name).copied(), ..mailbox.clone() };
    let all: Vec<Mailbox> = all.iter().map(status).collect();
    let healthy = answered && all.iter().any(|m| m.name.is_inbox() && m.selectable);
    if gmail {
        let every = all.iter().find(|m| m.special_use == Some(SpecialUse::All) && m.selectable).cloned();
        return match every {
            Some(every) => Ok(MailboxListing::new(vec![every], all, healthy)),
            None if healthy => Err(Error::new(ErrorKind::AllMailHidden, "no mailbox holds every message")),
            None => Ok(MailboxListing::new(Vec::new(), all, false)),
        };
    }
    let read = |m: &&Mailbox| {
        use SpecialUse::{Drafts, Flagged, Important, Junk, Trash};
        m.selectable
            && !matches!(m.special_use, Some(Drafts | Flagged | Important | Junk | Trash))
            && !is_excluded(m, excluded)
    };
    let mut mailboxes: Vec<Mailbox> = all.iter().filter(read).cloned().collect();
    // A view of everything beside the mailboxes themselves would be read twice.
    if mailboxes.iter().any(|m| m.special_use != Some(SpecialUse::All)) {
        mailboxes.retain(|m| m.special_use != Some(SpecialUse::All));
    }
    Ok(MailboxListing::new(mailboxes, all, healthy))
}

/// Whether a mailbox, or one above it, is excluded by name.
fn is_excluded(mailbox: &Mailbox, excluded: &[String]) -> bool {
    let name = mailbox.name.to_string();
    excluded.iter().any(|excluded| {
        let below = mailbox.delimiter.is_some_and(|d| {
            name.strip_prefix(excluded.as_str()).is_some_and(|rest| rest.starts_with(char::from(d)))
        });
        name == *excluded || below || (mailbox.name.is_inbox() && excluded.eq_ignore_ascii_case("inbox"))
    })
}

/// Whether a label (Gmail) keeps a message from being read.
pub(super) fn label_excludes(label: &[u8], excluded: &[String]) -> bool {
    let name = MailboxName::from_wire(label);
    let system = [&b"\\Draft"[..], b"\\Drafts", b"\\Trash", b"\\Spam", b"\\Junk"];
    system.iter().any(|s| label.eq_ignore_ascii_case(s))
        || is_excluded(&Mailbox::new(name, Some(b'/')), excluded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attributes: &[&str], name: &str) -> ListRow {
        let attributes = attributes.iter().map(|a| (*a).to_owned()).collect();
        ListRow { attributes, delimiter: Some(b'/'), name: MailboxName::encode(name) }
    }

    fn read(rows: Vec<ListRow>, excluded: &[&str]) -> Vec<String> {
        let excluded: Vec<String> = excluded.iter().map(|e| (*e).to_owned()).collect();
        let listing = chosen(&mailboxes(rows), &BTreeMap::new(), &excluded, false, true).unwrap();
        listing.mailboxes.iter().map(|m| m.name.to_string()).collect()
    }

    #[test]
    fn drafts_junk_and_trash_are_left_out_by_use_or_name_one_each() {
        let rows = vec![
            row(&[], "INBOX"),
            row(&["drafts"], "Vorlagen"),
            row(&[], "Drafts"),
            row(&[], "Papierkorb"),
            row(&[], "Projects/Junk"),
            row(&[], "Spam"),
            row(&["noselect"], "Clients"),
            row(&[], "Clients/A"),
        ];
        assert_eq!(read(rows, &[]), ["INBOX", "Drafts", "Projects/Junk", "Clients/A"]);
    }

    #[test]
    fn exclusions_reach_below_but_not_beside() {
        let rows = ["INBOX", "Private", "Private/Family", "Privately"].map(|n| row(&[], n)).to_vec();
        assert_eq!(read(rows, &["Private"]), ["INBOX", "Privately"]);
    }

    #[test]
    fn gmail_reads_the_mailbox_that_holds_every_message() {
        let rows = vec![row(&[], "INBOX"), row(&["all"], "[Gmail]/Alle Nachrichten"), row(&[], "Work")];
        let listing = chosen(&mailboxes(rows), &BTreeMap::new(), &[], true, true).unwrap();
        assert_eq!(listing.mailboxes.len(), 1);
        let hidden =
            chosen(&mailboxes(vec![row(&[], "INBOX")]), &BTreeMap::new(), &[], true, true).unwrap_err();
        assert_eq!(hidden.kind(), ErrorKind::AllMailHidden);
        assert!(label_excludes(b"\\Draft", &[]) && !label_excludes(b"\\Inbox", &[]));
    }

    #[test]
    fn an_empty_listing_is_not_healthy() {
        assert!(!chosen(&[], &BTreeMap::new(), &[], false, true).unwrap().healthy);
    }
}
