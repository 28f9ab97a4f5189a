//! Opening a session: connect, encrypt, greeting, capabilities, sign-in.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::commands::Commands;
use super::filer::ImapFiler;
use super::reader::ImapReader;
use super::wire::{Guard, Outcome, Response, Verdict};
use super::{classify, sign_in};
use crate::contract::{Connection, Credential, MessageFiler, SessionTraffic, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{CommandPoint, CommandProbe, Dialer, Meter, Metered, ReachStep, Stream};
use crate::settings::{AccountSettings, ServerSettings, TlsMode, family_of};

pub(super) type Wire = Guard<Metered<Box<dyn Stream>>>;

/// Opens IMAP sessions.
///
/// ```
/// use practicemail::{imap::ImapConnector, net::{Dialer, EgressPolicy}};
/// let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Public));
/// # let _ = connector;
/// ```
#[derive(Clone)]
pub struct ImapConnector {
    dialer: Dialer,
    probe: CommandProbe,
}

impl fmt::Debug for ImapConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapConnector").field("dialer", &self.dialer).finish_non_exhaustive()
    }
}

impl ImapConnector {
    /// Connects as the dialer does.
    pub fn new(dialer: Dialer) -> Self {
        Self { dialer, probe: Arc::new(|_| {}) }
    }

    /// Tells `probe` of every command.
    pub fn probe(mut self, probe: CommandProbe) -> Self {
        self.probe = probe;
        self
    }

    /// Connects and encrypts; the certificate is verified, nothing is signed in.
    ///
    /// # Errors
    /// Connection kinds.
    pub async fn reach(&self, server: &ServerSettings) -> Result<()> {
        self.open(server, &Arc::new(Meter::default())).await.map(drop)
    }

    /// A connection that has greeted, encrypted as the settings say; with the capabilities of its greeting.
    async fn open(&self, server: &ServerSettings, meter: &Arc<Meter>) -> Result<(Wire, BTreeSet<String>)> {
        let stream = self.dialer.connect(server, meter).await?;
        let greeting = async |wire: &mut Wire| {
            self.dialer.begun(ReachStep::Greeting);
            let offered = greeting(wire).await?;
            self.dialer.passed(ReachStep::Greeting, || "it greets as an IMAP server".to_owned());
            Ok::<_, Error>(offered)
        };
        let guard = |stream| Guard::new(Metered::new(stream, meter.clone()), self.dialer.read_timeout());
        match server.tls() {
            TlsMode::Implicit => {
                let mut wire = guard(self.dialer.encrypt(server, stream, meter).await?);
                let capabilities = greeting(&mut wire).await?;
                Ok((wire, capabilities))
            }
            TlsMode::None => {
                let mut wire = guard(stream);
                let capabilities = greeting(&mut wire).await?;
                Ok((wire, capabilities))
            }
            TlsMode::StartTls => {
                let mut wire = guard(stream);
                let offered = greeting(&mut wire).await?;
                self.dialer.begun(ReachStep::Tls);
                if !offered.is_empty() && !offered.contains("STARTTLS") {
                    return Err(Error::new(
                        ErrorKind::StartTlsUnavailable,
                        "the server does not offer STARTTLS",
                    ));
                }
                start_tls(&mut wire).await?;
                let stream = wire.into_stream()?.into_inner();
                // What was said before is forgotten: anybody could have said it (RFC 9051 §6.2.1).
                Ok((guard(self.dialer.encrypt(server, stream, meter).await?), BTreeSet::new()))
            }
        }
    }
}

