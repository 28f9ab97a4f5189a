//! LOGIN and AUTHENTICATE (RFC 9051 §6.2.2, §6.2.3; RFC 4959; XOAUTH2).

use std::{io, sync::Arc};

use super::{
    command::{Arguments, Value},
    fault::Fault,
    reply::Reply,
    session::Session,
    user::UserRecord,
};
use crate::testkit::{
    base64,
    tokens::{Admission, Service},
};

/// The longest line of credentials; tokens of some kilobytes are common.
const CREDENTIALS: usize = 64 * 1024;
/// What a fault says again and again where the server has no challenge of its own.
const CHALLENGE: &str = r#"{"status":"400"}"#;

/// How the asking for credentials ended.
pub(super) enum Credentials {
    /// Mechanism and credentials, as [`Session::authenticate`] takes them.
    Given(Arguments),
    Cancelled,
    Gone,
}

/// Who signs in.
struct Owner {
    user: Arc<UserRecord>,
    /// Whether a mailbox is behind it.
    connected: bool,
}

impl Session {
    /// The mechanisms this server takes.
    pub(super) fn mechanisms(&self) -> impl Iterator<Item = &'static str> {
        let passwords = self.shared.passwords;
        let all = self.shared.personality.mechanisms.iter().copied();
        all.filter(move |mechanism| passwords || *mechanism == "XOAUTH2")
    }

    /// Asks for what the mechanism needs, unless it came with the command.
    pub(super) async fn collect_credentials(&mut self, mut arguments: Arguments) -> io::Result<Credentials> {
        let mechanism = arguments.text().unwrap_or_default().to_ascii_uppercase();
        let mut given = vec![Value::Atom(mechanism.clone().into_bytes())];
        if self.locked() || !self.mechanisms().any(|offered| offered == mechanism) {
            return Ok(Credentials::Given(Arguments::new(given)));
        }
        let mut initial = arguments.octets();
        if initial.is_some() && !self.offers_initial_response() {
            return Ok(Credentials::Cancelled);
        }
        let prompts: &[&str] = if mechanism == "LOGIN" { &["Username:", "Password:"] } else { &[""] };
        for prompt in prompts {
            let line = match initial.take() {
                Some(initial) => initial,
                None => match self.challenge(prompt).await? {
                    Some(line) => line,
                    None => return Ok(Credentials::Gone),
                },
            };
            if line == b"*" {
                return Ok(Credentials::Cancelled);
            }
            given.push(Value::Text(base64::decode(&line).unwrap_or_default()));
        }
        while self.holds(&Fault::ChallengeLoop) {
            match self.challenge(self.shared.personality.token_challenge.unwrap_or(CHALLENGE)).await? {
                Some(line) if line == b"*" => return Ok(Credentials::Cancelled),
                Some(_) => {}
                None => return Ok(Credentials::Gone),
            }
        }
        let refused = given.get(1).is_some_and(|token| self.token_owner(token).is_none());
        if mechanism == "XOAUTH2"
            && refused
            && let Some(challenge) = self.shared.personality.token_challenge
            && self.challenge(challenge).await?.is_none()
        {
            return Ok(Credentials::Gone);
        }
        Ok(Credentials::Given(Arguments::new(given)))
    }

    /// AUTHENTICATE with everything the mechanism asked for.
    pub(super) fn authenticate(&mut self, arguments: &mut Arguments) -> Reply {
        if self.user.is_some() {
            return Reply::bad("Already signed in.");
        }
        if self.locked() {
            return Reply::no("[PRIVACYREQUIRED] Sign-in is disallowed on an unencrypted connection.");
        }
        let mechanism = arguments.text().unwrap_or_default();
        let (Some(first), second) = (arguments.next(), arguments.next()) else {
            return Reply::no(self.shared.personality.mechanism_refused);
        };
        let words = match mechanism.as_str() {
            "XOAUTH2" => self.shared.personality.token_refused,
            _ => self.shared.personality.login_refused,
        };
        let owner = match (mechanism.as_str(), second) {
            ("PLAIN", _) => first.octets().and_then(|octets| {
                let mut parts = octets.splitn(3, |octet| *octet == 0).skip(1);
                self.password_owner(parts.next()?, parts.next()?)
            }),
            ("LOGIN", Some(password)) => first
                .octets()
                .zip(password.octets())
                .and_then(|(login, word)| self.password_owner(login, word)),
            _ => self.token_owner(&first),
        };
        self.admit(owner, words, "AUTHENTICATE")
    }

    pub(super) fn login(&mut self, arguments: &mut Arguments) -> Reply {
        if self.user.is_some() {
            return Reply::bad("Already signed in.");
        }
        if self.locked() || !self.shared.passwords {
            return Reply::no(self.shared.personality.passwords_refused);
        }
        let (Some(login), Some(password)) = (arguments.octets(), arguments.octets()) else {
            return Reply::bad("LOGIN takes a user and a password.");
        };
        let owner = self.password_owner(&login, &password);
        self.admit(owner, self.shared.personality.login_refused, "LOGIN")
    }

    fn admit(&mut self, owner: Option<Owner>, words: &str, command: &str) -> Reply {
        let Some(Owner { user, connected }) = owner else { return Reply::no(words) };
        if let Some(words) = &user.secrets().refusal {
            return Reply::no(words.as_str());
        }
        self.connected = connected && !user.secrets().not_connected;
        self.user = Some(user);
        Reply::ok(format!("{}{command} completed.", self.offered_code()))
    }

    async fn challenge(&mut self, text: &str) -> io::Result<Option<Vec<u8>>> {
        let challenge = format!("+ {}\r\n", base64::encode(text.as_bytes()));
        self.wire.write(challenge.as_bytes()).await?;
        self.wire.flush().await?;
        let line = self.wire.line(CREDENTIALS).await?;
        if let Some(line) = &line {
            self.note(if line.is_empty() { "" } else { "***" });
        }
        Ok(line)
    }

    fn offers_initial_response(&self) -> bool {
        self.shared.personality.before_sign_in().iter().any(|offered| offered == "SASL-IR")
    }

    fn password_owner(&self, login: &[u8], password: &[u8]) -> Option<Owner> {
        let user = self.shared.known_user(std::str::from_utf8(login).ok()?)?;
        let own = user.secrets().password.as_ref().is_some_and(|own| own.as_bytes() == password);
        // Whoever is refused is refused with their own words, whatever they present.
        let right = own || user.secrets().refusal.is_some();
        right.then_some(Owner { user, connected: true })
    }

    /// Whose token it is: `user=…^Aauth=Bearer …^A^A`.
    fn token_owner(&self, credentials: &Value) -> Option<Owner> {
        let (login, rest) = credentials.text()?.strip_prefix("user=")?.split_once('\u{1}')?;
        let token = rest.strip_prefix("auth=Bearer ")?.strip_suffix("\u{1}\u{1}")?;
        match self.shared.doors.admit(Service::Imap, login, token) {
            Admission::Mailbox(mailbox) => {
                return Some(Owner { user: self.shared.user(&mailbox), connected: true });
            }
            Admission::NotConnected => {
                return Some(Owner { user: self.shared.nobody(), connected: false });
            }
            Admission::Refused => {}
        }
        let user = self.shared.known_user(login)?;
        let right = user.secrets().token.as_ref().is_some_and(|own| own == token);
        right.then_some(Owner { user, connected: true })
    }
}
