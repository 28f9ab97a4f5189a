//! Signing in: AUTHENTICATE PLAIN or LOGIN with a password (RFC 4616, RFC 4959, RFC 9051 §6.2), XOAUTH2 with a token
//! (developers.google.com/workspace/gmail/imap/xoauth2-protocol).

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::classify;
use super::connector::{Wire, capabilities_of};
use super::wire::{Response, Verdict, quoted};
use crate::contract::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Veil;
use crate::settings::Stage;

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
    credential: &Credential,
    provider: Option<&'static str>,
    patience: Duration,
) -> Result<(async_imap::Session<Wire>, BTreeSet<String>)> {
    wire.stage(lines(offered, login, credential)?);
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
        Err((_, mut client)) => Err(refusal(client.get_mut().take_heard(), provider, login, credential)),
    }
}

/// Why the sign-in failed, by what the server said.
fn refusal(
    heard: Vec<Response>,
    provider: Option<&'static str>,
    login: &str,
    credential: &Credential,
) -> Error {
    let status = heard.iter().find_map(|response| match response {
        Response::Continue(challenge) => status_of(challenge),
        _ => None,
    });
    let veil = veil(login, credential);
    let (error, said) = refused_by(heard, provider);
    let said = veil.cover(&said);
    let with_words = |error: Error| {
        let what = if said.is_empty() { error.to_string() } else { format!("{error}: {said}") };
        error.reworded(what)
    };
    match credential {
        // A token is nothing to type anew: it takes a consent.
        Credential::Token(_) if error.kind() == ErrorKind::AuthenticationFailed => {
            let why = status.map_or_else(String::new, |status| format!(" (status {status})"));
            with_words(
                error
                    .of_kind(ErrorKind::AuthorizationRequired)
                    .reworded(format!("the server refused the token{why}")),
            )
        }
        _ => with_words(error),
    }
}

/// Knows everything of the sign-in that a server may repeat.
fn veil(login: &str, credential: &Credential) -> Veil {
    let (Credential::Password(secret) | Credential::Token(secret)) = credential;
    let secret = secret.expose();
    let encoded = |text: &str| Zeroizing::new(BASE64.encode(text));
    let mut veil = Veil::default();
    veil.hide([
        Zeroizing::new(secret.to_owned()),
        // As LOGIN quotes it.
        Zeroizing::new(String::from_utf8_lossy(&quoted(secret.as_bytes())).trim_matches('"').to_owned()),
        encoded(secret),
        encoded(login),
        encoded(&format!("\0{login}\0{secret}")),
        encoded(&format!("user={login}\x01auth=Bearer {secret}\x01\x01")),
    ]);
    veil
}

/// The status in an error challenge of XOAUTH2, which is base64 of JSON.
fn status_of(challenge: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(&BASE64.decode(challenge.trim()).ok()?).ok()?;
    let status = json.get("status")?;
    let status = status.as_str().map_or_else(|| status.to_string(), str::to_owned);
    Some(status).filter(|status| status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()))
}

/// The error, and the server's own words.
fn refused_by(heard: Vec<Response>, provider: Option<&'static str>) -> (Error, String) {
    // A hint in front of the refusal ([ALERT], [WEBALERT]) says more than the refusal itself.
    let mut hint = None;
    for response in heard {
        match response {
            Response::Tagged { outcome, .. } if outcome.verdict != Verdict::Ok => {
                let error = classify::refused(Stage::ImapSignIn, provider, "the sign-in", &outcome);
                let told = (error, outcome.text);
                return hint.filter(|_| told.0.kind() == ErrorKind::AuthenticationFailed).unwrap_or(told);
            }
            Response::Bye(outcome) => return (classify::said_bye(&outcome), outcome.text),
            Response::Status(outcome) if outcome.verdict != Verdict::Ok => {
                let error = classify::refused(Stage::ImapSignIn, provider, "the sign-in", &outcome);
                let says_more =
                    !matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::ServerRefused);
                hint = says_more.then_some((error, outcome.text));
            }
            _ => {}
        }
    }
    (Error::new(ErrorKind::ConnectionLost, "the connection broke during the sign-in"), String::new())
}

/// The lines that sign in, by what the server offers.
fn lines(offered: &BTreeSet<String>, login: &str, credential: &Credential) -> Result<Vec<Vec<u8>>> {
    let has = |name: &str| offered.contains(name);
    let (Credential::Password(secret) | Credential::Token(secret)) = credential;
    let secret = secret.expose();
    if [login, secret].iter().any(|text| text.contains(['\r', '\n', '\0'])) {
        return Err(Error::new(ErrorKind::Invalid, "a user name or password cannot hold line breaks"));
    }
    if matches!(credential, Credential::Token(_)) {
        return by_token(offered, login, secret);
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

fn by_token(offered: &BTreeSet<String>, login: &str, token: &str) -> Result<Vec<Vec<u8>>> {
    if !offered.contains("AUTH=XOAUTH2") {
        return Err(Error::new(
            ErrorKind::NoUsableSignIn,
            "the server offers no way of signing in with a token",
        ));
    }
    let message = Zeroizing::new(format!("user={login}\x01auth=Bearer {token}\x01\x01"));
    let message = BASE64.encode(message.as_bytes());
    // A refusal comes as a challenge, which the empty line behind the staged ones answers.
    Ok(if offered.contains("SASL-IR") {
        vec![format!("AUTHENTICATE XOAUTH2 {message}").into_bytes()]
    } else {
        vec![b"AUTHENTICATE XOAUTH2".to_vec(), message.into_bytes()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Secret;

    fn first(offered: &[&str], login: &str, password: &str) -> Result<String> {
        let offered = offered.iter().map(|c| (*c).to_owned()).collect();
        lines(&offered, login, &Credential::Password(Secret::new(password)))
            .map(|l| String::from_utf8(l[0].clone()).unwrap())
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
