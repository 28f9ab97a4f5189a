//! Values as columns hold them, and back.

use serde::{Deserialize, Serialize};

use super::failure::{corrupt, newer};
use crate::contract::OutgoingStep;
use crate::error::{ErrorKind, Result};
pub(super) use crate::types::serial::{hex, unhex};
use crate::types::{
    AccountId, Address, Attachment, CleanText, Digest, Field, KeyDigest, MailboxName, MessageId, MessageKey,
    OutgoingId, Participant, PracticeId, Timestamp, Uid, UidSet, UidValidity,
};

pub(super) fn practice(text: String) -> Result<PracticeId> {
    PracticeId::new(text).map_err(|_| corrupt("a practice's id"))
}

pub(super) fn account(text: String) -> Result<AccountId> {
    AccountId::new(text).map_err(|_| corrupt("an account's id"))
}

pub(super) fn digest(octets: &[u8]) -> Result<Digest> {
    Digest::from_slice(octets).ok_or_else(|| corrupt("a digest"))
}

pub(super) fn message_key(octets: &[u8]) -> Result<MessageKey> {
    MessageKey::from_slice(octets).ok_or_else(|| corrupt("a message's key"))
}

pub(super) fn key(octets: &[u8]) -> Result<KeyDigest> {
    KeyDigest::from_slice(octets).ok_or_else(|| corrupt("a match key"))
}

pub(super) fn uid(number: i64) -> Result<Uid> {
    u32::try_from(number).ok().and_then(Uid::new).ok_or_else(|| corrupt("a UID"))
}

pub(super) fn uid_validity(number: i64) -> Result<UidValidity> {
    u32::try_from(number).ok().and_then(UidValidity::new).ok_or_else(|| corrupt("a UIDVALIDITY"))
}

pub(super) fn uid_set(octets: &[u8]) -> Result<UidSet> {
    UidSet::from_bytes(octets).ok_or_else(|| corrupt("a set of UIDs"))
}

pub(super) fn small(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| corrupt("a number"))
}

pub(super) fn seconds(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_unix)
}

pub(super) fn error_kind(name: &str) -> Result<ErrorKind> {
    ErrorKind::ALL
        .iter()
        .copied()
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| newer("a kind of failure"))
}

pub(super) fn outgoing_id(octets: &[u8]) -> Result<OutgoingId> {
    OutgoingId::from_slice(octets).ok_or_else(|| corrupt("an intent's id"))
}

pub(super) fn outgoing_step(name: &str) -> Result<OutgoingStep> {
    let named = OutgoingStep::ALL.into_iter().find(|step| step.as_str() == name);
    named.ok_or_else(|| newer("a step of an intent"))
}

pub(super) fn message_id(text: &str) -> Result<MessageId> {
    MessageId::from_stored(text).ok_or_else(|| corrupt("a Message-ID"))
}

/// Writes a list as JSON.
pub(super) fn json<T: Serialize>(list: &[T]) -> Result<String> {
    serde_json::to_string(list).map_err(|_| corrupt("a list"))
}

/// Reads a list. What the parser complains about is left out: it quotes the text.
pub(super) fn from_json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<Vec<T>> {
    serde_json::from_str(text).map_err(|_| corrupt("a list"))
}

pub(super) fn keys_to_json<'a>(keys: impl IntoIterator<Item = &'a KeyDigest>) -> Result<String> {
    json(&keys.into_iter().map(|key| hex(key.as_bytes())).collect::<Vec<_>>())
}

/// Of 16 octets each.
pub(super) fn keys_to_octets<'a>(keys: impl IntoIterator<Item = &'a KeyDigest>) -> Vec<u8> {
    keys.into_iter().flat_map(|key| *key.as_bytes()).collect()
}

pub(super) fn participants_to_json<'a>(list: impl IntoIterator<Item = &'a Participant>) -> Result<String> {
    let row = |p: &'a Participant| {
        (p.field.as_str(), p.address.local(), p.address.domain().as_str(), p.name.as_str())
    };
    json(&list.into_iter().map(row).collect::<Vec<_>>())
}

pub(super) fn participants(text: &str) -> Result<Vec<Participant>> {
    let read = |(field, local, domain, name): (String, String, String, String)| {
        let field = Field::parse(&field).ok_or_else(|| newer("a field"))?;
        let address = Address::from_parts(&local, &domain).map_err(|_| corrupt("an address"))?;
        Ok(Participant::new(field, address, CleanText::new(&name)))
    };
    from_json(text)?.into_iter().map(read).collect()
}

pub(super) fn attachments_to_json(list: &[Attachment]) -> Result<String> {
    let row = |a: &Attachment| {
        let content_id = a.content_id.as_ref().map(|id| id.as_str().to_owned());
        (a.name.as_str().to_owned(), a.content_type.as_str().to_owned(), a.size, content_id)
    };
    json(&list.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn attachments(text: &str) -> Result<Vec<Attachment>> {
    let read = |(name, content_type, size, content_id): (String, String, u64, Option<String>)| {
        let mut attachment = Attachment::new(CleanText::new(&name), CleanText::new(&content_type), size);
        attachment.content_id = content_id.map(|id| CleanText::new(&id));
        attachment
    };
    Ok(from_json(text)?.into_iter().map(read).collect())
}

pub(super) fn message_ids_to_json(list: &[MessageId]) -> Result<String> {
    json(&list.iter().map(MessageId::as_str).collect::<Vec<_>>())
}

pub(super) fn message_ids(text: &str) -> Result<Vec<MessageId>> {
    from_json::<String>(text)?.iter().map(|id| message_id(id)).collect()
}

/// Names of mailboxes are octets, which JSON cannot hold.
pub(super) fn labels_to_json(list: &[MailboxName]) -> Result<String> {
    json(&list.iter().map(|name| hex(name.as_wire())).collect::<Vec<_>>())
}

pub(super) fn labels(text: &str) -> Result<Vec<MailboxName>> {
    let read = |digits: &String| unhex(digits).map(MailboxName::from_wire).ok_or_else(|| corrupt("a label"));
    from_json::<String>(text)?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_back() {
        let odd = Address::from_parts("a \"b\\@", "example.org").unwrap();
        let people = vec![Participant::new(Field::OriginalFrom, odd, CleanText::new("Ä \" ,"))];
        assert_eq!(participants(&participants_to_json(&people).unwrap()).unwrap(), people);

        let names = vec![MailboxName::from_wire(b"x\xff\0".to_vec()), MailboxName::from_wire(Vec::new())];
        assert_eq!(labels(&labels_to_json(&names).unwrap()).unwrap(), names);

        let mut inline =
            Attachment::new(CleanText::file_name("../a.png"), CleanText::new("image/png"), u64::MAX);
        inline.content_id = Some(CleanText::new("id@x"));
        assert_eq!(attachments(&attachments_to_json(&[inline.clone()]).unwrap()).unwrap(), [inline]);
    }
}
