//! What servers say when they refuse something, and what it means, read from data.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use super::Provider;
use super::provider::rows;
use crate::error::{Error, ErrorKind};

/// One signature a line, the first that fits decides; columns and provenance at its head.
const SIGNATURES: &str = include_str!("signatures.tsv");
/// Longest pause that is believed.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// Classes of failure and the kinds of error they are.
const CLASSES: &[(&str, ErrorKind)] = &[
    ("account_disabled", ErrorKind::AccountLocked),
    ("app_password_required", ErrorKind::AppPasswordRequired),
    ("bad_credentials", ErrorKind::AuthenticationFailed),
    ("bandwidth", ErrorKind::Throttled),
    ("consent_denied_user", ErrorKind::ConsentDenied),
    ("consent_missing", ErrorKind::ConsentMissing),
    ("consent_required_admin", ErrorKind::AdministratorApproval),
    ("imap_disabled_admin", ErrorKind::ImapDisabled),
    ("imap_disabled_user", ErrorKind::ImapSwitchedOff),
    ("mailbox_full", ErrorKind::MailboxFull),
    ("message_too_big", ErrorKind::MessageTooLarge),
    ("misconfigured_app", ErrorKind::ApplicationMisconfigured),
    ("password_auth_disabled", ErrorKind::PasswordRefusedByProvider),
    ("policy_blocked", ErrorKind::BlockedByPolicy),
    ("reauth_required", ErrorKind::AuthorizationRequired),
    ("recipient_limit", ErrorKind::TooManyRecipients),
    ("sending_disabled_admin", ErrorKind::SendingDisabled),
    ("sending_limit", ErrorKind::SendingLimit),
    ("temporary", ErrorKind::ServerUnavailable),
    ("throttled", ErrorKind::Throttled),
    ("too_many_connections", ErrorKind::TooManyConnections),
    ("web_login_required", ErrorKind::WebLoginRequired),
];

/// Where in a dialogue something was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In the capabilities of an IMAP server, before the sign-in.
    ImapCapability,
    ImapSignIn,
    ImapCommand,
    /// A message is to be added to a mailbox.
    ImapAppend,
    /// In the challenge by which a server refuses a token (RFC 7628 §3.2.2), decoded.
    Sasl,
    /// By the authorization server, in what the browser brings back (RFC 6749 §4.1.2.1).
    OAuthRedirect,
    /// By the token endpoint (RFC 6749 §5.2).
    Token,
    /// Up to the sign-in.
    SmtpOpening,
    SmtpSignIn,
    SmtpMail,
    SmtpRecipient,
    /// At DATA, or at its end.
    SmtpData,
}

/// One thing that servers say.
pub(crate) struct Signature {
    stages: Vec<Stage>,
    /// A family of providers; `None`: anybody.
    provider: Option<&'static str>,
    codes: Vec<&'static str>,
    enhanced: Vec<&'static str>,
    words: Vec<&'static str>,
    class: &'static str,
    kind: ErrorKind,
    pause: Pause,
}

#[derive(Clone, Copy)]
enum Pause {
    Unknown,
    Of(Duration),
    /// Told in milliseconds.
    Told,
}

static ALL: LazyLock<Vec<Signature>> =
    LazyLock::new(|| rows(SIGNATURES).filter_map(Signature::read).collect());

