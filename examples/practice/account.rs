//! `connect` with a password, `check`, `mailboxes`: an account and what it shows.

use std::fmt;

use practicemail::error::{Error, ErrorKind, Result};
use practicemail::practice_mail::{CheckReport, CheckStep, ConnectRequest, Connected, Trial};
use practicemail::settings::{AccountSettings, AttachmentKeeping, Login, ServerSettings, Sharing};
use practicemail::types::{Mailbox, Secret};
use serde::Serialize;

use crate::answer::Answer;
use crate::args::{AccountArgs, CheckArgs, ConnectArgs, HostPort, ServerArgs, Tls};
use crate::authorize;
use crate::host::Host;

/// Connects an account, or replaces its settings.
pub(crate) async fn connect(host: &Host, args: &ConnectArgs) -> Result<Answer> {
    let Some(server) = &args.server else { return authorize::connect(host, args).await };
    let mut request = request(&args.whose, server)?;
    if args.save_unchecked {
        request = request.trial(Trial::Certificate);
    }
    let connected = host.door.connect(host.practice()?, &args.whose.user, request).await?;
    Answer::of(&ConnectedAccount::from(connected), true)
}

/// Tries settings step by step and saves nothing; without any, those of an account that is connected.
pub(crate) async fn check(host: &Host, args: &CheckArgs) -> Result<Answer> {
    let practice = host.practice()?;
    let report = match &args.server {
        Some(server) => host.door.check(practice, &args.whose.user, &request(&args.whose, server)?).await?,
        None => host.door.check_account(practice, &host.account_of(&args.whose).await?).await?,
    };
    let ok = report.is_ok();
    Answer::of(&Checked::from(report), ok)
}

fn request(whose: &AccountArgs, server: &ServerArgs) -> Result<ConnectRequest> {
    let mut request = ConnectRequest::new(settings(server)?, secret(&server.password_env)?);
    if let Some(account) = &whose.account {
        request = request.account(account.clone());
    }
    if server.smtp.is_some() {
        let variable = server.smtp_password_env.as_ref().unwrap_or(&server.password_env);
        request = request.outgoing_password(secret(variable)?);
    }
    Ok(request)
}

/// Lists the mailboxes of an account.
pub(crate) async fn mailboxes(host: &Host, args: &AccountArgs) -> Result<Answer> {
    let account = host.account_of(args).await?;
    let listed = host.door.mailboxes(host.practice()?, &account).await?;
    Answer::of(&Mailboxes { mailboxes: listed.iter().map(MailboxRow::from).collect() }, true)
}

fn settings(args: &ServerArgs) -> Result<AccountSettings> {
    let ca = match &args.ca {
        Some(file) => Some(std::fs::read_to_string(file).map_err(|cause| {
            Error::new(ErrorKind::Invalid, "the file with the authority could not be read").with_source(cause)
        })?),
        None => None,
    };
    let server = |at: &HostPort, tls: Tls| {
        let server = ServerSettings::new(&at.host, at.port, tls.into());
        server.map(|server| match &ca {
            Some(pem) => server.with_ca(pem),
            None => server,
        })
    };
    let mut settings = AccountSettings::new(server(&args.imap, args.imap_tls)?, Login::new(&args.login)?);
    if let (Some(smtp), Some(tls)) = (&args.smtp, args.smtp_tls) {
        let login = Login::new(args.smtp_login.as_ref().unwrap_or(&args.login))?;
        settings = settings.sending(server(smtp, tls)?, login);
    }
    if let Some(name) = &args.sent_mailbox {
        settings = settings.sent_mailbox(name);
    }
    if args.headers_only {
        settings = settings.sharing(Sharing::HeadersOnly);
    }
    if let Some(octets) = args.attachments_up_to {
        settings = settings.keeping(AttachmentKeeping::UpTo(octets));
    }
    if let Some(octets) = args.max_message {
        settings.limits.max_message = octets;
    }
    if let Some(server) = &args.authentication_server {
        settings = settings.authenticated_by(server);
    }
    Ok(args.exclude.iter().fold(settings, AccountSettings::excluding))
}

