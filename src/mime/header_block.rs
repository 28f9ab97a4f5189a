//! A header (RFC 5322 §2.2) in the making: no line is long, and nothing in a value can begin another field.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::types::{Address, CleanText, MessageId, Recipient};

/// Longest line where there is a place to fold at (RFC 2047 §2 wants it of lines with encoded words).
const LINE: usize = 76;
/// Longest word written as it is; longer ones are encoded, which can be folded anywhere.
const PLAIN: usize = 60;
/// Octets of text in one encoded word: with any field's name before it the line is not longer than [`LINE`].
const WORD: usize = 39;
/// Octets of a name in one encoded word. Readers are known that show a space wherever a name is split, though RFC 2047 §6.2
/// has none there, and none are known that mind its limit of 75 characters: a name is split only where nobody has one.
const NAME: usize = 255;
/// Longest Message-ID repeated: real ones are shorter, and one fits a line of 998 octets many times.
const MAX_ID: usize = 250;

/// A header in the making.
#[derive(Default)]
pub(super) struct HeaderBlock(String);

impl HeaderBlock {
    /// Adds a field whose value is written by this crate.
    pub(super) fn token(&mut self, name: &str, value: &str) {
        self.field(name, &[value.to_owned()]);
    }

    /// Adds a field with text in any script (RFC 2047).
    pub(super) fn text(&mut self, name: &str, value: &CleanText) {
        let value = value.as_str();
        let pieces = if is_plain(value) { words(value) } else { encoded_words(value, WORD) };
        self.field(name, &pieces);
    }

    /// Adds an address list; nothing when it is empty.
    pub(super) fn addresses(&mut self, name: &str, list: &[Recipient]) {
        let mut pieces = Vec::new();
        for recipient in list {
            if let Some(last) = pieces.last_mut() {
                let last: &mut String = last;
                last.push(',');
            }
            pieces.extend(mailbox(recipient));
        }
        if !pieces.is_empty() {
            self.field(name, &pieces);
        }
    }

    /// Adds Message-IDs, those that [can be repeated](is_repeatable); nothing when there are none.
    pub(super) fn ids<'a>(&mut self, name: &str, ids: impl IntoIterator<Item = &'a MessageId>) {
        let pieces: Vec<_> =
            ids.into_iter().filter(|id| is_repeatable(id)).map(|id| format!("<{id}>")).collect();
        if !pieces.is_empty() {
            self.field(name, &pieces);
        }
    }

    /// The fields, each with its line end.
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Adds a field; between two pieces stands a space or a line break.
    fn field(&mut self, name: &str, pieces: &[String]) {
        let mut line = name.len() + 1;
        self.0.push_str(name);
        self.0.push(':');
        for (n, piece) in pieces.iter().enumerate() {
            // A line of white space alone is obsolete syntax: the first piece stays beside the name.
            if n > 0 && line + 1 + piece.len() > LINE {
                self.0.push_str("\r\n");
                line = 0;
            }
            self.0.push(' ');
            self.0.push_str(piece);
            line += 1 + piece.len();
        }
        self.0.push_str("\r\n");
    }
}

/// Whether an identifier from a stranger's message can stand in one of ours as it is: ASCII without what ends, quotes or
/// separates anything in a header.
pub(super) fn is_repeatable(id: &MessageId) -> bool {
    let id = id.as_str();
    let fine = |b: u8| b.is_ascii_graphic() && !b"<>()\"\\,;".contains(&b);
    id.len() <= MAX_ID && id.bytes().all(fine) && !id.contains("=?")
}

/// Whether text can be written as it is, and is what it looks like: a reader decodes what looks like an encoded word.
fn is_plain(text: &str) -> bool {
    let word = |word: &str| word.len() <= PLAIN && word.bytes().all(|b| b.is_ascii_graphic());
    text.split(' ').all(word) && !text.contains("=?")
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn encoded_words(text: &str, octets: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, behind) = rest.split_at_checked(rest.floor_char_boundary(octets)).unwrap_or((rest, ""));
        words.push(format!("=?utf-8?b?{}?=", STANDARD.encode(word)));
        rest = behind;
    }
    words
}

