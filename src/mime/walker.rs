//! The structure of a message (RFC 2046), followed line by line.

use super::body::{Alternative, Body};
use super::content::ContentHeaders;
use super::keep::Keep;
use super::kept_header::{HeaderLine, KeptHeader};
use super::leaf::{Leaf, LeafContent, MAX_TEXT};
use super::part::PartRange;
use crate::types::{Attachment, CleanText, Digest, DraftFile, Hasher};

/// Deepest nesting followed: people's mail has four or five levels.
const MAX_DEPTH: usize = 50;
/// Most parts looked at.
const MAX_PARTS: usize = 1_000;
/// How much of what stands around the parts is looked at to tell whether it is blank.
const MAX_AROUND: usize = 4 * 1024;
/// Longest line that can be a boundary: RFC 2046 §5.1.1 allows 70 characters, no line longer than 998 is whole.
pub(super) const MAX_BOUNDARY_LINE: usize = 1_000;

/// What the walk through a message found.
pub(super) struct Walked {
    pub(super) header: Vec<u8>,
    pub(super) addresses_cut: bool,
    pub(super) body: Body,
    pub(super) attachments: Vec<Attachment>,
    /// What is in the attachments, where that was asked for.
    pub(super) files: Vec<DraftFile>,
    /// Where the content of each attachment lies.
    pub(super) ranges: Vec<PartRange>,
    pub(super) parts: Digest,
    pub(super) unparsed: Option<&'static str>,
}

/// A multipart that is open.
struct Container {
    boundary: Vec<u8>,
    alternative: Option<Alternative>,
    digest: bool,
}

/// What is done with the content of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Body,
    Attachment,
    /// What stands before a multipart's first boundary: shown to nobody, unless no boundary ever comes.
    Preamble,
    /// What stands behind a multipart's last boundary: shown to nobody, but a forger may write there.
    Epilogue,
    /// All that follows once the structure is given up.
    Rest,
}

enum State {
    Header(KeptHeader),
    Content(Role, Box<Leaf>),
    /// Between two parts.
    Between,
}

/// Follows the lines of one message.
pub(super) struct Walker {
    state: State,
    /// The message's own header, once it is complete.
    header: Option<Vec<u8>>,
    addresses_cut: bool,
    open: Vec<Container>,
    count: usize,
    parts: Hasher,
    body: Body,
    attachments: Vec<Attachment>,
    /// What is kept of the attachments.
    keep: Keep,
    ranges: Vec<PartRange>,
    /// How many octets were taken.
    taken: u64,
    /// How long the end of the last line was: it belongs to a boundary that follows.
    line_end: u64,
    /// Where the content began that is being read.
    begun: u64,
    unparsed: Option<&'static str>,
}

/// By what a part ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// A boundary of the multipart open at this level.
    Boundary(usize),
    /// The end of the message.
    Message,
    /// The end of what was given of the message.
    Cut,
}

impl Walker {
    pub(super) fn new() -> Self {
        Self {
            state: State::Header(KeptHeader::of_message()),
            header: None,
            addresses_cut: false,
            open: Vec::new(),
            count: 0,
            parts: Hasher::new(),
            body: Body::default(),
            attachments: Vec::new(),
            keep: Keep::default(),
            ranges: Vec::new(),
            taken: 0,
            line_end: 0,
            begun: 0,
            unparsed: None,
        }
    }

    /// Keeps of the attachments what `keep` says.
    pub(super) fn keeping(keep: Keep) -> Self {
        Self { keep, ..Self::new() }
    }

    /// What is kept of the attachments.
    pub(super) fn keep(&mut self) -> &mut Keep {
        if let State::Content(Role::Attachment, leaf) = &mut self.state {
            self.keep.take(self.attachments.len(), leaf.kept());
        }
        &mut self.keep
    }

