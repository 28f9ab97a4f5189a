//! What is left of erased messages, and what it bars.

use std::collections::BTreeSet;

use super::statement;
use super::transaction::Tx;

use super::failure::{corrupt, failure, newer};
use crate::contract::{Bars, Erasable, EraseReason, Erasure, Tombstone};
use crate::error::Result;
use crate::storage::rules::PracticeSecret;
use crate::types::{ClientId, Digest, MessageId, MessageKey, PracticeId, Timestamp};

const SELECT_SECRET: &str = "SELECT secret FROM practice_secret WHERE practice = ?1";

const INSERT_SECRET: &str = "INSERT INTO practice_secret (practice, secret) VALUES (?1, ?2)";

const SAVE: &str = "
    INSERT INTO tombstone (practice, message, message_id, reason, at, bars, until, client)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (practice, message) DO UPDATE SET
        message_id = excluded.message_id, reason = excluded.reason, at = excluded.at, bars = excluded.bars,
        until = excluded.until, client = excluded.client";

const DELETE: &str = "DELETE FROM tombstone WHERE practice = ?1 AND message = ?2";

const DELETE_EXPIRED: &str = "DELETE FROM tombstone WHERE practice = ?1 AND until <= ?2";

const SELECT_OF_MESSAGE: &str = "
    SELECT reason, at, bars, until, client FROM tombstone
    WHERE practice = ?1 AND message = ?2 AND (until IS NULL OR until > ?3)";

const SELECT_OF_MESSAGE_ID: &str = "
    SELECT reason, at, bars, until, client FROM tombstone
    WHERE practice = ?1 AND message_id = ?2 AND (until IS NULL OR until > ?3) ORDER BY at, message";

type Row = (String, i64, String, Option<i64>, Option<String>);

/// The tombstones of a practice at a time.
pub(super) struct Tombstones<'a> {
    practice: &'a PracticeId,
    now: Timestamp,
    secret: PracticeSecret,
}

impl<'a> Tombstones<'a> {
    /// `None` where nothing was ever erased.
    pub(super) async fn load(
        tx: &mut Tx<'_>,
        practice: &'a PracticeId,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let select = statement::query_as(SELECT_SECRET).bind(practice.as_str());
        let row: Option<(Vec<u8>,)> = select.fetch_optional(tx).await.map_err(failure)?;
        let Some((secret,)) = row else { return Ok(None) };
        let secret = PracticeSecret::from_slice(&secret).ok_or_else(|| corrupt("a practice's secret"))?;
        Ok(Some(Self { practice, now, secret }))
    }

    /// For the practice's first one too.
    pub(super) async fn load_or_begin(
        tx: &mut Tx<'_>,
        practice: &'a PracticeId,
        now: Timestamp,
    ) -> Result<Self> {
        if let Some(known) = Self::load(tx, practice, now).await? {
            return Ok(known);
        }
        let secret = PracticeSecret::random()?;
        let insert =
            statement::query(INSERT_SECRET).bind(practice.as_str()).bind(secret.as_bytes().as_slice());
        insert.execute(tx).await.map_err(failure)?;
        Ok(Self { practice, now, secret })
    }

    pub(super) const fn secret(&self) -> &PracticeSecret {
        &self.secret
    }

    /// Leaves the tombstone of a message, in place of one of before.
    pub(super) async fn bury(
        &self,
        tx: &mut Tx<'_>,
        erasure: &Erasure,
        message: &MessageKey,
        message_id: Option<&MessageId>,
    ) -> Result<()> {
        let digest = self.secret.message(message);
        let Some((bars, until, client)) = columns(&erasure.bars) else {
            let delete =
                statement::query(DELETE).bind(self.practice.as_str()).bind(digest.as_bytes().as_slice());
            delete.execute(tx).await.map_err(failure)?;
            return Ok(());
        };
        let message_id = message_id.map(|id| self.secret.message_id(id));
        statement::query(SAVE)
            .bind(self.practice.as_str())
            .bind(digest.as_bytes().as_slice())
            .bind(message_id.as_ref().map(|digest| digest.as_bytes().as_slice()))
            .bind(erasure.reason.as_str())
            .bind(self.now.as_unix())
            .bind(bars)
            .bind(until)
            .bind(client)
            .execute(tx)
            .await
            .map_err(failure)?;
        Ok(())
    }

