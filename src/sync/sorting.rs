//! Whose the messages of a window are, by their addressing headers, and what of them is fetched.

use super::gathered::{Gathered, MAX_BATCH};
use super::mailbox_pass::MailboxPass;
use crate::contract::{Addressed, MovedCopy};
use crate::error::Result;
use crate::matching::Relevance;
use crate::mime;

/// Most octets asked for in one request.
const MAX_REQUEST: u64 = 8 << 20;

impl MailboxPass<'_, '_> {
    /// Sorts the messages of a window, fetches and archives what is a client's.
    pub(super) async fn window_answered(&mut self, messages: Vec<Addressed>) -> Result<()> {
        let mut gathered = Gathered::default();
        let mut wanted = Vec::new();
        for message in messages {
            self.writer.report.scanned += 1;
            let uid = message.uid;
            if message.skip {
                gathered.history_done.insert(uid);
                continue;
            }
            if self.may_be_bounce(&message) {
                wanted.push(message);
                continue;
            }
            if !self.is_clients(&message) {
                gathered.done(uid);
                continue;
            }
            self.writer.report.matched += 1;
            if self.present.contains(uid) {
                gathered.done(uid);
            } else if let Some(copy) = self.vanished.claim(&message) {
                let to = self.writer.place(uid);
                gathered.moved.push(MovedCopy::new(copy.copy.place, to, message.labels.clone()));
                gathered.done(uid);
                self.present.insert(uid);
            } else {
                wanted.push(message);
            }
        }
        self.leave_out_barred(&mut wanted, &mut gathered).await?;
        let most = self.writer.pass.account.settings.limits.max_message;
        // Those that may break the session come last.
        let long: Vec<Addressed> = wanted.extract_if(.., |message| message.size > most).collect();
        let mut request = Vec::new();
        let mut octets = 0;
        for message in wanted {
            if !request.is_empty() && (request.len() >= MAX_BATCH || octets + message.size > MAX_REQUEST) {
                self.fetch(std::mem::take(&mut request), &mut gathered).await?;
                octets = 0;
            }
            octets += message.size;
            request.push(message);
        }
        if !request.is_empty() {
            self.fetch(request, &mut gathered).await?;
        }
        for message in long {
            self.fetch_beginning(message, &mut gathered).await?;
        }
        self.flush(&mut gathered).await
    }

    /// Whether a new message may report the fate of one that was sent: nobody's client writes it, and it is looked into all
    /// the same, once.
    pub(super) fn may_be_bounce(&self, message: &Addressed) -> bool {
        self.writer.pass.has_sent
            && !self.cursor.seen.contains(message.uid)
            && mime::is_bounce_candidate(&message.headers.participants)
    }

    pub(super) fn is_clients(&self, message: &Addressed) -> bool {
        let sent = self.writer.is_sent(message);
        self.writer.pass.matcher.relevance(&message.headers.participants, sent) == Relevance::Client
    }
}