impl ImapConnector {
    /// Connects and signs in, to read.
    ///
    /// # Errors
    /// Connection and sign-in kinds.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn open_reader(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
        hints: &SignInHints,
    ) -> Result<Connection> {
        let meter = Arc::new(Meter::default());
        let (commands, known) =
            self.signed_in(settings, credential, Hints::parse(hints.as_str()), &meter).await?;
        let reader = ImapReader::new(commands, settings);
        let traffic = move || SessionTraffic::new(meter.round_trips(), meter.octets_in(), meter.octets_out());
        let hints = SignInHints::from_stored(known.to_string());
        Ok(Connection::new(Box::new(reader)).with_hints(hints).with_traffic(traffic))
    }

    /// Connects and signs in, to file what was sent.
    ///
    /// # Errors
    /// Connection and sign-in kinds.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn open_filer(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
    ) -> Result<Box<dyn MessageFiler>> {
        let meter = Arc::new(Meter::default());
        let (commands, _) = self.signed_in(settings, credential, Hints::default(), &meter).await?;
        Ok(Box::new(ImapFiler::new(commands, settings)))
    }

    /// A session that knows what the server can do, and what to remember of that.
    async fn signed_in(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
        mut known: Hints,
        meter: &Arc<Meter>,
    ) -> Result<(Commands, Hints)> {
        (self.probe)(CommandPoint::Before("connect"));
        let (mut wire, mut offered) = self.open(&settings.incoming, meter).await?;
        (self.probe)(CommandPoint::After("connect"));
        self.dialer.begun(ReachStep::Capabilities);
        if offered.is_empty() {
            if known.before.is_empty() {
                known.before = ask_capabilities(&mut wire).await?;
            }
            offered.clone_from(&known.before);
        }
        self.dialer.passed(ReachStep::Capabilities, || {
            offered.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
        });
        (self.probe)(CommandPoint::Before("sign_in"));
        self.dialer.begun(ReachStep::SignIn);
        let login = settings.incoming_login.as_str();
        let provider = family_of(settings.incoming.host());
        let (session, announced) =
            sign_in::sign_in(wire, &offered, login, credential, provider, self.dialer.read_timeout()).await?;
        (self.probe)(CommandPoint::After("sign_in"));
        self.dialer.passed(ReachStep::SignIn, || credential.accepted().to_owned());
        let mut commands = Commands::new(session, provider, self.probe.clone(), known.plain_list);
        if announced.is_empty() && known.after.is_empty() {
            known.after = commands.ask_capabilities().await?;
        }
        if announced.is_empty() {
            commands.capable_of(known.after.clone());
        } else {
            known.after.clear();
            commands.capable_of(announced);
        }
        Ok((commands, known))
    }
}

/// What is remembered of a server: capabilities it does not tell unasked, and whether it takes LIST with RETURN.
#[derive(Debug, Default)]
struct Hints {
    before: BTreeSet<String>,
    after: BTreeSet<String>,
    plain_list: bool,
}

impl Hints {
    fn parse(text: &str) -> Self {
        let mut hints = Self::default();
        for line in text.lines() {
            let words = |rest: &str| rest.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
            match line.split_once(':') {
                Some(("before", rest)) => hints.before = words(rest),
                Some(("after", rest)) => hints.after = words(rest),
                Some(("plain-list", _)) => hints.plain_list = true,
                _ => {}
            }
        }
        hints
    }
}

impl fmt::Display for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        write!(f, "before:{}\nafter:{}", words(&self.before), words(&self.after))?;
        if self.plain_list { f.write_str("\nplain-list:") } else { Ok(()) }
    }
}

/// Judges the greeting; its text is never shown, since what answers may be no mail server at all.
async fn greeting(wire: &mut Wire) -> Result<BTreeSet<String>> {
    match wire.next().await? {
        Response::Status(outcome) if outcome.verdict == Verdict::Ok => Ok(capabilities_of(&outcome)),
        Response::Status(_) => {
            Err(Error::new(ErrorKind::ServerUnavailable, "the server refuses connections"))
        }
        Response::Bye(outcome) => Err(classify::said_bye(&outcome)),
        Response::PreAuth => Err(Error::new(ErrorKind::Protocol, "the server signs in without being asked")),
        _ => Err(Error::new(ErrorKind::Protocol, "what answers does not greet as an IMAP server")),
    }
}

async fn start_tls(wire: &mut Wire) -> Result<()> {
    wire.queue_line(b"S1 STARTTLS");
    wire.send().await?;
    let outcome = tagged(wire, "S1").await?.0;
    if outcome.verdict == Verdict::Ok {
        return Ok(());
    }
    Err(Error::new(ErrorKind::StartTlsUnavailable, "the server refused STARTTLS"))
}

async fn ask_capabilities(wire: &mut Wire) -> Result<BTreeSet<String>> {
    wire.queue_line(b"C1 CAPABILITY");
    wire.send().await?;
    Ok(tagged(wire, "C1").await?.1)
}

/// Waits for a command's end before sign-in; with the capabilities told meanwhile.
async fn tagged(wire: &mut Wire, tag: &str) -> Result<(Outcome, BTreeSet<String>)> {
    let mut capabilities = BTreeSet::new();
    loop {
        match wire.next().await? {
            Response::Tagged { tag: ended, outcome } if ended == tag => return Ok((outcome, capabilities)),
            Response::Capability(words) => capabilities = words.into_iter().collect(),
            Response::Bye(outcome) => return Err(classify::said_bye(&outcome)),
            _ => {}
        }
    }
}

/// The capabilities in a CAPABILITY response code.
pub(super) fn capabilities_of(outcome: &Outcome) -> BTreeSet<String> {
    let words = outcome.code_value("CAPABILITY").unwrap_or_default();
    words.split(' ').filter(|w| !w.is_empty()).map(str::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_read_back() {
        let text = "before:AUTH=PLAIN IMAP4REV1\nafter:IDLE\nplain-list:";
        assert_eq!(Hints::parse(text).to_string(), text);
        assert_eq!(Hints::parse("nonsense").to_string(), "before:\nafter:");
    }
}
