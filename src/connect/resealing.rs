//! Sealing anew what was sealed with a key of before.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::secrets::{Secrets, reserved};
use super::{Connections, NOREPLY};
use crate::contract::CredentialField;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::OAuthProvider;
use crate::types::{AccountId, PracticeId};

/// What of an account lasts; a sign-in that is under way is over within the hour.
const OF_AN_ACCOUNT: [CredentialField; 4] = [
    CredentialField::IncomingPassword,
    CredentialField::OutgoingPassword,
    CredentialField::OutgoingToken,
    CredentialField::Grant,
];
/// For so many seconds a record is claimed: it is opened, sealed and written within.
const CLAIM_SECONDS: u32 = 30;
/// For so long somebody else may be at a record, renewing a token; then its turn comes again.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resealing {
    /// It was sealed anew.
    Done,
    /// It was sealed with the current key.
    Current,
    /// It cannot be opened: its key is not there, or it was altered.
    Unreadable,
}

impl Connections {
    /// Seals everything of these accounts anew, and of the practice itself.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable) without a current key; [`Busy`](ErrorKind::Busy); storage kinds.
    pub(crate) async fn reseal(
        &self,
        practice: &PracticeId,
        accounts: impl IntoIterator<Item = AccountId>,
    ) -> Result<Vec<(AccountId, Resealing)>> {
        let mut records = Vec::new();
        for account in accounts {
            records.extend(OF_AN_ACCOUNT.map(|field| (account.clone(), field)));
        }
        records.push((reserved(NOREPLY)?, CredentialField::OutgoingPassword));
        for provider in [OAuthProvider::Google, OAuthProvider::Microsoft] {
            records.push((reserved(provider.as_str())?, CredentialField::ClientSecret));
        }
        let mut done = Vec::new();
        for (account, field) in records {
            let resealed = self.secrets.reseal(practice, &account, field).await?;
            done.extend(resealed.map(|resealed| (account, resealed)));
        }
        Ok(done)
    }
}

impl Secrets {
    /// Seals a record anew, if it is there and was sealed with another key. Whoever writes it meanwhile is not overwritten.
    async fn reseal(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<Resealing>> {
        let begun = Instant::now();
        loop {
            let Some(record) = self.store.load(practice, account, field).await? else { return Ok(None) };
            if self.sealer.is_current(&record.octets).await? {
                return Ok(Some(Resealing::Current));
            }
            let secret = match self.sealer.open(practice, account, field, &record.octets).await {
                Ok(secret) => secret,
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::KeyUnavailable | ErrorKind::CredentialsUnreadable
                    ) =>
                {
                    return Ok(Some(Resealing::Unreadable));
                }
                Err(error) => return Err(error),
            };
            let claim = self.store.claim(practice, account, field, record.version, CLAIM_SECONDS).await?;
            if let Some(claim) = claim
                && self.keep(practice, account, (field, &secret), Some(claim)).await?
            {
                return Ok(Some(Resealing::Done));
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::new(ErrorKind::Busy, "somebody else is at a stored secret"));
            }
            sleep(PAUSE).await;
        }
    }
}
