//! Which messages are one conversation.

use std::collections::BTreeSet;

use super::row::Columns;
use super::statement::{self, Sql};
use super::transaction::Tx;

use super::failure::{corrupt, failure};
use super::values;
use crate::error::Result;
use crate::storage::rules::links;
use crate::types::{AccountId, ConversationId, KeyDigest, MessageKey, PracticeId};

const INSERT_LINKS: &str = "
    INSERT INTO link (practice, link, message) SELECT ?1, k.value, ?2 FROM json_each(?3) AS k WHERE true
    ON CONFLICT DO NOTHING
    RETURNING link";

/// Messages of other conversations that name any of these too. Of what more than five hundred messages name, the first five
/// hundred by key are looked at: no person's conversation is as long, and what a program repeats must not cost more with every
/// message.
const SELECT_CANDIDATES: Sql = Sql::each(
    "
    WITH named (list) AS MATERIALIZED (
        SELECT (SELECT json_group_array(hex(l.message))
                FROM (SELECT message FROM link WHERE practice = ?1 AND link = k.value LIMIT 500) AS l)
        FROM json_each(?3) AS k),
    found (message) AS MATERIALIZED (
        SELECT DISTINCT c.value FROM named CROSS JOIN json_each(named.list) AS c)
    SELECT m.message, m.conversation
    FROM found CROSS JOIN message AS m ON m.practice = ?1 AND m.message = unhex(found.message)
    WHERE m.message <> ?2
      AND m.conversation <> (SELECT conversation FROM message WHERE practice = ?1 AND message = ?2)",
    "
    SELECT DISTINCT m.message, m.conversation
    FROM json_each(?3) AS k
        CROSS JOIN LATERAL (
            SELECT message FROM link WHERE practice = ?1 AND link = k.value ORDER BY message LIMIT 500) AS l
        JOIN message AS m ON m.practice = ?1 AND m.message = l.message
    WHERE m.message <> ?2
      AND m.conversation <> (SELECT conversation FROM message WHERE practice = ?1 AND message = ?2)
    ORDER BY m.message",
);

const SELECT_LINKS: &str = "SELECT link FROM link WHERE practice = ?1 AND message = ?2";

const SELECT_PARTICIPANTS: &str = "SELECT participants FROM message WHERE practice = ?1 AND message = ?2";

const SELECT_OF_MESSAGE: &str = "
    SELECT m.conversation, NOT EXISTS (
        SELECT 1 FROM message AS o
        WHERE o.practice = ?1 AND o.conversation = m.conversation AND o.message <> ?2)
    FROM message AS m WHERE m.practice = ?1 AND m.message = ?2";

const SELECT_AGE: &str = "SELECT min(arrival) FROM message WHERE practice = ?1 AND conversation = ?2";

/// SQLite does not look rows up by the very index that it changes: it would walk through the practice's messages.
const MOVE_MESSAGES: &str = "
    UPDATE message SET conversation = ?3
    WHERE practice = ?1 AND message IN (SELECT message FROM message WHERE practice = ?1 AND conversation = ?2)";

const MOVE_ALIASES: &str = "
    UPDATE conversation_alias SET conversation = ?3 WHERE practice = ?1 AND conversation = ?2";

const INSERT_ALIAS: &str = "
    INSERT INTO conversation_alias (practice, alias, conversation) VALUES (?1, ?2, ?3)
    ON CONFLICT (practice, alias) DO UPDATE SET conversation = excluded.conversation";

const SELECT_ALIAS: &str = "
    SELECT conversation FROM conversation_alias WHERE practice = ?1 AND alias = ?2";

const SELECT_RESOLVED: &str = "
    SELECT conversation FROM message
    WHERE practice = ?1 AND conversation = coalesce(
        (SELECT conversation FROM conversation_alias WHERE practice = ?1 AND alias = ?2), ?2)
    LIMIT 1";

const DELETE_LINKS: &str = "DELETE FROM link WHERE practice = ?1 AND message = ?2";

