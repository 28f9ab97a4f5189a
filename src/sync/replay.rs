//! Dead letters, tried again.

use std::collections::BTreeMap;

use super::gathered::Gathered;
use super::listed::{Chosen, Listed, state_of};
use super::mailbox_writer::MailboxWriter;
use super::pass::{Pass, PassInput};
use super::report::AccountReport;
use super::round::row;
use crate::contract::{Addressed, BlobInfo, Connection, DeadLetter};
use crate::error::Result;
use crate::matching::Relevance;
use crate::types::{Mailbox, MailboxName, UidSet, UidValidity};

/// The dead letters of one mailbox under one validity.
type Letters<'l> = BTreeMap<(MailboxName, UidValidity), Vec<&'l DeadLetter>>;

/// Archives dead letters of the account: from their octets where those are stored, else by asking the server for them again. What
/// fails again stays a dead letter, or is tried again as a gap. One whose mailbox was renumbered, or is gone, has no place any more to be
/// archived at: it stays, octets and all. What happened stands in `report`.
pub(crate) async fn replay(
    input: PassInput<'_>,
    connection: &mut Connection,
    letters: &[DeadLetter],
    report: &mut AccountReport,
) -> Result<()> {
    let Connection { reader, traffic, .. } = connection;
    let pass = Pass::begin(input, Box::new(&*traffic)).await?;
    let mut listed = Listed::by(&pass, reader.as_mut()).await?;
    let mut by_mailbox = Letters::new();
    for letter in letters.iter().filter(|letter| letter.place.account == pass.fence.account) {
        let place = &letter.place;
        by_mailbox.entry((place.mailbox.clone(), place.uid_validity)).or_default().push(letter);
    }
    let mut others = Vec::new();
    for ((name, uid_validity), letters) in by_mailbox {
        let mut uids: UidSet = letters.iter().map(|letter| letter.place.uid).collect();
        // A window under another validity than the cursor's would begin the mailbox anew.
        if state_of(&listed.state, &name, uid_validity).is_some() {
            let mailbox = listed.mailbox(&name).unwrap_or_else(|| Mailbox::new(name.clone(), None));
            let report = row(report, &name);
            uids = replay_stored(MailboxWriter::new(&pass, &mailbox, uid_validity, report), &letters).await?;
        }
        others.push(Chosen { mailbox: name, uid_validity, uids });
    }
    // Only now: reading a mailbox that was renumbered changes its validity.
    for chosen in others.into_iter().filter(|chosen| !chosen.uids.is_empty()) {
        listed.read(&pass, chosen, report).await?;
    }
    report.traffic = (pass.traffic)();
    Ok(())
}

/// Archives those whose octets are stored; answers the others.
async fn replay_stored(mut writer: MailboxWriter<'_, '_>, letters: &[&DeadLetter]) -> Result<UidSet> {
    let mut gathered = Gathered::default();
    let mut others = UidSet::new();
    for letter in letters {
        let uid = letter.place.uid;
        let blob = letter.octets.map(|(sha256, size)| BlobInfo::new(sha256, size));
        let parsed = match &blob {
            Some(blob) => writer.pass.parse_stored(blob).await?,
            None => None,
        };
        let (Some(blob), Some((parsed, ranges))) = (blob, parsed) else {
            others.insert(uid);
            continue;
        };
        let mut message = Addressed::new(uid, blob.size, letter.internal_date, parsed.headers.clone());
        message.labels.clone_from(&letter.labels);
        let sent = writer.is_sent(&message);
        if writer.pass.matcher.relevance(&parsed.headers.participants, sent) == Relevance::Client {
            let mut archived = writer.archived(&message, blob, parsed);
            archived.copy.kept = writer.pass.kept(&blob, ranges).await?;
            gathered.add(archived);
        }
        if gathered.is_full() {
            writer.archive(std::mem::take(&mut gathered)).await?;
        }
    }
    if !gathered.is_empty() {
        writer.archive(gathered).await?;
    }
    Ok(others)
}
