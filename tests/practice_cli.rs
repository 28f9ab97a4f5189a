//! The terminal host's command line, as far as it needs no server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use practicemail::contract::{PracticeDirectory as _, Retention};
use practicemail::storage::sqlite::SqliteDirectory;
use practicemail::types::{ClientId, PracticeId};
use serde_json::{Value, json};

struct Terminal(tempfile::TempDir);

impl Terminal {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// With a practice of one user and two clients.
    fn with_practice() -> (Self, Value) {
        let terminal = Self::new();
        let answer = terminal.init(&practice());
        (terminal, answer)
    }

    fn init(&self, practice: &Value) -> Value {
        let file = self.path("practice.json");
        fs::write(&file, practice.to_string()).expect("write the practice");
        answered(&self.json(&["init", "--practice", file.to_str().expect("a path")]), 0)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self) -> Command {
        let test = std::env::current_exe().expect("the test's own path");
        let profile = test.parent().and_then(Path::parent).expect("a build directory");
        let binary = profile.join("examples").join(format!("practice{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.is_file(), "the terminal host is not built: run `cargo build --examples`");
        let mut command = Command::new(binary);
        command.env_remove("NO_SUCH_VARIABLE").env("A_PASSWORD", "secret").current_dir(self.0.path());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command().args(words).output().expect("run the host")
    }

    fn json(&self, words: &[&str]) -> Output {
        self.run(&[&["--store", "mail.db", "--json"], words].concat())
    }
}

fn practice() -> Value {
    json!({
        "practice": {
            "id": "hale", "name": "Hale & Partners", "domains": ["hale.example"], "never_log": [],
            "noreply": {"address": "noreply@hale.example", "host": "smtp.example", "port": 465, "tls": "implicit",
                        "login": "noreply", "password_env": "NOREPLY", "ca": null}
        },
        "users": [{"id": "anna", "name": "Anna Hale", "address": "anna@hale.example", "aliases": ["a@hale.example"],
                   "role": "administrator", "active": true}],
        "clients": [
            {"id": "bakery", "name": "Bakery", "addresses": ["paula@bakery.example"], "domains": ["gmail.com"]},
            {"id": "plumber", "name": "Plumber", "addresses": [], "domains": ["plumber.example", "co.uk"]}
        ]
    })
}

/// The one JSON object on standard output, of a run that ends with `code`.
#[track_caller]
fn answered(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

const CONNECT: &[&str] = &[
    "connect",
    "--user",
    "anna",
    "--imap",
    "127.0.0.1:1",
    "--imap-tls",
    "none",
    "--login",
    "anna",
    "--password-env",
];

#[test]
fn wrong_usage_exits_with_2() {
    let (terminal, _) = Terminal::with_practice();
    let wrong: &[&[&str]] = &[
        &[],
        &["--store", "mail.db"],
        &["status"],
        &["--store", "mail.db", "bogus"],
        &["--store", "mail.db", "status", "--json"],
        &["--store", "mail.db", "tab"],
        &["--store", "mail.db", "tab", "--client", "bakery", "--limit", "0"],
        &["--store", "mail.db", "sync", "--window", "many"],
        &["--store", "mail.db", "sync", "--for", "5"],
        &["--store", "mail.db", "settings", "--switch", "gmail=perhaps"],
        &["--store", "mail.db", "settings", "--switch", "pigeon=off"],
        &["--store", "mail.db", "settings", "--by", "anna"],
        &["--store", "mail.db", "--now", "yesterday", "status"],
        &["--store", "mail.db", "--timeout", "0", "status"],
        &["--store", "mail.db", "--timeout", "nan", "status"],
        &["--store", "mail.db", "--failpoint", "store.lunch.before", "status"],
        &["--store", "mail.db", "--failpoint", "store.connect.before:0", "status"],
        &["--store", "mail.db", "--log-level", "info", "status"],
        &["--store", "mail.db", "export", "--format", "csv", "--out", "x"],
        &["--store", "mail.db", "connect", "--user", "anna", "--imap", "no-port", "--imap-tls", "none"],
        &["--store", "mail.db", "check", "--user", "anna", "--imap", "h:993", "--imap-tls", "maybe"],
    ];
    for words in wrong {
        let output = terminal.run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        let asked = words.contains(&"--json");
        assert!(output.stdout.is_empty() != asked && !output.stderr.is_empty(), "{words:?}: {output:?}");
    }
}

#[test]
fn a_program_is_told_of_wrong_usage_in_json() {
    let answer = answered(&Terminal::new().json(&["bogus"]), 2);
    assert_eq!(answer["error"]["kind"], "usage", "{answer}");
}

#[test]
fn help_is_no_failure() {
    let output = Terminal::new().run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("--failpoint"));
}

#[test]
fn init_tells_what_it_took_and_what_it_refused() {
    let (terminal, answer) = Terminal::with_practice();
    assert_eq!(
        (&answer["practice"], &answer["users"], &answer["clients"]),
        (&json!("hale"), &json!(1), &json!(2))
    );
    let refused = answer["refused"].as_array().expect("a list");
    let domains: Vec<_> = refused.iter().map(|r| (r["client"].as_str(), r["domain"].as_str())).collect();
    assert_eq!(domains, [(Some("bakery"), Some("gmail.com")), (Some("plumber"), Some("co.uk"))]);
    assert!(refused.iter().all(|r| r["reason"].as_str().is_some_and(|reason| reason.len() > 10)), "{answer}");
    assert_eq!(terminal.init(&practice()), answer, "run again it says the same");

    let mut changed = practice();
    changed["clients"][1]["domains"] = json!([]);
    assert_eq!(terminal.init(&changed)["refused"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_store_holds_one_practice() {
    let (terminal, _) = Terminal::with_practice();
    let mut other = practice();
    other["practice"]["id"] = json!("another");
    fs::write(terminal.path("other.json"), other.to_string()).expect("write the practice");
    let answer = answered(&terminal.json(&["init", "--practice", "other.json"]), 1);
    assert_eq!(answer["error"]["kind"], "invalid", "{answer}");
}

#[test]
fn a_practice_file_that_is_none_is_refused() {
    let terminal = Terminal::new();
    fs::write(terminal.path("broken.json"), "{\"practice\": 7}").expect("write the practice");
    for file in ["broken.json", "missing.json"] {
        let answer = answered(&terminal.json(&["init", "--practice", file]), 1);
        assert_eq!(answer["error"]["kind"], "invalid", "{answer}");
    }
}

#[test]
fn store_and_key_are_for_their_owner_only_and_the_store_is_one_file() {
    let (terminal, _) = Terminal::with_practice();
    #[cfg(unix)]
    for name in ["mail.db", "mail.db.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(terminal.path(name)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(!terminal.path("mail.db-wal").exists(), "the store's log was left behind");
}

#[test]
fn a_missing_store_is_named_and_not_made() {
    let terminal = Terminal::new();
    let answer = answered(&terminal.json(&["status"]), 1);
    assert_eq!(answer["error"]["kind"], "not_found", "{answer}");
    assert!(!terminal.path("mail.db").exists());
}

#[test]
fn an_unknown_client_or_user_is_not_found() {
    let (terminal, _) = Terminal::with_practice();
    let unknown: &[&[&str]] = &[
        &["tab", "--client", "nobody"],
        &["tab", "--client", "bakery", "--as", "nobody"],
        &["cursor", "--user", "nobody"],
        &["sync", "--user", "nobody"],
        &["mailboxes", "--user", "anna"],
    ];
    for words in unknown {
        let error = &answered(&terminal.json(words), 1)["error"];
        assert_eq!(error["kind"], "not_found", "{words:?}: {error}");
        assert_eq!((&error["who"], &error["retryable"]), (&json!("user"), &json!(false)), "{error}");
        assert!(error["remedy"].as_str().is_some_and(|remedy| remedy.len() > 10), "{error}");
    }
}

/// A hold outlives its client, so one whose name is mistyped is taken, and told; for how long mail is kept besides stays as it is.
#[tokio::test]
async fn a_hold_tells_whether_there_is_such_a_client() {
    let (terminal, _) = Terminal::with_practice();
    let (practice, bakery) = (PracticeId::new("hale").unwrap(), ClientId::new("bakery").unwrap());
    let directory = SqliteDirectory::open(terminal.path("mail.db")).await.unwrap();
    directory.set_retention(&practice, &bakery, Retention::days(90)).await.unwrap();
    let hold = |client, state| answered(&terminal.json(&["hold", "--client", client, state]), 0);
    assert_eq!(hold("bakrey", "on"), json!({"client": "bakrey", "held": true, "listed": false}));
    assert_eq!(hold("bakery", "on"), json!({"client": "bakery", "held": true, "listed": true}));
    assert!(directory.retention(&practice, &bakery).await.unwrap().held);
    assert_eq!(hold("bakery", "off"), json!({"client": "bakery", "held": false, "listed": true}));
    assert_eq!(directory.retention(&practice, &bakery).await.unwrap(), Retention::days(90));
}

#[test]
fn a_missing_environment_variable_is_named() {
    let (terminal, _) = Terminal::with_practice();
    let words = [CONNECT, &["NO_SUCH_VARIABLE"]].concat();
    let error = &answered(&terminal.json(&words), 1)["error"];
    assert_eq!(error["kind"], "invalid", "{error}");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("NO_SUCH_VARIABLE")), "{error}");
}

#[test]
fn a_connection_without_encryption_goes_to_this_machine_only() {
    let (terminal, _) = Terminal::with_practice();
    let mut words = [CONNECT, &["A_PASSWORD"]].concat();
    let at = words.iter().position(|word| *word == "127.0.0.1:1").expect("the server");
    words[at] = "mail.example:143";
    let error = &answered(&terminal.json(&words), 1)["error"];
    assert_eq!(error["kind"], "invalid", "{error}");
}

#[test]
fn a_check_names_the_step_that_failed_and_needs_no_store() {
    let terminal = Terminal::new();
    let mut words = [CONNECT, &["A_PASSWORD"]].concat();
    words[0] = "check";
    let answer = answered(&terminal.json(&words), 1);
    assert_eq!(answer["ok"], false, "{answer}");
    let step = answer["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
    assert_eq!(
        (&step["step"], &step["ok"], &step["kind"]),
        (&json!("connect"), &json!(false), &json!("connection_refused"))
    );
    assert!(!terminal.path("mail.db").exists());
}

#[test]
fn a_person_reads_what_happened_what_to_do_and_who() {
    let (terminal, _) = Terminal::with_practice();
    let output = terminal.run(&["--store", "mail.db", "tab", "--client", "nobody"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let begins: Vec<_> = text.lines().map(|line| line.split(':').next().unwrap_or_default()).collect();
    assert_eq!(begins, ["What happened", "What to do", "Who can do it"], "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn failpoints_are_listed_and_abort() {
    let (terminal, _) = Terminal::with_practice();
    let listed = answered(&terminal.run(&["--json", "--failpoint", "list"]), 0);
    let names: Vec<&str> =
        listed["failpoints"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for name in [
        "store.commit_window.before",
        "store.commit_window.after",
        "wire.examine.before",
        "wire.sign_in.after",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let text = terminal.run(&["--failpoint", "list"]);
    assert_eq!(String::from_utf8_lossy(&text.stdout).lines().collect::<Vec<_>>(), names);

    let words =
        [&["--store", "mail.db", "--failpoint", "wire.sign_in.before"], CONNECT, &["A_PASSWORD"]].concat();
    assert_eq!(terminal.run(&words).status.code(), Some(1), "nothing answers: the point is not reached");
    let words = [&["--store", "mail.db", "--failpoint", "wire.connect.before:2"], &["status"][..]].concat();
    assert_eq!(terminal.run(&words).status.code(), Some(0));
}

#[test]
fn a_practice_without_accounts_has_empty_answers() {
    let (terminal, _) = Terminal::with_practice();
    assert_eq!(answered(&terminal.json(&["sync"]), 0), json!({"accounts": []}));
    assert_eq!(answered(&terminal.json(&["cursor", "--user", "anna"]), 0), json!({"accounts": []}));
    let tab = answered(&terminal.json(&["tab", "--client", "bakery"]), 0);
    assert_eq!(tab, json!({"messages": [], "next": null, "count": "0"}));
    let status = answered(&terminal.json(&["status"]), 0);
    let row = json!({"user": "anna", "address": "anna@hale.example", "channel": null, "last_synchronised": null,
                     "health": "never_set_up", "dead_letters": 0, "failures": 0, "remedy": null, "who": null});
    let told = status["users"][0].as_object().expect("a row");
    for (name, value) in row.as_object().expect("a row") {
        assert_eq!(told.get(name), Some(value), "{name}");
    }
    assert_eq!(status["users"].as_array().map(Vec::len), Some(1));
    assert_eq!((&status["summary"]["never_set_up"], &status["summary"]["fine"]), (&json!(1), &json!(0)));
    let written = answered(&terminal.json(&["export", "--format", "jsonl", "--out", "all.jsonl"]), 0);
    assert_eq!(written, json!({"lines": 0}));
    assert_eq!(fs::read_to_string(terminal.path("all.jsonl")).expect("the file"), "");
}

#[test]
fn traces_go_into_a_file() {
    let (terminal, _) = Terminal::with_practice();
    let output = terminal.run(&["--store", "mail.db", "--log", "trace.log", "--log-level", "trace", "sync"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(terminal.path("trace.log").exists());
}
