//! By PostgreSQL's text search: a vector of words for each rendition, written word by word, so that no parser and no locale of the
//! server cuts them. Heads weigh A, bodies B, keys C.
//!
//! A vector has an end: 16,383 places, 256 of each word, a megabyte. A longer rendition has several, each of which begins with the
//! last words of the one before, so that a phrase is not cut; every term is looked for in each of them. A message of more keys than one
//! vector holds has each of them once for every group of its keys: whichever key it is asked for by stands beside all the words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Place, Question, is_in_sight, tokens};
use crate::contract::{PagePosition, PageQuery, Rendition};
use crate::error::Result;
use crate::storage::rules::words;
use crate::storage::sql::failure::failure;
use crate::storage::sql::filter::{self, passes};
use crate::storage::sql::statement;
use crate::storage::sql::transaction::Tx;
use crate::storage::sql::values;
use crate::types::{MessageKey, PracticeId, Timestamp};

/// Places of a vector that are used; what is behind its last place all stands in the last place.
const PLACES: u16 = 16_000;
/// Places of one word; further ones are dropped.
const PLACES_OF_WORD: usize = 250;
/// Octets of the different words, of at most a megabyte; each of its places takes two more.
const OCTETS: usize = 256 * 1024;
/// Words that a vector repeats of the one before: a longer phrase may be missed where it is cut.
const REPEATED: usize = 64;
/// Keys of one vector. Each takes 36 octets, 32 of them its own: with as many of them as this, and the words and their places, a vector
/// has 850 KiB of the megabyte at most. Only hundreds of correspondents make as many.
const KEYS: usize = 16_000;
/// Keys of all vectors of a rendition, some nine megabytes: every piece repeats them, and who writes one word over and over makes many pieces.
/// When they are used up, further words are still found, but not as a phrase, and none of those that the last vector has no room for.
const KEYS_IN_ALL: usize = 256_000;
/// Where the keys stand.
const PLACE_OF_KEYS: u16 = 16_383;

const INSERT: &str = "
    INSERT INTO search_piece (practice, message, rendition, piece, words)
    VALUES (?1, ?2, ?3, ?4, CAST(?5 AS tsvector))";

const DELETE: &str = "DELETE FROM search_piece WHERE practice = ?1 AND message = ?2";

/// So many that hold the terms are sorted by time; where there are more, mail is walked through by time until enough is found. The server
/// is not left the choice: what it expects of words is a guess, and a wrong one walks through a whole archive for a rare word.
const FEW: i64 = 2_000;

/// How many hold the terms, counted to an end: as many as are counted are read, whatever the server expects. `?2`, the keys and the first term.
const COUNT: &str = "
    WITH hit AS MATERIALIZED (
        SELECT 1 FROM search_piece AS s WHERE s.practice = ?1 AND s.words @@ CAST(?2 AS tsquery))
    SELECT count(*) FROM (SELECT 1 FROM hit LIMIT ?3) AS counted";

/// Whether the other terms, `?12`, are held by a rendition of which one piece holds the first, and it is shown.
macro_rules! holds_the_rest {
    () => {
        concat!(
            "NOT EXISTS (
        SELECT 1 FROM json_each(?12) AS t
        WHERE NOT EXISTS (
            SELECT 1 FROM search_piece AS o
            WHERE o.practice = ?1 AND o.message = s.message AND o.rendition = s.rendition
              AND o.words @@ CAST(t.value AS tsquery)))
      AND (",
            is_in_sight!(),
            ")"
        )
    };
}

/// Beginning with what holds the keys and the first term, `?11`, or what of a conversation, `?2`, does. `OFFSET 0` has each message looked up by its key.
const BY_WORDS: &str = concat!(
    "
    WITH s AS MATERIALIZED (
        SELECT h.message, h.rendition FROM search_piece AS h
        WHERE h.practice = ?1 AND h.words @@ CAST(?11 AS tsquery)
          AND (?2 IS NULL OR h.message IN (SELECT message FROM message WHERE practice = ?1 AND conversation = ?2)))
    SELECT DISTINCT p.sort_time, p.message
    FROM s CROSS JOIN LATERAL (
        SELECT m.sort_time, m.message FROM message AS m WHERE m.practice = ?1 AND m.message = s.message OFFSET 0) AS p
    WHERE ",
    holds_the_rest!(),
    "
      AND ",
    passes!(),
    "
    ORDER BY p.sort_time DESC, p.message DESC LIMIT ?3"
);

