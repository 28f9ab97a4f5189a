//! One connection, plain or encrypted, with the octets read ahead of their use.

use std::{io, time::Duration};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

/// Room for one read.
const READ: usize = 16 * 1024;
/// How long a closed connection waits for the other side to leave.
const LINGER: Duration = Duration::from_millis(500);

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A connection as a server of the kit sees it.
pub(crate) struct Wire {
    io: Box<dyn Io>,
    ahead: Vec<u8>,
    encrypted: bool,
}

impl Wire {
    pub(crate) fn new(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self { io: Box::new(io), ahead: Vec::new(), encrypted: false }
    }

    pub(crate) fn encrypted(&self) -> bool {
        self.encrypted
    }

    /// Takes the TLS handshake; what was read before it is forgotten, as RFC 9051 §11.1 asks.
    pub(crate) async fn start_tls(&mut self, acceptor: &TlsAcceptor) -> io::Result<()> {
        self.ahead.clear();
        let plain = std::mem::replace(&mut self.io, Box::new(tokio::io::empty()));
        self.io = Box::new(acceptor.accept(plain).await?);
        self.encrypted = true;
        Ok(())
    }

    /// The next line without its CRLF; `None` at the end of the stream.
    ///
    /// # Cancel safety
    /// Safe: octets read stay in the wire until a whole line is there.
    pub(crate) async fn line(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let unseen = self.ahead.get(searched..).unwrap_or_default();
            if let Some(at) = unseen.iter().position(|octet| *octet == b'\n') {
                let rest = self.ahead.split_off(searched + at + 1);
                let mut line = std::mem::replace(&mut self.ahead, rest);
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
            searched = self.ahead.len();
            if searched > limit {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "line too long"));
            }
            if self.more().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Whatever is there, at least one octet; nothing at the end of the stream.
    pub(crate) async fn chunk(&mut self) -> io::Result<Vec<u8>> {
        if self.ahead.is_empty() {
            self.more().await?;
        }
        Ok(std::mem::take(&mut self.ahead))
    }

    /// Puts octets back: the next ones read are these.
    pub(crate) fn unread(&mut self, mut octets: Vec<u8>) {
        octets.append(&mut self.ahead);
        self.ahead = octets;
    }

    /// Exactly `count` octets.
    pub(crate) async fn octets(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let rest = self.ahead.split_off(count.min(self.ahead.len()));
        let mut octets = std::mem::replace(&mut self.ahead, rest);
        let missing = u64::try_from(count - octets.len()).map_err(io::Error::other)?;
        let read = (&mut self.io).take(missing).read_to_end(&mut octets).await?;
        if octets.len() < count {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("literal ends after {read}")));
        }
        Ok(octets)
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.io.write_all(octets).await
    }

    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.io.flush().await
    }

    /// Says the end of the stream, and takes what is still on its way.
    ///
    /// Closing with octets unread would reset the connection, and the last answer might be lost with it.
    pub(crate) async fn close(&mut self) {
        let _already_closed = self.io.shutdown().await;
        let _left = tokio::time::timeout(LINGER, self.stall()).await;
    }

    /// Reads and answers nothing until the other side leaves.
    pub(crate) async fn stall(&mut self) -> io::Result<()> {
        while self.more().await? > 0 {
            self.ahead.clear();
        }
        Ok(())
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.ahead.reserve(READ);
        self.io.read_buf(&mut self.ahead).await
    }
}
