//! What real servers say when something is wrong: texts for [`Fault`](super::Fault).

/// Greetings no session may go on from, for [`Fault::Greeting`](super::Fault::Greeting).
pub const BAD_GREETINGS: [&str; 7] = [
    "* NO go away",
    "* BAD go away",
    "* BYE too many connections",
    "XYZ OK a tagged greeting",
    "no greeting of any protocol",
    "HTTP/1.1 400 Bad Request",
    "SSH-2.0-OpenSSH_9.2p1",
];

/// Gmail: the password is right, but an application-specific one is required.
pub const APP_PASSWORD_REQUIRED: &str = "NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)";
/// Gmail: the user must sign in on a web page.
pub const WEB_LOGIN_REQUIRED: &str =
    "NO [WEBALERT https://accounts.google.com/signin/continue?sarp=1] Web login required.";
/// Gmail: temporary, whatever it looks like.
pub const TOO_MANY_CONNECTIONS: &str = "NO [ALERT] Too many simultaneous connections. (Failure)";
/// Yahoo: the account's own password was tried, or any other too often; an app password is required.
pub const YAHOO_APP_PASSWORD_REQUIRED: &str = "NO [AUTHENTICATIONFAILED] (Too many bad auth attempts)";
/// RFC 5530: encryption is required, said on an encrypted connection.
pub const PRIVACY_REQUIRED: &str = "NO [PRIVACYREQUIRED] Encryption is required.";
/// RFC 9051 §7.1: a limit, hence temporary.
pub const LIMIT: &str = "NO [LIMIT] Too many connections.";
/// RFC 5530: another session has it, hence temporary.
pub const IN_USE: &str = "NO [INUSE] Mailbox is in use.";
/// RFC 5530: the credentials are wrong.
pub const AUTHENTICATION_FAILED: &str = "NO [AUTHENTICATIONFAILED] Authentication failed.";
/// RFC 2221: a referral to a host nobody asked for.
pub const REFERRAL: &str = "NO [REFERRAL imap://;AUTH=*@attacker.example.org:243/] Try there.";
/// Exchange: come back later, with the time to wait.
pub const THROTTLED: &str = "NO Request is throttled. Suggested Backoff Time: 92415 milliseconds";
/// RFC 9208: nothing fits in any more.
pub const OVER_QUOTA: &str = "NO [OVERQUOTA] Quota exceeded.";
/// Exchange: behind `* BYE ` when a token ends during the session.
pub const SESSION_EXPIRED: &str = "Session expired, please login again.";

/// Untagged lines outside the grammar, or outside what RFC 9051 lets them say.
pub const ODD_RESPONSES: [&str; 7] = [
    "* 2 EXPUNGED",
    "* 0 EXPUNGE",
    "* 99 EXPUNGE",
    "* 4294967296 EXPUNGE",
    "* XVENDOR \"what is this\" (1 2 (3))",
    "* LIST (\\HasNoChildren) \"/\" \"\u{e4}\u{f6}\u{fc}\"",
    "*",
];

/// A parenthesised list `depth` levels deep, for [`Fault::Item`](super::Fault::Item).
pub fn nested(depth: usize) -> String {
    let mut text = "(".repeat(depth);
    text.push_str(&")".repeat(depth));
    text
}
