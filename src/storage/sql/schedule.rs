//! [`Schedule`] in SQL.

use async_trait::async_trait;

use super::due::{self, Candidate};
use super::engine::Engine;
use super::failure::failure;
use super::lease_lock::LeaseLock;
use super::transaction::{Access, Tx};
use super::{SqlStore, accounts, backlog, leases, pauses, statement, values};
use crate::contract::{
    AccountSchedule, Claimed, DueAccount, DueClaim, Fence, MailboxBacklog, NextDue, Outbox as _, PassEnd,
    Pause, PauseScope, Schedule,
};
use crate::error::{ErrorKind, Result};
use crate::types::{AccountId, PracticeId, Timestamp};

const SERVE_REQUEST: &str = "UPDATE account SET requested = 0 WHERE practice = ?1 AND account = ?2";

const REQUEST: &str = "
    UPDATE account SET requested = 1, next_due = ?3
    WHERE practice = ?1 AND (?2 IS NULL OR account = ?2) AND state = 'connected'";

const SELECT_SCHEDULE: &str = "
    SELECT a.account, a.next_due, a.requested, a.failures, a.first_pass, l.token, l.holder, l.expires_at
    FROM account AS a LEFT JOIN lease AS l ON l.practice = a.practice AND l.account = a.account
    WHERE a.practice = ?1 ORDER BY a.account";

const SELECT_OUTBOXES: &str = "
    SELECT DISTINCT practice FROM outgoing
    WHERE next_try <= ?1 AND held = 0 AND practice > ?2 ORDER BY practice LIMIT ?3";

/// What was asked for while the pass went on is due at once.
const END_PASS: &str = "
    UPDATE account SET
        next_due = CASE WHEN requested = 1 THEN ?3 WHEN ?4 = 1 THEN next_due ELSE ?5 END,
        failures = CASE WHEN ?6 = 1 THEN failures WHEN ?7 = 1 THEN failures + 1 ELSE 0 END,
        first_pass = CASE WHEN ?6 = 1 OR ?7 = 1 THEN first_pass ELSE 0 END
    WHERE practice = ?1 AND account = ?2";

/// Times that a claim looks again when its candidate was taken by somebody who does not claim.
const TRIES: usize = 10;

/// Writes what the end of a pass means for the schedule; the fence was checked.
pub(super) async fn end_pass(tx: &mut Tx<'_>, now: Timestamp, fence: &Fence, end: &PassEnd) -> Result<()> {
    let (unchanged, next) = match end.next_due {
        NextDue::In(seconds) => (false, Some(now.plus(i64::from(seconds)))),
        NextDue::Stopped => (false, None),
        _ => (true, None),
    };
    let write = statement::query(END_PASS).bind(fence.practice.as_str()).bind(fence.account.as_str());
    let write = write.bind(now.as_unix()).bind(unchanged).bind(values::seconds(next));
    let write = write.bind(end.broken_off).bind(end.failure.is_some());
    write.execute(tx).await.map_err(failure)?;
    if end.broken_off || end.failure.is_some() { Ok(()) } else { backlog::clear(tx, fence).await }
}

impl<E: Engine> SqlStore<E> {
    /// Claims in a transaction; where nothing can be claimed, says when to come back.
    async fn claim(
        &self,
        tx: &mut Tx<'_>,
        now: Timestamp,
        claim: &DueClaim,
        lock: Option<&LeaseLock>,
    ) -> Result<std::result::Result<DueAccount, Option<Timestamp>>> {
        due::take_turn_of_claims(tx).await?;
        let mut living = due::living(tx, now).await?;
        if let Some(lock) = lock {
            for dead in living.extract_if(.., |l| !lock.remembers(&l.practice, &l.account, l.token)) {
                due::end(tx, &dead).await?;
            }
        }
        let mut written_at = Vec::new();
        for _ in 0..TRIES {
            let Some(candidate) = due::best(tx, now, claim, (&living, &written_at)).await? else { break };
            if !due::take_turn(tx, &candidate.practice).await? {
                written_at.push(candidate.practice);
                continue;
            }
            // Turns may have been waited for: the lease begins now.
            let now = tx.now_again().await?;
            if due::is_free(tx, now, &candidate).await? {
                return self.take(tx, now, claim, lock, candidate).await.map(Ok);
            }
        }
        Ok(Err(due::next(tx, now).await?))
    }

    async fn take(
        &self,
        tx: &mut Tx<'_>,
        now: Timestamp,
        claim: &DueClaim,
        lock: Option<&LeaseLock>,
        of: Candidate,
    ) -> Result<DueAccount> {
        let until = now.plus(i64::from(claim.seconds));
        let ids = (&of.practice, &of.account);
        let fence = leases::acquire(tx, lock, now, ids, &claim.holder, until).await?;
        let serve = statement::query(SERVE_REQUEST).bind(ids.0.as_str()).bind(ids.1.as_str());
        serve.execute(tx).await.map_err(failure)?;
        let record = accounts::one(tx, ids.0, ids.1).await?;
        Ok(DueAccount::new(fence, record, of.due, (of.failures, of.is_first), of.provider))
    }
}

