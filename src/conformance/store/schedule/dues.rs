//! W5, W6, W8, W10: when accounts are due, and what they leave.

use super::id;
use crate::conformance::check::{Check, Outcome, refused, same};
use crate::conformance::store::bench::{Bench, LEASE, inbox, inbox_window, new_account};
use crate::contract::{AccountState, Clock, MailboxBacklog, NextDue, PassEnd, SettingsChange};
use crate::error::ErrorKind;
use crate::settings::{PracticeSettings, Way};
use crate::types::{AccountId, MailboxName, PracticeId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "W5", name: "the end of a pass says when it is due again", run: |b| Box::pin(due(b)) },
    Check { clause: "W5", name: "connecting and switching on make due", run: |b| Box::pin(connecting(b)) },
    Check {
        clause: "W5",
        name: "failures are counted until a pass ends well",
        run: |b| Box::pin(failures(b)),
    },
    Check {
        clause: "W5",
        name: "a pass that was broken off changes nothing",
        run: |b| Box::pin(broken_off(b)),
    },
    Check { clause: "S16", name: "what was erased was never read", run: |b| Box::pin(erased(b)) },
    Check { clause: "W6", name: "what is asked for is due at once", run: |b| Box::pin(asked(b)) },
    Check {
        clause: "W6",
        name: "what is asked for under a lease is due after it",
        run: |b| Box::pin(asked_meanwhile(b)),
    },
    Check {
        clause: "W8",
        name: "what is left is as it was written, by mailbox",
        run: |b| Box::pin(backlog(b)),
    },
    Check { clause: "W10", name: "practices do not see each other's schedule", run: |b| Box::pin(apart(b)) },
];

async fn due(b: &Bench) -> Outcome {
    b.connect_at("practice", "account", "imap.example.org").await?;
    let begun = b.clock.now();
    same("when it is due", &b.standing("account").await?.next_due, &Some(begun))?;
    let claimed = b.must_claim().await?;
    same("when it was due", &claimed.due, &begun)?;
    b.clock.advance(30);
    b.end(&claimed.fence, NextDue::In(700), None).await?;
    same("when it is due", &b.standing("account").await?.next_due, &Some(begun.plus(730)))?;
    b.clock.advance(700);
    let claimed = b.must_claim().await?;
    same("when it was due", &claimed.due, &begun.plus(730))?;
    b.end(&claimed.fence, NextDue::Unchanged, None).await?;
    let claimed = b.must_claim().await?;
    b.end(&claimed.fence, NextDue::Stopped, Some(ErrorKind::AuthorizationRequired)).await?;
    same("when a stopped one is due", &b.standing("account").await?.next_due, &None)?;
    b.clock.advance(1_000_000);
    same("a claim of a stopped one", &b.next().await?, &None)
}

async fn connecting(b: &Bench) -> Outcome {
    b.connect_at("practice", "account", "imap.example.org").await?;
    let claimed = b.must_claim().await?;
    b.end(&claimed.fence, NextDue::Stopped, Some(ErrorKind::AuthorizationRequired)).await?;
    b.connect_at("practice", "account", "imap.example.org").await?;
    let claimed = b.must_claim().await?;
    same("failures of before it was connected anew", &claimed.failures, &0)?;
    b.end(&claimed.fence, NextDue::In(5_000), None).await?;
    let mut off = PracticeSettings::default();
    off.switched_off.insert(Way::SmtpImap);
    let on = PracticeSettings::default();
    b.store.set_practice_settings(&b.practice, &SettingsChange::new(on.clone(), off.clone(), None)).await?;
    b.clock.advance(6_000);
    same("a claim while it is switched off", &b.next().await?, &None)?;
    b.store.set_practice_settings(&b.practice, &SettingsChange::new(off, on, None)).await?;
    same("when it is due then", &b.standing("account").await?.next_due, &Some(b.clock.now()))?;
    same("a claim then", &b.next().await?, &id("account"))
}

async fn failures(b: &Bench) -> Outcome {
    b.connect_at("practice", "account", "imap.example.org").await?;
    for round in 0..3 {
        let claimed = b.must_claim().await?;
        same("failures before it", &(claimed.failures, claimed.is_first), &(round, true))?;
        b.end(&claimed.fence, NextDue::In(0), Some(ErrorKind::TimedOut)).await?;
        let standing = b.standing("account").await?;
        same("failures after it", &(standing.failures, standing.is_first), &(round + 1, true))?;
    }
    let claimed = b.must_claim().await?;
    b.end(&claimed.fence, NextDue::In(0), None).await?;
    let standing = b.standing("account").await?;
    same("after a pass that ended well", &(standing.failures, standing.is_first), &(0, false))?;
    let claimed = b.must_claim().await?;
    same("in a claim", &(claimed.failures, claimed.is_first), &(0, false))
}

