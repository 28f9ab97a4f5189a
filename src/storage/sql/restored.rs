//! What becomes of the outbox when a database was restored from a backup: what is queued in it may have left before.

use super::changes::record;
use super::failure::failure;
use super::statement;
use super::transaction::Tx;
use super::values;
use crate::contract::{ChangeKind, OutgoingStep};
use crate::error::Result;
use crate::types::{PracticeId, Timestamp};

/// Whoever has claimed one has it no more: nobody lets it leave.
const HOLD: &str = "
    UPDATE outgoing SET held = 1, claim_work = NULL WHERE state = 'queued' AND held = 0
    RETURNING practice, id, account";

/// What was being sent when the backup was made has ended since, one way or the other.
const DOUBT: &str = "UPDATE outgoing SET claim_permitted = 1 WHERE state = 'sending'";

/// Whether a copy was filed since is not known any more: finding it says nothing of the provider.
const REFILE: &str = "
    UPDATE outgoing SET failure = 'cancelled', failure_message = 'the archive was restored'
    WHERE filing = 'pending' AND failure IS NULL";

/// Holds what is queued until a person decides, and puts what was being sent in doubt; nobody else writes meanwhile.
pub(in crate::storage) async fn hold(tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
    let held: Vec<(String, Vec<u8>, Option<String>)> =
        statement::query_as(HOLD).fetch_all(tx).await.map_err(failure)?;
    statement::query(DOUBT).execute(tx).await.map_err(failure)?;
    for (practice, id, account) in held {
        let practice = PracticeId::new(practice)?;
        let account = account.map(values::account).transpose()?;
        let change = ChangeKind::Outgoing(values::outgoing_id(&id)?, OutgoingStep::Queued);
        record(tx, &practice, now, account.as_ref(), &change).await?;
    }
    statement::query(REFILE).execute(tx).await.map_err(failure)?;
    Ok(())
}
