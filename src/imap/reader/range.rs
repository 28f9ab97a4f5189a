//! A part of a message's octets.

use super::super::requests::Range;
use super::ImapReader;
use crate::contract::MAX_RANGE;
use crate::error::{Error, ErrorKind, Result};
use crate::types::Uid;

impl ImapReader {
    /// Asks for a part and waits for it; `None` where there is no such message.
    pub(super) async fn range(&mut self, uid: Uid, offset: u64, length: usize) -> Result<Option<Vec<u8>>> {
        if length > MAX_RANGE || !self.bodies.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "a range is at most a megabyte, and read by itself"));
        }
        if length == 0 {
            return Ok(Some(Vec::new()));
        }
        let line = format!("UID FETCH {uid} (UID BODY.PEEK[]<{offset}.{length}>)");
        let tag = self.commands.queue("fetch_range", line.into_bytes()).await?;
        self.range = Some(Range { uid, offset, length, tag, octets: None, ended: None });
        let answered = self.await_range().await;
        self.range = None;
        answered
    }

    /// Reads on until a range has been answered.
    async fn await_range(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            self.pump().await?;
            if !self.events.is_empty() {
                // Whole, instead of the part that was asked for: there is no telling how much of it would come.
                return Err(Error::new(
                    ErrorKind::Protocol,
                    "the server sent a message instead of a part of it",
                ));
            }
            let Some(ended) = self.range.as_mut().and_then(|range| range.ended.take()) else { continue };
            self.commands.accepted("FETCH", &ended)?;
            return Ok(self.range.take().and_then(|range| range.octets));
        }
    }
}