async fn broken_off(b: &Bench) -> Outcome {
    b.connect_at("practice", "account", "imap.example.org").await?;
    let claimed = b.must_claim().await?;
    b.end(&claimed.fence, NextDue::In(0), Some(ErrorKind::TimedOut)).await?;
    let before = b.store.accounts(&b.practice).await?;
    let claimed = b.must_claim().await?;
    let end = PassEnd { broken_off: true, octets_read: 5, next_due: NextDue::In(60), ..PassEnd::default() };
    b.store.end_pass(&claimed.fence, &end).await?;
    b.store.release_lease(&claimed.fence).await?;
    same("the account and its health", &b.store.accounts(&b.practice).await?, &before)?;
    let standing = b.standing("account").await?;
    same("what is counted", &(standing.failures, standing.is_first), &(1, true))?;
    same("when it is due", &standing.next_due, &Some(b.clock.now().plus(60)))?;
    let state = b.store.sync_state(&b.practice, &b.account).await?;
    same("the octets", &state.octets_today, &5)
}

async fn erased(b: &Bench) -> Outcome {
    b.connect_known("practice", "account", "imap.example.org", 0).await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    b.store.erase_account(&b.practice, &b.account).await?;
    b.store.connect(&new_account(&b.practice, &b.account)?).await?;
    same("whether it is read for the first time", &b.must_claim().await?.is_first, &true)
}

async fn asked(b: &Bench) -> Outcome {
    b.connect_known("practice", "account", "imap.example.org", 5_000).await?;
    b.connect_at("practice", "gone", "imap.example.org").await?;
    b.store.disconnect(&b.practice, &AccountId::new("gone")?).await?;
    same("a claim before", &b.next().await?, &None)?;
    same("how many are asked for", &b.store.request_now(&b.practice, None).await?, &1)?;
    let standing = b.standing("account").await?;
    same("that it is known", &(standing.requested, standing.next_due), &(true, Some(b.clock.now())))?;
    let claimed = b.must_claim().await?;
    same("that it is served", &b.standing("account").await?.requested, &false)?;
    b.end(&claimed.fence, NextDue::Stopped, Some(ErrorKind::AuthorizationRequired)).await?;
    let asked = b.store.request_now(&b.practice, Some(b.account.clone())).await?;
    same("how many are asked for", &asked, &1)?;
    same("a claim of one that was stopped", &b.next().await?, &id("account"))?;
    let nobody = b.store.request_now(&b.practice, Some(AccountId::new("nobody")?)).await?;
    same("how many are asked for of none", &nobody, &0)
}

async fn asked_meanwhile(b: &Bench) -> Outcome {
    b.connect_at("practice", "account", "imap.example.org").await?;
    for next_due in [NextDue::In(5_000), NextDue::Stopped, NextDue::Unchanged] {
        let claimed = b.must_claim().await?;
        b.store.request_now(&b.practice, None).await?;
        same("a claim meanwhile", &b.next().await?, &None)?;
        b.end(&claimed.fence, next_due, None).await?;
        let claimed = b.must_claim().await?;
        b.end(&claimed.fence, NextDue::In(5_000), None).await?;
        same("a claim after it", &b.next().await?, &None)?;
        b.clock.advance(5_000);
    }
    Ok(())
}

async fn backlog(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let sent = MailboxName::from_wire("Sent");
    let backlog = [MailboxBacklog::new(inbox(), 900, 1_000), MailboxBacklog::new(sent.clone(), 7, 7)];
    b.store.set_backlog(&fence, &backlog).await?;
    same("what is left", &b.standing("account").await?.backlog, &backlog.to_vec())?;
    let mut window = inbox_window()?;
    window.left = Some(400);
    b.store.commit_window(&fence, &window).await?;
    window.left = None;
    b.store.commit_window(&fence, &window).await?;
    let expected = vec![MailboxBacklog::new(inbox(), 400, 1_000), MailboxBacklog::new(sent, 7, 7)];
    same("what is left after a window", &b.standing("account").await?.backlog, &expected)?;
    b.end(&fence, NextDue::In(0), Some(ErrorKind::TimedOut)).await?;
    same("what is left after a failure", &b.standing("account").await?.backlog, &expected)?;
    refused("writing it without a lease", b.store.set_backlog(&fence, &[]).await, ErrorKind::FenceLost)?;
    let fence = b.acquire("worker", LEASE).await?;
    b.end(&fence, NextDue::In(0), None).await?;
    same("what is left after the end", &b.standing("account").await?.backlog, &Vec::new())
}

async fn apart(b: &Bench) -> Outcome {
    b.connect_known("practice", "account", "imap.example.org", 5_000).await?;
    b.connect_known("other", "account", "imap.example.org", 5_000).await?;
    let other = PracticeId::new("other")?;
    let fence = b.store.acquire_lease(&other, &b.account, "worker", LEASE).await?;
    b.store.set_backlog(&fence, &[MailboxBacklog::new(inbox(), 1, 2)]).await?;
    let standing = b.standing("account").await?;
    same("another practice's lease and backlog", &(standing.lease, standing.backlog), &(None, Vec::new()))?;
    b.store.release_lease(&fence).await?;
    same("how many are asked for", &b.store.request_now(&other, Some(b.account.clone())).await?, &1)?;
    same("whether it is asked for", &b.standing("account").await?.requested, &false)?;
    let claimed = b.must_claim().await?;
    same("whose is claimed", &claimed.fence.practice, &other)?;
    same("its state", &claimed.record.state, &AccountState::Connected)?;
    same(
        "the schedule of a practice without accounts",
        &b.store.schedule(&PracticeId::new("none")?).await?,
        &Vec::new(),
    )
}
