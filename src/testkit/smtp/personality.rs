//! What kinds of server the kit can be, as data.

/// A kind of server, known by what it offers, what it files, and the words it uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Personality {
    /// A server that delivers and files nothing: most hosts.
    #[default]
    Plain,
    /// Files a copy of everything in the sender's Sent mailbox, as it was handed over.
    FilesCopy,
    /// Files a copy, and gives both the copy and what it delivers a Message-ID of its own.
    FilesAndRewritesMessageId,
    /// Microsoft 365 where sign-in by SMTP is switched off for the tenant: 535 5.7.139.
    AuthOff,
    /// Microsoft 365: LOGIN and XOAUTH2, a copy filed, its own words.
    Exchange,
}

/// What becomes of a message besides its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    Nothing,
    Copy,
}

/// What a personality comes to: every difference between them is a field here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    pub(super) greeting: &'static str,
    pub(super) extensions: &'static [&'static str],
    pub(super) mechanisms: &'static [&'static str],
    /// The largest message.
    pub(super) size: usize,
    pub(super) files: Files,
    pub(super) rewrites_message_id: bool,
    /// What every sign-in is answered, right or wrong.
    pub(super) sign_in_off: Option<&'static str>,
    pub(super) sign_in_refused: &'static str,
    pub(super) accepted: &'static str,
    pub(super) queued: &'static str,
}

/// Thirty mebibytes, as many hosts have it.
const SIZE: usize = 31_457_280;

const PLAIN: Manners = Manners {
    greeting: "220 localhost ESMTP ready",
    extensions: &["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"],
    mechanisms: &["PLAIN", "LOGIN", "XOAUTH2"],
    size: SIZE,
    files: Files::Nothing,
    rewrites_message_id: false,
    sign_in_off: None,
    sign_in_refused: "535 5.7.8 Authentication credentials invalid",
    accepted: "250 2.1.0 Ok",
    queued: "250 2.0.0 Ok: queued as",
};

const EXCHANGE: Manners = Manners {
    greeting: "220 FR0P281CA0001.outlook.example Microsoft ESMTP MAIL Service ready",
    extensions: &["DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"],
    mechanisms: &["LOGIN", "XOAUTH2"],
    size: 157_286_400,
    files: Files::Copy,
    sign_in_refused: "535 5.7.3 Authentication unsuccessful [FR0P281CA0001.outlook.example]",
    accepted: "250 2.1.0 Sender OK",
    queued: "250 2.0.0 OK",
    ..PLAIN
};

impl Manners {
    pub(super) fn of(personality: Personality) -> Self {
        match personality {
            Personality::Plain => PLAIN,
            Personality::FilesCopy => Self { files: Files::Copy, ..PLAIN },
            Personality::FilesAndRewritesMessageId => {
                Self { files: Files::Copy, rewrites_message_id: true, ..PLAIN }
            }
            Personality::AuthOff => Self {
                sign_in_off: Some(
                    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. \
                     Visit https://aka.ms/smtp_auth_disabled for more information.",
                ),
                ..EXCHANGE
            },
            Personality::Exchange => EXCHANGE,
        }
    }
}
