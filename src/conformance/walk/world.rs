//! The small world of a walk: few of everything, so that much meets.

use crate::conformance::check::{Outcome, present};
use crate::contract::NewAccount;
use crate::settings::{AccountSettings, Login, OAuthProvider, ServerSettings, Sharing, TlsMode};
use crate::types::{
    AccountId, Address, AddressingHeaders, CleanText, ClientId, CopyPlace, Digest, Field, KeyDigest,
    MailboxName, MatchKey, MessageId, MessageKey, OutgoingId, Participant, PracticeId, Uid, UidValidity,
    UserId,
};

/// Accounts: all but the last are the first practice's, and the last bears the first one's id in the second practice.
pub(super) const ACCOUNTS: u8 = 4;
pub(super) const MESSAGES: u8 = 6;
pub(super) const PEOPLE: u8 = 4;
pub(super) const USERS: u8 = 3;
pub(super) const UIDS: u8 = 5;
/// Intents: the last is the second practice's, under the id of the first one.
pub(super) const INTENTS: u8 = 5;

/// Words that engines may cut, fold or count differently.
const WORDS: [&str; 20] = [
    "tax",
    "taxes",
    "VAT",
    "Müller",
    "mu\u{308}ller",
    "ΟΔΟΣ",
    "οδος",
    "straße",
    "東京都",
    "क्षेत्र",
    "🅐b",
    "Ⓐ",
    "x1",
    "q3/2025",
    "a'b",
    "O_R",
    "\u{1e9e}",
    "\u{16a0}\u{16a1}",
    "\u{10fe00}k",
    "ﬁne",
];
pub(super) const WORD_COUNT: u8 = 20;

pub(super) fn practice(second: bool) -> Outcome<PracticeId> {
    Ok(PracticeId::new(if second { "q" } else { "p" })?)
}

pub(super) fn account(number: u8) -> Outcome<(PracticeId, AccountId)> {
    let second = number + 1 == ACCOUNTS;
    let name = if second { "a0".to_owned() } else { format!("a{number}") };
    Ok((practice(second)?, AccountId::new(name)?))
}

pub(super) fn intent(number: u8) -> Outcome<(PracticeId, OutgoingId)> {
    let second = number + 1 == INTENTS;
    Ok((practice(second)?, OutgoingId::from_random([if second { 0 } else { number }; 16])))
}

/// A second id for an intent.
pub(super) fn another_id(number: u8) -> OutgoingId {
    OutgoingId::from_random([number.wrapping_add(100); 16])
}

pub(super) fn user(number: u8) -> Outcome<UserId> {
    Ok(UserId::new(format!("u{number}"))?)
}

pub(super) fn client(number: u8) -> Outcome<ClientId> {
    Ok(ClientId::new(format!("c{number}"))?)
}

pub(super) fn address(number: u8) -> Outcome<Address> {
    Ok(Address::parse(&format!("person{number}@example.org"))?)
}

pub(super) fn key(number: u8) -> Outcome<KeyDigest> {
    Ok(MatchKey::Address(address(number)?.key()).digest())
}

pub(super) fn participant(field: Field, number: u8) -> Outcome<Participant> {
    Ok(Participant::new(field, address(number)?, CleanText::new("Some Name")))
}

pub(super) fn message_id(number: u8) -> Outcome<MessageId> {
    present("a Message-ID", MessageId::parse(&format!("{number}@x")))
}

pub(super) fn headers(number: u8) -> Outcome<AddressingHeaders> {
    Ok(AddressingHeaders { message_id: Some(message_id(number)?), ..AddressingHeaders::default() })
}

pub(super) fn message(number: u8) -> Outcome<MessageKey> {
    present("a message's identity", MessageKey::of_headers(&headers(number)?))
}

pub(super) fn rendition(message: u8, number: u8) -> Digest {
    Digest::of(&[message, number])
}

pub(super) fn mailbox(number: u8) -> MailboxName {
    MailboxName::from_wire(match number {
        0 => "INBOX",
        1 => "Sent",
        _ => "Ablage &- &APw-",
    })
}

pub(super) fn validity(number: u8) -> Outcome<UidValidity> {
    present("a UIDVALIDITY", UidValidity::new(u32::from(number) + 1))
}

pub(super) fn uid(number: u8) -> Outcome<Uid> {
    present("a UID", Uid::new(u32::from(number) + 1))
}

/// A place of an account.
pub(super) fn place(of: u8, (box_number, valid, number): (u8, u8, u8)) -> Outcome<CopyPlace> {
    Ok(CopyPlace::new(account(of)?.1, mailbox(box_number), validity(valid)?, uid(number)?))
}

pub(super) fn said(words: &[u8]) -> String {
    let word = |number: &u8| WORDS.get(usize::from(*number)).copied().unwrap_or_default();
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// An account of the user of its number.
pub(super) fn new_account(number: u8, headers_only: bool, by_google: bool) -> Outcome<NewAccount> {
    let (practice, id) = account(number)?;
    let settings = settings(headers_only, by_google)?;
    Ok(NewAccount::new(practice, id, user(number % USERS)?, address(number % PEOPLE)?, settings))
}

pub(super) fn settings(headers_only: bool, by_google: bool) -> Outcome<AccountSettings> {
    let host = if by_google { "imap.gmail.com" } else { "imap.example.org" };
    let server = ServerSettings::new(host, 993, TlsMode::Implicit)?;
    let settings = AccountSettings::new(server, Login::new("anna")?);
    let settings = settings.sharing(if headers_only { Sharing::HeadersOnly } else { Sharing::Full });
    Ok(if by_google { settings.authorized_by(OAuthProvider::Google) } else { settings })
}
