//! `connect` by a provider's own sign-in: the user's browser goes there, and comes back to a port of this machine.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use practicemail::error::{Error, ErrorKind, Result};
use practicemail::practice_mail::{AuthorizationOutcome, AuthorizationRequest, Purpose, SendBy, Viewer};
use practicemail::settings::{ApplicationRegistration, Endpoint, OAuthProvider, Reading, TlsMode};
use practicemail::types::Entered;
use serde::Serialize;

use crate::account::secret;
use crate::answer::Answer;
use crate::args::{ConnectArgs, ProviderArgs};
use crate::failure::{Failure, person};
use crate::host::Host;
use crate::loopback::Loopback;

/// How long a sign-in that was begun can be ended.
const HALF_AN_HOUR: Duration = Duration::from_mins(30);

/// Connects an account; the page to open is told on standard error meanwhile.
pub(crate) async fn connect(host: &Host, args: &ConnectArgs) -> Result<Answer> {
    let Some(provider) = &args.provider else {
        return Err(Error::new(ErrorKind::Invalid, "--imap, --gmail or --microsoft says by which way"));
    };
    let (practice, user) = (host.practice()?, &args.whose.user);
    let callback = registered(host, provider).await?;
    let url = host.door.authorize(practice, user, request(args, provider)).await?.url;
    eprintln!(
        "{url}\nOpen the page above in a browser, sign in, and allow access. This program waits meanwhile."
    );
    let returned = tokio::time::timeout(host.patience.unwrap_or(HALF_AN_HOUR), callback.query()).await;
    let outcome = match returned {
        Ok(query) => host.door.complete_authorization(practice, user, &query.map_err(deaf)?).await?,
        Err(_) => AuthorizationOutcome::Expired,
    };
    let connected = matches!(outcome, AuthorizationOutcome::Connected(_));
    Answer::of(&Authorized::from(outcome), connected)
}

fn request(args: &ConnectArgs, provider: &ProviderArgs) -> AuthorizationRequest {
    let mut request = match provider.provider() {
        OAuthProvider::Microsoft => AuthorizationRequest::microsoft(),
        _ => AuthorizationRequest::google(),
    };
    if let Some(account) = &args.whose.account {
        request = request.account(account.clone());
    }
    if let Some(mailbox) = &provider.mailbox {
        request = request.mailbox(mailbox.clone());
    }
    if provider.send_only {
        request = request.purpose(Purpose::Send);
    }
    if provider.graph {
        request = request.send_by(SendBy::Graph);
    }
    request
}

impl ProviderArgs {
    fn provider(&self) -> OAuthProvider {
        if self.gmail { OAuthProvider::Google } else { OAuthProvider::Microsoft }
    }
}

/// Listens where the browser will come back to. The registration becomes the practice's own, so that later commands know it.
async fn registered(host: &Host, args: &ProviderArgs) -> Result<Loopback> {
    let practice = host.practice()?;
    let mut callback = None;
    let registration = match (&args.client_id, &args.oauth_registration) {
        (Some(client_id), _) => {
            let port = Loopback::listen(args.listen.unwrap_or(0)).await.map_err(deaf)?;
            let registration = of_client(args.provider(), client_id, port.port())?;
            callback = Some(port);
            registration
        }
        (None, Some(file)) => read(file)?,
        (None, None) => {
            let mut settled = host.door.practice_settings(practice).await?.registrations;
            settled.remove(&args.provider()).ok_or_else(|| {
                let provider = args.provider().as_str();
                let message =
                    format!("the practice is not registered with {provider} yet: --client-id is missing");
                Error::new(ErrorKind::Invalid, message)
            })?
        }
    };
    if registration.provider != args.provider() {
        return Err(Error::new(ErrorKind::Invalid, "the registration is with another provider"));
    }
    let callback = match callback {
        Some(callback) => callback,
        None => Loopback::listen(port_of(&registration)?).await.map_err(deaf)?,
    };
    let secret = match &args.client_secret_env {
        Some(variable) => Entered::New(secret(variable)?),
        None => Entered::Unchanged,
    };
    let host_itself = Viewer::System { reason: "the terminal's user owns the store" };
    host.door.register_application(practice, &host_itself, registration, secret).await?;
    Ok(callback)
}

/// Google takes any port of 127.0.0.1 (its *Desktop app*), Microsoft any of `localhost` (its *Mobile and desktop*).
fn of_client(provider: OAuthProvider, client_id: &str, port: u16) -> Result<ApplicationRegistration> {
    match provider {
        OAuthProvider::Microsoft => {
            ApplicationRegistration::microsoft(client_id, format!("http://localhost:{port}/callback"))
        }
        _ => ApplicationRegistration::google(client_id, format!("http://127.0.0.1:{port}/callback")),
    }
}

fn read(file: &Path) -> Result<ApplicationRegistration> {
    let invalid = |cause: std::io::Error| {
        Error::new(ErrorKind::Invalid, "the file with the registration could not be read").with_source(cause)
    };
    let text = std::fs::read_to_string(file).map_err(invalid)?;
    serde_json::from_str(&text).map_err(|cause| invalid(cause.into()))
}

