//! A PostgreSQL of the test's own: own cluster, own port, gone when dropped.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::dovecot::{free_ports, stop};

const MISSING: &str = "PostgreSQL is not installed: run scripts/setup, which installs what these tests need";

/// The running server. Whoever connects over loopback may do everything.
pub(crate) struct PostgresServer {
    child: Option<Child>,
    directory: tempfile::TempDir,
    port: u16,
    owner: Option<(u32, u32)>,
    settings: &'static [&'static str],
    schemas: AtomicU32,
}

impl PostgresServer {
    /// Makes a cluster and starts it.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with these settings.
    pub(crate) fn start_with(settings: &'static [&'static str]) -> Self {
        let directory =
            tempfile::Builder::new().prefix("pm-postgres-").tempdir().expect("a temporary directory");
        // PostgreSQL does not run as root.
        let owner = is_root().then(|| (id("-u"), id("-g")));
        chown(directory.path(), owner.map(|o| o.0), owner.map(|o| o.1)).expect("hand the directory over");
        let port = free_ports().0;
        let mut server = Self { child: None, directory, port, owner, settings, schemas: AtomicU32::new(0) };
        let data = server.data();
        let made = server
            .command("initdb")
            .args(["--no-sync", "--auth=trust", "--username=books", "--encoding=UTF8", "--locale=C"])
            .arg("--pgdata")
            .arg(&data)
            .output()
            .expect("run initdb");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.restart();
        server
    }

    /// Starts it, on the port it had before if it ran before.
    pub(crate) fn restart(&mut self) {
        self.stop();
        for _ in 0..3 {
            let log = fs::File::create(self.directory.path().join("log")).expect("create the log");
            let child = self
                .command("postgres")
                .arg("-D")
                .arg(self.data())
                .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-k", ""])
                .args(["-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=64MB"])
                .args(self.settings.iter().flat_map(|setting| ["-c", setting]))
                .stderr(log)
                .spawn()
                .expect("run postgres");
            self.child = Some(child);
            if self.answers() {
                return;
            }
            self.stop();
            self.port = free_ports().0;
        }
        panic!("postgres does not start: {:?}", fs::read_to_string(self.directory.path().join("log")));
    }

    /// Ends it as a crash does.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // SIGQUIT: at once, without waiting for who is connected.
            let _ = Command::new("kill").arg("-QUIT").arg(child.id().to_string()).status();
            stop(&mut child);
        }
    }

    /// The URL of its database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://books@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// As whom it runs, where the test runs as root.
    pub(crate) fn owner(&self) -> Option<(u32, u32)> {
        self.owner
    }

    /// What the server wrote into its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).expect("read the log")
    }

    /// A name of a schema that nobody had before.
    pub(crate) fn next_schema(&self) -> String {
        format!("s{}", self.schemas.fetch_add(1, Ordering::Relaxed))
    }

    /// One of the server's programs, run as its owner and against it.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(programs().join(name));
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command
            .current_dir(self.directory.path())
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "books")
            .env("PGDATABASE", "postgres")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Runs SQL, and answers what it prints.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = self
            .command("psql")
            .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .stdout(Stdio::piped())
            .output()
            .expect("run psql");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("psql answers in UTF-8").trim().to_owned()
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn answers(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
                return false;
            }
            let ready = self.command("pg_isready").stderr(Stdio::null()).status().expect("run pg_isready");
            if ready.success() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Debian keeps each version's programs in a directory of its own, which is in nobody's PATH.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|directory| directory.join("initdb").is_file());
    found.sort();
    found.pop().unwrap_or_else(|| panic!("{MISSING}"))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn id(of: &str) -> u32 {
    let output = Command::new("id").args([of, "postgres"]).output().expect("run id");
    assert!(output.status.success(), "{MISSING}");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}
