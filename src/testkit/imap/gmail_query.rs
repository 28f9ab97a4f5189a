//! A part of Gmail's query language, as X-GM-RAW takes it: `from:`, `to:`, `cc:`, `bcc:`, `subject:`, `rfc822msgid:` and words, quoted
//! or not; all of them, any of those joined by `OR` or in braces.
//!
//! Like Gmail's it finds a part of a value, in any case, and so may find too much.

use super::search::Key;

/// One piece of a query.
enum Token {
    Or,
    Open,
    Close,
    Term(Key),
}

/// Reads a query; `None` where it breaks off inside quotes.
pub(super) fn parse(query: &str) -> Option<Key> {
    let mut all: Vec<Vec<Key>> = Vec::new();
    let (mut joins, mut in_braces) = (false, false);
    for token in tokens(query)? {
        match token {
            Token::Or => joins = true,
            Token::Open => (in_braces, joins) = (true, false),
            Token::Close => (in_braces, joins) = (false, false),
            Token::Term(key) => {
                match all.last_mut().filter(|_| joins) {
                    Some(any) => any.push(key),
                    None => all.push(vec![key]),
                }
                // In braces each is joined to the one before.
                joins = in_braces;
            }
        }
    }
    Some(Key::And(all.into_iter().map(Key::Or).collect()))
}

fn tokens(query: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '{' | '(' | '}' | ')' => {
                tokens.extend(match first {
                    '{' => Some(Token::Open),
                    '}' => Some(Token::Close),
                    _ => None,
                });
                rest.get(1..).unwrap_or_default()
            }
            _ => {
                let (field, value, behind) = term(rest)?;
                tokens.push(if field.is_none() && value == "OR" {
                    Token::Or
                } else {
                    Token::Term(key(field, &value.to_lowercase()))
                });
                behind
            }
        }
        .trim_start();
    }
    Some(tokens)
}

/// Takes `field:value`, `field:"a value"` or a word off the query.
fn term(text: &str) -> Option<(Option<&str>, &str, &str)> {
    let ends = |c: char| c.is_whitespace() || "{}()\"".contains(c);
    let word = text.get(..text.find(ends).unwrap_or(text.len()))?;
    let (field, from) = match word.find(':') {
        Some(colon) => (word.get(..colon), colon + 1),
        None => (None, 0),
    };
    let value = text.get(from..)?;
    if let Some(quoted) = value.strip_prefix('"') {
        let (value, behind) = quoted.split_once('"')?;
        return Some((field, value, behind));
    }
    let end = value.find(ends).unwrap_or(value.len());
    let (value, behind) = value.split_at_checked(end)?;
    Some((field, value, behind))
}

fn key(field: Option<&str>, value: &str) -> Key {
    match field {
        Some("rfc822msgid") => Key::Header("Message-ID".to_owned(), value.to_owned()),
        Some(field) => Key::Header(field.to_owned(), value.to_owned()),
        None => Key::Text(value.to_owned()),
    }
}
