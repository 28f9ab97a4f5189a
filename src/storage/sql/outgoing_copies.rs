//! What windows say of intents: their copies, and reports about their deliveries.

use super::transaction::Tx;

use super::changes::record;
use super::{outgoing, outgoing_list};
use crate::contract::{ArchivedCopy, BounceReport, ChangeKind, Fence, Outgoing, OutgoingStep, Route};
use crate::error::Result;
use crate::types::{MessageKey, Timestamp};

/// The message a copy is one of.
pub(super) async fn message_of(
    tx: &mut Tx<'_>,
    fence: &Fence,
    archived: &ArchivedCopy,
) -> Result<MessageKey> {
    if let Some(id) = archived.parsed.outgoing
        && let Some(row) = outgoing::load(tx, &fence.practice, id).await?
        && row.is_copy(archived, &fence.account)
    {
        return Ok(row.item.message.message);
    }
    Ok(archived.message)
}

/// Writes what a copy of `message` in the Sent mailbox shows.
pub(super) async fn seen(
    tx: &mut Tx<'_>,
    now: Timestamp,
    fence: &Fence,
    message: MessageKey,
    archived: &ArchivedCopy,
) -> Result<()> {
    for id in outgoing_list::of_message(tx, &fence.practice, &message).await? {
        let Some(mut row) = outgoing::load(tx, &fence.practice, id).await? else { continue };
        if row.item.message.route != Route::Own(fence.account.clone()) {
            continue;
        }
        let before = row.clone();
        let steps = row.seen(archived, now);
        if row != before {
            outgoing::save(tx, &row).await?;
            tell(tx, now, &row.item, &steps).await?;
        }
    }
    Ok(())
}

/// Writes a report at the recipients it names.
pub(super) async fn bounce(
    tx: &mut Tx<'_>,
    now: Timestamp,
    fence: &Fence,
    report: &BounceReport,
) -> Result<()> {
    let mut rows = Vec::new();
    if let Some(id) = report.outgoing {
        rows.extend(outgoing::load(tx, &fence.practice, id).await?);
    }
    if let (true, Some(message_id)) = (rows.is_empty(), &report.message_id) {
        for id in outgoing_list::of_message_id(tx, &fence.practice, message_id).await? {
            rows.extend(outgoing::load(tx, &fence.practice, id).await?);
        }
    }
    let theirs = rows.into_iter().find(|row| row.item.message.route == Route::Own(fence.account.clone()));
    let Some(mut row) = theirs else { return Ok(()) };
    if row.bounce(report) {
        outgoing::save(tx, &row).await?;
        tell(tx, now, &row.item, &[OutgoingStep::Bounced]).await?;
    }
    Ok(())
}

/// Writes steps of an intent into the feed.
pub(super) async fn tell(
    tx: &mut Tx<'_>,
    now: Timestamp,
    item: &Outgoing,
    steps: &[OutgoingStep],
) -> Result<()> {
    let message = &item.message;
    for step in steps {
        let change = ChangeKind::Outgoing(message.id, *step);
        record(tx, &message.practice, now, message.route.account(), &change).await?;
    }
    Ok(())
}
