//! Words to search by: how a text is cut into them, and what a person asks for. Every store cuts alike, so that every engine finds
//! the same.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Longest word kept, in characters: what is longer is data, not language.
const MAX_WORD: usize = 64;
/// Most terms of a question.
const MAX_TERMS: usize = 16;

/// The words of a text, in order: runs of letters and digits, without case and accents.
///
/// ```
/// use practicemail::types::search_words;
/// let words: Vec<String> = search_words("Fällig: VAT-return (Q3/2025)").collect();
/// assert_eq!(words, ["fallig", "vat", "return", "q3", "2025"]);
/// ```
pub fn search_words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).filter_map(|run| {
        let word: String = run
            .nfkd()
            .filter(|c| !is_combining_mark(*c))
            .flat_map(char::to_lowercase)
            .filter(|c| c.is_alphanumeric())
            .take(MAX_WORD)
            .collect();
        (!word.is_empty()).then_some(word)
    })
}

/// What a person searches for: every term has to be found. A term is the beginning of a word, or, between quotation marks, words that
/// follow each other.
///
/// ```
/// use practicemail::types::SearchTerms;
/// let terms = SearchTerms::parse(r#"invoice "annual accounts" 2025"#).unwrap();
/// assert_eq!(terms.terms(), [vec!["invoice"], vec!["annual", "accounts"], vec!["2025"]]);
/// assert!(SearchTerms::parse(" … ").is_none());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SearchTerms(Vec<Vec<String>>);

impl SearchTerms {
    /// Reads a question; `None` where there is no word in it. Of more than sixteen terms the first count.
    pub fn parse(text: &str) -> Option<Self> {
        let mut terms = Vec::new();
        for (n, piece) in text.split(['"', '„', '“', '”']).enumerate() {
            let words: Vec<String> = search_words(piece).collect();
            if n % 2 == 1 {
                terms.extend((!words.is_empty()).then_some(words));
            } else {
                terms.extend(words.into_iter().map(|word| vec![word]));
            }
        }
        terms.truncate(MAX_TERMS);
        (!terms.is_empty()).then_some(Self(terms))
    }

    /// The terms, each of at least one word. The last word of each need only be the beginning of one.
    pub fn terms(&self) -> &[Vec<String>] {
        &self.0
    }

    /// Whether each term stands in one of these texts, each given as its [`search_words`].
    pub fn match_words(&self, texts: &[Vec<String>]) -> bool {
        self.0.iter().all(|term| {
            let Some((last, before)) = term.split_last() else { return true };
            texts.iter().any(|words| {
                words.windows(term.len()).any(|window| {
                    window
                        .split_last()
                        .is_some_and(|(end, rest)| rest == before && end.starts_with(last.as_str()))
                })
            })
        })
    }
}

/// Nothing of what is searched for.
impl fmt::Debug for SearchTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SearchTerms({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(question: &str, text: &str) -> bool {
        let words = search_words(text).collect::<Vec<_>>();
        SearchTerms::parse(question).is_some_and(|terms| terms.match_words(&[words]))
    }

    #[test]
    fn words_are_found_by_their_beginning_without_case_and_accents() {
        for (question, text, found) in [
            ("inv", "Your INVOICE", true),
            ("voice", "Your INVOICE", false),
            ("müller", "Herr Muller", true),
            ("MULLER", "Mu\u{308}ller", true),
            ("\"annual acc\"", "the annual accounts", true),
            ("\"annual accounts\"", "accounts annual", false),
            ("vat return", "return of VAT", true),
            ("anna@example.org", "Anna <anna@example.org>", true),
        ] {
            assert_eq!(finds(question, text), found, "{question} in {text}");
        }
    }

    proptest! {
        #[test]
        fn any_question_is_read(text in any::<String>(), marks in "[\"a-c *()^:-]{0,60}") {
            for text in [text, marks] {
                if let Some(terms) = SearchTerms::parse(&text) {
                    prop_assert!(terms.terms().iter().flatten().all(|w| !w.is_empty() && w.chars().all(char::is_alphanumeric)));
                }
            }
        }
    }
}