/// What an environment variable holds: secrets come from nowhere else.
pub(crate) fn secret(variable: &str) -> Result<Secret> {
    let secret = std::env::var(variable).ok().filter(|secret| !secret.is_empty());
    secret.map(Secret::new).ok_or_else(|| {
        let message = format!("the environment variable {variable} is to hold the secret and does not");
        Error::new(ErrorKind::Invalid, message)
    })
}

#[derive(Serialize)]
struct ConnectedAccount {
    account: String,
    user: String,
    address: String,
    checked: bool,
    sent_mailbox: Option<String>,
}

impl From<Connected> for ConnectedAccount {
    fn from(connected: Connected) -> Self {
        Self {
            account: connected.account.to_string(),
            user: connected.user.to_string(),
            address: connected.address.to_string(),
            checked: connected.checked,
            sent_mailbox: connected.sent_mailbox,
        }
    }
}

impl fmt::Display for ConnectedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tried = if self.checked { "signed in" } else { "saved without signing in" };
        writeln!(f, "{} is connected ({tried}).", self.address)?;
        match &self.sent_mailbox {
            Some(name) => write!(f, "Sent messages are in {name}."),
            None => write!(f, "No mailbox for sent messages is known; --sent-mailbox names it."),
        }
    }
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    server: &'static str,
    step: &'static str,
    ok: bool,
    kind: Option<&'static str>,
    detail: String,
    remedy: Option<&'static str>,
    hint: Option<String>,
}

impl From<CheckReport> for Checked {
    fn from(report: CheckReport) -> Self {
        let incoming = report.incoming.iter().map(|step| Step::of("incoming", step));
        let steps = incoming.chain(report.outgoing.iter().map(|step| Step::of("outgoing", step))).collect();
        Self { ok: report.is_ok(), steps }
    }
}

impl Step {
    fn of(server: &'static str, step: &CheckStep) -> Self {
        let error = step.error.as_ref();
        let detail = match error {
            Some(error) if step.detail.is_empty() => error.to_string(),
            _ => step.detail.clone(),
        };
        Self {
            server,
            step: step.step,
            ok: error.is_none(),
            kind: error.map(|error| error.kind().as_str()),
            detail,
            remedy: error.map(|error| error.advice().remedy),
            hint: error.and_then(Error::hint).map(str::to_owned),
        }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut server = "";
        for step in &self.steps {
            if step.server != server {
                server = step.server;
                writeln!(f, "{}", if server == "incoming" { "Reading:" } else { "Sending:" })?;
            }
            let mark = if step.ok { "✓" } else { "✗" };
            writeln!(f, "{mark} {:<14} {}", step.step.replace('_', " "), step.detail)?;
            if let Some(remedy) = step.remedy {
                writeln!(f, "  What to do:    {remedy}")?;
            }
            if let Some(hint) = &step.hint {
                writeln!(f, "                 {hint}")?;
            }
        }
        write!(f, "{}", if self.ok { "Everything works." } else { "This does not work yet." })
    }
}

#[derive(Serialize)]
struct Mailboxes {
    mailboxes: Vec<MailboxRow>,
}

#[derive(Serialize)]
struct MailboxRow {
    name: String,
    special_use: Option<&'static str>,
    messages: Option<u32>,
    selectable: bool,
}

impl From<&Mailbox> for MailboxRow {
    fn from(mailbox: &Mailbox) -> Self {
        Self {
            name: mailbox.name.to_string(),
            special_use: mailbox.special_use.map(practicemail::types::SpecialUse::as_str),
            messages: mailbox.status.map(|status| status.messages),
            selectable: mailbox.selectable,
        }
    }
}

impl fmt::Display for Mailboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mailbox in &self.mailboxes {
            let count = mailbox.messages.map_or_else(|| "-".to_owned(), |n| n.to_string());
            writeln!(f, "{count:>9}  {:<40} {}", mailbox.name, mailbox.special_use.unwrap_or_default())?;
        }
        Ok(())
    }
}
