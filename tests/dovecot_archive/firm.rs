//! A practice of three on one server: Anna administers, Ben and Carla do not.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::configuration::{Options, Tier};
use crate::support::dovecot::Dovecot;
use crate::support::practice::{Encryption, Practice, utf8};

pub(crate) const PAULA: &str = "paula@bakery.example";
pub(crate) const AMELIE: &str = "amelie@cafe.example";
pub(crate) const ANNA: &str = "anna@hale.example";
pub(crate) const BEN: &str = "ben@hale.example";

pub(crate) struct Firm {
    pub(crate) dovecot: Dovecot,
    pub(crate) practice: Practice,
    pub(crate) clients: Value,
    /// Days a message is kept after it has left every server.
    pub(crate) keep_gone_days: Option<u32>,
    /// Days since the tests' own beginning: the clock is set for every command.
    pub(crate) day: u32,
}

/// A message with everything that usually matters.
pub(crate) struct Mail {
    id: String,
    fields: Vec<String>,
    from: String,
    to: String,
    subject: String,
    body: String,
}

impl Mail {
    pub(crate) fn new(id: &str, from: &str, to: &str) -> Self {
        Self {
            id: format!("{id}@mail.example"),
            fields: Vec::new(),
            from: from.to_owned(),
            to: to.to_owned(),
            subject: format!("About {id}"),
            body: format!("The text of {id}.\r\n"),
        }
    }

    pub(crate) fn field(mut self, line: &str) -> Self {
        self.fields.push(line.to_owned());
        self
    }

    pub(crate) fn answers(self, id: &str) -> Self {
        self.field(&format!("In-Reply-To: <{id}@mail.example>"))
            .field(&format!("References: <{id}@mail.example>"))
    }

    pub(crate) fn subject(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.subject);
        self
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.body = format!("{text}\r\n");
        self
    }

    /// A text and one file.
    pub(crate) fn with_file(mut self, name: &str, octets: &[u8]) -> Self {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(octets);
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(76).map(|l| std::str::from_utf8(l).unwrap()).collect();
        self.fields.push("Content-Type: multipart/mixed; boundary=\"b\"".to_owned());
        self.body = format!(
            "--b\r\n\r\n{}--b\r\nContent-Type: application/pdf; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            self.body,
            lines.join("\r\n")
        );
        self
    }

    pub(crate) fn octets(&self) -> Vec<u8> {
        let Self { id, from, to, subject, body, fields } = self;
        let fields: String = fields.iter().flat_map(|field| [field, "\r\n"]).collect();
        let head = format!("Message-ID: <{id}>\r\nFrom: {from}\r\nTo: {to}\r\nSubject: {subject}");
        format!("{fields}Date: Mon, 02 Nov 2026 09:00:00 +0000\r\n{head}\r\n\r\n{body}").into_bytes()
    }
}

impl Firm {
    /// The accounts of these users are connected and read to the end.
    pub(crate) fn open(users: &[&str]) -> Self {
        let dovecot = Options::new(Tier::Full).start();
        dovecot.add_users(users);
        let clients = json!([
            {"id": "bakery", "name": "Bakery", "addresses": [PAULA], "domains": []},
            {"id": "cafe", "name": "Café", "addresses": [AMELIE], "domains": []}
        ]);
        let firm = Self { dovecot, practice: Practice::new(), clients, keep_gone_days: None, day: 0 };
        firm.init();
        for user in users {
            firm.dovecot.session(user).create("Sent");
            firm.connect(user, &[]);
        }
        firm
    }

    pub(crate) fn connect(&self, user: &str, more: &[&str]) {
        self.practice.connect(&self.dovecot, user, Encryption::Implicit, more).success();
    }

