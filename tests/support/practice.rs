//! The terminal host as a black box: the built example `practice`, run as a person would.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::directory::Directory;
use super::dovecot::{Dovecot, PASSWORD};
use super::postgres::PostgresServer;

/// A first synchronisation stays below this, whatever it reads, the program itself aside.
pub(crate) const MEMORY_LIMIT: u64 = 16 << 20;

const PASSWORD_VARIABLE: &str = "PRACTICE_TEST_PASSWORD";

/// How a run reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    Implicit,
    /// At an address where the server refuses a sign-in before TLS.
    StartTls,
    Never,
}

/// A store and the host that owns it.
pub(crate) struct Practice {
    directory: tempfile::TempDir,
    server: Option<PostgresServer>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
    /// The most memory the process had resident, in octets.
    pub(crate) peak: u64,
}

/// A run under way.
pub(crate) struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
    started: Instant,
    peak: u64,
}

impl Practice {
    /// A host that knows nobody yet; its store is a file, or with `PRACTICE_TEST_STORE=postgres` a database of its own.
    pub(crate) fn new() -> Self {
        let server = match std::env::var("PRACTICE_TEST_STORE").as_deref() {
            Ok("postgres") => Some(PostgresServer::start()),
            Ok(other) => panic!("PRACTICE_TEST_STORE is `postgres` or not set, not {other}"),
            Err(_) => None,
        };
        Self { server, ..Self::in_file() }
    }

    /// The same whose store is a database of its own.
    pub(crate) fn on_server() -> Self {
        Self { server: Some(PostgresServer::start()), ..Self::in_file() }
    }

    /// Has the database's server crash and start again.
    pub(crate) fn crash_the_database(&mut self) {
        self.server.as_mut().expect("a server").restart();
    }

    fn in_file() -> Self {
        let directory =
            tempfile::Builder::new().prefix("pm-practice-").tempdir().expect("a temporary directory");
        fs::create_dir(directory.path().join("store")).expect("create the store's directory");
        fs::create_dir(directory.path().join("scratch")).expect("create the host's temporary directory");
        Self { directory, server: None }
    }

    /// A second host whose store is a copy of this one's.
    pub(crate) fn duplicate(&self) -> Self {
        assert!(self.server.is_none(), "a database is not copied by its files");
        let twin = Self::in_file();
        for entry in fs::read_dir(self.store_directory()).expect("list the store") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a file");
            fs::copy(&path, twin.store_directory().join(name)).expect("copy the store");
        }
        twin
    }

    /// Runs a command with `--json` to its end.
    pub(crate) fn run(&self, global: &[&str], command: &[&str]) -> Outcome {
        self.start(global, command).wait()
    }

    /// Starts a command with `--json`.
    pub(crate) fn start(&self, global: &[&str], command: &[&str]) -> Running {
        let mut host = Command::new(binary());
        match &self.server {
            None => host.arg("--store").arg(self.store_directory().join("practice.db")),
            Some(server) => host.arg("--store").arg(server.url()),
        };
        host.arg("--json");
        host.args(global).args(command).env(PASSWORD_VARIABLE, PASSWORD);
        host.env("TMPDIR", self.directory.path().join("scratch"))
            .current_dir(self.directory.path().join("scratch"));
        host.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = host.spawn().expect("start the host");
        let stdout = drain(child.stdout.take().expect("standard output"));
        let stderr = drain(child.stderr.take().expect("standard error"));
        Running { child, stdout, stderr, started: Instant::now(), peak: 0 }
    }

    /// Tells the host its users and clients.
    pub(crate) fn init(&self, directory: &Directory) -> Value {
        self.init_with(&directory.to_json())
    }

    /// The same from the file's text.
    pub(crate) fn init_with(&self, practice: &Value) -> Value {
        let file = self.directory.path().join("practice.json");
        fs::write(&file, practice.to_string()).expect("write the practice");
        self.run(&[], &["init", "--practice", utf8(&file)]).success()
    }

    /// Connects a user's account with what else is wanted.
    pub(crate) fn connect(
        &self,
        dovecot: &Dovecot,
        user: &str,
        encryption: Encryption,
        more: &[&str],
    ) -> Outcome {
        self.reach("connect", dovecot, user, encryption, more)
    }

    /// `connect` or `check` with the options that both take.
    pub(crate) fn reach(
        &self,
        verb: &str,
        dovecot: &Dovecot,
        user: &str,
        encryption: Encryption,
        more: &[&str],
    ) -> Outcome {
        let (server, how) = match encryption {
            Encryption::Implicit => (format!("localhost:{}", dovecot.tls_port()), "implicit"),
            Encryption::StartTls => (format!("{}:{}", Dovecot::TLS_ONLY_HOST, dovecot.port()), "starttls"),
            Encryption::Never => (format!("127.0.0.1:{}", dovecot.port()), "none"),
        };
        let ca = dovecot.ca_file();
        let mut command = vec![verb, "--user", user, "--imap", &server, "--imap-tls", how, "--login", user];
        command.extend(["--password-env", PASSWORD_VARIABLE]);
        if encryption != Encryption::Never {
            command.extend(["--ca", utf8(&ca)]);
        }
        command.extend(more);
        self.run(&[], &command)
    }

    /// One pass over all accounts that must succeed.
    #[track_caller]
    pub(crate) fn sync(&self, more: &[&str]) -> Value {
        self.run(&[], &[&["sync"], more].concat()).success()
    }

    /// Every line of an export.
    #[track_caller]
    pub(crate) fn export(&self) -> Vec<Value> {
        let file = self.directory.path().join("export.jsonl");
        self.run(&[], &["export", "--format", "jsonl", "--out", utf8(&file)]).success();
        let text = fs::read_to_string(&file).expect("read the export");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Where the store and its key lie.
    pub(crate) fn store_directory(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// A file beside the store, for a trace.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.directory.path().join("trace.log")
    }

    /// The files below this host's directory that hold `text`, except the practice file it was given.
    pub(crate) fn files_with(&self, text: &str) -> Vec<PathBuf> {
        let (mut found, mut pending) = (Vec::new(), vec![self.directory.path().to_owned()]);
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(directory).expect("list a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    pending.push(path);
                } else if path.file_name().is_some_and(|name| name != "practice.json") {
                    let octets = fs::read(&path).expect("read a file");
                    if super::contains_ignoring_case(&octets, text.as_bytes()) {
                        found.push(path);
                    }
                }
            }
        }
        found
    }
}