/// Ids that go on to name the conversation of a message are of no use when there is no other message in it.
const DELETE_ALIASES: &str = "
    DELETE FROM conversation_alias
    WHERE practice = ?1
      AND conversation = (SELECT conversation FROM message WHERE practice = ?1 AND message = ?2)
      AND NOT EXISTS (
        SELECT 1 FROM message AS o
        WHERE o.practice = ?1 AND o.conversation = conversation_alias.conversation AND o.message <> ?2)";

/// What the provider of an account put together.
const DELETE_LINKS_OF_ACCOUNT: &str = "
    DELETE FROM link WHERE practice = ?1 AND message = ?2 AND substr(link, 1, length(?3)) = ?3";

/// The conversation that a new message begins: where it was here before and was erased, what its id has come to name since.
pub(super) async fn begun_by(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: MessageKey,
) -> Result<ConversationId> {
    let begun = ConversationId::begun_by(message);
    let alias: Option<(Vec<u8>,)> = of_conversation(SELECT_ALIAS, practice, &begun, tx).await?;
    alias.map_or(Ok(begun), |(octets,)| id(&octets))
}

/// Writes what a message names, and joins its conversation with those of all messages that name the same and have a participant
/// in common.
pub(super) async fn join(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
    (links, changed): (&BTreeSet<String>, Changed),
) -> Result<()> {
    let links = values::json(&links.iter().collect::<Vec<_>>())?;
    let new: Vec<(String,)> = of_links(INSERT_LINKS, practice, message, &links, tx).await?;
    let asked = match changed {
        Changed::Nothing if new.is_empty() => return Ok(()),
        Changed::Nothing => new,
        Changed::Participants | Changed::Everything => all_links(tx, practice, message).await?,
    };
    let asked = values::json(&asked.into_iter().map(|(link,)| link).collect::<Vec<_>>())?;
    let candidates: Vec<(Vec<u8>, Vec<u8>)> =
        of_links(SELECT_CANDIDATES, practice, message, &asked, tx).await?;
    if candidates.is_empty() {
        return Ok(());
    }
    let own = participants(tx, practice, message).await?;
    let mut found = BTreeSet::new();
    for (candidate, conversation) in candidates {
        let conversation = id(&conversation)?;
        if !found.contains(&conversation)
            && !own.is_disjoint(&participants(tx, practice, &values::message_key(&candidate)?).await?)
        {
            found.insert(conversation);
        }
    }
    if found.is_empty() { Ok(()) } else { unite(tx, practice, message, (found, changed)).await }
}

/// What of a message is other than when its conversation was last asked for, besides what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// Nothing.
    Nothing,
    /// It has gained participants.
    Participants,
    /// It is new.
    Everything,
}

/// The conversation an id names now.
pub(super) async fn resolve(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    conversation: ConversationId,
) -> Result<Option<ConversationId>> {
    let row: Option<(Vec<u8>,)> = of_conversation(SELECT_RESOLVED, practice, &conversation, tx).await?;
    row.map(|(octets,)| id(&octets)).transpose()
}

/// Takes away what a message named, before its row goes. Its conversation goes on without it, under the same id.
pub(super) async fn forget(tx: &mut Tx<'_>, practice: &PracticeId, message: &MessageKey) -> Result<()> {
    for sql in [DELETE_LINKS, DELETE_ALIASES] {
        let write = statement::query(sql).bind(practice.as_str()).bind(message.as_bytes().as_slice());
        write.execute(tx).await.map_err(failure)?;
    }
    Ok(())
}

/// Takes away what the provider of an account said of a message that stays.
pub(super) async fn forget_account(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
    account: &AccountId,
) -> Result<()> {
    let write = statement::query(DELETE_LINKS_OF_ACCOUNT).bind(practice.as_str());
    let write = write.bind(message.as_bytes().as_slice()).bind(links::of_account(account));
    write.execute(tx).await.map_err(failure)?;
    Ok(())
}

pub(super) fn id(octets: &[u8]) -> Result<ConversationId> {
    ConversationId::from_slice(octets).ok_or_else(|| corrupt("a conversation"))
}

