//! What people type: characters that nobody sees or that look like others, passwords as providers show them, names that are
//! nearly right.

mod near;

pub use near::{Place, did_you_mean};

use super::{AppPasswords, OAuthProvider, Provider, TlsMode};
use crate::types::Secret;

/// Letters of other scripts that look like one of ASCII. Those that only resemble one are left out, so that
/// names that are Cyrillic or Greek altogether stay possible.
const LOOK_ALIKE: &[(&str, &str)] = &[
    ("аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅ", "aeopcyxijshdqwABEKMHOPCTYXIJS"),
    ("οαρνιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oapviABEZHIKMNOPTYX"),
    ("ı․。｡‐‑‒–—−", "i...------"),
];
/// Offset of the full-width forms of ASCII (U+FF01 to U+FF5E).
const FULL_WIDTH: u32 = 0xfee0;

/// Without what slips in at the ends when something is pasted: white space, invisible characters, curly quotation marks.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| is_unseen(c) || is_curly(c))
}

/// The first character of a name that cannot be meant, as the end of a sentence: "holds a tab (U+0009), which does …".
pub(super) fn misfit(text: &str) -> Option<String> {
    if let Some(c) = text.chars().find(|c| is_unseen(*c) || is_curly(*c)) {
        return Some(format!("holds {} (U+{:04X}), which does not belong there", name_of(c), u32::from(c)));
    }
    let parts: Vec<&str> = text.split(['.', '@']).collect();
    let last = parts.len().saturating_sub(1);
    let suspect = |(index, part): (usize, &&str)| {
        let among_ascii = part.chars().any(|c| c.is_ascii_alphabetic());
        // A last label that looks like `com` altogether is no label of its own script.
        let disguised = last > 0 && index == last && part.chars().all(|c| ascii_like(c).is_some());
        let suspicious = |c: &char| among_ascii || disguised || !c.is_alphabetic() || is_full_width(*c);
        part.chars().filter(suspicious).find_map(|c| Some((c, ascii_like(c)?)))
    };
    let (c, ascii) = parts.iter().enumerate().find_map(|(index, part)| suspect((index, part)))?;
    Some(format!("holds {} {c} (U+{:04X}), which looks like {ascii}", kind_of(c), u32::from(c)))
}

fn is_unseen(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}

fn is_curly(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201f}' | '«' | '»' | '‹' | '›')
}

fn name_of(c: char) -> &'static str {
    match c {
        ' ' => "a space",
        '\t' => "a tab",
        '\r' | '\n' | '\u{2028}' | '\u{2029}' => "a line break",
        '\u{a0}' => "a no-break space",
        '\u{202f}' => "a narrow no-break space",
        '\u{3000}' => "an ideographic space",
        '\u{ad}' => "a soft hyphen",
        '\u{200b}' => "a zero-width space",
        '\u{200c}' => "a zero-width non-joiner",
        '\u{200d}' => "a zero-width joiner",
        '\u{2060}' => "a word joiner",
        '\u{feff}' => "a byte order mark",
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a text direction mark"
        }
        c if is_curly(c) => "a curly quotation mark",
        c if c.is_whitespace() => "white space",
        c if c.is_control() => "a control character",
        _ => "an invisible character",
    }
}

fn kind_of(c: char) -> &'static str {
    match c {
        '\u{400}'..='\u{52f}' => "the Cyrillic letter",
        '\u{370}'..='\u{3ff}' => "the Greek letter",
        c if is_full_width(c) => "the full-width character",
        _ => "the character",
    }
}

fn is_full_width(c: char) -> bool {
    ('\u{ff01}'..='\u{ff5e}').contains(&c)
}

/// The ASCII character that one which is not looks like.
fn ascii_like(c: char) -> Option<char> {
    if is_full_width(c) {
        return char::from_u32(u32::from(c) - FULL_WIDTH);
    }
    LOOK_ALIKE.iter().find_map(|(others, ascii)| {
        let (_, like) = others.chars().zip(ascii.chars()).find(|(other, _)| *other == c)?;
        Some(like)
    })
}

