//! What a message's octets must be before they go anywhere.

use crate::error::{Error, ErrorKind, Result};

/// The longest line, without its CRLF (RFC 5322 §2.1.1).
const MAX_LINE: usize = 998;

/// Refuses what servers read in different ways: bare CR or LF, behind which one message can hide another, NUL, and lines
/// that are cut somewhere on their way.
pub(super) fn check(octets: &[u8]) -> Result<()> {
    let invalid = |message| Err(Error::new(ErrorKind::Invalid, message));
    let mut length = 0;
    let mut before = 0;
    for octet in octets {
        match (before, *octet) {
            (_, 0) => return invalid("the message holds NUL"),
            (b'\r', b'\n') => length = 0,
            (b'\r', _) => return invalid("the message holds a CR that ends no line"),
            (_, b'\n') => return invalid("the message holds an LF without a CR"),
            (_, b'\r') => {}
            _ => length += 1,
        }
        if length > MAX_LINE {
            return invalid("the message holds a line of more than 998 octets");
        }
        before = *octet;
    }
    if before == b'\r' { invalid("the message holds a CR that ends no line") } else { Ok(()) }
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
