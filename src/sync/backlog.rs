//! What a pass has before it, for those who watch it.

use std::collections::BTreeMap;

use super::pass::Pass;
use crate::contract::{MailboxBacklog, MailboxState};
use crate::error::Result;
use crate::types::{Mailbox, MailboxName};

impl Pass<'_> {
    /// Writes how much there is to be read, where that is more than one window: nobody watches less.
    pub(super) async fn tell_backlog(
        &self,
        changed: &[&Mailbox],
        states: &BTreeMap<MailboxName, MailboxState>,
    ) -> Result<()> {
        let backlog: Vec<_> = changed.iter().filter_map(|m| backlog(m, states.get(&m.name))).collect();
        let left: u64 = backlog.iter().map(|mailbox| mailbox.left).sum();
        if left <= self.window as u64 {
            return Ok(());
        }
        self.store.set_backlog(self.fence, &backlog).await
    }
}

/// As far as the mailbox's status tells: what is seen and gone from it counts as seen.
fn backlog(mailbox: &Mailbox, state: Option<&MailboxState>) -> Option<MailboxBacklog> {
    let status = mailbox.status?;
    let total = u64::from(status.messages);
    let state = state.filter(|state| status.uid_validity == Some(state.cursor.uid_validity));
    let seen = state.map_or(0, |state| state.cursor.seen.len());
    let history = state.and_then(|state| state.cursor.history.as_ref()).map_or(0, crate::types::UidSet::len);
    let left = total.saturating_sub(seen).saturating_add(history.min(total));
    Some(MailboxBacklog::new(mailbox.name.clone(), left, total))
}
