//! The guard: everything a server sends passes through here first.

mod sign_in;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::cursor::{announced_literal, ends_inside_quotes};
use super::fetch::{FetchReader, Wanted};
use super::literal;
use super::parse::{fetch_begins, is_status, parse};
use super::response::{Body, Response};
use super::{CHUNK, MAX_ANSWER, MAX_KEPT_LITERAL, MAX_LINE, MAX_RANGE, MAX_RESPONSES, NEWS, READ};
use crate::error::{Error, ErrorKind, Result};

/// Frames and limits what a server sends; collects commands until they are sent in one write.
///
/// Below it is the stream. Above it are two readers: [`next`](Self::next), which yields [`Response`]s, and, during
/// sign-in only, `async-imap`, which gets to see tags, verdicts and `+` and nothing else. What it writes is replaced by
/// staged lines, so that credentials and names stay in this module.
pub(in crate::imap) struct Guard<S> {
    stream: S,
    read_timeout: Duration,
    /// Octets received and not yet framed.
    buffer: Vec<u8>,
    at: usize,
    /// Commands not yet sent.
    outbox: Vec<u8>,
    /// Lines that take the place of what the sign-in writes.
    staged: VecDeque<Vec<u8>>,
    /// What the sign-in may read.
    for_sign_in: VecDeque<u8>,
    /// What was said while signing in.
    heard: Vec<Response>,
    /// How much of the outbox is whole lines.
    complete: usize,
    /// Whether lines wait for [`send`](Self::send).
    held: bool,
    /// Whether the sign-in's line is on its way.
    sending: bool,
    /// A FETCH response under way.
    fetch: Option<Fetching>,
    answer_octets: u64,
    responses: u64,
}

impl<S> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard(..)")
    }
}

fn protocol(message: &'static str) -> Error {
    Error::new(ErrorKind::Protocol, message)
}