    /// Takes the beginning of a line, without its end; `end` is that end if the whole line is there.
    pub(super) fn begin_line(&mut self, line: &[u8], end: Option<&'static [u8]>) {
        let start = self.taken;
        if end.is_some() && line.len() <= MAX_BOUNDARY_LINE && line.starts_with(b"--") && self.boundary(line)
        {
            return self.count(line, end);
        }
        if let State::Header(header) = &mut self.state {
            match header.begin_line(line, end.is_some()) {
                HeaderLine::Taken => return self.count(line, end),
                HeaderLine::End => {
                    self.count(line, end);
                    return self.begin_content(self.taken);
                }
                HeaderLine::Content => self.begin_content(start),
            }
        }
        self.continue_line(line, end);
    }

    /// Takes more of a line.
    pub(super) fn continue_line(&mut self, piece: &[u8], end: Option<&'static [u8]>) {
        match &mut self.state {
            State::Header(header) => header.continue_line(piece),
            State::Content(_, leaf) => leaf.add(piece, end),
            State::Between => {}
        }
        self.count(piece, end);
    }

    fn count(&mut self, octets: &[u8], end: Option<&'static [u8]>) {
        self.line_end = end.map_or(0, |end| end.len() as u64);
        self.taken += octets.len() as u64 + self.line_end;
    }

    /// Acts on a boundary, if the line is one of an open multipart.
    fn boundary(&mut self, line: &[u8]) -> bool {
        if matches!(self.state, State::Content(Role::Rest, _)) {
            return false;
        }
        let text = line.strip_prefix(b"--").unwrap_or(line).trim_ascii_end();
        let level = |text: &[u8]| self.open.iter().rposition(|container| container.boundary == text);
        let (level, closing) = match (level(text), text.strip_suffix(b"--").and_then(level)) {
            (Some(level), _) => (level, false),
            (None, Some(level)) => (level, true),
            (None, None) => return false,
        };
        self.end_part(End::Boundary(level));
        if closing {
            self.open.truncate(level);
            let text = ContentHeaders::of_type("text/plain");
            self.state = State::Content(Role::Epilogue, Box::new(Leaf::new(text, MAX_AROUND)));
            return true;
        }
        self.open.truncate(level + 1);
        self.count += 1;
        self.state = if self.count > MAX_PARTS {
            self.give_up("too many parts");
            State::Content(
                Role::Rest,
                Box::new(Leaf::new(ContentHeaders::of_type("application/octet-stream"), 0)),
            )
        } else {
            State::Header(KeptHeader::of_part())
        };
        true
    }

    /// The first reason is the one that is told.
    fn give_up(&mut self, reason: &'static str) {
        self.unparsed.get_or_insert(reason);
    }

    /// Reads the header that has ended, if one was being read, and begins what it announces.
    fn begin_content(&mut self, at: u64) {
        let State::Header(header) = &mut self.state else { return };
        let header = std::mem::replace(header, KeptHeader::of_part());
        self.begun = at;
        let (block, addresses_cut) = header.finish();
        let in_digest = self.open.last().is_some_and(|container| container.digest);
        let content = ContentHeaders::parse(&block, if in_digest { "message/rfc822" } else { "text/plain" });
        if self.header.is_none() {
            self.header = Some(block);
            self.addresses_cut = addresses_cut;
        }
        self.state = if content.is_multipart() {
            self.begin_multipart(content)
        } else if matches!(content.media_type.as_str(), "text/plain" | "text/html")
            && !content.attachment
            && (content.name.is_empty() || self.open.is_empty())
        {
            State::Content(Role::Body, Box::new(Leaf::new(content, MAX_TEXT)))
        } else {
            State::Content(
                Role::Attachment,
                Box::new(Leaf::new(content, self.keep.begin(self.attachments.len()))),
            )
        };
    }

    fn begin_multipart(&mut self, content: ContentHeaders) -> State {
        let undecoded = |media_type: &str| ContentHeaders {
            name: content.name.clone(),
            ..ContentHeaders::of_type(media_type)
        };
        if self.open.len() >= MAX_DEPTH {
            self.give_up("nested too deeply");
            let leaf = Leaf::new(undecoded(&content.media_type), self.keep.begin(self.attachments.len()));
            return State::Content(Role::Attachment, Box::new(leaf));
        }
        let text = Box::new(Leaf::new(ContentHeaders::of_type("text/plain"), MAX_TEXT));
        let usable = |boundary: &Vec<u8>| !boundary.is_empty() && boundary.len() + 4 <= MAX_BOUNDARY_LINE;
        let Some(boundary) = content.boundary.filter(usable) else {
            self.give_up("a multipart names no boundary");
            return State::Content(Role::Body, text);
        };
        let nested = self.open.iter().any(|container| container.alternative.is_some());
        let alternative = content.media_type == "multipart/alternative" && !nested;
        self.open.push(Container {
            boundary,
            alternative: alternative.then(|| self.body.alternative()),
            digest: content.media_type == "multipart/digest",
        });
        State::Content(Role::Preamble, text)
    }

