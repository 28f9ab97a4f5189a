//! Who is who: a practice, its users and its clients, as a host's tables have them.

use practicemail::contract::{ClientKey, Practice, Role, User};
use practicemail::error::Result;
use practicemail::storage::sqlite::{ClientData, PracticeData};
use practicemail::types::{ClientId, PracticeId, UserId};

/// A user as the example knows them.
pub(crate) struct Member {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) address: &'static str,
    pub(crate) role: Role,
}

/// The users who connect a mailbox; a fourth has none.
pub(crate) const USERS: [Member; 3] = [
    Member {
        id: "anna",
        name: "Anna Hale",
        address: "anna@hale-partners.example",
        role: Role::Administrator,
    },
    Member { id: "ben", name: "Ben Okafor", address: "ben@hale-partners.example", role: Role::Staff },
    Member { id: "chloe", name: "Chloe Winter", address: "chloe@hale-partners.example", role: Role::Staff },
];

/// A client as the example knows them.
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) contact: &'static str,
    pub(crate) address: &'static str,
    /// A domain all of whose addresses are the client's.
    pub(crate) domain: Option<&'static str>,
}

/// The clients.
pub(crate) const CLIENTS: [Client; 6] = [
    Client {
        id: "marlow",
        name: "Marlow Bakery Ltd",
        contact: "Paula Marlow",
        address: "paula@marlowbakery.example",
        domain: None,
    },
    Client {
        id: "brook",
        name: "Brook & Daughters Plumbing",
        contact: "Helen Brook",
        address: "helen@brookplumbing.example",
        domain: Some("brookplumbing.example"),
    },
    Client {
        id: "mueller",
        name: "Müller Möbel GmbH",
        contact: "Jürgen Müller",
        address: "juergen@mueller-moebel.example",
        domain: Some("mueller-moebel.example"),
    },
    Client {
        id: "etoile",
        name: "Café Étoile",
        contact: "Amélie Lefèvre",
        address: "amelie@cafe-etoile.example",
        domain: None,
    },
    Client {
        id: "zielinski",
        name: "Łukasz Zieliński",
        contact: "Łukasz Zieliński",
        address: "lukasz.zielinski@poczta.example",
        domain: None,
    },
    Client {
        id: "tanaka",
        name: "Tanaka Design",
        contact: "Yuki Tanaka",
        address: "yuki@tanaka-design.example",
        domain: None,
    },
];

/// The address mail leaves from when its author has no mailbox connected.
pub(crate) const NOREPLY: &str = "noreply@hale-partners.example";

/// An address that Paula of the bakery also uses, and that the practice learns of later.
pub(crate) const PAULA_AT_HOME: &str = "paula.marlow@webmail.example";

/// The practice as the host's tables have it.
pub(crate) fn data() -> Result<PracticeData> {
    let mut practice = Practice::new(PracticeId::new("hale-partners")?, "Hale & Partners, accountants");
    practice.domains = vec!["hale-partners.example".to_owned()];
    let user = |member: &Member| -> Result<User> {
        let mut user = User::new(UserId::new(member.id)?, member.name, member.address);
        user.role = member.role;
        Ok(user)
    };
    let client = |client: &Client| -> Result<ClientData> {
        let address = ClientKey::Address(client.address.to_owned());
        let domain = client.domain.map(|domain| ClientKey::Domain(domain.to_owned()));
        let keys = std::iter::once(address).chain(domain).collect();
        Ok(ClientData::new(ClientId::new(client.id)?, client.name, keys))
    };
    let mut users = USERS.iter().map(user).collect::<Result<Vec<_>>>()?;
    users.push(User::new(UserId::new("dan")?, "Dan Price", "dan@hale-partners.example"));
    let clients = CLIENTS.iter().map(client).collect::<Result<_>>()?;
    Ok(PracticeData::new(practice, users, clients))
}
