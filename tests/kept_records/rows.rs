//! Rows of `storage::rules`, filled by the steps they take.

use practicemail::contract::*;
use practicemail::storage::rules::*;
use practicemail::types::*;

use crate::records::*;

/// One that is being read, and one that was just connected.
pub(crate) fn account_rows() -> [AccountRow; 2] {
    let [record, ..] = accounts();
    let fresh = AccountRow::new(record.account.clone(), T);
    let mut read = fresh.clone();
    read.connect(&record.account, &practicemail::settings::PracticeSettings::default(), T);
    let fence = read.acquire("worker 1", 60, T).unwrap();
    read.check(&fence, T).unwrap();
    read.set_backlog(&[MailboxBacklog::new(odd_mailbox(), 3, 9)]);
    let [state, ..] = mailbox_states();
    let mut window = Window::new(odd_mailbox(), validity(1));
    window.seen.insert(uid(1));
    window.gaps = state.gaps;
    window.octets_read = 7;
    window.left = Some(2);
    read.advance(&window, T).unwrap();
    let mut change = CoverageChange::default();
    change.pend.insert(key_digest(1));
    read.change_coverage(&change).unwrap();
    read.hints = String::from("{}");
    read.files_copies = Some(true);
    [read, fresh]
}

fn archived() -> ArchivedCopy {
    let [copy, ..] = copies();
    let mut parsed = ParsedMessage::default();
    parsed.headers.message_id = message_ids().into_iter().next();
    let bcc = Participant::new(Field::Bcc, odd_address(), CleanText::new("A Name"));
    parsed.headers.participants = vec![Participant::new(Field::To, plain_address(), CleanText::new("")), bcc];
    parsed.text = String::from("Some text");
    let mut archived = ArchivedCopy::new(key(1), T, parsed, copy, [key_digest(1)].into());
    archived.thread = Some("17".to_owned());
    archived
}

pub(crate) fn copy_rows() -> [CopyRow; 1] {
    [CopyRow::new(key(1), &archived())]
}

pub(crate) fn message_rows() -> [MessageRow; 1] {
    let archived = archived();
    let content = Content::of_copy(key(1), &archived);
    let mut row = MessageRow::new(&content, ConversationId::begun_by(key(2)), 5);
    row.take_up(&content);
    row.places.insert(archived.copy.place.clone());
    row.sent_keys.insert(key_digest(1));
    row.hidden_by.insert(UserId::from(3));
    [row]
}

/// One that is being handed over, and one that waits.
pub(crate) fn outgoing_rows() -> [OutgoingRow; 2] {
    let item = outgoing().into_iter().next().expect("an intent");
    let waits = OutgoingRow::new(item);
    let mut claimed = waits.clone();
    claimed.take(HeldClaim::new(OutgoingWork::Deliver, T, 4), T);
    [claimed, waits]
}

pub(crate) fn erased_intents() -> Vec<ErasedIntent> {
    let secret = PracticeSecret::from_slice(&[7; 32]).expect("a secret");
    outgoing().iter().take(2).map(|intent| ErasedIntent::of(intent, &secret)).collect()
}
