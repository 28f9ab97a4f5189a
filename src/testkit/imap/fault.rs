//! What a server may do wrong, each thing a value.

use std::time::Duration;

use super::injection::Injection;

/// One thing a server does wrong while it is armed.
///
/// Arm it with [`ImapServer::inject`](super::ImapServer::inject). Without more it holds always and
/// everywhere; [`times`](Self::times), [`after`](Self::after), [`every`](Self::every),
/// [`on_connections`](Self::on_connections), [`in_mailbox`](Self::in_mailbox), [`for_user`](Self::for_user)
/// and [`asking`](Self::asking) narrow it down.
///
/// A `command` is a name in upper case. `FETCH` means `UID FETCH` too, `UID FETCH` only itself; several
/// names are told apart by `|`, and `*` means every command.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Closes the connection before the greeting.
    Refuse,
    /// Takes the connection and never greets, nor answers a TLS handshake.
    SilentConnection,
    /// Greets with these octets; CRLF is added. Samples are in [`wording`](super::wording).
    Greeting(Vec<u8>),
    /// Sends these octets in the same write behind the greeting.
    BehindGreeting(Vec<u8>),
    /// Greets with PREAUTH: the session is this user's at once, and cannot be encrypted any more.
    Preauth {
        /// Whose session it is.
        login: String,
    },
    /// Offers these capabilities, whatever the server can do.
    Capabilities(String),
    /// Says OK to STARTTLS, then goes on in plain text.
    StartTlsPlain,
    /// Answers XOAUTH2 and its like with one challenge after the other, without end.
    ChallengeLoop,
    /// Signs in, then answers every command with BAD and leaves: Exchange without a licence.
    NotConnected,
    /// Closes the connection right after a sign-in that succeeded.
    CloseAfterSignIn,

    /// Never answers the command.
    Hang {
        /// Which command.
        command: String,
    },
    /// Answers the command late.
    Delay {
        /// Which command.
        command: String,
        /// How late.
        by: Duration,
    },
    /// Closes the connection instead of answering; the command was not carried out.
    Close {
        /// Which command.
        command: String,
    },
    /// Carries the command out and closes the connection before answering.
    AnswerLost {
        /// Which command.
        command: String,
    },
    /// Closes the connection after so many octets of the answer.
    CloseAmid {
        /// Which command.
        command: String,
        /// How many octets still arrive.
        octets: usize,
    },
    /// Says BYE and closes after so many untagged responses of the answer.
    ByeAmid {
        /// Which command.
        command: String,
        /// How many responses still arrive.
        responses: usize,
        /// What stands behind `* BYE `.
        text: String,
    },
    /// Says BYE and closes instead of answering; the command was not carried out.
    Bye {
        /// Which command.
        command: String,
        /// What stands behind `* BYE `.
        text: String,
    },
    /// Gives this tagged answer instead of carrying the command out: `NO [OVERQUOTA] full`.
    ///
    /// AUTHENTICATE is answered so once the credentials have been sent.
    Answer {
        /// Which command.
        command: String,
        /// What stands behind the tag.
        text: String,
    },
    /// Gives this tagged answer in place of the `+` that a literal waits for: `NO [OVERQUOTA] full`.
    ///
    /// A literal that does not wait (RFC 7888) is taken all the same.
    LiteralRefused {
        /// Which command.
        command: String,
        /// What stands behind the tag.
        text: String,
    },
    /// Sends these octets before the `+` that a literal waits for.
    BeforeReady {
        /// Which command.
        command: String,
        /// The octets, CRLF included.
        octets: Vec<u8>,
    },
    /// Closes the connection after so many octets of a literal; the command was not carried out.
    CloseAmidLiteral {
        /// Which command.
        command: String,
        /// How many octets are taken.
        octets: usize,
    },
    /// Sends the OK of another tag before the right one.
    ForeignTag {
        /// Which command.
        command: String,
        /// The other tag.
        tag: String,
    },
    /// Sends these octets just before the tagged answer: unknown responses, alerts, continuations.
    Before {
        /// Which command.
        command: String,
        /// The octets, CRLF included.
        octets: Vec<u8>,
    },
    /// Sends these octets in the same write behind the tagged answer.
    Behind {
        /// Which command.
        command: String,
        /// The octets, CRLF included.
        octets: Vec<u8>,
    },
    /// Answers the command without end.
    Endless {
        /// Which command.
        command: String,
        /// With what.
        flood: Flood,
    },

    /// Leaves a message out of FETCH answers, and says OK.
    FetchMissing {
        /// Which message.
        uid: u32,
    },
    /// Answers FETCH with OK and no data.
    FetchEmpty,
    /// Answers NO to every FETCH that includes the message.
    FetchRefused {
        /// Which message.
        uid: u32,
        /// What stands behind `NO `.
        text: String,
    },
    /// Sends `NIL` for every section of the message.
    BodyNil {
        /// Which message.
        uid: u32,
    },
    /// Sends an empty literal for every section of the message.
    BodyEmpty {
        /// Which message.
        uid: u32,
    },
    /// Answers with another message, under that other message's UID.
    WrongUid {
        /// Which message was asked for.
        asked: u32,
        /// Which one is sent.
        sent: u32,
    },
    /// Leaves the UID out of the FETCH answer.
    NoUid {
        /// Which message.
        uid: u32,
    },
    /// Sends sections and everything else in two FETCH answers.
    FetchSplit {
        /// Which message.
        uid: u32,
    },
    /// Sends a section whole where a part of it was asked for.
    RangeIgnored,
    /// Sends a part of a section that begins so many octets behind the one that was asked for, and says so.
    RangeMoved {
        /// How many octets.
        by: usize,
    },
    /// Says this RFC822.SIZE for every message.
    Size {
        /// The lie.
        size: u64,
    },
    /// Expunges the message in the middle of a FETCH, just behind the answer for it.
    ExpungeAmid {
        /// Which message.
        uid: u32,
    },
    /// Sends this value for a FETCH item, asked for or not: `INTERNALDATE` as `NIL`, or
    /// `BODYSTRUCTURE` as [`wording::nested`](super::wording::nested).
    Item {
        /// Which message.
        uid: u32,
        /// The item's name.
        name: String,
        /// The item's value.
        value: String,
    },
    /// Announces a section's literal with these characters between the braces, and sends something else.
    Literal {
        /// Which message.
        uid: u32,
        /// What stands between the braces: `4294967295`, `-1`, `0x10`.
        announced: String,
        /// What follows.
        sent: Sent,
    },

    /// What SELECT, EXAMINE and STATUS say for UIDVALIDITY.
    UidValidity(Told),
    /// What SELECT, EXAMINE and STATUS say for UIDNEXT.
    UidNext(Told),
    /// Numbers the messages in descending order of UID.
    UidDescending,
    /// Answers LIST with OK and no mailbox.
    ListEmpty,
    /// Lists so many mailboxes that do not exist behind those that do.
    ListMany {
        /// How many.
        count: u32,
    },
    /// Says this hierarchy delimiter; `None` is NIL.
    ListDelimiter(Option<char>),
    /// Answers SEARCH with OK and nothing found.
    SearchEmpty,
    /// Finds so many UIDs that do not exist.
    SearchMany {
        /// How many.
        count: u32,
    },
    /// Takes IDLE and never reports anything.
    IdleSilent,
    /// Closes the connection during IDLE.
    IdleDrop {
        /// How long after IDLE began.
        after: Duration,
    },
    /// Says BYE during IDLE and closes the connection.
    IdleBye {
        /// How long after IDLE began.
        after: Duration,
        /// What stands behind `* BYE `.
        text: String,
    },
    /// Ends IDLE by itself, with OK.
    IdleEnds {
        /// How long after IDLE began.
        after: Duration,
    },
    /// Takes DONE and never answers it.
    IdleDeaf,
    /// Reports message counts during IDLE as fast as it can.
    IdleFlood {
        /// How many reports.
        count: u32,
    },
}

