//! Everything that can be read of two stores.

use std::collections::BTreeMap;

use super::pair::{Pair, Side, plain};
use super::step::Part;
use super::world::{ACCOUNTS, INTENTS, MESSAGES, account, intent, message, message_id, practice};
use crate::conformance::check::Outcome;
use crate::contract::{
    Change, Erasable, MailStore, Message, OutboxQuery, Outgoing, OutgoingState, PagePosition, PageQuery,
};
use crate::error::Result;
use crate::types::{ConversationId, MessageKey, PracticeId};

/// More than a walk makes of anything.
pub(super) const ALL: usize = 10_000;
/// What is read at once of what is read in pieces.
const PIECE: usize = 3;
impl Pair {
    /// Everything that can be read of a part.
    pub(super) async fn look(&self, part: Part) -> Outcome {
        for second in [false, true] {
            let practice = practice(second)?;
            match part {
                Part::Store => self.look_at_store(&practice).await?,
                Part::Outbox => self.look_at_outbox(&practice).await?,
                Part::Archive => self.look_at_archive(&practice).await?,
                Part::Schedule => {
                    let read = async |side: &Side| side.store.schedule(&practice).await;
                    self.ask("schedule", read).await?;
                }
            }
        }
        if part == Part::Schedule {
            self.ask("pauses", async |side| {
                Ok(sorted(side.store.pauses().await?, |pause| pause.scope.clone()))
            })
            .await?;
            for after in [None, Some(practice(false)?)] {
                let read = async |side: &Side| side.store.due_outboxes(after.clone(), ALL).await;
                self.ask("due_outboxes", read).await?;
            }
        }
        Ok(())
    }

    async fn look_at_store(&self, practice: &PracticeId) -> Outcome {
        let accounts = async |side: &Side| {
            Ok(side.store.accounts(practice).await?.into_iter().map(plain).collect::<Vec<_>>())
        };
        self.ask("accounts", accounts).await?;
        self.ask("practice_settings", async |side| side.store.practice_settings(practice).await).await?;
        for number in 0..ACCOUNTS {
            let (of, id) = account(number)?;
            if of == *practice {
                self.ask("sync_state", async |side| side.store.sync_state(practice, &id).await).await?;
                self.ask("copies", async |side| side.store.copies(practice, &id).await).await?;
                self.ask("files_copies", async |side| side.store.files_copies(practice, &id).await).await?;
            }
        }
        self.ask("all_messages", async |side| all(side, practice).await).await?;
        let keys = every_message()?;
        let read = async |side: &Side| {
            let found = side.store.messages(practice, &keys).await?;
            Ok(found.into_iter().map(|message| message.key).collect::<Vec<_>>())
        };
        self.ask("messages", read).await?;
        self.ask("dead_letters", async |side| side.store.dead_letters(practice).await).await?;
        self.ask("changes", async |side| feed(side, practice).await).await
    }

    async fn look_at_outbox(&self, practice: &PracticeId) -> Outcome {
        for states in [vec![], vec![OutgoingState::Sent, OutgoingState::Unknown]] {
            let read = async |side: &Side| intents(side, practice, &states).await;
            self.ask("outbox", read).await?;
        }
        for number in 0..INTENTS {
            let (of, id) = intent(number)?;
            if of == *practice {
                self.ask("outgoing", async |side| side.store.outgoing(practice, id).await).await?;
            }
        }
        self.ask("due_outgoing", async |side| side.store.due_outgoing(practice, ALL).await).await?;
        let keys = every_message()?;
        let read = async |side: &Side| {
            Ok(sorted(side.store.outgoing_of(practice, &keys).await?, |item| item.message.id))
        };
        self.ask("outgoing_of", read).await
    }

    async fn look_at_archive(&self, practice: &PracticeId) -> Outcome {
        for number in 0..MESSAGES {
            let (key, id) = (message(number)?, message_id(number)?);
            let begun = ConversationId::begun_by(key);
            self.ask("conversation", async |side| side.store.conversation(practice, begun).await).await?;
            for of in [Erasable::Message(key), Erasable::MessageId(id.clone())] {
                let read = async |side: &Side| {
                    Ok(sorted(side.store.tombstones(practice, &of).await?, |stone| (stone.reason, stone.at)))
                };
                self.ask("tombstones", read).await?;
            }
            let read = async |side: &Side| side.store.with_message_id(practice, &id).await;
            self.ask("with_message_id", read).await?;
        }
        let keys = every_message()?;
        self.ask("barred", async |side| side.store.barred(practice, &keys).await).await?;
        let read = async |side: &Side| {
            Ok(sorted(side.store.erased_clients(practice).await?, |erased| erased.client.clone()))
        };
        self.ask("erased_clients", read).await
    }
}

fn every_message() -> Outcome<Vec<MessageKey>> {
    (0..MESSAGES).map(message).collect()
}

/// In an order of this kind, where the contract has none.
fn sorted<T, K: Ord>(mut these: Vec<T>, by: impl FnMut(&T) -> K) -> Vec<T> {
    these.sort_by_key(by);
    these
}

/// Every message, in the order in which they came too, whatever numbers say so.
async fn all(side: &Side, practice: &PracticeId) -> Result<(Vec<Message>, Vec<MessageKey>)> {
    let mut messages: Vec<Message> = Vec::new();
    while messages.len() < ALL {
        let after = messages.last().map(|message| message.key);
        let more = side.store.all_messages(practice, after, PIECE).await?;
        if more.is_empty() {
            break;
        }
        messages.extend(more);
    }
    let arrivals: BTreeMap<u64, MessageKey> =
        messages.iter().map(|message| (message.arrival, message.key)).collect();
    for message in &mut messages {
        message.arrival = 0;
    }
    Ok((messages, arrivals.into_values().collect()))
}

/// The feed, whether its numbers rise, and whether the last one is told.
async fn feed(side: &Side, practice: &PracticeId) -> Result<(Vec<Change>, bool, bool)> {
    let (mut changes, mut last) = (Vec::<Change>::new(), 0);
    while changes.len() < ALL {
        let more = side.store.changes(practice, last, 8 * PIECE).await?;
        let Some(newest) = more.last() else { break };
        last = newest.sequence;
        changes.extend(more);
    }
    let is_told = side.store.last_change(practice).await? == last;
    let rises = changes.is_sorted_by(|one, two| one.sequence < two.sequence);
    for change in &mut changes {
        change.sequence = 0;
    }
    Ok((changes, rises, is_told))
}

/// The outbox, newest first.
async fn intents(side: &Side, practice: &PracticeId, states: &[OutgoingState]) -> Result<Vec<Outgoing>> {
    let mut found: Vec<Outgoing> = Vec::new();
    while found.len() < ALL {
        let mut query = OutboxQuery::newest(PIECE);
        (query.states, query.before) = (states.to_vec(), found.last().map(|item| item.message.id));
        let more = side.store.outbox(practice, &query).await?;
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    Ok(found)
}

/// Every page of a question, and its count.
pub(super) async fn pages(store: &dyn MailStore, query: &PageQuery) -> Result<(Vec<PagePosition>, usize)> {
    let mut found: Vec<PagePosition> = Vec::new();
    while found.len() < ALL {
        let page = store.page(&query.clone().before(found.last().copied())).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    Ok((found, store.count(query).await?))
}
