//! What a session has heard of the mailbox it has open.

use super::wire::Response;
use crate::types::MailboxName;

/// The open mailbox, and whether anything came to it or went from it since that was last asked for.
#[derive(Debug, Default)]
pub(super) struct News {
    mailbox: Option<MailboxName>,
    exists: u32,
    told: bool,
    renumbered: bool,
}

impl News {
    /// A mailbox is open now, with so many messages, and nothing has happened in it yet.
    pub(super) fn opened(&mut self, mailbox: &MailboxName, exists: u32) {
        *self = Self { mailbox: Some(mailbox.clone()), exists, ..Self::default() };
    }

    /// No mailbox is open now.
    pub(super) fn closed(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_of(&self, mailbox: &MailboxName) -> bool {
        self.mailbox.as_ref() == Some(mailbox)
    }

    /// Takes in what the server says. A count that it repeats is no news, and neither are flags.
    pub(super) fn hear(&mut self, response: &Response) {
        match response {
            Response::Exists(count) if *count != self.exists => {
                self.exists = *count;
                self.told = true;
            }
            Response::Expunge(_) => {
                self.exists = self.exists.saturating_sub(1);
                self.told = true;
            }
            Response::Status(outcome) => self.renumbered |= outcome.code_value("UIDVALIDITY").is_some(),
            _ => {}
        }
    }

    /// Whether something happened, be it that the messages have other numbers now.
    pub(super) fn is_told(&self) -> bool {
        self.told || self.renumbered
    }

    pub(super) fn is_renumbered(&self) -> bool {
        self.renumbered
    }

    /// Whether messages came or went; from now on only what comes counts.
    pub(super) fn take(&mut self) -> bool {
        std::mem::take(&mut self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_repeated_is_no_news() {
        let mut news = News::default();
        let inbox = MailboxName::encode("INBOX");
        news.opened(&inbox, 3);
        news.hear(&Response::Exists(3));
        assert!(news.is_of(&inbox) && !news.take());
        news.hear(&Response::Exists(4));
        assert!(news.take() && !news.take());
        news.hear(&Response::Expunge(4));
        assert!(news.take());
        news.hear(&Response::Exists(3));
        assert!(!news.take(), "one went, and that was told");
    }
}
