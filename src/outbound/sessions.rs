//! What the deliverer needs of whoever opens sessions.

use async_trait::async_trait;

use crate::contract::{AccountRecord, MailTransport, MessageFiler};
use crate::error::Result;
use crate::settings::Noreply;
use crate::types::PracticeId;

/// Opens sessions for ways of sending.
#[async_trait]
pub(crate) trait Sessions: Send + Sync {
    /// A transport for an account that sends.
    async fn account_transport(&self, account: &AccountRecord) -> Result<Box<dyn MailTransport>>;

    /// A transport for a practice's noreply address.
    async fn noreply_transport(
        &self,
        practice: &PracticeId,
        noreply: &Noreply,
    ) -> Result<Box<dyn MailTransport>>;

    /// A session that files in an account.
    async fn filer(&self, account: &AccountRecord) -> Result<Box<dyn MessageFiler>>;
}
