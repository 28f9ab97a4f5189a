//! What the host knows: its practices, users and clients.

use async_trait::async_trait;

use crate::error::Result;
use crate::types::{Address, ClientId, DomainName, PracticeId, Timestamp, UserId};

/// A practice, and the rules that hold for all of it. Addresses and domains are as the host keeps them; the crate
/// normalises them and leaves out what is none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Practice {
    /// Its id.
    pub id: PracticeId,
    /// Its name.
    pub name: String,
    /// Its own domains: mail all of whose participants are at one of them or are its users is internal and not archived.
    pub domains: Vec<String>,
    /// Addresses and domains whose mail is never archived, whoever else takes part.
    pub never_log: Vec<String>,
    /// Whether an address also matches as its provider folds it ([`AddressKey::folded`](crate::types::AddressKey::folded)).
    pub fold_addresses: bool,
    /// How many days a message is kept after its last copy has left the servers; `None` for ever: it is the practice's record.
    pub keep_gone_days: Option<u32>,
}

impl Practice {
    /// A practice without domains, exceptions or folding.
    pub fn new(id: PracticeId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            domains: Vec::new(),
            never_log: Vec::new(),
            fold_addresses: false,
            keep_gone_days: None,
        }
    }
}

/// What a user may do in the practice's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// May change the practice's settings.
    Administrator,
    /// May not.
    Staff,
}

/// A member of staff.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub address: String,
    /// Further addresses of theirs.
    pub aliases: Vec<String>,
    /// What they may do.
    pub role: Role,
    /// Whether they still work there: accounts of users who do not are not read.
    pub active: bool,
}

impl User {
    /// An active member of staff without aliases.
    pub fn new(id: UserId, name: impl Into<String>, address: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            address: address.into(),
            aliases: Vec::new(),
            role: Role::Staff,
            active: true,
        }
    }
}

/// One thing by which mail belongs to a client, as the host keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ClientKey {
    /// An address.
    Address(String),
    /// A domain: every address of it is this client's. Refused for public mail providers and public suffixes.
    Domain(String),
}

impl ClientKey {
    /// Whether it is this address as it stands, or its domain: what [`former_retention`](PracticeDirectory::former_retention) asks of keys
    /// that clients had.
    ///
    /// ```
    /// use practicemail::contract::ClientKey;
    /// use practicemail::types::Address;
    /// let address = Address::parse("Carl@Client.example")?;
    /// assert!(ClientKey::Address("carl@client.example".into()).names(&address));
    /// assert!(ClientKey::Domain("@client.example".into()).names(&address));
    /// assert!(!ClientKey::Domain("mail.client.example".into()).names(&address));
    /// # Ok::<(), practicemail::types::AddressError>(())
    /// ```
    pub fn names(&self, address: &Address) -> bool {
        match self {
            Self::Address(text) => Address::parse(text).is_ok_and(|known| known.key() == address.key()),
            Self::Domain(text) => {
                DomainName::parse_typed(text).is_ok_and(|domain| domain == *address.domain())
            }
        }
    }
}

/// A key and whose it is. One key may be several clients'.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ClientEntry {
    /// The client.
    pub client: ClientId,
    /// The key.
    pub key: ClientKey,
}

impl ClientEntry {
    /// An entry.
    pub fn new(client: ClientId, key: ClientKey) -> Self {
        Self { client, key }
    }
}

/// A page of all clients' keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientKeyPage {
    /// Changes whenever any key, user or rule of the practice changes, however it was changed; the same on every page of one
    /// reading, else the reading is begun again.
    pub revision: String,
    /// The entries.
    pub entries: Vec<ClientEntry>,
    /// Where the next page begins, in the directory's own words; `None` on the last. One page may hold them all.
    pub next: Option<String>,
}

impl ClientKeyPage {
    /// A page.
    pub fn new(revision: impl Into<String>, entries: Vec<ClientEntry>, next: Option<String>) -> Self {
        Self { revision: revision.into(), entries, next }
    }
}

/// What must not be erased of a client's mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Nothing at all is erased while it is held, as for a dispute.
    pub held: bool,
    /// Messages of less than so many days are not erased.
    pub keep_days: Option<u32>,
}

impl Retention {
    /// Nothing has to be kept.
    pub const FREE: Self = Self { held: false, keep_days: None };
    /// Everything has to be kept.
    pub const HELD: Self = Self { held: true, keep_days: None };

    /// Messages of less than so many days have to be kept.
    pub const fn days(days: u32) -> Self {
        Self { held: false, keep_days: Some(days) }
    }

