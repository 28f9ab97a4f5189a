//! The transport: one user's session, kept from one message to the next.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::deadlines::Deadlines;
use super::octets;
use super::session::{Opening, Session};
use super::start_tls;
use super::transaction::{Ended, Leaves, hand_over};
use crate::contract::{
    Credential, MailTransport, SendFailure, SendPermit, SendReport, SessionTraffic, Submission,
};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{CommandProbe, Dialer, Meter};
use crate::settings::{Login, ServerSettings};

/// Hands messages to a submission server (RFC 6409), always signed in, encrypted unless the server is this machine.
///
/// It connects when it is first used, keeps the session for further messages, and connects anew where the server has closed
/// it meanwhile.
///
/// ```
/// use practicemail::contract::Credential;
/// use practicemail::net::Dialer;
/// use practicemail::settings::{Login, ServerSettings, TlsMode};
/// use practicemail::smtp::SmtpTransport;
/// use practicemail::types::Secret;
///
/// # fn main() -> practicemail::error::Result<()> {
/// let server = ServerSettings::new("smtp.example.org", 465, TlsMode::Implicit)?;
/// let credential = Credential::Password(Secret::new("correct horse"));
/// let transport = SmtpTransport::new(Dialer::new(), server, Login::new("anna@example.org")?, credential);
/// # let _ = transport;
/// # Ok(())
/// # }
/// ```
pub struct SmtpTransport {
    opening: Opening,
    /// The session at rest. While a message is on its way its session is not here, so that a future dropped half-way takes
    /// the session with it.
    session: Mutex<Option<Session>>,
}

impl fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpTransport").field("server", &self.opening.server).finish_non_exhaustive()
    }
}

impl SmtpTransport {
    /// Hands over to `server`, signing in as `login`.
    pub fn new(dialer: Dialer, server: ServerSettings, login: Login, credential: Credential) -> Self {
        let opening = Opening {
            dialer,
            server,
            login,
            credential,
            deadlines: Deadlines::default(),
            probe: Arc::new(|_| {}),
            meter: Arc::new(Meter::default()),
        };
        Self { opening, session: Mutex::new(None) }
    }

    /// Tells `probe` of every command.
    pub fn probe(mut self, probe: CommandProbe) -> Self {
        self.opening.probe = probe;
        self
    }

    /// Sets how long the server may take.
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.opening.deadlines = deadlines;
        self
    }

    /// What was used of the network so far, over all its sessions.
    pub fn traffic(&self) -> SessionTraffic {
        let meter = &self.opening.meter;
        SessionTraffic::new(meter.round_trips(), meter.octets_in(), meter.octets_out())
    }

    /// Connects and signs in, unless a session is kept; sends nothing.
    ///
    /// # Errors
    /// Connection and sign-in kinds.
    pub async fn reach(&self) -> Result<()> {
        if let Some(session) = self.take() {
            self.keep(session);
            return Ok(());
        }
        self.keep(Session::open(&self.opening).await?);
        Ok(())
    }

    /// Connects and encrypts; the certificate is verified, nothing is signed in.
    ///
    /// # Errors
    /// Connection kinds.
    pub async fn greet(&self) -> Result<()> {
        start_tls::greeted(&self.opening).await.map(drop)
    }

    fn take(&self) -> Option<Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, session: Session) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// One transaction; keeps the session where it can be used again.
    async fn hand_over(
        &self,
        mut session: Session,
        submission: &Submission,
        permit: &dyn SendPermit,
    ) -> Ended {
        let ended = hand_over(&mut session, submission, permit).await;
        let at_rest = match ended.session {
            Leaves::AtRest => true,
            Leaves::Amid => {
                let reset = session.command("smtp_rset", "RSET\r\n").await;
                reset.is_ok_and(|reply| reply.is_positive())
            }
            Leaves::Broken | Leaves::Untouched => false,
        };
        if at_rest {
            self.keep(session);
        }
        ended
    }
}

#[async_trait]
impl MailTransport for SmtpTransport {
    async fn send(
        &self,
        submission: &Submission,
        permit: Arc<dyn SendPermit>,
    ) -> Result<SendReport, SendFailure> {
        octets::check(&submission.octets)?;
        if submission.forward_paths.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "the message has no recipient").into());
        }
        if let Some(kept) = self.take() {
            let ended = self.hand_over(kept, submission, &*permit).await;
            if ended.session != Leaves::Untouched {
                return ended.result;
            }
            // The server had closed the session while nobody used it.
        }
        let session = Session::open(&self.opening).await?;
        self.hand_over(session, submission, &*permit).await.result
    }

    async fn close(&self) {
        if let Some(session) = self.take() {
            session.quit().await;
        }
    }
}