fn limit(message: &'static str) -> Error {
    Error::new(ErrorKind::LimitExceeded, message)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    pub(in crate::imap) fn new(stream: S, read_timeout: Duration) -> Self {
        Self {
            stream,
            read_timeout,
            buffer: Vec::new(),
            at: 0,
            outbox: Vec::new(),
            staged: VecDeque::new(),
            for_sign_in: VecDeque::new(),
            heard: Vec::new(),
            complete: 0,
            held: false,
            sending: false,
            fetch: None,
            answer_octets: 0,
            responses: 0,
        }
    }

    /// The stream, for an upgrade; an error when something arrived that was not asked for, which would otherwise be taken
    /// for an answer inside the encryption.
    pub(in crate::imap) fn into_stream(self) -> Result<S> {
        if self.buffer.len() > self.at {
            return Err(protocol("the server sent plain text behind its answer to STARTTLS"));
        }
        Ok(self.stream)
    }

    /// Lines that take the place of what `async-imap` writes, in order.
    pub(in crate::imap) fn stage(&mut self, lines: impl IntoIterator<Item = Vec<u8>>) {
        self.staged = lines.into_iter().collect();
    }

    /// From now on lines wait for [`send`](Self::send), so that several commands leave in one write.
    pub(in crate::imap) fn hold(&mut self) {
        self.held = true;
    }

    /// What was said while signing in.
    pub(in crate::imap) fn take_heard(&mut self) -> Vec<Response> {
        std::mem::take(&mut self.heard)
    }

    /// Adds a line to what is sent next.
    pub(in crate::imap) fn queue_line(&mut self, line: &[u8]) {
        self.outbox.extend_from_slice(line);
        self.outbox.extend_from_slice(b"\r\n");
        self.complete = self.outbox.len();
    }

    /// Sends everything queued, in one write where the stream takes it.
    pub(in crate::imap) async fn send(&mut self) -> Result<()> {
        let outbox = std::mem::take(&mut self.outbox);
        self.complete = 0;
        if outbox.is_empty() {
            return Ok(());
        }
        let sending = async {
            self.stream.write_all(&outbox).await?;
            self.stream.flush().await
        };
        match timeout(self.read_timeout, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "the server did not take a command in time")),
        }
    }

    /// Sends the octets of a literal that was announced, and the line end behind them. What the server says meanwhile is
    /// kept for [`next`](Self::next).
    pub(in crate::imap) async fn send_literal(&mut self, octets: &[u8]) -> Result<()> {
        for mut piece in octets.chunks(CHUNK).chain([&b"\r\n"[..]]) {
            while !piece.is_empty() {
                let taken = self.write_some(piece).await?;
                piece = piece.get(taken..).unwrap_or_default();
            }
        }
        self.write_some(&[]).await.map(drop)
    }

    async fn write_some(&mut self, octets: &[u8]) -> Result<usize> {
        let writing = literal::write_some(&mut self.stream, octets, &mut self.buffer);
        match timeout(self.read_timeout, writing).await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(limit("the server does not stop talking while a message is sent to it"))
            }
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "the server did not take a message in time")),
        }
    }

    /// Forgets the octets counted: a new command begins.
    pub(in crate::imap) fn reset_limits(&mut self) {
        self.answer_octets = 0;
        self.responses = 0;
    }

    /// The next response.
    pub(in crate::imap) async fn next(&mut self) -> Result<Response> {
        loop {
            if let Some(response) = self.advance()? {
                return Ok(response);
            }
            self.compact();
            self.buffer.reserve(READ);
            let read = timeout(self.read_timeout, self.stream.read_buf(&mut self.buffer)).await;
            let n = match read {
                Ok(Ok(n)) => n,
                Ok(Err(error)) => return Err(lost(&error)),
                Err(_) => return Err(Error::new(ErrorKind::TimedOut, "the server did not answer in time")),
            };
            if n == 0 {
                return Err(closed());
            }
        }
    }

    /// The next response, however long it takes; `None` when `deadline` has passed without one. As long as nothing comes, no
    /// room is held for it.
    ///
    /// # Cancel safety
    /// Safe: octets received stay in the guard until they make a response.
    pub(in crate::imap) async fn next_before(&mut self, deadline: Instant) -> Result<Option<Response>> {
        loop {
            if let Some(response) = self.advance()? {
                return Ok(Some(response));
            }
            self.compact();
            if self.buffer.is_empty() {
                self.buffer = Vec::new();
            }
            self.buffer.reserve(NEWS);
            match timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(0)) => return Err(closed()),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(lost(&error)),
                Err(_) => return Ok(None),
            }
        }
    }

    fn compact(&mut self) {
        self.buffer.drain(..self.at.min(self.buffer.len()));
        self.at = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * CHUNK {
            self.buffer.shrink_to(CHUNK);
        }
    }

    /// Takes a line off the buffer, without its line end.
    fn line(&mut self, from: usize) -> Result<Option<(usize, usize)>> {
        let start = self.at + from;
        let window = self.buffer.get(start..).unwrap_or_default();
        match window.iter().position(|b| *b == b'\n') {
            Some(end) if end <= MAX_LINE => {
                let bare = end - usize::from(end > 0 && window.get(end - 1) == Some(&b'\r'));
                Ok(Some((start + bare, start + end + 1)))
            }
            None if window.len() <= MAX_LINE => Ok(None),
            _ => Err(limit("the server sent a line that does not end")),
        }
    }

    /// Frames one response, or a part of one, out of the buffer; `None` when more octets are needed.
    fn advance(&mut self) -> Result<Option<Response>> {
        if let Some(reading) = self.fetch.take() {
            return self.advance_fetch(reading);
        }
        let Some((end, next)) = self.line(0)? else { return Ok(None) };
        let line = self.buffer.get(self.at..end).unwrap_or_default();
        if let Some((sequence, items)) = fetch_begins(line) {
            self.at += items;
            return self.advance_fetch(Fetching { reader: FetchReader::new(sequence), literal: None });
        }
        // Status responses are free text: a brace at their end is one.
        let free_text = is_status(line);
        let mut literals = Vec::new();
        let mut pieces = vec![line.to_vec()];
        let (mut used, mut last) = (next - self.at, (end, next));
        loop {
            let tail = pieces.last().map(Vec::as_slice).unwrap_or_default();
            if free_text || ends_inside_quotes(tail) {
                break;
            }
            let announced = announced_literal(tail)
                .map_err(|()| protocol("the server announced a literal without a length"))?;
            let Some(length) = announced else { break };
            let length = usize::try_from(length).ok().filter(|n| used + n <= MAX_LINE);
            let length = length.ok_or_else(|| limit("the server sent a name or line that is too long"))?;
            let from = last.1;
            let Some(literal) = self.buffer.get(from..from + length) else { return Ok(None) };
            literals.push(literal.to_vec());
            let Some((end, next)) = self.line(from - self.at + length)? else { return Ok(None) };
            pieces.push(self.buffer.get(from + length..end).unwrap_or_default().to_vec());
            used = next - self.at;
            last = (end, next);
        }
        self.at = last.1;
        self.count(used as u64)?;
        Ok(Some(parse(&pieces, &literals)))
    }

    fn count(&mut self, octets: u64) -> Result<()> {
        self.answer_octets = self.answer_octets.saturating_add(octets);
        self.responses += 1;
        if self.answer_octets > MAX_ANSWER || self.responses > MAX_RESPONSES {
            return Err(limit("the server does not stop answering one command"));
        }
        Ok(())
    }

    /// Goes on with a FETCH response: line, literal, line, literal, line.
    fn advance_fetch(&mut self, mut reading: Fetching) -> Result<Option<Response>> {
        loop {
            if let Some(literal) = &mut reading.literal {
                let pending = self.buffer.get(self.at..).unwrap_or_default();
                let available =
                    usize::try_from(literal.left).unwrap_or(usize::MAX).min(pending.len()).min(CHUNK);
                let piece = pending.get(..available).unwrap_or_default();
                // A body is handed on in whole chunks: fewer and larger pieces for the parser and the blob store.
                let waits =
                    literal.wanted == Wanted::Body && available < CHUNK && available as u64 != literal.left;
                if literal.left > 0 && (available == 0 || waits) {
                    self.fetch = Some(reading);
                    return Ok(None);
                }
                self.at += available;
                literal.left -= available as u64;
                if literal.wanted == Wanted::Body && available > 0 {
                    let chunk = piece.to_vec();
                    self.fetch = Some(reading);
                    return Ok(Some(Response::BodyChunk(chunk)));
                }
                if matches!(literal.wanted, Wanted::Headers | Wanted::Label | Wanted::Range) {
                    let room = MAX_KEPT_LITERAL - literal.kept.len().min(MAX_KEPT_LITERAL);
                    literal.kept.extend(piece.get(..available.min(room)).unwrap_or_default());
                }
                if literal.left > 0 {
                    continue;
                }
                if let Some(done) = reading.literal.take() {
                    reading.reader.kept(done.wanted, done.kept);
                }
            }
            let Some((end, next)) = self.line(0)? else {
                self.fetch = Some(reading);
                return Ok(None);
            };
            let line = self.buffer.get(self.at..end).unwrap_or_default();
            let announced = if ends_inside_quotes(line) { Ok(None) } else { announced_literal(line) };
            let announced =
                announced.map_err(|()| protocol("the server announced a literal without a length"))?;
            let wanted = reading.reader.line(line, announced.is_some());
            let octets = next - self.at;
            self.at = next;
            self.count(octets as u64)?;
            let Some(left) = announced else {
                let whole = wanted.is_some() && reading.reader.closed;
                let mut fetched = reading.reader.fetched;
                if !whole {
                    // A body that is not followed by the end of its response was not the whole body: it is nobody's.
                    (fetched.sequence, fetched.uid) = (0, None);
                }
                let told = whole || fetched.body == Body::Streamed;
                return Ok(Some(if told { Response::Fetch(Box::new(fetched)) } else { Response::Other }));
            };
            let wanted =
                wanted.ok_or_else(|| protocol("the server sent a FETCH response that cannot be read"))?;
            if wanted == Wanted::Range && left > MAX_RANGE as u64 {
                return Err(protocol("the server sent more of a message than it was asked for"));
            }
            if wanted != Wanted::Body {
                self.count(left)?;
            }
            reading.literal = Some(Literal { wanted, left, kept: Vec::new() });
            if wanted == Wanted::Body {
                reading.reader.fetched.body = if left == 0 { Body::Empty } else { Body::Streamed };
                if left > 0 {
                    self.fetch = Some(reading);
                    return Ok(Some(Response::BodyStart));
                }
            }
        }
    }
}

/// A FETCH response under way.
struct Fetching {
    reader: FetchReader,
    literal: Option<Literal>,
}

/// A literal under way.
struct Literal {
    wanted: Wanted,
    left: u64,
    kept: Vec<u8>,
}

fn closed() -> Error {
    Error::new(ErrorKind::ConnectionLost, "the server closed the connection")
}

fn lost(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::ConnectionLost, format!("the connection broke ({:?})", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn while_news_are_waited_for_no_room_is_held() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let mut guard = Guard::new(ours, Duration::from_secs(5));
        theirs.write_all(&b"* 17 EXISTS\r\n".repeat(40_000)).await.unwrap();
        let deadline = || Instant::now() + Duration::from_secs(1);
        while guard.next_before(deadline()).await.unwrap().is_some() {}
        assert!(guard.buffer.capacity() <= 2 * NEWS, "{}", guard.buffer.capacity());
        theirs.write_all(b"* 18 EX").await.unwrap();
        assert_eq!(guard.next_before(deadline()).await.unwrap(), None);
        theirs.write_all(b"ISTS\r\n").await.unwrap();
        assert_eq!(guard.next_before(deadline()).await.unwrap(), Some(Response::Exists(18)));
    }
}