    /// Tells the host its users and clients.
    pub(crate) fn init(&self) {
        let user = |id: &str, role: &str| json!({"id": id, "name": id, "address": format!("{id}@hale.example"), "role": role});
        let file = json!({
            "practice": {"id": "hale", "name": "Hale & Partners", "domains": ["hale.example"], "never_log": ["spouse@home.example"],
                         "keep_gone_days": self.keep_gone_days},
            "users": [user("anna", "administrator"), user("ben", "staff"), user("carla", "staff")],
            "clients": self.clients
        });
        self.practice.init_with(&file);
    }

    pub(crate) fn put(&self, user: &str, mailbox: &str, mail: &Mail) -> u32 {
        self.dovecot.session(user).append(mailbox, "", &mail.octets())
    }

    fn now(&self) -> String {
        let day = 2 + self.day;
        let (month, day) = if day > 30 { (12, day - 30) } else { (11, day) };
        let (year, month, day) = if day > 31 { (2027, 1, day - 31) } else { (2026, month, day) };
        format!("{year}-{month:02}-{day:02}T12:00:00Z")
    }

    /// A command that must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, command: &[&str]) -> Value {
        self.practice.run(&["--now", &self.now()], command).success()
    }

    /// A command that answers, and says that not everything was as it should be.
    #[track_caller]
    pub(crate) fn partly(&self, command: &[&str]) -> Value {
        let outcome = self.practice.run(&["--now", &self.now()], command);
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        outcome.json()
    }

    /// A command that must be refused; answers the kind.
    #[track_caller]
    pub(crate) fn refused(&self, command: &[&str]) -> String {
        let error = self.practice.run(&["--now", &self.now()], command).refusal();
        error["kind"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn sync(&self) -> Value {
        self.ok(&["sync"])
    }

    /// The subjects on a client's tab, as a user sees it.
    #[track_caller]
    pub(crate) fn tab(&self, client: &str, viewer: &str) -> Vec<String> {
        subjects(&self.ok(&["tab", "--client", client, "--as", viewer]))
    }

    /// The id of the message with this subject, on a tab as the host itself sees it.
    #[track_caller]
    pub(crate) fn id(&self, client: &str, subject: &str) -> String {
        let page = self.ok(&["tab", "--client", client]);
        let messages = page["messages"].as_array().unwrap();
        let found = messages.iter().find(|message| message["subject"] == subject);
        found.unwrap_or_else(|| panic!("no {subject} in {page}"))["id"].as_str().unwrap().to_owned()
    }

    /// What is found for some words, as a user sees it.
    #[track_caller]
    pub(crate) fn search(&self, client: &str, words: &str, viewer: &str) -> Vec<String> {
        subjects(&self.ok(&["search", "--client", client, "--query", words, "--as", viewer]))
    }

    /// Changes the store's file behind the host's back.
    pub(crate) fn sql(&self, statement: &str) {
        self.python("c.executescript(sys.argv[2])", statement);
    }

    /// A number out of the store's file.
    pub(crate) fn number(&self, question: &str) -> u64 {
        self.python("print(c.execute(sys.argv[2]).fetchone()[0])", question).trim().parse().unwrap()
    }

    fn python(&self, what: &str, statement: &str) -> String {
        let script = format!("import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); {what}; c.close()");
        let file = self.practice.store_directory().join("practice.db");
        let mut python = std::process::Command::new("python3");
        let done = python.args(["-c", &script]).arg(utf8(&file)).arg(statement).output();
        let done = done.expect("python3 (scripts/setup installs it)");
        assert!(done.status.success(), "{statement}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// A file to be written to.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.practice.store_directory().join(name)
    }
}

pub(crate) fn subjects(page: &Value) -> Vec<String> {
    let messages = page["messages"].as_array().unwrap().iter();
    messages.map(|message| message["subject"].as_str().unwrap().to_owned()).collect()
}

/// The kinds of changes after a number, as a user is told.
#[track_caller]
pub(crate) fn kinds(changes: &Value) -> Vec<&str> {
    changes["changes"].as_array().unwrap().iter().map(|change| change["kind"].as_str().unwrap()).collect()
}