    /// Ends what is being read.
    fn end_part(&mut self, end: End) {
        if end != End::Cut {
            self.begin_content(self.taken);
        }
        let State::Content(mut role, leaf) = std::mem::replace(&mut self.state, State::Between) else {
            return;
        };
        let at_boundary = matches!(end, End::Boundary(_));
        let part = leaf.finish(at_boundary);
        let blank = part.kept.trim_ascii().is_empty() && part.size <= part.kept.len() as u64;
        // How much there is of a part that was cut depends on what stands before it, transport headers included.
        let digest = if end == End::Cut { Digest::of(b"cut") } else { part.digest };
        if matches!(role, Role::Preamble | Role::Epilogue) {
            let own = matches!(end, End::Boundary(level) if level + 1 == self.open.len());
            if own || blank || role == Role::Epilogue || end == End::Cut {
                if !blank {
                    self.parts.field(b"around the parts");
                    self.parts.field(digest.as_bytes());
                }
                return;
            }
            self.give_up("a multipart's boundary never comes");
            role = Role::Body;
        }
        self.parts.field(part.content.media_type.as_bytes());
        self.parts.field(part.content.name.as_str().as_bytes());
        self.parts.field(digest.as_bytes());
        match role {
            Role::Body => {
                let alternative = self.open.iter_mut().find_map(|container| container.alternative.as_mut());
                self.body.add(&part.content, &part.kept, alternative);
            }
            Role::Attachment => {
                let before_boundary = if at_boundary { self.line_end } else { 0 };
                self.add_attachment(part, before_boundary, end);
            }
            Role::Preamble | Role::Epilogue | Role::Rest => {}
        }
    }

    /// Lists an attachment; the last `line_end` octets that were taken belong to the boundary behind it.
    fn add_attachment(&mut self, part: LeafContent, line_end: u64, end: End) {
        let number = self.attachments.len();
        let length = self.taken.saturating_sub(line_end).saturating_sub(self.begun);
        self.ranges.push(PartRange::new(u32::try_from(number).unwrap_or(u32::MAX), self.begun, length));
        let ended = match end {
            End::Boundary(_) => true,
            End::Message => self.open.is_empty(),
            End::Cut => false,
        };
        self.keep.end(number, &part.content, part.kept, ended);
        let media_type = CleanText::new(&part.content.media_type);
        let mut attachment = Attachment::new(part.content.name, media_type, part.size);
        attachment.content_id = part.content.content_id;
        self.attachments.push(attachment);
    }

    /// Whether content is being read, and no header.
    pub(super) fn is_in_content(&self) -> bool {
        matches!(self.state, State::Content(..))
    }

    /// Ends the message.
    pub(super) fn finish(&mut self) -> Walked {
        self.end_part(End::Message);
        self.walked()
    }

    /// Ends what was given of a message; a part whose header did not end never began.
    pub(super) fn finish_beginning(&mut self) -> Walked {
        if self.header.is_none()
            && let State::Header(header) = std::mem::replace(&mut self.state, State::Between)
        {
            self.header = Some(header.finish_beginning());
            self.addresses_cut = true;
        }
        self.end_part(End::Cut);
        self.walked()
    }

    fn walked(&mut self) -> Walked {
        Walked {
            header: self.header.take().unwrap_or_default(),
            addresses_cut: self.addresses_cut,
            body: std::mem::take(&mut self.body),
            attachments: std::mem::take(&mut self.attachments),
            files: self.keep.files(),
            ranges: std::mem::take(&mut self.ranges),
            parts: std::mem::take(&mut self.parts).finish(),
            unparsed: self.unparsed,
        }
    }
}
