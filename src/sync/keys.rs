//! The directory's keys, read whole.

use crate::contract::PracticeDirectory;
use crate::error::{Error, ErrorKind, Result};
use crate::matching::Matcher;
use crate::types::PracticeId;

/// How often a reading is begun again because the directory changed meanwhile.
const MAX_READINGS: usize = 10;

/// Reads a practice's rules and keys; the revision is that of all of them.
pub(crate) async fn load_matcher(
    directory: &dyn PracticeDirectory,
    practice: &PracticeId,
) -> Result<(Matcher, String)> {
    let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this practice");
    for _ in 0..MAX_READINGS {
        let rules = directory.practice(practice).await?.ok_or_else(unknown)?;
        let users = directory.users(practice).await?;
        let mut matcher = Matcher::new(&rules, &users);
        let mut page = directory.client_keys(practice, None).await?;
        let revision = page.revision.clone();
        let whole = loop {
            if page.revision != revision {
                break false;
            }
            page.entries.iter().for_each(|entry| matcher.add(entry));
            match page.next.take() {
                Some(next) => page = directory.client_keys(practice, Some(next)).await?,
                None => break true,
            }
        };
        if whole {
            return Ok((matcher, revision));
        }
    }
    Err(Error::new(ErrorKind::Storage, "the directory changes faster than it can be read"))
}

/// The directory's revision now.
pub(super) async fn revision(directory: &dyn PracticeDirectory, practice: &PracticeId) -> Result<String> {
    Ok(directory.client_keys(practice, None).await?.revision)
}
