//! Which mailbox holds what was sent, and where one is made when there is none.

use crate::error::{Error, ErrorKind, Result};
use crate::types::{Mailbox, MailboxName, SpecialUse};

/// The name of a mailbox that is made.
const NAME: &str = "Sent";

/// The mailbox for what was sent, where there is one: the chosen one, else the one of that use.
pub(super) fn existing(all: &[Mailbox], chosen: Option<&str>) -> Result<Option<MailboxName>> {
    let Some(chosen) = chosen.map(str::trim).filter(|name| !name.is_empty()) else {
        let sent = all.iter().find(|m| m.selectable && m.special_use == Some(SpecialUse::Sent));
        return Ok(sent.map(|m| m.name.clone()));
    };
    let named = |m: &&Mailbox| {
        m.selectable
            && (m.name.to_string() == chosen || m.name.is_inbox() && chosen.eq_ignore_ascii_case("inbox"))
    };
    let missing =
        || Error::new(ErrorKind::NotFound, "the mailbox that was chosen for what is sent does not exist");
    all.iter().find(named).map(|m| Some(m.name.clone())).ok_or_else(missing)
}

/// The names under which one may be made, the likeliest first.
///
/// Some servers keep everything below INBOX. They are known by that everything is; where nothing is there yet, by that they
/// refuse a name beside it.
pub(super) fn new_names(all: &[Mailbox]) -> Vec<MailboxName> {
    let beside = MailboxName::encode(NAME);
    let delimiter = all.iter().find_map(|m| m.delimiter).filter(u8::is_ascii_graphic);
    let below = delimiter.map(|d| MailboxName::encode(&format!("INBOX{}{NAME}", char::from(d))));
    let is_below = |m: &&Mailbox| {
        let (inbox, rest) = m.name.as_wire().split_at_checked(5).unwrap_or_default();
        inbox.eq_ignore_ascii_case(b"INBOX") && rest.first().copied() == m.delimiter && !rest.is_empty()
    };
    let mut others = all.iter().filter(|m| !m.name.is_inbox()).peekable();
    let names = match (others.peek().is_some(), others.all(|m| is_below(&m)), below) {
        (true, true, Some(below)) => vec![below],
        (false, _, Some(below)) => vec![beside, below],
        _ => vec![beside],
    };
    // What is there and was not taken is used for something else, or cannot hold messages.
    names.into_iter().filter(|name| !all.iter().any(|m| m.selectable && m.name == *name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailboxes(names: &[&str]) -> Vec<Mailbox> {
        names.iter().map(|name| Mailbox::new(MailboxName::encode(name), Some(b'.'))).collect()
    }

    fn new(names: &[&str]) -> Vec<String> {
        new_names(&mailboxes(names)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_new_one_stands_where_the_others_stand() {
        assert_eq!(new(&["INBOX", "Drafts"]), ["Sent"]);
        assert_eq!(new(&["INBOX", "INBOX.Drafts", "inbox.Clients"]), ["INBOX.Sent"]);
        assert_eq!(new(&["INBOX", "INBOX.Drafts", "INBOXES"]), ["Sent"]);
        assert_eq!(new(&["INBOX"]), ["Sent", "INBOX.Sent"]);
        assert_eq!(new(&[]), ["Sent"]);
        assert_eq!(new(&["INBOX", "Sent"]), [""; 0]);
    }

    #[test]
    fn the_chosen_one_is_taken_as_people_write_it_and_never_replaced() {
        let mut all = mailboxes(&["INBOX", "Gesendet", "Entwürfe", "Archiv"]);
        all[1].special_use = Some(SpecialUse::Sent);
        all[3].selectable = false;
        let taken = |chosen| existing(&all, chosen).map(|name| name.map(|name| name.to_string()));
        assert_eq!(taken(None).unwrap().as_deref(), Some("Gesendet"));
        assert_eq!(taken(Some(" Entwürfe ")).unwrap().as_deref(), Some("Entwürfe"));
        assert_eq!(taken(Some("Inbox")).unwrap().as_deref(), Some("INBOX"));
        assert_eq!(taken(Some(" ")).unwrap().as_deref(), Some("Gesendet"));
        for missing in ["gesendet", "Archiv", "Sent"] {
            assert_eq!(taken(Some(missing)).unwrap_err().kind(), ErrorKind::NotFound, "{missing}");
        }
    }
}
