//! What is sent on a walk, and what becomes of it.

use std::collections::BTreeSet;

use super::chance::Chance;
use super::draw::{claiming, seconds};
use super::mail;
use super::step::{Claiming, Step};
use super::world::{
    self, ACCOUNTS, INTENTS, PEOPLE, UIDS, USERS, account, address, another_id, intent, mailbox, message,
    message_id, rendition, user,
};
use crate::conformance::check::Outcome;
use crate::contract::{
    BlobInfo, ComposedMessage, FiledCopy, Filing, NewOutgoing, OutgoingDecision, OutgoingEnd, RecipientState,
    Route, SendLimits,
};
use crate::error::ErrorKind;
use crate::types::{Address, Digest, Field, RecipientPolicy, Timestamp};

/// A step of the outbox.
pub(super) fn outbox(chance: &mut Chance, now: Timestamp) -> Outcome<Step> {
    let number = chance.below(INTENTS);
    Ok(match chance.below(12) {
        0..=2 => Step::Enqueue(Box::new(new_outgoing(chance, number, now)?)),
        3..=5 => {
            let per_minute = chance.one_in(6).then(|| 1 + u32::from(chance.below(2)));
            let per_day = chance.one_in(6).then(|| 1 + u32::from(chance.below(2)));
            let limits = SendLimits::new(per_minute, per_day);
            Step::ClaimOutgoing { intent: number, holder: chance.below(2), seconds: seconds(chance), limits }
        }
        6 => Step::ConfirmOutgoing(claiming(chance), seconds(chance)),
        7..=9 => {
            let claim = claiming(chance);
            finish(chance, claim, now)?
        }
        10 => Step::CancelOutgoing(number),
        _ => {
            let decision = match chance.below(3) {
                0 => OutgoingDecision::SendAgain,
                1 => OutgoingDecision::WasSent,
                _ => OutgoingDecision::GiveUp,
            };
            let archived = if chance.one_in(2) { Some(Box::new(mail::sent(number)?)) } else { None };
            Step::DecideOutgoing { intent: number, decision, archived }
        }
    })
}

pub(super) fn finish(chance: &mut Chance, claim: Claiming, now: Timestamp) -> Outcome<Step> {
    Ok(Step::FinishOutgoing {
        claim,
        delivery: delivery(chance, claim.intent, now)?,
        looking: looking(chance, now)?,
        astray: chance.one_in(10),
    })
}

/// What an intent says is always the same, as is its identity.
pub(super) fn new_outgoing(chance: &mut Chance, number: u8, now: Timestamp) -> Outcome<NewOutgoing> {
    let (practice, mut id) = intent(number)?;
    // Every other one has a key, under which it may be asked for by another id.
    let key = number.is_multiple_of(2).then(|| number.to_string());
    if key.is_some() && chance.one_in(5) {
        id = another_id(number);
    }
    let composed = ComposedMessage {
        message: message(number)?,
        message_id: message_id(number)?,
        rendition: rendition(number, 0),
        octets: BlobInfo::new(mail::octets_of_intent(number), 7),
        reverse_path: address(0)?,
    };
    let route = match chance.below(4) {
        0 => Route::Noreply,
        _ => Route::Own(account(chance.below(ACCOUNTS))?.1),
    };
    let mut people: BTreeSet<u8> = chance.some(2, PEOPLE).into_iter().collect();
    people.insert(number % PEOPLE);
    let fields = [Field::To, Field::Cc, Field::Bcc];
    let recipients = fields.into_iter().zip(people).map(|(field, person)| Ok((field, address(person)?)));
    let recipients = recipients.collect::<Outcome<_>>()?;
    let author = user(chance.below(USERS))?;
    let mut message = NewOutgoing::new(practice, id, author, route, composed, recipients);
    message.key = key;
    message.draft = Digest::of(&[u8::from(chance.one_in(5))]);
    message.not_before = chance.one_in(4).then(|| now.plus(i64::from(seconds(chance))));
    if chance.one_in(3) {
        message.policy = RecipientPolicy::AcceptedOnes;
    }
    Ok(message)
}

fn delivery(chance: &mut Chance, number: u8, now: Timestamp) -> Outcome<OutgoingEnd> {
    let archived = if chance.one_in(2) { Some(Box::new(mail::sent(number)?)) } else { None };
    let recipients = said_of(chance)?;
    let next_try = chance.perhaps(90).map(|seconds| now.plus(i64::from(seconds)));
    Ok(match chance.below(6) {
        0..=2 => {
            let filing = match chance.below(3) {
                0 => Filing::Not,
                1 => Filing::Server,
                _ => Filing::Pending,
            };
            let failure = archived.is_none().then(|| (ErrorKind::StorageRefused, "not this one".to_owned()));
            let failure = failure.filter(|_| chance.one_in(3));
            OutgoingEnd::Sent { recipients, filing, archived, failure, next_try }
        }
        3 => OutgoingEnd::Refused { failure: (ErrorKind::RecipientRefused, "550 no".to_owned()), recipients },
        4 => OutgoingEnd::Retry {
            failure: (ErrorKind::Throttled, "450 later".to_owned()),
            recipients,
            next_try: next_try.unwrap_or(now),
        },
        _ => OutgoingEnd::Unknown {
            failure: (ErrorKind::DeliveryUnknown, "cut".to_owned()),
            decide_after: now.plus(i64::from(seconds(chance))),
            archived,
            next_try,
        },
    })
}

fn looking(chance: &mut Chance, now: Timestamp) -> Outcome<OutgoingEnd> {
    let uid = (world::validity(0)?, world::uid(chance.below(UIDS))?);
    let copy = FiledCopy::new(mailbox(1), chance.one_in(2).then_some(uid));
    let learnt = chance.perhaps(2).map(|known| known == 0);
    let next_try = chance.perhaps(90).map(|seconds| now.plus(i64::from(seconds)));
    Ok(match chance.below(4) {
        0 => OutgoingEnd::Found { copy, learnt },
        1 => OutgoingEnd::NotFound { next_try },
        2 => OutgoingEnd::Filed { copy, learnt },
        _ => OutgoingEnd::FilingFailed { failure: (ErrorKind::TimedOut, "slow".to_owned()), next_try },
    })
}

fn said_of(chance: &mut Chance) -> Outcome<Vec<(Address, RecipientState, String)>> {
    let people: BTreeSet<u8> = chance.some(3, PEOPLE).into_iter().collect();
    let said = |person| {
        let state = match chance.below(4) {
            0 => RecipientState::Refused,
            1 => RecipientState::Pending,
            _ => RecipientState::Accepted,
        };
        Ok((address(person)?, state, "250 2.1.5 ü".to_owned()))
    };
    people.into_iter().map(said).collect()
}
