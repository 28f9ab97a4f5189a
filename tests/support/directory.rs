//! The generated practice: its users and clients, and which client an address belongs to.

use serde_json::{Value, json};

/// A member of staff.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) address: &'static str,
    pub(crate) aliases: Vec<&'static str>,
    pub(crate) role: &'static str,
}

/// A client of the practice.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) domains: Vec<String>,
}

/// The whole practice as `init` takes it.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) users: Vec<User>,
    pub(crate) clients: Vec<Client>,
    pub(crate) never_log: Vec<String>,
}

/// A domain as a person types it and as mail carries it.
pub(crate) const IDN: (&str, &str) = ("müller-söhne.example", "xn--mller-shne-kcb9d.example");
/// Everybody's domain: a client's claim on it is refused.
pub(crate) const PUBLIC_DOMAIN: &str = "gmx.de";
/// A domain that is one client's.
pub(crate) const CLIENT_DOMAIN: &str = "kanzlei-nord.example";
/// A client's address that the practice never logs.
pub(crate) const NEVER_LOGGED: &str = "vertraulich@betriebsrat.example";
/// An address of a member of staff that is a client's too.
pub(crate) const STAFF_AND_CLIENT: &str = "carla.privat@post.example";

impl Directory {
    /// Three users, of whom two have mail, and thirty-odd clients.
    pub(crate) fn new() -> Self {
        let users = vec![
            User {
                id: "anna",
                name: "Anna Albers",
                address: "anna@praxis.example",
                aliases: vec!["a.albers@praxis.example"],
                role: "administrator",
            },
            User {
                id: "ben",
                name: "Ben Böhm",
                address: "ben@praxis.example",
                aliases: vec![],
                role: "staff",
            },
            User {
                id: "carla",
                name: "Carla Cohn",
                address: "carla@praxis.example",
                aliases: vec![STAFF_AND_CLIENT],
                role: "staff",
            },
        ];
        let plain = |id: &str, name: &str, addresses: &[String]| Client {
            id: id.to_owned(),
            name: name.to_owned(),
            addresses: addresses.to_vec(),
            domains: Vec::new(),
        };
        let mut clients: Vec<Client> =
            ["Adler", "Birk", "Cordes", "Dorn", "Eckert", "Falk", "Geiger", "Hahn", "Iven", "Jung"]
                .into_iter()
                .enumerate()
                .flat_map(|(i, family)| {
                    let lower = family.to_lowercase();
                    [
                        plain(
                            &format!("c{i:02}"),
                            &format!("{family} GmbH"),
                            &[format!("info@{lower}-gmbh.example")],
                        ),
                        plain(
                            &format!("d{i:02}"),
                            &format!("Vera {family}"),
                            &[
                                format!("vera.{lower}@post.example"),
                                format!("v_{lower}+kanzlei@mailbox.example"),
                            ],
                        ),
                    ]
                })
                .collect();
        clients.push(plain("gmail", "Gerda Gmail", &["gerda.mail@gmail.com".to_owned()]));
        clients.push(plain("idn", "Müller & Söhne", &[format!("büro@{}", IDN.0).replace("büro", "buero")]));
        clients.push(plain("staff", "Carla Cohn", &[STAFF_AND_CLIENT.to_owned()]));
        clients.push(plain("never", "Betriebsrat", &[NEVER_LOGGED.to_owned()]));
        // One address of two clients: a couple.
        clients.push(plain("pair1", "Otto Paar", &["familie.paar@post.example".to_owned()]));
        clients.push(plain("pair2", "Emmi Paar", &["familie.paar@post.example".to_owned()]));
        clients.push(Client {
            id: "domain".to_owned(),
            name: "Kanzlei Nord".to_owned(),
            addresses: Vec::new(),
            domains: vec![CLIENT_DOMAIN.to_owned()],
        });
        clients.push(Client {
            id: "public".to_owned(),
            name: "Greta Groß".to_owned(),
            addresses: vec!["greta.gross@gmx.de".to_owned()],
            domains: vec![PUBLIC_DOMAIN.to_owned()],
        });
        Self { users, clients, never_log: vec![NEVER_LOGGED.to_owned()] }
    }

    /// The user with this id.
    pub(crate) fn user(&self, id: &str) -> &User {
        self.users.iter().find(|user| user.id == id).expect("a user of the practice")
    }

    /// Gives a client one more address.
    pub(crate) fn add_address(&mut self, client: &str, address: &str) {
        let client = self.clients.iter_mut().find(|c| c.id == client).expect("a client of the practice");
        client.addresses.push(address.to_owned());
    }

    /// Whether an address belongs to a member of staff.
    pub(crate) fn is_staff(&self, address: &str) -> bool {
        self.users.iter().any(|user| user.address == address || user.aliases.contains(&address))
    }

    /// The clients an address belongs to. The address is in lower case with an ASCII domain, as letters note it.
    pub(crate) fn clients_of(&self, address: &str) -> Vec<&str> {
        let domain = address.rsplit('@').next().unwrap_or_default();
        let carries = |client: &&Client| {
            client
                .addresses
                .iter()
                .any(|own| own.to_lowercase().replace(IDN.0, IDN.1) == address.to_lowercase())
                || client.domains.iter().any(|own| own != PUBLIC_DOMAIN && own == domain)
        };
        self.clients.iter().filter(carries).map(|client| client.id.as_str()).collect()
    }

    /// The file `init` reads.
    pub(crate) fn to_json(&self) -> Value {
        let users: Vec<Value> = self
            .users
            .iter()
            .map(|u| {
                json!({"id": u.id, "name": u.name, "address": u.address, "aliases": u.aliases, "role": u.role, "active": true})
            })
            .collect();
        let clients: Vec<Value> = self
            .clients
            .iter()
            .map(|c| json!({"id": c.id, "name": c.name, "addresses": c.addresses, "domains": c.domains}))
            .collect();
        let practice = json!({
            "id": "praxis", "name": "Praxis am Markt", "domains": ["praxis.example"],
            "never_log": self.never_log, "noreply": null
        });
        json!({"practice": practice, "users": users, "clients": clients})
    }
}