    /// What both ask for.
    pub fn and(self, other: Self) -> Self {
        Self { held: self.held || other.held, keep_days: self.keep_days.max(other.keep_days) }
    }

    /// Whether a message of this time has to be kept now.
    pub fn keeps(&self, time: Timestamp, now: Timestamp) -> bool {
        let young = |days: u32| time.plus(i64::from(days) * 86_400) > now;
        self.held || self.keep_days.is_some_and(young)
    }
}

/// The host's own tables, read only: the one trait a host has to implement. Five reads, and two more where mail has to be kept.
///
/// A host that reads all its keys in one go needs neither pages nor a counter: see [`ClientKeyPage::whole`]. The whole of one over a
/// product's own tables is `examples/custom_repository`, proved by `conformance::directory_of`.
///
/// # Contract
/// - **D1** A practice that does not exist is `None`, and has no users and no keys.
/// - **D2** [`client_keys`](Self::client_keys) names every key of every client once over its pages.
/// - **D3** The revision is equal as long as nothing changes and different after any change of a key, a user or a rule.
/// - **D4** [`keys_of`](Self::keys_of) answers what `client_keys` says of that client; `None` for one that does not exist.
/// - **D5** Practices do not see each other.
/// - **D6** [`retention`](Self::retention) of a client that does not exist is free, unless the host still has to keep its mail.
/// - **D7** [`former_retention`](Self::former_retention) of an address that a held client had is held, also after it, or the client, was taken
///   out.
///
/// An id that no row can have, a text where yours are numbers, is of nobody: it is answered as by D1 and D4, not with an error.
#[async_trait]
pub trait PracticeDirectory: Send + Sync {
    /// A practice.
    ///
    /// # Errors
    /// Storage kinds.
    async fn practice(&self, practice: &PracticeId) -> Result<Option<Practice>>;

    /// Its users, those who left too.
    ///
    /// # Errors
    /// Storage kinds.
    async fn users(&self, practice: &PracticeId) -> Result<Vec<User>>;

    /// A page of its clients' keys, from the beginning or from a page's `next`.
    ///
    /// # Errors
    /// Storage kinds.
    async fn client_keys(&self, practice: &PracticeId, from: Option<String>) -> Result<ClientKeyPage>;

    /// The keys of one client.
    ///
    /// # Errors
    /// Storage kinds.
    async fn keys_of(&self, practice: &PracticeId, client: &ClientId) -> Result<Option<Vec<ClientKey>>>;

    /// Whether this user may see this client's mail.
    ///
    /// # Errors
    /// Storage kinds.
    async fn may_see(&self, practice: &PracticeId, user: &UserId, client: &ClientId) -> Result<bool>;

    /// What must not be erased of a client's mail; asked at the moment of erasing. [`Retention::FREE`] unless it is implemented: right for a
    /// host without holds and retention. One that has them implements this and [`former_retention`](Self::former_retention).
    ///
    /// # Errors
    /// Storage kinds.
    async fn retention(&self, _practice: &PracticeId, _client: &ClientId) -> Result<Retention> {
        Ok(Retention::FREE)
    }

    /// What must not be erased of the mail with an address that is no client's now: what holds of clients that once had it, or its domain. Asked
    /// before mail is erased that is nobody's any more. As [`retention`](Self::retention), [`Retention::FREE`] unless it is implemented.
    ///
    /// # Errors
    /// Storage kinds.
    async fn former_retention(&self, _practice: &PracticeId, _address: &Address) -> Result<Retention> {
        Ok(Retention::FREE)
    }
}

#[async_trait]
impl<T: PracticeDirectory + ?Sized> PracticeDirectory for std::sync::Arc<T> {
    async fn practice(&self, practice: &PracticeId) -> Result<Option<Practice>> {
        (**self).practice(practice).await
    }
    async fn users(&self, practice: &PracticeId) -> Result<Vec<User>> {
        (**self).users(practice).await
    }
    async fn client_keys(&self, practice: &PracticeId, from: Option<String>) -> Result<ClientKeyPage> {
        (**self).client_keys(practice, from).await
    }
    async fn keys_of(&self, practice: &PracticeId, client: &ClientId) -> Result<Option<Vec<ClientKey>>> {
        (**self).keys_of(practice, client).await
    }
    async fn may_see(&self, practice: &PracticeId, user: &UserId, client: &ClientId) -> Result<bool> {
        (**self).may_see(practice, user, client).await
    }
    async fn retention(&self, practice: &PracticeId, client: &ClientId) -> Result<Retention> {
        (**self).retention(practice, client).await
    }
    async fn former_retention(&self, practice: &PracticeId, address: &Address) -> Result<Retention> {
        (**self).former_retention(practice, address).await
    }
}
