//! Two stores that are taken the same way, and have to answer alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use super::alike::{alike, alike_but};
use super::look::{ALL, pages};
use super::step::{Claiming, Fenced, Step};
use super::world::{ACCOUNTS, account, intent, mailbox, practice, validity};
use crate::conformance::check::{Failure, Outcome};
use crate::conformance::clock::SteppedClock;
use crate::contract::{
    AccountRecord, Claimed, Fence, MailStore, OutgoingClaim, OutgoingWork, SettingsChange,
};
use crate::error::Result;
use crate::settings::PracticeSettings;

/// A store, and what it gave.
pub(super) struct Side {
    pub(super) store: Box<dyn MailStore>,
    pub(super) clock: Arc<SteppedClock>,
    fences: BTreeMap<u8, Vec<Fence>>,
    claims: BTreeMap<u8, Vec<OutgoingClaim>>,
}

impl Side {
    pub(super) fn new(store: Box<dyn MailStore>, clock: Arc<SteppedClock>) -> Self {
        Self { store, clock, fences: BTreeMap::new(), claims: BTreeMap::new() }
    }

    fn fence(&self, fenced: Fenced) -> Option<&Fence> {
        self.fences.get(&fenced.account)?.iter().rev().nth(usize::from(fenced.back))
    }

    fn claim(&self, claiming: Claiming) -> Option<&OutgoingClaim> {
        self.claims.get(&claiming.intent)?.iter().rev().nth(usize::from(claiming.back))
    }
}

/// The one the other is held against, and the other.
pub(super) struct Pair(pub(super) [Side; 2]);

impl Pair {
    /// Asks both; fails unless they answer alike.
    pub(super) async fn ask<T: PartialEq + Debug>(
        &self,
        what: &str,
        call: impl AsyncFn(&Side) -> Result<T>,
    ) -> Outcome {
        let [reference, other] = &self.0;
        alike(what, &call(reference).await, &call(other).await)
    }

    /// Asks both under a fence they gave; passed over where they gave none.
    async fn fenced<T: PartialEq + Debug>(
        &self,
        what: &str,
        fenced: Fenced,
        call: impl AsyncFn(&Side, &Fence) -> Result<T>,
    ) -> Outcome {
        let [reference, other] = &self.0;
        let (Some(one), Some(two)) = (reference.fence(fenced), other.fence(fenced)) else { return Ok(()) };
        alike(what, &call(reference, one).await, &call(other, two).await)
    }

    /// Keeps what both gave.
    fn keep<T>(&mut self, given: [Result<T>; 2], mut keep: impl FnMut(&mut Side, T)) {
        for (side, given) in self.0.iter_mut().zip(given) {
            if let Ok(given) = given {
                keep(side, given);
            }
        }
    }

