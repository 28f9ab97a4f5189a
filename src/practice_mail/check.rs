//! Trying settings for real, step by step, before they are saved.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::PracticeMail;
use super::account::sent_mailbox;
use super::view::{CheckReport, CheckStep, ConnectRequest};
use crate::contract::{Connector, Credential, CredentialField, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{ReachEvent, ReachStep, ReachWitness};
use crate::settings::{AccountSettings, Outgoing, Provider, Reading, ServerSettings, SignInWith, typed};
use crate::types::{AccountId, Entered, MailboxName, PracticeId, Secret, UserId};

/// How long one server may take in all: a person waits for the answer.
const PATIENCE: Duration = Duration::from_secs(90);
/// The longest text of a step that is shown, in characters.
const MAX_DETAIL: usize = 200;

/// What signs in to the two servers.
pub(super) struct Credentials {
    pub(super) incoming: Credential,
    pub(super) outgoing: Credential,
    /// The password that is for sending alone, where there is one.
    pub(super) own_outgoing: Option<Secret>,
}

impl PracticeMail {
    /// Tries settings for real, both servers at once, and saves nothing. Reading: name, connect, TLS, greeting, capabilities,
    /// sign-in, list, open the inbox, find the Sent mailbox. Sending: the same up to the sign-in; nothing is sent.
    ///
    /// A password that was posted back as dots is the one stored for the account, as long as it is for the same server and
    /// user name.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) where a password is missing; [`NotFound`](ErrorKind::NotFound) for an unknown user; storage kinds. What is
    /// wrong with the settings is no error but a step that failed.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connections.
    pub async fn check(
        &self,
        practice: &PracticeId,
        user: &UserId,
        request: &ConnectRequest,
    ) -> Result<CheckReport> {
        self.active_user(practice, user).await?;
        let account = self.own_account_id(practice, user, request.account.clone()).await?;
        let request = as_meant(request.clone());
        let credentials = self.entered(practice, &account, &request).await?;
        Ok(self.try_settings(&request.settings, &credentials).await)
    }

    /// Tries an account that is connected, with what is stored for it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), also where it is disconnected; [`SwitchedOff`](ErrorKind::SwitchedOff);
    /// [`AuthorizationRequired`](ErrorKind::AuthorizationRequired) and other kinds of renewing an access
    /// token; [`CredentialsUnreadable`](ErrorKind::CredentialsUnreadable); storage kinds.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connections.
    pub async fn check_account(&self, practice: &PracticeId, account: &AccountId) -> Result<CheckReport> {
        let account = self.in_use(practice, account).await?.account;
        let outgoing = self.connections.sending_credential(&account).await?;
        let incoming = match account.settings.reading {
            Reading::Allowed => self.connections.incoming_credential(&account, None).await?,
            Reading::Pends | Reading::Off => outgoing.clone(),
        };
        Ok(self
            .try_settings(&account.settings, &Credentials { incoming, outgoing, own_outgoing: None })
            .await)
    }

    /// The passwords of a request; those posted back as dots are the stored ones, and one for sending that was never given is
    /// that for reading.
    pub(super) async fn entered(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        request: &ConnectRequest,
    ) -> Result<Credentials> {
        let before = self.record(practice, account).await?.map(|record| record.account.settings);
        let same = |is: fn(&AccountSettings, &AccountSettings) -> bool| {
            before.as_ref().is_some_and(|before| is(before, &request.settings))
        };
        // A password is for the server it was given for: dots posted back with another server's name would hand it over.
        let same_incoming = same(|a, b| a.incoming == b.incoming && a.incoming_login == b.incoming_login);
        let same_outgoing = same(|a, b| a.outgoing == b.outgoing);
        let stored = async |field| self.connections.stored(practice, account, field).await;
        let incoming = match &request.password {
            Entered::New(password) => password.clone(),
            Entered::Unchanged => {
                let missing = || Error::new(ErrorKind::Invalid, "the password of the IMAP server is missing");
                let kept = stored(CredentialField::IncomingPassword).await?;
                kept.filter(|_| same_incoming).ok_or_else(missing)?
            }
        };
        let own_outgoing = match &request.outgoing_password {
            Entered::New(password) => Some(password.clone()),
            Entered::Unchanged => stored(CredentialField::OutgoingPassword).await?.filter(|_| same_outgoing),
        };
        let outgoing = match &request.outgoing_token {
            Some(token) => Credential::Token(token.clone()),
            None => Credential::Password(own_outgoing.clone().unwrap_or_else(|| incoming.clone())),
        };
        Ok(Credentials { incoming: Credential::Password(incoming), outgoing, own_outgoing })
    }

    pub(super) async fn try_settings(
        &self,
        settings: &AccountSettings,
        credentials: &Credentials,
    ) -> CheckReport {
        let reads = settings.reading == Reading::Allowed;
        let incoming = async {
            if reads { self.try_incoming(settings, &credentials.incoming).await } else { (Vec::new(), None) }
        };
        let outgoing = async {
            match &settings.outgoing {
                Some(outgoing) => self.try_outgoing(outgoing, &credentials.outgoing).await,
                None => Vec::new(),
            }
        };
        let ((incoming, sent_mailbox), outgoing) = tokio::join!(incoming, outgoing);
        CheckReport { incoming, outgoing, sent_mailbox }
    }

    async fn try_incoming(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
    ) -> (Vec<CheckStep>, Option<String>) {
        let steps = Steps::default();
        if let Err(error) = takes_passwords(&settings.incoming, credential) {
            steps.begin(ReachStep::SignIn.as_str());
            return (steps.finish(Err(error)), None);
        }
        let witnessed = self.protocols.as_ref().map(|protocols| protocols.witnessed_by(steps.witness()));
        let connector: &dyn Connector = match &witnessed {
            Some(protocols) => protocols,
            None => self.connections.connector(),
        };
        let mut found = None;
        let walk = async {
            steps.begin("sign_in");
            let hints = SignInHints::default();
            let mut reader = connector.open_reader(settings, credential, &hints).await?.reader;
            steps.pass_untold("sign_in", credential.accepted());
            steps.begin("list");
            let listing = reader.mailboxes(&[]).await?;
            let (all, read) = (listing.all.len(), listing.mailboxes.len());
            steps.pass("list", format!("{all} mailboxes, {read} of them read"));
            steps.begin("open_inbox");
            let open = reader.open(&MailboxName::from_wire(&b"INBOX"[..])).await?;
            steps.pass("open_inbox", format!("{} messages", open.uids.len()));
            steps.begin("sent_mailbox");
            found = sent_mailbox(&listing, settings)?;
            let detail = found.clone().unwrap_or_else(|| "none found; choose one".to_owned());
            steps.pass("sent_mailbox", detail);
            reader.close().await;
            Ok(())
        };
        let result = in_time(walk).await;
        let hinted = |error| hinted(error, &settings.incoming, credential);
        (steps.finish(result.map_err(hinted)), found)
    }

    async fn try_outgoing(&self, outgoing: &Outgoing, credential: &Credential) -> Vec<CheckStep> {
        // Only the crate's own adapters can sign in without sending.
        let Some(protocols) = &self.protocols else { return Vec::new() };
        let steps = Steps::default();
        if let Err(error) = takes_passwords(outgoing.server(), credential) {
            steps.begin(ReachStep::SignIn.as_str());
            return steps.finish(Err(error));
        }
        let result =
            in_time(protocols.witnessed_by(steps.witness()).reach_outgoing(outgoing, credential)).await;
        steps.finish(result.map_err(|error| hinted(error, outgoing.server(), credential)))
    }
}

/// What was meant by what was typed: an app password in the groups its service shows it in is the password without spaces.
pub(super) fn as_meant(mut request: ConnectRequest) -> ConnectRequest {
    let meant = |entered: &mut Entered, server: &ServerSettings| {
        if let Entered::New(password) = entered {
            *password = typed::password(password.expose(), Provider::of_server(server.host())).password;
        }
    };
    meant(&mut request.password, &request.settings.incoming);
    let outgoing = request.settings.outgoing.as_ref().map_or(&request.settings.incoming, Outgoing::server);
    meant(&mut request.outgoing_password, outgoing);
    request
}

/// Refuses a password where the provider is known to take none, before it leaves this machine.
pub(super) fn takes_passwords(server: &ServerSettings, credential: &Credential) -> Result<()> {
    let provider = Provider::of_server(server.host());
    let only_tokens = provider.is_some_and(|p| matches!(p.sign_in_with(), SignInWith::OAuth(_)));
    if !only_tokens || matches!(credential, Credential::Token(_)) {
        return Ok(());
    }
    let kind = ErrorKind::PasswordRefusedByProvider;
    let error = Error::new(kind, "the provider is known to take no passwords; nothing was tried");
    Err(error.with_hint(provider.and_then(|provider| provider.hint(kind))))
}

/// Adds what is known of this very service.
pub(super) fn hinted(error: Error, server: &ServerSettings, credential: &Credential) -> Error {
    let kind = error.kind();
    let known = Provider::of_server(server.host()).and_then(|provider| provider.hint(kind));
    let odd = || match credential {
        Credential::Password(password) if kind == ErrorKind::AuthenticationFailed => {
            let odd = password.expose().trim() != password.expose();
            odd.then(|| "The password begins or ends with a space: is that meant?".to_owned())
        }
        _ => None,
    };
    let meant = || server.did_you_mean().map(|name| format!("Did you mean {name}?"));
    error.with_hint(known.or_else(odd).or_else(meant))
}

async fn in_time(walk: impl Future<Output = Result<()>>) -> Result<()> {
    let late = |_| Error::new(ErrorKind::TimedOut, "the server did not answer in time");
    timeout(PATIENCE, walk).await.map_err(late)?
}

/// What was passed so far, and what is under way.
#[derive(Default)]
struct Steps(Arc<Mutex<Walked>>);

#[derive(Default)]
struct Walked {
    passed: Vec<CheckStep>,
    begun: Option<&'static str>,
    /// Whether the adapters told of any step: others than the crate's own do not.
    told: bool,
}

impl Steps {
    fn with<T>(&self, act: impl FnOnce(&mut Walked) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn witness(&self) -> ReachWitness {
        let walked = Self(self.0.clone());
        Arc::new(move |event| match event {
            ReachEvent::Begun(step) => {
                walked.with(|walked| walked.told = true);
                walked.begin(step.as_str());
            }
            ReachEvent::Passed(step, found) => walked.pass(step.as_str(), found),
        })
    }

    fn begin(&self, step: &'static str) {
        self.with(|walked| walked.begun = Some(step));
    }

    fn pass(&self, step: &'static str, found: impl Into<String>) {
        let detail = shown(&found.into());
        self.with(|walked| {
            walked.begun = walked.begun.filter(|begun| *begun != step);
            walked.passed.push(CheckStep { step, detail, error: None });
        });
    }

    /// Passes a step that an adapter of the host's own did not tell of.
    fn pass_untold(&self, step: &'static str, found: &'static str) {
        if !self.with(|walked| walked.told) {
            self.pass(step, found);
        }
    }

    /// The steps that were passed, and, where it ended badly, the one that failed.
    fn finish(&self, result: Result<()>) -> Vec<CheckStep> {
        self.with(|walked| {
            let mut steps = std::mem::take(&mut walked.passed);
            if let Err(error) = result {
                let step = walked.begun.unwrap_or(ReachStep::Connect.as_str());
                // To somebody who waits in front of a form, a port that swallows everything is no passing trouble.
                let blocked = error.kind() == ErrorKind::TimedOut && step == ReachStep::Connect.as_str();
                let error = if blocked { error.of_kind(ErrorKind::ConnectionRefused) } else { error };
                steps.push(CheckStep { step, detail: error.to_string(), error: Some(error) });
            }
            steps
        })
    }
}

/// A server's words, of bounded length, without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DETAIL).collect()
}
