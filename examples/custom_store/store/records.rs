//! What is kept, under which key, and by what it is found.

use practicemail::contract::{
    AccountState, Change, Claim, CredentialField, DeadLetter, OutgoingState, Pause, SealedRecord, Tombstone,
};
use practicemail::settings::PracticeSettings;
use practicemail::storage::rules::{AccountRow, CopyRow, ErasedIntent, MessageRow, OutgoingRow};
use practicemail::types::{
    AccountId, ClientId, ConversationId, Digest, MessageId, MessageKey, PracticeId, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::engine::Record;
use super::keys::{self, Key, Kind};

impl Record for AccountRow {
    fn key(&self, practice: &PracticeId) -> Key {
        keys::account(practice, &self.record.account.id)
    }

    /// The schedule is one for all practices: by when an account is due, and by when its lease ends.
    fn entries(&self, practice: &PracticeId) -> Vec<Key> {
        if self.record.state != AccountState::Connected {
            return Vec::new();
        }
        let entry = |kind, time| {
            Key::of_all(kind).time(time).text(practice.as_str()).text(self.record.account.id.as_str())
        };
        let due = self.plan.next_due.map(|due| entry(Kind::Due, due));
        let held = self.lease.as_ref().map(|lease| entry(Kind::Held, lease.until));
        due.into_iter().chain(held).collect()
    }
}

impl Record for MessageRow {
    fn key(&self, practice: &PracticeId) -> Key {
        keys::message(practice, self.key)
    }

    /// By each key in the order of time (S8), by what it names and in which conversation, by its conversation, and by its Message-ID.
    fn entries(&self, practice: &PracticeId) -> Vec<Key> {
        let own = |entry: Key| entry.octets(self.key.as_bytes());
        let posting = |key| Key::of(Kind::Posting, practice).octets(key).time(self.sort_time);
        let postings = self.keys.iter().map(|key| own(posting(key.as_bytes())));
        let conversation = self.conversation.as_bytes();
        let links = self.links.iter().map(|link| own(linked(practice, link).octets(conversation)));
        let message_id = self.message_id.iter().map(|id| own(bearing(practice, id)));
        let member = own(members(practice, self.conversation).number(self.arrival));
        postings.chain(links).chain(message_id).chain([member]).collect()
    }
}

/// What names this link.
pub(crate) fn linked(practice: &PracticeId, link: &str) -> Key {
    Key::of(Kind::Link, practice).octets(Digest::of(link.as_bytes()).as_bytes())
}

/// What bears this Message-ID.
pub(crate) fn bearing(practice: &PracticeId, id: &MessageId) -> Key {
    Key::of(Kind::MessageId, practice).octets(Digest::of(id.as_str().as_bytes()).as_bytes())
}

/// The messages of a conversation, the oldest first.
pub(crate) fn members(practice: &PracticeId, conversation: ConversationId) -> Key {
    Key::of(Kind::Member, practice).octets(conversation.as_bytes())
}

impl Record for CopyRow {
    fn key(&self, practice: &PracticeId) -> Key {
        keys::copy(practice, &self.copy.place)
    }

    fn entries(&self, practice: &PracticeId) -> Vec<Key> {
        let own = self.key(practice);
        vec![keys::naming(practice, &self.copy.blob()).octets(own.as_slice())]
    }
}

impl Record for DeadLetter {
    fn key(&self, practice: &PracticeId) -> Key {
        keys::place(Kind::DeadLetter, practice, &self.place)
    }

    fn entries(&self, practice: &PracticeId) -> Vec<Key> {
        let own = self.key(practice);
        self.octets.iter().map(|(sha, _)| keys::naming(practice, sha).octets(own.as_slice())).collect()
    }
}

/// A conversation that turned out to be part of another.
#[derive(Serialize, Deserialize)]
pub(crate) struct Alias {
    pub(crate) from: ConversationId,
    pub(crate) target: ConversationId,
}

impl Alias {
    pub(crate) fn key_of(practice: &PracticeId, from: ConversationId) -> Key {
        Key::of(Kind::Alias, practice).octets(from.as_bytes())
    }

    /// The aliases of a conversation.
    pub(crate) fn naming(practice: &PracticeId, target: ConversationId) -> Key {
        Key::of(Kind::Target, practice).octets(target.as_bytes())
    }
}

impl Record for Alias {
    fn key(&self, practice: &PracticeId) -> Key {
        Self::key_of(practice, self.from)
    }

    fn entries(&self, practice: &PracticeId) -> Vec<Key> {
        vec![Self::naming(practice, self.target).octets(self.from.as_bytes())]
    }
}

impl Record for PracticeSettings {
    fn key(&self, practice: &PracticeId) -> Key {
        Key::of(Kind::Settings, practice)
    }
}

impl Record for Change {
    fn key(&self, practice: &PracticeId) -> Key {
        Key::of(Kind::Change, practice).number(self.sequence)
    }
}

/// An intent, and its place in the order in which they were queued.
#[derive(Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) number: u64,
    pub(crate) row: OutgoingRow,
}

impl Record for Intent {
    fn key(&self, practice: &PracticeId) -> Key {
        keys::intent(practice, self.row.item.message.id)
    }

