//! Erasing messages.

use std::collections::BTreeSet;

use super::statement;
use super::transaction::Tx;

use super::changes::record_by;
use super::failure::failure;
use super::tombstones::Tombstones;
use super::{
    conversations, erased_clients, erased_intents, hiding, octets, outgoing, outgoing_list, postings, search,
    unlisted, values,
};
use crate::contract::{Bars, ChangeKind, Erased, Erasure, Outgoing};
use crate::error::Result;
use crate::types::{MessageId, MessageKey, PracticeId, Timestamp};

const SELECT_MESSAGE: &str = "SELECT message_id FROM message WHERE practice = ?1 AND message = ?2";

/// What may be archived again is read again when one of its keys is a client's.
const UNCOVER: &str = "
    DELETE FROM covered_key
    WHERE practice = ?1 AND account IN (SELECT account FROM account WHERE practice = ?1) AND key IN (
        SELECT key FROM posting INDEXED BY posting_of_message WHERE practice = ?1 AND message = ?2)";

/// What rows of a message go, what points at others first.
const FORGET: [&str; 4] = [
    unlisted::UNMARK,
    "DELETE FROM copy WHERE practice = ?1 AND message = ?2",
    "DELETE FROM rendition WHERE practice = ?1 AND message = ?2",
    "DELETE FROM message WHERE practice = ?1 AND message = ?2",
];

/// A message that is erased, and what was to be sent as it.
struct Going {
    message: MessageKey,
    message_id: Option<MessageId>,
    intents: Vec<Outgoing>,
}

/// Erases messages; answers which went, which stay, and the octets nothing names any more.
pub(super) async fn erase(tx: &mut Tx<'_>, now: Timestamp, erasure: &Erasure) -> Result<Erased> {
    let Erasure { practice, messages, bars, by, .. } = erasure;
    let mut erased = Erased::default();
    let mut going = Vec::new();
    for message in messages.iter().collect::<BTreeSet<_>>() {
        let Some(found) = find(tx, practice, message).await? else { continue };
        if found.intents.iter().all(Outgoing::is_over) {
            going.push(found);
        } else {
            erased.kept.push(*message);
        }
    }
    if *bars == Bars::Nothing {
        for going in &going {
            let uncover =
                statement::query(UNCOVER).bind(practice.as_str()).bind(going.message.as_bytes().as_slice());
            uncover.execute(tx).await.map_err(failure)?;
        }
    }
    postings::forget(tx, practice, going.iter().map(|going| &going.message)).await?;
    let tombstones = Tombstones::load_or_begin(tx, practice, now).await?;
    tombstones.sweep(tx).await?;
    let mut named = BTreeSet::new();
    for Going { message, message_id, intents } in going {
        named.extend(octets::of_message(tx, practice, &message).await?);
        for intent in &intents {
            erased_intents::erase(tx, intent, tombstones.secret()).await?;
        }
        forget_message(tx, practice, &message).await?;
        tombstones.bury(tx, erasure, &message, message_id.as_ref()).await?;
        let change = ChangeKind::MessageErased(message);
        record_by(tx, practice, now, (None, by.as_ref()), &change).await?;
        erased.messages.push(message);
    }
    if let Bars::UntilClientIsBack(client) = bars {
        erased_clients::erased(tx, practice, client).await?;
    }
    erased.octets = octets::unnamed(tx, practice, named).await?;
    Ok(erased)
}

/// Takes away every row of a message but its postings and intents.
pub(super) async fn forget_message(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
) -> Result<()> {
    conversations::forget(tx, practice, message).await?;
    hiding::forget(tx, practice, message).await?;
    search::forget(tx, practice, message).await?;
    for sql in FORGET {
        let delete = statement::query(sql).bind(practice.as_str()).bind(message.as_bytes().as_slice());
        delete.execute(tx).await.map_err(failure)?;
    }
    Ok(())
}

/// A message that is archived, or of which there are intents at least.
async fn find(tx: &mut Tx<'_>, practice: &PracticeId, message: &MessageKey) -> Result<Option<Going>> {
    let select =
        statement::query_as(SELECT_MESSAGE).bind(practice.as_str()).bind(message.as_bytes().as_slice());
    let row: Option<(Option<String>,)> = select.fetch_optional(tx).await.map_err(failure)?;
    let mut intents = Vec::new();
    for id in outgoing_list::of_message(tx, practice, message).await? {
        intents.extend(outgoing::load(tx, practice, id).await?.map(|row| row.item));
    }
    let message_id = match (&row, intents.first()) {
        (Some((message_id,)), _) => message_id.as_deref().map(values::message_id).transpose()?,
        (None, Some(intent)) => Some(intent.message.message_id.clone()),
        (None, None) => return Ok(None),
    };
    Ok(Some(Going { message: *message, message_id, intents }))
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn what_goes_with_a_message_is_found_by_its_key() {
        for sql in FORGET.into_iter().chain([SELECT_MESSAGE]) {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH") && step.contains("message=?"), "{step} in {sql}");
            }
        }
    }
}
