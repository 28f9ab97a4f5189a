//! Signing in (RFC 4954): PLAIN (RFC 4616) or LOGIN with a password, XOAUTH2 with a token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::classify::{self, Stage};
use super::reply::Reply;
use super::session::Session;
use crate::contract::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Login;

/// The reply that asks for more.
const CHALLENGE: u16 = 334;

/// A line made of parts of which some are secret: the one place where they meet the wire.
struct Line<'a>(&'static str, &'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}\r\n", self.0, self.1)
    }
}

/// Everything of a credential that a server may repeat.
pub(super) fn secrets(login: &Login, credential: &Credential) -> Vec<Zeroizing<String>> {
    let own = |text: &str| Zeroizing::new(text.to_owned());
    let mut secrets = match credential {
        Credential::Password(secret) => {
            vec![own(secret.expose()), encoded(secret.expose()), plain(login, secret.expose())]
        }
        Credential::Token(token) => {
            vec![own(token.expose()), encoded(token.expose()), xoauth2(login, token.expose())]
        }
    };
    secrets.push(encoded(login.as_str()));
    secrets
}

fn encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(BASE64.encode(text))
}

fn plain(login: &Login, password: &str) -> Zeroizing<String> {
    let message = Zeroizing::new(format!("\0{}\0{password}", login.as_str()));
    encoded(&message)
}

fn xoauth2(login: &Login, token: &str) -> Zeroizing<String> {
    let message = Zeroizing::new(format!("user={}\x01auth=Bearer {token}\x01\x01", login.as_str()));
    encoded(&message)
}

/// Signs in by what the server offers.
pub(super) async fn sign_in(session: &mut Session, login: &Login, credential: &Credential) -> Result<()> {
    let (Credential::Password(secret) | Credential::Token(secret)) = credential;
    if secret.expose().contains(['\r', '\n', '\0']) {
        return Err(Error::new(ErrorKind::Invalid, "a password or token cannot hold line breaks"));
    }
    let offers = |mechanism: &str| session.extensions.mechanisms.contains(mechanism);
    match credential {
        Credential::Password(password) if offers("PLAIN") => {
            let reply = session.ask(Line("AUTH PLAIN ", &plain(login, password.expose()))).await?;
            admitted(session, &reply)
        }
        Credential::Password(password) if offers("LOGIN") => {
            by_login(session, login, password.expose()).await
        }
        Credential::Token(token) if offers("XOAUTH2") => by_token(session, login, token.expose()).await,
        _ => Err(no_way(session, credential)),
    }
}

async fn by_login(session: &mut Session, login: &Login, password: &str) -> Result<()> {
    let mut reply = session.ask("AUTH LOGIN\r\n").await?;
    for answer in [encoded(login.as_str()), encoded(password)] {
        if reply.code != CHALLENGE {
            break;
        }
        reply = session.ask(Line("", &answer)).await?;
    }
    admitted(session, &reply)
}

async fn by_token(session: &mut Session, login: &Login, token: &str) -> Result<()> {
    let reply = session.ask(Line("AUTH XOAUTH2 ", &xoauth2(login, token))).await?;
    if reply.code != CHALLENGE {
        return admitted(session, &reply).map_err(|error| {
            let kind = of_token(error.kind());
            error.of_kind(kind)
        });
    }
    // The challenge says why not, and has to be answered before the refusal itself comes.
    let status = status_of(&reply);
    let refusal = session.ask("\r\n").await?;
    if !refusal.is_transient() && !refusal.is_permanent() {
        return Err(Error::new(
            ErrorKind::AuthorizationRequired,
            format!("the server refused the token: {status}"),
        ));
    }
    let error = classify::refused(Stage::SignIn, &refusal, &session.veil, session.provider);
    let message = format!("{error} ({status})");
    let kind = of_token(error.kind());
    Err(error.of_kind(kind).reworded(message))
}

/// A token is nothing to type anew: it takes a consent.
fn of_token(kind: ErrorKind) -> ErrorKind {
    if kind == ErrorKind::AuthenticationFailed { ErrorKind::AuthorizationRequired } else { kind }
}

/// The status in an error challenge of XOAUTH2, which is base64 of JSON.
fn status_of(challenge: &Reply) -> String {
    let json = BASE64.decode(challenge.text()).unwrap_or_default();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
    let status = json.get("status").map(|status| status.as_str().map_or(status.to_string(), str::to_owned));
    let status = status.filter(|status| status.len() <= 3 && status.bytes().all(|b| b.is_ascii_digit()));
    status.map_or_else(|| "no status".to_owned(), |status| format!("status {status}"))
}

fn admitted(session: &Session, reply: &Reply) -> Result<()> {
    if reply.is_positive() {
        Ok(())
    } else {
        Err(classify::refused(Stage::SignIn, reply, &session.veil, session.provider))
    }
}

fn no_way(session: &Session, credential: &Credential) -> Error {
    let mechanisms = &session.extensions.mechanisms;
    let offered = mechanisms.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let offered = if offered.is_empty() { "none".to_owned() } else { session.veil.cover(&offered) };
    let (kind, what) = match credential {
        Credential::Password(_) if mechanisms.contains("XOAUTH2") => {
            (ErrorKind::PasswordRefusedByProvider, "a password")
        }
        Credential::Password(_) => (ErrorKind::NoUsableSignIn, "a password"),
        Credential::Token(_) => (ErrorKind::NoUsableSignIn, "a token"),
    };
    Error::new(kind, format!("the server offers no way of signing in with {what}, it offers: {offered}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mechanisms_are_spelt_as_their_documents_say() {
        let login = Login::new("anna").unwrap();
        assert_eq!(plain(&login, "geheim").as_str(), "AGFubmEAZ2VoZWlt");
        assert_eq!(xoauth2(&login, "t").as_str(), BASE64.encode("user=anna\x01auth=Bearer t\x01\x01"));
    }

    #[test]
    fn the_status_of_an_error_challenge_is_read() {
        let challenge = |json: &str| Reply::of(334, &BASE64.encode(json));
        assert_eq!(status_of(&challenge(r#"{"status":"401","schemes":"bearer"}"#)), "status 401");
        assert_eq!(status_of(&challenge(r#"{"status":400}"#)), "status 400");
        assert_eq!(status_of(&challenge(r#"{"status":"eyJ0b2tlbiI"}"#)), "no status");
        assert_eq!(status_of(&Reply::of(334, "!")), "no status");
    }
}