    pub(super) async fn take(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Wait(seconds) => {
                for side in &self.0 {
                    side.clock.advance(*seconds);
                }
                Ok(())
            }
            Step::Connect(new) => {
                self.ask("connect", async |side| Ok(plain(side.store.connect(new).await?))).await
            }
            Step::Disconnect(number) => {
                let (practice, id) = account(*number)?;
                self.ask("disconnect", async |side| side.store.disconnect(&practice, &id).await).await
            }
            Step::EraseAccount(number) => {
                let (practice, id) = account(*number)?;
                let erase = async |side: &Side| Ok(set(side.store.erase_account(&practice, &id).await?));
                self.ask("erase_account", erase).await
            }
            Step::SetPracticeSettings { second, switched_off, stale, by } => {
                let practice = practice(*second)?;
                let settle = async |side: &Side| {
                    let mut before = side.store.practice_settings(&practice).await?;
                    if *stale {
                        before.awaiting_approval.insert("stale.example".to_owned(), 1);
                    }
                    let after = PracticeSettings {
                        switched_off: switched_off.clone(),
                        ..PracticeSettings::default()
                    };
                    let change = SettingsChange::new(before, after, by.clone());
                    side.store.set_practice_settings(&practice, &change).await
                };
                self.ask("set_practice_settings", settle).await
            }
            Step::AcquireLease { account: number, holder, seconds } => {
                let (practice, id) = account(*number)?;
                let holder = format!("w{holder}");
                let given =
                    self.both(async |side| side.store.acquire_lease(&practice, &id, &holder, *seconds).await);
                let given = given.await;
                alike_but("acquire_lease", &given, |_| ())?;
                self.keep(given, |side, fence| side.fences.entry(*number).or_default().push(fence));
                Ok(())
            }
            Step::RenewLease(fenced, seconds) => {
                let renew = async |side: &Side, fence: &Fence| side.store.renew_lease(fence, *seconds).await;
                self.fenced("renew_lease", *fenced, renew).await
            }
            Step::ReleaseLease(fenced) => {
                let release = async |side: &Side, fence: &Fence| side.store.release_lease(fence).await;
                self.fenced("release_lease", *fenced, release).await
            }
            Step::ChangeSettings(fenced, settings) => {
                let change =
                    async |side: &Side, fence: &Fence| side.store.change_settings(fence, settings).await;
                self.fenced("change_settings", *fenced, change).await
            }
            Step::ChangeCoverage(fenced, change) => {
                let cover =
                    async |side: &Side, fence: &Fence| side.store.change_coverage(fence, change).await;
                self.fenced("change_coverage", *fenced, cover).await
            }
            Step::CommitWindow(fenced, window) => {
                let read = async |side: &Side, fence: &Fence| side.store.commit_window(fence, window).await;
                self.fenced("commit_window", *fenced, read).await
            }
            Step::CommitComparison(fenced, comparison) => {
                let compare =
                    async |side: &Side, fence: &Fence| side.store.commit_comparison(fence, comparison).await;
                self.fenced("commit_comparison", *fenced, compare).await
            }
            Step::EndPass(fenced, end) => {
                let end = async |side: &Side, fence: &Fence| side.store.end_pass(fence, end).await;
                self.fenced("end_pass", *fenced, end).await
            }
            Step::SetBacklog(fenced, backlog) => {
                let set = async |side: &Side, fence: &Fence| side.store.set_backlog(fence, backlog).await;
                self.fenced("set_backlog", *fenced, set).await
            }
            step => self.take_unfenced(step).await,
        }
    }

    async fn take_unfenced(&mut self, step: &Step) -> Outcome {
        match step {
            Step::CopiesAt { account: number, mailbox: of, valid, uids } => {
                let ((practice, id), validity) = (account(*number)?, validity(*valid)?);
                let read = async |side: &Side| {
                    side.store.copies_at(&practice, &id, &mailbox(*of), validity, uids).await
                };
                self.ask("copies_at", read).await
            }
            Step::Page(query) => {
                self.ask("page and count", async |side| pages(&*side.store, query).await).await
            }
            Step::IsIndexed { second, message, keys } => {
                let practice = practice(*second)?;
                let read = async |side: &Side| side.store.is_indexed(&practice, *message, keys).await;
                self.ask("is_indexed", read).await
            }
            Step::Hide { second, message, user, hidden } => {
                let practice = practice(*second)?;
                let hide = async |side: &Side| side.store.hide(&practice, *message, user, *hidden).await;
                self.ask("hide", hide).await
            }
            Step::EraseMessages(erasure) => {
                let erase = async |side: &Side| {
                    let erased = side.store.erase_messages(erasure).await?;
                    Ok((set(erased.messages), set(erased.kept), set(erased.octets)))
                };
                self.ask("erase_messages", erase).await
            }
            Step::SightClient { second, client, sighting } => {
                let practice = practice(*second)?;
                let sight = async |side: &Side| side.store.sight_client(&practice, client, sighting).await;
                self.ask("sight_client", sight).await
            }
            Step::MarkUnlisted { second, unlisted, listed } => {
                let practice = practice(*second)?;
                let mark = async |side: &Side| side.store.mark_unlisted(&practice, unlisted, listed).await;
                self.ask("mark_unlisted", mark).await
            }
            Step::Unlisted { second, before } => {
                let practice = practice(*second)?;
                let read = async |side: &Side| side.store.unlisted(&practice, *before, None, ALL).await;
                self.ask("unlisted", read).await
            }
            Step::Orphans { second, listed, seconds } => {
                let practice = practice(*second)?;
                let read =
                    async |side: &Side| Ok(set(side.store.orphans(&practice, listed, *seconds).await?));
                self.ask("orphans", read).await
            }
            Step::RecordExport { second, by } => {
                let practice = practice(*second)?;
                let record = async |side: &Side| side.store.record_export(&practice, by.clone()).await;
                self.ask("record_export", record).await
            }
            Step::Purge => self.ask("purge", async |side| side.store.purge().await).await,
            Step::ClaimDue(claim) => {
                let given = self.both(async |side| side.store.claim_due(claim).await).await;
                alike_but("claim_due", &given, |claimed| match claimed {
                    Claimed::Account(due) => Ok((
                        plain(due.record.clone()),
                        due.due,
                        due.failures,
                        due.is_first,
                        due.provider.clone(),
                    )),
                    Claimed::Nothing { next } => Err(*next),
                })?;
                self.keep(given, |side, claimed| {
                    let Claimed::Account(due) = claimed else { return };
                    let number = (0..ACCOUNTS).find(|number| {
                        account(*number).is_ok_and(|(practice, id)| {
                            practice == due.fence.practice && id == due.fence.account
                        })
                    });
                    side.fences.entry(number.unwrap_or(ACCOUNTS)).or_default().push(due.fence);
                });
                Ok(())
            }
            Step::RequestNow { second, account: number } => {
                let practice = practice(*second)?;
                let id = number.map(account).transpose()?.map(|(_, id)| id);
                let request = async |side: &Side| side.store.request_now(&practice, id.clone()).await;
                self.ask("request_now", request).await
            }
            Step::Pause(pause) => self.ask("pause", async |side| side.store.pause(pause).await).await,
            Step::Resume(scope) => self.ask("resume", async |side| side.store.resume(scope).await).await,
            Step::Look(part) => self.look(*part).await,
            step => self.take_outgoing(step).await,
        }
    }

    async fn take_outgoing(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Enqueue(new) => self.ask("enqueue", async |side| side.store.enqueue(new).await).await,
            Step::ClaimOutgoing { intent: number, holder, seconds, limits } => {
                let ((practice, id), holder) = (intent(*number)?, format!("w{holder}"));
                let given = self.both(async |side| {
                    side.store.claim_outgoing(&practice, id, &holder, *seconds, *limits).await
                });
                let given = given.await;
                alike_but("claim_outgoing", &given, |claim| (claim.item.clone(), claim.work, claim.at))?;
                self.keep(given, |side, claim| side.claims.entry(*number).or_default().push(claim));
                Ok(())
            }
            Step::ConfirmOutgoing(claiming, seconds) => {
                let confirm = async |side: &Side, claim: &OutgoingClaim| {
                    side.store.confirm_outgoing(claim, *seconds).await
                };
                self.claimed("confirm_outgoing", *claiming, confirm).await
            }
            Step::FinishOutgoing { claim: claiming, delivery, looking, astray } => {
                let finish = async |side: &Side, claim: &OutgoingClaim| {
                    let delivers = matches!(claim.work, OutgoingWork::Deliver | OutgoingWork::Recover);
                    let end = if delivers == *astray { looking } else { delivery };
                    side.store.finish_outgoing(claim, end).await
                };
                self.claimed("finish_outgoing", *claiming, finish).await
            }
            Step::CancelOutgoing(number) => {
                let (practice, id) = intent(*number)?;
                self.ask("cancel_outgoing", async |side| side.store.cancel_outgoing(&practice, id).await)
                    .await
            }
            Step::DecideOutgoing { intent: number, decision, archived } => {
                let (practice, id) = intent(*number)?;
                let decide = async |side: &Side| {
                    side.store.decide_outgoing(&practice, id, *decision, archived.clone()).await
                };
                self.ask("decide_outgoing", decide).await
            }
            // A step that nobody takes would agree with anything.
            step => Err(Failure::new(format!("this suite does not take {step:?}"))),
        }
    }

    async fn both<T>(&self, call: impl AsyncFn(&Side) -> Result<T>) -> [Result<T>; 2] {
        let [reference, other] = &self.0;
        [call(reference).await, call(other).await]
    }

    /// Asks both under a claim they gave; passed over where they gave none.
    async fn claimed<T: PartialEq + Debug>(
        &self,
        what: &str,
        claiming: Claiming,
        call: impl AsyncFn(&Side, &OutgoingClaim) -> Result<T>,
    ) -> Outcome {
        let [reference, other] = &self.0;
        let (Some(one), Some(two)) = (reference.claim(claiming), other.claim(claiming)) else {
            return Ok(());
        };
        alike(what, &call(reference, one).await, &call(other, two).await)
    }
}

/// Epochs rise as a store likes.
pub(super) fn plain(mut record: AccountRecord) -> AccountRecord {
    record.epoch = 0;
    record
}

fn set<T: Ord>(these: Vec<T>) -> BTreeSet<T> {
    these.into_iter().collect()
}