/// Beginning with the newest of each key, `?15`, of whatever conversation.
const BY_TIME: &str = concat!(
    "
    SELECT DISTINCT top.sort_time, top.message
    FROM json_each(?15) AS k CROSS JOIN LATERAL (
        SELECT p.sort_time, p.message FROM posting AS p
        WHERE p.practice = ?1 AND p.key = unhex(k.value)
          AND EXISTS (
            SELECT 1 FROM search_piece AS s
            WHERE s.practice = ?1 AND s.message = p.message AND s.words @@ CAST(?11 AS tsquery) AND ",
    holds_the_rest!(),
    ") AND ",
    passes!(),
    "
        ORDER BY p.sort_time DESC, p.message DESC LIMIT ?3) AS top
    ORDER BY top.sort_time DESC, top.message DESC LIMIT ?3"
);

/// Writes what a message is searched for by.
pub(super) async fn write(
    tx: &mut Tx<'_>,
    (practice, message): (&PracticeId, &MessageKey),
    keys: &[String],
    renditions: &[Rendition],
) -> Result<()> {
    for rendition in renditions {
        let texts = texts(rendition);
        let pieces = pieces(&texts, most_pieces(keys));
        // One at a time: all of them together may be many times what the message is.
        for ((piece, group), number) in vectors(&pieces, keys).zip(0i64..) {
            statement::query(INSERT)
                .bind(practice.as_str())
                .bind(message.as_bytes().as_slice())
                .bind(rendition.digest.as_bytes().as_slice())
                .bind(number)
                .bind(piece.vector(group))
                .execute(tx)
                .await
                .map_err(failure)?;
        }
    }
    Ok(())
}

/// Takes away what a message is searched for by.
pub(super) async fn forget(tx: &mut Tx<'_>, practice: &PracticeId, message: &MessageKey) -> Result<()> {
    let delete = statement::query(DELETE).bind(practice.as_str()).bind(message.as_bytes().as_slice());
    delete.execute(tx).await.map_err(failure)?;
    Ok(())
}

/// The newest that hold the terms.
pub(super) async fn newest(
    tx: &mut Tx<'_>,
    query: &PageQuery,
    question: &Question<'_>,
) -> Result<BTreeSet<PagePosition>> {
    let weights = match question.place {
        Place::Anywhere => "AB",
        Place::Head => "A",
    };
    let mut terms = question.terms.terms().iter().map(|term| phrase(term, weights));
    let keys: Vec<_> = tokens(query).iter().map(|token| format!("'{token}':C")).collect();
    let first = format!("({}) & ({})", keys.join(" | "), terms.next().unwrap_or_default());
    // A conversation is short, whatever it says.
    let is_few = question.conversation.is_some() || count(tx, query, &first).await? <= FEW;
    let select = statement::query_as::<(i64, Vec<u8>)>(if is_few { BY_WORDS } else { BY_TIME })
        .bind(query.practice.as_str())
        .bind(question.conversation.map(|conversation| conversation.as_bytes().to_vec()))
        .bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
    let select = filter::bind(select, query)?
        .bind(first)
        .bind(values::json(&terms.collect::<Vec<_>>())?)
        .bind(0i64)
        .bind(question.sight as i64)
        .bind(values::keys_to_json(&query.keys)?);
    let rows = select.fetch_all(tx).await.map_err(failure)?;
    let position = |(sort_time, message): (i64, Vec<u8>)| {
        Ok(PagePosition::new(Timestamp::from_unix(sort_time), values::message_key(&message)?))
    };
    rows.into_iter().map(position).collect()
}

/// How many hold the keys and the first term, or one more than a few.
async fn count(tx: &mut Tx<'_>, query: &PageQuery, first: &str) -> Result<i64> {
    let select = statement::query_scalar(COUNT).bind(query.practice.as_str()).bind(first).bind(FEW + 1);
    select.fetch_one(tx).await.map_err(failure)
}

/// Words that follow each other, the last of which need only be the beginning of one. Words are letters and digits: nothing in them
/// means anything to the engine.
fn phrase(term: &[String], weights: &str) -> String {
    let mut text = String::new();
    for (word, left) in term.iter().zip((0..term.len()).rev()) {
        let (prefix, next) = if left == 0 { ("*", "") } else { ("", " <-> ") };
        _ = write!(text, "'{word}':{prefix}{weights}{next}");
    }
    text
}

/// What one vector holds: words, and at which places with which weight.
#[derive(Default)]
struct Piece<'a> {
    words: BTreeMap<&'a str, Vec<(u16, char)>>,
    octets: usize,
    last: u16,
}

