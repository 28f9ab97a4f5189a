//! The stream under the dialogue.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use super::end_of_data::{END, EndOfData};
use super::reply::{Reply, ReplyReader};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Metered, Stream};

/// Room for one read.
const READ: usize = 4 * 1024;
/// What `lettre` reads in place of a reply, whatever the server said: the reply itself is judged elsewhere, and text of
/// strangers reaches no other parser.
const ANSWERED: &[u8] = b"250 answered\r\n";

/// How far a message has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handover {
    /// Nothing of it: commands are exchanged.
    No,
    /// It is being written, and may be completed until then.
    Until(Instant),
    /// The write that completes it was handed to the stream then.
    Done(Instant),
}

/// Whether the write that completes a message may be made: asked when all of it but that write is out.
#[derive(Debug, Default)]
enum Permit {
    /// The end of the message is not reached.
    #[default]
    NotAsked,
    /// It is, and waits.
    Asked,
    /// It may, until then.
    Granted(Instant),
}

/// What happened on the wire, for those above `lettre`.
#[derive(Debug)]
struct Events {
    reply: Option<Reply>,
    failure: Option<Error>,
    handover: Handover,
    permit: Permit,
    /// Who writes, and who answers for the permit: each waits for the other.
    writer: Option<Waker>,
    warden: Option<Waker>,
}

/// Sees what happens on a wire that `lettre` has.
#[derive(Debug, Clone)]
pub(super) struct Witness(Arc<Mutex<Events>>);

impl Witness {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Events {
            reply: None,
            failure: None,
            handover: Handover::No,
            permit: Permit::NotAsked,
            writer: None,
            warden: None,
        })))
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reply to what was sent last, or why there is none.
    pub(super) fn outcome(&self) -> Result<Reply> {
        let mut events = self.events();
        let lost = || Error::new(ErrorKind::ConnectionLost, "the connection to the server broke");
        events.reply.take().ok_or_else(|| events.failure.take().unwrap_or_else(lost))
    }

    pub(super) fn handover(&self) -> Handover {
        self.events().handover
    }

    pub(super) fn set_handover(&self, handover: Handover) {
        self.events().handover = handover;
    }

    /// Begins a message: whose permit is still to be asked.
    pub(super) fn begin(&self, until: Instant) {
        let mut events = self.events();
        events.handover = Handover::Until(until);
        events.permit = Permit::NotAsked;
    }

    /// Waits until nothing of the message is left but the write that completes it.
    pub(super) async fn at_the_end(&self) {
        std::future::poll_fn(|cx| {
            let mut events = self.events();
            if matches!(events.permit, Permit::Asked) {
                return Poll::Ready(());
            }
            events.warden = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Lets the message be completed until then, or not at all.
    pub(super) fn answer(&self, permit: Result<Instant>) {
        let mut events = self.events();
        match permit {
            Ok(until) => events.permit = Permit::Granted(until),
            Err(error) => events.failure = Some(error),
        }
        if let Some(writer) = events.writer.take() {
            writer.wake();
        }
    }

    /// Ready once the message may be completed; asks for it the first time.
    fn poll_permit(&self, cx: &Context<'_>) -> Poll<Result<()>> {
        let mut events = self.events();
        if let Some(refused) = events.failure.take() {
            return Poll::Ready(Err(refused));
        }
        match events.permit {
            Permit::Granted(until) if Instant::now() < until => return Poll::Ready(Ok(())),
            Permit::Granted(_) => return Poll::Ready(Err(too_late())),
            Permit::NotAsked | Permit::Asked => {}
        }
        events.permit = Permit::Asked;
        events.writer = Some(cx.waker().clone());
        if let Some(warden) = events.warden.take() {
            warden.wake();
        }
        Poll::Pending
    }
}

/// Frames and limits what the server says, and keeps the moment from which on a message may be delivered.
pub(super) struct Wire {
    stream: Metered<Box<dyn Stream>>,
    /// Octets received and not yet framed.
    received: Vec<u8>,
    reader: ReplyReader,
    /// What `lettre` may read now.
    answered: &'static [u8],
    end: EndOfData,
    witness: Witness,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire(..)")
    }
}

impl Wire {
    pub(super) fn new(stream: Metered<Box<dyn Stream>>) -> Self {
        let witness = Witness::new();
        let end = EndOfData::new();
        Self { stream, received: Vec::new(), reader: ReplyReader::default(), answered: b"", end, witness }
    }

    pub(super) fn witness(&self) -> Witness {
        self.witness.clone()
    }

    /// The next reply: for what is said before `lettre` has the wire.
    pub(super) async fn reply(&mut self) -> Result<Reply> {
        std::future::poll_fn(|cx| self.poll_reply(cx)).await
    }

    /// Sends a line and answers the reply: for what is said before `lettre` has the wire.
    pub(super) async fn exchange(&mut self, line: &[u8]) -> Result<Reply> {
        let mut rest = line;
        while !rest.is_empty() {
            let written = std::future::poll_fn(|cx| self.write(cx, rest)).await?;
            rest = rest.get(written..).unwrap_or_default();
        }
        self.stream.flush().await.map_err(lost)?;
        self.reply().await
    }

    /// Has the wire greet once more: `lettre` waits for a greeting, and the server's own is judged before.
    pub(super) fn greeted(mut self) -> Self {
        self.answered = ANSWERED;
        self
    }

    /// The stream, for an upgrade; an error when something arrived that was not asked for, which would otherwise be taken for
    /// an answer inside the encryption.
    pub(super) fn into_stream(self) -> Result<Box<dyn Stream>> {
        if self.received.is_empty() && !self.reader.is_amid() {
            return Ok(self.stream.into_inner());
        }
        Err(Error::new(ErrorKind::Protocol, "the server sent plain text behind its answer to STARTTLS"))
    }

    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        loop {
            let (used, reply) = self.reader.take(&self.received)?;
            self.received.drain(..used);
            if let Some(reply) = reply {
                return Poll::Ready(Ok(reply));
            }
            ready!(poll_fill(Pin::new(&mut self.stream), cx, &mut self.received))?;
        }
    }

    /// Refuses to go on when the server spoke without being asked: its next words would be taken for the answer to what is
    /// written now. Most often it says that it is leaving, or has left.
    fn refuse_unasked(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if self.received.is_empty() {
            // Below the meter: nothing is waited for.
            match poll_fill(Pin::new(self.stream.get_mut()), cx, &mut self.received) {
                Poll::Pending => return Ok(()),
                Poll::Ready(filled) => filled?,
            }
        }
        if let Ok((_, Some(reply))) = self.reader.take(&self.received)
            && (reply.is_transient() || reply.is_permanent())
        {
            self.witness.events().reply = Some(reply);
        }
        Err(Error::new(ErrorKind::Protocol, "the server answered before it was asked"))
    }

    /// How much of `octets` may be written now, while a message is. What completes it goes in a write of its own.
    fn permitted(&self, octets: &[u8]) -> Result<Writing> {
        match self.witness.handover() {
            Handover::No => Ok(Writing { count: octets.len(), completes: false }),
            Handover::Until(until) if Instant::now() >= until => Err(too_late()),
            Handover::Until(_) => Ok(match self.end.completed_at(octets) {
                Some(before) if before < END.len() => Writing { count: before + 1, completes: true },
                Some(before) => Writing { count: before + 1 - END.len(), completes: false },
                None => Writing { count: octets.len(), completes: false },
            }),
            // Nothing follows a message before it is answered.
            Handover::Done(_) => Err(Error::new(ErrorKind::Protocol, "a message was written twice")),
        }
    }

    fn fail(&self, error: Error) -> io::Error {
        self.witness.events().failure.get_or_insert(error);
        io::Error::other("refused by the wire")
    }

    fn write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<Result<usize>> {
        self.refuse_unasked(cx)?;
        let writing = self.permitted(octets)?;
        let before = self.witness.handover();
        if writing.completes {
            ready!(self.witness.poll_permit(cx))?;
            self.witness.set_handover(Handover::Done(Instant::now()));
        }
        let octets = octets.get(..writing.count).unwrap_or_default();
        match Pin::new(&mut self.stream).poll_write(cx, octets) {
            Poll::Pending => {
                // The stream took nothing, and asks to be offered it again.
                self.witness.set_handover(before);
                Poll::Pending
            }
            Poll::Ready(Ok(written)) => {
                if before == Handover::No {
                    self.end = EndOfData::new();
                } else {
                    self.end.wrote(octets.get(..written).unwrap_or_default());
                }
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(lost(error))),
        }
    }
}

