//! Writing a literal: many octets, while the server may already be answering.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::MAX_LINE;

/// Writes some octets of a literal, or flushes where there are none left; answers how many were taken.
///
/// What the server says while it takes nothing is heard: a server that waits for its answer to be read before it reads on
/// would otherwise wait for ever.
pub(super) async fn write_some<S>(stream: &mut S, octets: &[u8], heard: &mut Vec<u8>) -> io::Result<usize>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        if let Poll::Ready(written) = poll_write(stream, cx, octets) {
            return Poll::Ready(written);
        }
        loop {
            if heard.len() > MAX_LINE {
                return Poll::Ready(Err(ErrorKind::InvalidData.into()));
            }
            if ready!(poll_hear(stream, cx, heard))? == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
        }
    })
    .await
}

fn poll_write<S>(stream: &mut S, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>>
where
    S: AsyncWrite + Unpin,
{
    if octets.is_empty() {
        ready!(Pin::new(stream).poll_flush(cx))?;
        return Poll::Ready(Ok(0));
    }
    match ready!(Pin::new(stream).poll_write(cx, octets))? {
        0 => Poll::Ready(Err(ErrorKind::WriteZero.into())),
        written => Poll::Ready(Ok(written)),
    }
}

fn poll_hear<S>(stream: &mut S, cx: &mut Context<'_>, heard: &mut Vec<u8>) -> Poll<io::Result<usize>>
where
    S: AsyncRead + Unpin,
{
    let mut chunk = [0; 4 << 10];
    let mut read = ReadBuf::new(&mut chunk);
    ready!(Pin::new(stream).poll_read(cx, &mut read))?;
    heard.extend_from_slice(read.filled());
    Poll::Ready(Ok(read.filled().len()))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_server_that_answers_before_it_reads_stops_nothing() {
        let (mut here, mut there) = tokio::io::duplex(16);
        let server = tokio::spawn(async move {
            // More than the pipe holds: it is not written before somebody reads it.
            there.write_all(&[b'.'; 100]).await.unwrap();
            let mut taken = vec![0; 1_000];
            there.read_exact(&mut taken).await.unwrap();
            taken
        });
        let sent: Vec<u8> = (0..250).cycle().take(1_000).collect();
        let mut heard = Vec::new();
        let mut left = sent.as_slice();
        while !left.is_empty() {
            left = &left[write_some(&mut here, left, &mut heard).await.unwrap()..];
        }
        assert_eq!(server.await.unwrap(), sent);
        assert_eq!(heard.len(), 100);
    }

    #[tokio::test]
    async fn a_server_that_leaves_or_floods_is_an_error() {
        let (mut here, there) = tokio::io::duplex(16);
        drop(there);
        let mut heard = Vec::new();
        assert!(write_some(&mut here, &[0; 100], &mut heard).await.is_err());

        let (mut here, mut there) = tokio::io::duplex(16);
        let flood = tokio::spawn(async move { while there.write_all(&[b'.'; 4096]).await.is_ok() {} });
        write_some(&mut here, &[0; 100], &mut heard).await.unwrap();
        let error = write_some(&mut here, &[0; 100], &mut heard).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        drop(here);
        flood.await.unwrap();
    }
}
