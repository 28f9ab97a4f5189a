//! `cursor`: how far a user's accounts are read.

use std::fmt;

use practicemail::error::Result;
use practicemail::practice_mail::AccountCursor;
use practicemail::types::{Cursor, Gap, MailboxName};
use serde::Serialize;

use crate::answer::Answer;
use crate::args::CursorArgs;
use crate::host::Host;

/// Shows frontiers, gaps and covered keys.
pub(crate) async fn run(host: &Host, args: &CursorArgs) -> Result<Answer> {
    let accounts = host.door.cursors(host.practice()?, &args.user).await?;
    Answer::of(&Cursors { accounts: accounts.iter().map(Account::from).collect() }, true)
}

#[derive(Serialize)]
struct Cursors {
    accounts: Vec<Account>,
}

#[derive(Serialize)]
struct Account {
    account: String,
    mailboxes: Vec<Mailbox>,
    covered_keys: usize,
    pending_keys: usize,
    revision: String,
}

#[derive(Serialize)]
struct Mailbox {
    name: String,
    uidvalidity: u32,
    highest_seen: Option<u32>,
    history_frontier: Option<u32>,
    seen: u64,
    complete: bool,
    gaps: Vec<GapRow>,
}

#[derive(Serialize)]
struct GapRow {
    uid: u32,
    reason: &'static str,
    attempts: u32,
    next_try: String,
}

impl From<&AccountCursor> for Account {
    fn from(account: &AccountCursor) -> Self {
        Self {
            account: account.account.to_string(),
            mailboxes: account.mailboxes.iter().map(Mailbox::from).collect(),
            covered_keys: account.covered_keys,
            pending_keys: account.pending_keys,
            revision: account.revision.clone(),
        }
    }
}

impl From<&(MailboxName, Cursor, Vec<Gap>)> for Mailbox {
    fn from((name, cursor, gaps): &(MailboxName, Cursor, Vec<Gap>)) -> Self {
        Self {
            name: name.to_string(),
            uidvalidity: cursor.uid_validity.get(),
            highest_seen: cursor.highest_seen().map(practicemail::types::Uid::get),
            history_frontier: cursor.history_frontier().map(practicemail::types::Uid::get),
            seen: cursor.seen.len(),
            complete: cursor.status.is_some(),
            gaps: gaps.iter().map(GapRow::from).collect(),
        }
    }
}

impl From<&Gap> for GapRow {
    fn from(gap: &Gap) -> Self {
        Self {
            uid: gap.uid.get(),
            reason: gap.reason.as_str(),
            attempts: gap.attempts,
            next_try: gap.next_try.to_string(),
        }
    }
}

impl fmt::Display for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for account in &self.accounts {
            writeln!(
                f,
                "{}: read for {} addresses and domains of clients, {} to be read for",
                account.account, account.covered_keys, account.pending_keys
            )?;
            for mailbox in &account.mailboxes {
                let state = if mailbox.complete { "complete" } else { "not finished" };
                writeln!(f, "  {:<30} {:>7} messages read, {state}", mailbox.name, mailbox.seen)?;
                for gap in &mailbox.gaps {
                    let (uid, reason, next) = (gap.uid, gap.reason, &gap.next_try);
                    writeln!(f, "    message {uid} would not come ({reason}); next try {next}")?;
                }
            }
        }
        Ok(())
    }
}