    fn entries(&self, practice: &PracticeId) -> Vec<Key> {
        let (item, message) = (&self.row.item, &self.row.item.message);
        let id = message.id.as_bytes();
        let own = self.key(practice);
        let mut entries = vec![
            Key::of(Kind::Queued, practice).number(self.number).octets(id),
            Key::of(Kind::SentAs, practice).octets(message.message.as_bytes()).octets(id),
            sent_bearing(practice, &message.message_id).octets(id),
            keys::naming(practice, &message.octets.sha256).octets(own.as_slice()),
        ];
        entries.extend(message.key.iter().map(|key| host_key(practice, key).octets(id)));
        entries.extend(item.sent_at.map(|at| keys::sent_by(practice, &message.route).time(at).octets(id)));
        if item.next_try.is_some() || item.state == OutgoingState::Sending {
            entries.push(Key::of(Kind::Open, practice).octets(id));
        }
        entries
    }
}

/// The intents whose message bears this Message-ID.
pub(crate) fn sent_bearing(practice: &PracticeId, id: &MessageId) -> Key {
    Key::of(Kind::SentBearing, practice).octets(Digest::of(id.as_str().as_bytes()).as_bytes())
}

/// The intent that was given this key.
pub(crate) fn host_key(practice: &PracticeId, key: &str) -> Key {
    Key::of(Kind::HostKey, practice).wire(key.as_bytes())
}

impl Record for ErasedIntent {
    fn key(&self, practice: &PracticeId) -> Key {
        Key::of(Kind::ErasedIntent, practice).octets(self.id.as_bytes())
    }

    /// Its key stays given, and it goes on to count.
    fn entries(&self, practice: &PracticeId) -> Vec<Key> {
        let id = self.id.as_bytes();
        let key = self.key.iter().map(|key| host_key(practice, key).octets(id));
        let sent = self.sent_at.iter().map(|at| keys::sent_by(practice, &self.route).time(*at).octets(id));
        key.chain(sent).collect()
    }
}

/// The trace of an erased message.
#[derive(Serialize, Deserialize)]
pub(crate) struct Grave {
    pub(crate) message: Digest,
    pub(crate) message_id: Option<Digest>,
    pub(crate) tombstone: Tombstone,
}

impl Grave {
    pub(crate) fn key_of(practice: &PracticeId, message: &Digest) -> Key {
        Key::of(Kind::Tombstone, practice).octets(message.as_bytes())
    }

    pub(crate) fn bearing(practice: &PracticeId, message_id: &Digest) -> Key {
        Key::of(Kind::BuriedId, practice).octets(message_id.as_bytes())
    }
}

impl Record for Grave {
    fn key(&self, practice: &PracticeId) -> Key {
        Self::key_of(practice, &self.message)
    }

    fn entries(&self, practice: &PracticeId) -> Vec<Key> {
        let own = self.message.as_bytes();
        self.message_id.iter().map(|id| Self::bearing(practice, id).octets(own)).collect()
    }
}

/// A client whose messages were erased until it is back.
#[derive(Serialize, Deserialize)]
pub(crate) struct AwayClient {
    pub(crate) client: ClientId,
    pub(crate) was_away: bool,
}

impl AwayClient {
    pub(crate) fn key_of(practice: &PracticeId, client: &ClientId) -> Key {
        Key::of(Kind::ErasedClient, practice).text(client.as_str())
    }
}

impl Record for AwayClient {
    fn key(&self, practice: &PracticeId) -> Key {
        Self::key_of(practice, &self.client)
    }
}

/// A message that is no client's any more.
#[derive(Serialize, Deserialize)]
pub(crate) struct Unlisted {
    pub(crate) message: MessageKey,
    pub(crate) since: Timestamp,
}

impl Unlisted {
    pub(crate) fn key_of(practice: &PracticeId, message: MessageKey) -> Key {
        Key::of(Kind::Unlisted, practice).octets(message.as_bytes())
    }
}

impl Record for Unlisted {
    fn key(&self, practice: &PracticeId) -> Key {
        Self::key_of(practice, self.message)
    }
}

/// Octets that nothing named when they were first shown.
#[derive(Serialize, Deserialize)]
pub(crate) struct Orphan {
    pub(crate) octets: Digest,
    pub(crate) since: Timestamp,
}

impl Orphan {
    pub(crate) fn key_of(practice: &PracticeId, octets: &Digest) -> Key {
        Key::of(Kind::Orphan, practice).octets(octets.as_bytes())
    }
}

impl Record for Orphan {
    fn key(&self, practice: &PracticeId) -> Key {
        Self::key_of(practice, &self.octets)
    }
}

/// A sealed secret, and who may replace it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) account: AccountId,
    pub(crate) field: CredentialField,
    pub(crate) record: SealedRecord,
    pub(crate) claim: Option<Claim>,
}

impl Credential {
    pub(crate) fn key_of(practice: &PracticeId, account: &AccountId, field: CredentialField) -> Key {
        keys::in_account(Kind::Credential, practice, account).text(field.as_str())
    }
}

impl Record for Credential {
    fn key(&self, practice: &PracticeId) -> Key {
        Self::key_of(practice, &self.account, self.field)
    }
}

/// The last claim's token: never given twice, so that a claim cannot outlive a deletion.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct LastClaim(pub(crate) u64);

impl LastClaim {
    pub(crate) fn key_of(practice: &PracticeId) -> Key {
        Key::of(Kind::Claims, practice)
    }
}

impl Record for LastClaim {
    fn key(&self, practice: &PracticeId) -> Key {
        Self::key_of(practice)
    }
}

/// Every pause lies in one record, for there are few.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Pauses(pub(crate) Vec<Pause>);

impl Pauses {
    pub(crate) fn key_of_all() -> Key {
        Key::of_all(Kind::Pause)
    }
}

impl Record for Pauses {
    fn key(&self, _: &PracticeId) -> Key {
        Self::key_of_all()
    }
}
