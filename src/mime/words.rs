//! Encoded words (RFC 2047) in text that is shown, never in what is compared.

use super::charset;
use super::field::text;
use super::transfer::{Base64, QuotedPrintable};

/// Most octets of one value looked at: more than is ever shown of a subject or name, and an end to 100,000 words.
const MAX_OCTETS: usize = 16 * 1024;

/// Decodes an unstructured value. Neighbouring words are joined as octets before they are decoded when they share a
/// charset, since writers split characters between them.
pub(super) fn decode(value: &[u8]) -> String {
    let head = value.get(..MAX_OCTETS).unwrap_or(value);
    let unfolded: Vec<u8> = head.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    // Behind the last end of a word none can begin: without this, many beginnings would each look for an end.
    let last_end = unfolded.windows(2).rposition(|pair| pair == b"?=").unwrap_or(0);
    let behind = unfolded.len() - last_end;
    let mut rest = &unfolded[..];
    let mut decoded = String::new();
    let mut run: Option<(&[u8], Vec<u8>)> = None;
    while !rest.is_empty() {
        if let Some((word, after)) = encoded_word(rest, behind) {
            match &mut run {
                Some((charset, octets)) if charset.eq_ignore_ascii_case(word.charset) => {
                    octets.extend(word.octets());
                }
                _ => {
                    flush(&mut decoded, run.take());
                    run = Some((word.charset, word.octets()));
                }
            }
            rest = after;
            continue;
        }
        let plain = 1 + rest.iter().skip(1).take_while(|b| **b != b'=').count();
        let (plain, after) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
        let between_words =
            run.is_some() && plain.trim_ascii().is_empty() && encoded_word(after, behind).is_some();
        if !between_words {
            flush(&mut decoded, run.take());
            decoded.push_str(&text(plain));
        }
        rest = after;
    }
    flush(&mut decoded, run);
    decoded
}

fn flush(decoded: &mut String, run: Option<(&[u8], Vec<u8>)>) {
    if let Some((label, octets)) = run {
        decoded.push_str(&charset::decode(Some(&text(label)), &octets));
    }
}

struct EncodedWord<'a> {
    charset: &'a [u8],
    base64: bool,
    text: &'a [u8],
}

impl EncodedWord<'_> {
    fn octets(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        if self.base64 {
            Base64::default().decode(self.text, &mut octets);
        } else {
            let spaced: Vec<u8> = self.text.iter().map(|b| if *b == b'_' { b' ' } else { *b }).collect();
            let mut decoder = QuotedPrintable::default();
            decoder.decode(&spaced, &mut octets);
            decoder.finish(&mut octets);
        }
        octets
    }
}

/// The encoded word at the beginning of `octets` and what follows it; none begins in the last
/// `behind` octets. Spaces in its text are tolerated.
fn encoded_word(octets: &[u8], behind: usize) -> Option<(EncodedWord<'_>, &[u8])> {
    if octets.len() <= behind {
        return None;
    }
    let (label, rest) = split_at_mark(octets.strip_prefix(b"=?")?)?;
    let (encoding, rest) = split_at_mark(rest)?;
    // RFC 2231 §5: a language may follow the charset.
    let charset = label.split(|b| *b == b'*').next().unwrap_or(label);
    if charset.is_empty() || charset.len() > 40 || !charset.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let base64 = match encoding {
        b"b" | b"B" => true,
        b"q" | b"Q" => false,
        _ => return None,
    };
    let end = rest.windows(2).position(|pair| pair == b"?=")?;
    let (text, rest) = rest.split_at_checked(end)?;
    Some((EncodedWord { charset, base64, text }, rest.strip_prefix(b"?=").unwrap_or(rest)))
}

fn split_at_mark(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = octets.iter().take(80).position(|b| *b == b'?')?;
    let (before, after) = octets.split_at_checked(at)?;
    Some((before, after.strip_prefix(b"?").unwrap_or(after)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_decoded_and_joined() {
        for (value, expected) in [
            ("=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?= here", "Patrik Fältström here"),
            ("=?utf-8?B?w6k=?= =?utf-8?q?=C3=A9?=", "éé"),
            ("=?utf-8?q?=C3?=\r\n =?UTF-8*en?q?=A9?=", "é"),
            ("a =?utf-8?q?b?= c =?utf-8?q?d?=", "a b c d"),
            ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?utf-8?q?a b?=", "a b"),
            ("=?utf-8?x?a?= = =?", "=?utf-8?x?a?= = =?"),
        ] {
            assert_eq!(decode(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn a_hundred_thousand_words_end_soon() {
        assert!(decode(&b"=?utf-8?q?a?= ".repeat(100_000)).len() < MAX_OCTETS);
        decode(&b"=?a?q?".repeat(100_000));
    }

    proptest! {
        #[test]
        fn any_octets_become_text(octets in prop::collection::vec(any::<u8>(), 0..200), marks in "[=?qQbBx_ ]{0,80}") {
            decode(&octets);
            decode(marks.as_bytes());
        }
    }
}
