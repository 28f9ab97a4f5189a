//! The dialogue before sign-in: greeting and encryption.

use super::classify::{self, Stage};
use super::extensions::Extensions;
use super::reply::Reply;
use super::session::{CLIENT, Opening, in_time};
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Metered, ReachStep, Stream, Veil};
use crate::settings::TlsMode;

/// A connection that has greeted, encrypted as the settings say. What was said before the encryption is forgotten: anybody
/// could have said it (RFC 3207 §6).
pub(super) async fn greeted(opening: &Opening) -> Result<Wire> {
    let Opening { dialer, server, meter, .. } = opening;
    let stream = dialer.connect(server, meter).await?;
    let wire = |stream: Box<dyn Stream>| Wire::new(Metered::new(stream, meter.clone()));
    match server.tls() {
        TlsMode::Implicit => {
            let mut wire = wire(dialer.encrypt(server, stream, meter).await?);
            greeting(opening, &mut wire).await?;
            Ok(wire)
        }
        TlsMode::None => {
            let mut wire = wire(stream);
            greeting(opening, &mut wire).await?;
            Ok(wire)
        }
        TlsMode::StartTls => {
            let mut plain = wire(stream);
            greeting(opening, &mut plain).await?;
            start_tls(opening, &mut plain).await?;
            Ok(wire(dialer.encrypt(server, plain.into_stream()?, meter).await?))
        }
    }
}

async fn greeting(opening: &Opening, wire: &mut Wire) -> Result<()> {
    opening.dialer.begun(ReachStep::Greeting);
    let reply = in_time(opening.deadlines.command, wire.reply()).await??;
    match reply.code {
        220 => {
            opening.dialer.passed(ReachStep::Greeting, || "it greets as a submission server".to_owned());
            Ok(())
        }
        _ => Err(classify::refused(Stage::Greeting, &reply, &Veil::default(), None)),
    }
}

async fn start_tls(opening: &Opening, wire: &mut Wire) -> Result<()> {
    opening.dialer.begun(ReachStep::Tls);
    let hello = exchange(opening, wire, &format!("EHLO {CLIENT}\r\n")).await?;
    if hello.code != 250 {
        return Err(classify::refused(Stage::Hello, &hello, &Veil::default(), None));
    }
    if !Extensions::of(&hello).has("STARTTLS") {
        return Err(Error::new(ErrorKind::StartTlsUnavailable, "the server does not offer STARTTLS"));
    }
    let reply = exchange(opening, wire, "STARTTLS\r\n").await?;
    match reply.code {
        220 => Ok(()),
        _ => Err(classify::refused(Stage::StartTls, &reply, &Veil::default(), None)),
    }
}

async fn exchange(opening: &Opening, wire: &mut Wire, line: &str) -> Result<Reply> {
    in_time(opening.deadlines.command, wire.exchange(line.as_bytes())).await?
}
