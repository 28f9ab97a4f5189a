//! Signing in with a password: AUTHENTICATE PLAIN or LOGIN (RFC 4616, RFC 4959, RFC 9051 §6.2).

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::classify::{self, Stage};
use super::connector::{Wire, capabilities_of};
use super::wire::{Response, Verdict, quoted};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Secret;

/// Answers continuations with nothing: the staged lines take the place of it.
struct Staged;

impl async_imap::Authenticator for Staged {
    type Response = &'static str;

    fn process(&mut self, _challenge: &[u8]) -> Self::Response {
        ""
    }
}

/// Signs in; answers the session and the capabilities the server told on that occasion.
pub(super) async fn sign_in(
    mut wire: Wire,
    offered: &BTreeSet<String>,
    login: &str,
    password: &Secret,
    patience: Duration,
) -> Result<(async_imap::Session<Wire>, BTreeSet<String>)> {
    wire.stage(lines(offered, login, password)?);
    let client = async_imap::Client::new(wire);
    let signing_in = timeout(patience, client.authenticate(".", Staged)).await;
    let signed_in = signing_in
        .map_err(|_| Error::new(ErrorKind::TimedOut, "the server did not answer the sign-in in time"))?;
    match signed_in {
        Ok(mut session) => {
            let wire = session.get_mut();
            wire.hold();
            let mut capabilities = BTreeSet::new();
            for response in wire.take_heard() {
                match response {
                    Response::Capability(words) => capabilities = words.into_iter().collect(),
                    Response::Tagged { outcome, .. } | Response::Status(outcome) => {
                        let told = capabilities_of(&outcome);
                        if !told.is_empty() {
                            capabilities = told;
                        }
                    }
                    _ => {}
                }
            }
            Ok((session, capabilities))
        }
        Err((_, mut client)) => Err(refusal(client.get_mut().take_heard())),
    }
}

/// Why the sign-in failed, by what the server said.
fn refusal(heard: Vec<Response>) -> Error {
    // A hint in front of the refusal ([ALERT], [WEBALERT]) says more than the refusal itself.
    let mut hint = None;
    for response in heard {
        match response {
            Response::Tagged { outcome, .. } if outcome.verdict != Verdict::Ok => {
                let error = classify::refused(Stage::SignIn, "the sign-in", &outcome);
                return hint.filter(|_| error.kind() == ErrorKind::AuthenticationFailed).unwrap_or(error);
            }
            Response::Bye(outcome) => return classify::said_bye(&outcome),
            Response::Status(outcome) if outcome.verdict != Verdict::Ok => {
                let error = classify::refused(Stage::SignIn, "the sign-in", &outcome);
                hint = Some(error).filter(|e| {
                    e.kind() != ErrorKind::AuthenticationFailed && e.kind() != ErrorKind::ServerRefused
                });
            }
            _ => {}
        }
    }
    Error::new(ErrorKind::ConnectionLost, "the connection broke during the sign-in")
}

/// The lines that sign in, by what the server offers.
fn lines(offered: &BTreeSet<String>, login: &str, password: &Secret) -> Result<Vec<Vec<u8>>> {
    let has = |name: &str| offered.contains(name);
    let secret = password.expose();
    if [login, secret].iter().any(|text| text.contains(['\r', '\n', '\0'])) {
        return Err(Error::new(ErrorKind::Invalid, "a user name or password cannot hold line breaks"));
    }
    let plain = || Zeroizing::new(format!("\0{login}\0{secret}"));
    if has("AUTH=PLAIN") && has("SASL-IR") {
        return Ok(vec![format!("AUTHENTICATE PLAIN {}", BASE64.encode(plain().as_bytes())).into_bytes()]);
    }
    let printable = |text: &str| text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if !has("LOGINDISABLED") && printable(login) && printable(secret) {
        let line = [&b"LOGIN "[..], &quoted(login.as_bytes()), b" ", &quoted(secret.as_bytes())].concat();
        return Ok(vec![line]);
    }
    if has("AUTH=PLAIN") {
        return Ok(vec![b"AUTHENTICATE PLAIN".to_vec(), BASE64.encode(plain().as_bytes()).into_bytes()]);
    }
    if has("AUTH=LOGIN") {
        let lines = [
            b"AUTHENTICATE LOGIN".to_vec(),
            BASE64.encode(login).into_bytes(),
            BASE64.encode(secret).into_bytes(),
        ];
        return Ok(lines.to_vec());
    }
    if has("LOGINDISABLED") && (has("AUTH=XOAUTH2") || has("AUTH=OAUTHBEARER")) {
        return Err(Error::new(ErrorKind::PasswordRefusedByProvider, "the server does not accept passwords"));
    }
    Err(Error::new(ErrorKind::NoUsableSignIn, "the server offers no way of signing in with a password"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(offered: &[&str], login: &str, password: &str) -> Result<String> {
        let offered = offered.iter().map(|c| (*c).to_owned()).collect();
        lines(&offered, login, &Secret::new(password)).map(|l| String::from_utf8(l[0].clone()).unwrap())
    }

    #[test]
    fn the_mechanism_follows_what_is_offered() {
        assert_eq!(first(&["AUTH=PLAIN", "SASL-IR"], "a", "b").unwrap(), "AUTHENTICATE PLAIN AGEAYg==");
        assert_eq!(first(&["AUTH=PLAIN"], "a", "b\"\\").unwrap(), "LOGIN \"a\" \"b\\\"\\\\\"");
        assert_eq!(first(&["AUTH=PLAIN"], "a", "ü").unwrap(), "AUTHENTICATE PLAIN");
        assert_eq!(first(&["LOGINDISABLED", "AUTH=LOGIN"], "a", "b").unwrap(), "AUTHENTICATE LOGIN");
        let kind = |offered: &[&str]| first(offered, "a", "b").unwrap_err().kind();
        assert_eq!(kind(&["LOGINDISABLED", "AUTH=XOAUTH2"]), ErrorKind::PasswordRefusedByProvider);
        assert_eq!(kind(&["LOGINDISABLED"]), ErrorKind::NoUsableSignIn);
    }
}