/// A password as it was typed, made fit for use where nothing is lost by that.
#[derive(Debug)]
#[non_exhaustive]
pub struct TypedPassword {
    /// The password.
    pub password: Secret,
    /// What the user should look at.
    pub warning: Option<PasswordWarning>,
}

/// What is odd about a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordWarning {
    /// It begins or ends with white space or a character nobody sees. It may be part of it, and was left there.
    SpaceAround,
}

/// Reads a password as typed or pasted.
///
/// Google shows its app passwords as four groups of letters with (no-break) spaces between: they are joined. Other services
/// that take nothing but app passwords make them without spaces at the ends: those go. Every other password is left octet for
/// octet as it is, and white space around it is reported.
///
/// ```
/// use practicemail::settings::{Provider, typed};
/// let google = Provider::by_id("gmail");
/// assert_eq!(typed::password("abcd efgh\u{a0}ijkl mnop", google).password.expose(), "abcdefghijklmnop");
/// let typed = typed::password("my secret ", None);
/// assert_eq!((typed.password.expose(), typed.warning), ("my secret ", Some(typed::PasswordWarning::SpaceAround)));
/// ```
pub fn password(text: &str, provider: Option<&Provider>) -> TypedPassword {
    let fine = |password: &str| TypedPassword { password: Secret::new(password), warning: None };
    if provider.is_some_and(|provider| provider.oauth() == Some(OAuthProvider::Google)) {
        let letters = Secret::new(text.chars().filter(|c| !is_unseen(*c)).collect::<String>());
        if letters.expose().len() == 16 && letters.expose().bytes().all(|b| b.is_ascii_alphabetic()) {
            return TypedPassword { password: letters, warning: None };
        }
    }
    let inner = text.trim_matches(is_unseen);
    let only_app_passwords = provider.is_some_and(|provider| {
        matches!(provider.app_passwords(), AppPasswords::Always | AppPasswords::AlwaysAfterTwoStep)
    });
    if inner == text || only_app_passwords {
        return fine(inner);
    }
    TypedPassword { warning: Some(PasswordWarning::SpaceAround), ..fine(text) }
}

/// The two words by which forms of mail programs ask for encryption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FormWords {
    /// *Secure*: TLS from the first octet.
    pub secure: bool,
    /// *Requires TLS*: no mail without STARTTLS.
    pub requires_tls: bool,
}

