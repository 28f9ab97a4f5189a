//! Taking an account out of use.

use super::PracticeMail;
use super::authorize_view::{Archived, Disconnected, Revocation};
use super::erase::{BATCH, Candidate, Retentions};
use super::quiet::AllQuiet;
use super::view::Viewer;
use crate::connect::GivenBack;
use crate::contract::Role;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::keys::load_matcher;
use crate::types::{AccountId, PracticeId};

impl PracticeMail {
    /// Disconnects an account, at any time: its work stops in every process, its grant is given back to the provider, its
    /// secrets are erased, and what is archived is kept or erased (S12). Queued messages of it are refused. Users disconnect
    /// their own accounts, administrators anybody's.
    ///
    /// The order is such that the account is out of use first. Whatever fails afterwards is done by disconnecting again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Forbidden`](ErrorKind::Forbidden) for another user's account, and for
    /// [`Archived::Erase`] by anybody but an administrator or the host itself; [`Held`](ErrorKind::Held) where it is to be erased and only
    /// this account has what must be kept; where it is to be erased, [`Busy`](ErrorKind::Busy) while other accounts are read for more than a minute; storage kinds. That a
    /// provider could not be told is no error: [`Revocation::Failed`].
    ///
    /// # Cancel safety
    /// Dropped half-way, the account is out of use or it is not; disconnecting again does what is left.
    pub async fn disconnect(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        account: &AccountId,
        archived: Archived,
    ) -> Result<Disconnected> {
        let unknown = || Error::new(ErrorKind::NotFound, "there is no such account");
        let record = self.record(practice, account).await?.ok_or_else(unknown)?;
        let role = self.own_or_administered(practice, by, &record).await?;
        if archived == Archived::Erase && role.is_some_and(|role| role != Role::Administrator) {
            let message = "what is archived is the practice's record: only an administrator erases it";
            return Err(Error::new(ErrorKind::Forbidden, message));
        }
        if archived == Archived::Erase {
            self.refuse_retained(practice, account).await?;
        }
        self.storage.mail.disconnect(practice, account).await?;
        let revocation = match self.connections.revoke(&record.account).await {
            Ok(GivenBack::Revoked) => Revocation::Revoked,
            Ok(GivenBack::NotOffered) => Revocation::NotOffered,
            Ok(GivenBack::StillUsed) => Revocation::StillUsed,
            Ok(GivenBack::None) => Revocation::NoGrant,
            Err(error) => Revocation::Failed(error),
        };
        self.connections.forget(practice, account).await?;
        if archived == Archived::Erase {
            self.erase_account(practice, account).await?;
        }
        Ok(Disconnected { revocation })
    }

    /// Erases what was archived from an account while nothing is read.
    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let work = async |quiet: &AllQuiet| {
            // Once more, now that nothing more is archived from it.
            self.refuse_retained(practice, account).await?;
            quiet.renew().await?;
            let octets = self.storage.mail.erase_account(practice, account).await?;
            quiet.delete(&octets).await
        };
        self.while_quiet(practice, work).await?;
        self.storage.mail.purge().await
    }

    /// Refuses to erase an account's archive while it holds content that must be kept and that nothing else has.
    async fn refuse_retained(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let mut retentions = Retentions::default();
        let mut retained = 0;
        let mut after = None;
        loop {
            let page = self.storage.mail.all_messages(practice, after, BATCH).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            let sent = self.sent_of(practice, &page).await?;
            for message in &page {
                let sent = sent.iter().find(|item| item.message.message == message.key);
                let candidate = Candidate::new(message, sent, &matcher);
                if loses_content(&candidate, account) {
                    let retains = self.retains(practice, &candidate, &mut retentions).await?;
                    retained += usize::from(retains);
                }
            }
        }
        if retained == 0 {
            return Ok(());
        }
        let message = format!("{retained} messages that only this account has must be kept");
        Err(Error::new(ErrorKind::Held, message))
    }
}

/// Whether a message would lose a content with an account's copies.
fn loses_content(candidate: &Candidate<'_>, account: &AccountId) -> bool {
    let (message, sent) = (candidate.archived.message, candidate.archived.sent);
    let (own, others): (Vec<_>, Vec<_>) = message.copies.iter().partition(|copy| copy.account() == account);
    own.iter().any(|copy| {
        let elsewhere = others.iter().any(|other| other.rendition == copy.rendition);
        !elsewhere && sent.is_none_or(|sent| sent.message.rendition != copy.rendition)
    })
}