impl<'a> Piece<'a> {
    fn is_full_for(&self, word: &str) -> bool {
        self.last >= PLACES
            || self.octets >= OCTETS
            || self.words.get(word).is_some_and(|places| places.len() >= PLACES_OF_WORD)
    }

    /// Adds a word at the next place, as far as there is room.
    fn add(&mut self, word: &'a str, weight: char) {
        self.last = self.last.saturating_add(1).min(PLACES);
        match self.words.get_mut(word) {
            Some(places) if places.len() >= PLACES_OF_WORD => {}
            Some(places) if places.last().is_some_and(|(last, _)| *last == self.last) => {}
            Some(places) => places.push((self.last, weight)),
            None if self.octets >= OCTETS => {}
            None => {
                self.octets += word.len() + 8;
                self.words.insert(word, vec![(self.last, weight)]);
            }
        }
    }

    /// As PostgreSQL reads it.
    fn vector(&self, keys: &[String]) -> String {
        let mut text = String::new();
        for (word, places) in &self.words {
            _ = write!(text, "'{word}':");
            for (place, weight) in places {
                _ = write!(text, "{place}{weight},");
            }
            text.pop();
            text.push(' ');
        }
        for key in keys {
            _ = write!(text, "'{key}':{PLACE_OF_KEYS}C ");
        }
        text
    }
}

/// What a rendition says, and with which weight.
fn texts(rendition: &Rendition) -> Vec<(Vec<String>, char)> {
    let (head, body) = (words::head(rendition), words::body(rendition));
    let head = head.into_iter().map(|text| (text, 'A'));
    head.chain(body.into_iter().map(|text| (text, 'B'))).filter(|(text, _)| !text.is_empty()).collect()
}

/// Pieces that a rendition may be cut into where it has these keys.
fn most_pieces(keys: &[String]) -> usize {
    (KEYS_IN_ALL / keys.len().max(1)).max(1)
}

/// The words of a rendition in at most so many pieces; at least one, for it is found by its keys.
fn pieces(texts: &[(Vec<String>, char)], most: usize) -> Vec<Piece<'_>> {
    let (mut pieces, mut piece) = (Vec::new(), Piece::default());
    for (text, weight) in texts {
        // No term reaches from one text into the next.
        piece.last = piece.last.saturating_add(1).min(PLACES);
        for (at, word) in text.iter().enumerate() {
            if piece.is_full_for(word) && pieces.len() + 1 < most {
                pieces.push(std::mem::take(&mut piece));
                for repeated in text.iter().take(at).skip(at.saturating_sub(REPEATED)) {
                    piece.add(repeated, *weight);
                }
            }
            piece.add(word, *weight);
        }
    }
    pieces.push(piece);
    pieces
}

