//! How armed faults bend the answer to a command, whatever the command is.

use std::{io, time::Duration};

use super::{
    command::Hitch,
    fault::{Fault, Flood, means},
    injection::{Faults, Occasion},
    reply::{Reply, Response, Then, line},
    session::Session,
};

/// What Exchange answers where a sign-in leads to no mailbox.
const NOT_CONNECTED: &str = "User is authenticated but not connected.";
/// How much of an endless answer is written at once.
const FLOOD: usize = 16 * 1024;

/// What goes wrong where a command of that name announces a literal.
pub(super) fn hitch(faults: &Faults, here: &Occasion, name: &str) -> Option<Hitch> {
    faults.take(here, |fault| match fault {
        Fault::LiteralRefused { command, text } if means(command, name) => Some(Hitch::Refused(text.clone())),
        Fault::BeforeReady { command, octets } if means(command, name) => Some(Hitch::Told(octets.clone())),
        Fault::CloseAmidLiteral { command, octets } if means(command, name) => Some(Hitch::Closed(*octets)),
        _ => None,
    })
}

impl Session {
    /// What the first fault armed for a command of that name says.
    pub(super) fn fault_of<T>(
        &self,
        here: &Occasion,
        name: &str,
        fits: impl Fn(&Fault) -> Option<(&String, T)>,
    ) -> Option<T> {
        self.shared.faults.take(here, |fault| {
            fits(fault).filter(|(pattern, _)| means(pattern, name)).map(|(_, found)| found)
        })
    }

    /// What a fault answers in place of carrying the command out.
    pub(super) fn instead(&mut self, here: &Occasion, name: &str) -> Option<Reply> {
        if !self.connected && name != "LOGOUT" {
            return Some(Reply::bad(NOT_CONNECTED));
        }
        if self.refused {
            let mut reply = Reply::bad(NOT_CONNECTED);
            line(&mut reply.untagged, "* BYE Connection closed.");
            reply.then = Then::Close;
            return Some(reply);
        }
        self.fault_of(here, name, |fault| match fault {
            Fault::Hang { command } => Some((command, Reply { then: Then::Stall, ..Reply::default() })),
            Fault::Close { command } => Some((command, Reply { then: Then::Close, ..Reply::default() })),
            Fault::Bye { command, text } => {
                let mut reply = Reply { then: Then::Close, ..Reply::default() };
                line(&mut reply.untagged, format!("* BYE {text}"));
                Some((command, reply))
            }
            Fault::Answer { command, text } => Some((command, Reply::tagged(text))),
            _ => None,
        })
    }

    /// What faults do to an answer that is ready.
    pub(super) fn spoil(&mut self, here: &Occasion, name: &str, reply: &mut Reply) {
        let signs_in = matches!(name, "LOGIN" | "AUTHENTICATE")
            && reply.tagged.as_ref().is_some_and(|tagged| tagged.starts_with("OK"));
        if signs_in && self.holds(&Fault::NotConnected) {
            self.refused = true;
        }
        if signs_in && self.holds(&Fault::CloseAfterSignIn) {
            reply.then = Then::Close;
        }
        let before = self.shared.faults.take_all(here, |fault| match fault {
            Fault::Before { command, octets } if means(command, name) => Some(octets.clone()),
            Fault::ForeignTag { command, tag } if means(command, name) => {
                Some(format!("{tag} OK done.\r\n").into_bytes())
            }
            _ => None,
        });
        for octets in before {
            let mut response = Response::default();
            response.text(octets);
            reply.untagged.push(response);
        }
        if let Some((responses, text)) = self.fault_of(here, name, |fault| match fault {
            Fault::ByeAmid { command, responses, text } => Some((command, (*responses, text.clone()))),
            _ => None,
        }) {
            reply.untagged.truncate(responses);
            line(&mut reply.untagged, format!("* BYE {text}"));
            reply.tagged = None;
            reply.then = Then::Close;
        }
        if let Some(flood) = self.fault_of(here, name, |fault| match fault {
            Fault::Endless { command, flood } => Some((command, *flood)),
            _ => None,
        }) {
            reply.tagged = None;
            reply.then = Then::Flood(flood);
        }
        let lost = self.fault_of(here, name, |fault| match fault {
            Fault::AnswerLost { command } => Some((command, ())),
            _ => None,
        });
        if lost.is_some() {
            *reply = Reply { then: Then::Close, ..Reply::default() };
        }
    }

    /// Writes without end.
    pub(super) async fn flood(&mut self, flood: Flood) -> io::Result<()> {
        if flood == Flood::Line {
            self.wire.write(b"* OK ").await?;
        }
        let mut count = 0_u64;
        loop {
            let mut octets = Vec::with_capacity(FLOOD);
            while octets.len() < FLOOD {
                count += 1;
                match flood {
                    Flood::Line => octets.resize(FLOOD, b'x'),
                    Flood::Nul => octets.resize(FLOOD, 0),
                    Flood::Expunge => octets.extend_from_slice(b"* 1 EXPUNGE\r\n"),
                    Flood::Exists => octets.extend(format!("* {count} EXISTS\r\n").into_bytes()),
                    Flood::Flags => {
                        octets.extend(format!("* {count} FETCH (FLAGS (\\Seen))\r\n").into_bytes());
                    }
                    Flood::Alert => octets.extend(format!("* OK [ALERT] notice {count}\r\n").into_bytes()),
                }
            }
            self.wire.write(&octets).await?;
            // Lets a paused clock and a current-thread runtime serve the reader in between.
            tokio::time::sleep(Duration::ZERO).await;
        }
    }
}
