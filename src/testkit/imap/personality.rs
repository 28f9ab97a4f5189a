//! What kinds of server the kit can be, as data.

/// A kind of server, known by what it offers and by the words it uses.
///
/// A personality is data: [`ImapServerBuilder`](super::ImapServerBuilder) adds capabilities to it and takes them away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Personality {
    /// Dovecot 2.3: CONDSTORE, ESEARCH, LIST-STATUS, SPECIAL-USE, SASL-IR, LITERAL+, UIDPLUS, MOVE.
    #[default]
    Dovecot,
    /// Gmail: labels as mailboxes, `[Gmail]/All Mail` with every message, X-GM-EXT-1.
    Gmail,
    /// Exchange: no special use, no CONDSTORE, no ESEARCH; mailboxes named in German.
    Exchange,
    /// Exchange Online in 2026: LOGINDISABLED, tokens alone, refused without a challenge (learn.microsoft.com, "Authenticate an
    /// IMAP, POP or SMTP connection using OAuth"); no special use, mailboxes beside mail.
    ExchangeOnline,
    /// Yahoo, AOL: SPECIAL-USE and LIST-STATUS, no CONDSTORE, no ESEARCH; app passwords; OBJECTID in FETCH. PARTIAL
    /// and UIDONLY are offered as there, and their commands not carried out.
    Yahoo,
    /// `IMAP4rev1` (RFC 3501) and not one extension.
    Bare,
}

/// What Gmail says of a token it does not know, before the tagged NO.
const TOKEN_CHALLENGE: &str = r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#;

/// What a personality comes to: every difference between them is a field here.
#[derive(Clone, Debug)]
pub(super) struct Manners {
    pub(super) greeting: &'static str,
    /// Whether greeting and sign-in answer carry a CAPABILITY code.
    pub(super) volunteers_capabilities: bool,
    before_sign_in: Vec<String>,
    after_sign_in: Vec<String>,
    pub(super) mechanisms: Vec<&'static str>,
    /// What a wrong password, LOGIN without passwords, an unknown mechanism and a token that opens nothing are answered.
    pub(super) login_refused: &'static str,
    pub(super) passwords_refused: &'static str,
    pub(super) mechanism_refused: &'static str,
    pub(super) token_refused: &'static str,
    /// What is said of such a token before.
    pub(super) token_challenge: Option<&'static str>,
    pub(super) id: &'static str,
    /// Whether `LIST … RETURN (…)` leaves special uses out unless they are asked for by name.
    pub(super) special_use_by_request: bool,
    /// Whether mailboxes are labels on one pool of messages.
    pub(super) labels: bool,
    pub(super) mailboxes: &'static [(&'static str, &'static [&'static str])],
}

impl Manners {
    pub(super) fn of(personality: Personality) -> Self {
        match personality {
            Personality::Dovecot => dovecot(),
            Personality::Gmail => gmail(),
            Personality::Exchange => exchange(),
            Personality::ExchangeOnline => exchange_online(),
            Personality::Yahoo => yahoo(),
            Personality::Bare => bare(),
        }
    }

    /// Whether passwords are taken at all.
    pub(super) fn takes_passwords(&self) -> bool {
        self.mechanisms.iter().any(|mechanism| *mechanism != "XOAUTH2")
    }

    /// Whether a signed-in session is offered that capability.
    pub(super) fn has(&self, capability: &str) -> bool {
        self.after_sign_in.iter().any(|offered| offered.eq_ignore_ascii_case(capability))
    }

    pub(super) fn add(&mut self, capability: &str) {
        for list in [&mut self.before_sign_in, &mut self.after_sign_in] {
            list.push(capability.to_owned());
        }
    }

    pub(super) fn remove(&mut self, capability: &str) {
        for list in [&mut self.before_sign_in, &mut self.after_sign_in] {
            list.retain(|offered| !offered.eq_ignore_ascii_case(capability));
        }
    }

    pub(super) fn before_sign_in(&self) -> &[String] {
        &self.before_sign_in
    }

