//! One record and more of each kind, with everything filled and odd values in it.

use std::collections::BTreeSet;

use practicemail::contract::*;
use practicemail::error::ErrorKind;
use practicemail::settings::{
    AccountSettings, AttachmentKeeping, Login, OAuthProvider, Reading, ServerSettings, Sharing, TlsMode,
};
use practicemail::types::*;

pub(crate) const T: Timestamp = Timestamp::from_unix(1_771_000_000);
pub(crate) const BEFORE_1970: Timestamp = Timestamp::from_unix(-1);

pub(crate) fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

pub(crate) fn validity(number: u32) -> UidValidity {
    UidValidity::new(number).unwrap()
}

pub(crate) fn key(number: u8) -> MessageKey {
    MessageKey::from_slice(&[number; 32]).unwrap()
}

pub(crate) fn key_digest(number: u8) -> KeyDigest {
    KeyDigest::from_slice(&[number; 16]).unwrap()
}

pub(crate) fn practice() -> PracticeId {
    PracticeId::new("Müller & \"Co\"").unwrap()
}

pub(crate) fn account() -> AccountId {
    AccountId::from(-1)
}

/// Neither UTF-8 nor anything a command could say.
pub(crate) fn odd_mailbox() -> MailboxName {
    MailboxName::from_wire(b"Kanzlei/\xff\0\n&".to_vec())
}

/// Its text needs quotes.
pub(crate) fn odd_address() -> Address {
    Address::from_parts("a \"b\\@ü", "Exämple.DE").unwrap()
}

pub(crate) fn plain_address() -> Address {
    Address::parse("Paula+tax@bakery.example").unwrap()
}

pub(crate) fn message_ids() -> Vec<MessageId> {
    ["<1@bakery.example>", "<a<b@x>", "a>b@x"].map(|id| MessageId::parse(id).unwrap()).to_vec()
}

pub(crate) fn place() -> CopyPlace {
    CopyPlace::new(account(), odd_mailbox(), validity(u32::MAX), uid(7))
}

pub(crate) fn accounts() -> [AccountRecord; 3] {
    let server = ServerSettings::new("imap.bakery.example", 993, TlsMode::Implicit).unwrap();
    let login = Login::new("anna").unwrap();
    let settings = AccountSettings::new(server.clone(), login.clone());
    let settled = settings
        .clone()
        .sending(server, login)
        .authorized_by(OAuthProvider::Microsoft)
        .reading(Reading::Pends)
        .sent_mailbox("Gesendet")
        .excluding("Privat")
        .sharing(Sharing::HeadersOnly)
        .keeping(AttachmentKeeping::UpTo(1_000))
        .authenticated_by("mx.bakery.example");
    let user = UserId::new("anna").unwrap();
    let mut health = AccountHealth::default();
    let account = NewAccount::new(practice(), account(), user, odd_address(), settings);
    let connected =
        AccountRecord::new(account.clone(), AccountState::Connected, u64::MAX - 1, health.clone());
    health.last_attempt = Some(T);
    health.last_success = Some(BEFORE_1970);
    health.failure = Some(ErrorKind::AuthenticationFailed);
    health.failure_message = Some("the server said: no".to_owned());
    health.not_before = Some(T.plus(60));
    let mut full = account.clone();
    full.settings = settled;
    let off = AccountRecord::new(full, AccountState::SwitchedOff, 1, health);
    [connected, off, AccountRecord::new(account, AccountState::Disconnected, 2, AccountHealth::default())]
}

pub(crate) fn covered_keys() -> CoveredKeys {
    let mut keys = CoveredKeys::default();
    keys.covered = BTreeSet::from([key_digest(1), key_digest(0xfe)]);
    keys.pending = BTreeSet::from([key_digest(2)]);
    keys.policy = Some(Digest::of(b"rules"));
    keys.revision = "7".into();
    keys
}

