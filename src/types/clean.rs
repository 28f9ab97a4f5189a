//! Text from strangers, made safe to show and to store.

use std::convert::Infallible;
use std::fmt;

use super::serial::by_text;

/// Text without control characters, line breaks, NUL or direction overrides, and of bounded length: what a decoded
/// subject, name or file name becomes before anything else sees it.
///
/// ```
/// use practicemail::types::CleanText;
/// assert_eq!(CleanText::new("Invoice\r\nBcc: x@evil.example").as_str(), "Invoice Bcc: x@evil.example");
/// assert_eq!(CleanText::file_name("../../etc/pass\u{202e}wd").as_str(), "passwd");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CleanText(String);

/// Longest subject or name in octets: RFC 5322 lines end at 998, encoded words triple; twice that shows all real ones.
const MAX_OCTETS: usize = 2_000;
/// Longest file name in octets that common file systems take.
const MAX_FILE_NAME: usize = 255;

impl CleanText {
    /// Cleans `text`: runs of white space and control characters become one space, direction overrides go.
    pub fn new(text: &str) -> Self {
        Self::capped(text, MAX_OCTETS)
    }

    fn capped(text: &str, octets: usize) -> Self {
        let mut clean = String::with_capacity(text.len().min(octets));
        let mut space = false;
        for c in text.chars() {
            if c.is_control() || c.is_whitespace() {
                space = !clean.is_empty();
                continue;
            }
            // RFC 9839 calls these problematic; bidi overrides turn "exe.fdp" into "pdf.exe".
            if matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            {
                continue;
            }
            if clean.len() + usize::from(space) + c.len_utf8() > octets {
                break;
            }
            if std::mem::take(&mut space) {
                clean.push(' ');
            }
            clean.push(c);
        }
        Self(clean)
    }

    /// Cleans the name of an attachment to a single component that is safe in any file system; empty when nothing is
    /// left of it.
    pub fn file_name(name: &str) -> Self {
        let name = Self::new(name).0;
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let safe: String = last.chars().map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
        let safe = safe.trim_matches([' ', '.']);
        let stem = safe.split('.').next().unwrap_or_default().to_ascii_uppercase();
        let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
            || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
        Self::capped(&if device { format!("_{safe}") } else { safe.to_owned() }, MAX_FILE_NAME)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

by_text!(CleanText, |clean| clean.as_str(), |text| Ok::<_, Infallible>(CleanText::new(&text)));

impl fmt::Display for CleanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CleanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CleanText(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn file_names_are_single_safe_components() {
        for (name, clean) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\..\\a.exe", "a.exe"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("a\0NUL.pdf.exe", "a NUL.pdf.exe"),
            (".", ""),
            ("Rechnung März.pdf", "Rechnung März.pdf"),
        ] {
            assert_eq!(CleanText::file_name(name).as_str(), clean, "{name:?}");
        }
        assert!(CleanText::file_name(&"x".repeat(3000)).as_str().len() <= 255);
    }

    proptest! {
        #[test]
        fn nothing_that_breaks_a_line_or_an_engine_is_left(text in any::<String>()) {
            for clean in [CleanText::new(&text), CleanText::file_name(&text)] {
                prop_assert!(!clean.as_str().chars().any(char::is_control));
                prop_assert!(clean.as_str().len() <= MAX_OCTETS);
                prop_assert_eq!(CleanText::new(clean.as_str()), clean);
            }
        }
    }
}