/// The port of this machine that a registration has the browser come back to.
fn port_of(registration: &ApplicationRegistration) -> Result<u16> {
    let (uri, _) = registration.redirect_uri.split_once('?').unwrap_or((&registration.redirect_uri, ""));
    let server = Endpoint::parse(uri)?.server().clone();
    if server.tls() == TlsMode::None {
        return Ok(server.port());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        "the registration has the browser come back elsewhere than to this machine",
    ))
}

fn deaf(cause: std::io::Error) -> Error {
    let message = "the port that the browser comes back to could not be opened";
    Error::new(ErrorKind::Invalid, message).with_source(cause)
}

/// What became of the user who was sent to their provider.
#[derive(Serialize)]
struct Authorized {
    outcome: &'static str,
    #[serde(flatten)]
    fate: Fate,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fate {
    Connected {
        account: String,
        user: String,
        address: String,
        reading: Reading,
        sent_mailbox: Option<String>,
        problem: Option<Failure>,
    },
    Not(NotConnected),
}

#[derive(Serialize)]
struct NotConnected {
    #[serde(skip)]
    summary: &'static str,
    remedy: &'static str,
    who: &'static str,
    /// The address that was to sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    /// What was not allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalRow>,
}

/// What an administrator does.
#[derive(Serialize)]
struct ApprovalRow {
    how: String,
    url: Option<String>,
    sends_meanwhile: bool,
}

impl From<AuthorizationOutcome> for Authorized {
    fn from(outcome: AuthorizationOutcome) -> Self {
        let (name, advice) =
            (outcome.as_str(), outcome.advice().unwrap_or_else(|| ErrorKind::Invalid.advice()));
        let mut not = NotConnected {
            summary: advice.summary,
            remedy: advice.remedy,
            who: advice.who.as_str(),
            expected: None,
            missing: Vec::new(),
            approval: None,
        };
        match outcome {
            AuthorizationOutcome::Connected(connected) => {
                let fate = Fate::Connected {
                    account: connected.account.to_string(),
                    user: connected.user.to_string(),
                    address: connected.address.to_string(),
                    reading: connected.reading,
                    sent_mailbox: connected.sent_mailbox,
                    problem: connected.problem.as_ref().map(Failure::from),
                };
                return Self { outcome: name, fate };
            }
            AuthorizationOutcome::AdministratorMustApprove(approval) => {
                let (how, url) = (approval.how, approval.url);
                not.approval = Some(ApprovalRow { how, url, sends_meanwhile: approval.sends_meanwhile });
            }
            AuthorizationOutcome::WrongAccount { expected } => not.expected = Some(expected.to_string()),
            AuthorizationOutcome::MissingScopes { missing } => not.missing = missing,
            AuthorizationOutcome::Denied
            | AuthorizationOutcome::PersonalAccountNeedsSmtpImap
            | AuthorizationOutcome::Expired => {}
        }
        Self { outcome: name, fate: Fate::Not(not) }
    }
}

impl fmt::Display for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, reading, sent_mailbox, problem) = match &self.fate {
            Fate::Not(not) => return not.fmt(f),
            Fate::Connected { address, reading, sent_mailbox, problem, .. } => {
                (address, reading, sent_mailbox, problem)
            }
        };
        writeln!(f, "{address} is connected (the provider's sign-in).")?;
        match (reading, sent_mailbox) {
            (Reading::Allowed, Some(name)) => writeln!(f, "Sent messages are in {name}.")?,
            (Reading::Pends, _) => {
                writeln!(f, "It can send. Reading begins by itself when an administrator has allowed it.")?;
            }
            (Reading::Off, _) => writeln!(f, "It sends only.")?,
            _ => {}
        }
        match problem {
            Some(problem) => write!(f, "It does not read yet:\n{problem}"),
            None => Ok(()),
        }
    }
}

/// Three lines as of every failure; then what goes with it.
impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What happened:  {}", self.summary)?;
        writeln!(f, "What to do:     {}", self.remedy)?;
        writeln!(f, "Who can do it:  {}", person(self.who))?;
        if let Some(expected) = &self.expected {
            writeln!(f, "The address:    {expected}")?;
        }
        if !self.missing.is_empty() {
            writeln!(f, "Not allowed:    {}", self.missing.join(", "))?;
        }
        let Some(approval) = &self.approval else { return Ok(()) };
        writeln!(f, "How:            {}", approval.how)?;
        if let Some(url) = &approval.url {
            writeln!(f, "The link:       {url}")?;
            // It comes back to this machine, and not to theirs.
            writeln!(
                f,
                "Afterwards:     Their browser ends on a page that does not open: that does no harm."
            )?;
        }
        if approval.sends_meanwhile {
            let promise = "the account then sends, and reads by itself when the administrator has approved";
            writeln!(f, "Meanwhile:      Connect again now: {promise}.")?;
        }
        Ok(())
    }
}
