//! One message's FETCH response.

use super::{
    date,
    fault::{Flood, Sent},
    reply::{Chunk, Response, Then, astring},
    section::SectionItem,
    store::{Message, Store},
};

/// Something a FETCH asks for.
pub(super) enum Item {
    Uid,
    Flags,
    Size,
    InternalDate,
    ModSeq,
    GmailId,
    GmailThread,
    GmailLabels,
    EmailId,
    ThreadId,
    Section(SectionItem),
}

/// How a section's octets come out wrong.
pub(super) enum Wrong {
    Nil,
    Empty,
    Literal(String, Sent),
}

/// One message's answer under way.
pub(super) struct Answer<'a> {
    pub(super) store: &'a Store,
    pub(super) mailbox: u64,
    pub(super) number: u32,
    pub(super) message: &'a Message,
    pub(super) size: Option<u64>,
    pub(super) wrong: Option<Wrong>,
    pub(super) range: Option<OtherRange>,
}

/// What is sent in place of the part of a section that was asked for.
pub(super) enum OtherRange {
    Whole,
    Moved(usize),
}

impl Item {
    pub(super) fn label(&self) -> &str {
        match self {
            Self::Uid => "UID",
            Self::Flags => "FLAGS",
            Self::Size => "RFC822.SIZE",
            Self::InternalDate => "INTERNALDATE",
            Self::ModSeq => "MODSEQ",
            Self::GmailId => "X-GM-MSGID",
            Self::GmailThread => "X-GM-THRID",
            Self::GmailLabels => "X-GM-LABELS",
            Self::EmailId => "EMAILID",
            Self::ThreadId => "THREADID",
            Self::Section(section) => &section.label,
        }
    }
}

impl Answer<'_> {
    /// The FETCH response, and what follows if a fault cuts it off.
    pub(super) fn response(&self, items: &[&Item], extra: &[(String, String)]) -> (Response, Option<Then>) {
        let message = self.message;
        let mut response = Response::default();
        response.text(format!("* {} FETCH (", self.number));
        let mut between = "";
        for (name, value) in extra {
            response.text(format!("{between}{name} {value}"));
            between = " ";
        }
        for item in items {
            response.text(format!("{between}{} ", self.label(item)));
            between = " ";
            match item {
                Item::Uid => response.text(message.uid.to_string()),
                Item::Flags => response.text(flag_list(message)),
                Item::Size => {
                    let size = u64::try_from(message.octets.len()).unwrap_or(u64::MAX);
                    response.text(self.size.unwrap_or(size).to_string());
                }
                Item::InternalDate => {
                    response.text(format!("\"{}\"", date::date_time(message.internal_date)));
                }
                Item::ModSeq => response.text(format!("({})", message.modseq)),
                Item::GmailId => response.text(message.gmail_id.to_string()),
                Item::GmailThread => response.text(message.gmail_thread.to_string()),
                Item::GmailLabels => response.text(self.labels()),
                Item::EmailId => response.text(format!("(M{})", message.gmail_id)),
                Item::ThreadId => response.text(format!("(T{})", message.gmail_thread)),
                Item::Section(asked) => {
                    if let Some(then) = self.section(asked, &mut response) {
                        return (response, Some(then));
                    }
                }
            }
        }
        response.text(")\r\n");
        (response, None)
    }

    fn label(&self, item: &Item) -> String {
        match item {
            Item::Section(asked) => match self.partial(asked) {
                Some((offset, _)) => format!("{}<{offset}>", asked.label),
                None => asked.label.clone(),
            },
            item => item.label().to_owned(),
        }
    }

    /// The part of a section that is answered.
    fn partial(&self, asked: &SectionItem) -> Option<(usize, usize)> {
        let (offset, count) = asked.partial?;
        match self.range {
            None => Some((offset, count)),
            Some(OtherRange::Whole) => None,
            Some(OtherRange::Moved(by)) => Some((offset.saturating_add(by), count)),
        }
    }

    fn section(&self, asked: &SectionItem, response: &mut Response) -> Option<Then> {
        let (octets, range) = asked.section.of(&self.message.octets);
        let (offset, count) = self.partial(asked).unwrap_or((0, usize::MAX));
        let start = range.start.saturating_add(offset).min(range.end);
        let range = start..start.saturating_add(count).min(range.end);
        match &self.wrong {
            None => response.literal(&octets, range),
            Some(Wrong::Nil) => response.text("NIL"),
            Some(Wrong::Empty) => response.text("{0}\r\n"),
            Some(Wrong::Literal(announced, sent)) => {
                response.text(format!("{{{announced}}}\r\n"));
                let (kept, then) = match sent {
                    Sent::Section => (usize::MAX, None),
                    Sent::ThenSilence(count) => (*count, Some(Then::Stall)),
                    Sent::ThenClose(count) => (*count, Some(Then::Close)),
                    Sent::Endless => (usize::MAX, Some(Then::Flood(Flood::Line))),
                };
                let end = range.start.saturating_add(kept).min(range.end);
                response.0.push(Chunk::Octets(octets, range.start..end));
                return then;
            }
        }
        None
    }

    fn labels(&self) -> Vec<u8> {
        let labels = self.store.labels_of(self.mailbox, self.message.gmail_id);
        // System labels are quoted like any name that is no atom; the backslash makes them so.
        let words: Vec<Vec<u8>> = labels.iter().map(|label| astring(label)).collect();
        [b"(".as_slice(), &words.join(&b' '), b")"].concat()
    }
}

/// A message's flags as FETCH tells them.
pub(super) fn flag_list(message: &Message) -> String {
    let mut flags: Vec<&str> = message.flags.iter().map(String::as_str).collect();
    if message.recent {
        flags.push("\\Recent");
    }
    format!("({})", flags.join(" "))
}
