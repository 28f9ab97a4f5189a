//! What the tables behind a directory hold, and what the suite asks of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::contract::{ClientKey, Practice, Retention, User};
use crate::types::{ClientId, InvalidId, PracticeId, UserId};

/// Something the suite wants to be different in the tables a directory reads.
///
/// Variants may be added: a `match` ends with an arm that panics, which fails the check that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectoryChange {
    /// The practice is there, and is like this. Its users and clients stay.
    PutPractice(Practice),
    /// The practice has this user, replacing one of the same id.
    PutUser(PracticeId, User),
    /// The practice has no such user.
    RemoveUser(PracticeId, UserId),
    /// The practice has this client with exactly these keys, replacing one of the same id.
    PutClient(PracticeId, ClientId, Vec<ClientKey>),
    /// The practice has no such client.
    RemoveClient(PracticeId, ClientId),
    /// So much of a client's mail has to be kept, whether the client is there or not. A host without holds and retention does
    /// nothing here, and goes on answering [`Retention::FREE`].
    SetRetention(PracticeId, ClientId, Retention),
}

/// A fact that a product's tables may have no column for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DirectoryFact {
    /// Domains that are a client's.
    ClientDomains,
    /// More addresses than one of a client.
    SeveralAddresses,
    /// Further addresses of a user.
    Aliases,
    /// The practice's name, where it is a constant.
    PracticeName,
    /// The practice's own domains, where they are constants or not known.
    PracticeDomains,
    /// Mail that is never archived.
    NeverLog,
    /// Whether addresses are folded.
    Folding,
}

/// What the tables behind a directory can hold, and how their ids look: the suite asks for nothing else, and its report says what was
/// left out.
///
/// ```
/// use practicemail::conformance::{DirectoryFact, DirectoryShape};
/// // A product for one practice a database, with numbers as ids and one address a customer.
/// let shape = DirectoryShape::full()
///     .numbers()
///     .one_practice("books")
///     .without([DirectoryFact::ClientDomains, DirectoryFact::SeveralAddresses, DirectoryFact::Aliases]);
/// ```
#[derive(Clone)]
pub struct DirectoryShape {
    ids: Arc<dyn Fn(&str) -> String>,
    global_ids: bool,
    only: Option<String>,
    without: BTreeSet<DirectoryFact>,
}

impl DirectoryShape {
    /// Every fact, many practices, and ids that are any text.
    pub fn full() -> Self {
        Self { ids: Arc::new(str::to_owned), global_ids: false, only: None, without: BTreeSet::new() }
    }

    /// Ids are numbers.
    pub fn numbers(self) -> Self {
        self.ids(|name| number(name).to_string())
    }

    /// Ids look as this says, UUIDs for instance: each of the suite's names has to become another one.
    pub fn ids(mut self, id: impl Fn(&str) -> String + 'static) -> Self {
        self.ids = Arc::new(id);
        self
    }

    /// An id is one row's in all practices, as UUIDs and numbers of a sequence are: no two practices have a client of the same one.
    pub fn global_ids(mut self) -> Self {
        self.global_ids = true;
        self
    }

    /// The tables are those of this one practice.
    pub fn one_practice(mut self, id: impl Into<String>) -> Self {
        self.only = Some(id.into());
        self
    }

    /// The tables do not hold these.
    pub fn without(mut self, facts: impl IntoIterator<Item = DirectoryFact>) -> Self {
        self.without.extend(facts);
        self
    }

    /// What is not asked for, in words.
    pub(super) fn left_out(&self) -> Vec<String> {
        let one = self.only.iter().map(|_| "several practices (D5)".to_owned());
        let global = self.global_ids.then(|| "practices with clients of the same id (D5)".to_owned());
        one.chain(global).chain(self.without.iter().map(|fact| format!("{fact:?}"))).collect()
    }

    pub(super) fn is_one_practice(&self) -> bool {
        self.only.is_some()
    }

