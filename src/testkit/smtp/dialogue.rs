//! Commands by name.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Rset,
    Noop,
    Quit,
    Unknown,
}

impl Verb {
    /// Reads a line's command; what stands behind it comes along.
    pub(super) fn of(line: &str) -> (Self, &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let verb = match word.to_ascii_uppercase().as_str() {
            "EHLO" => Self::Ehlo,
            "STARTTLS" => Self::StartTls,
            "AUTH" => Self::Auth,
            "MAIL" => Self::Mail,
            "RCPT" => Self::Rcpt,
            "DATA" => Self::Data,
            "RSET" => Self::Rset,
            "NOOP" => Self::Noop,
            "QUIT" => Self::Quit,
            _ => Self::Unknown,
        };
        (verb, rest.trim())
    }
}