#[async_trait]
impl<E: Engine> Schedule for SqlStore<E> {
    async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed> {
        let mut session = self.engine().session(Access::Whole).await?;
        let presence = self.engine().presence();
        let entering = match presence.map(|presence| presence.leases.enter()).transpose() {
            Ok(entering) => entering,
            // Another process reads: this one may when it has done.
            Err(error) if error.kind() == ErrorKind::Busy => return Ok(Claimed::Nothing { next: None }),
            Err(error) => return Err(error),
        };
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let claimed = self.claim(&mut tx, now, claim, presence.map(|presence| &presence.leases)).await?;
        tx.commit().await?;
        Ok(match claimed {
            Ok(due) => {
                if let Some(entering) = entering {
                    entering.remember(&due.fence, now.plus(i64::from(claim.seconds)));
                }
                Claimed::Account(Box::new(due))
            }
            Err(next) => Claimed::Nothing { next },
        })
    }

    async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let request = statement::query(REQUEST).bind(practice.as_str());
        let request = request.bind(account.as_ref().map(AccountId::as_str)).bind(now.as_unix());
        let asked = request.execute(&mut tx).await.map_err(failure)?.rows_affected();
        tx.commit().await?;
        Ok(usize::try_from(asked).unwrap_or(usize::MAX))
    }

    async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>> {
        type Row = (String, Option<i64>, bool, i64, bool, Option<i64>, Option<String>, Option<i64>);
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let mut backlogs = backlog::all(&mut tx, practice).await?;
        let select = statement::query_as(SELECT_SCHEDULE).bind(practice.as_str());
        let rows: Vec<Row> = select.fetch_all(&mut tx).await.map_err(failure)?;
        let mut all = Vec::new();
        for (account, next_due, requested, failures, is_first, token, holder, until) in rows {
            let left = backlogs.remove(&account).unwrap_or_default();
            let mut of = AccountSchedule::new(values::account(account)?, next_due.map(Timestamp::from_unix));
            of.requested = requested;
            of.failures = u32::try_from(failures).unwrap_or(u32::MAX);
            of.is_first = is_first;
            of.lease = holder.zip(until.map(Timestamp::from_unix)).filter(|(_, until)| now < *until);
            let ours = self.engine().presence().zip(token).is_none_or(|(presence, token)| {
                presence.leases.may_live(practice, &of.account, token.cast_unsigned())
            });
            of.lease = of.lease.filter(|_| ours);
            of.backlog = left;
            all.push(of);
        }
        Ok(all)
    }

    async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()> {
        let mut session = self.writing(&fence.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        leases::check(&mut tx, now, fence).await?;
        backlog::set(&mut tx, fence, backlog).await?;
        tx.commit().await
    }

    async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>> {
        let mut due = Vec::new();
        let mut after = after.map_or_else(String::new, |practice| practice.to_string());
        while due.len() < limit {
            let (practices, paused) = self.outboxes_after(&after, limit).await?;
            let Some(last) = practices.last() else { break };
            after.clone_from(last);
            for practice in practices {
                let practice = values::practice(practice)?;
                let is_paused = paused.iter().any(|pause| pause.scope.holds_practice(&practice));
                if due.len() < limit && !is_paused && !self.due_outgoing(&practice, 1).await?.is_empty() {
                    due.push(practice);
                }
            }
        }
        Ok(due)
    }

    async fn pause(&self, pause: &Pause) -> Result<()> {
        let mut session = self.engine().session(Access::Whole).await?;
        let mut tx = session.begin().await?;
        // A claim that has chosen already is waited for: after this none takes what is paused.
        due::take_turn_of_claims(&mut tx).await?;
        pauses::put(&mut tx, pause).await?;
        tx.commit().await
    }

    async fn resume(&self, scope: &PauseScope) -> Result<bool> {
        let mut session = self.engine().session(Access::Whole).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let held = pauses::lift(&mut tx, now, scope).await?;
        tx.commit().await?;
        Ok(held)
    }

    async fn pauses(&self) -> Result<Vec<Pause>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        pauses::holding(&mut tx, now).await
    }
}

impl<E: Engine> SqlStore<E> {
    /// Practices in whose outbox something's time has come, and what is paused.
    async fn outboxes_after(&self, after: &str, limit: usize) -> Result<(Vec<String>, Vec<Pause>)> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let select = statement::query_scalar(SELECT_OUTBOXES).bind(now.as_unix()).bind(after);
        let select = select.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let practices = select.fetch_all(&mut tx).await.map_err(failure)?;
        Ok((practices, pauses::holding(&mut tx, now).await?))
    }
}
