//! A practice that sends: the kit's IMAP and SMTP servers, and the terminal host driven as a person would.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use practicemail::testkit::smtp::{Delivery, Personality};
use practicemail::testkit::{ImapServer, SmtpServer, imap};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";
pub(crate) const ANNA: &str = "anna@hale.example";
pub(crate) const PAULA: &str = "paula@bakery.example";

/// Two servers under one authority, and a store.
pub(crate) struct Office {
    pub(crate) imap: ImapServer,
    pub(crate) smtp: SmtpServer,
    home: tempfile::TempDir,
}

impl Office {
    /// Anna's account reads and sends; Dan has none; noreply is settled.
    pub(crate) async fn open(personality: Personality) -> Self {
        let office = Self::without_account(personality).await;
        office.connect();
        office
    }

    /// Nobody has an account yet.
    pub(crate) async fn without_account(personality: Personality) -> Self {
        let imap = ImapServer::builder().personality(imap::Personality::Dovecot);
        let imap = imap.user(ANNA, PASSWORD).user("ben@hale.example", PASSWORD).start().await.unwrap();
        let smtp = SmtpServer::builder().personality(personality);
        let smtp = smtp.user(ANNA, PASSWORD).user("noreply@hale.example", PASSWORD);
        let smtp = smtp.files_into(&imap).delivers_into(&imap).start().await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let office = Self { imap, smtp, home };
        std::fs::write(office.path("imap.pem"), office.imap.ca_pem()).unwrap();
        std::fs::write(office.path("smtp.pem"), office.smtp.ca_pem()).unwrap();
        // The host trusts one file for both servers.
        let both = format!("{}\n{}", office.imap.ca_pem(), office.smtp.ca_pem());
        std::fs::write(office.path("both.pem"), both).unwrap();
        office.init();
        office
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn init(&self) {
        let noreply = json!({
            "address": "noreply@hale.example", "host": "localhost", "port": self.smtp.port(), "tls": "implicit",
            "login": "noreply@hale.example", "password_env": "PASSWORD", "ca": self.path("smtp.pem")
        });
        let practice = json!({
            "practice": {"id": "hale", "name": "Hale & Partners", "domains": ["hale.example"], "never_log": [], "noreply": noreply},
            "users": [
                {"id": "anna", "name": "Anna Hale", "address": ANNA, "aliases": ["vat@hale.example"], "role": "administrator", "active": true},
                {"id": "dan", "name": "Dan Price", "address": "dan@hale.example", "aliases": [], "role": "staff", "active": true}
            ],
            "clients": [
                {"id": "bakery", "name": "Bakery", "addresses": [PAULA], "domains": []},
                {"id": "cafe", "name": "Café", "addresses": ["amelie@cafe.example"], "domains": []}
            ]
        });
        let file = self.path("practice.json");
        std::fs::write(&file, practice.to_string()).unwrap();
        self.ok(&["init", "--practice", file.to_str().unwrap()]);
    }

    pub(crate) fn connect(&self) {
        self.connect_with(&[]);
    }

    pub(crate) fn connect_with(&self, more: &[&str]) {
        let (imap, smtp) =
            (format!("localhost:{}", self.imap.port()), format!("localhost:{}", self.smtp.port()));
        let ca = self.path("both.pem");
        let words = ["connect", "--user", "anna", "--imap", &imap, "--imap-tls", "implicit"];
        let words = [&words[..], &["--login", ANNA, "--password-env", "PASSWORD"]].concat();
        let words = [&words[..], &["--smtp", &smtp, "--smtp-tls", "implicit", "--ca", ca.to_str().unwrap()]];
        self.ok(&[&words.concat()[..], more].concat());
    }

    fn command(&self, words: &[&str]) -> Command {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let binary = profile.join("examples").join(format!("practice{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.is_file(), "the terminal host is not built: run `cargo build --examples`");
        let mut command = Command::new(binary);
        command.args(["--store", "mail.db", "--json"]).args(words).env("PASSWORD", PASSWORD);
        command.current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// Runs the host to its end. The servers go on meanwhile, on the test's other threads.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        tokio::task::block_in_place(|| self.command(words).output().unwrap())
    }

    /// Starts the host.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// A run that ends with exit 0.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> Value {
        answered(&self.run(words), 0)
    }

    /// A run that ends with exit 1.
    #[track_caller]
    pub(crate) fn fails(&self, words: &[&str]) -> Value {
        answered(&self.run(words), 1)
    }

    /// Messages of a client's tab.
    pub(crate) fn tab(&self, client: &str) -> Vec<Value> {
        self.ok(&["tab", "--client", client])["messages"].as_array().unwrap().clone()
    }

    /// What lies in Anna's Sent mailbox.
    pub(crate) fn sent(&self) -> Vec<Vec<u8>> {
        self.imap.user(ANNA).messages("Sent").into_iter().map(|message| message.octets.to_vec()).collect()
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.smtp.deliveries()
    }
}

/// The one JSON object on standard output, of a run that ends with `code`.
#[track_caller]
pub(crate) fn answered(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The value of a field in a message's header, unfolded.
pub(crate) fn field(octets: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(octets).replace("\r\n ", " ").replace("\r\n\t", " ");
    let header = text.split("\r\n\r\n").next()?.to_owned();
    let start = format!("{}:", name.to_lowercase());
    header
        .lines()
        .find(|line| line.to_lowercase().starts_with(&start))
        .map(|l| l[start.len()..].trim().to_owned())
}
