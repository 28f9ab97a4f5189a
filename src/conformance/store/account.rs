//! S4: accounts.

use super::bench::{Bench, LEASE, inbox, new_account, uids};
use crate::conformance::check::{Check, Outcome, present, same};
use crate::contract::{AccountHealth, AccountRecord, AccountState, HistoryStep, PassEnd, SyncState};
use crate::settings::{Login, ServerSettings, TlsMode};
use crate::types::{AccountId, Address, UserId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S4",
        name: "a connected account is listed as it was given, by id",
        run: |b| Box::pin(listed(b)),
    },
    Check {
        clause: "S4",
        name: "connecting again replaces the settings",
        run: |b| Box::pin(settings_replaced(b)),
    },
    Check {
        clause: "S4",
        name: "connecting again keeps progress and archive",
        run: |b| Box::pin(progress_kept(b)),
    },
    Check {
        clause: "S4",
        name: "an account of which nothing was read has no progress",
        run: |b| Box::pin(nothing_read(b)),
    },
];

async fn listed(b: &Bench) -> Outcome {
    same("the accounts of a practice without any", &b.store.accounts(&b.practice).await?, &Vec::new())?;
    let mut expected = Vec::new();
    for id in ["b", "a ü'\"", "C"] {
        let account = new_account(&b.practice, &AccountId::new(id)?)?;
        let record = b.store.connect(&account).await?;
        same("the account", &record.account, &account)?;
        same("its state", &record.state, &AccountState::Connected)?;
        same("its health", &record.health, &AccountHealth::default())?;
        expected.push(record);
    }
    expected.sort_by(|one, two| one.account.id.cmp(&two.account.id));
    same("the accounts", &b.store.accounts(&b.practice).await?, &expected)
}

async fn only_account(b: &Bench) -> Outcome<AccountRecord> {
    let accounts = b.store.accounts(&b.practice).await?;
    same("how many accounts there are", &accounts.len(), &1)?;
    present("the account", accounts.into_iter().next())
}

async fn settings_replaced(b: &Bench) -> Outcome {
    let first = b.store.connect(&new_account(&b.practice, &b.account)?).await?;
    let mut changed = new_account(&b.practice, &b.account)?;
    changed.user = UserId::new("ben")?;
    changed.address = Address::parse("\"b. \\\"x\\\"\"@practice.example")?;
    let server = ServerSettings::new("127.0.0.1", 1143, TlsMode::None)?.with_ca("-----BEGIN\n'\"");
    let outgoing = ServerSettings::new("smtp.exämple.org", 587, TlsMode::StartTls)?;
    changed.settings.incoming = server;
    changed.settings = changed.settings.sending(outgoing, Login::new("bén")?).sent_mailbox("Gesendet ü");
    changed.settings = changed.settings.excluding("Private/'x'").excluding("\u{1f512}");
    changed.settings.limits.octets_per_day = 5_000_000_000;
    let second = b.store.connect(&changed).await?;
    same("the answer", &second.account, &changed)?;
    same("the epoch", &second.epoch, &first.epoch)?;
    same("what is listed", &only_account(b).await?, &second)?;
    b.store.disconnect(&b.practice, &b.account).await?;
    let third = b.store.connect(&changed).await?;
    same("the state after disconnecting and connecting", &third.state, &AccountState::Connected)?;
    same("what is listed then", &only_account(b).await?, &third)
}

async fn progress_kept(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2)]).await?;
    b.cover(&fence, HistoryStep::Begin, &["client"]).await?;
    let end = PassEnd { hints: Some("hints ü".to_owned()), octets_read: 77, ..PassEnd::default() };
    b.store.end_pass(&fence, &end).await?;
    let state = b.store.sync_state(&b.practice, &b.account).await?;
    let message = b.message("first").await?;
    for disconnect in [false, true] {
        if disconnect {
            b.store.disconnect(&b.practice, &b.account).await?;
        }
        b.store.connect(&new_account(&b.practice, &b.account)?).await?;
        same("the progress", &b.store.sync_state(&b.practice, &b.account).await?, &state)?;
        same("a message", &b.message("first").await?, &message)?;
    }
    let fence = b.acquire("worker", LEASE).await?;
    b.see(&fence, uids([3])).await?;
    let state = present("the inbox", b.mailbox(&inbox()).await?)?;
    same("what was seen, with a further window", &state.cursor.seen, &uids(1..=3))
}

async fn nothing_read(b: &Bench) -> Outcome {
    let empty = SyncState::default();
    same("the progress of an unknown account", &b.store.sync_state(&b.practice, &b.account).await?, &empty)?;
    b.begin().await?;
    same("the progress of a new account", &b.store.sync_state(&b.practice, &b.account).await?, &empty)?;
    same("its copies", &b.copies().await?, &Vec::new())
}