    pub(super) fn practice_id(&self, name: &str) -> Result<PracticeId, InvalidId> {
        match &self.only {
            Some(only) if name == "practice" => PracticeId::new(only.as_str()),
            _ => PracticeId::new((self.ids)(name)),
        }
    }

    pub(super) fn user_id(&self, name: &str) -> Result<UserId, InvalidId> {
        UserId::new((self.ids)(name))
    }

    pub(super) fn client_id(&self, name: &str) -> Result<ClientId, InvalidId> {
        ClientId::new((self.ids)(name))
    }

    /// The name of another practice's client: of the first one's too, where ids may be.
    pub(super) fn others_client(&self) -> &'static str {
        if self.global_ids { "c9" } else { "c1" }
    }

    fn holds(&self, fact: DirectoryFact) -> bool {
        !self.without.contains(&fact)
    }

    /// What is left of a change in these tables.
    pub(super) fn fit(&self, change: DirectoryChange) -> DirectoryChange {
        match change {
            DirectoryChange::PutPractice(practice) => DirectoryChange::PutPractice(self.practice(practice)),
            DirectoryChange::PutUser(practice, user) => DirectoryChange::PutUser(practice, self.user(user)),
            DirectoryChange::PutClient(practice, client, keys) => {
                DirectoryChange::PutClient(practice, client, self.keys(keys))
            }
            other => other,
        }
    }

    pub(super) fn practice(&self, mut practice: Practice) -> Practice {
        if !self.holds(DirectoryFact::PracticeName) {
            practice.name.clear();
        }
        if !self.holds(DirectoryFact::PracticeDomains) {
            practice.domains.clear();
        }
        if !self.holds(DirectoryFact::NeverLog) {
            practice.never_log.clear();
        }
        practice.fold_addresses &= self.holds(DirectoryFact::Folding);
        practice
    }

    pub(super) fn user(&self, mut user: User) -> User {
        if !self.holds(DirectoryFact::Aliases) {
            user.aliases.clear();
        }
        user
    }

    pub(super) fn keys(&self, mut keys: Vec<ClientKey>) -> Vec<ClientKey> {
        keys.retain(|key| self.holds(DirectoryFact::ClientDomains) || matches!(key, ClientKey::Address(_)));
        if !self.holds(DirectoryFact::SeveralAddresses) {
            let mut seen = false;
            keys.retain(|key| !matches!(key, ClientKey::Address(_)) || !std::mem::replace(&mut seen, true));
        }
        keys
    }
}

impl std::fmt::Debug for DirectoryShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryShape").field("left_out", &self.left_out()).finish_non_exhaustive()
    }
}

/// What tables hold after changes, as far as a revision tells of it: a client without keys is not seen in any page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contents(BTreeMap<(PracticeId, String), DirectoryChange>);

impl Contents {
    /// Takes a change up.
    pub(super) fn take(&mut self, change: &DirectoryChange) {
        let (practice, what, is_there) = match change {
            DirectoryChange::PutPractice(practice) => (&practice.id, String::new(), true),
            DirectoryChange::PutUser(practice, user) => (practice, format!("user {}", user.id), true),
            DirectoryChange::RemoveUser(practice, user) => (practice, format!("user {user}"), false),
            DirectoryChange::PutClient(practice, client, keys) => {
                (practice, format!("client {client}"), !keys.is_empty())
            }
            DirectoryChange::RemoveClient(practice, client) => (practice, format!("client {client}"), false),
            DirectoryChange::SetRetention(..) => return,
        };
        let row = (practice.clone(), what);
        if is_there {
            self.0.insert(row, change.clone())
        } else {
            self.0.remove(&row)
        };
    }
}

/// A number for each of the suite's names, apart within practices, users and clients.
fn number(name: &str) -> i64 {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let number: i64 = digits.parse().unwrap_or_default();
    match name.get(..1) {
        // Clients in their hundreds, and names that look like another.
        Some("m") => 1_000 + number,
        Some("C") => 100 + number,
        _ if name.ends_with(' ') => 200 + number,
        Some("p") => 1,
        Some("P") => 2,
        Some("n") => 3,
        _ => number,
    }
}
