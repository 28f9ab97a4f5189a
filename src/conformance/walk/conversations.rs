//! Conversations as A3 has them, whatever store keeps them: joined until nothing more joins.

use std::collections::{BTreeMap, BTreeSet};

use super::chance::Chance;
use super::mail::Letter;
use super::world::{ACCOUNTS, MESSAGES, mailbox, message, new_account, place, practice, validity};
use crate::conformance::Seed;
use crate::conformance::check::{Outcome, same};
use crate::contract::{MailStore, Window};
use crate::types::{ConversationId, MessageKey};

/// A letter that lies in an account.
struct Copied {
    letter: Letter,
    account: u8,
    thread: Option<u8>,
    uid: u8,
}

pub(super) async fn check(number: u64, open: &impl AsyncFn(Seed) -> Box<dyn MailStore>) -> Outcome {
    let mut chance = Chance::new(number);
    let mut copies = draw(&mut chance);
    let expected = expected(&copies)?;
    for order in ["drawn", "another"] {
        let store = open(Seed::new()).await;
        archive(&*store, &copies).await?;
        same(&format!("conversations of mail in {order} order"), &partition(&*store).await?, &expected)?;
        copies.sort_by_cached_key(|_| chance.bits());
    }
    Ok(())
}

fn draw(chance: &mut Chance) -> Vec<Copied> {
    let count = 1 + chance.below(12);
    (0..count)
        .map(|uid| {
            let message = chance.below(MESSAGES);
            let letter = Letter::draw(chance, message);
            // Those of the second practice are no part of it.
            let account = chance.below(ACCOUNTS - 1);
            Copied { letter, account, thread: chance.one_in(3).then(|| chance.below(3)), uid }
        })
        .collect()
}

/// Each in a window of its own.
async fn archive(store: &dyn MailStore, copies: &[Copied]) -> Outcome {
    let mut fences = BTreeMap::new();
    for number in 0..ACCOUNTS - 1 {
        let new = new_account(number, false, false)?;
        store.connect(&new).await?;
        fences.insert(number, store.acquire_lease(&new.practice, &new.id, "worker", 600).await?);
    }
    for copied in copies {
        let place = place(copied.account, (0, 0, copied.uid))?;
        let mut copy = copied.letter.archived(place)?;
        copy.thread = copied.thread.map(|thread| format!("t{thread}"));
        let mut window = Window::new(mailbox(0), validity(0)?);
        window.copies.push(copy);
        if let Some(fence) = fences.get(&copied.account) {
            store.commit_window(fence, &window).await?;
        }
    }
    Ok(())
}

async fn partition(store: &dyn MailStore) -> Outcome<BTreeSet<BTreeSet<MessageKey>>> {
    let practice = practice(false)?;
    let mut groups: BTreeMap<ConversationId, BTreeSet<MessageKey>> = BTreeMap::new();
    for message in store.all_messages(&practice, None, usize::MAX).await? {
        let named = store.conversation(&practice, message.conversation).await?;
        same("what the id of a message's conversation names", &named, &Some(message.conversation))?;
        groups.entry(message.conversation).or_default().insert(message.key);
    }
    Ok(groups.into_values().collect())
}

fn expected(copies: &[Copied]) -> Outcome<BTreeSet<BTreeSet<MessageKey>>> {
    #[derive(Default)]
    struct Sum {
        links: BTreeSet<(Option<u8>, u8)>,
        people: BTreeSet<u8>,
    }
    let mut sums: BTreeMap<u8, Sum> = BTreeMap::new();
    for Copied { letter, account, thread, .. } in copies {
        let sum = sums.entry(letter.message).or_default();
        let ids = letter.references.iter().chain(&letter.answers).chain([&letter.message]);
        sum.links.extend(ids.map(|id| (None, *id)));
        sum.links.extend(thread.map(|thread| (Some(*account), thread)));
        sum.people.extend(&letter.people);
    }
    let mut groups: Vec<Vec<(u8, &Sum)>> = Vec::new();
    for (number, sum) in &sums {
        let belongs = |other: &(u8, &Sum)| {
            !other.1.links.is_disjoint(&sum.links) && !other.1.people.is_disjoint(&sum.people)
        };
        let (joined, rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.iter().any(belongs));
        groups = rest;
        groups.push(joined.into_iter().flatten().chain([(*number, sum)]).collect());
    }
    groups.into_iter().map(|group| group.into_iter().map(|(number, _)| message(number)).collect()).collect()
}
