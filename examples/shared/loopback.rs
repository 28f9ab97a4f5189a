//! Where a browser comes back to at a program on its user's own machine (RFC 8252 §7.3): a port of loopback, for as long as it
//! takes. A product on the web has a page of its own instead.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a browser may take over a request; connections it opens ahead and does not use end with it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest head of a request that is read.
const HEAD: usize = 16 * 1024;

const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>Done</title>\
                    <p>That was it. You can close this window and go back to the program.</p>";

/// A port that waits for a browser.
pub(crate) struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    /// Listens on this port of the machine itself; 0 is any that is free.
    pub(crate) async fn listen(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The port.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The query the browser comes back with. Its user is told that the window can be closed.
    pub(crate) async fn query(&self) -> io::Result<String> {
        let (found, mut queries) = mpsc::channel(1);
        loop {
            tokio::select! {
                Some(query) = queries.recv() => return Ok(query),
                accepted = self.listener.accept() => {
                    let (stream, found) = (accepted?.0, found.clone());
                    // Who asks for something else, an icon say, is none of the callback's.
                    tokio::spawn(timeout(PATIENCE, async move {
                        if let Ok(Some(query)) = answer(stream).await {
                            let _taken = found.send(query).await;
                        }
                    }));
                }
            }
        }
    }
}

/// Answers a request; of the callback, the query.
async fn answer(mut stream: TcpStream) -> io::Result<Option<String>> {
    let (mut head, mut octets) = (Vec::new(), [0; 2048]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut octets).await?;
        if read == 0 || head.len() > HEAD {
            return Ok(None);
        }
        head.extend_from_slice(&octets[..read]);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let query = target.split_once('?').map(|(_, query)| query.to_owned());
    let query = query.filter(|query| query.split('&').any(|parameter| parameter.starts_with("state=")));
    let (status, page) = if query.is_some() { ("200 OK", PAGE) } else { ("404 Not Found", "") };
    let length = page.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(query)
}
