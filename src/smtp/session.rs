//! A session that is signed in and takes commands.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use super::classify::{self, Stage};
use super::deadlines::Deadlines;
use super::extensions::Extensions;
use super::reply::Reply;
use super::sign_in;
use super::start_tls;
use super::wire::{Handover, Witness};
use crate::contract::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{CommandPoint, CommandProbe, Dialer, Meter, ReachStep, Veil};
use crate::settings::{Login, ServerSettings, family_of};

/// What the client calls itself. A machine's name would tell its network to everybody who sees a trace field; submission
/// servers know whom they talk to by the sign-in, and take an address literal (RFC 5321 §4.1.3), this one for any client.
pub(super) const CLIENT: ClientId = ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST);

/// Everything that opens a session.
pub(super) struct Opening {
    pub(super) dialer: Dialer,
    pub(super) server: ServerSettings,
    pub(super) login: Login,
    pub(super) credential: Credential,
    pub(super) deadlines: Deadlines,
    pub(super) probe: CommandProbe,
    pub(super) meter: Arc<Meter>,
}

/// A connection that `lettre` speaks on and a [`Witness`] sees.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    pub(super) witness: Witness,
    pub(super) extensions: Extensions,
    pub(super) veil: Veil,
    /// Whose server it is, where that is known.
    pub(super) provider: Option<&'static str>,
    pub(super) deadlines: Deadlines,
    probe: CommandProbe,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}

impl Session {
    /// Connects, encrypts, says EHLO and signs in.
    pub(super) async fn open(opening: &Opening) -> Result<Self> {
        let probe = opening.probe.clone();
        probe(CommandPoint::Before("smtp_connect"));
        let wire = start_tls::greeted(opening).await?;
        let witness = wire.witness();
        opening.dialer.begun(ReachStep::Capabilities);
        let deadlines = opening.deadlines;
        let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(wire.greeted()), &CLIENT);
        // What `lettre` makes of it tells less than what was witnessed.
        let connection = in_time(deadlines.command, connecting).await?.ok();
        let hello = witness.outcome()?;
        let mut veil = Veil::default();
        let provider = family_of(opening.server.host());
        if hello.code != 250 {
            return Err(classify::refused(Stage::Hello, &hello, &veil, provider));
        }
        let broken = || Error::new(ErrorKind::ConnectionLost, "the connection to the server broke");
        let connection = connection.ok_or_else(broken)?;
        probe(CommandPoint::After("smtp_connect"));
        let extensions = Extensions::of(&hello);
        opening.dialer.passed(ReachStep::Capabilities, || extensions.to_string());
        probe(CommandPoint::Before("smtp_sign_in"));
        opening.dialer.begun(ReachStep::SignIn);
        veil.hide(sign_in::secrets(&opening.login, &opening.credential));
        let mut session = Self { connection, witness, extensions, veil, provider, deadlines, probe };
        sign_in::sign_in(&mut session, &opening.login, &opening.credential).await?;
        (session.probe)(CommandPoint::After("smtp_sign_in"));
        opening.dialer.passed(ReachStep::SignIn, || opening.credential.accepted().to_owned());
        Ok(session)
    }

    /// Sends a command line, CRLF included, and answers the reply, whatever it is.
    pub(super) async fn ask(&mut self, line: impl fmt::Display) -> Result<Reply> {
        let command = self.connection.command(line);
        let _judged_by_the_witness = in_time(self.deadlines.command, command).await?;
        self.witness.outcome()
    }

    /// As [`ask`](Self::ask), for a command that the probe is told of.
    pub(super) async fn command(&mut self, name: &'static str, line: impl fmt::Display) -> Result<Reply> {
        (self.probe)(CommandPoint::Before(name));
        let reply = self.ask(line).await?;
        (self.probe)(CommandPoint::After(name));
        Ok(reply)
    }

    /// Writes a message and its end, the end only while the handover allows it, and answers the reply.
    pub(super) async fn message(
        &mut self,
        octets: &[u8],
        within: Duration,
        permit: impl Future<Output = Result<Instant>>,
    ) -> Result<Reply> {
        (self.probe)(CommandPoint::Before("smtp_message"));
        let end_of_data = self.deadlines.end_of_data;
        let witness = self.witness.clone();
        let permitting = async {
            witness.at_the_end().await;
            witness.answer(permit.await);
            std::future::pending::<()>().await;
        };
        let writing = self.connection.message(octets);
        let sending = async {
            tokio::select! {
                written = writing => drop(written),
                () = permitting => {}
            }
        };
        let mut sending = std::pin::pin!(sending);
        let mut in_time = timeout(within, &mut sending).await.is_ok();
        if !in_time && let Handover::Done(at) = self.witness.handover() {
            in_time = timeout(end_of_data.saturating_sub(at.elapsed()), &mut sending).await.is_ok();
        }
        (self.probe)(CommandPoint::After("smtp_message"));
        if in_time { self.witness.outcome() } else { Err(late()) }
    }

    /// Says goodbye; what becomes of it changes nothing.
    pub(super) async fn quit(mut self) {
        (self.probe)(CommandPoint::Before("smtp_quit"));
        let _leaving_anyway = timeout(self.deadlines.quit, self.connection.command("QUIT\r\n")).await;
        (self.probe)(CommandPoint::After("smtp_quit"));
    }
}

/// Waits for `step`, but not longer than `patience`.
pub(super) async fn in_time<T>(patience: Duration, step: impl Future<Output = T>) -> Result<T> {
    timeout(patience, step).await.map_err(|_| late())
}

fn late() -> Error {
    Error::new(ErrorKind::TimedOut, "the server did not answer in time")
}
