//! What a message's octets must be before they go anywhere.

use crate::error::{Error, ErrorKind, Result};

/// The longest line, without its CRLF (RFC 5322 §2.1.1).
const MAX_LINE: usize = 998;

/// Refuses what servers read in different ways: bare CR or LF, behind which one message can hide another, NUL, and lines
/// that are cut somewhere on their way.
pub(super) fn check(octets: &[u8]) -> Result<()> {
    let invalid = |message| Err(Error::new(ErrorKind::Invalid, message));
    if memchr::memchr(0, octets).is_some() {
        return invalid("the message holds NUL");
    }
    let mut rest = octets;
    loop {
        let end = memchr::memchr2(b'\r', b'\n', rest);
        let (line, behind) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        if line.len() > MAX_LINE {
            return invalid("the message holds a line of more than 998 octets");
        }
        match behind {
            [] => return Ok(()),
            [b'\r', b'\n', next @ ..] => rest = next,
            [b'\n', ..] => return invalid("the message holds an LF without a CR"),
            _ => return invalid("the message holds a CR that ends no line"),
        }
    }
}

/// The message without its last line end: the end of data brings one of its own.
pub(super) fn without_last_line_end(octets: &[u8]) -> &[u8] {
    octets.strip_suffix(b"\r\n").unwrap_or(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_read_differently_is_refused() {
        for fine in ["", "\r\n", "a\r\n.\r\nb", "a\r\n\r\n\r\n"] {
            assert!(check(fine.as_bytes()).is_ok(), "{fine:?}");
        }
        for wrong in ["a\nb", "a\rb", "a\r\r\n", "\n", "\r", "a\n.\r\n", "a\0\r\n"] {
            assert_eq!(check(wrong.as_bytes()).unwrap_err().kind(), ErrorKind::Invalid, "{wrong:?}");
        }
        let line = "x".repeat(998);
        assert!(check(format!("{line}\r\n{line}").as_bytes()).is_ok());
        assert!(check(format!("{line}x\r\n").as_bytes()).is_err());
    }
}
