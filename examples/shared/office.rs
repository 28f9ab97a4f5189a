//! A practice of one user and one client: what a host has in tables of its own.

use std::sync::Arc;

use practicemail::contract::{ClientKey, Practice, Role, User};
use practicemail::error::Result;
use practicemail::storage::MemoryDirectory;
use practicemail::types::{Address, ClientId, PracticeId, UserId};

/// The user's address, and the client's, with the test kit.
pub(crate) const LOCAL: (&str, &str) = ("anna@hale.example", "paula@bakery.example");

/// Who is who.
pub(crate) struct Office {
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) practice: PracticeId,
    pub(crate) user: UserId,
    pub(crate) address: Address,
    pub(crate) client: ClientId,
    pub(crate) client_address: Address,
}

impl Office {
    /// A practice where the user with one address looks after the client with the other.
    pub(crate) fn of((address, client_address): (&str, &str)) -> Result<Self> {
        let office = Self {
            directory: Arc::new(MemoryDirectory::new()),
            practice: PracticeId::new("hale")?,
            user: UserId::new("anna")?,
            address: Address::parse(address)?,
            client: ClientId::new("bakery")?,
            client_address: Address::parse(client_address)?,
        };
        office.directory.put_practice(Practice::new(office.practice.clone(), "Hale & Partners"));
        let mut user = User::new(office.user.clone(), "Anna Hale", address);
        user.role = Role::Administrator;
        office.directory.put_user(&office.practice, user)?;
        let key = ClientKey::Address(client_address.to_owned());
        office.directory.put_client(&office.practice, office.client.clone(), [key])?;
        Ok(office)
    }
}

/// What the environment says: the examples take from there what is yours.
pub(crate) fn variable(name: &str) -> std::result::Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set; the head of the example says what it needs"))
}
