//! Why is this mail here, and why is that one not?

use super::PracticeMail;
use super::tab_view::TabCopy;
use super::view::Viewer;
use super::why_view::{Ask, NotArchived, Why, WhyArchived, WhyOnServer};
use crate::contract::{AccountRecord, AccountState, DeadLetter, Erasable, SignInHints};
use crate::error::{ErrorKind, Result};
use crate::matching::{Matcher, Relevance};
use crate::settings::Reading;
use crate::sync::absence::{Absent, ReadSoFar};
use crate::sync::ask::{Sighting, ask};
use crate::sync::keys::load_matcher;
use crate::types::{CopyPlace, MessageId, MessageKey, PracticeId, UidSet};

impl PracticeMail {
    /// Says what became of the messages that bear a Message-ID (B9, B11): on whose tabs they are and why, or why they are on none. The archive
    /// answers at once; the servers are asked in every account that is read when told to.
    ///
    /// # Errors
    /// [`Forbidden`](ErrorKind::Forbidden) for anybody but administrators and the host: it looks into every account; [`NotFound`](ErrorKind::NotFound) for an unknown practice;
    /// storage kinds. An account that cannot be asked is told in the answer.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// # use practicemail::practice_mail::{Ask, Viewer};
    /// # use practicemail::types::{MessageId, PracticeId};
    /// # async fn answer(mail: &PracticeMail, practice: PracticeId, me: Viewer, id: MessageId) -> practicemail::error::Result<()> {
    /// let why = mail.why(&practice, &me, &id, Ask::Servers).await?;
    /// for message in &why.archived {
    ///     println!("{}: {} copies", message.id, message.copies.len());
    /// }
    /// for found in &why.on_servers {
    ///     println!("in {} of {}: {}", found.mailbox, found.user, found.reason.as_str());
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn why(&self, practice: &PracticeId, by: &Viewer, id: &MessageId, servers: Ask) -> Result<Why> {
        self.may_administer(practice, by).await?;
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let mut why = Why::default();
        for message in self.storage.mail.with_message_id(practice, id).await? {
            match self.why_archived(practice, by, &matcher, message).await {
                Ok(archived) => why.archived.push(archived),
                Err(error) if error.kind() == ErrorKind::NotFound => why.unlisted.push(message),
                Err(error) => return Err(error),
            }
        }
        let letters = self.storage.mail.dead_letters(practice).await?;
        why.erased = self.storage.mail.tombstones(practice, &Erasable::MessageId(id.clone())).await?;
        if servers == Ask::Servers {
            for record in self.storage.mail.accounts(practice).await? {
                let reads = record.account.settings.reading == Reading::Allowed;
                if record.state == AccountState::Connected && reads {
                    let asked = self.why_on_server(&record, &matcher, (id, &letters), &mut why).await;
                    if let Err(error) = asked {
                        why.unasked.push((record.account.id, error));
                    }
                }
            }
        }
        why.dead_letters = letters.into_iter().filter(|l| l.message_id.as_ref() == Some(id)).collect();
        Ok(why)
    }

    async fn why_archived(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        matcher: &Matcher,
        message: MessageKey,
    ) -> Result<WhyArchived> {
        let found = self.find(practice, by, message).await?;
        let everyone = found.archived().everyone();
        let mut clients = Vec::new();
        for client in &found.clients {
            let entries = self.directory.keys_of(practice, client).await?.unwrap_or_default();
            clients.push((client.clone(), matcher.reasons(&everyone, &matcher.client_keys(&entries))));
        }
        let copies: Vec<TabCopy> = found.summary.copies;
        Ok(WhyArchived { id: message, clients, copies })
    }

    async fn why_on_server(
        &self,
        record: &AccountRecord,
        matcher: &Matcher,
        (id, letters): (&MessageId, &[DeadLetter]),
        why: &mut Why,
    ) -> Result<()> {
        let account = &record.account;
        let state = self.storage.mail.sync_state(&account.practice, &account.id).await?;
        let hints = SignInHints::from_stored(state.hints.clone());
        let mut reader = self.connections.open_reader(account, &hints).await?.reader;
        let rules = (matcher, &account.settings);
        let sightings = ask(reader.as_mut(), rules, id).await?;
        reader.close().await;
        let read = ReadSoFar::new(&state, letters, rules);
        for sighting in sightings {
            let place = CopyPlace::new(
                account.id.clone(),
                sighting.mailbox.clone(),
                sighting.uid_validity,
                sighting.uid,
            );
            if self.is_archived(&account.practice, &place).await? {
                continue;
            }
            let reason = self.reason(&account.practice, &read, &sighting, place).await?;
            why.on_servers.push(WhyOnServer {
                account: account.id.clone(),
                user: account.user.clone(),
                mailbox: sighting.mailbox,
                uid: sighting.uid,
                reason,
            });
        }
        Ok(())
    }

    async fn reason(
        &self,
        practice: &PracticeId,
        read: &ReadSoFar<'_>,
        sighting: &Sighting,
        place: CopyPlace,
    ) -> Result<NotArchived> {
        let by_rule = match sighting.relevance {
            Relevance::NoClient => Some(NotArchived::NoClient),
            Relevance::Internal => Some(NotArchived::Internal),
            Relevance::NeverLogged => Some(NotArchived::NeverLogged),
            Relevance::Client if !sighting.is_read => Some(NotArchived::MailboxNotRead),
            Relevance::Client => sighting.skipped.then_some(NotArchived::Skipped),
        };
        if let Some(reason) = by_rule {
            return Ok(reason);
        }
        let keys: Vec<MessageKey> = sighting.message.into_iter().collect();
        let barred = self.storage.mail.barred(practice, &keys).await?;
        let absent = Absent { place, message: sighting.message, keys: &sighting.keys };
        Ok(NotArchived::by(read.why_absent(&absent, &barred)))
    }

    /// Whether a copy is archived at a place.
    async fn is_archived(&self, practice: &PracticeId, place: &CopyPlace) -> Result<bool> {
        let uid: UidSet = [place.uid].into_iter().collect();
        let (account, mailbox, validity) = (&place.account, &place.mailbox, place.uid_validity);
        Ok(!self.storage.mail.copies_at(practice, account, mailbox, validity, &uid).await?.is_empty())
    }
}
