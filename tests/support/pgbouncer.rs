//! A `PgBouncer` of the test's own before a server, in transaction mode: the next transaction may have another connection.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::dovecot::{free_ports, stop};
use super::postgres::PostgresServer;

/// The running pooler.
pub(crate) struct PgBouncer {
    child: Child,
    _directory: tempfile::TempDir,
    port: u16,
}

impl PgBouncer {
    /// Starts one that lends so many of the server's connections.
    pub(crate) fn start(server: &PostgresServer, connections: u32) -> Self {
        let binary = "/usr/sbin/pgbouncer";
        assert!(fs::metadata(binary).is_ok(), "PgBouncer is not installed: run scripts/setup");
        let directory = tempfile::Builder::new().prefix("pm-pgbouncer-").tempdir().expect("a directory");
        let owner = server.owner();
        chown(directory.path(), owner.map(|o| o.0), owner.map(|o| o.1)).expect("hand the directory over");
        let (port, _) = free_ports();
        let run = directory.path().display();
        let configuration = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = trust\nauth_file = {run}/users\npool_mode = transaction\ndefault_pool_size = {connections}\n\
             max_client_conn = 200\nunix_socket_dir =\n",
            server.port()
        );
        fs::write(directory.path().join("pgbouncer.ini"), configuration).expect("write the configuration");
        fs::write(directory.path().join("users"), "\"books\" \"\"\n").expect("write the users");
        let mut command = Command::new(binary);
        if let Some((uid, gid)) = owner {
            command.uid(uid).gid(gid);
        }
        let child = command
            .arg("-q")
            .arg(directory.path().join("pgbouncer.ini"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("run pgbouncer");
        let bouncer = Self { child, _directory: directory, port };
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "pgbouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        bouncer
    }

    /// The URL of the server's database, by way of the pooler.
    pub(crate) fn url(&self) -> String {
        format!("postgres://books@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}
