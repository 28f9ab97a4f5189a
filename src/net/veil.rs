//! What a server said, made fit to be kept: it may repeat what it was sent.

use std::fmt;

use zeroize::Zeroizing;

/// The longest text of a reply that is kept, in characters.
const MAX_TEXT: usize = 300;
/// From this length on a word that is part of a secret is taken for it; shorter ones are everyday words.
const SHORTEST: usize = 6;
/// What stands where a secret stood.
const HIDDEN: &str = "***";
/// What stands where an address stood.
const ADDRESS: &str = "(address)";

/// Knows what must not be repeated.
#[derive(Default)]
pub(crate) struct Veil(Vec<Zeroizing<String>>);

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Veil(..)")
    }
}

impl Veil {
    /// Hides `secrets` from now on, in any case and in pieces.
    pub(crate) fn hide(&mut self, secrets: impl IntoIterator<Item = Zeroizing<String>>) {
        let hidden = |secret: Zeroizing<String>| Zeroizing::new(secret.to_lowercase());
        self.0.extend(secrets.into_iter().filter(|secret| !secret.is_empty()).map(hidden));
    }

    /// A server's text as it may be shown.
    pub(crate) fn cover(&self, text: &str) -> String {
        let mut shown = String::new();
        for word in self.without_phrases(text).split_whitespace() {
            let word = if self.is_secret(word) {
                HIDDEN
            } else if word.contains('@') {
                ADDRESS
            } else {
                word
            };
            if !shown.is_empty() {
                shown.push(' ');
            }
            shown.push_str(word);
        }
        match shown.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => shown.get(..end).unwrap_or_default().to_owned(),
            None => shown,
        }
    }

    /// The text without the secrets that are several words.
    fn without_phrases(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for phrase in self.0.iter().filter(|secret| secret.contains(char::is_whitespace)) {
            while let Some(at) = text.to_lowercase().find(phrase.as_str()) {
                // Where lower case is of another length, offsets do not fit; nothing is kept of such a text.
                let fits = text.is_char_boundary(at) && text.is_char_boundary(at + phrase.len());
                if !fits || text.to_lowercase().len() != text.len() {
                    return HIDDEN.to_owned();
                }
                text.replace_range(at..at + phrase.len(), HIDDEN);
            }
        }
        text
    }

    fn is_secret(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let bare = word.trim_matches(|c: char| !(c.is_alphanumeric() || "+/=".contains(c)));
        self.0
            .iter()
            .any(|secret| word.contains(secret.as_str()) || (bare.len() >= SHORTEST && secret.contains(bare)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil(secrets: &[&str]) -> Veil {
        let mut veil = Veil::default();
        veil.hide(secrets.iter().map(|secret| Zeroizing::new((*secret).to_owned())));
        veil
    }

    #[test]
    fn secrets_are_hidden_whole_and_in_pieces() {
        let veil = veil(&["AGFubmEAZ2VoZWlt", "two words"]);
        for (said, shown) in [
            ("bad AUTH PLAIN AGFubmEAZ2VoZWlt", "bad AUTH PLAIN ***"),
            ("bad <agfubmeaz2vozwlt>", "bad ***"),
            ("bad AGFubmEA Z2VoZWlt", "bad *** ***"),
            ("no: Two Words!", "no: ***!"),
            ("5.7.8 no <anna@example.org>: go", "5.7.8 no (address) go"),
        ] {
            assert_eq!(veil.cover(said), shown);
        }
        // The Kelvin sign is another letter, and shorter, in lower case.
        assert_eq!(veil.cover("\u{212a} two words"), HIDDEN);
        assert_eq!(veil.cover(&"ü".repeat(400)).chars().count(), MAX_TEXT);
    }
}
