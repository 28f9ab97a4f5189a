//! One addr-spec (RFC 5322 §3.4.1, obsolete §4.4) put together from tokens.

use super::address_list::unescaped;
use super::field::text;
use super::lexer::Token;
use crate::types::Address;

/// Longest half of an addr-spec put together: no valid one comes near, and hostile ones stop growing here.
const MAX_HALF: usize = 512;

/// Where an addr-spec stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Between angle brackets, where nothing else may stand.
    Angle,
    /// Alone, perhaps behind words that are no part of it.
    Bare,
}

/// An addr-spec in the making.
pub(super) struct AddrSpec {
    place: Place,
    local: Half,
    /// Words stand before the local part that do not belong to it.
    preceded: bool,
    at: bool,
    domain: Half,
    broken: bool,
}

/// Words joined by dots, around which the obsolete syntax allows white space.
#[derive(Default)]
struct Half {
    octets: Vec<u8>,
    quoted: bool,
    filled: bool,
    open: bool,
}

impl Half {
    fn joins(&self, token: Token<'_>) -> bool {
        self.open || matches!(token, Token::Atom(word) if word.starts_with(b"."))
    }

    /// Adds a word; tells whether it still fits.
    fn push(&mut self, token: Token<'_>) -> bool {
        match token {
            Token::Atom(word) => {
                self.octets.extend_from_slice(word.get(..=MAX_HALF).unwrap_or(word));
                self.open = word.ends_with(b".");
            }
            Token::Quoted(inner) => {
                self.octets.extend(unescaped(inner).take(MAX_HALF + 1));
                self.quoted = true;
                self.open = false;
            }
            Token::Literal(literal) => {
                self.octets.extend_from_slice(literal.get(..=MAX_HALF).unwrap_or(literal));
            }
            Token::Comment(_) | Token::Special(_) | Token::Unterminated => return false,
        }
        self.filled = true;
        self.octets.len() <= MAX_HALF
    }
}

impl AddrSpec {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            local: Half::default(),
            preceded: false,
            at: false,
            domain: Half::default(),
            broken: false,
        }
    }

    /// Whether there are only words so far.
    pub(super) fn is_phrase(&self) -> bool {
        !self.at && !self.broken
    }

    /// Whether the addr-spec is whole and `token` begins something else.
    pub(super) fn is_complete_before(&self, token: Token<'_>) -> bool {
        matches!(token, Token::Atom(_) | Token::Quoted(_))
            && self.domain.filled
            && !self.broken
            && !self.domain.joins(token)
    }

    /// Adds the next token.
    pub(super) fn add(&mut self, token: Token<'_>) {
        let fine = match token {
            _ if self.broken => false,
            Token::Comment(_) => true,
            Token::Atom(_) | Token::Quoted(_) if !self.at => self.add_word(token),
            Token::Atom(_) => (!self.domain.filled || self.domain.joins(token)) && self.domain.push(token),
            Token::Literal(_) if self.at => !self.domain.filled && self.domain.push(token),
            Token::Special(b'@') => !std::mem::replace(&mut self.at, true) && self.local.filled,
            Token::Special(b'>') | Token::Unterminated if self.domain.filled => true,
            Token::Special(_) | Token::Literal(_) if !self.at && self.place == Place::Bare => {
                self.local = Half::default();
                self.preceded = true;
                true
            }
            Token::Quoted(_) | Token::Literal(_) | Token::Special(_) | Token::Unterminated => false,
        };
        self.broken = !fine;
    }

    fn add_word(&mut self, token: Token<'_>) -> bool {
        let joins = self.local.filled && !self.preceded && self.local.joins(token);
        if self.local.filled && !joins {
            if self.place == Place::Angle {
                return false;
            }
            self.local = Half::default();
            self.preceded = true;
        }
        // A word of a phrase may be of any length; only as a local part it may not.
        self.local.push(token) || self.place == Place::Bare
    }

    /// The address, if it is one.
    pub(super) fn address(self) -> Option<Address> {
        if self.broken || !self.domain.filled || self.local.octets.len() > MAX_HALF {
            return None;
        }
        let local = text(&self.local.octets);
        if !self.local.quoted && local.chars().any(char::is_whitespace) {
            return None;
        }
        Address::from_parts(&local, &text(&self.domain.octets)).ok()
    }
}
