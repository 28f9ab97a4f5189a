//! One connection from greeting to end: reads commands, answers them, goes wrong where told to.

use std::{io, sync::Arc};

use tokio::net::TcpStream;

use super::{
    dialogue::Verb,
    fault::{Fault, Stage},
    server::Shared,
    transaction::Mail,
};
use crate::testkit::{imap::Line, listener::TlsMode, wire::Wire};

/// The longest command line; tokens of some kilobytes are common.
const LINE: usize = 64 * 1024;

/// A session's state.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) wire: Wire,
    pub(super) connection: u32,
    pub(super) login: Option<String>,
    pub(super) mail: Option<Mail>,
    /// After how many octets of the client it ends.
    cut_octets: Option<u64>,
    /// After how many replies it ends.
    pub(super) cut_replies: Option<u64>,
    /// Whether nothing is answered any more.
    pub(super) mute: bool,
}

/// Serves a connection until it ends or the server is dropped.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let connection = shared.record.opened();
    let cut_octets = shared.faults.take(connection, |fault| match fault {
        Fault::CutAfterOctets { client_octets } => Some(*client_octets),
        _ => None,
    });
    let cut_replies = shared.faults.take(connection, |fault| match fault {
        Fault::CutAfterReply(replies) => Some(*replies),
        _ => None,
    });
    let wire = Wire::new(stream);
    let mut session =
        Session { shared, wire, connection, login: None, mail: None, cut_octets, cut_replies, mute: false };
    // A broken connection is this session's end and nobody else's concern.
    let _ended = session.run().await;
    session.wire.close().await;
    session.shared.record.closed();
}

/// The end of a session that was told to end there.
pub(super) fn ended() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        if self.shared.tls == TlsMode::Implicit {
            self.start_tls().await?;
        }
        let greeting = self.shared.manners.greeting;
        self.act(Stage::Greeting, |_| greeting.to_owned()).await?;
        while let Some(line) = self.line().await? {
            self.answer(&line).await?;
        }
        Ok(())
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        let acceptor = self.shared.certificates.acceptor();
        self.wire.start_tls(&acceptor).await
    }

    /// The next command line.
    pub(super) async fn line(&mut self) -> io::Result<Option<String>> {
        let Some(line) = self.wire.line(LINE).await? else { return Ok(None) };
        self.consumed(line.len() + 2)?;
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }

    /// Takes note of octets that are about to be acted on.
    pub(super) fn consumed(&mut self, count: usize) -> io::Result<()> {
        let count = count as u64;
        let session = self.shared.record.session(self.connection, |session| session.client_octets += count);
        match self.cut_octets {
            Some(cut) if session.client_octets > cut => Err(ended()),
            Some(cut) => {
                self.mute = session.client_octets == cut;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// How many octets it may still act on.
    pub(super) fn room(&self) -> Option<usize> {
        let session = self.shared.record.session(self.connection, |_| ());
        self.cut_octets
            .map(|cut| usize::try_from(cut.saturating_sub(session.client_octets)).unwrap_or(usize::MAX))
    }

    /// Keeps a line for the transcript; what it says instead of secrets is the caller's to see to.
    pub(super) fn note(&self, text: &str) {
        let encrypted = self.wire.encrypted();
        self.shared.record.line(Line { connection: self.connection, encrypted, text: text.to_owned() });
    }

    /// Whether STARTTLS must come first.
    pub(super) fn locked(&self) -> bool {
        self.shared.tls == TlsMode::StartTls && !self.wire.encrypted()
    }

    async fn answer(&mut self, line: &str) -> io::Result<()> {
        let (verb, rest) = Verb::of(line);
        if verb != Verb::Auth {
            self.note(line);
        }
        match verb {
            Verb::Ehlo => {
                self.mail = None;
                self.act(Stage::Ehlo, Self::hello).await?;
            }
            Verb::StartTls if self.locked() => {
                let reply = self.act(Stage::StartTls, |_| "220 2.0.0 Ready to start TLS".to_owned()).await?;
                let plain = self
                    .shared
                    .faults
                    .take(self.connection, |fault| matches!(fault, Fault::StartTlsPlain).then_some(()));
                if reply.starts_with(b"220") && plain.is_none() {
                    self.start_tls().await?;
                }
            }
            Verb::Auth => self.sign_in(rest).await?,
            Verb::Mail => drop(self.act(Stage::Mail, |session| session.mail(rest)).await?),
            Verb::Rcpt => self.recipient(rest).await?,
            Verb::Data => self.data().await?,
            Verb::Rset => {
                self.mail = None;
                self.act(Stage::Rset, |_| "250 2.0.0 Ok".to_owned()).await?;
            }
            Verb::Quit => {
                self.act(Stage::Quit, |_| "221 2.0.0 Bye".to_owned()).await?;
                return Err(ended());
            }
            Verb::Noop => self.write(b"250 2.0.0 Ok\r\n").await?,
            Verb::StartTls | Verb::Unknown => self.write(b"502 5.5.2 Command not recognized\r\n").await?,
        }
        Ok(())
    }

    fn hello(&mut self) -> String {
        let forced = self.shared.faults.take(self.connection, |fault| match fault {
            Fault::Extensions(extensions) => Some(extensions.clone()),
            _ => None,
        });
        let extensions = forced.unwrap_or_else(|| {
            let manners = &self.shared.manners;
            let mut offered: Vec<String> = manners.extensions.iter().map(ToString::to_string).collect();
            offered.push(format!("SIZE {}", manners.size));
            if self.locked() {
                offered.push("STARTTLS".to_owned());
            } else {
                offered.push(format!("AUTH {}", manners.mechanisms.join(" ")));
            }
            offered
        });
        let mut lines = vec!["localhost".to_owned()];
        lines.extend(extensions);
        let last = lines.pop().unwrap_or_default();
        let first: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        format!("{first}250 {last}")
    }
}