pub(crate) fn mailbox_states() -> [MailboxState; 2] {
    let mut cursor = Cursor::new(validity(1));
    cursor.seen = [1, 2, 3, 5, u32::MAX].into_iter().map(uid).collect();
    cursor.history = Some(UidSet::new());
    cursor.status = Some(MailboxStatus::new(9, 0, Some(validity(1)), Some(ModSeq(u64::MAX))));
    cursor.look_again_at = Some(T);
    let reasons =
        [GapReason::NotAnswered, GapReason::Refused, GapReason::Empty, GapReason::WrongSize].into_iter();
    let gaps = (1..).zip(reasons).map(|(n, reason)| Gap::new(uid(n), reason, n, T)).collect();
    [
        MailboxState::new(odd_mailbox(), cursor, gaps),
        MailboxState::new(MailboxName::encode("INBOX"), Cursor::new(validity(2)), Vec::new()),
    ]
}

pub(crate) fn dead_letters() -> [DeadLetter; 2] {
    let mut full = DeadLetter::new(place(), "the store does not take it", T);
    full.message_id = message_ids().pop();
    full.octets = Some((Digest::of(b"octets"), 6));
    full.internal_date = Some(BEFORE_1970);
    full.labels = vec![odd_mailbox()];
    [full, DeadLetter::new(place(), "", T)]
}

pub(crate) fn copies() -> [Copy; 3] {
    let plain = Copy::new(place(), Digest::of(b"whole"), u64::MAX, None);
    let mut cut = Copy::new(place(), Digest::of(b"cut"), 9, Some(T));
    let cuts = vec![Cut::new(0, 10, 20, Digest::of(b"part")), Cut::new(u32::MAX, 40, 1, Digest::of(b"p"))];
    cut.kept = Kept::WithoutAttachments { stored: Digest::of(b"rest"), cuts };
    cut.labels = vec![odd_mailbox(), MailboxName::from_wire(Vec::new())];
    cut.authenticity = Authenticity::Pass;
    cut.state = CopyState::Missing { since: T };
    let mut beginning = plain.clone();
    beginning.kept = Kept::Beginning;
    beginning.authenticity = Authenticity::Fail;
    beginning.state = CopyState::Gone { since: BEFORE_1970 };
    [plain, cut, beginning]
}

pub(crate) fn message() -> Message {
    let participant = |field| Participant::new(field, odd_address(), CleanText::new("Ä \" ,"));
    let mut parsed = ParsedMessage::default();
    parsed.headers.participants = Field::ALL.map(participant).to_vec();
    parsed.headers.date = Some(MessageDate::new(T, -570));
    parsed.subject = CleanText::new("Jahresabschluß 😀");
    parsed.text = "a\n\tb\u{2028}".into();
    parsed.html = Some("<p>a</p>".to_owned());
    let mut inline = Attachment::new(CleanText::file_name("../ä.png"), CleanText::new("image/png"), u64::MAX);
    inline.content_id = Some(CleanText::new("logo@x"));
    parsed.attachments = vec![inline, Attachment::new(CleanText::default(), CleanText::default(), 0)];
    parsed.in_reply_to = message_ids().pop();
    parsed.references = message_ids();
    parsed.unparsed = Some("too deep");
    (parsed.automatic, parsed.incomplete) = (true, true);
    let full = Rendition::of(Digest::of(b"full"), &parsed);
    let empty = Rendition::of(Digest::of(b"empty"), &ParsedMessage::default());
    let user = UserId::new("anna").unwrap();
    let copies = copies().map(|copy| {
        let mut copy = MessageCopy::new(copy, user.clone(), full.digest, vec![participant(Field::Bcc)]);
        copy.headers_only = true;
        copy
    });
    let id = message_ids().into_iter().nth(1);
    let mut message = Message::new(key(1), T, id, vec![full, empty], copies.to_vec());
    message.conversation = ConversationId::begun_by(key(2));
    message.arrival = 41;
    message.hidden_by = vec![user];
    message
}