impl Outcome {
    /// The one JSON object on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("standard output is not one JSON object: {error}; {self:?}"))
    }

    /// The answer of a run that must succeed.
    #[track_caller]
    pub(crate) fn success(&self) -> Value {
        assert_eq!(self.code, Some(0), "the host fails: {self:?}");
        self.json()
    }

    /// The error of a run that must be refused as a whole.
    #[track_caller]
    pub(crate) fn refusal(&self) -> Value {
        assert_eq!(self.code, Some(1), "the host does not fail as it should: {self:?}");
        let answer = self.json();
        assert_explained(&answer["error"]);
        answer["error"].clone()
    }
}

impl Running {
    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.sample();
        self.child.try_wait().expect("look at the host").is_none()
    }

    /// Sends a signal by its name, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.id().to_string())
            .status()
            .expect("run kill");
        assert!(sent.success(), "no signal {name}");
    }

    /// Kills it at once, as a power cut would.
    pub(crate) fn kill(mut self) -> Outcome {
        let _ = self.child.kill();
        self.wait()
    }

    /// Waits for its end, sampling its memory.
    pub(crate) fn wait(mut self) -> Outcome {
        let status = loop {
            self.sample();
            if let Some(status) = self.child.try_wait().expect("wait for the host") {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Outcome {
            code: status.code(),
            stdout: self.stdout.join().expect("standard output"),
            stderr: self.stderr.join().expect("standard error"),
            elapsed: self.started.elapsed(),
            peak: self.peak,
        }
    }

    /// The high-water mark only grows, so a late sample misses nothing but the last milliseconds. Of it, what is mapped of files is the
    /// program itself, two thirds of it unoptimised code.
    fn sample(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let octets = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
        };
        self.peak = self.peak.max(octets("VmHWM:").saturating_sub(octets("RssFile:")));
    }
}

/// An error says what it is, what to do, and who must.
#[track_caller]
pub(crate) fn assert_explained(error: &Value) {
    for key in ["kind", "message", "who"] {
        assert!(error[key].as_str().is_some_and(|text| !text.is_empty()), "no {key} in {error}");
    }
    assert!(error["remedy"].as_str().is_some_and(|text| text.len() > 10), "no remedy in {error}");
    assert!(error["retryable"].is_boolean(), "no retryable in {error}");
}

/// Whether an error is of this kind, however its letters are set.
pub(crate) fn is_kind(error: &Value, kind: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    error["kind"].as_str().is_some_and(|said| plain(said) == plain(kind))
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut octets = Vec::new();
        let _ = pipe.read_to_end(&mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    })
}

pub(crate) fn utf8(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.parent().and_then(Path::parent).expect("a build directory");
    let binary = profile.join("examples").join("practice");
    assert!(
        binary.is_file(),
        "the terminal host is not built: run `cargo build --examples`, or scripts/test, which does"
    );
    binary
}
