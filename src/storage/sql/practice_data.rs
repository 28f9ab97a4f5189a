//! Filling the directory: what a practice's tables are to hold, and the rows that differ.

use std::collections::BTreeSet;

use super::failure::failure;
use super::row::Row;
use super::statement::{Query, query};
use super::transaction::Tx;
use crate::contract::{ClientKey, Practice, Role, User};
use crate::error::Result;
use crate::types::{ClientId, PracticeId};

const SET_KEEP_GONE: &str = "UPDATE practice SET keep_gone_days = ?2 WHERE id = ?1";

/// A practice's directory as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PracticeData {
    /// The practice and its rules.
    pub practice: Practice,
    /// Its users, those who left too.
    pub users: Vec<User>,
    /// Its clients.
    pub clients: Vec<ClientData>,
}

impl PracticeData {
    /// A practice's directory.
    pub fn new(practice: Practice, users: Vec<User>, clients: Vec<ClientData>) -> Self {
        Self { practice, users, clients }
    }

    /// Makes the tables say this, touching only rows that differ.
    pub(super) async fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        let rows = Rows::of(self);
        for (table, wanted) in [
            (&PRACTICE, rows.practice),
            (&PRACTICE_DOMAIN, rows.domains),
            (&NEVER_LOG, rows.never_log),
            (&STAFF, rows.users),
            (&USER_ALIAS, rows.aliases),
            (&CLIENT, rows.clients),
            (&CLIENT_ADDRESS, rows.client_addresses),
            (&CLIENT_DOMAIN, rows.client_domains),
        ] {
            table.make(tx, &self.practice.id, &wanted).await?;
        }
        let set = query(SET_KEEP_GONE)
            .bind(self.practice.id.as_str())
            .bind(self.practice.keep_gone_days.map(i64::from));
        set.execute(tx).await.map_err(failure)?;
        Ok(())
    }
}

/// A client, and the keys by which mail is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientData {
    /// Their id.
    pub id: ClientId,
    /// Their name.
    pub name: String,
    /// Their addresses and domains.
    pub keys: Vec<ClientKey>,
}

impl ClientData {
    /// A client.
    pub fn new(id: ClientId, name: impl Into<String>, keys: Vec<ClientKey>) -> Self {
        Self { id, name: name.into(), keys }
    }
}

pub(super) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Administrator => "administrator",
        Role::Staff => "staff",
    }
}

type RowSet = BTreeSet<Vec<String>>;

/// What each table is to hold of a practice, its id aside.
#[derive(Default)]
struct Rows {
    practice: RowSet,
    domains: RowSet,
    never_log: RowSet,
    users: RowSet,
    aliases: RowSet,
    clients: RowSet,
    client_addresses: RowSet,
    client_domains: RowSet,
}

impl Rows {
    fn of(data: &PracticeData) -> Self {
        let PracticeData { practice, users, clients } = data;
        let flag = |set: bool| u8::from(set).to_string();
        let mut rows = Self::default();
        rows.practice.insert(vec![practice.name.clone(), flag(practice.fold_addresses)]);
        rows.domains.extend(practice.domains.iter().map(|domain| vec![domain.clone()]));
        rows.never_log.extend(practice.never_log.iter().map(|entry| vec![entry.clone()]));
        for user in users {
            let id = user.id.to_string();
            rows.aliases.extend(user.aliases.iter().map(|alias| vec![id.clone(), alias.clone()]));
            let role = role_name(user.role).to_owned();
            rows.users.insert(vec![id, user.name.clone(), user.address.clone(), role, flag(user.active)]);
        }
        for client in clients {
            let id = client.id.to_string();
            for key in &client.keys {
                match key {
                    ClientKey::Address(address) => {
                        rows.client_addresses.insert(vec![id.clone(), address.clone()])
                    }
                    ClientKey::Domain(domain) => rows.client_domains.insert(vec![id.clone(), domain.clone()]),
                };
            }
            rows.clients.insert(vec![id, client.name.clone()]);
        }
        rows
    }
}

