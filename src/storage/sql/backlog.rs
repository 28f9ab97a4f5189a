//! What accounts leave to be read.

use std::collections::BTreeMap;

use super::failure::failure;
use super::statement;
use super::transaction::Tx;
use crate::contract::{Fence, MailboxBacklog};
use crate::error::Result;
use crate::types::{MailboxName, PracticeId};

const DELETE: &str = "DELETE FROM backlog WHERE practice = ?1 AND account = ?2";

const INSERT: &str =
    "INSERT INTO backlog (practice, account, mailbox, remaining, total) VALUES (?1, ?2, ?3, ?4, ?5)";

const UPDATE: &str =
    "UPDATE backlog SET remaining = ?4 WHERE practice = ?1 AND account = ?2 AND mailbox = ?3";

const SELECT: &str = "
    SELECT account, mailbox, remaining, total FROM backlog WHERE practice = ?1 ORDER BY account, mailbox";

/// Replaces it; the fence was checked.
pub(super) async fn set(tx: &mut Tx<'_>, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()> {
    clear(tx, fence).await?;
    for mailbox in backlog {
        let insert = statement::query(INSERT).bind(fence.practice.as_str()).bind(fence.account.as_str());
        let insert = insert.bind(mailbox.mailbox.as_wire()).bind(mailbox.left.cast_signed());
        insert.bind(mailbox.total.cast_signed()).execute(tx).await.map_err(failure)?;
    }
    Ok(())
}

/// What is left of a mailbox, where it is known.
pub(super) async fn left(tx: &mut Tx<'_>, fence: &Fence, mailbox: &MailboxName, left: u64) -> Result<()> {
    let update = statement::query(UPDATE).bind(fence.practice.as_str()).bind(fence.account.as_str());
    update.bind(mailbox.as_wire()).bind(left.cast_signed()).execute(tx).await.map_err(failure)?;
    Ok(())
}

/// Nothing is left.
pub(super) async fn clear(tx: &mut Tx<'_>, fence: &Fence) -> Result<()> {
    let delete = statement::query(DELETE).bind(fence.practice.as_str()).bind(fence.account.as_str());
    delete.execute(tx).await.map_err(failure)?;
    Ok(())
}

/// That of every account of a practice, by its id.
pub(super) async fn all(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
) -> Result<BTreeMap<String, Vec<MailboxBacklog>>> {
    let rows: Vec<(String, Vec<u8>, i64, i64)> =
        statement::query_as(SELECT).bind(practice.as_str()).fetch_all(tx).await.map_err(failure)?;
    let mut all: BTreeMap<String, Vec<MailboxBacklog>> = BTreeMap::new();
    for (account, mailbox, left, total) in rows {
        let mailbox = MailboxName::from_wire(mailbox);
        let backlog = MailboxBacklog::new(mailbox, left.cast_unsigned(), total.cast_unsigned());
        all.entry(account).or_default().push(backlog);
    }
    Ok(all)
}
