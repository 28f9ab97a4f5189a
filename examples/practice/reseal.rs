//! `reseal`: every stored secret under the newest key.

use std::fmt;

use practicemail::error::Result;
use serde::Serialize;

use crate::answer::Answer;
use crate::host::Host;

/// Seals anew; the exit code says whether something could not be opened.
pub(crate) async fn run(host: &Host) -> Result<Answer> {
    let resealed = host.door.reseal(host.practice()?).await?;
    let unreadable: Vec<String> = resealed.unreadable.iter().map(ToString::to_string).collect();
    let well = unreadable.is_empty();
    Answer::of(&Resealed { anew: resealed.anew, current: resealed.current, unreadable }, well)
}

#[derive(Serialize)]
struct Resealed {
    anew: usize,
    current: usize,
    unreadable: Vec<String>,
}

impl fmt::Display for Resealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Sealed anew: {}. Sealed with the newest key before: {}.", self.anew, self.current)?;
        for account in &self.unreadable {
            writeln!(
                f,
                "A secret of {account} cannot be opened: its key is not in the key file, or it was altered."
            )?;
        }
        Ok(())
    }
}
