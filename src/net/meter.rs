//! Counting what a session uses of the network.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Figures of one session, above TLS. A round trip is a time the session began to wait with nothing buffered after a write.
#[derive(Debug, Default)]
pub struct Meter {
    round_trips: AtomicU64,
    octets_in: AtomicU64,
    octets_out: AtomicU64,
    wrote: AtomicBool,
}

impl Meter {
    /// Round trips so far.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Octets received so far.
    pub fn octets_in(&self) -> u64 {
        self.octets_in.load(Ordering::Relaxed)
    }

    /// Octets sent so far.
    pub fn octets_out(&self) -> u64 {
        self.octets_out.load(Ordering::Relaxed)
    }

    /// Counts a round trip below the stream: the handshakes of TCP and TLS.
    pub(super) fn handshake(&self) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
    }

    fn waits(&self) {
        if self.wrote.swap(false, Ordering::Relaxed) {
            self.round_trips.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A stream whose use is counted.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
}

impl<S> Metered<S> {
    pub(crate) fn new(stream: S, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }

    /// The stream itself, for looking at what nobody waits for.
    pub(crate) fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        if poll.is_pending() {
            self.meter.waits();
        }
        ready!(poll)?;
        self.meter.octets_in.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.meter.octets_out.fetch_add(written as u64, Ordering::Relaxed);
        self.meter.wrote.store(true, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
