//! A practice directory in tables of its own.

use async_trait::async_trait;

use super::engine::Engine;
use super::failure::{corrupt, failure};
use super::practice_data::{PracticeData, role_name};
use super::retention;
use super::statement::query_as;
use super::transaction::{Access, Session, Tx};
use super::values;
use crate::contract::{
    ClientEntry, ClientKey, ClientKeyPage, Practice, PracticeDirectory, Retention, Role, User,
};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Address, ClientId, PracticeId, UserId};

/// Keys a page holds.
const PAGE: usize = 1_000;

const SELECT_PRACTICE: &str = "SELECT name, fold_addresses, keep_gone_days FROM practice WHERE id = ?1";

const SELECT_PRACTICES: &str = "SELECT id FROM practice ORDER BY id";

const SELECT_REVISION: &str = "SELECT revision FROM directory_revision WHERE practice = ?1";

const SELECT_DOMAINS: &str = "SELECT domain FROM practice_domain WHERE practice = ?1 ORDER BY domain";

const SELECT_NEVER_LOG: &str = "SELECT entry FROM never_log WHERE practice = ?1 ORDER BY entry";

const SELECT_USERS: &str = "
    SELECT s.id, s.name, s.address, s.role, s.active
    FROM staff AS s JOIN practice AS p ON p.id = s.practice
    WHERE s.practice = ?1 ORDER BY s.id";

const SELECT_ALIASES: &str = "
    SELECT address FROM user_alias WHERE practice = ?1 AND \"user\" = ?2 ORDER BY address";

const SELECT_CLIENTS: &str = "
    SELECT c.id, c.name
    FROM client AS c JOIN practice AS p ON p.id = c.practice
    WHERE c.practice = ?1 ORDER BY c.id";

const SELECT_CLIENT: &str = "
    SELECT CAST(1 AS BIGINT) FROM client AS c JOIN practice AS p ON p.id = c.practice WHERE c.practice = ?1 AND c.id = ?2";

const SELECT_ADDRESSES_AFTER: &str = "
    SELECT k.client, k.address
    FROM client_address AS k
        JOIN client AS c ON c.practice = k.practice AND c.id = k.client
        JOIN practice AS p ON p.id = k.practice
    WHERE k.practice = ?1 AND (k.client, k.address) > (?2, ?3)
    ORDER BY k.client, k.address LIMIT ?4";

const SELECT_DOMAINS_AFTER: &str = "
    SELECT k.client, k.domain
    FROM client_domain AS k
        JOIN client AS c ON c.practice = k.practice AND c.id = k.client
        JOIN practice AS p ON p.id = k.practice
    WHERE k.practice = ?1 AND (k.client, k.domain) > (?2, ?3)
    ORDER BY k.client, k.domain LIMIT ?4";

const SELECT_ADDRESSES_OF: &str = "
    SELECT address FROM client_address WHERE practice = ?1 AND client = ?2 ORDER BY address";

const SELECT_DOMAINS_OF: &str = "
    SELECT domain FROM client_domain WHERE practice = ?1 AND client = ?2 ORDER BY domain";

const MAY_SEE: &str = "
    SELECT CAST(1 AS BIGINT)
    FROM staff AS s
        JOIN client AS c ON c.practice = s.practice
        JOIN practice AS p ON p.id = s.practice
    WHERE s.practice = ?1 AND s.id = ?2 AND s.active = 1 AND c.id = ?3";

/// A practice directory kept in plain SQL tables, for hosts that have none of their own or copy theirs.
///
/// The tables may be written by anyone, with any tool, at any time: triggers count every change, so that a client's
/// address inserted by hand is found and its history read. They are these; ids are the host's, everything else is as
/// people write it:
///
/// ```sql
/// CREATE TABLE practice        (id TEXT PRIMARY KEY, name TEXT, fold_addresses INTEGER DEFAULT 0,
///                               keep_gone_days INTEGER);                   -- NULL: what left the servers is kept for ever
/// CREATE TABLE practice_domain (practice TEXT, domain TEXT);               -- the practice's own domains
/// CREATE TABLE never_log       (practice TEXT, entry TEXT);                -- addresses and domains never archived
/// CREATE TABLE staff           (practice TEXT, id TEXT, name TEXT, address TEXT,
///                               role TEXT DEFAULT 'staff',                 -- or 'administrator'
///                               active INTEGER DEFAULT 1);
/// CREATE TABLE user_alias      (practice TEXT, user TEXT, address TEXT);   -- user: staff.id
/// CREATE TABLE client          (practice TEXT, id TEXT, name TEXT);
/// CREATE TABLE client_address  (practice TEXT, client TEXT, address TEXT); -- client: client.id
/// CREATE TABLE client_domain   (practice TEXT, client TEXT, domain TEXT);
/// CREATE TABLE client_retention(practice TEXT, client TEXT, held INTEGER DEFAULT 0,
///                               keep_days INTEGER);                        -- what erasing leaves alone; NULL: no age
/// CREATE TABLE former_key      (practice TEXT, client TEXT, key TEXT);     -- written by triggers: keys that clients had
/// ```
///
/// No other column may be NULL; the primary key of `client_retention` is `(practice, client)`, of each other table without `id` all of its
/// columns, of those with one `(practice, id)`. Rows that belong to no practice or client are left out, but for the last two tables: what
/// must be kept outlives the client. Active users of a practice see every client of it.
pub struct SqlDirectory<E: Engine> {
    engine: E,
}