/// The statements that make a table's rows of one practice equal a set; every column goes as text.
struct Table {
    /// How many columns `select` answers.
    columns: usize,
    select: &'static str,
    insert: &'static str,
    delete: &'static str,
}

impl Table {
    async fn make(&self, tx: &mut Tx<'_>, practice: &PracticeId, wanted: &RowSet) -> Result<()> {
        let rows = query(self.select).bind(practice.as_str()).fetch_all(tx).await.map_err(failure)?;
        let columns = |row: &Row| (0..self.columns).map(|at| row.at(at)).collect::<Result<Vec<String>, _>>();
        let there = rows.iter().map(columns).collect::<Result<RowSet, _>>().map_err(failure)?;
        let too_many = there.difference(wanted).map(|row| (self.delete, row));
        let too_few = wanted.difference(&there).map(|row| (self.insert, row));
        for (sql, row) in too_many.chain(too_few) {
            let write = row.iter().fold(query(sql).bind(practice.as_str()), |write: Query<Row>, text| {
                write.bind(text.as_str())
            });
            write.execute(tx).await.map_err(failure)?;
        }
        Ok(())
    }
}

const PRACTICE: Table = Table {
    columns: 2,
    select: "SELECT name, CAST(fold_addresses AS TEXT) FROM practice WHERE id = ?1",
    insert: "INSERT INTO practice (id, name, fold_addresses) VALUES (?1, ?2, CAST(?3 AS BIGINT))",
    delete: "DELETE FROM practice WHERE id = ?1",
};

const PRACTICE_DOMAIN: Table = Table {
    columns: 1,
    select: "SELECT domain FROM practice_domain WHERE practice = ?1",
    insert: "INSERT INTO practice_domain (practice, domain) VALUES (?1, ?2)",
    delete: "DELETE FROM practice_domain WHERE practice = ?1 AND domain = ?2",
};

const NEVER_LOG: Table = Table {
    columns: 1,
    select: "SELECT entry FROM never_log WHERE practice = ?1",
    insert: "INSERT INTO never_log (practice, entry) VALUES (?1, ?2)",
    delete: "DELETE FROM never_log WHERE practice = ?1 AND entry = ?2",
};

const STAFF: Table = Table {
    columns: 5,
    select: "SELECT id, name, address, role, CAST(active AS TEXT) FROM staff WHERE practice = ?1",
    insert: "INSERT INTO staff (practice, id, name, address, role, active) VALUES (?1, ?2, ?3, ?4, ?5, CAST(?6 AS BIGINT))",
    delete: "DELETE FROM staff WHERE practice = ?1 AND id = ?2",
};

const USER_ALIAS: Table = Table {
    columns: 2,
    select: "SELECT \"user\", address FROM user_alias WHERE practice = ?1",
    insert: "INSERT INTO user_alias (practice, \"user\", address) VALUES (?1, ?2, ?3)",
    delete: "DELETE FROM user_alias WHERE practice = ?1 AND \"user\" = ?2 AND address = ?3",
};

const CLIENT: Table = Table {
    columns: 2,
    select: "SELECT id, name FROM client WHERE practice = ?1",
    insert: "INSERT INTO client (practice, id, name) VALUES (?1, ?2, ?3)",
    delete: "DELETE FROM client WHERE practice = ?1 AND id = ?2",
};

const CLIENT_ADDRESS: Table = Table {
    columns: 2,
    select: "SELECT client, address FROM client_address WHERE practice = ?1",
    insert: "INSERT INTO client_address (practice, client, address) VALUES (?1, ?2, ?3)",
    delete: "DELETE FROM client_address WHERE practice = ?1 AND client = ?2 AND address = ?3",
};

const CLIENT_DOMAIN: Table = Table {
    columns: 2,
    select: "SELECT client, domain FROM client_domain WHERE practice = ?1",
    insert: "INSERT INTO client_domain (practice, client, domain) VALUES (?1, ?2, ?3)",
    delete: "DELETE FROM client_domain WHERE practice = ?1 AND client = ?2 AND domain = ?3",
};