    pub(super) fn after_sign_in(&self) -> &[String] {
        &self.after_sign_in
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn dovecot() -> Manners {
    Manners {
        greeting: "Dovecot ready.",
        volunteers_capabilities: true,
        before_sign_in: words("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+"),
        after_sign_in: words(
            "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE UNSELECT CHILDREN NAMESPACE UIDPLUS \
             LIST-EXTENDED CONDSTORE ESEARCH LIST-STATUS SPECIAL-USE MOVE LITERAL+",
        ),
        mechanisms: vec!["PLAIN", "LOGIN", "XOAUTH2"],
        login_refused: "[AUTHENTICATIONFAILED] Authentication failed.",
        passwords_refused: "[PRIVACYREQUIRED] LOGIN is disabled.",
        mechanism_refused: "[CANNOT] Unsupported authentication mechanism.",
        token_refused: "[AUTHENTICATIONFAILED] Authentication failed.",
        token_challenge: Some(TOKEN_CHALLENGE),
        id: r#"("name" "Dovecot")"#,
        special_use_by_request: true,
        labels: false,
        mailboxes: &[
            ("INBOX", &[]),
            ("Drafts", &["\\Drafts"]),
            ("Junk", &["\\Junk"]),
            ("Sent", &["\\Sent"]),
            ("Trash", &["\\Trash"]),
        ],
    }
}

fn gmail() -> Manners {
    Manners {
        greeting: "Gimap ready for requests from 127.0.0.1",
        volunteers_capabilities: true,
        before_sign_in: words("IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 SASL-IR"),
        after_sign_in: words(
            "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE \
             CONDSTORE ESEARCH LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584",
        ),
        mechanisms: vec!["XOAUTH2", "PLAIN"],
        login_refused: "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        passwords_refused: "[PRIVACYREQUIRED] LOGIN is disabled.",
        mechanism_refused: "[CANNOT] Unsupported authentication mechanism.",
        token_refused: "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        token_challenge: Some(TOKEN_CHALLENGE),
        id: r#"("name" "GImap" "vendor" "Google, Inc.")"#,
        special_use_by_request: false,
        labels: true,
        mailboxes: &[
            ("INBOX", &[]),
            ("[Gmail]", &["\\Noselect"]),
            ("[Gmail]/All Mail", &["\\All"]),
            ("[Gmail]/Drafts", &["\\Drafts"]),
            ("[Gmail]/Important", &["\\Important"]),
            ("[Gmail]/Sent Mail", &["\\Sent"]),
            ("[Gmail]/Spam", &["\\Junk"]),
            ("[Gmail]/Starred", &["\\Flagged"]),
            ("[Gmail]/Trash", &["\\Trash"]),
        ],
    }
}

fn exchange() -> Manners {
    Manners {
        greeting: "The Microsoft Exchange IMAP4 service is ready. [bG9jYWxob3N0]",
        volunteers_capabilities: false,
        before_sign_in: words(
            "IMAP4 IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
        ),
        after_sign_in: words(
            "IMAP4 IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
        ),
        mechanisms: vec!["PLAIN", "XOAUTH2"],
        login_refused: "LOGIN failed.",
        passwords_refused: "[PRIVACYREQUIRED] LOGIN is disabled.",
        mechanism_refused: "[CANNOT] Unsupported authentication mechanism.",
        token_refused: "AUTHENTICATE failed.",
        token_challenge: Some(TOKEN_CHALLENGE),
        id: r#"("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")"#,
        special_use_by_request: false,
        labels: false,
        mailboxes: &[
            ("INBOX", &[]),
            ("Entwürfe", &[]),
            ("Gelöschte Elemente", &[]),
            ("Gesendete Elemente", &[]),
            ("Junk-E-Mail", &[]),
            ("Postausgang", &[]),
        ],
    }
}

fn exchange_online() -> Manners {
    Manners {
        mechanisms: vec!["XOAUTH2"],
        passwords_refused: "LOGIN failed.",
        mechanism_refused: "AUTHENTICATE failed. Provided authentication mechanism is not supported.",
        token_challenge: None,
        mailboxes: &[
            ("INBOX", &[]),
            ("Archive", &[]),
            ("Calendar", &[]),
            ("Contacts", &[]),
            ("Deleted Items", &[]),
            ("Drafts", &[]),
            ("Junk Email", &[]),
            ("Notes", &[]),
            ("Outbox", &[]),
            ("Sent Items", &[]),
            ("Tasks", &[]),
        ],
        ..exchange()
    }
}

fn yahoo() -> Manners {
    Manners {
        greeting: "IMAP4rev1 Hello",
        before_sign_in: words("IMAP4rev1 SASL-IR ID OBJECTID NAMESPACE"),
        after_sign_in: words(
            "IMAP4rev1 SASL-IR ID ENABLE IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN LIST-EXTENDED LIST-STATUS \
             SPECIAL-USE LITERAL- OBJECTID PARTIAL UIDONLY MESSAGELIMIT=1000 APPENDLIMIT=41697280",
        ),
        mechanisms: vec!["PLAIN", "LOGIN", "XOAUTH2"],
        login_refused: "[AUTHENTICATIONFAILED] LOGIN Invalid credentials",
        token_refused: "[AUTHENTICATIONFAILED] AUTHENTICATE Invalid credentials",
        id: r#"("vendor" "Yahoo! Inc." "name" "Y!IMAP")"#,
        special_use_by_request: false,
        mailboxes: &[
            ("INBOX", &[]),
            ("Archive", &["\\Archive"]),
            ("Bulk", &["\\Junk"]),
            ("Draft", &["\\Drafts"]),
            ("Sent", &["\\Sent"]),
            ("Trash", &["\\Trash"]),
        ],
        ..dovecot()
    }
}

fn bare() -> Manners {
    Manners {
        greeting: "IMAP server ready",
        volunteers_capabilities: false,
        before_sign_in: words("IMAP4rev1"),
        after_sign_in: words("IMAP4rev1"),
        mechanisms: vec!["PLAIN"],
        login_refused: "Login incorrect",
        passwords_refused: "[PRIVACYREQUIRED] LOGIN is disabled.",
        mechanism_refused: "[CANNOT] Unsupported authentication mechanism.",
        token_refused: "Login incorrect",
        token_challenge: Some(TOKEN_CHALLENGE),
        id: "NIL",
        special_use_by_request: false,
        labels: false,
        mailboxes: &[("INBOX", &[]), ("Sent", &[])],
    }
}
