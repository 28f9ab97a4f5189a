//! The guard as `async-imap` sees it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Guard;
use crate::imap::wire::response::{Response, Verdict};

/// What the sign-in reads: verdicts and continuations, without text.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.for_sign_in.is_empty() {
                let n = buf.remaining().min(this.for_sign_in.len());
                let octets: Vec<u8> = this.for_sign_in.drain(..n).collect();
                buf.put_slice(&octets);
                return Poll::Ready(Ok(()));
            }
            match this.advance().map_err(std::io::Error::other)? {
                Some(response) => {
                    match &response {
                        Response::Continue(_) => this.for_sign_in.extend(b"+ \r\n"),
                        Response::Tagged { tag, outcome } => {
                            let verdict = match outcome.verdict {
                                Verdict::Ok => "OK",
                                Verdict::No => "NO",
                                Verdict::Bad => "BAD",
                            };
                            this.for_sign_in.extend(format!("{tag} {verdict} .\r\n").bytes());
                        }
                        Response::Bye(_) => this.for_sign_in.extend(b"* BYE .\r\n"),
                        _ => {}
                    }
                    this.heard.push(response);
                    if this.heard.len() > 1_000 {
                        return Poll::Ready(Err(std::io::Error::other(
                            "the server does not stop answering the sign-in",
                        )));
                    }
                }
                None => {
                    this.compact();
                    let mut chunk = [0; 4 << 10];
                    let mut read = ReadBuf::new(&mut chunk);
                    ready!(Pin::new(&mut this.stream).poll_read(cx, &mut read))?;
                    if read.filled().is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    this.buffer.extend_from_slice(read.filled());
                }
            }
        }
    }
}

/// What `async-imap` writes is collected, and each line replaced by the staged one, its tag kept.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.outbox.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        let written = this.outbox.get(this.complete..).unwrap_or_default();
        if written.ends_with(b"\r\n") {
            // A command begins with its tag; what answers a continuation has none.
            let tag = written.iter().position(|b| *b == b' ').map_or(0, |n| n + 1);
            this.outbox.truncate(this.complete + tag);
            this.outbox.extend(this.staged.pop_front().unwrap_or_default());
            this.outbox.extend_from_slice(b"\r\n");
            this.complete = this.outbox.len();
            this.sending = !this.held;
        }
        while this.sending && !this.outbox.is_empty() {
            let n = ready!(Pin::new(&mut this.stream).poll_write(cx, &this.outbox))?;
            if n == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            this.outbox.drain(..n);
            this.complete = this.complete.saturating_sub(n);
        }
        this.sending = false;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
