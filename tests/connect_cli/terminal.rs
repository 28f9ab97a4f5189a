//! The terminal host, and what it says.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

pub(crate) const ANNA: &str = "anna@hale.example";
pub(crate) const PAULA: &str = "paula@bakery.example";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const CLIENT_SECRET: &str = "client secret of the kit";

/// The host with a store of its own.
pub(crate) struct Terminal(tempfile::TempDir);

impl Terminal {
    /// With a practice of Anna and the bakery.
    pub(crate) fn open() -> Self {
        let terminal = Self(tempfile::tempdir().unwrap());
        let practice = json!({
            "practice": {"id": "hale", "name": "Hale & Partners", "domains": ["hale.example"]},
            "users": [{"id": "anna", "name": "Anna Hale", "address": ANNA, "role": "administrator"}],
            "clients": [{"id": "bakery", "name": "Bakery", "addresses": [PAULA]}]
        });
        terminal.write("practice.json", &practice.to_string());
        terminal.json(&["init", "--practice", "practice.json"], 0);
        terminal
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let binary = profile.join("examples").join(format!("practice{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.is_file(), "the terminal host is not built: run `cargo build --examples`");
        let mut command = Command::new(binary);
        command.args(["--store", "mail.db"]).args(words).current_dir(self.0.path()).stdin(Stdio::null());
        command.env("PASSWORD", PASSWORD).env("WRONG", "correct hoarse").env("SECRET", CLIENT_SECRET);
        command
    }

    /// Runs it to its end. The servers go on meanwhile, on the test's other threads.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        tokio::task::block_in_place(|| self.command(words).output().unwrap())
    }

    /// The one JSON object of a run that ends with `code`.
    #[track_caller]
    pub(crate) fn json(&self, words: &[&str], code: i32) -> Value {
        let output = self.run(&[&["--json"], words].concat());
        answered(&output.stdout, output.status.code(), code)
    }

    /// Starts it, and reads the first line it says on standard error.
    pub(crate) fn begin(&self, words: &[&str]) -> Waiting {
        let mut command = self.command(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut url = String::new();
        tokio::task::block_in_place(|| errors.read_line(&mut url).unwrap());
        Waiting { child, errors, url: url.trim_end().to_owned() }
    }
}

/// A host that waits for the browser to come back.
pub(crate) struct Waiting {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
    /// The page it wants to be opened.
    pub(crate) url: String,
}

impl Waiting {
    /// What it ends with: the exit code, standard output, and the rest of standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut errors) = (String::new(), String::new());
        let status = tokio::task::block_in_place(|| {
            self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
            self.errors.read_to_string(&mut errors).unwrap();
            self.child.wait().unwrap()
        });
        (status.code(), out, errors)
    }

    /// The one JSON object it ends with.
    #[track_caller]
    pub(crate) fn answer(self, code: i32) -> Value {
        let (status, out, _) = self.end();
        answered(out.as_bytes(), status, code)
    }
}

#[track_caller]
fn answered(out: &[u8], status: Option<i32>, code: i32) -> Value {
    let text = String::from_utf8_lossy(out);
    assert_eq!(status, Some(code), "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
