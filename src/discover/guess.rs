//! Usual names, tested up to the greeting: nothing is signed in, nothing secret is sent.

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::sources::filled;
use super::{GuessedServer, Source, Sources, Suggestion};
use crate::net::{Dialer, Meter, Stream};
use crate::settings::{Login, ServerSettings, TlsMode};
use crate::types::Address;

/// Longest line, and most lines, of a server that greets.
const MAX_LINE: usize = 2_048;
const MAX_LINES: usize = 100;

/// How servers of a protocol begin.
struct Opening {
    greeting: &'static str,
    /// Commands up to STARTTLS, each with how the last line of its answer begins.
    start_tls: &'static [(&'static str, &'static str)],
}

const IMAP: Opening = Opening { greeting: "* OK", start_tls: &[("a STARTTLS\r\n", "a OK")] };
const SMTP: Opening =
    Opening { greeting: "220 ", start_tls: &[("EHLO [127.0.0.1]\r\n", "250 "), ("STARTTLS\r\n", "220 ")] };

/// The first of the guessed servers that greet as they should, over TLS with a good certificate.
pub(super) async fn guess(dialer: &Dialer, sources: &Sources, address: &Address) -> Option<Suggestion> {
    let login = Login::new(&address.to_string()).ok()?;
    let servers = |guesses: &[GuessedServer]| {
        let server = |guess: &GuessedServer| {
            let host = filled(&guess.host, address.domain().as_str(), None);
            let server = ServerSettings::new(&host, guess.port, guess.tls).ok()?;
            Some(match &sources.ca_pem {
                Some(pem) => server.with_ca(pem.clone()),
                None => server,
            })
        };
        guesses.iter().filter_map(server).collect::<Vec<_>>()
    };
    let (incoming, outgoing) = (servers(&sources.incoming), servers(&sources.outgoing));
    let (incoming, outgoing) = tokio::join!(
        first_that_greets(dialer, &incoming, &IMAP),
        first_that_greets(dialer, &outgoing, &SMTP)
    );
    let outgoing = outgoing.map(|server| (server, login.clone()));
    Some(Suggestion { outgoing, ..Suggestion::new(incoming?, login, Source::Guess) })
}

async fn first_that_greets(
    dialer: &Dialer,
    servers: &[ServerSettings],
    opening: &Opening,
) -> Option<ServerSettings> {
    let greets = |server: &ServerSettings| {
        let server = server.clone();
        async move { greets(dialer, &server, opening).await.map(|()| server) }
    };
    // A silent one must not keep those that answer from being found.
    let each = servers
        .iter()
        .map(|server| async { tokio::time::timeout(super::STEP * 4 / 5, greets(server)).await });
    join_all(each).await.into_iter().find_map(|answer| answer.ok().flatten())
}

async fn greets(dialer: &Dialer, server: &ServerSettings, opening: &Opening) -> Option<()> {
    let meter = Meter::default();
    let stream = dialer.connect(server, &meter).await.ok()?;
    if server.tls() == TlsMode::Implicit {
        let mut stream = dialer.encrypt(server, stream, &meter).await.ok()?;
        return answer(&mut stream, opening.greeting).await;
    }
    let mut stream = stream;
    answer(&mut stream, opening.greeting).await?;
    for (command, expected) in opening.start_tls {
        stream.write_all(command.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        answer(&mut stream, expected).await?;
    }
    dialer.encrypt(server, stream, &meter).await.ok().map(drop)
}

/// Reads lines up to one that begins as expected; `None` where another ends the answer.
async fn answer(stream: &mut Box<dyn Stream>, expected: &str) -> Option<()> {
    for _ in 0..MAX_LINES {
        let line = line(stream).await?;
        if line.starts_with(expected) {
            return Some(());
        }
        // RFC 5321 §4.2.1: a hyphen behind the code says that another line follows.
        let code = expected.get(..3).unwrap_or_default();
        if !line.strip_prefix(code).is_some_and(|rest| rest.starts_with('-')) {
            return None;
        }
    }
    None
}

/// One line, octet by octet: what stands behind it may belong to the TLS handshake.
async fn line(stream: &mut Box<dyn Stream>) -> Option<String> {
    let mut line = Vec::new();
    while line.len() < MAX_LINE {
        match stream.read_u8().await.ok()? {
            b'\n' => return String::from_utf8(line).ok(),
            octet => line.push(octet),
        }
    }
    None
}