/// What stands together in each vector: every piece with every group of the keys.
fn vectors<'a>(
    pieces: &'a [Piece<'a>],
    keys: &'a [String],
) -> impl Iterator<Item = (&'a Piece<'a>, &'a [String])> {
    let without = keys.is_empty().then_some(keys);
    pieces.iter().flat_map(move |piece| keys.chunks(KEYS).chain(without).map(move |group| (piece, group)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_of_words_that_follow_each_other_the_last_begun() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(phrase(&words("annual acc"), "AB"), "'annual':AB <-> 'acc':*AB");
        assert_eq!(phrase(&words("vat"), "A"), "'vat':*A");
    }

    fn saying(text: String) -> Rendition {
        let digest = crate::types::Digest::of(b"x");
        let mut rendition = Rendition::of(digest, &crate::types::ParsedMessage::default());
        rendition.text = text;
        rendition
    }

    fn written(rendition: &Rendition, keys: &[String]) -> Vec<String> {
        let texts = texts(rendition);
        vectors(&pieces(&texts, most_pieces(keys)), keys).map(|(piece, group)| piece.vector(group)).collect()
    }

    #[test]
    fn a_long_text_is_cut_where_a_vector_ends_and_repeats_what_was_before() {
        let long = saying((0..40_000).map(|n| format!("w{n} ")).collect());
        let vectors = written(&long, &["key".to_owned()]);
        assert_eq!(vectors.len(), 3);
        assert!(vectors.iter().all(|vector| vector.contains("'key':16383C")));
        let second = vectors.get(1).unwrap();
        assert!(second.contains("'w15998':") && second.contains("'w16000':"), "the cut is not crossed");
        assert_eq!(written(&saying("the ".repeat(1_000)), &[]).len(), 6);
    }

    #[test]
    fn each_of_many_keys_stands_beside_every_word_once() {
        let keys: Vec<_> = (0..=2 * KEYS).map(|n| format!("k{n:031}")).collect();
        let long = saying((0..40_000).map(|n| format!("w{n} ")).collect());
        let vectors = written(&long, &keys);
        assert_eq!(vectors.len(), 3 * 3);
        for key in [0, KEYS - 1, KEYS, 2 * KEYS].map(|at| format!("'{}':16383C", keys[at])) {
            for word in ["'w0':", "'w20000':", "'w39999':"] {
                let both = |vector: &&String| vector.contains(&key) && vector.contains(word);
                assert_eq!(vectors.iter().filter(both).count(), 1, "{key} {word}");
            }
        }
        let (few, none) = (&keys[..KEYS], &keys[..0]);
        assert_eq!([few, none].map(|keys| written(&saying("short".to_owned()), keys).len()), [1, 1]);
    }

    #[test]
    fn who_writes_much_to_many_is_found_by_every_word_in_bounded_room() {
        let keys: Vec<_> = (0..KEYS).map(|n| format!("k{n:031}")).collect();
        let flood = saying(format!("{}{}", "the ".repeat(100_000), "end of it"));
        let vectors = written(&flood, &keys);
        assert_eq!(vectors.len(), KEYS_IN_ALL / KEYS);
        let last = vectors.last().unwrap();
        assert!(last.contains("'end':16000B ") && last.contains("'it':16000B "));
        let places = last.split_once("'the':").unwrap().1.split(' ').next().unwrap();
        assert_eq!(places.split(',').count(), PLACES_OF_WORD);
        // Words without end are cut off where the vector is full.
        let words = saying((0..1_000_000).map(|n| format!("w{n} ")).collect());
        let vectors = written(&words, &keys);
        assert_eq!(vectors.len(), KEYS_IN_ALL / KEYS);
        assert!(vectors.iter().all(|vector| vector.len() < 2 << 20));
    }

    /// As PostgreSQL stores it: each word, the number of its places, and two octets a place, with an octet between where that has to be even.
    #[test]
    fn the_fullest_vector_is_within_what_the_engine_takes() {
        let words = OCTETS + 8 + 4 * 64;
        let places = 2 * usize::from(PLACES);
        assert!(words + places + KEYS * (32 + 2 + 2) < 1 << 20);
    }
}
