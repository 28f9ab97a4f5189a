//! Erasing what was archived from an account.

use super::statement;
use super::transaction::Tx;

use super::changes::record;
use super::failure::failure;
use super::{accounts, archive, conversations, erasing, messages, octets, search, values};
use crate::contract::{AccountState, ChangeKind, Rendition};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, Digest, MessageKey, PracticeId, Timestamp};

const SELECT_MESSAGES: &str = "
    SELECT DISTINCT message FROM copy WHERE practice = ?1 AND account = ?2 ORDER BY message";

/// Keys that neither another account's copy brought nor the message as it was sent; before the copies go. A key's 16 octets
/// are not found across two others: nobody can make them so.
const DELETE_POSTINGS: &str = "
    DELETE FROM posting
    WHERE practice = ?1 AND message IN (SELECT message FROM copy WHERE practice = ?1 AND account = ?2)
      AND NOT EXISTS (
        SELECT 1 FROM copy AS c
        WHERE c.practice = ?1 AND c.message = posting.message AND c.account <> ?2
          AND (c.keys IS NULL OR instr(c.keys, posting.key) > 0))
      AND NOT EXISTS (
        SELECT 1 FROM outgoing AS o JOIN rendition AS r ON r.message = o.message AND r.digest = o.rendition
        WHERE o.practice = ?1 AND r.practice = ?1 AND o.message = posting.message
          AND (o.keys IS NULL OR instr(o.keys, posting.key) > 0))";

const DELETE_COPIES: &str = "DELETE FROM copy WHERE practice = ?1 AND account = ?2";

const DELETE_RENDITIONS: &str = "
    DELETE FROM rendition
    WHERE practice = ?1 AND message = ?2
      AND digest NOT IN (SELECT rendition FROM copy WHERE practice = ?1 AND message = ?2)
      AND digest NOT IN (SELECT rendition FROM outgoing WHERE practice = ?1 AND message = ?2)";

/// How far it is read, and what would not come. How much was read today stays: the provider counts that too.
const FORGET_PROGRESS: [&str; 6] = [
    "DELETE FROM mailbox WHERE practice = ?1 AND account = ?2",
    "DELETE FROM gap WHERE practice = ?1 AND account = ?2",
    "DELETE FROM covered_key WHERE practice = ?1 AND account = ?2",
    "DELETE FROM dead_letter WHERE practice = ?1 AND account = ?2",
    "DELETE FROM backlog WHERE practice = ?1 AND account = ?2",
    "UPDATE account SET hints = '', policy = NULL, revision = '', first_pass = 1
     WHERE practice = ?1 AND account = ?2",
];

/// Erases it; answers the octets nothing names any more.
pub(super) async fn erase(
    tx: &mut Tx<'_>,
    now: Timestamp,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<Vec<Digest>> {
    if accounts::one(tx, practice, account).await?.state != AccountState::Disconnected {
        return Err(Error::new(ErrorKind::Busy, "the account is to be disconnected before it is erased"));
    }
    let had = messages_of(tx, practice, account).await?;
    let named = octets::of_account(tx, practice, account).await?;
    of_account(tx, DELETE_POSTINGS, practice, account).await?;
    of_account(tx, DELETE_COPIES, practice, account).await?;
    for message in had {
        let left = shrink(tx, practice, &message).await?;
        if left.is_empty() {
            erasing::forget_message(tx, practice, &message).await?;
            record(tx, practice, now, Some(account), &ChangeKind::MessageErased(message)).await?;
        } else {
            conversations::forget_account(tx, practice, &message, account).await?;
            archive::sum_up(tx, practice, &message, &left).await?;
            search::write(tx, practice, &message, &left).await?;
        }
    }
    for sql in FORGET_PROGRESS {
        of_account(tx, sql, practice, account).await?;
    }
    record(tx, practice, now, Some(account), &ChangeKind::AccountErased).await?;
    octets::unnamed(tx, practice, named).await
}

/// The messages it has copies of.
async fn messages_of(tx: &mut Tx<'_>, practice: &PracticeId, account: &AccountId) -> Result<Vec<MessageKey>> {
    let select = statement::query_as(SELECT_MESSAGES).bind(practice.as_str()).bind(account.as_str());
    let rows: Vec<(Vec<u8>,)> = select.fetch_all(tx).await.map_err(failure)?;
    rows.iter().map(|(message,)| values::message_key(message)).collect()
}

async fn of_account(
    tx: &mut Tx<'_>,
    sql: &'static str,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<()> {
    let write = statement::query(sql).bind(practice.as_str()).bind(account.as_str());
    write.execute(tx).await.map_err(failure)?;
    Ok(())
}

/// Takes the renditions from a message that neither its copies hold nor its intents; answers those that are left.
async fn shrink(tx: &mut Tx<'_>, practice: &PracticeId, message: &MessageKey) -> Result<Vec<Rendition>> {
    let (tenant, key) = (practice.as_str(), message.as_bytes().as_slice());
    let delete = statement::query(DELETE_RENDITIONS).bind(tenant).bind(key);
    delete.execute(tx).await.map_err(failure)?;
    messages::renditions(tx, practice, message).await
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn what_is_erased_is_found_by_key() {
        let of_account = [SELECT_MESSAGES, DELETE_POSTINGS, DELETE_COPIES, DELETE_RENDITIONS];
        for sql in of_account.into_iter().chain(FORGET_PROGRESS) {
            for step in plan(sql).await {
                assert!(!step.starts_with("SCAN"), "{step} in {sql}");
            }
        }
    }
}
