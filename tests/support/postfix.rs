//! A Postfix of the test's own: own configuration, queue, certificate and ports, gone when dropped. A Dovecot without any
//! protocol checks its passwords.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::dovecot::{Owner, PASSWORD, certify, free_ports, stop};

const MISSING: &str = "postfix is not installed: run scripts/setup, which installs what these tests need";

/// The largest message it takes.
pub(crate) const SIZE: usize = 200_000;

/// The running server; whoever signs in with [`PASSWORD`] may send to its own mailboxes.
pub(crate) struct Postfix {
    children: Vec<Child>,
    directory: tempfile::TempDir,
    port: u16,
    tls_port: u16,
}

impl Postfix {
    /// Starts a server with these mailboxes, such as `paula@bakery.example`, and waits until it greets.
    pub(crate) fn start(mailboxes: &[&str]) -> Self {
        assert!(Path::new("/usr/sbin/postfix").is_file(), "{MISSING}");
        let owner = Owner::choose();
        assert!(owner.steps_down(), "a Postfix starts as root only");
        let directory =
            tempfile::Builder::new().prefix("pm-postfix-").tempdir().expect("a temporary directory");
        let run = directory.path();
        fs::set_permissions(run, fs::Permissions::from_mode(0o755)).expect("open the directory");
        for name in ["conf", "queue", "data", "home", "auth"] {
            fs::create_dir(run.join(name)).expect("create a directory");
        }
        chown(run.join("data"), Some(id("postfix")), None).expect("hand a directory over");
        chown(run.join("home"), Some(owner.uid), Some(owner.gid)).expect("hand a directory over");
        certify(run, &owner);
        let known: String =
            mailboxes.iter().map(|address| format!("{address} {}/\n", directory_of(address))).collect();
        fs::write(run.join("conf/mailboxes"), known).expect("write the mailboxes");
        fs::write(run.join("auth/dovecot.conf"), authentication(run)).expect("write the configuration");
        // A free port may be taken between finding and using it, so a start is tried again.
        for _ in 0..3 {
            let (port, tls_port) = free_ports();
            fs::write(run.join("conf/main.cf"), main(run, &owner)).expect("write the configuration");
            fs::write(run.join("conf/master.cf"), services(port, tls_port)).expect("write the services");
            let mut children = vec![
                spawn(
                    Command::new("/usr/sbin/dovecot").arg("-F").arg("-c").arg(run.join("auth/dovecot.conf")),
                ),
                spawn(Command::new("/usr/sbin/postfix").arg("-c").arg(run.join("conf")).arg("start-fg")),
            ];
            if greets(port, &mut children) && run.join("auth/socket").exists() {
                return Self { children, directory, port, tls_port };
            }
            stop_all(run, &mut children);
        }
        panic!("postfix does not start: {:?}", fs::read_to_string(run.join("postfix.log")));
    }

    /// The port of plain text and STARTTLS; sign-in needs the latter.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The port of implicit TLS.
    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The certificate of the authority that signed the server's, as PEM.
    pub(crate) fn ca_pem(&self) -> String {
        fs::read_to_string(self.directory.path().join("ca.pem")).expect("the authority")
    }

    /// Waits until nothing is on its way any more.
    pub(crate) fn settle(&self) {
        let queues = ["maildrop", "incoming", "active", "deferred"];
        let is_empty = |queue: &&str| {
            let entries = fs::read_dir(self.directory.path().join("queue").join(queue));
            entries.map_or(true, |entries| entries.flatten().all(|entry| !entry.path().is_file()))
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut calm = 0;
        while calm < 3 {
            assert!(Instant::now() < deadline, "messages stay in the queue");
            std::thread::sleep(Duration::from_millis(50));
            calm = if queues.iter().all(is_empty) { calm + 1 } else { 0 };
        }
    }

    /// Waits until so many messages lie in a mailbox, and answers them with CRLF line ends.
    pub(crate) fn await_messages(&self, address: &str, count: usize) -> Vec<Vec<u8>> {
        let new = self.directory.path().join("home").join(directory_of(address)).join("new");
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let mut paths: Vec<PathBuf> = fs::read_dir(&new)
                .map(|entries| entries.map(|entry| entry.expect("an entry").path()).collect())
                .unwrap_or_default();
            if paths.len() >= count {
                paths.sort();
                return paths.iter().map(|path| with_crlf(&fs::read(path).expect("a message"))).collect();
            }
            assert!(Instant::now() < deadline, "{} messages of {count} arrived", paths.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        stop_all(self.directory.path(), &mut self.children);
    }
}

/// Ends the servers. What was started as `postfix` only waits for the master, which has to be told itself.
fn stop_all(run: &Path, children: &mut [Child]) {
    let master = fs::read_to_string(run.join("queue/pid/master.pid")).unwrap_or_default();
    if !master.trim().is_empty() {
        let _ = Command::new("kill").arg("-TERM").arg(master.trim()).status();
    }
    children.iter_mut().for_each(stop);
}

fn directory_of(address: &str) -> &str {
    address.split('@').next().expect("a local part")
}

fn id(user: &str) -> u32 {
    let output = Command::new("id").args(["-u", user]).output().expect("run id");
    String::from_utf8(output.stdout).expect("id answers in ASCII").trim().parse().expect(MISSING)
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start a server")
}

fn greets(port: u16, children: &mut [Child]) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if children.iter_mut().any(|child| child.try_wait().expect("look at a server").is_some()) {
            return false;
        }
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.set_read_timeout(Some(Duration::from_secs(5))).expect("set a time-out");
            let mut line = String::new();
            if BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("220 ") {
                return true;
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn with_crlf(octets: &[u8]) -> Vec<u8> {
    octets.iter().fold(Vec::with_capacity(octets.len()), |mut message, octet| {
        if *octet == b'\n' {
            message.push(b'\r');
        }
        message.push(*octet);
        message
    })
}

fn authentication(run: &Path) -> String {
    let run = run.display();
    format!(
        "protocols =
ssl = no
base_dir = {run}/auth/base
state_dir = {run}/auth/state
log_path = {run}/auth/log
auth_mechanisms = plain login
auth_failure_delay = 0 secs
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home=/nonexistent
}}
service auth {{
  unix_listener {run}/auth/socket {{
    mode = 0666
  }}
}}
"
    )
}

fn main(run: &Path, owner: &Owner) -> String {
    let run = run.display();
    let (uid, gid) = (owner.uid, owner.gid);
    format!(
        "compatibility_level = 3.6
queue_directory = {run}/queue
data_directory = {run}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {run}/postfix.log
maillog_file_prefixes = {run}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = bakery.example
virtual_mailbox_maps = texthash:{run}/conf/mailboxes
virtual_mailbox_base = {run}/home
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
message_size_limit = {SIZE}
smtpd_tls_cert_file = {run}/cert.pem
smtpd_tls_key_file = {run}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {run}/auth/socket
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
"
    )
}

fn services(port: u16, tls_port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"
    )
}
