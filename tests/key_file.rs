//! The key file as an operator runs into it: the terminal host makes one for a store that holds nothing sealed, and never afterwards.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::postgres::PostgresServer;

/// A host whose noreply address has a password, so that its store holds something sealed without any mail server.
struct Terminal {
    home: tempfile::TempDir,
    store: String,
}

impl Terminal {
    fn new(store: String) -> Self {
        Self { home: tempfile::tempdir().expect("a temporary directory"), store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        self.run_in(self.home.path(), words)
    }

    fn run_in(&self, directory: &Path, words: &[&str]) -> Output {
        let test = std::env::current_exe().expect("the test's own path");
        let profile = test.parent().and_then(Path::parent).expect("a build directory");
        let binary = profile.join("examples").join(format!("practice{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.is_file(), "the terminal host is not built: run `cargo build --examples`");
        let mut command = Command::new(binary);
        command.args(["--store", &self.store, "--json"]).args(words).current_dir(directory);
        command.env("NOREPLY", "a password").output().expect("run the host")
    }

    fn init(&self, name: &str) -> Output {
        let noreply = json!({"address": "noreply@hale.example", "host": "smtp.example", "port": 465, "tls": "implicit",
            "login": "noreply", "password_env": "NOREPLY", "ca": null});
        let practice = json!({"id": "hale", "name": name, "noreply": noreply});
        let file = self.path("practice.json");
        fs::write(&file, json!({ "practice": practice }).to_string()).expect("write the practice");
        self.run(&["init", "--practice", file.to_str().expect("a path")])
    }

    /// Everything that makes or reads sealed records is refused without the key file, and goes on with it.
    fn loses_its_key(&self, key: &str, written: impl Fn() -> Vec<String>) {
        answered(&self.init("Hale & Partners"), 0);
        let (key, kept) = (self.path(key), self.path("kept.key"));
        assert!(key.is_file(), "a fresh store gets its key");
        let before = written();
        assert!(before.len() >= 2, "{before:?}");

        fs::rename(&key, &kept).expect("take the key file away");
        let refused = [
            self.init("Somebody else"),
            self.run(&["status"]),
            self.run(&["reseal"]),
            self.run(&["--key-file", "nowhere.key", "outbox"]),
        ];
        for refused in refused {
            is_told(&refused);
        }
        assert!(!key.exists() && !self.path("nowhere.key").exists(), "no new key is made");
        assert_eq!(written(), before, "and nothing is written");

        let elsewhere = answered(&self.run(&["--key-file", "kept.key", "reseal"]), 0);
        assert_eq!((&elsewhere["anew"], &elsewhere["current"]), (&0.into(), &1.into()), "{elsewhere}");
        fs::rename(&kept, &key).expect("put the key file back");
        let back = answered(&self.run(&["reseal"]), 0);
        assert_eq!((&back["current"], &back["unreadable"]), (&1.into(), &json!([])), "{back}");
    }
}

#[track_caller]
fn is_told(output: &Output) {
    let error = &answered(output, 1)["error"];
    assert_eq!((&error["kind"], &error["who"]), (&"key_unavailable".into(), &"host".into()), "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(".key; `--key-file`") && message.contains("put it back"), "{message}");
}

/// The one JSON object on standard output, of a run that ends with `code`.
#[track_caller]
fn answered(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_beside_which_the_key_is_missing_is_refused() {
    use sqlx::ConnectOptions as _;
    let terminal = Terminal::new("mail.db".to_owned());
    let asked = async |path: PathBuf| -> Vec<String> {
        let plain = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let select = "SELECT name FROM practice UNION ALL SELECT hex(octets) FROM credential";
        let mut plain = plain.connect().await.expect("the file");
        sqlx::query_scalar(select).fetch_all(&mut plain).await.expect("its rows")
    };
    terminal.loses_its_key("mail.db.key", || {
        let path = terminal.path("mail.db");
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(asked(path)))
    });
}

#[test]
fn a_database_whose_key_lies_elsewhere_is_refused() {
    let server = PostgresServer::start();
    let terminal = Terminal::new(server.url());
    let select = "SELECT name FROM practicemail.practice
        UNION ALL SELECT encode(octets, 'hex') FROM practicemail.credential";
    let written = || server.sql(select).lines().map(str::to_owned).collect();
    terminal.loses_its_key("practice.key", written);

    // The same command from another directory.
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    is_told(&terminal.run_in(elsewhere.path(), &["status"]));
    assert_eq!(fs::read_dir(elsewhere.path()).expect("list it").count(), 0);
}
