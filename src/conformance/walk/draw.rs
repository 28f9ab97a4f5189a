//! What comes next on a walk.

use std::collections::BTreeSet;

use super::chance::Chance;
use super::step::{Claiming, Fenced, Part, Step};
use super::world::{
    self, ACCOUNTS, INTENTS, MESSAGES, PEOPLE, UIDS, USERS, account, client, key, mailbox, message, practice,
    user,
};
use super::{mail, question, sending};
use crate::conformance::check::Outcome;
use crate::contract::{
    Bars, ClientSighting, CoverageChange, DueClaim, EraseReason, Erasure, HistoryStep, MailboxBacklog,
    NextDue, PassEnd, Pause, PauseScope, ProviderLimits,
};
use crate::error::ErrorKind;
use crate::settings::Way;
use crate::types::{Digest, KeyDigest, MessageKey, Timestamp, UserId};

/// What every walk begins with: connected accounts, most of them leased, and something to be sent.
pub(super) fn beginning(chance: &mut Chance, now: Timestamp) -> Outcome<Vec<Step>> {
    let mut steps = Vec::new();
    for account in 0..ACCOUNTS {
        steps.push(Step::Connect(world::new_account(account, chance.one_in(3), chance.one_in(3))?));
        steps.push(Step::Wait(1));
    }
    steps.extend(leases(chance));
    for intent in 0..INTENTS {
        steps.push(Step::Enqueue(Box::new(sending::new_outgoing(chance, intent, now)?)));
    }
    Ok(steps)
}

/// What goes on after a step, where it would often lead nowhere by itself.
pub(super) fn after(chance: &mut Chance, step: &Step, now: Timestamp) -> Outcome<Vec<Step>> {
    Ok(match step {
        // Every lease has ended.
        Step::Wait(LONG..) => leases(chance),
        Step::ClaimOutgoing { intent, .. } => {
            let claim = Claiming { intent: *intent, back: 0 };
            let confirm = chance.one_in(2).then(|| Step::ConfirmOutgoing(claim, seconds(chance)));
            let mut steps: Vec<_> = confirm.into_iter().collect();
            match chance.below(6) {
                // Somebody else wants it too.
                0 => steps.push(step.clone()),
                // Whoever claimed it has died.
                1 => steps.extend([Step::Wait(601), step.clone()]),
                _ => steps.push(sending::finish(chance, claim, now)?),
            }
            steps
        }
        // The answer to the first was lost.
        Step::CommitWindow(fenced, window) if chance.one_in(6) => {
            vec![Step::CommitWindow(*fenced, window.clone())]
        }
        Step::Disconnect(account) if chance.one_in(2) => vec![Step::EraseAccount(*account)],
        _ => Vec::new(),
    })
}

/// Seconds after which no lease lives.
const LONG: i64 = 4_000;

/// Leases of most accounts.
fn leases(chance: &mut Chance) -> Vec<Step> {
    let accounts = (0..ACCOUNTS).filter(|_| !chance.one_in(4)).collect::<Vec<_>>();
    accounts
        .into_iter()
        .map(|account| Step::AcquireLease { account, holder: chance.below(2), seconds: 4_000 })
        .collect()
}

/// The next step, at this time.
pub(super) fn step(chance: &mut Chance, now: Timestamp) -> Outcome<Step> {
    match chance.below(28) {
        0 | 1 => Ok(Step::Wait(chance.of(&[1, 1, 1, 11, 30, 61, 61, 400, LONG, 90_000]))),
        2 | 26 => account_step(chance),
        3 | 4 => lease(chance),
        5..=9 | 27 => {
            let fenced = fenced(chance);
            Ok(Step::CommitWindow(fenced, Box::new(mail::window(chance, fenced.account, now)?)))
        }
        10 | 11 => pass(chance, now),
        12 => erasing(chance, now),
        13..=16 => asking(chance, now),
        17..=22 => sending::outbox(chance, now),
        23 | 24 => schedule(chance, now),
        _ => {
            let part = chance.below(4);
            Ok(Step::Look(Part::ALL.into_iter().nth(part.into()).unwrap_or(Part::Store)))
        }
    }
}

