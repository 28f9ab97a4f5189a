//! Name to address to TCP to TLS.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{EgressPolicy, Meter, ReachEvent, ReachStep, ReachWitness, tls};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::ServerSettings;

/// How long the steps of a connection may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For resolving, connecting and each handshake. Default 20 s.
    pub connect: Duration,
    /// For the next octets of an answer. Default 60 s: slow servers build their header index first.
    pub read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(20), read: Duration::from_mins(1) }
    }
}

/// A connection, encrypted or not.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug> Stream for T {}

/// Opens connections. Cheap to clone; keeps the TLS configurations it made.
#[derive(Clone, Default)]
pub struct Dialer {
    egress: EgressPolicy,
    timeouts: Timeouts,
    configs: Arc<Mutex<BTreeMap<Option<String>, Arc<ClientConfig>>>>,
    witness: Option<ReachWitness>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("egress", &self.egress)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

impl Dialer {
    /// Connects to public addresses, with default time-outs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which addresses may be connected to.
    pub fn egress(mut self, egress: EgressPolicy) -> Self {
        self.egress = egress;
        self
    }

    /// Sets how long steps may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Tells `witness` of every step on the way to a server.
    pub fn witnessed_by(mut self, witness: ReachWitness) -> Self {
        self.witness = Some(witness);
        self
    }

    /// A step is begun.
    pub(crate) fn begun(&self, step: ReachStep) {
        if let Some(witness) = &self.witness {
            witness(ReachEvent::Begun(step));
        }
    }

    /// A step is passed.
    pub(crate) fn passed(&self, step: ReachStep, found: impl FnOnce() -> String) {
        if let Some(witness) = &self.witness {
            witness(ReachEvent::Passed(step, found()));
        }
    }

    /// How long the next octets may take.
    pub fn read_timeout(&self) -> Duration {
        self.timeouts.read
    }

    /// Connects, without TLS yet.
    ///
    /// # Errors
    /// [`NameNotFound`](ErrorKind::NameNotFound), [`EgressForbidden`](ErrorKind::EgressForbidden),
    /// [`ConnectionRefused`](ErrorKind::ConnectionRefused), [`TimedOut`](ErrorKind::TimedOut).
    pub async fn connect(&self, server: &ServerSettings, meter: &Meter) -> Result<Box<dyn Stream>> {
        let unknown = || {
            let meant = server.did_you_mean().map(|name| format!("Did you mean {name}?"));
            Error::new(ErrorKind::NameNotFound, "the server's name does not exist").with_hint(meant)
        };
        self.begun(ReachStep::Name);
        let addresses = self
            .step("resolving the server's name", tokio::net::lookup_host((server.host(), server.port())))
            .await?;
        let (allowed, refused): (Vec<_>, Vec<_>) =
            addresses.map_err(|_| unknown())?.partition(|address| self.egress.allows(address.ip()));
        if allowed.is_empty() {
            return Err(if refused.is_empty() {
                unknown()
            } else {
                Error::new(ErrorKind::EgressForbidden, "connecting to the server's address is not allowed")
            });
        }
        self.passed(ReachStep::Name, || {
            let numbers: Vec<_> = allowed.iter().map(|address| address.ip().to_string()).collect();
            format!("{} is {}", server.host(), numbers.join(", "))
        });
        self.begun(ReachStep::Connect);
        let mut last = Error::new(ErrorKind::ConnectionRefused, "no connection to the server could be made");
        for address in allowed {
            match self.step("connecting to the server", TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true); // Only costs speed where it fails.
                    meter.handshake();
                    self.passed(ReachStep::Connect, || format!("port {} answers", server.port()));
                    return Ok(Box::new(stream));
                }
                Ok(Err(_)) => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Encrypts a connection.
    ///
    /// # Errors
    /// The certificate kinds, [`TlsFailed`](ErrorKind::TlsFailed), [`TimedOut`](ErrorKind::TimedOut).
    pub async fn encrypt(
        &self,
        server: &ServerSettings,
        stream: Box<dyn Stream>,
        meter: &Meter,
    ) -> Result<Box<dyn Stream>> {
        self.begun(ReachStep::Tls);
        let config = self.config(server.ca_pem())?;
        let encrypted =
            self.step("the TLS handshake", tls::handshake(config, server.host(), stream)).await??;
        meter.handshake();
        self.passed(ReachStep::Tls, || format!("encrypted; the certificate is good for {}", server.host()));
        Ok(Box::new(encrypted))
    }

    fn config(&self, ca_pem: Option<&str>) -> Result<Arc<ClientConfig>> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(&ca_pem.map(str::to_owned)) {
            return Ok(config.clone());
        }
        let config = tls::client_config(ca_pem)?;
        configs.insert(ca_pem.map(str::to_owned), config.clone());
        Ok(config)
    }

    async fn step<T>(&self, what: &'static str, step: impl Future<Output = T>) -> Result<T> {
        let late = |_| Error::new(ErrorKind::TimedOut, format!("{what} took too long"));
        timeout(self.timeouts.connect, step).await.map_err(late)
    }
}
