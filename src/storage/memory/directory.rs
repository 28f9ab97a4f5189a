//! [`PracticeDirectory`] in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::contract::{ClientEntry, ClientKey, ClientKeyPage, Practice, PracticeDirectory, Retention, User};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Address, ClientId, PracticeId, UserId};

/// As many as a page over real tables would name.
const PAGE_SIZE: usize = 1_000;

/// Practices, users and clients in memory.
///
/// ```
/// use practicemail::contract::{ClientKey, Practice, User};
/// use practicemail::storage::MemoryDirectory;
/// use practicemail::types::{ClientId, PracticeId, UserId};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let practice = PracticeId::new("miller")?;
/// let directory = MemoryDirectory::new();
/// directory.put_practice(Practice::new(practice.clone(), "Miller & Co"));
/// directory.put_user(&practice, User::new(UserId::new("ann")?, "Ann", "ann@miller.example"))?;
/// directory.put_client(&practice, ClientId::new("c1")?, [ClientKey::Address("bob@client.example".into())])?;
/// # Ok(()) }
/// ```
pub struct MemoryDirectory {
    page_size: usize,
    practices: Mutex<BTreeMap<PracticeId, PracticeRows>>,
}

struct PracticeRows {
    practice: Practice,
    users: BTreeMap<UserId, User>,
    clients: BTreeMap<ClientId, BTreeSet<ClientKey>>,
    hidden: BTreeSet<(UserId, ClientId)>,
    retention: BTreeMap<ClientId, Retention>,
    /// Keys that were a client's.
    former: BTreeMap<ClientId, BTreeSet<ClientKey>>,
    revision: u64,
}

impl MemoryDirectory {
    /// A directory without practices.
    pub fn new() -> Self {
        Self::with_page_size(PAGE_SIZE)
    }

    /// A directory whose pages of keys hold `page_size` entries each, at least one.
    pub fn with_page_size(page_size: usize) -> Self {
        Self { page_size: page_size.max(1), practices: Mutex::default() }
    }

    /// Adds a practice, or replaces its name and rules.
    pub fn put_practice(&self, practice: Practice) {
        let mut practices = self.lock();
        if let Some(rows) = practices.get_mut(&practice.id) {
            rows.practice = practice;
            rows.revision = rows.revision.saturating_add(1);
            return;
        }
        let rows = PracticeRows {
            practice,
            users: BTreeMap::new(),
            clients: BTreeMap::new(),
            hidden: BTreeSet::new(),
            retention: BTreeMap::new(),
            former: BTreeMap::new(),
            revision: 1,
        };
        practices.insert(rows.practice.id.clone(), rows);
    }

    /// Adds a user, or replaces one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such practice.
    pub fn put_user(&self, practice: &PracticeId, user: User) -> Result<()> {
        self.change(practice, |rows| {
            rows.users.insert(user.id.clone(), user);
        })
    }

    /// Removes a user, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such practice.
    pub fn remove_user(&self, practice: &PracticeId, user: &UserId) -> Result<()> {
        self.change(practice, |rows| {
            rows.users.remove(user);
        })
    }

    /// Adds a client, or replaces its keys.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such practice.
    pub fn put_client(
        &self,
        practice: &PracticeId,
        client: ClientId,
        keys: impl IntoIterator<Item = ClientKey>,
    ) -> Result<()> {
        let keys = keys.into_iter().collect();
        self.change(practice, |rows| {
            if let Some(before) = rows.clients.insert(client.clone(), keys) {
                rows.former.entry(client).or_default().extend(before);
            }
        })
    }

    /// Removes a client, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such practice.
    pub fn remove_client(&self, practice: &PracticeId, client: &ClientId) -> Result<()> {
        self.change(practice, |rows| {
            if let Some(before) = rows.clients.remove(client) {
                rows.former.entry(client.clone()).or_default().extend(before);
            }
        })
    }