impl<E: Engine> SqlDirectory<E> {
    pub(in crate::storage) const fn on(engine: E) -> Self {
        Self { engine }
    }

    #[cfg(feature = "sqlite")]
    pub(in crate::storage) const fn engine(&self) -> &E {
        &self.engine
    }

    pub(super) async fn writing<'a>(&'a self, practice: &'a PracticeId) -> Result<Session<'a>> {
        self.engine.session(Access::Writing(practice)).await
    }

    async fn reading(&self) -> Result<Session<'_>> {
        self.engine.session(Access::Reading).await
    }

    /// Makes a practice's directory what `data` says, in one transaction. Rows that are right are left alone: the same
    /// data again leaves the revision as it is.
    ///
    /// # Errors
    /// Storage kinds.
    ///
    /// # Cancel safety
    /// A dropped future leaves the directory as before the call or as after it.
    pub async fn replace_practice(&self, data: &PracticeData) -> Result<()> {
        let mut session = self.writing(&data.practice.id).await?;
        let mut tx = session.begin().await?;
        data.write(&mut tx).await?;
        tx.commit().await
    }

    /// The practices it knows, by id.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn practices(&self) -> Result<Vec<PracticeId>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let rows: Vec<(String,)> = query_as(SELECT_PRACTICES).fetch_all(&mut tx).await.map_err(failure)?;
        rows.into_iter().map(|(id,)| Ok(PracticeId::new(id)?)).collect()
    }

    /// The clients of a practice, by id, with their names.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn clients(&self, practice: &PracticeId) -> Result<Vec<(ClientId, String)>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let rows: Vec<(String, String)> =
            query_as(SELECT_CLIENTS).bind(practice.as_str()).fetch_all(&mut tx).await.map_err(failure)?;
        Ok(rows.into_iter().filter_map(|(id, name)| Some((ClientId::new(id).ok()?, name))).collect())
    }
}

impl<E: Engine> std::fmt::Debug for SqlDirectory<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqlDirectory(..)")
    }
}

