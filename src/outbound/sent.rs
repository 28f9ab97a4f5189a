//! A sent message as the archive takes it up.

use crate::contract::{PracticeDirectory, SentMessage};
use crate::error::{Error, ErrorKind, Result};
use crate::matching::{Matcher, Relevance};
use crate::mime::MessageScan;
use crate::types::{ParsedMessage, PracticeId, Timestamp};

/// Reads composed octets.
pub(crate) fn parse(octets: &[u8]) -> ParsedMessage {
    let mut scan = MessageScan::new();
    scan.update(octets);
    scan.finish()
}

/// What the archive keeps of a message that has left, or may have; `None` where the practice's rules keep it out. It is
/// kept whether its recipients are clients now or not: no mailbox need hold it, so that nothing else could bring it to the tab
/// of a client added later.
pub(super) async fn archived(
    directory: &dyn PracticeDirectory,
    practice: &PracticeId,
    octets: &[u8],
    now: Timestamp,
) -> Result<Option<Box<SentMessage>>> {
    let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this practice");
    let rules = directory.practice(practice).await?.ok_or_else(unknown)?;
    let matcher = Matcher::new(&rules, &directory.users(practice).await?);
    let parsed = parse(octets);
    let participants = &parsed.headers.participants;
    if matches!(matcher.relevance(participants, true), Relevance::Internal | Relevance::NeverLogged) {
        return Ok(None);
    }
    let postings = matcher.postings(participants, true);
    Ok(Some(Box::new(SentMessage::new(now, parsed, postings))))
}