fn account_step(chance: &mut Chance) -> Outcome<Step> {
    let number = chance.below(ACCOUNTS);
    Ok(match chance.below(6) {
        0..=2 => Step::Connect(world::new_account(number, chance.one_in(3), chance.one_in(3))?),
        3 => Step::Disconnect(number),
        4 => Step::EraseAccount(number),
        _ => {
            let ways = [Way::SmtpImap, Way::Gmail];
            let switched_off = ways.into_iter().filter(|_| chance.one_in(4)).collect();
            Step::SetPracticeSettings {
                second: second(chance),
                switched_off,
                stale: chance.one_in(6),
                by: by(chance)?,
            }
        }
    })
}

fn lease(chance: &mut Chance) -> Outcome<Step> {
    let fenced = fenced(chance);
    Ok(match chance.below(8) {
        0..=4 => Step::AcquireLease {
            account: fenced.account,
            holder: chance.below(2),
            seconds: chance.of(&[60, 600, 4_000]),
        },
        5 => Step::RenewLease(fenced, seconds(chance)),
        6 => Step::ReleaseLease(fenced),
        _ => Step::ChangeSettings(fenced, world::settings(chance.one_in(2), chance.one_in(3))?),
    })
}

fn pass(chance: &mut Chance, now: Timestamp) -> Outcome<Step> {
    let fenced = fenced(chance);
    Ok(match chance.below(6) {
        0 | 1 => {
            let change = CoverageChange {
                forget: keys(chance, 1)?,
                pend: keys(chance, 2)?,
                policy: chance.perhaps(2).map(|number| Digest::of(&[number])),
                revision: chance.below(3).to_string(),
                history: match chance.below(3) {
                    0 => HistoryStep::Keep,
                    1 => HistoryStep::Begin,
                    _ => HistoryStep::Finish,
                },
            };
            Step::ChangeCoverage(fenced, change)
        }
        2 | 3 => Step::CommitComparison(fenced, mail::comparison(chance, fenced.account)?),
        4 => {
            let left = chance.some(2, 3).into_iter().collect::<BTreeSet<_>>();
            let left = left.into_iter().map(|number| MailboxBacklog::new(mailbox(number), 5, 9)).collect();
            Step::SetBacklog(fenced, left)
        }
        _ => {
            let end = PassEnd {
                at: Some(now),
                failure: chance.one_in(3).then(|| (ErrorKind::TimedOut, "slow".to_owned())),
                not_before: chance.one_in(4).then(|| now.plus(300)),
                hints: chance.perhaps(3).map(|number| number.to_string()),
                octets_read: u64::from(chance.below(100)),
                broken_off: chance.one_in(5),
                next_due: match chance.below(3) {
                    0 => NextDue::Unchanged,
                    1 => NextDue::In(seconds(chance)),
                    _ => NextDue::Stopped,
                },
            };
            Step::EndPass(fenced, end)
        }
    })
}

fn erasing(chance: &mut Chance, now: Timestamp) -> Outcome<Step> {
    let second = second(chance);
    Ok(match chance.below(7) {
        0 | 1 => {
            let bars = match chance.below(4) {
                0 => Bars::ForEver,
                1 => Bars::Until(now.plus(i64::from(seconds(chance)))),
                2 => Bars::UntilClientIsBack(client(chance.below(2))?),
                _ => Bars::Nothing,
            };
            let erasure = Erasure::new(practice(second)?, messages(chance, 3)?, EraseReason::Client);
            Step::EraseMessages(erasure.bars(bars).by(by(chance)?))
        }
        2 => {
            let back = chance.one_in(2);
            let sighting = if back { ClientSighting::Back(keys(chance, 2)?) } else { ClientSighting::Away };
            Step::SightClient { second, client: client(chance.below(2))?, sighting }
        }
        3 => Step::MarkUnlisted { second, unlisted: messages(chance, 3)?, listed: messages(chance, 2)? },
        4 => {
            let listed: BTreeSet<Digest> = (0..8).map(|_| mail::any_octets(chance)).collect();
            let listed = listed.into_iter().collect();
            Step::Orphans { second, listed, seconds: seconds(chance) }
        }
        5 => Step::RecordExport { second, by: by(chance)? },
        _ => Step::Purge,
    })
}

