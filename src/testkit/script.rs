//! A server that knows no protocol: it plays a list of steps.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::net::TcpStream;

use super::{
    certificates::{CertificateKind, Certificates},
    listener::{Listener, TlsMode},
    wire::Wire,
};

/// The longest line taken.
const LINE: usize = 1024 * 1024;

#[derive(Clone, Debug)]
enum Step {
    Send(Vec<u8>),
    Expect(String),
    Receive(usize),
    Wait(Duration),
    Repeat(Vec<u8>),
    StartTls,
    Stall,
}

/// What a [`ScriptServer`] does on one connection, step by step; at the end it closes.
///
/// In what is sent, `{tag}` stands for the first word of the last line expected.
///
/// ```
/// use practicemail::testkit::{Script, ScriptServer, TlsMode};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let script = Script::new()
///     .send("* OK ready\r\n")
///     .expect("LOGIN")
///     .send("{tag} NO [UNAVAILABLE] not now\r\n")
///     .stall();
/// let server = ScriptServer::start(TlsMode::Plain, vec![script]).await?;
/// // Connect to 127.0.0.1:server.port() …
/// assert!(server.problems().is_empty());
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Script(Vec<Step>);

impl Script {
    /// A script of nothing: the connection is closed at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends octets.
    pub fn send(mut self, octets: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Send(octets.as_ref().to_vec()));
        self
    }

    /// Takes a line whose words behind the tag begin with `command`, in any case; another line is a
    /// [problem](ScriptServer::problems) and ends the connection. An empty `command` takes any line.
    pub fn expect(mut self, command: &str) -> Self {
        self.0.push(Step::Expect(command.to_owned()));
        self
    }

    /// Takes so many octets.
    pub fn receive(mut self, count: usize) -> Self {
        self.0.push(Step::Receive(count));
        self
    }

    /// Does nothing for a while.
    pub fn wait(mut self, time: Duration) -> Self {
        self.0.push(Step::Wait(time));
        self
    }

    /// Sends the octets again and again until the session leaves.
    pub fn repeat(mut self, octets: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Repeat(octets.as_ref().to_vec()));
        self
    }

    /// Takes a TLS handshake.
    pub fn start_tls(mut self) -> Self {
        self.0.push(Step::StartTls);
        self
    }

    /// Reads and answers nothing until the session leaves.
    pub fn stall(mut self) -> Self {
        self.0.push(Step::Stall);
        self
    }
}

#[derive(Default)]
struct Record {
    connections: usize,
    received: Vec<String>,
    problems: Vec<String>,
}

/// A server that plays a [`Script`] for each connection: the first for the first, and so on, the last one
/// for all that follow. Dropping it closes its port and its connections.
pub struct ScriptServer {
    certificates: Certificates,
    record: Arc<Mutex<Record>>,
    listener: Listener,
}

impl fmt::Debug for ScriptServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

impl ScriptServer {
    /// Listens on a free port of `127.0.0.1`. Under [`TlsMode::StartTls`] the script says when TLS begins.
    ///
    /// # Errors
    /// When there is no port or no randomness for the keys.
    pub async fn start(tls: TlsMode, scripts: Vec<Script>) -> io::Result<Self> {
        let certificates = Certificates::new(CertificateKind::Valid)?;
        let record: Arc<Mutex<Record>> = Arc::default();
        let (shown, kept) = (certificates.clone(), Arc::clone(&record));
        let listener = Listener::start(move |stream| {
            let number = {
                let mut record = lock(&kept);
                record.connections += 1;
                record.connections
            };
            let script = scripts.get(number - 1).or(scripts.last()).cloned().unwrap_or_default();
            let (certificates, record) = (shown.clone(), Arc::clone(&kept));
            async move {
                let played = play(stream, tls, script, &certificates, &record).await;
                if let Err(problem) = played {
                    lock(&record).problems.push(format!("connection {number}: {problem}"));
                }
            }
        })
        .await?;
        Ok(Self { certificates, record, listener })
    }

    /// The port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// The authority to trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        self.certificates.ca_pem()
    }

    /// Every line taken, in order and as it came, secrets included.
    pub fn received(&self) -> Vec<String> {
        lock(&self.record).received.clone()
    }

    /// Where sessions left the script: lines not expected, connections broken.
    pub fn problems(&self) -> Vec<String> {
        lock(&self.record).problems.clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        lock(&self.record).connections
    }
}

async fn play(
    stream: TcpStream,
    tls: TlsMode,
    script: Script,
    certificates: &Certificates,
    record: &Mutex<Record>,
) -> io::Result<()> {
    let acceptor = certificates.acceptor();
    let mut wire = Wire::new(stream);
    if tls == TlsMode::Implicit {
        wire.start_tls(&acceptor).await?;
    }
    let mut tag = String::new();
    for step in script.0 {
        match step {
            Step::Send(octets) => {
                wire.write(&filled(&octets, &tag)).await?;
                wire.flush().await?;
            }
            Step::Expect(command) => {
                let Some(line) = wire.line(LINE).await? else {
                    return Err(io::Error::other(format!("left before {command}")));
                };
                let line = String::from_utf8_lossy(&line).into_owned();
                lock(record).received.push(line.clone());
                let (first, rest) = line.split_once(' ').unwrap_or((&line, ""));
                if !rest.to_ascii_uppercase().starts_with(&command.to_ascii_uppercase()) {
                    return Err(io::Error::other(format!("expected {command}, got another line")));
                }
                first.clone_into(&mut tag);
            }
            Step::Receive(count) => drop(wire.octets(count).await?),
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Repeat(octets) => {
                let octets = filled(&octets, &tag);
                // The session's leaving is the only way out, and no problem.
                while wire.write(&octets).await.is_ok() {
                    tokio::task::yield_now().await;
                }
                return Ok(());
            }
            Step::StartTls => wire.start_tls(&acceptor).await?,
            Step::Stall => wire.stall().await?,
        }
    }
    wire.close().await;
    Ok(())
}

fn filled(octets: &[u8], tag: &str) -> Vec<u8> {
    const PLACE: &[u8] = b"{tag}";
    let mut text = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(PLACE) {
            text.extend_from_slice(tag.as_bytes());
            rest = behind;
        } else {
            text.push(*first);
            rest = tail;
        }
    }
    text
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
