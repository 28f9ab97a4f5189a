//! A name server (RFC 1035) with a small table, by UDP and TCP on one loopback port.
//!
//! ```
//! use practicemail::testkit::NameServer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = NameServer::builder()
//!     .mx("hale.example", 10, "mx.hale.example")
//!     .a("mx.hale.example", [127, 0, 0, 1].into())
//!     .srv("_imaps._tcp.hale.example", 0, 1, 993, "imap.hale.example")
//!     .cname("autodiscover.hale.example", "autodiscover.outlook.example")
//!     .txt("hale.example", "v=spf1 include:_spf.hale.example -all")
//!     .start()
//!     .await?;
//! // Ask 127.0.0.1:server.port() …
//! assert!(server.questions().is_empty());
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Left out
//! Zones and delegation (a name of the table without such a record is an empty answer, any other NXDOMAIN), DNSSEC, EDNS
//! beyond ignoring it. An answer that does not fit into 512 octets of UDP is truncated, and whole by TCP.

mod packet;

use std::{
    fmt, io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpStream, UdpSocket},
    task::JoinHandle,
};

use super::{listener::Listener, wire::Wire};
use packet::{Data, Table};

/// The longest question taken by UDP (RFC 1035 §4.2.1).
const DATAGRAM: usize = 512;
/// How often a port is tried that is free for TCP and may not be for UDP.
const ATTEMPTS: usize = 16;
/// How long the socket rests after the system refused it a packet, so that it cannot spin.
const PAUSE: Duration = Duration::from_millis(20);

/// What a server knows; made by [`NameServer::builder`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct NameServerBuilder(Table);

impl NameServerBuilder {
    /// An address.
    pub fn a(self, name: &str, address: Ipv4Addr) -> Self {
        self.record(name, Data::A(address))
    }

    /// A mail exchange (RFC 5321 §5).
    pub fn mx(self, name: &str, preference: u16, exchange: &str) -> Self {
        self.record(name, Data::Mx(preference, exchange.to_owned()))
    }

    /// A service (RFC 2782): priority, weight, port, and the host, which is `.` where there is none.
    pub fn srv(self, name: &str, priority: u16, weight: u16, port: u16, target: &str) -> Self {
        self.record(name, Data::Srv([priority, weight, port], target.to_owned()))
    }

    /// Another name of the same thing.
    pub fn cname(self, name: &str, canonical: &str) -> Self {
        self.record(name, Data::Cname(canonical.to_owned()))
    }

    /// A text.
    pub fn txt(self, name: &str, text: &str) -> Self {
        self.record(name, Data::Txt(text.to_owned()))
    }

    fn record(mut self, name: &str, data: Data) -> Self {
        self.0.add(name, data);
        self
    }

    /// Listens on a port of `127.0.0.1` that is free for UDP and for TCP.
    ///
    /// # Errors
    /// When there is no such port.
    pub async fn start(self) -> io::Result<NameServer> {
        let shared = Arc::new(Shared { table: self.0, questions: Mutex::default() });
        let (listener, socket) = one_port(&shared).await?;
        let serving = Arc::clone(&shared);
        let datagrams = tokio::spawn(async move { datagrams(&socket, &serving).await });
        Ok(NameServer { shared, listener, datagrams })
    }
}

struct Shared {
    table: Table,
    questions: Mutex<Vec<String>>,
}

impl Shared {
    /// What a packet is answered, in no more than `most` octets.
    fn answer(&self, packet: &[u8], most: usize) -> Option<Vec<u8>> {
        let (answer, question) = packet::answer(&self.table, packet, most)?;
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        questions.extend(question);
        Some(answer)
    }
}

/// A running server. Dropping it closes its port.
///
/// The [module](super::names) shows it at work.
pub struct NameServer {
    shared: Arc<Shared>,
    listener: Listener,
    datagrams: JoinHandle<()>,
}

impl fmt::Debug for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.datagrams.abort();
    }
}

impl NameServer {
    /// A server that knows no name.
    pub fn builder() -> NameServerBuilder {
        NameServerBuilder::default()
    }

    /// The port on `127.0.0.1`, of UDP and of TCP.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Every question so far, in order: `MX hale.example`.
    pub fn questions(&self) -> Vec<String> {
        self.shared.questions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A listener and a socket of one port.
async fn one_port(shared: &Arc<Shared>) -> io::Result<(Listener, UdpSocket)> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let serving = Arc::clone(shared);
        let listener = Listener::start(move |stream| {
            let shared = Arc::clone(&serving);
            async move {
                // A broken connection is its own end and nobody else's concern.
                let _ended = serve(stream, &shared).await;
            }
        })
        .await?;
        match UdpSocket::bind((Ipv4Addr::LOCALHOST, listener.port())).await {
            Ok(socket) => return Ok((listener, socket)),
            Err(taken) if attempts == ATTEMPTS => return Err(taken),
            Err(_) => {}
        }
    }
}

async fn datagrams(socket: &UdpSocket, shared: &Shared) {
    let mut octets = [0; DATAGRAM];
    loop {
        let Ok((length, asker)) = socket.recv_from(&mut octets).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let packet = octets.get(..length).unwrap_or_default();
        if let Some(answer) = shared.answer(packet, DATAGRAM) {
            let _asker_left = socket.send_to(&answer, asker).await;
        }
    }
}

/// Packets behind their length (RFC 1035 §4.2.2).
async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut wire = Wire::new(stream);
    loop {
        let length = wire.octets(2).await?.into_iter().fold(0, |sum, octet| sum << 8 | usize::from(octet));
        let packet = wire.octets(length).await?;
        let Some(answer) = shared.answer(&packet, usize::from(u16::MAX)) else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        wire.write(&[length.to_be_bytes().as_slice(), &answer].concat()).await?;
        wire.flush().await?;
    }
}