fn asking(chance: &mut Chance, now: Timestamp) -> Outcome<Step> {
    let second = second(chance);
    Ok(match chance.below(12) {
        0..=5 => Step::Page(question::draw(chance, second)?),
        6..=8 => Step::Hide {
            second,
            message: one(chance)?,
            user: user(chance.below(USERS))?,
            hidden: !chance.one_in(4),
        },
        9 => Step::IsIndexed { second, message: one(chance)?, keys: keys(chance, 2)? },
        10 => Step::CopiesAt {
            account: chance.below(ACCOUNTS),
            mailbox: chance.below(3),
            valid: u8::from(chance.one_in(6)),
            uids: mail::uids(chance, UIDS)?,
        },
        _ => Step::Unlisted { second, before: now.plus(-60) },
    })
}

fn schedule(chance: &mut Chance, now: Timestamp) -> Outcome<Step> {
    Ok(match chance.below(8) {
        0..=3 => {
            let claim = DueClaim::new(format!("w{}", chance.below(2)), seconds(chance));
            let claim = if chance.one_in(4) { claim.without_first() } else { claim };
            let limits = ProviderLimits::default();
            let at_once = 1 + u32::from(chance.below(2));
            Step::ClaimDue(if chance.one_in(3) {
                claim.within(limits.limit("gmail", at_once))
            } else {
                claim
            })
        }
        4 => Step::RequestNow { second: second(chance), account: chance.perhaps(ACCOUNTS) },
        5 | 6 => {
            let pause = Pause::new(scope(chance)?, "for a while");
            let until = now.plus(i64::from(seconds(chance)));
            Step::Pause(if chance.one_in(2) { pause.until(until) } else { pause })
        }
        _ => Step::Resume(scope(chance)?),
    })
}

fn scope(chance: &mut Chance) -> Outcome<PauseScope> {
    Ok(match chance.below(4) {
        0 => PauseScope::Everything,
        1 => PauseScope::Provider("gmail".to_owned()),
        2 => PauseScope::Practice(practice(second(chance))?),
        _ => {
            let (practice, account) = account(chance.below(ACCOUNTS))?;
            PauseScope::Account(practice, account)
        }
    })
}

/// Seconds, some of which are longer than leases.
pub(super) fn seconds(chance: &mut Chance) -> u32 {
    chance.of(&[10, 60, 600])
}

fn second(chance: &mut Chance) -> bool {
    chance.one_in(8)
}

fn fenced(chance: &mut Chance) -> Fenced {
    Fenced { account: chance.below(ACCOUNTS), back: u8::from(chance.one_in(8)) }
}

pub(super) fn claiming(chance: &mut Chance) -> Claiming {
    Claiming { intent: chance.below(INTENTS), back: u8::from(chance.one_in(8)) }
}

fn one(chance: &mut Chance) -> Outcome<MessageKey> {
    message(chance.below(MESSAGES))
}

fn messages(chance: &mut Chance, most: u8) -> Outcome<Vec<MessageKey>> {
    let numbers: BTreeSet<u8> = chance.some(most, MESSAGES).into_iter().collect();
    numbers.into_iter().map(message).collect()
}

fn keys(chance: &mut Chance, most: u8) -> Outcome<BTreeSet<KeyDigest>> {
    chance.some(most, PEOPLE).into_iter().map(key).collect()
}

fn by(chance: &mut Chance) -> Outcome<Option<UserId>> {
    chance.perhaps(USERS).map(user).transpose()
}
