//! What a server may do wrong, each thing a value.

use std::{ops::RangeBounds, time::Duration};

use super::injection::Injection;

/// Where in the dialogue a fault holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// The greeting.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// AUTH, once everything it needs was sent.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA itself.
    Data,
    /// The end of the data.
    EndOfData,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

impl Stage {
    /// Every stage, in the order of a dialogue.
    pub const ALL: [Self; 10] = [
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::EndOfData,
        Self::Rset,
        Self::Quit,
    ];
}

/// One thing a server does wrong while it is armed.
///
/// Arm it with [`SmtpServer::inject`](super::SmtpServer::inject). Without more it holds always;
/// [`times`](Self::times), [`after`](Self::after) and [`on_connections`](Self::on_connections) narrow it down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Gives this reply instead of carrying the command out; CRLF is added. [`Fault::reply`] makes it of text.
    Reply {
        /// Where.
        at: Stage,
        /// The reply, whatever it is; lines of one reply are divided by CRLF.
        octets: Vec<u8>,
    },
    /// Never answers; the command is not carried out.
    Hang {
        /// Where.
        at: Stage,
    },
    /// Closes the connection instead of answering; the command is not carried out.
    Close {
        /// Where.
        at: Stage,
    },
    /// Carries the command out and closes the connection before answering.
    AnswerLost {
        /// Where.
        at: Stage,
    },
    /// Carries the command out and closes the connection after so many octets of the answer.
    AnswerCut {
        /// Where.
        at: Stage,
        /// How many octets still arrive.
        octets: usize,
    },
    /// Carries the command out and never answers: of [`Stage::EndOfData`], takes the message and keeps silent.
    AnswerNever {
        /// Where.
        at: Stage,
    },
    /// Answers and closes the connection.
    CloseAfter {
        /// Where.
        at: Stage,
    },
    /// Answers late, by the runtime's clock, real or paused.
    Delay {
        /// Where.
        at: Stage,
        /// How late.
        by: Duration,
    },
    /// Answers without end.
    Endless {
        /// Where.
        at: Stage,
        /// With what.
        flood: Flood,
    },
    /// Sends these octets in the same write behind the answer: behind the 220 to STARTTLS, still in the clear.
    Behind {
        /// Where.
        at: Stage,
        /// The octets, CRLF included.
        octets: Vec<u8>,
    },
    /// Says 220 to STARTTLS, then goes on in plain text.
    StartTlsPlain,
    /// Offers these extensions, whatever the server can do.
    Extensions(Vec<String>),
    /// Refuses every sign-in, and repeats in its answer what was sent.
    EchoCredentials,
    /// Answers RCPT for this address so.
    RefuseRecipient {
        /// Whom, in lower case.
        address: String,
        /// The reply, without CRLF.
        reply: String,
    },
    /// Answers the first RCPT for each address with 450, and takes it from then on.
    Greylist,
    /// Takes so many recipients in one transaction, and answers 452 4.5.3 to the rest.
    TooManyRecipients {
        /// How many.
        after: usize,
    },
    /// Closes the connection in the middle of the data, after so many of its octets.
    CloseAmidData {
        /// How many.
        octets: usize,
    },
    /// Closes once it has read so many octets from the client since the connection began, above TLS. What they complete is
    /// carried out and not answered.
    CutAfterOctets {
        /// How many.
        client_octets: u64,
    },
    /// Closes right behind its nth reply since the connection began; the greeting is the first.
    CutAfterReply(u64),
}

/// What an endless answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flood {
    /// One line that never ends.
    Line,
    /// Lines of one reply that never ends.
    Reply,
}

impl Fault {
    /// Gives this reply instead of carrying the command out.
    pub fn reply(at: Stage, reply: impl AsRef<[u8]>) -> Self {
        Self::Reply { at, octets: reply.as_ref().to_vec() }
    }

    /// Holds for the first `count` occasions only.
    pub fn times(self, count: u32) -> Injection {
        Injection::from(self).times(count)
    }

    /// Lets the first `count` occasions pass.
    pub fn after(self, count: u32) -> Injection {
        Injection::from(self).after(count)
    }

    /// Holds on these connections only; the first one is 1.
    pub fn on_connections(self, connections: impl RangeBounds<u32>) -> Injection {
        Injection::from(self).on_connections(connections)
    }
}
