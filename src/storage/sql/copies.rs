//! Copies as rows.

use super::row::{Column, Row};
use super::statement;
use super::transaction::Tx;

use super::failure::{corrupt, failure, newer};
use super::values;
use crate::contract::ArchivedCopy;
use crate::error::Result;
use crate::storage::rules::Content;
use crate::types::{
    Authenticity, Copy, CopyPlace, CopyState, Cut, Digest, Field, Kept, MailboxName, PracticeId, Timestamp,
};

const SAVE: &str = "
    INSERT INTO copy (practice, account, mailbox, uid_validity, uid, message, rendition, sha256, size, internal_date,
        labels, bcc, state, missing_since, keys, stored, cuts, kept, authenticity)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
    ON CONFLICT (practice, account, mailbox, uid_validity, uid) DO UPDATE SET
        message = excluded.message, rendition = excluded.rendition, sha256 = excluded.sha256, size = excluded.size,
        internal_date = excluded.internal_date, labels = excluded.labels, bcc = excluded.bcc,
        state = excluded.state, missing_since = excluded.missing_since, keys = excluded.keys,
        stored = excluded.stored, cuts = excluded.cuts, kept = excluded.kept, authenticity = excluded.authenticity";

/// Writes a copy into its place.
pub(super) async fn save(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    content: &Content<'_>,
    archived: &ArchivedCopy,
) -> Result<()> {
    let copy = &archived.copy;
    let bcc = archived.parsed.headers.participants.iter().filter(|p| p.field == Field::Bcc);
    let since = match copy.state {
        CopyState::Missing { since } | CopyState::Gone { since } => Some(since),
        _ => None,
    };
    let (kept, stored, cuts) = match &copy.kept {
        Kept::Whole => ("whole", None, None),
        Kept::WithoutAttachments { stored, cuts } => ("without_attachments", Some(stored), Some(cuts)),
        Kept::Beginning => ("beginning", None, None),
    };
    statement::query(SAVE)
        .bind(practice.as_str())
        .bind(copy.place.account.as_str())
        .bind(copy.place.mailbox.as_wire())
        .bind(i64::from(copy.place.uid_validity.get()))
        .bind(i64::from(copy.place.uid.get()))
        .bind(content.message.as_bytes().as_slice())
        .bind(content.digest.as_bytes().as_slice())
        .bind(copy.sha256.as_bytes().as_slice())
        .bind(copy.size.cast_signed())
        .bind(copy.internal_date.map(Timestamp::as_unix))
        .bind(values::labels_to_json(&copy.labels)?)
        .bind(values::participants_to_json(bcc)?)
        .bind(copy.state.as_str())
        .bind(values::seconds(since))
        .bind(values::keys_to_octets(content.postings))
        .bind(stored.map(|stored| stored.as_bytes().as_slice()))
        .bind(cuts.map(|cuts| cuts_to_json(cuts)).transpose()?)
        .bind(kept)
        .bind(copy.authenticity.as_str())
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// A copy at its place, from the columns `sha256`, `size`, `internal_date`, `labels`, `state`, `missing_since`, `stored`,
/// `cuts`, `kept` and `authenticity`.
pub(super) fn from_row(place: CopyPlace, row: &Row) -> Result<Copy> {
    let sha256 = values::digest(&get::<Vec<u8>>(row, "sha256")?)?;
    let internal_date = get::<Option<i64>>(row, "internal_date")?.map(Timestamp::from_unix);
    let mut copy = Copy::new(place, sha256, get::<i64>(row, "size")?.cast_unsigned(), internal_date);
    copy.labels = values::labels(&get::<String>(row, "labels")?)?;
    copy.kept = match get::<String>(row, "kept")?.as_str() {
        "whole" => Kept::Whole,
        "beginning" => Kept::Beginning,
        "without_attachments" => Kept::WithoutAttachments {
            stored: values::digest(&get::<Option<Vec<u8>>>(row, "stored")?.unwrap_or_default())?,
            cuts: cuts(&get::<Option<String>>(row, "cuts")?.unwrap_or_default())?,
        },
        _ => return Err(newer("what is kept of a copy")),
    };
    let authenticity = Authenticity::parse(&get::<String>(row, "authenticity")?);
    copy.authenticity = authenticity.ok_or_else(|| newer("what is known of an author"))?;
    copy.state = match (get::<String>(row, "state")?.as_str(), get::<Option<i64>>(row, "missing_since")?) {
        ("present", _) => CopyState::Present,
        ("missing", Some(since)) => CopyState::Missing { since: Timestamp::from_unix(since) },
        ("gone", Some(since)) => CopyState::Gone { since: Timestamp::from_unix(since) },
        _ => return Err(corrupt("a copy's state")),
    };
    Ok(copy)
}

/// A place as columns hold it.
pub(super) fn place(account: String, mailbox: Vec<u8>, validity: i64, uid: i64) -> Result<CopyPlace> {
    let (validity, uid) = (values::uid_validity(validity)?, values::uid(uid)?);
    Ok(CopyPlace::new(values::account(account)?, MailboxName::from_wire(mailbox), validity, uid))
}

/// A column of this name.
pub(super) fn get<T: Column>(row: &Row, column: &str) -> Result<T> {
    row.named(column).map_err(failure)
}

type CutColumns = (u32, u64, u64, String);

fn cuts_to_json(list: &[Cut]) -> Result<String> {
    let columns =
        |cut: &Cut| -> CutColumns { (cut.attachment, cut.offset, cut.length, cut.sha256.to_string()) };
    values::json(&list.iter().map(columns).collect::<Vec<_>>())
}

fn cuts(text: &str) -> Result<Vec<Cut>> {
    let read = |(attachment, offset, length, sha256): CutColumns| {
        let sha256 = values::unhex(&sha256).as_deref().and_then(Digest::from_slice);
        Ok(Cut::new(attachment, offset, length, sha256.ok_or_else(|| corrupt("a digest"))?))
    };
    values::from_json(text)?.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_read_back() {
        let list =
            [Cut::new(0, 1, 2, Digest::of(b"a")), Cut::new(u32::MAX, u64::MAX, u64::MAX, Digest::of(b"b"))];
        assert_eq!(cuts(&cuts_to_json(&list).unwrap()).unwrap(), list);
        assert!(cuts("[[0,1,2,\"abc\"]]").is_err());
    }
}