    /// Hides a client from a user, who sees every other one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such practice.
    pub fn hide(&self, practice: &PracticeId, user: UserId, client: ClientId) -> Result<()> {
        self.change(practice, |rows| {
            rows.hidden.insert((user, client));
        })
    }

    /// Says what must not be erased of a client's mail, whether the client is there or not.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such practice.
    pub fn set_retention(&self, practice: &PracticeId, client: ClientId, retention: Retention) -> Result<()> {
        self.change(practice, |rows| {
            rows.retention.insert(client, retention);
        })
    }

    fn change(&self, practice: &PracticeId, change: impl FnOnce(&mut PracticeRows)) -> Result<()> {
        let mut practices = self.lock();
        let unknown = || Error::new(ErrorKind::NotFound, "there is no such practice");
        let rows = practices.get_mut(practice).ok_or_else(unknown)?;
        change(rows);
        rows.revision = rows.revision.saturating_add(1);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PracticeId, PracticeRows>> {
        self.practices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryDirectory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDirectory").field("practices", &self.lock().len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl PracticeDirectory for MemoryDirectory {
    async fn practice(&self, practice: &PracticeId) -> Result<Option<Practice>> {
        Ok(self.lock().get(practice).map(|rows| rows.practice.clone()))
    }

    async fn users(&self, practice: &PracticeId) -> Result<Vec<User>> {
        Ok(self.lock().get(practice).map(|rows| rows.users.values().cloned().collect()).unwrap_or_default())
    }

    async fn client_keys(&self, practice: &PracticeId, from: Option<String>) -> Result<ClientKeyPage> {
        let invalid = |_| Error::new(ErrorKind::Invalid, "this is not where a page of keys begins");
        let from = from.map_or(Ok(0), |from| from.parse::<usize>()).map_err(invalid)?;
        let practices = self.lock();
        let Some(rows) = practices.get(practice) else {
            return Ok(ClientKeyPage::new("0", Vec::new(), None));
        };
        let mut entries = (rows.clients.iter())
            .flat_map(|(client, keys)| keys.iter().map(|key| ClientEntry::new(client.clone(), key.clone())))
            .skip(from);
        let page: Vec<_> = entries.by_ref().take(self.page_size).collect();
        let next = entries.next().map(|_| from.saturating_add(self.page_size).to_string());
        Ok(ClientKeyPage::new(rows.revision.to_string(), page, next))
    }

    async fn keys_of(&self, practice: &PracticeId, client: &ClientId) -> Result<Option<Vec<ClientKey>>> {
        let practices = self.lock();
        let keys = practices.get(practice).and_then(|rows| rows.clients.get(client));
        Ok(keys.map(|keys| keys.iter().cloned().collect()))
    }

    async fn may_see(&self, practice: &PracticeId, user: &UserId, client: &ClientId) -> Result<bool> {
        Ok(self.lock().get(practice).is_some_and(|rows| {
            rows.users.get(user).is_some_and(|user| user.active)
                && rows.clients.contains_key(client)
                && !rows.hidden.contains(&(user.clone(), client.clone()))
        }))
    }

    async fn retention(&self, practice: &PracticeId, client: &ClientId) -> Result<Retention> {
        let practices = self.lock();
        let found = practices.get(practice).and_then(|rows| rows.retention.get(client).copied());
        Ok(found.unwrap_or_default())
    }

    async fn former_retention(&self, practice: &PracticeId, address: &Address) -> Result<Retention> {
        let practices = self.lock();
        let Some(rows) = practices.get(practice) else { return Ok(Retention::FREE) };
        let theirs = rows.retention.iter().filter(|(client, _)| {
            let now = rows.clients.get(*client).into_iter().flatten();
            now.chain(rows.former.get(*client).into_iter().flatten()).any(|key| key.names(address))
        });
        Ok(theirs.fold(Retention::FREE, |all, (_, retention)| all.and(*retention)))
    }
}
