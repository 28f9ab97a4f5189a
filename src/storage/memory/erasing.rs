//! Erasing messages, and what is asked of what may be erased.

use std::collections::BTreeSet;

use super::PracticeRows;
use super::archive::Archive;
use crate::contract::{Bars, ChangeKind, ClientSighting, Erased, Erasure, Outgoing};
use crate::error::Result;
use crate::types::{ClientId, Digest, MessageKey, Timestamp};

/// Erases messages; answers which went, which stay, and the octets nothing names any more.
pub(super) fn erase(rows: &mut PracticeRows, erasure: &Erasure, now: Timestamp) -> Result<Erased> {
    let secret = rows.tombstones.secret_or_new()?;
    rows.tombstones.sweep(now);
    let mut erased = Erased::default();
    let mut octets = BTreeSet::new();
    for message in erasure.messages.iter().copied().collect::<BTreeSet<_>>() {
        let intents = rows.outbox.of_message(message);
        if !intents.iter().all(Outgoing::is_over) {
            erased.kept.push(message);
            continue;
        }
        if erasure.bars == Bars::Nothing {
            let keys = rows.archive.messages.get(&message).map(|row| row.keys.clone()).unwrap_or_default();
            rows.accounts.values_mut().for_each(|account| account.uncover(&keys));
        }
        rows.unlisted.remove(&message);
        let (message_id, copies) = match (rows.archive.forget(message), intents.first()) {
            (Some((row, copies)), _) => (row.message_id, copies),
            (None, Some(intent)) => (Some(intent.message.message_id.clone()), Vec::new()),
            (None, None) => continue,
        };
        octets.extend(copies);
        octets.extend(intents.iter().map(|intent| intent.message.octets.sha256));
        rows.outbox.erase(&intents, &secret);
        rows.tombstones.bury(erasure, (message, message_id.as_ref()), &secret, now);
        rows.feed.push_by(now, None, erasure.by.clone(), ChangeKind::MessageErased(message));
        erased.messages.push(message);
    }
    if let Bars::UntilClientIsBack(client) = &erasure.bars {
        // One that is erased again has to be away again.
        rows.tombstones.clients.insert(client.clone(), false);
    }
    erased.octets = unnamed(rows, octets);
    Ok(erased)
}

/// Of octets whose rows went, those nothing names any more: they go from the blob store.
pub(super) fn unnamed(rows: &mut PracticeRows, mut octets: BTreeSet<Digest>) -> Vec<Digest> {
    octets.retain(|sha256| !is_named(rows, sha256));
    rows.orphans.retain(|sha256, _| !octets.contains(sha256));
    octets.into_iter().collect()
}

/// Whether a copy, a dead letter or an intent names octets.
fn is_named(rows: &PracticeRows, sha256: &Digest) -> bool {
    let buried = rows.dead_letters.values().filter_map(|letter| letter.octets);
    rows.archive.copies.values().any(|row| row.copy.blob() == *sha256)
        || buried.into_iter().any(|(octets, _)| octets == *sha256)
        || rows.outbox.names(sha256)
}

/// Of octets that are there, those that nothing names, nor did `seconds` ago or earlier.
pub(super) fn orphans(
    rows: &mut PracticeRows,
    listed: &[Digest],
    seconds: u32,
    now: Timestamp,
) -> Vec<Digest> {
    let before = now.plus(-i64::from(seconds));
    let mut orphans = Vec::new();
    for sha256 in listed {
        if is_named(rows, sha256) {
            rows.orphans.remove(sha256);
        } else if *rows.orphans.entry(*sha256).or_insert(now) <= before {
            // If they come again they are new, and what will name them may be under way.
            rows.orphans.remove(sha256);
            orphans.push(*sha256);
        }
    }
    orphans
}

/// Takes up what the directory showed of an erased client.
pub(super) fn sight(rows: &mut PracticeRows, client: &ClientId, sighting: &ClientSighting) {
    let Some(was_away) = rows.tombstones.clients.get_mut(client) else { return };
    match sighting {
        ClientSighting::Away => *was_away = true,
        ClientSighting::Back(keys) if *was_away => {
            rows.tombstones.clients.remove(client);
            rows.tombstones.forget(client);
            for account in rows.accounts.values_mut() {
                account.uncover(keys);
            }
        }
        ClientSighting::Back(_) => {}
    }
}

/// Marks messages that are not marked, and takes the marks of others.
pub(super) fn mark(rows: &mut PracticeRows, unlisted: &[MessageKey], listed: &[MessageKey], now: Timestamp) {
    let Archive { messages, .. } = &rows.archive;
    for message in unlisted.iter().filter(|message| messages.contains_key(message)) {
        rows.unlisted.entry(*message).or_insert(now);
    }
    for message in listed {
        rows.unlisted.remove(message);
    }
}
