//! What makes two messages one conversation: something both name, and somebody who takes part in both.

use std::collections::BTreeSet;

#[cfg(feature = "sqlite")]
use crate::contract::Rendition;
use crate::types::{AccountId, Field, KeyDigest, MatchKey, MessageId, Participant};

/// Naming a Message-ID: as one's own, as the one that is answered, or among the references.
pub(in crate::storage) fn of_message_id(id: &MessageId) -> String {
    format!("m:{id}")
}

/// Being put into one conversation by the provider of an account.
pub(in crate::storage) fn of_thread(account: &AccountId, thread: &str) -> String {
    format!("{}{thread}", of_account(account))
}

/// What the links of all conversations of an account's provider begin with. No account's id holds a line feed.
pub(in crate::storage) fn of_account(account: &AccountId) -> String {
    format!("t:{account}\n")
}

/// What a stored rendition names, besides its message's own Message-ID.
#[cfg(feature = "sqlite")]
pub(in crate::storage) fn of_rendition(rendition: &Rendition) -> impl Iterator<Item = String> + '_ {
    rendition.in_reply_to.iter().chain(&rendition.references).map(of_message_id)
}

/// Those who take part, Bcc aside: whom only one copy shows makes no conversation.
pub(in crate::storage) fn participants<'a>(
    list: impl IntoIterator<Item = &'a Participant>,
) -> BTreeSet<KeyDigest> {
    let public = list.into_iter().filter(|participant| participant.field != Field::Bcc);
    public.map(|participant| MatchKey::Address(participant.address.key()).digest()).collect()
}
