//! S15: what a practice settles for all its users, and the accounts it switches off; S2 and O4 of those accounts.

use super::bench::{Bench, LEASE, inbox_window, new_account, uids};
use crate::conformance::check::{Check, Outcome, hold, present, refused, same};
use crate::contract::{AccountRecord, AccountState, ChangeKind, Fence, NewAccount, SettingsChange};
use crate::error::ErrorKind;
use crate::settings::{
    ApplicationRegistration, Login, Noreply, NoreplyReplyTo, OAuthProvider, Outgoing, PracticeSettings,
    ServerSettings, TlsMode, Way,
};
use crate::types::{AccountId, Address, PracticeId, UserId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S15",
        name: "a practice's settings are those settled last, and nobody else's",
        run: |b| Box::pin(settled(b)),
    },
    Check {
        clause: "S15",
        name: "a change made from other settings than those there are is refused",
        run: |b| Box::pin(compared(b)),
    },
    Check {
        clause: "S15",
        name: "an account whose way is switched off is out of use, and its fences are lost",
        run: |b| Box::pin(switched_off(b)),
    },
    Check {
        clause: "O4",
        name: "what leaves by an account that is switched off leaves no more",
        run: |b| Box::pin(sends_no_more(b)),
    },
    Check {
        clause: "S15",
        name: "a way that is switched on again connects what it switched off, and nothing else",
        run: |b| Box::pin(switched_on(b)),
    },
    Check {
        clause: "S15",
        name: "an account that is connected while its way is off is switched off",
        run: |b| Box::pin(connected_while_off(b)),
    },
    Check {
        clause: "S2",
        name: "settings are changed under a lease, and nothing else",
        run: |b| Box::pin(settings_changed(b)),
    },
];

impl Bench {
    /// Settles that these ways are off, as the user Ben.
    pub(super) async fn switch_off(&self, ways: &[Way]) -> Outcome {
        let before = self.store.practice_settings(&self.practice).await?;
        let mut after = before.clone();
        after.switched_off = ways.iter().copied().collect();
        let change = SettingsChange::new(before, after, Some(UserId::new("ben")?));
        Ok(self.store.set_practice_settings(&self.practice, &change).await?)
    }

    async fn record(&self, account: &AccountId) -> Outcome<AccountRecord> {
        let accounts = self.store.accounts(&self.practice).await?;
        present("the account", accounts.into_iter().find(|record| record.account.id == *account))
    }
}

/// An account that signs in at Google.
fn gmail(b: &Bench, id: &str) -> Outcome<NewAccount> {
    let mut account = new_account(&b.practice, &AccountId::new(id)?)?;
    account.settings = account.settings.authorized_by(OAuthProvider::Google);
    Ok(account)
}

async fn settled(b: &Bench) -> Outcome {
    let read = async || b.store.practice_settings(&b.practice).await;
    same("settings nobody settled", &read().await?, &PracticeSettings::default())?;
    let outgoing =
        Outgoing::smtp(ServerSettings::new("smtp.exämple.org", 587, TlsMode::StartTls)?, Login::new("bén")?);
    let noreply = Noreply::new(&Address::parse("noreply@practice.example")?, outgoing);
    let forms = [
        Some(noreply.clone().for_everybody()),
        Some(noreply.reply_to(NoreplyReplyTo::Address("\"office ü\"@practice.example".to_owned()))),
        None,
    ];
    for noreply in forms {
        let before = read().await?;
        let mut settings = PracticeSettings { noreply, ..PracticeSettings::default() };
        settings.switched_off.extend([Way::Gmail, Way::Microsoft365]);
        let own = ApplicationRegistration::google("own.example", "https://books.example/callback?x=1")?;
        settings.registrations.insert(OAuthProvider::Google, own.internal("practice.example"));
        settings.awaiting_approval.insert("practice.example".to_owned(), 1_780_000_000);
        let change = SettingsChange::new(before, settings.clone(), Some(UserId::new("ben")?));
        b.store.set_practice_settings(&b.practice, &change).await?;
        same("the settings", &read().await?, &settings)?;
        let other = b.store.practice_settings(&PracticeId::new("Practice")?).await?;
        same("the settings of another practice", &other, &PracticeSettings::default())?;
    }
    let before = read().await?;
    let change = SettingsChange::new(before, PracticeSettings::default(), None);
    b.store.set_practice_settings(&b.practice, &change).await?;
    let told = b.store.changes(&b.practice, 0, 10).await?;
    let told: Vec<_> = told.into_iter().map(|change| (change.account, change.by, change.kind)).collect();
    let ben = Some(UserId::new("ben")?);
    let expected = [ben.clone(), ben.clone(), ben, None].map(|by| (None, by, ChangeKind::SettingsChanged));
    same("what was told", &told, &expected.to_vec())
}