#[async_trait]
impl<E: Engine> PracticeDirectory for SqlDirectory<E> {
    async fn practice(&self, practice: &PracticeId) -> Result<Option<Practice>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let row: Option<(String, bool, Option<i64>)> = query_as(SELECT_PRACTICE)
            .bind(practice.as_str())
            .fetch_optional(&mut tx)
            .await
            .map_err(failure)?;
        let Some((name, fold_addresses, keep_gone_days)) = row else { return Ok(None) };
        let mut found = Practice::new(practice.clone(), name);
        found.fold_addresses = fold_addresses;
        found.keep_gone_days = keep_gone_days.map(values::small).transpose()?;
        found.domains = texts(&mut tx, SELECT_DOMAINS, &[practice.as_str()]).await?;
        found.never_log = texts(&mut tx, SELECT_NEVER_LOG, &[practice.as_str()]).await?;
        Ok(Some(found))
    }

    async fn users(&self, practice: &PracticeId) -> Result<Vec<User>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let rows: Vec<(String, String, String, String, bool)> =
            query_as(SELECT_USERS).bind(practice.as_str()).fetch_all(&mut tx).await.map_err(failure)?;
        let mut users = Vec::with_capacity(rows.len());
        for (id, name, address, role, active) in rows {
            let aliases = texts(&mut tx, SELECT_ALIASES, &[practice.as_str(), &id]).await?;
            let Ok(id) = UserId::new(id) else { continue };
            let mut user = User::new(id, name, address);
            user.aliases = aliases;
            user.role =
                if role == role_name(Role::Administrator) { Role::Administrator } else { Role::Staff };
            user.active = active;
            users.push(user);
        }
        Ok(users)
    }

    async fn client_keys(&self, practice: &PracticeId, from: Option<String>) -> Result<ClientKeyPage> {
        let from = from.as_deref().map_or(Ok(Place::default()), Place::parse)?;
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let revision: Option<(i64,)> = query_as(SELECT_REVISION)
            .bind(practice.as_str())
            .fetch_optional(&mut tx)
            .await
            .map_err(failure)?;
        let (sql, wrap): (_, fn(String) -> ClientKey) = if from.in_domains {
            (SELECT_DOMAINS_AFTER, ClientKey::Domain)
        } else {
            (SELECT_ADDRESSES_AFTER, ClientKey::Address)
        };
        let rows: Vec<(String, String)> = query_as(sql)
            .bind(practice.as_str())
            .bind(from.client.as_str())
            .bind(from.key.as_str())
            .bind(i64::try_from(PAGE).unwrap_or(i64::MAX))
            .fetch_all(&mut tx)
            .await
            .map_err(failure)?;
        let next = match rows.last() {
            Some((client, key)) if rows.len() == PAGE => {
                Some(Place { in_domains: from.in_domains, client: client.clone(), key: key.clone() })
            }
            _ if from.in_domains => None,
            _ => Some(Place { in_domains: true, ..Place::default() }),
        };
        let entry = |(client, key)| Some(ClientEntry::new(ClientId::new(client).ok()?, wrap(key)));
        let entries = rows.into_iter().filter_map(entry).collect();
        let revision = revision.map_or(0, |(revision,)| revision).to_string();
        Ok(ClientKeyPage::new(revision, entries, next.map(|place| place.to_text()).transpose()?))
    }

    async fn keys_of(&self, practice: &PracticeId, client: &ClientId) -> Result<Option<Vec<ClientKey>>> {
        let ids = [practice.as_str(), client.as_str()];
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        if !exists(&mut tx, SELECT_CLIENT, &ids).await? {
            return Ok(None);
        }
        let addresses = texts(&mut tx, SELECT_ADDRESSES_OF, &ids).await?.into_iter().map(ClientKey::Address);
        let domains = texts(&mut tx, SELECT_DOMAINS_OF, &ids).await?.into_iter().map(ClientKey::Domain);
        Ok(Some(addresses.chain(domains).collect()))
    }

    async fn may_see(&self, practice: &PracticeId, user: &UserId, client: &ClientId) -> Result<bool> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        exists(&mut tx, MAY_SEE, &[practice.as_str(), user.as_str(), client.as_str()]).await
    }

    async fn retention(&self, practice: &PracticeId, client: &ClientId) -> Result<Retention> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        retention::of_client(&mut tx, practice, client).await
    }

    async fn former_retention(&self, practice: &PracticeId, address: &Address) -> Result<Retention> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        retention::of_address(&mut tx, practice, address).await
    }
}

/// Where a page of keys begins: after this one. Addresses come first, then domains.
#[derive(Default)]
struct Place {
    in_domains: bool,
    client: String,
    key: String,
}

impl Place {
    fn to_text(&self) -> Result<String> {
        serde_json::to_string(&(self.in_domains, &self.client, &self.key)).map_err(|_| corrupt("a key"))
    }

    fn parse(text: &str) -> Result<Self> {
        let (in_domains, client, key) = serde_json::from_str(text)
            .map_err(|_| Error::new(ErrorKind::Invalid, "this is not where a page of keys begins"))?;
        Ok(Self { in_domains, client, key })
    }
}

async fn texts(tx: &mut Tx<'_>, sql: &'static str, ids: &[&str]) -> Result<Vec<String>> {
    let select = ids.iter().fold(query_as(sql), |select, id| select.bind(*id));
    let rows: Vec<(String,)> = select.fetch_all(tx).await.map_err(failure)?;
    Ok(rows.into_iter().map(|(text,)| text).collect())
}

async fn exists(tx: &mut Tx<'_>, sql: &'static str, ids: &[&str]) -> Result<bool> {
    let select = ids.iter().fold(query_as(sql), |select, id| select.bind(*id));
    let row: Option<(i64,)> = select.fetch_optional(tx).await.map_err(failure)?;
    Ok(row.is_some())
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::super::explain::plan_for_a_practice as plan;
    use super::*;

    #[tokio::test]
    async fn keys_are_read_in_order_without_sorting() {
        for sql in [SELECT_ADDRESSES_AFTER, SELECT_DOMAINS_AFTER, SELECT_USERS, SELECT_CLIENTS, MAY_SEE] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
            }
        }
    }
}
