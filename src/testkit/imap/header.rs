//! The header of a stored message, read as far as a server must.

/// How many octets the header takes, its empty line included.
pub(super) fn length(octets: &[u8]) -> usize {
    let mut at = 0;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        at += line.len();
        if line.trim_ascii().is_empty() {
            return at;
        }
    }
    octets.len()
}

/// The fields in order: name and raw lines, their line ends included.
pub(super) fn fields(octets: &[u8]) -> Vec<(&[u8], &[u8])> {
    let header = octets.get(..length(octets)).unwrap_or_default();
    let mut fields: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for line in header.split_inclusive(|octet| *octet == b'\n') {
        let start = at;
        at += line.len();
        match (line.first(), fields.last_mut()) {
            _ if line.trim_ascii().is_empty() => {}
            (Some(b' ' | b'\t'), Some((_, end))) => *end = at,
            _ => fields.push((start, at)),
        }
    }
    fields
        .into_iter()
        .filter_map(|(start, end)| {
            let raw = header.get(start..end)?;
            let colon = raw.iter().position(|octet| *octet == b':')?;
            Some((raw.get(..colon)?.trim_ascii(), raw))
        })
        .collect()
}

/// The unfolded values of every field of that name.
pub(super) fn values(octets: &[u8], name: &str) -> Vec<String> {
    fields(octets)
        .into_iter()
        .filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
        .filter_map(|(found, raw)| raw.get(found.len()..))
        .map(|value| {
            let value = String::from_utf8_lossy(value).replace(['\r', '\n'], "");
            value.trim_start_matches([' ', '\t']).trim_start_matches(':').trim().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] = b"From: a@b\r\nSubject: one\r\n two\r\nTO : c@d\r\n\r\nFrom: body\r\n";

    #[test]
    fn fields_keep_their_folds_and_stop_at_the_body() {
        assert_eq!(length(RAW), RAW.len() - "From: body\r\n".len());
        assert_eq!(fields(RAW).len(), 3);
        assert_eq!(values(RAW, "subject"), ["one two"]);
        assert_eq!(values(RAW, "to"), ["c@d"]);
        assert_eq!(values(RAW, "from"), ["a@b"]);
    }

    #[test]
    fn a_message_of_nothing_has_no_fields() {
        assert_eq!(length(b""), 0);
        assert!(fields(b"").is_empty());
    }
}
