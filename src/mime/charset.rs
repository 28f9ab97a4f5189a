//! Octets in a declared charset to text.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Decodes `octets`. Without a charset, or with one nobody knows, they are UTF-8 where they can be, else windows-1252,
/// which is what mislabelled mail mostly holds.
pub(super) fn decode(charset: Option<&str>, octets: &[u8]) -> String {
    if octets.is_empty() {
        return String::new();
    }
    let charset =
        charset.map_or("", |name| name.trim_matches(|c: char| c.is_whitespace() || "\"'".contains(c)));
    let unlabelled = ["", "us-ascii", "ascii", "ansi_x3.4-1968", "8bit", "binary", "unknown-8bit", "default"]
        .iter()
        .any(|name| charset.eq_ignore_ascii_case(name));
    if charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8") {
        return String::from_utf8_lossy(octets).into_owned();
    }
    if !unlabelled && let Some(decoder) = charset_decoder(charset.as_bytes()) {
        return decoder(octets);
    }
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        // A text cut at the limit may end inside a character; that alone does not make it another charset.
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(octets).into_owned(),
        Err(_) => match charset_decoder(b"windows-1252") {
            Some(decoder) => decoder(octets),
            None => octets.iter().copied().map(char::from).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_carries_no_or_an_unknown_label_is_readable() {
        assert_eq!(decode(None, "Grüße".as_bytes()), "Grüße");
        assert_eq!(decode(None, b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(decode(Some("x-nobody-knows"), b"\x805"), "€5");
        assert_eq!(decode(Some("us-ascii"), "é".as_bytes()), "é");
        assert_eq!(decode(Some(" \"KOI8-R\" "), b"\xf0"), "П");
    }

    const CHARSETS: &[&str] = &[
        "utf-8",
        "utf-7",
        "utf-16",
        "utf-16le",
        "iso-2022-jp",
        "iso-2022-kr",
        "gb18030",
        "gbk",
        "gb2312",
        "big5",
        "shift_jis",
        "euc-jp",
        "euc-kr",
        "hz-gb-2312",
        "koi8-r",
        "windows-1252",
        "iso-8859-15",
        "x",
        "",
    ];

    proptest! {
        #[test]
        fn any_octets_in_any_charset_become_text(octets in prop::collection::vec(any::<u8>(), 0..40), label in ".{0,60}") {
            for charset in CHARSETS {
                decode(Some(charset), &octets);
            }
            decode(Some(&label), &octets);
        }
    }
}