async fn compared(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.switch_off(&[Way::Gmail]).await?;
    let before = b.snapshot().await?;
    let mut after = PracticeSettings::default();
    after.switched_off.insert(Way::SmtpImap);
    let change = SettingsChange::new(PracticeSettings::default(), after, None);
    let settled = b.store.set_practice_settings(&b.practice, &change).await;
    refused("a change of what was settled before", settled, ErrorKind::Busy)?;
    same("the store after a refused change", &b.snapshot().await?, &before)?;
    Ok(b.store.renew_lease(&fence, LEASE).await?)
}

async fn switched_off(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    let (message, state) = (b.message("first").await?, b.inbox_state().await?);
    let other = b.store.connect(&gmail(b, "gmail")?).await?;
    let elsewhere = PracticeId::new("Practice")?;
    let theirs = b.begin_account(&elsewhere, &b.account).await?;
    let last = b.last_change().await?;
    b.switch_off(&[Way::SmtpImap]).await?;
    let told = b.changes(last).await?;
    same("what was told", &told, &vec![ChangeKind::SettingsChanged, ChangeKind::AccountSwitchedOff])?;
    let record = b.record(&b.account).await?;
    same("the account's state", &record.state, &AccountState::SwitchedOff)?;
    hold(record.epoch > fence.epoch, || "the account's epoch did not rise".to_owned())?;
    same("an account of another way", &b.record(&other.account.id).await?, &other)?;
    super::fence::lost(b, &fence).await?;
    refused("leasing it", b.acquire("worker", LEASE).await, ErrorKind::NotFound)?;
    same("the message", &b.message("first").await?, &message)?;
    same("how many messages the page has", &b.page(&["client"]).await?.len(), &1)?;
    same("the progress", &b.inbox_state().await?, &state)?;
    let last = b.last_change().await?;
    b.switch_off(&[Way::SmtpImap]).await?;
    same("what is told when it was off before", &b.changes(last).await?, &vec![ChangeKind::SettingsChanged])?;
    Ok(b.store.renew_lease(&theirs, LEASE).await?)
}

async fn sends_no_more(b: &Bench) -> Outcome {
    b.begin().await?;
    b.queue(&b.intent("first")).await?;
    let claim = b.claim("first").await?;
    b.switch_off(&[Way::SmtpImap]).await?;
    let confirmed = b.store.confirm_outgoing(&claim, 100).await;
    refused("confirming what left before", confirmed, ErrorKind::FenceLost)?;
    b.queue(&b.intent("second")).await?;
    let later = b.claim("second").await?;
    let confirmed = b.store.confirm_outgoing(&later, 100).await;
    refused("confirming what leaves by it", confirmed, ErrorKind::FenceLost)?;
    b.switch_off(&[]).await?;
    for claim in [claim, later] {
        let confirmed = b.store.confirm_outgoing(&claim, 100).await;
        refused("confirming when it is on again", confirmed, ErrorKind::FenceLost)?;
    }
    b.queue(&b.intent("third")).await?;
    let claim = b.claim("third").await?;
    Ok(b.store.confirm_outgoing(&claim, 100).await?)
}