impl Signature {
    /// What was said, as far as it is known: `code` is the response code of IMAP, the reply code of SMTP or the `error` of OAuth,
    /// empty where there is none; `text` all that was said besides, for OAuth the `error_description` (with the codes
    /// `AADSTS…` in it). `provider` is the [`family`](Provider::family) of who said it, for OAuth `google` or `microsoft`.
    ///
    /// What is known of the provider goes before what is known of anybody. The text is compared and never kept.
    pub(crate) fn find(
        stage: Stage,
        provider: Option<&str>,
        code: &str,
        text: &str,
    ) -> Option<&'static Self> {
        let code = code.split(' ').next().unwrap_or_default();
        let said = format!("{code} {text}").to_lowercase();
        let fits = |signature: &&Self| {
            signature.stages.contains(&stage)
                && any(&signature.codes, |known| known.eq_ignore_ascii_case(code))
                && any(&signature.enhanced, |known| has_word(stage, text, known))
                && any(&signature.words, |known| is_said(&said, known))
        };
        let own = ALL.iter().filter(|signature| signature.provider.is_some_and(|p| Some(p) == provider));
        let of_anybody = ALL.iter().filter(|signature| signature.provider.is_none());
        own.chain(of_anybody).find(fits)
    }

    /// The kind of failure.
    pub(crate) const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error it is, with the pause that was asked for in `text`, or is known to be needed.
    pub(crate) fn error(&self, message: String, text: &str) -> Error {
        let error = Error::new(self.kind, message);
        match self.pause {
            Pause::Unknown => error,
            Pause::Of(pause) => error.retry_after(pause),
            Pause::Told => match told(text) {
                Some(pause) => error.retry_after(pause.min(LONGEST_PAUSE)),
                None => error,
            },
        }
    }

    fn read(row: &'static str) -> Option<Self> {
        let mut fields = row.split('\t');
        let mut next = || fields.next();
        let alternatives =
            |field: &'static str| field.split('|').filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let stages = next()?.split('|').map(stages).collect::<Option<Vec<_>>>()?.concat();
        let provider = Some(next()?).filter(|name| *name != "any");
        let (codes, enhanced, words) = (alternatives(next()?), alternatives(next()?), alternatives(next()?));
        let (class, kind, pause) = (next()?, next()?, next()?);
        let of_class = CLASSES.iter().find(|(name, _)| *name == class)?.1;
        let kind = match kind {
            "" => of_class,
            name => *ErrorKind::ALL.iter().find(|kind| kind.as_str() == name)?,
        };
        let pause = match pause {
            "" => Pause::Unknown,
            "told" => Pause::Told,
            seconds => Pause::Of(Duration::from_secs(seconds.parse().ok()?)),
        };
        Some(Self { stages, provider, codes, enhanced, words, class, kind, pause })
    }
}

/// The class of failure: what was said stays untold.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", self.class)
    }
}

/// By what the words of this server are understood.
pub(crate) fn family_of(host: &str) -> Option<&'static str> {
    Provider::of_server(host).map(Provider::family)
}

fn stages(word: &str) -> Option<&'static [Stage]> {
    Some(match word {
        "imap_capability" => &[Stage::ImapCapability],
        "imap_login" => &[Stage::ImapSignIn],
        "imap_append" => &[Stage::ImapAppend],
        "imap_any" => &[Stage::ImapSignIn, Stage::ImapCommand, Stage::ImapAppend],
        "sasl" => &[Stage::Sasl],
        "oauth_redirect" => &[Stage::OAuthRedirect],
        "token" => &[Stage::Token],
        "smtp_auth" => &[Stage::SmtpSignIn],
        "smtp_mail" => &[Stage::SmtpMail],
        "smtp_offered" => &[Stage::SmtpMail, Stage::SmtpData],
        "smtp_send" => &[Stage::SmtpMail, Stage::SmtpRecipient, Stage::SmtpData],
        "smtp_any" => {
            &[Stage::SmtpOpening, Stage::SmtpSignIn, Stage::SmtpMail, Stage::SmtpRecipient, Stage::SmtpData]
        }
        _ => return None,
    })
}

