//! What a walk asks of the archive.

use super::chance::Chance;
use super::world::{MESSAGES, PEOPLE, USERS, WORD_COUNT, key, message, practice, said, user};
use crate::conformance::check::Outcome;
use crate::contract::{PageFilter, PageQuery};
use crate::types::{ConversationId, SearchTerms, Timestamp};

/// A page, from its beginning.
pub(super) fn draw(chance: &mut Chance, second: bool) -> Outcome<PageQuery> {
    let at = |number: Option<u8>| number.map(|n| Timestamp::from_unix(1_699_999_999 + i64::from(n)));
    let filter = PageFilter {
        seen_by: chance.perhaps(USERS).map(user).transpose()?,
        user: chance.one_in(4).then(|| chance.below(USERS)).map(user).transpose()?,
        without: chance.some(1, PEOPLE).into_iter().map(key).collect::<Outcome<_>>()?,
        since: at(chance.one_in(4).then(|| chance.below(6))),
        until: at(chance.one_in(4).then(|| chance.below(6))),
        attachments: chance.one_in(4).then(|| chance.one_in(2)),
        terms: if chance.one_in(2) { terms(chance) } else { None },
    };
    let mut keys = chance.some(3, PEOPLE);
    keys.sort_unstable();
    keys.dedup();
    let keys = keys.into_iter().map(key).collect::<Outcome<_>>()?;
    let limit = 1 + usize::from(chance.below(4));
    let mut query = PageQuery::new(practice(second)?, keys, limit).filter(filter);
    if chance.one_in(4) {
        query.conversation = Some(ConversationId::begun_by(message(chance.below(MESSAGES))?));
    }
    Ok(query)
}

fn terms(chance: &mut Chance) -> Option<SearchTerms> {
    let mut words = chance.some(1, WORD_COUNT);
    words.push(chance.below(WORD_COUNT));
    let text = said(&words);
    SearchTerms::parse(&if chance.one_in(2) { format!("\"{text}\"") } else { text })
}
