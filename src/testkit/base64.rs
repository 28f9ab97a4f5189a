//! Base64 (RFC 4648 §4) and the alphabet modified UTF-7 puts in its place (RFC 9051 Appendix A.1).

/// The last symbol of the standard alphabet.
const STANDARD: u8 = b'/';
/// The last symbol inside mailbox names, where `/` may be the hierarchy delimiter.
const MAILBOX: u8 = b',';

/// Encodes with the standard alphabet and padding.
pub(crate) fn encode(octets: &[u8]) -> String {
    let mut text = encode_symbols(octets, STANDARD);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// Decodes the standard alphabet; `None` for anything else.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    decode_symbols(text.trim_ascii(), STANDARD)
}

/// Encodes with the mailbox alphabet, without padding.
pub(crate) fn encode_mailbox(octets: &[u8]) -> String {
    encode_symbols(octets, MAILBOX)
}

/// Decodes the mailbox alphabet.
pub(crate) fn decode_mailbox(text: &[u8]) -> Option<Vec<u8>> {
    decode_symbols(text, MAILBOX)
}

fn encode_symbols(octets: &[u8], last: u8) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    let (mut bits, mut width) = (0_u32, 0_u32);
    for octet in octets {
        bits = (bits << 8 | u32::from(*octet)) & 0xFFFF;
        width += 8;
        while width >= 6 {
            width -= 6;
            text.push(symbol(bits >> width & 0x3F, last));
        }
    }
    if width > 0 {
        text.push(symbol(bits << (6 - width) & 0x3F, last));
    }
    text
}

fn decode_symbols(text: &[u8], last: u8) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut width) = (0_u32, 0_u32);
    for symbol in text.iter().filter(|symbol| **symbol != b'=') {
        bits = (bits << 6 | value(*symbol, last)?) & 0xFFFF;
        width += 6;
        if width >= 8 {
            width -= 8;
            octets.push(u8::try_from(bits >> width & 0xFF).ok()?);
        }
    }
    Some(octets)
}

fn symbol(value: u32, last: u8) -> char {
    let value = u8::try_from(value).unwrap_or_default();
    char::from(match value {
        0..=25 => b'A' + value,
        26..=51 => b'a' + value - 26,
        52..=61 => b'0' + value - 52,
        62 => b'+',
        _ => last,
    })
}

fn value(symbol: u8, last: u8) -> Option<u32> {
    Some(u32::from(match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        _ if symbol == last => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_of_input_round_trips() {
        for text in ["", "f", "fo", "foo", "foob", "fooba", "foobar"] {
            assert_eq!(decode(encode(text.as_bytes()).as_bytes()).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(encode(b"fooba"), "Zm9vYmE=");
        assert_eq!(decode(b"!!"), None);
    }
}
