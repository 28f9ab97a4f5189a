//! IDLE (RFC 2177).

use std::io;

use super::{
    fault::Fault,
    reply::{Chunk, Reply, Then, line},
    session::Session,
};

/// The longest line in place of DONE.
const DONE: usize = 1024;

impl Session {
    /// Tells news until the session says DONE.
    pub(super) async fn idle(&mut self, tag: &str) -> io::Result<Reply> {
        let Some(user) = self.user.clone().filter(|_| self.shared.personality.has("IDLE")) else {
            return Ok(Reply::bad("Unknown command."));
        };
        let mut changes = user.changes();
        let silent = self.holds(&Fault::IdleSilent);
        let deaf = self.holds(&Fault::IdleDeaf);
        let end = self.shared.faults.take(&self.occasion(), |fault| match fault {
            Fault::IdleDrop { after } => Some((*after, ended(None))),
            Fault::IdleBye { after, text } => Some((*after, ended(Some(text)))),
            Fault::IdleEnds { after } => Some((*after, Reply::ok("Idle ended."))),
            _ => None,
        });
        let flood = self.shared.faults.take(&self.occasion(), |fault| match fault {
            Fault::IdleFlood { count } => Some(*count),
            _ => None,
        });
        self.wire.write(b"+ idling\r\n").await?;
        for count in 1..=flood.unwrap_or(0) {
            self.wire.write(format!("* {count} EXISTS\r\n* {count} EXPUNGE\r\n").as_bytes()).await?;
        }
        let ending = async {
            match end {
                Some((after, reply)) => {
                    tokio::time::sleep(after).await;
                    reply
                }
                None => std::future::pending().await,
            }
        };
        tokio::pin!(ending);
        loop {
            if !silent {
                let mut news = Reply::default();
                self.add_news(&mut news, true);
                for chunk in news.untagged.iter().flat_map(|response| &response.0) {
                    self.wire.write(Chunk::octets(chunk)).await?;
                }
                if matches!(news.then, Then::Close) {
                    self.wire.flush().await?;
                    return Ok(ended(None));
                }
            }
            self.wire.flush().await?;
            tokio::select! {
                line = self.wire.line(DONE) => {
                    let Some(line) = line? else { return Ok(ended(None)) };
                    self.note(&String::from_utf8_lossy(&line));
                    if deaf {
                        return Ok(Reply { then: Then::Stall, ..Reply::default() });
                    }
                    return Ok(if line.eq_ignore_ascii_case(b"DONE") {
                        Reply::ok("Idle completed.")
                    } else {
                        Reply::bad(format!("Expected DONE to end {tag}."))
                    });
                }
                reply = &mut ending => return Ok(reply),
                // The sender lives as long as the user, whom this session holds.
                _changed = changes.changed() => {}
            }
        }
    }
}

/// The connection ends, with a BYE or without a word.
fn ended(bye: Option<&String>) -> Reply {
    let mut reply = Reply { then: Then::Close, ..Reply::default() };
    if let Some(text) = bye {
        line(&mut reply.untagged, format!("* BYE {text}"));
    }
    reply
}
