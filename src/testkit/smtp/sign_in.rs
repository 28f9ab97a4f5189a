//! AUTH (RFC 4954): PLAIN, LOGIN, XOAUTH2.

use std::io;

use super::{
    fault::{Fault, Stage},
    session::Session,
};
use crate::testkit::{
    base64,
    tokens::{Admission, Service},
};

/// What XOAUTH2 says of a token it does not know, before it refuses.
const TOKEN_REFUSED: &str = r#"{"status":"401","schemes":"Bearer","scope":"https://mail.google.com/"}"#;

impl Session {
    pub(super) async fn sign_in(&mut self, arguments: &str) -> io::Result<()> {
        let (mechanism, initial) = arguments.split_once(' ').unwrap_or((arguments, ""));
        let mechanism = mechanism.to_ascii_uppercase();
        self.note(&format!("AUTH {mechanism}{}", if initial.is_empty() { "" } else { " ***" }));
        if self.locked() {
            return self
                .write(b"538 5.7.11 Encryption required for requested authentication mechanism\r\n")
                .await;
        }
        if self.login.is_some() || self.mail.is_some() {
            return self.write(b"503 5.5.1 Already signed in\r\n").await;
        }
        if !self.shared.manners.mechanisms.contains(&mechanism.as_str()) {
            return self.write(b"504 5.5.4 Unrecognized authentication type\r\n").await;
        }
        let prompts: &[&str] = if mechanism == "LOGIN" { &["Username:", "Password:"] } else { &[""] };
        let mut sent = String::new();
        let mut given = Vec::new();
        for (number, prompt) in prompts.iter().enumerate() {
            let line = if number == 0 && !initial.is_empty() {
                initial.to_owned()
            } else {
                self.challenge(prompt).await?
            };
            if line == "*" {
                return self.write(b"501 5.7.0 Authentication aborted\r\n").await;
            }
            given.push(base64::decode(line.as_bytes()).unwrap_or_default());
            sent.push_str(&line);
        }
        let login = self.owner(&mechanism, &given);
        if mechanism == "XOAUTH2" && login.is_none() {
            self.challenge(TOKEN_REFUSED).await?;
        }
        let echo = self.fault(|fault| matches!(fault, Fault::EchoCredentials).then_some(()));
        self.act(Stage::Auth, |session| {
            let manners = &session.shared.manners;
            if echo.is_some() {
                return format!("535-5.7.8 not accepted: AUTH {mechanism} {sent}\r\n535 5.7.8 <{sent}>");
            }
            if let Some(off) = manners.sign_in_off {
                return off.to_owned();
            }
            session.login = login;
            let refused = manners.sign_in_refused;
            if session.login.is_some() { "235 2.7.0 Authentication successful" } else { refused }.to_owned()
        })
        .await
        .map(drop)
    }

    async fn challenge(&mut self, text: &str) -> io::Result<String> {
        let challenge = format!("334 {}\r\n", base64::encode(text.as_bytes()));
        self.write(challenge.as_bytes()).await?;
        let line = self.line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.note(if line.is_empty() { "" } else { "***" });
        Ok(line)
    }

    /// Whose credentials they are.
    fn owner(&self, mechanism: &str, given: &[Vec<u8>]) -> Option<String> {
        let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).ok();
        let first = text(given.first()?)?;
        if mechanism == "XOAUTH2" {
            let (login, rest) = first.strip_prefix("user=")?.split_once('\u{1}')?;
            let token = rest.strip_prefix("auth=Bearer ")?.strip_suffix("\u{1}\u{1}")?;
            let own = self.shared.users.get(login).and_then(|user| user.token.as_deref());
            return match self.shared.doors.admit(Service::Smtp, login, token) {
                Admission::Mailbox(mailbox) => Some(mailbox),
                _ => (own == Some(token)).then(|| login.to_owned()),
            };
        }
        let (login, password) = match mechanism {
            "LOGIN" => (first, text(given.get(1)?)?),
            _ => {
                let mut parts = first.splitn(3, '\0').skip(1);
                (parts.next()?.to_owned(), parts.next()?.to_owned())
            }
        };
        let right = self.shared.users.get(&login)?.password.as_ref() == Some(&password);
        right.then_some(login)
    }
}
