//! A Dovecot of the test's own: own configuration, directory, certificate and ports, gone when dropped.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::configuration::{Options, Place};
use super::imap::Session;

/// Every user's password at first. Its text is looked for in stores and traces, so it must not occur elsewhere.
pub(crate) const PASSWORD: &str = "Zwei-Raben-zqx-4711";

const MISSING: &str = "dovecot is not installed: run scripts/setup, which installs what these tests need";

/// The running server.
pub(crate) struct Dovecot {
    child: Child,
    directory: tempfile::TempDir,
    owner: Owner,
    port: u16,
    tls_port: u16,
}

/// Whom the server runs as and mail belongs to. Dovecot reads no mail as root, so root steps down.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) user: String,
    pub(crate) group: String,
    step_down: bool,
}

impl Owner {
    /// Whether the server is not run as the test is.
    pub(crate) fn steps_down(&self) -> bool {
        self.step_down
    }

    pub(crate) fn choose() -> Self {
        let id = |arguments: &[&str]| {
            let output = Command::new("id").args(arguments).output().expect("run id");
            String::from_utf8(output.stdout).expect("id answers in ASCII").trim().to_owned()
        };
        let root = id(&["-u"]) == "0";
        let of = |what: &str| if root { id(&[what, "mail"]) } else { id(&[what]) };
        Self {
            uid: of("-u").parse().expect("a uid"),
            gid: of("-g").parse().expect("a gid"),
            user: of("-un"),
            group: of("-gn"),
            step_down: root,
        }
    }
}

impl Dovecot {
    /// The address at which a client is not taken for local, so that [`Options::insist_on_tls`] bites: Dovecot waives the rule
    /// where both ends of the connection carry the same address.
    pub(crate) const TLS_ONLY_HOST: &str = "127.0.0.2";

    /// Starts the server and waits until it greets.
    pub(crate) fn start(options: &Options) -> Self {
        let binary = binary();
        let owner = Owner::choose();
        let directory =
            tempfile::Builder::new().prefix("pm-dovecot-").tempdir().expect("a temporary directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("open the directory");
        chown(directory.path(), Some(owner.uid), Some(owner.gid)).expect("hand the directory over");
        for name in ["base", "state", "home", "record"] {
            let path = directory.path().join(name);
            fs::create_dir(&path).expect("create a directory");
            chown(&path, Some(owner.uid), Some(owner.gid)).expect("hand a directory over");
        }
        certify(directory.path(), &owner);
        // A free port may be taken between finding and using it, so a start is tried again.
        for _ in 0..3 {
            let (port, tls_port) = free_ports();
            let configuration = directory.path().join("dovecot.conf");
            let place = Place { directory: directory.path(), owner: &owner, port, tls_port };
            let text = options.configuration(&place);
            fs::write(&configuration, text).expect("write the configuration");
            let mut command = Command::new(&binary);
            command.arg("-F").arg("-c").arg(&configuration).current_dir(directory.path());
            let complaints =
                fs::File::create(directory.path().join("complaints")).expect("a file for complaints");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints);
            if owner.step_down {
                command.uid(owner.uid).gid(owner.gid);
            }
            let mut child = command.spawn().expect("start dovecot");
            if greets(port, &mut child) {
                return Self { child, directory, owner, port, tls_port };
            }
            stop(&mut child);
        }
        let said = ["complaints", "dovecot.log"].map(|name| fs::read_to_string(directory.path().join(name)));
        panic!("dovecot does not start: {said:?}");
    }

    /// The port of plain text and STARTTLS.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The port of implicit TLS.
    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The certificate of the authority that signed the server's, as PEM.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Gives a user another password and waits until it is the one that counts.
    pub(crate) fn set_password(&self, user: &str, password: &str) {
        self.write_password(user, password);
        self.await_password(user, password);
    }

    fn await_password(&self, user: &str, password: &str) {
        // Dovecot looks at the file again in another second than the last time.
        let deadline = Instant::now() + Duration::from_secs(10);
        while Session::try_sign_in(self.port, user, password).is_none() {
            assert!(Instant::now() < deadline, "dovecot does not take the password of {user}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Adds users with [`PASSWORD`] and an empty home, and waits until they can sign in.
    pub(crate) fn add_users(&self, users: &[&str]) {
        for user in users {
            let home = self.home(user);
            fs::create_dir_all(&home).expect("create a home");
            self.hand_over(&home);
            self.write_password(user, PASSWORD);
        }
        for user in users {
            self.await_password(user, PASSWORD);
        }
    }

    fn write_password(&self, user: &str, password: &str) {
        let path = self.directory.path().join("users");
        let old = fs::read_to_string(&path).unwrap_or_default();
        let others = old.lines().filter(|line| !line.starts_with(&format!("{user}:")));
        let own = format!("{user}:{{PLAIN}}{password}::::::");
        let lines: Vec<&str> = others.chain([own.as_str()]).collect();
        let fresh = path.with_extension("new");
        fs::write(&fresh, lines.join("\n") + "\n").expect("write the users");
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o644))
            .expect("let the server read the users");
        fs::rename(&fresh, &path).expect("replace the users");
    }

    /// Where a user's mail lies.
    pub(crate) fn home(&self, user: &str) -> PathBuf {
        self.directory.path().join("home").join(user)
    }

    /// Gives a path to whom the server runs as.
    pub(crate) fn hand_over(&self, path: &Path) {
        chown(path, Some(self.owner.uid), Some(self.owner.gid)).expect("hand a path over");
    }

    /// A session of the test's own, for arranging and for the ground truth.
    pub(crate) fn session(&self, user: &str) -> Session {
        Session::sign_in(self.port, user, PASSWORD)
    }

    /// What the server logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("dovecot.log")).unwrap_or_default()
    }