/// What may be written now.
struct Writing {
    count: usize,
    /// Whether the message is complete with it.
    completes: bool,
}

/// Reads once more; the end of the stream is an error.
fn poll_fill(
    stream: Pin<&mut impl AsyncRead>,
    cx: &mut Context<'_>,
    received: &mut Vec<u8>,
) -> Poll<Result<()>> {
    let mut octets = [0; READ];
    let mut buffer = ReadBuf::new(&mut octets);
    match ready!(stream.poll_read(cx, &mut buffer)) {
        Ok(()) if buffer.filled().is_empty() => {
            Poll::Ready(Err(Error::new(ErrorKind::ConnectionLost, "the server closed the connection")))
        }
        Ok(()) => {
            received.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(()))
        }
        Err(error) => Poll::Ready(Err(lost(error))),
    }
}

fn too_late() -> Error {
    Error::new(ErrorKind::FenceLost, "the time to hand the message over has run out")
}

fn lost(error: io::Error) -> Error {
    Error::new(ErrorKind::ConnectionLost, "the connection to the server broke").with_source(error)
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.answered.is_empty() {
            match ready!(wire.poll_reply(cx)) {
                Ok(reply) => wire.witness.events().reply = Some(reply),
                Err(error) => return Poll::Ready(Err(wire.fail(error))),
            }
            wire.answered = ANSWERED;
        }
        let (now, later) = wire.answered.split_at(wire.answered.len().min(buf.remaining()));
        buf.put_slice(now);
        wire.answered = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        ready!(wire.write(cx, buf))
            .map_or_else(|error| Poll::Ready(Err(wire.fail(error))), |n| Poll::Ready(Ok(n)))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        ready!(Pin::new(&mut wire.stream).poll_flush(cx))
            .map_or_else(|error| Poll::Ready(Err(wire.fail(lost(error)))), |()| Poll::Ready(Ok(())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
