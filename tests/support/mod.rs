//! What the black-box tests share: a real Dovecot, a generated practice with its ground truth, and the terminal host.
#![allow(dead_code, reason = "every test binary uses its own part of this")]

pub(crate) mod composer;
pub(crate) mod configuration;
pub(crate) mod corpus;
pub(crate) mod directory;
pub(crate) mod dovecot;
pub(crate) mod imap;
pub(crate) mod letter;
pub(crate) mod pgbouncer;
pub(crate) mod postfix;
pub(crate) mod postgres;
pub(crate) mod practice;
pub(crate) mod scene;
pub(crate) mod truth;

/// The lower-case hexadecimal SHA-256 of some octets.
pub(crate) fn sha256(octets: &[u8]) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    sha2::Sha256::digest(octets).iter().fold(String::with_capacity(64), |mut hex, octet| {
        write!(hex, "{octet:02x}").expect("writing to a string");
        hex
    })
}

/// Whether `needle` occurs in `haystack`, whatever the case of its ASCII letters.
pub(crate) fn contains_ignoring_case(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}
