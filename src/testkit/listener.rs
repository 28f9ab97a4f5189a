//! The accept loop under every server of the kit.

use std::{io, net::Ipv4Addr, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// How long the loop rests after the system refused it a connection, so that it cannot spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How a server of the kit is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsMode {
    /// TLS from the first octet, as on port 993.
    #[default]
    Implicit,
    /// Plain text until the session asks for STARTTLS; sign-in is refused before.
    StartTls,
    /// No encryption at all.
    Plain,
}

/// A listening socket on loopback; dropping it ends the loop and every connection it took.
pub(crate) struct Listener {
    port: u16,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// Listens on a free port of `127.0.0.1` and hands each connection to `serve`.
    pub(crate) async fn start<S, F>(serve: S) -> io::Result<Self>
    where
        S: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let accepting = tokio::spawn(async move {
            // Owned by this task: aborting it drops the set, which aborts the connections.
            let mut connections = JoinSet::new();
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let _without_delay = stream.set_nodelay(true);
                        connections.spawn(serve(stream));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, accepting })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
