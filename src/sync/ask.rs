//! Looking for one message on a server, wherever it lies there.

use std::collections::BTreeSet;

use super::absence::is_sent;
use crate::contract::MailboxReader;
use crate::error::{ErrorKind, Result};
use crate::matching::{Matcher, Relevance};
use crate::settings::AccountSettings;
use crate::types::{KeyDigest, MailboxName, MessageId, MessageKey, Uid, UidValidity};

/// Most messages of one mailbox that are looked at: more than bear one Message-ID anywhere.
const MAX_FOUND: usize = 100;

/// A message of that Message-ID in a mailbox.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) mailbox: MailboxName,
    pub(crate) uid_validity: UidValidity,
    pub(crate) uid: Uid,
    /// Its identity.
    pub(crate) message: Option<MessageKey>,
    /// Whether a client takes part, by the rules of today.
    pub(crate) relevance: Relevance,
    /// The clients' keys that it carries.
    pub(crate) keys: BTreeSet<KeyDigest>,
    /// Whether the mailbox is one that is read.
    pub(crate) is_read: bool,
    /// Whether it is a draft, or marked deleted.
    pub(crate) skipped: bool,
}

/// Looks into every mailbox of an account, those that are not read too. A mailbox that will not open is passed over.
pub(crate) async fn ask(
    reader: &mut dyn MailboxReader,
    (matcher, settings): (&Matcher, &AccountSettings),
    id: &MessageId,
) -> Result<Vec<Sighting>> {
    let listing = reader.mailboxes(&[]).await?;
    let mut sightings = Vec::new();
    for mailbox in listing.all.iter().filter(|mailbox| mailbox.selectable) {
        let open = match reader.open(&mailbox.name).await {
            Ok(open) => open,
            Err(error) if error.kind() == ErrorKind::MailboxUnavailable => continue,
            Err(error) => return Err(error),
        };
        let mut found = reader.find_by_message_id(id).await?.intersection(&open.uids);
        let found = found.take_highest(MAX_FOUND);
        if found.is_empty() {
            continue;
        }
        reader.request_addressing(&found).await?;
        for message in reader.next_addressing().await?.messages {
            // A server may find too much.
            if message.headers.message_id.as_ref() != Some(id) {
                continue;
            }
            let sent = is_sent(settings, mailbox, &message);
            let participants = &message.headers.participants;
            sightings.push(Sighting {
                mailbox: mailbox.name.clone(),
                uid_validity: open.uid_validity,
                uid: message.uid,
                message: MessageKey::of_headers(&message.headers),
                relevance: matcher.relevance(participants, sent),
                keys: matcher.keys_carried(participants, sent),
                is_read: listing.mailboxes.iter().any(|read| read.name == mailbox.name),
                skipped: message.skip,
            });
        }
    }
    Ok(sightings)
}