async fn switched_on(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.see(&fence, uids([1, 2])).await?;
    let gone = AccountId::new("gone")?;
    b.begin_account(&b.practice, &gone).await?;
    b.store.disconnect(&b.practice, &gone).await?;
    b.switch_off(&[Way::SmtpImap, Way::Gmail]).await?;
    let off = b.record(&b.account).await?;
    let last = b.last_change().await?;
    b.switch_off(&[Way::Gmail]).await?;
    let told = b.changes(last).await?;
    same("what was told", &told, &vec![ChangeKind::SettingsChanged, ChangeKind::AccountSwitchedOn])?;
    let record = b.record(&b.account).await?;
    same("its state", &record.state, &AccountState::Connected)?;
    same("its settings and epoch", &(&record.account, record.epoch), &(&off.account, off.epoch))?;
    let state = b.record(&gone).await?.state;
    same("the state of a disconnected one", &state, &AccountState::Disconnected)?;
    super::fence::lost(b, &fence).await?;
    let again = b.acquire("worker", LEASE).await?;
    let mixed = Fence::new(b.practice.clone(), b.account.clone(), again.token, fence.epoch);
    super::fence::lost(b, &mixed).await?;
    super::fence::held(b, &again).await?;
    same("what it had seen", &b.inbox_state().await?.cursor.seen, &uids([1, 2]))?;
    b.switch_off(&[Way::SmtpImap]).await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    b.switch_off(&[]).await?;
    let state = b.record(&b.account).await?.state;
    same("one disconnected while it was off", &state, &AccountState::Disconnected)
}

async fn connected_while_off(b: &Bench) -> Outcome {
    b.switch_off(&[Way::SmtpImap]).await?;
    let last = b.last_change().await?;
    let account = new_account(&b.practice, &b.account)?;
    let record = b.store.connect(&account).await?;
    same("its state", &record.state, &AccountState::SwitchedOff)?;
    same("what is listed", &b.record(&b.account).await?, &record)?;
    let expected = vec![ChangeKind::AccountConnected, ChangeKind::AccountSwitchedOff];
    same("what was told", &b.changes(last).await?, &expected)?;
    refused("leasing it", b.acquire("worker", LEASE).await, ErrorKind::NotFound)?;
    let by_gmail = b.store.connect(&gmail(b, b.account.as_str())?).await?;
    same("its state by another way", &by_gmail.state, &AccountState::Connected)?;
    let fence = b.acquire("worker", LEASE).await?;
    let back = b.store.connect(&account).await?;
    same("its state by the first way again", &back.state, &AccountState::SwitchedOff)?;
    let window = b.store.commit_window(&fence, &inbox_window()?).await;
    refused("a window of before", window, ErrorKind::FenceLost)
}

async fn settings_changed(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.see(&fence, uids([1])).await?;
    let (before, state) = (b.record(&b.account).await?, b.inbox_state().await?);
    let settings = before.account.settings.clone().sent_mailbox("Gesendet ü").excluding("Private");
    let last = b.last_change().await?;
    b.store.change_settings(&fence, &settings).await?;
    let mut expected = before;
    expected.account.settings = settings.clone();
    same("the account", &b.record(&b.account).await?, &expected)?;
    same("its progress", &b.inbox_state().await?, &state)?;
    same("what was told", &b.changes(last).await?, &vec![ChangeKind::AccountConnected])?;
    b.store.disconnect(&b.practice, &b.account).await?;
    let before = b.snapshot().await?;
    let changed = b.store.change_settings(&fence, &settings.sent_mailbox("Sent")).await;
    refused("changing settings under a lost lease", changed, ErrorKind::FenceLost)?;
    same("the store after a refused change", &b.snapshot().await?, &before)
}
