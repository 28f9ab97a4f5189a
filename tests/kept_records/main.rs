//! What stores keep by serde: `tests/fixtures/kept_records.json` holds what an earlier version wrote, and every later one reads it. Nothing
//! in it is changed. A field that is added is absent there: it takes `#[serde(default)]`, and the records built here say what is read then;
//! a record that has it is put beside the others.

mod records;
mod rows;

use std::collections::BTreeMap;
use std::fmt::Debug;

use practicemail::contract::*;
use practicemail::error::ErrorKind;
use practicemail::types::*;
use records::*;
use rows::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

const RECORDS: &str = include_str!("../fixtures/kept_records.json");

/// The records of the fixture, each to be asked for once.
struct Kept(Map<String, Value>);

impl Kept {
    fn holds<T: Serialize + DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, built: &[T]) {
        let kept = self.0.remove(name).unwrap_or_else(|| panic!("no records of {name}"));
        let written = serde_json::to_value(built).unwrap();
        assert!(says_all_of(&written, &kept), "{name} is written otherwise: {written}");
        let from_text: Vec<T> = serde_json::from_str(&kept.to_string()).unwrap();
        assert_eq!(from_text, built, "{name} is read otherwise");
        let from_document: Vec<T> = serde_json::from_value(kept).unwrap();
        assert_eq!(from_document, built, "{name} is read otherwise");
    }
}

/// Whether what is written now says all that was written before: only fields may be added.
fn says_all_of(written: &Value, before: &Value) -> bool {
    match (written, before) {
        (Value::Object(written), Value::Object(before)) => before
            .iter()
            .all(|(name, before)| written.get(name).is_some_and(|written| says_all_of(written, before))),
        (Value::Array(written), Value::Array(before)) => {
            written.len() == before.len() && written.iter().zip(before).all(|(w, b)| says_all_of(w, b))
        }
        _ => written == before,
    }
}

#[test]
fn what_was_kept_is_read_and_written_back_alike() {
    let mut kept = Kept(serde_json::from_str(RECORDS).unwrap());
    kept.holds("account_record", &accounts());
    kept.holds("covered_keys", &[covered_keys(), CoveredKeys::default()]);
    kept.holds("mailbox_state", &mailbox_states());
    kept.holds("dead_letter", &dead_letters());
    kept.holds("stored_copy", &copies().map(|copy| StoredCopy::new(key(1), copy)));
    kept.holds("page_position", &[PagePosition::new(BEFORE_1970, key(1))]);
    kept.holds("message", &[message(), Message::new(key(2), T, None, Vec::new(), Vec::new())]);
    kept.holds("change", &changes());
    kept.holds("outgoing", &outgoing());
    kept.holds(
        "outgoing_work",
        &[OutgoingWork::Deliver, OutgoingWork::Recover, OutgoingWork::Look, OutgoingWork::File],
    );
    kept.holds("tombstone", &tombstones());
    kept.holds("erased_client", &[ErasedClient::new(ClientId::from(7), true)]);
    kept.holds("mailbox_backlog", &[MailboxBacklog::new(odd_mailbox(), 3, u64::MAX)]);
    kept.holds("pause", &pauses());
    kept.holds("blob_info", &[BlobInfo::new(Digest::of(b"x"), 1)]);
    kept.holds("credential_field", &credential_fields());
    kept.holds("sealed_record", &[SealedRecord::new(3, vec![0, 255, 16])]);
    kept.holds("claim", &[Claim::new(3, 9, T)]);
    kept.holds("error_kind", ErrorKind::ALL);
    kept.holds("account_row", &account_rows());
    kept.holds("message_row", &message_rows());
    kept.holds("copy_row", &copy_rows());
    kept.holds("outgoing_row", &outgoing_rows());
    kept.holds("erased_intent", &erased_intents());
    assert!(kept.0.is_empty(), "asked for by nobody: {:?}", kept.0.keys());
}

#[test]
fn names_and_numbers_are_keys_of_maps() {
    fn check<K: Ord + Serialize + DeserializeOwned + Debug>(key: K) {
        let map = BTreeMap::from([(key, 1)]);
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(serde_json::from_str::<BTreeMap<K, i32>>(&text).unwrap(), map);
    }
    check(odd_mailbox());
    check(uid(u32::MAX));
    check(validity(1));
    check(key_digest(1));
    check(key(1));
    check(AccountId::new("ä \"1\"").unwrap());
    check(OutgoingId::from_random([7; 16]));
    check(CredentialField::Grant);
}

#[test]
fn what_is_not_valid_is_refused_and_not_quoted() {
    fn refusal<T: DeserializeOwned>(json: &str) -> String {
        let Err(error) = serde_json::from_str::<T>(json) else { panic!("{json} was read") };
        let error = error.to_string();
        assert!(!error.contains("quoted"), "{error}");
        error
    }
    refusal::<Uid>("0");
    refusal::<Uid>("4294967296");
    refusal::<UidValidity>("0");
    refusal::<UidSet>("\"0000\"");
    assert!(refusal::<AccountId>(r#""quoted\n""#).contains("control characters"));
    refusal::<ClientId>("\"\"");
    refusal::<PracticeId>(&format!("\"{}\"", "x".repeat(129)));
    for digits in ["", "quoted", "AB", "+f", "0", "00"] {
        refusal::<Digest>(&format!("{digits:?}"));
        refusal::<MessageKey>(&format!("{digits:?}"));
        refusal::<KeyDigest>(&format!("{digits:?}"));
        refusal::<OutgoingId>(&format!("{digits:?}"));
    }
    refusal::<MessageKey>(&format!("{:?}", "A".repeat(64)));
    refusal::<MailboxName>("\"quoted\"");
    refusal::<MessageId>(r#"" quoted@x""#);
    refusal::<MessageId>(r#""quoted\u0000@x""#);
    refusal::<Address>(r#"{"local": "quoted\n", "domain": "x.example"}"#);
    refusal::<Address>(r#"{"local": "quoted", "domain": "not quoted"}"#);
    refusal::<DomainName>(r#""not quoted""#);
    refusal::<ErrorKind>("\"of_tomorrow\"");
    refusal::<Field>("\"quoted\"");
    refusal::<OutgoingState>("\"quoted\"");
    refusal::<SealedRecord>(r#"{"version": 1, "octets": "quoted"}"#);
}

#[test]
fn what_was_altered_is_made_valid_where_it_can_be() {
    let clean: CleanText = serde_json::from_str(r#""a\r\n\u202eb""#).unwrap();
    assert_eq!(clean.as_str(), "a b");
    let inbox: MailboxName = serde_json::from_str("\"696e626f78\"").unwrap();
    assert!(inbox.is_inbox());
    let date: MessageDate = serde_json::from_str(r#"{"at": 1, "offset_minutes": 9999}"#).unwrap();
    assert_eq!(date, MessageDate::new(Timestamp::from_unix(1), 0));
}