    /// Takes those away that bar nothing any more.
    pub(super) async fn sweep(&self, tx: &mut Tx<'_>) -> Result<()> {
        let delete = statement::query(DELETE_EXPIRED).bind(self.practice.as_str()).bind(self.now.as_unix());
        delete.execute(tx).await.map_err(failure)?;
        Ok(())
    }

    /// Those that bar, the earliest first.
    pub(super) async fn of(&self, tx: &mut Tx<'_>, of: &Erasable) -> Result<Vec<Tombstone>> {
        let (sql, digest) = match of {
            Erasable::Message(message) => (SELECT_OF_MESSAGE, self.secret.message(message)),
            Erasable::MessageId(message_id) => (SELECT_OF_MESSAGE_ID, self.secret.message_id(message_id)),
        };
        let rows = self.select(tx, sql, &digest).await?;
        rows.into_iter().map(from_row).collect()
    }

    pub(super) async fn bars(&self, tx: &mut Tx<'_>, message: &MessageKey) -> Result<bool> {
        self.bars_digest(tx, &self.secret.message(message)).await
    }

    /// The same, of a message that only its digest is known of.
    pub(super) async fn bars_digest(&self, tx: &mut Tx<'_>, message: &Digest) -> Result<bool> {
        Ok(!self.select(tx, SELECT_OF_MESSAGE, message).await?.is_empty())
    }

    /// Of these messages, those that are barred.
    pub(super) async fn barred(
        &self,
        tx: &mut Tx<'_>,
        messages: &[MessageKey],
    ) -> Result<BTreeSet<MessageKey>> {
        let mut barred = BTreeSet::new();
        for message in messages {
            if self.bars(tx, message).await? {
                barred.insert(*message);
            }
        }
        Ok(barred)
    }

    async fn select(&self, tx: &mut Tx<'_>, sql: &'static str, digest: &Digest) -> Result<Vec<Row>> {
        let select = statement::query_as(sql).bind(self.practice.as_str()).bind(digest.as_bytes().as_slice());
        select.bind(self.now.as_unix()).fetch_all(tx).await.map_err(failure)
    }
}

/// The columns `bars`, `until` and `client`, where there is a tombstone at all.
fn columns(bars: &Bars) -> Option<(&'static str, Option<i64>, Option<&str>)> {
    match bars {
        Bars::ForEver => Some(("for_ever", None, None)),
        Bars::Until(until) => Some(("until", Some(until.as_unix()), None)),
        Bars::UntilClientIsBack(client) => Some(("until_client_is_back", None, Some(client.as_str()))),
        Bars::Nothing => None,
    }
}

fn from_row((reason, at, bars, until, client): Row) -> Result<Tombstone> {
    let reason = EraseReason::parse(&reason).ok_or_else(|| newer("a reason for erasing"))?;
    let client = client.map(ClientId::new).transpose().map_err(|_| corrupt("a client's id"))?;
    let bars = match (bars.as_str(), until, client) {
        ("for_ever", ..) => Bars::ForEver,
        ("until", Some(until), _) => Bars::Until(Timestamp::from_unix(until)),
        ("until_client_is_back", _, Some(client)) => Bars::UntilClientIsBack(client),
        _ => return Err(corrupt("a tombstone")),
    };
    Ok(Tombstone::new(reason, Timestamp::from_unix(at), bars))
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan_for_a_practice as plan;
    use super::*;

    #[tokio::test]
    async fn tombstones_are_found_by_digest_without_sorting() {
        for sql in [SELECT_SECRET, DELETE, DELETE_EXPIRED, SELECT_OF_MESSAGE, SELECT_OF_MESSAGE_ID] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
                assert!(!step.ends_with("(practice=?)") || sql == SELECT_SECRET, "{step} in {sql}");
            }
        }
    }
}