/// A name and an address, as pieces.
fn mailbox(recipient: &Recipient) -> Vec<String> {
    let address = addr_spec(&recipient.address);
    let name = recipient.name.as_str();
    if name.is_empty() {
        return vec![address];
    }
    let mut pieces = if is_plain(name) {
        words(&format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")))
    } else {
        encoded_words(name, NAME)
    };
    pieces.push(format!("<{address}>"));
    pieces
}

/// An address as RFC 5322 §3.4.1 has it: a local part that is no dot-atom in quotes. What is not ASCII stays as it is
/// (RFC 6532), which only a message sent with SMTPUTF8 may hold.
fn addr_spec(address: &Address) -> String {
    let local = address.local();
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let atom = |atom: &str| {
        !atom.is_empty() && atom.chars().all(|c| atext(c) || !c.is_ascii() && !c.is_whitespace())
    };
    if local.split('.').all(atom) {
        return format!("{local}@{}", address.domain());
    }
    format!("\"{}\"@{}", local.replace('\\', "\\\\").replace('"', "\\\""), address.domain())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mime::addressing_headers;
    use crate::mime::words::decode;

    fn written(write: impl FnOnce(&mut HeaderBlock)) -> String {
        let mut block = HeaderBlock::default();
        write(&mut block);
        block.finish()
    }

    #[test]
    fn lines_fold_between_words_and_names() {
        let subject = CleanText::new(&"word ".repeat(40));
        let block = written(|block| block.text("Subject", &subject));
        assert!(block.lines().count() > 2 && block.lines().all(|line| line.len() <= LINE), "{block}");
        assert_eq!(block.replace("\r\n", ""), format!("Subject: {subject}"));
        let to: Vec<_> = (0..30)
            .map(|n| Recipient::named("Müller, Anna", Address::parse(&format!("r{n}@x.example")).unwrap()))
            .collect();
        let block = written(|block| block.addresses("To", &to));
        assert!(block.lines().all(|line| line.len() <= LINE), "{block}");
        assert_eq!(addressing_headers(block.as_bytes()).participants.len(), 30);
    }

    #[test]
    fn local_parts_are_quoted_where_they_must_be() {
        for (local, expected) in [
            ("anna.b+c", "anna.b+c@x"),
            ("a b", "\"a b\"@x"),
            ("a..b", "\"a..b\"@x"),
            (".a", "\".a\"@x"),
            ("a\"\\", "\"a\\\"\\\\\"@x"),
            ("m\u{fc}ller", "m\u{fc}ller@x"),
        ] {
            assert_eq!(addr_spec(&Address::from_parts(local, "x").unwrap()), expected);
        }
    }

    #[test]
    fn identifiers_of_hostile_mail_are_left_out() {
        let hostile = ["a@x>b@y", "ä@x", "=?utf-8?q?x?=@y", "a,b@x", "(c)@x", &"a".repeat(900)];
        let ids: Vec<_> = hostile.iter().filter_map(|id| MessageId::parse(id)).collect();
        let good = MessageId::parse("<CA+x=1.[a]$b!c@mail.example>").unwrap();
        let block = written(|block| block.ids("References", ids.iter().chain([&good])));
        assert!(ids.len() >= 5);
        assert_eq!(block, "References: <CA+x=1.[a]$b!c@mail.example>\r\n");
        assert_eq!(written(|block| block.ids("References", &ids)), "");
    }

    proptest! {
        #[test]
        fn any_text_and_name_reads_back_and_is_one_field(text in any::<String>(), name in "[ -~é漢😀\r\n]{0,80}",
                                                         local in "[ -~]{1,20}|[é漢a.]{1,9}") {
            let subject = CleanText::new(&text);
            let block = written(|block| block.text("Subject", &subject));
            prop_assert!(block.is_ascii());
            prop_assert!(block.trim_end().lines().skip(1).all(|line| line.starts_with(' ')));
            let value = block.strip_prefix("Subject:").unwrap().trim();
            prop_assert_eq!(&decode(value.as_bytes()), subject.as_str());

            if let Ok(address) = Address::from_parts(&local, "x.example") {
                let to = Recipient::named(&name, address);
                let block = written(|block| block.addresses("To", std::slice::from_ref(&to)));
                let read = addressing_headers(block.as_bytes()).participants;
                prop_assert_eq!(read.len(), 1);
                prop_assert_eq!((&read[0].address, &read[0].name), (&to.address, &to.name));
            }
        }
    }
}
