//! How far a request has been handed to its stream.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Sent;

/// Most octets in the write that holds the last one: one record of TLS. Of a longer request everything before is written
/// first, so that the moment from which it may have arrived comes late.
const LAST_WRITE: usize = 16 << 10;
/// What ends a request's head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What is known of a request under way.
#[derive(Debug, Default)]
pub(super) struct Progress {
    taken: AtomicU64,
    last: AtomicBool,
    late: AtomicBool,
}

impl Progress {
    /// Octets the stream took so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    /// Whether the write that holds the last octet was begun.
    pub(super) fn sent(&self) -> Sent {
        if self.last.load(Ordering::SeqCst) { Sent::Maybe } else { Sent::Nothing }
    }

    /// Whether that write was refused since its time was over.
    pub(super) fn is_late(&self) -> bool {
        self.late.load(Ordering::SeqCst)
    }
}

/// A stream that one request is written to.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    progress: Arc<Progress>,
    last_octet_by: Option<Instant>,
    /// How much of [`HEAD_END`] was taken last; all of it once the body is under way.
    ending: usize,
    body_left: usize,
}

impl<S> Watched<S> {
    pub(super) fn new(
        stream: S,
        body: usize,
        last_octet_by: Option<Instant>,
        progress: Arc<Progress>,
    ) -> Self {
        Self { stream, progress, last_octet_by, ending: 0, body_left: body }
    }

    /// Octets from the first of `octets` to the request's last; `None` where the head does not end in them.
    fn left(&self, octets: &[u8]) -> Option<usize> {
        let (head, ending) = head_in(self.ending, octets);
        (ending == HEAD_END.len()).then_some(head + self.body_left)
    }

    fn took(&mut self, octets: &[u8]) {
        let (head, ending) = head_in(self.ending, octets);
        self.ending = ending;
        self.body_left = self.body_left.saturating_sub(octets.len() - head);
        self.progress.taken.fetch_add(octets.len() as u64, Ordering::SeqCst);
    }
}

/// How many of the octets belong to the head, and how much of its end was met.
fn head_in(mut ending: usize, octets: &[u8]) -> (usize, usize) {
    let mut head = 0;
    for octet in octets {
        match HEAD_END.get(ending) {
            None => break,
            Some(expected) if expected == octet => ending += 1,
            Some(_) => ending = usize::from(*octet == b'\r'),
        }
        head += 1;
    }
    (head, ending)
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut piece = buf;
        if let Some(left) = this.left(buf)
            && buf.len() >= left
        {
            if left > LAST_WRITE {
                piece = buf.get(..left - LAST_WRITE).unwrap_or_default();
            } else if this.last_octet_by.is_some_and(|instant| Instant::now() >= instant) {
                this.progress.late.store(true, Ordering::SeqCst);
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            } else {
                this.progress.last.store(true, Ordering::SeqCst);
            }
        }
        let taken = ready!(Pin::new(&mut this.stream).poll_write(cx, piece))?;
        this.took(piece.get(..taken).unwrap_or_default());
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn watched(body: usize, by: Option<Instant>) -> (Watched<Vec<u8>>, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        (Watched::new(Vec::new(), body, by, progress.clone()), progress)
    }

    #[tokio::test]
    async fn only_the_write_with_the_last_octet_makes_it_uncertain() {
        for body in [0, 1, 5, LAST_WRITE, 3 * LAST_WRITE] {
            let request = [&b"POST / HTTP/1.1\r\nx: \r\r\n\r\n"[..], &vec![b'\r'; body]].concat();
            for piece in [1, 3, 7, request.len()] {
                let (mut stream, progress) = watched(body, None);
                for octets in request[..request.len() - 1].chunks(piece) {
                    stream.write_all(octets).await.unwrap();
                    assert_eq!(progress.sent(), Sent::Nothing, "{body} {piece}");
                }
                stream.write_all(&request[request.len() - 1..]).await.unwrap();
                assert_eq!(progress.sent(), Sent::Maybe, "{body} {piece}");
                assert_eq!((progress.taken(), &stream.stream), (request.len() as u64, &request));
            }
        }
    }

    #[tokio::test]
    async fn one_large_write_is_uncertain_at_its_end_only() {
        let request = [&b"\r\n\r\n"[..], &vec![b'x'; 3 * LAST_WRITE]].concat();
        let (mut stream, progress) = watched(3 * LAST_WRITE, None);
        let taken = stream.write(&request).await.unwrap();
        assert_eq!((taken, progress.sent()), (request.len() - LAST_WRITE, Sent::Nothing));
        assert_eq!(stream.write(&request[taken..]).await.unwrap(), LAST_WRITE);
        assert_eq!(progress.sent(), Sent::Maybe);
    }

    #[tokio::test]
    async fn the_last_octet_is_refused_when_its_time_is_over() {
        let (mut stream, progress) = watched(2, Some(Instant::now()));
        stream.write_all(b"\r\n\r\nx").await.unwrap();
        assert_eq!(stream.write_all(b"y").await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(progress.is_late());
        assert_eq!((progress.sent(), stream.stream.as_slice()), (Sent::Nothing, &b"\r\n\r\nx"[..]));
    }
}
