//! Which of the messages of a page are wanted, in SQL.

use super::statement::Query;
use super::values;
use crate::contract::{PageFilter, PagePosition, PageQuery};
use crate::error::Result;
use crate::types::{Timestamp, UserId};

/// What holds of a message `p` that passes the filter, in the parameters from `?4` to `?11` of a question; see [`bind`]. Of each
/// message that is looked at a few rows are read, all by key.
macro_rules! passes {
    () => {
        "(p.sort_time, p.message) < (?4, ?5) AND p.sort_time >= ?6
      AND (?7 IS NULL
        OR EXISTS (
            SELECT 1 FROM copy AS c JOIN account AS a ON a.practice = c.practice AND a.account = c.account
            WHERE c.practice = ?1 AND c.message = p.message
              AND (a.user = ?7 OR NOT EXISTS (
                SELECT 1 FROM hidden AS h WHERE h.practice = ?1 AND h.message = p.message AND h.user = a.user)))
        OR EXISTS (
            SELECT 1 FROM outgoing AS o
            WHERE o.practice = ?1 AND o.message = p.message
              AND (o.author = ?7 OR NOT EXISTS (
                SELECT 1 FROM hidden AS h WHERE h.practice = ?1 AND h.message = p.message AND h.user = o.author))))
      AND (?8 IS NULL
        OR EXISTS (
            SELECT 1 FROM copy AS c JOIN account AS a ON a.practice = c.practice AND a.account = c.account
            WHERE c.practice = ?1 AND c.message = p.message AND a.user = ?8)
        OR EXISTS (SELECT 1 FROM outgoing AS o WHERE o.practice = ?1 AND o.message = p.message AND o.author = ?8))
      AND (?9 IS NULL OR NOT EXISTS (
        SELECT 1 FROM posting AS w INDEXED BY posting_of_message
        WHERE w.practice = ?1 AND w.message = p.message AND w.key IN (SELECT unhex(value) FROM json_each(?9))))
      AND (?10 IS NULL OR ?10 = (
        SELECT m.attachments FROM message AS m WHERE m.practice = ?1 AND m.message = p.message))"
    };
}
pub(super) use passes;

/// Gives a question what [`passes`] needs: `?4` and `?5`, before which position; `?6`, since when; `?7`, who asks; `?8`, whose;
/// `?9`, by which keys not; `?10`, whether with attachments.
pub(super) fn bind<Row>(select: Query<Row>, query: &PageQuery) -> Result<Query<Row>> {
    let PageFilter { seen_by, without, user, since, attachments, .. } = &query.filter;
    let (time, message) = end(query);
    let without = (!without.is_empty()).then(|| values::keys_to_json(without)).transpose()?;
    Ok(select
        .bind(time)
        .bind(message)
        .bind(since.map_or(i64::MIN, Timestamp::as_unix))
        .bind(seen_by.as_ref().map(|user| user.as_str().to_owned()))
        .bind(user.as_ref().map(|user: &UserId| user.as_str().to_owned()))
        .bind(without)
        .bind(*attachments))
}

/// The position that all that is wanted comes after. What is shorter than a message's key stands before every message of its
/// time, what is longer and all ones after it.
pub(super) fn end(query: &PageQuery) -> (i64, Vec<u8>) {
    let place = |at: PagePosition| (at.sort_time.as_unix(), at.message.as_bytes().to_vec());
    let before = query.before.map(place);
    let until = query.filter.until.map(|until| (until.as_unix(), Vec::new()));
    before.into_iter().chain(until).min().unwrap_or_else(|| (i64::MAX, vec![u8::MAX; 33]))
}