/// What an endless answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flood {
    /// One response line that never ends.
    Line,
    /// NUL octets.
    Nul,
    /// `* 1 EXPUNGE`.
    Expunge,
    /// `* n EXISTS` with n growing.
    Exists,
    /// `* n FETCH (FLAGS (\Seen))` with n growing.
    Flags,
    /// `* OK [ALERT] …`.
    Alert,
}

/// What follows the announcement of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// The section as it is, and the rest of the answer.
    Section,
    /// So many octets, then silence.
    ThenSilence(usize),
    /// So many octets, then the end of the stream.
    ThenClose(usize),
    /// Octets without end.
    Endless,
}

/// A number a server states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// Nothing is said.
    Nothing,
    /// This is said.
    Value(u64),
}

/// What a FETCH asks for, as far as faults tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// A whole message or its text.
    Body,
    /// Header fields.
    Header,
    /// Neither: flags, sizes, dates.
    Attributes,
}

impl Fault {
    /// Holds for the first `count` occasions only.
    pub fn times(self, count: u32) -> Injection {
        Injection::from(self).times(count)
    }

    /// Lets the first `count` occasions pass.
    pub fn after(self, count: u32) -> Injection {
        Injection::from(self).after(count)
    }

    /// Holds on each `nth` occasion: 2 is every second one.
    pub fn every(self, nth: u32) -> Injection {
        Injection::from(self).every(nth)
    }

    /// Holds on these connections only; the first one is 1.
    pub fn on_connections(self, connections: impl std::ops::RangeBounds<u32>) -> Injection {
        Injection::from(self).on_connections(connections)
    }

    /// Holds while this mailbox is selected, or named by the command.
    pub fn in_mailbox(self, mailbox: &str) -> Injection {
        Injection::from(self).in_mailbox(mailbox)
    }

    /// Holds for this user's sessions only.
    pub fn for_user(self, login: &str) -> Injection {
        Injection::from(self).for_user(login)
    }

    /// Holds for a FETCH that asks for such a thing only.
    pub fn asking(self, asked: Asked) -> Injection {
        Injection::from(self).asking(asked)
    }
}

/// Whether a fault's `command` means the command of that name.
pub(super) fn means(pattern: &str, name: &str) -> bool {
    pattern.split('|').any(|wanted| {
        wanted == "*" || wanted == name || name.strip_prefix("UID ").is_some_and(|plain| plain == wanted)
    })
}
