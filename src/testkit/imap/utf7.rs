//! Modified UTF-7, the encoding of mailbox names (RFC 3501 §5.1.3).

use crate::testkit::base64;

/// A mailbox name as it stands on the wire.
pub(super) fn encode(name: &str) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            shift(&mut wire, &mut shifted);
            wire.extend(if character == '&' { "&-".as_bytes() } else { &[] });
            wire.extend((character != '&').then_some(character).and_then(|plain| u8::try_from(plain).ok()));
        } else {
            let mut units = [0; 2];
            shifted.extend(character.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    shift(&mut wire, &mut shifted);
    wire
}

/// The name behind wire octets; `None` when they are no modified UTF-7.
pub(super) fn decode(wire: &[u8]) -> Option<String> {
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((octet, tail)) = rest.split_first() {
        rest = tail;
        match octet {
            b'&' => {
                let end = tail.iter().position(|octet| *octet == b'-')?;
                let (encoded, tail) = tail.split_at_checked(end)?;
                rest = tail.get(1..)?;
                if encoded.is_empty() {
                    name.push('&');
                } else {
                    let units: Vec<u16> = base64::decode_mailbox(encoded)?
                        .chunks_exact(2)
                        .map(|pair| pair.iter().fold(0, |unit, octet| unit << 8 | u16::from(*octet)))
                        .collect();
                    name.push_str(&String::from_utf16(&units).ok()?);
                }
            }
            b' '..=b'~' => name.push(char::from(*octet)),
            _ => return None,
        }
    }
    Some(name)
}

/// The name for people and transcripts: decoded where possible, else what the octets look like.
pub(super) fn display(wire: &[u8]) -> String {
    decode(wire).unwrap_or_else(|| String::from_utf8_lossy(wire).into_owned())
}

fn shift(wire: &mut Vec<u8>, shifted: &mut Vec<u8>) {
    if !shifted.is_empty() {
        wire.push(b'&');
        wire.extend(base64::encode_mailbox(shifted).into_bytes());
        wire.push(b'-');
        shifted.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("A & B", "A &- B"),
            ("台北/日本語", "&U,BTFw-/&ZeVnLIqe-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), wire.as_bytes());
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_broken_shift_is_no_name() {
        assert_eq!(decode(b"&Jjo"), None);
        assert_eq!(decode("ü".as_bytes()), None);
    }
}