    /// How often a user has signed in before now, once the log has caught up.
    pub(crate) fn sign_ins_so_far(&self, user: &str) -> usize {
        std::thread::sleep(Duration::from_millis(300));
        self.sign_ins(user)
    }

    /// How often a user has signed in by the log, which lags by some milliseconds.
    pub(crate) fn sign_ins(&self, user: &str) -> usize {
        self.log()
            .lines()
            .filter(|line| line.contains("Login: ") && line.contains(&format!("user=<{user}>")))
            .count()
    }

    /// Every line every session of a user sent after signing in, one list a session. Needs [`Options::record`].
    pub(crate) fn command_lines(&self, user: &str) -> Vec<Vec<String>> {
        let sessions = self.recorded(user).into_iter();
        sessions.map(|text| text.lines().map(|line| untimed(line).to_owned()).collect()).collect()
    }

    /// What each session of a user sent.
    fn recorded(&self, user: &str) -> Vec<String> {
        let recorded = entries(&self.directory.path().join("record").join(user));
        let sent = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "in");
        let mut files: Vec<PathBuf> = recorded.into_iter().filter(sent).collect();
        files.sort();
        let text = |path: &PathBuf| {
            String::from_utf8_lossy(&fs::read(path).expect("a recorded session")).into_owned()
        };
        files.iter().map(text).collect()
    }

    /// The same with when each line came, in seconds since 1970.
    pub(crate) fn timed_command_lines(&self, user: &str) -> Vec<Vec<(f64, String)>> {
        let timed = |line: &str| {
            let (stamp, rest) = line.split_once(' ')?;
            Some((stamp.parse().ok()?, rest.to_owned()))
        };
        let sessions = self.recorded(user).into_iter();
        sessions.map(|text| text.lines().filter_map(timed).collect()).collect()
    }

    /// Prepares a user's place for recordings: the server creates files there, never directories.
    pub(crate) fn record_user(&self, user: &str) {
        let path = self.directory.path().join("record").join(user);
        fs::create_dir_all(&path).expect("create a directory for recordings");
        self.hand_over(&path);
    }

    /// Whom mail on disk belongs to.
    pub(crate) fn owner_of_mail(&self) -> (u32, u32) {
        (self.owner.uid, self.owner.gid)
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("list a directory").map(|entry| entry.expect("an entry").path()).collect()
}

/// A recorded line without the time stamp Dovecot puts before it.
fn untimed(line: &str) -> &str {
    match line.split_once(' ') {
        Some((stamp, rest))
            if stamp.contains('.') && stamp.bytes().all(|b| b.is_ascii_digit() || b == b'.') =>
        {
            rest
        }
        _ => line,
    }
}

fn binary() -> PathBuf {
    let candidates = ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"];
    candidates.iter().map(PathBuf::from).find(|path| path.is_file()).expect(MISSING)
}

pub(crate) fn free_ports() -> (u16, u16) {
    let bind = || TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let (first, second) = (bind(), bind());
    let port = |listener: &TcpListener| listener.local_addr().expect("a bound address").port();
    (port(&first), port(&second))
}

fn greets(port: u16, child: &mut Child) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline && child.try_wait().expect("look at dovecot").is_none() {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.set_read_timeout(Some(Duration::from_secs(5))).expect("set a time-out");
            let mut line = String::new();
            if BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("* OK") {
                return true;
            }
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    false
}

/// Asks the server to end, so that it ends its own children too; insists after some seconds.
pub(crate) fn stop(child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    let _ = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Writes an authority, a certificate under it and its key into a directory.
pub(crate) fn certify(directory: &Path, owner: &Owner) {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "Dovecot test authority");
    let authority_key = KeyPair::generate().expect("a key");
    let authority_certificate = authority.self_signed(&authority_key).expect("an authority");
    let issuer = Issuer::new(authority, authority_key);
    let names = ["localhost", "127.0.0.1", Dovecot::TLS_ONLY_HOST].map(str::to_owned);
    let leaf_key = KeyPair::generate().expect("a key");
    let leaf =
        CertificateParams::new(names).expect("parameters").signed_by(&leaf_key, &issuer).expect("a leaf");
    fs::write(directory.join("ca.pem"), authority_certificate.pem()).expect("write the authority");
    fs::write(directory.join("cert.pem"), leaf.pem()).expect("write the certificate");
    let key = directory.join("key.pem");
    fs::write(&key, leaf_key.serialize_pem()).expect("write the key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("guard the key");
    if fs::metadata(&key).expect("the key").uid() != owner.uid {
        chown(&key, Some(owner.uid), Some(owner.gid)).expect("hand the key over");
    }
}
