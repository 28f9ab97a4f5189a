//! Subjects of answers: one prefix, whatever stood there before.

use crate::types::CleanText;

/// What mail programs put before the subject of a reply or of a forwarded message, in lower case; from Wikipedia's
/// "List of email subject abbreviations" and from what mail holds.
const PREFIXES: &[&str] = &[
    // Replies.
    "re",
    "aw",
    "antw",
    "antwoord",
    "sv",
    "vs",
    "odp",
    "r",
    "rif",
    "ynt",
    "res",
    "resp",
    "vá",
    "atb",
    "bls",
    "ats",
    "απ",
    "σχετ",
    "ha",
    "отв",
    "ответ",
    "回复",
    "回覆",
    "答复",
    "答覆",
    "返信",
    "回信",
    "답장",
    "回复转发",
    "רע",
    "תגובה",
    "رد",
    // Forwarded.
    "fwd",
    "fw",
    "wg",
    "wtr",
    "tr",
    "rv",
    "enc",
    "doorst",
    "vb",
    "vl",
    "i",
    "pd",
    "ilt",
    "i̇lt",
    "tov",
    "továbbítás",
    "fs",
    "πρθ",
    "пересл",
    "转发",
    "轉寄",
    "轉發",
    "転送",
    "전달",
    "הועבר",
    "إعادة توجيه",
];
/// Longest prefix with its counter.
const MAX_PREFIX: usize = 40;

/// The subject of a reply to a message with this one.
///
/// ```
/// use practicemail::mime::{forward_subject, reply_subject};
/// assert_eq!(reply_subject("AW: Re[2]: VAT return").as_str(), "Re: VAT return");
/// assert_eq!(forward_subject("RE: Fwd: VAT return").as_str(), "Fwd: VAT return");
/// ```
pub fn reply_subject(subject: &str) -> CleanText {
    answering("Re:", subject)
}

/// The subject under which a message with this one is forwarded.
pub fn forward_subject(subject: &str) -> CleanText {
    answering("Fwd:", subject)
}

/// Cleaned first: what is shown decides what is a prefix.
fn answering(prefix: &str, subject: &str) -> CleanText {
    CleanText::new(&format!("{prefix} {}", stripped(CleanText::new(subject).as_str())))
}

fn stripped(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some(behind) = behind_prefix(rest) {
        rest = behind.trim_start();
    }
    rest
}

/// What follows a prefix and its colon, if the subject begins with one; mail programs count too: `Re[2]:`, `Re(2):`, `Re^2:`.
fn behind_prefix(subject: &str) -> Option<&str> {
    let head = subject.get(..subject.floor_char_boundary(MAX_PREFIX))?;
    let colon = head.find([':', '：'])?;
    let (prefix, behind) = subject.split_at_checked(colon)?;
    let word = prefix.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || "[]()^".contains(c));
    let word = word.trim_end().to_lowercase();
    PREFIXES.contains(&word.as_str()).then(|| behind.trim_start_matches([':', '：']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_do_not_stack() {
        for (subject, expected) in [
            ("VAT", "Re: VAT"),
            ("Re: VAT", "Re: VAT"),
            ("RE: AW: Antw: SV : VS: Odp: R: RIF: YNT: Re[2]: 回复：回覆: VAT", "Re: VAT"),
            ("Fwd: FW: WG: TR: RV: Re^3: re (4): Vá: ΑΠ: VAT", "Re: VAT"),
            ("Report: VAT", "Re: Report: VAT"),
            ("Ref 12: VAT", "Re: Ref 12: VAT"),
            ("2: VAT", "Re: 2: VAT"),
            (": VAT", "Re: : VAT"),
            ("", "Re:"),
            ("Re:", "Re:"),
            ("  re:VAT: re: x", "Re: VAT: re: x"),
        ] {
            assert_eq!(reply_subject(subject).as_str(), expected, "{subject}");
            assert_eq!(forward_subject(subject).as_str(), expected.replacen("Re:", "Fwd:", 1), "{subject}");
        }
    }

    #[test]
    fn every_prefix_is_written_as_it_is_compared() {
        for prefix in PREFIXES {
            assert_eq!(prefix.to_lowercase(), *prefix);
            assert_eq!(reply_subject(&format!("{}: x", prefix.to_uppercase())).as_str(), "Re: x", "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn a_subject_of_a_reply_is_that_of_the_reply_to_it(subject in "([A-Za-z]{1,3}[:\\[(^0-9 ]{0,3}){0,6}|.{0,40}") {
            let once = reply_subject(&subject);
            prop_assert_eq!(reply_subject(once.as_str()), once);
        }
    }
}
