//! What was erased: messages that still lie on the server, and clients that are back.

use super::gathered::Gathered;
use super::mailbox_pass::MailboxPass;
use super::pass::Pass;
use crate::contract::{Addressed, ClientSighting, ErasedClient};
use crate::error::Result;
use crate::types::MessageKey;

impl Pass<'_> {
    /// Tells the store which of the clients whose messages were erased are away, and which are back.
    pub(super) async fn sight_erased_clients(&self) -> Result<()> {
        // A directory that has nobody shows an accident rather than that everybody has left.
        if self.matcher.clients() == 0 {
            return Ok(());
        }
        let practice = &self.fence.practice;
        for erased in self.store.erased_clients(practice).await? {
            if let Some(sighting) = self.sighting(&erased).await? {
                self.store.sight_client(practice, &erased.client, &sighting).await?;
            }
        }
        Ok(())
    }

    /// What the directory shows of a client that is news. Away is one that is not there at all: keys may be taken away for a moment,
    /// and be unusable. Back is one that has keys again, for by them its history is read.
    async fn sighting(&self, erased: &ErasedClient) -> Result<Option<ClientSighting>> {
        if erased.was_away {
            let keys = self.matcher.keys_of_client(&erased.client);
            return Ok((!keys.is_empty()).then_some(ClientSighting::Back(keys)));
        }
        let keys = self.directory.keys_of(&self.fence.practice, &erased.client).await?;
        Ok(keys.is_none().then_some(ClientSighting::Away))
    }
}

impl MailboxPass<'_, '_> {
    /// Leaves out what a tombstone bars: it is seen, and not asked for.
    pub(super) async fn leave_out_barred(
        &mut self,
        wanted: &mut Vec<Addressed>,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let keys: Vec<MessageKey> =
            wanted.iter().filter_map(|message| MessageKey::of_headers(&message.headers)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let pass = self.writer.pass;
        let barred = pass.store.barred(&pass.fence.practice, &keys).await?;
        wanted.retain(|message| {
            let stays = MessageKey::of_headers(&message.headers).is_none_or(|key| !barred.contains(&key));
            if !stays {
                gathered.done(message.uid);
            }
            stays
        });
        Ok(())
    }
}
