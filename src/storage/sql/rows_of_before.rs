//! What rows of before lack: those of before version 4 their conversation, and what they are searched for by; accounts of before version 6
//! the name of their provider.

use super::statement;
use super::transaction::Tx;

use super::conversations::{self, Changed};
use super::failure::{corrupt, failure};
use super::{archive, messages, search, values};
use crate::error::Result;
use crate::settings::AccountSettings;
use crate::storage::rules::links;
use crate::types::{MessageKey, PracticeId};

/// Messages that are read at once.
const BATCH: i64 = 200;

/// By an index of its own, empty once all are taken up: asked whenever a file is opened.
const SELECT_LEFT: &str = "
    SELECT practice, message, message_id FROM message INDEXED BY message_to_join WHERE conversation IS NULL LIMIT ?1";

const BEGIN: &str = "UPDATE message SET conversation = ?2 WHERE practice = ?1 AND message = ?2";

const SELECT_ACCOUNTS: &str = "
    SELECT practice, account, settings FROM account INDEXED BY account_to_take_up WHERE provider = ''";

const NAME_PROVIDER: &str = "UPDATE account SET provider = ?3 WHERE practice = ?1 AND account = ?2";

/// Gives them what they lack.
pub(in crate::storage) async fn take_up(tx: &mut Tx<'_>) -> Result<()> {
    take_up_accounts(tx).await?;
    loop {
        let left: Vec<(String, Vec<u8>, Option<String>)> =
            statement::query_as(SELECT_LEFT).bind(BATCH).fetch_all(tx).await.map_err(failure)?;
        if left.is_empty() {
            return Ok(());
        }
        for (practice, message, message_id) in left {
            let practice = PracticeId::new(practice).map_err(|_| corrupt("a practice's id"))?;
            let message = values::message_key(&message)?;
            take_up_one(tx, &practice, message, message_id.as_deref()).await?;
        }
    }
}

async fn take_up_accounts(tx: &mut Tx<'_>) -> Result<()> {
    let left: Vec<(String, String, String)> =
        statement::query_as(SELECT_ACCOUNTS).fetch_all(tx).await.map_err(failure)?;
    for (practice, account, settings) in left {
        let settings: AccountSettings =
            serde_json::from_str(&settings).map_err(|_| corrupt("an account's settings"))?;
        let name = statement::query(NAME_PROVIDER).bind(practice).bind(account);
        name.bind(settings.provider().name()).execute(tx).await.map_err(failure)?;
    }
    Ok(())
}

async fn take_up_one(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: MessageKey,
    message_id: Option<&str>,
) -> Result<()> {
    let begin = statement::query(BEGIN).bind(practice.as_str()).bind(message.as_bytes().as_slice());
    begin.execute(tx).await.map_err(failure)?;
    let renditions = messages::renditions(tx, practice, &message).await?;
    archive::sum_up(tx, practice, &message, &renditions).await?;
    let own = message_id.map(values::message_id).transpose()?;
    let named = own.iter().map(links::of_message_id).chain(renditions.iter().flat_map(links::of_rendition));
    conversations::join(tx, practice, &message, (&named.collect(), Changed::Everything)).await?;
    search::write(tx, practice, &message, &renditions).await
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn what_is_left_is_found_without_looking_at_the_rest() {
        let steps = plan(SELECT_LEFT).await;
        assert!(steps.iter().all(|step| step.contains("INDEX message_to_join")), "{steps:?}");
    }
}
