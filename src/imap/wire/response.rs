//! What a server says, as values.

use crate::types::{MailboxName, Uid};

/// OK, NO or BAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::imap) enum Verdict {
    Ok,
    No,
    Bad,
}

/// How a command, or the server, ends something: verdict, response code and text.
///
/// Code and text may quote what was sent, so neither is printed.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::imap) struct Outcome {
    pub(in crate::imap) verdict: Verdict,
    /// What stands in the brackets, as it came.
    pub(in crate::imap) code: Option<String>,
    pub(in crate::imap) text: String,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outcome({:?})", self.verdict)
    }
}

impl Outcome {
    /// Reads what stands behind OK, NO, BAD or BYE.
    pub(super) fn parse(verdict: Verdict, rest: &[u8]) -> Self {
        let rest = String::from_utf8_lossy(rest);
        let rest = rest.trim();
        let (code, text) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            Some((code, text)) => (Some(code.to_owned()), text.trim()),
            None => (None, rest),
        };
        Self { verdict, code, text: text.to_owned() }
    }

    /// The value of a response code `NAME value`.
    pub(in crate::imap) fn code_value(&self, name: &str) -> Option<&str> {
        let code = self.code.as_deref()?;
        let (first, rest) = code.split_once(' ').unwrap_or((code, ""));
        first.eq_ignore_ascii_case(name).then_some(rest)
    }
}

/// One row of LIST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::imap) struct ListRow {
    /// Lower case, without the backslash.
    pub(in crate::imap) attributes: Vec<String>,
    pub(in crate::imap) delimiter: Option<u8>,
    pub(in crate::imap) name: MailboxName,
}

/// One FETCH response, its body aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::imap) struct Fetched {
    pub(in crate::imap) sequence: u32,
    pub(in crate::imap) uid: Option<Uid>,
    pub(in crate::imap) size: Option<u64>,
    /// Lower case.
    pub(in crate::imap) flags: Option<Vec<String>>,
    pub(in crate::imap) internal_date: Option<String>,
    pub(in crate::imap) labels: Option<Vec<Vec<u8>>>,
    /// The literal of BODY[HEADER.FIELDS (..)].
    pub(in crate::imap) headers: Option<Vec<u8>>,
    /// What came as BODY[].
    pub(in crate::imap) body: Body,
    /// What came as BODY[]<origin>.
    pub(in crate::imap) range: Option<FetchedRange>,
    /// The conversation, as X-GM-THRID or THREADID tells it.
    pub(in crate::imap) thread: Option<String>,
}

/// A part of BODY[], and where it says that it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::imap) struct FetchedRange {
    pub(in crate::imap) origin: u64,
    pub(in crate::imap) octets: Vec<u8>,
}

/// What came as BODY[] of one FETCH response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::imap) enum Body {
    /// There was no such item.
    #[default]
    Absent,
    /// NIL, or a string without octets.
    Empty,
    /// It was handed over in chunks before.
    Streamed,
}

/// One thing the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::imap) enum Response {
    /// A command ended.
    Tagged {
        tag: String,
        outcome: Outcome,
    },
    /// `+`, and the text behind it.
    Continue(String),
    /// An untagged OK, NO or BAD.
    Status(Outcome),
    /// BYE: the connection ends.
    Bye(Outcome),
    /// PREAUTH.
    PreAuth,
    Capability(Vec<String>),
    Exists(u32),
    Expunge(u32),
    List(ListRow),
    MailboxStatus {
        name: MailboxName,
        items: Vec<(String, u64)>,
    },
    /// UIDs, ranges inclusive.
    Search(Vec<(u32, u32)>),
    /// A body begins; chunks follow, then the response it stands in.
    BodyStart,
    BodyChunk(Vec<u8>),
    Fetch(Box<Fetched>),
    /// Anything that is of no interest here, or cannot be read.
    Other,
}