pub(crate) fn changes() -> Vec<Change> {
    let mut kinds = vec![
        ChangeKind::MessageArchived(key(1)),
        ChangeKind::CopyArchived(key(1)),
        ChangeKind::CopyMissing(key(1)),
        ChangeKind::CopyGone(key(1)),
        ChangeKind::DeadLetter,
        ChangeKind::SettingsChanged,
        ChangeKind::AccountConnected,
        ChangeKind::AccountDisconnected,
        ChangeKind::AccountSwitchedOff,
        ChangeKind::AccountSwitchedOn,
        ChangeKind::AccountErased,
        ChangeKind::MessageErased(key(1)),
        ChangeKind::MessageHidden(key(1)),
        ChangeKind::MessageShown(key(1)),
        ChangeKind::Exported,
        ChangeKind::AccountFailed(ErrorKind::StartTlsUnavailable),
        ChangeKind::AccountRecovered,
    ];
    let id = OutgoingId::from_random([7; 16]);
    kinds.extend(OutgoingStep::ALL.map(|step| ChangeKind::Outgoing(id, step)));
    let change = |(n, kind)| Change::new(n, T, Some(account()), kind).by(Some(UserId::from(1)));
    let mut changes: Vec<Change> = (1..).zip(kinds).map(change).collect();
    changes.push(Change::new(u64::MAX, BEFORE_1970, None, ChangeKind::Exported));
    changes
}

/// One for each state, filing and policy; the first has nothing that need not be there, the others have everything.
pub(crate) fn outgoing() -> Vec<Outgoing> {
    let new = |route| {
        let composed = ComposedMessage {
            message: key(3),
            message_id: message_ids().remove(1),
            rendition: Digest::of(b"rendition"),
            octets: BlobInfo::new(Digest::of(b"octets"), 6),
            reverse_path: odd_address(),
        };
        let id = OutgoingId::from_random([0xab; 16]);
        let recipients =
            vec![(Field::To, plain_address()), (Field::Cc, odd_address()), (Field::Bcc, plain_address())];
        NewOutgoing::new(practice(), id, UserId::from(1), route, composed, recipients)
    };
    let bare = Outgoing::new(new(Route::Noreply), T);
    let full = |(n, state): (usize, OutgoingState)| {
        let mut message = new(Route::Own(account()));
        message.key = Some("reminder 1".to_owned());
        message.draft = Digest::of(b"draft");
        message.policy = RecipientPolicy::AcceptedOnes;
        message.not_before = Some(T);
        let mut full = Outgoing::new(message, T);
        full.state = state;
        for (recipient, state) in full.recipients.iter_mut().zip(RecipientState::ALL) {
            recipient.state = state;
            recipient.reply = "250 ok".into();
            recipient.bounce = Some(Bounce::new(
                state == RecipientState::Refused,
                Some("5.1.1".to_owned()),
                "no such user",
                T,
            ));
        }
        full.attempts = 2;
        full.held = true;
        full.sent_at = Some(T);
        full.failure = Some((ErrorKind::RecipientRefused, "550 no such user".to_owned()));
        full.decide_after = Some(T);
        full.filing = Filing::ALL[n % 4];
        full.filed = Some(FiledCopy::new(odd_mailbox(), (n > 0).then(|| (validity(1), uid(2)))));
        full
    };
    [bare].into_iter().chain(OutgoingState::ALL.into_iter().enumerate().map(full)).collect()
}

pub(crate) fn tombstones() -> [Tombstone; 5] {
    [
        Tombstone::new(EraseReason::Message, T, Bars::ForEver),
        Tombstone::new(EraseReason::Client, T, Bars::UntilClientIsBack(ClientId::from(7))),
        Tombstone::new(EraseReason::User, BEFORE_1970, Bars::Nothing),
        Tombstone::new(EraseReason::Unlisted, T, Bars::Until(T)),
        Tombstone::new(EraseReason::Retention, T, Bars::ForEver),
    ]
}

pub(crate) fn pauses() -> [Pause; 4] {
    [
        Pause::new(PauseScope::Everything, ""),
        Pause::new(PauseScope::Provider("gmail".to_owned()), "throttled").until(T),
        Pause::new(PauseScope::Practice(practice()), "moves"),
        Pause::new(PauseScope::Account(practice(), account()), "asked for"),
    ]
}

pub(crate) fn credential_fields() -> [CredentialField; 6] {
    [
        CredentialField::IncomingPassword,
        CredentialField::OutgoingPassword,
        CredentialField::OutgoingToken,
        CredentialField::Grant,
        CredentialField::PendingAuthorization,
        CredentialField::ClientSecret,
    ]
}
