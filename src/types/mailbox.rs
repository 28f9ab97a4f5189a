//! Mailboxes (RFC 9051 §5.1): names as the server spells them, uses, and what LIST says.

use std::fmt;

use super::serial::by_octets;

/// Longest name that is spoken: with an account before it, it fits every engine's index rows.
const MAX_OCTETS: usize = 2_000;

/// A mailbox's name, octet for octet as the server spelled it, so that it can be given back; shown decoded.
///
/// Names travel in modified UTF-7 (RFC 3501 §5.1.3) unless a server sends UTF-8 anyway; both are shown right, and what is
/// neither is shown with replacement characters. `INBOX` in any case is one name.
///
/// ```
/// use practicemail::types::MailboxName;
/// let name = MailboxName::encode("Müller & Söhne");
/// assert_eq!(name.as_wire(), b"M&APw-ller &- S&APY-hne");
/// assert_eq!(name.to_string(), "Müller & Söhne");
/// ```
///
/// Serialised as the hexadecimal digits of those octets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Vec<u8>);

impl MailboxName {
    /// Takes a name from the wire or from storage.
    pub fn from_wire(octets: impl Into<Vec<u8>>) -> Self {
        let octets = octets.into();
        Self(if octets.eq_ignore_ascii_case(b"INBOX") { b"INBOX".to_vec() } else { octets })
    }

    /// Spells a name that a person wrote, in modified UTF-7.
    pub fn encode(name: &str) -> Self {
        Self::from_wire(utf7_encode(name))
    }

    /// The octets as the server spells them.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the inbox.
    pub fn is_inbox(&self) -> bool {
        self.0 == b"INBOX"
    }

    /// Whether a command can carry the name: a CR, LF or NUL cannot stand in a quoted string (RFC 9051 §4.3), nor does every store's index
    /// take more than two thousand octets. No server is known whose names are longer than 255 a level.
    pub fn is_speakable(&self) -> bool {
        let is_sized = (1..=MAX_OCTETS).contains(&self.0.len());
        is_sized && !self.0.iter().any(|b| matches!(b, 0 | b'\r' | b'\n'))
    }
}

by_octets!(MailboxName, |name| name.as_wire(), |octets| Some(MailboxName::from_wire(octets)));

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = utf7_decode(&self.0).unwrap_or_else(|| String::from_utf8_lossy(&self.0).into_owned());
        text.chars().try_for_each(|c| write!(f, "{}", if c.is_control() { '\u{fffd}' } else { c }))
    }
}

/// The number of octets only: mailboxes are named after clients.
impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailboxName({} octets)", self.0.len())
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

fn utf7_encode(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.extend(b"&-"),
            ' '..='~' => out.push(c as u8),
            _ => {
                let mut units = [0; 2];
                let mut octets: Vec<u8> =
                    c.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()).collect();
                while let Some(c) = chars.next_if(|c| !(' '..='~').contains(c)) {
                    octets.extend(c.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()));
                }
                out.push(b'&');
                for group in octets.chunks(3) {
                    let bits = group.iter().fold(0u32, |bits, o| bits << 8 | u32::from(*o))
                        << (8 * (3 - group.len()));
                    for i in 0..=group.len() {
                        let index = (bits >> (18 - 6 * i)) & 0x3f;
                        out.extend(BASE64.get(index as usize));
                    }
                }
                out.push(b'-');
            }
        }
    }
    out
}

/// Decodes modified UTF-7, letting raw UTF-8 pass; `None` when a shifted run is not base64 of UTF-16.
fn utf7_decode(wire: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(wire).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, shifted)) = rest.split_once('&') {
        out.push_str(plain);
        let (run, after) = shifted.split_once('-')?;
        if run.is_empty() {
            out.push('&');
        } else {
            let mut units = Vec::new();
            let (mut bits, mut have) = (0u32, 0);
            for octet in run.bytes() {
                let value = BASE64.iter().position(|b| *b == octet)?;
                bits = bits << 6 | u32::try_from(value).ok()?;
                have += 6;
                if have >= 16 {
                    have -= 16;
                    units.push(u16::try_from((bits >> have) & 0xffff).ok()?);
                    bits &= (1 << have) - 1;
                }
            }
            if bits != 0 || have >= 6 {
                return None;
            }
            out.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// What a mailbox is for (RFC 6154, RFC 8457).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SpecialUse {
    /// Every message of the account.
    All,
    /// Old mail kept.
    Archive,
    /// Messages being written.
    Drafts,
    /// A view of flagged messages.
    Flagged,
    /// A view of important messages.
    Important,
    /// Spam.
    Junk,
    /// What the user sent.
    Sent,
    /// Deleted messages.
    Trash,
}

impl SpecialUse {
    /// The use as RFC 6154 names it, without the backslash.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Archive => "Archive",
            Self::Drafts => "Drafts",
            Self::Flagged => "Flagged",
            Self::Important => "Important",
            Self::Junk => "Junk",
            Self::Sent => "Sent",
            Self::Trash => "Trash",
        }
    }
}

/// A mailbox as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mailbox {
    /// Its name.
    pub name: MailboxName,
    /// The octet that separates levels of its name, where there are levels.
    pub delimiter: Option<u8>,
    /// Whether messages can be read from it (neither `\Noselect` nor `\NonExistent`).
    pub selectable: bool,
    /// Its use, by the server's word or by its name in a known language.
    pub special_use: Option<SpecialUse>,
    /// Its status, where it was asked for and answered.
    pub status: Option<super::MailboxStatus>,
}

impl Mailbox {
    /// A selectable mailbox without a known use or status.
    pub fn new(name: MailboxName, delimiter: Option<u8>) -> Self {
        Self { name, delimiter, selectable: true, special_use: None, status: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_no_command_or_index_carries_are_told_apart() {
        for (name, is_speakable) in [
            (vec![b'a'; MAX_OCTETS], true),
            (vec![b'a'; MAX_OCTETS + 1], false),
            (Vec::new(), false),
            (b"a\rb".to_vec(), false),
        ] {
            assert_eq!(MailboxName::from_wire(name).is_speakable(), is_speakable);
        }
    }

    #[test]
    fn names_are_shown_decoded_and_given_back_as_they_came() {
        for (wire, shown) in [
            (&b"Entw&APw-rfe"[..], "Entwürfe"),
            (b"Entw\xc3\xbcrfe", "Entwürfe"),
            (b"&2D3eAA-", "😀"),
            (b"a&b", "a&b"),
            (b"&APw", "&APw"),
            (b"x\xff", "x\u{fffd}"),
            (b"iNbOx", "INBOX"),
        ] {
            let name = MailboxName::from_wire(wire);
            assert_eq!(name.to_string(), shown);
            assert!(name.as_wire() == wire || name.is_inbox());
        }
    }

    proptest! {
        #[test]
        fn what_a_person_writes_reads_back(name in "\\PC{1,30}") {
            prop_assume!(!name.eq_ignore_ascii_case("inbox"));
            prop_assert_eq!(MailboxName::encode(&name).to_string(), name);
        }

        #[test]
        fn any_octets_are_shown(wire in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(!MailboxName::from_wire(wire).to_string().chars().any(char::is_control));
        }
    }
}