/// Whether one of the alternatives fits; none asked for fits everything.
fn any(alternatives: &[&'static str], fits: impl Fn(&str) -> bool) -> bool {
    alternatives.is_empty() || alternatives.iter().any(|known| fits(known))
}

/// Whether a text has a whole word, in SMTP as its first: behind that others may be quoted.
fn has_word(stage: Stage, text: &str, known: &str) -> bool {
    let first_only = stages("smtp_any").is_some_and(|smtp| smtp.contains(&stage));
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'));
    let is = |word: &str| word.trim_end_matches('.').eq_ignore_ascii_case(known);
    if first_only { words.next().is_some_and(is) } else { words.any(is) }
}

/// Whether a text says this: its parts in their order, `$` standing for the end.
fn is_said(said: &str, pattern: &str) -> bool {
    let (pattern, to_the_end) = pattern.strip_suffix('$').map_or((pattern, false), |pattern| (pattern, true));
    if to_the_end {
        return said.trim_end().ends_with(pattern);
    }
    let mut rest = said;
    pattern.split('*').all(|part| {
        let behind = rest.split_once(part).map(|(_, behind)| behind);
        rest = behind.unwrap_or_default();
        behind.is_some()
    })
}

/// The pause told in "Suggested Backoff Time: 92415 milliseconds".
fn told(text: &str) -> Option<Duration> {
    let lower = text.to_ascii_lowercase();
    let before = lower.split_once("milliseconds")?.0;
    before.split_whitespace().next_back()?.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Samples of the messages that were gathered.
    const SAMPLES: &str = include_str!("../../tests/fixtures/signatures.tsv");

    fn stage_of(word: &str) -> Stage {
        stages(word).unwrap()[0]
    }

    #[test]
    fn every_row_is_read() {
        assert_eq!(rows(SIGNATURES).count(), ALL.len());
        assert!(rows(SIGNATURES).all(|row| row.split('\t').count() == 9));
        for signature in ALL.iter() {
            assert!(
                signature.words.iter().all(|words| *words == words.to_lowercase()),
                "{}",
                signature.class
            );
        }
    }

    /// B4
    #[test]
    fn every_message_that_was_gathered_is_understood() {
        let samples: Vec<Vec<&str>> = rows(SAMPLES).map(|row| row.split('\t').collect()).collect();
        let numbers: BTreeSet<&str> = samples.iter().map(|sample| sample[0]).collect();
        assert_eq!((samples.len(), numbers.len()), (105, 105));
        let mut classes = BTreeSet::new();
        for sample in &samples {
            let [number, stage, provider, code, text, class, again] = sample[..] else {
                panic!("{sample:?}")
            };
            let provider = Some(provider).filter(|name| !name.is_empty());
            let found = Signature::find(stage_of(stage), provider, code, text);
            assert_eq!(found.map(|found| found.class), Some(class), "{number}");
            let kind = found.unwrap().kind;
            // A token that is refused is fetched anew once by who holds it, whatever comes of that.
            let by_itself = Error::new(kind, "").is_retryable();
            let handled = ["reauth_required", "misconfigured_app"].contains(&class);
            assert!(by_itself == (again == "1") || handled, "{number}: {kind:?}");
            classes.insert(class);
        }
        assert_eq!(classes, CLASSES.iter().map(|(class, _)| *class).collect());
    }

    #[test]
    fn what_a_provider_means_is_not_taken_for_what_others_mean() {
        let kind = |provider, code, text| {
            Signature::find(Stage::ImapSignIn, provider, code, text).map(|found| found.kind)
        };
        assert_eq!(kind(Some("microsoft"), "", "LOGIN failed."), Some(ErrorKind::PasswordRefusedByProvider));
        assert_eq!(
            (kind(None, "", "LOGIN failed."), kind(Some("gmx-net"), "", "LOGIN failed.")),
            (None, None)
        );
        let not_connected = "User is authenticated but not connected.";
        assert_eq!(kind(Some("microsoft"), "", not_connected), Some(ErrorKind::ImapSwitchedOff));
        assert_eq!(kind(None, "", not_connected), Some(ErrorKind::NotConnected));
        assert_eq!(family_of("outlook.office365.com"), Some("microsoft"));
        assert_eq!((family_of("imap.gmx.net"), family_of("127.0.0.1")), (Some("gmx-net"), None));
    }

    #[test]
    fn a_code_is_a_whole_word() {
        let kind = |text| {
            Signature::find(Stage::Token, Some("microsoft"), "invalid_grant", text).map(|found| found.kind)
        };
        assert_eq!(kind("AADSTS50020: wrong tenant"), Some(ErrorKind::ApplicationMisconfigured));
        assert_eq!(kind("AADSTS500201: unheard of"), None);
        let smtp = |text| Signature::find(Stage::SmtpMail, None, "550", text).map(|found| found.kind);
        assert_eq!(smtp("5.7.60 not yours"), Some(ErrorKind::SenderRefused));
        assert_eq!(smtp("5.1.1 the other side said 5.7.60"), None);
    }

    #[test]
    fn a_pause_is_taken_from_what_is_said() {
        let pause = |text: &str| {
            let found = Signature::find(Stage::ImapCommand, None, "", text).unwrap();
            found.error(String::new(), text).pause()
        };
        let told = |number: &str| {
            pause(&format!("Request is throttled. Suggested Backoff Time: {number} milliseconds"))
        };
        assert_eq!(told("92415"), Some(Duration::from_millis(92_415)));
        assert_eq!(told("99999999999"), Some(LONGEST_PAUSE));
        assert_eq!(told("soon"), None);
        assert_eq!(pause("Account exceeded command or bandwidth limits."), Some(Duration::from_hours(1)));
        assert_eq!(pause("Request is throttled"), None);
    }
}