/// Makes a message's conversation one with others: the oldest keeps its id.
async fn unite(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
    (mut all, changed): (BTreeSet<ConversationId>, Changed),
) -> Result<()> {
    let (own, alone): (Vec<u8>, bool) = statement::query_as(SELECT_OF_MESSAGE)
        .bind(practice.as_str())
        .bind(message.as_bytes().as_slice())
        .fetch_one(tx)
        .await
        .map_err(failure)?;
    let own = id(&own)?;
    all.insert(own);
    let mut oldest = None;
    for conversation in &all {
        let age: Option<(Option<i64>,)> = of_conversation(SELECT_AGE, practice, conversation, tx).await?;
        let age = (age.and_then(|(age,)| age).unwrap_or(i64::MAX), *conversation);
        oldest = Some(oldest.map_or(age, |oldest: (i64, ConversationId)| oldest.min(age)));
    }
    let Some((_, oldest)) = oldest else { return Ok(()) };
    for younger in all.into_iter().filter(|conversation| *conversation != oldest) {
        let moves = [MOVE_MESSAGES, MOVE_ALIASES, INSERT_ALIAS];
        // Of a message that joins as it comes nobody has seen an id.
        let unseen = changed == Changed::Everything && younger == own && alone;
        for sql in moves.into_iter().take(if unseen { 1 } else { 3 }) {
            let write = statement::query(sql).bind(practice.as_str());
            let write = write.bind(younger.as_bytes().as_slice()).bind(oldest.as_bytes().as_slice());
            write.execute(tx).await.map_err(failure)?;
        }
    }
    Ok(())
}

async fn all_links(tx: &mut Tx<'_>, practice: &PracticeId, message: &MessageKey) -> Result<Vec<(String,)>> {
    let select =
        statement::query_as(SELECT_LINKS).bind(practice.as_str()).bind(message.as_bytes().as_slice());
    select.fetch_all(tx).await.map_err(failure)
}

async fn participants(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
) -> Result<BTreeSet<KeyDigest>> {
    let select: Option<Vec<u8>> = statement::query_scalar(SELECT_PARTICIPANTS)
        .bind(practice.as_str())
        .bind(message.as_bytes().as_slice())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    select.unwrap_or_default().chunks(16).map(values::key).collect()
}

/// Asks about a message and a list of links.
async fn of_links<T: Columns>(
    sql: impl Into<Sql>,
    practice: &PracticeId,
    message: &MessageKey,
    links: &str,
    tx: &mut Tx<'_>,
) -> Result<Vec<T>> {
    let select = statement::query_as(sql).bind(practice.as_str());
    let select = select.bind(message.as_bytes().as_slice()).bind(links);
    select.fetch_all(tx).await.map_err(failure)
}

async fn of_conversation<T: Columns>(
    sql: &'static str,
    practice: &PracticeId,
    conversation: &ConversationId,
    tx: &mut Tx<'_>,
) -> Result<Option<T>> {
    let select = statement::query_as(sql).bind(practice.as_str()).bind(conversation.as_bytes().as_slice());
    select.fetch_optional(tx).await.map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn what_belongs_together_is_found_by_key() {
        for sql in [
            INSERT_LINKS.into(),
            SELECT_CANDIDATES,
            SELECT_LINKS.into(),
            SELECT_PARTICIPANTS.into(),
            SELECT_OF_MESSAGE.into(),
            SELECT_AGE.into(),
            MOVE_MESSAGES.into(),
            MOVE_ALIASES.into(),
            SELECT_ALIAS.into(),
            SELECT_RESOLVED.into(),
            DELETE_LINKS.into(),
            DELETE_ALIASES.into(),
            DELETE_LINKS_OF_ACCOUNT.into(),
        ] {
            for step in plan(sql).await {
                // The list of links that is asked with, and what was found by it.
                let given = ["SCAN k ", "SCAN c ", "SCAN named", "SCAN found", "SCAN l"]
                    .iter()
                    .any(|s| step.starts_with(s));
                assert!(given || !step.starts_with("SCAN"), "{step} in {sql}");
            }
        }
    }
}
