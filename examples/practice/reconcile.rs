//! `reconcile`: servers and archive, compared.

use std::fmt;

use practicemail::error::Result;
use practicemail::practice_mail::{Reconciled, ReconciledAccount, Repair};
use practicemail::sync::MailboxFindings;
use serde::Serialize;

use crate::answer::Answer;
use crate::args::ReconcileArgs;
use crate::failure::Failure;
use crate::host::{Host, viewer};

/// Compares, and fetches what is missing when told to.
pub(crate) async fn run(host: &Host, args: &ReconcileArgs) -> Result<Answer> {
    let repair = if args.repair { Repair::Yes } else { Repair::No };
    let by = viewer(None);
    let done = host.door.reconcile(host.practice()?, &by, args.user.as_ref(), repair).await?;
    let compared = done.accounts.iter().all(|account| account.error.is_none());
    Answer::of(&Compared::from(done), compared)
}

#[derive(Serialize)]
struct Compared {
    complete: bool,
    accounts: Vec<Account>,
}

#[derive(Serialize)]
struct Account {
    account: String,
    user: String,
    complete: bool,
    /// When, and by which revision of the directory.
    at: String,
    revision: String,
    mailboxes: Vec<Mailbox>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(Serialize)]
struct Mailbox {
    name: String,
    uidvalidity: u32,
    /// Messages of clients that the server has.
    on_server: u64,
    archived: u64,
    missing: Vec<Missing>,
}

#[derive(Serialize)]
struct Missing {
    uid: u32,
    message_id: Option<String>,
    reason: &'static str,
}

impl From<Reconciled> for Compared {
    fn from(done: Reconciled) -> Self {
        Self { complete: done.is_complete(), accounts: done.accounts.iter().map(Account::from).collect() }
    }
}

impl From<&ReconciledAccount> for Account {
    fn from(account: &ReconciledAccount) -> Self {
        Self {
            account: account.account.to_string(),
            user: account.user.to_string(),
            complete: account.is_complete(),
            at: account.at.to_string(),
            revision: account.revision.clone(),
            mailboxes: account.mailboxes.iter().map(Mailbox::from).collect(),
            error: account.error.as_ref().map(Failure::from),
        }
    }
}

impl From<&MailboxFindings> for Mailbox {
    fn from(findings: &MailboxFindings) -> Self {
        let missing = findings.missing.iter().map(|missing| Missing {
            uid: missing.uid.get(),
            message_id: missing.message_id.as_ref().map(ToString::to_string),
            reason: missing.reason.as_str(),
        });
        Self {
            name: findings.name.to_string(),
            uidvalidity: findings.uid_validity.get(),
            on_server: findings.on_server,
            archived: findings.archived,
            missing: missing.collect(),
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for account in &self.accounts {
            let sum = |of: fn(&Mailbox) -> u64| account.mailboxes.iter().map(of).sum::<u64>();
            let (on_server, archived) = (sum(|m| m.on_server), sum(|m| m.archived));
            let verdict = if account.complete { "complete" } else { "not complete" };
            writeln!(
                f,
                "{}: {archived} of {on_server} messages of clients are archived; {verdict}.",
                account.account
            )?;
            for mailbox in &account.mailboxes {
                for missing in &mailbox.missing {
                    let id = missing.message_id.as_deref().unwrap_or("without a Message-ID");
                    writeln!(f, "  {} number {}: {} ({id})", mailbox.name, missing.uid, missing.reason)?;
                }
            }
            if let Some(failure) = &account.error {
                writeln!(f, "{failure}")?;
            }
        }
        if self.accounts.is_empty() {
            writeln!(f, "No account is connected.")?;
        } else if !self.complete {
            writeln!(f, "`reconcile --repair` fetches what can be fetched.")?;
        }
        Ok(())
    }
}
