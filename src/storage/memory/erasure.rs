//! Erasing what was archived from an account.

use std::collections::BTreeSet;

use super::{PracticeRows, erasing};
use crate::contract::ChangeKind;
use crate::error::Result;
use crate::storage::rules::AccountRow;
use crate::types::{AccountId, Digest, Timestamp};

pub(super) fn erase(rows: &mut PracticeRows, account: &AccountId, now: Timestamp) -> Result<Vec<Digest>> {
    let PracticeRows { accounts, archive, dead_letters, outbox, unlisted, feed, .. } = rows;
    accounts.get_mut(account).ok_or_else(AccountRow::no_account)?.erase()?;
    let letters = dead_letters.extract_if(.., |place, _| place.account == *account);
    let mut octets: BTreeSet<_> =
        letters.filter_map(|(_, letter)| letter.octets).map(|(sha, _)| sha).collect();
    let copies = archive.take_all(account);
    octets.extend(copies.iter().map(|row| row.copy.blob()));
    let messages: BTreeSet<_> = copies.iter().map(|row| row.message).collect();
    for message in messages {
        if archive.shrink(message, &outbox.renditions_of(message)) {
            unlisted.remove(&message);
            feed.push(now, account, ChangeKind::MessageErased(message));
        } else if let Some(row) = archive.messages.get_mut(&message) {
            row.forget_links_of(account);
        }
    }
    feed.push(now, account, ChangeKind::AccountErased);
    Ok(erasing::unnamed(rows, octets))
}
