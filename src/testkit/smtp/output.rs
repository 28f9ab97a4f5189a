//! Answering, and how armed faults bend an answer.

use std::{io, time::Duration};

use super::{
    fault::{Fault, Flood, Stage},
    session::{Session, ended},
};

/// How much of an endless answer is written at once.
const FLOOD: usize = 4 * 1024;

/// What a fault does in place of carrying a command out.
enum Instead {
    Reply(Vec<u8>),
    Hang,
    Close,
    Endless(Flood),
}

/// What a fault does once a command was carried out.
#[derive(Clone, Copy)]
enum Afterwards {
    Lose,
    Cut(usize),
    Silence,
}

impl Session {
    /// Carries a command out and answers it, as far as faults let it. Gives back what was answered; an error ends the session.
    pub(super) async fn act(
        &mut self,
        at: Stage,
        carry_out: impl FnOnce(&mut Self) -> String,
    ) -> io::Result<Vec<u8>> {
        let delay = self.fault(|fault| match fault {
            Fault::Delay { at: stage, by } if *stage == at => Some(*by),
            _ => None,
        });
        if let Some(by) = delay {
            tokio::time::sleep(by).await;
        }
        let mut reply = match self.instead(at) {
            Some(Instead::Hang) => return self.keep_silent().await,
            Some(Instead::Close) => return Err(ended()),
            Some(Instead::Endless(flood)) => return self.flood(flood).await,
            Some(Instead::Reply(octets)) => octets,
            None => carry_out(self).into_bytes(),
        };
        let afterwards = self.fault(|fault| match fault {
            Fault::AnswerLost { at: stage } if *stage == at => Some(Afterwards::Lose),
            Fault::AnswerCut { at: stage, octets } if *stage == at => Some(Afterwards::Cut(*octets)),
            Fault::AnswerNever { at: stage } if *stage == at => Some(Afterwards::Silence),
            _ => None,
        });
        match afterwards {
            Some(Afterwards::Lose) => return Err(ended()),
            Some(Afterwards::Cut(octets)) => {
                self.write(reply.get(..octets).unwrap_or(&reply)).await?;
                return Err(ended());
            }
            Some(Afterwards::Silence) => return self.keep_silent().await,
            None => {}
        }
        reply.extend_from_slice(b"\r\n");
        let behind = self.fault(|fault| match fault {
            Fault::Behind { at: stage, octets } if *stage == at => Some(octets.clone()),
            _ => None,
        });
        reply.extend(behind.unwrap_or_default());
        self.write(&reply).await?;
        let leaves = self.fault(|fault| match fault {
            Fault::CloseAfter { at: stage } if *stage == at => Some(()),
            _ => None,
        });
        if leaves.is_some() { Err(ended()) } else { Ok(reply) }
    }

    pub(super) fn fault<T>(&self, fits: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.shared.faults.take(self.connection, fits)
    }

    fn instead(&self, at: Stage) -> Option<Instead> {
        self.fault(|fault| match fault {
            Fault::Reply { at: stage, octets } if *stage == at => Some(Instead::Reply(octets.clone())),
            Fault::Hang { at: stage } if *stage == at => Some(Instead::Hang),
            Fault::Close { at: stage } if *stage == at => Some(Instead::Close),
            Fault::Endless { at: stage, flood } if *stage == at => Some(Instead::Endless(*flood)),
            _ => None,
        })
    }

    /// Writes one reply.
    pub(super) async fn write(&mut self, reply: &[u8]) -> io::Result<()> {
        if self.mute {
            return Err(ended());
        }
        let count = reply.len() as u64;
        let session = self.shared.record.session(self.connection, |session| {
            session.server_octets += count;
            session.replies += 1;
        });
        self.wire.write(reply).await?;
        self.wire.flush().await?;
        if self.cut_replies == Some(session.replies) { Err(ended()) } else { Ok(()) }
    }

    async fn keep_silent<T>(&mut self) -> io::Result<T> {
        self.wire.stall().await?;
        Err(ended())
    }

    async fn flood<T>(&mut self, flood: Flood) -> io::Result<T> {
        self.wire.write(b"250-").await?;
        let piece: Vec<u8> = match flood {
            Flood::Line => vec![b'x'; FLOOD],
            Flood::Reply => b"x\r\n250-".repeat(FLOOD / 7),
        };
        loop {
            self.wire.write(&piece).await?;
            self.wire.flush().await?;
            let count = piece.len() as u64;
            self.shared.record.session(self.connection, |session| session.server_octets += count);
            // Lets a paused clock and a current-thread runtime serve the reader in between.
            tokio::time::sleep(Duration::ZERO).await;
        }
    }
}