impl TlsMode {
    /// What a form's words mean. Never plain text: STARTTLS is insisted on whether or not *requires TLS* is ticked, and on a
    /// port that is registered for one way (993 and 465, RFC 8314 §7.3; 143 and 587) that way is taken, whatever is ticked.
    ///
    /// ```
    /// use practicemail::settings::{TlsMode, typed::FormWords};
    /// let both_off = FormWords { secure: false, requires_tls: false };
    /// assert_eq!(TlsMode::of_form(both_off, 587), TlsMode::StartTls);
    /// ```
    pub const fn of_form(words: FormWords, port: u16) -> Self {
        match (port, words.secure) {
            (993 | 465, _) => Self::Implicit,
            (143 | 587 | 25, _) | (_, false) => Self::StartTls,
            (_, true) => Self::Implicit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Login, ServerSettings};

    /// S17
    #[test]
    fn what_slips_in_at_the_ends_goes_and_what_is_inside_is_named() {
        for typed in [
            "\u{a0}anna@example.org\u{a0}",
            "\u{feff}anna@example.org\u{200b}",
            "\u{202a}anna@example.org\u{202c}",
            "“anna@example.org”",
            "\tanna@example.org\r\n",
        ] {
            assert_eq!(Login::new(typed).unwrap().as_str(), "anna@example.org", "{typed:?}");
        }
        for (typed, words) in [
            ("anna @example.org", "a space (U+0020)"),
            ("anna\u{a0}hale", "a no-break space (U+00A0)"),
            ("anna\u{200b}hale", "a zero-width space (U+200B)"),
            ("anna\u{202e}hale", "a text direction mark (U+202E)"),
            ("o’brien", "a curly quotation mark (U+2019)"),
            ("an\u{7}na", "a control character (U+0007)"),
            ("\u{430}nna@example.org", "the Cyrillic letter а (U+0430), which looks like a"),
            ("anna@gmail.с\u{43e}m", "the Cyrillic letter с (U+0441), which looks like c"),
            ("anna@gmail.\u{441}\u{43e}\u{41c}", "the Cyrillic letter с (U+0441), which looks like c"),
            ("ann\u{3b1}", "the Greek letter α (U+03B1), which looks like a"),
            ("anna＠example.org", "the full-width character ＠ (U+FF20), which looks like @"),
            ("anna@example。org", "the character 。 (U+3002), which looks like ."),
        ] {
            let error = Login::new(typed).map(|_| ()).expect_err(typed).to_string();
            assert!(error.contains(words), "{typed:?}: {error}");
        }
        for fine in
            ["анна@почта.рф", "анна", "müller@exämple.de", "ἄννα", "HALE\\anna", "o'brien@example.org"]
        {
            assert!(Login::new(fine).is_ok(), "{fine}");
        }
    }

    /// S17
    #[test]
    fn a_server_name_is_looked_at_as_closely() {
        let new = |host: &str| ServerSettings::new(host, 993, TlsMode::Implicit);
        assert_eq!(new("\u{200b}imap.example.org\u{a0}").unwrap().host(), "imap.example.org");
        assert_eq!(new("imap.почта.рф").unwrap().host(), "imap.xn--80a1acny.xn--p1ai");
        for (typed, words) in [
            ("imap.ex ample.org", "a space (U+0020)"),
            ("im\u{430}p.example.org", "the Cyrillic letter а (U+0430), which looks like a"),
            ("ｉmap.example.org", "the full-width character ｉ (U+FF49), which looks like i"),
            ("imap。example.org", "which looks like ."),
            ("imap–1.example.org", "which looks like -"),
            ("imap.example.org/x", "the character / (U+002F)"),
        ] {
            let error = new(typed).expect_err(typed).to_string();
            assert!(error.contains(words), "{typed}: {error}");
        }
    }

    /// S16
    #[test]
    fn a_forms_words_never_mean_plain_text() {
        for secure in [false, true] {
            for requires_tls in [false, true] {
                let words = FormWords { secure, requires_tls };
                for (port, mode) in [
                    (993, TlsMode::Implicit),
                    (465, TlsMode::Implicit),
                    (143, TlsMode::StartTls),
                    (587, TlsMode::StartTls),
                    (2525, if secure { TlsMode::Implicit } else { TlsMode::StartTls }),
                ] {
                    assert_eq!(TlsMode::of_form(words, port), mode, "{words:?} {port}");
                }
            }
        }
    }

    /// S18
    #[test]
    fn an_app_password_is_taken_as_google_shows_it() {
        let read = |text: &str, id: &str| {
            let typed = password(text, Provider::by_id(id));
            (typed.password.expose().to_owned(), typed.warning)
        };
        for shown in ["abcd efgh ijkl mnop", "abcd\u{a0}efgh\u{a0}ijkl\u{a0}mnop\n", "abcdefghijklmnop"] {
            assert_eq!(read(shown, "google-workspace"), ("abcdefghijklmnop".to_owned(), None));
        }
        assert_eq!(read("abcd-efgh-ijkl-mnop \n", "icloud"), ("abcd-efgh-ijkl-mnop".to_owned(), None));
        let around = Some(PasswordWarning::SpaceAround);
        assert_eq!(read("not sixteen ", "google-workspace"), ("not sixteen ".to_owned(), around));
        assert_eq!(read(" abcd efgh ijkl mnop", "gmx-net"), (" abcd efgh ijkl mnop".to_owned(), around));
        assert_eq!(read("“quoted”", "gmx-net"), ("“quoted”".to_owned(), None));
    }
}
