//! A session that files what was sent: APPEND, and CREATE where there is no mailbox for it. Nothing else that changes
//! anything is in here, and nothing that does is anywhere else.

use async_trait::async_trait;
use chrono::{DateTime, FixedOffset, Utc};

use super::commands::{Commands, MAX_SET, add_search};
use super::wire::{Outcome, Response, Verdict, quoted};
use super::{listing, sent_mailbox};
use crate::contract::{FiledCopy, MessageFiler};
use crate::error::{Error, ErrorKind, Result};
use crate::mime::{addressing_headers, first_field};
use crate::settings::{AccountSettings, Stage};
use crate::types::{Mailbox, MailboxName, MessageDate, MessageId, OutgoingId, Uid, UidSet, UidValidity};

/// The fields by which a message is known again.
const KNOWN_BY: &str = "BODY.PEEK[HEADER.FIELDS (X-PRACTICEMAIL-ID MESSAGE-ID)]";
/// Most octets looked at of the field that holds the outgoing id.
const MAX_ID_FIELD: usize = 200;

pub(super) struct ImapFiler {
    commands: Commands,
    chosen: Option<String>,
}

/// What a message is looked for by.
struct Sought<'a> {
    id: OutgoingId,
    message_id: &'a MessageId,
}

impl ImapFiler {
    pub(super) fn new(commands: Commands, settings: &AccountSettings) -> Self {
        Self { commands, chosen: settings.sent_mailbox.clone() }
    }

    async fn mailboxes(&mut self) -> Result<Vec<Mailbox>> {
        Ok(listing::mailboxes(self.commands.list("").await?.rows))
    }

    /// Runs a command about one mailbox.
    async fn ask(
        &mut self,
        name: &'static str,
        (verb, mailbox, rest): (&str, &MailboxName, &str),
        on: impl FnMut(Response),
    ) -> Result<Outcome> {
        if !mailbox.is_speakable() {
            return Err(Error::new(ErrorKind::Invalid, "a command cannot carry this mailbox's name"));
        }
        let line = [verb.as_bytes(), b" ", &quoted(mailbox.as_wire()), rest.as_bytes()].concat();
        let tag = self.commands.queue(name, line).await?;
        self.commands.run(&tag, on).await
    }

    /// Makes a mailbox for what was sent, marked as such where the server takes that (RFC 6154 §3).
    async fn create(&mut self, mailbox: &MailboxName) -> Result<Outcome> {
        let mut created = None;
        if self.commands.can("CREATE-SPECIAL-USE") {
            let marked = self.ask("create", ("CREATE", mailbox, " (USE (\\Sent))"), |_| {}).await?;
            created = Some(marked).filter(|outcome| outcome.verdict == Verdict::Ok);
        }
        let created = match created {
            Some(created) => created,
            None => self.ask("create", ("CREATE", mailbox, ""), |_| {}).await?,
        };
        if created.verdict == Verdict::Ok {
            // Programs that show only what is subscribed show it then; a refusal takes nothing away.
            self.ask("create", ("SUBSCRIBE", mailbox, ""), |_| {}).await?;
        }
        Ok(created)
    }

    async fn examine(&mut self, mailbox: &MailboxName) -> Result<Option<UidValidity>> {
        let mut validity = None;
        let opened = self
            .ask("examine", ("EXAMINE", mailbox, ""), |response| {
                if let Response::Status(outcome) = response
                    && let Some(value) = outcome.code_value("UIDVALIDITY")
                {
                    validity = value.parse().ok().and_then(UidValidity::new);
                }
            })
            .await?;
        if opened.verdict == Verdict::Ok { Ok(validity) } else { Err(self.commands.not_opened(&opened)) }
    }

    /// The message among those the server finds by one field. Servers may find too much: a part of a value is enough for
    /// them (RFC 9051 §6.4.4), so that what they find is compared.
    async fn find_by(&mut self, field: &str, value: &str, sought: &Sought<'_>) -> Result<Option<Uid>> {
        let value = String::from_utf8(quoted(value.as_bytes())).unwrap_or_default();
        let line = self.commands.search_line(&format!("HEADER {field} {value}"));
        let tag = self.commands.queue("find", line).await?;
        let mut hits = UidSet::new();
        let searched = self.commands.run(&tag, |response| add_search(&mut hits, response)).await?;
        self.commands.accepted("SEARCH", &searched)?;
        let mut unseen = hits.clone();
        for set in hits.sequence_sets(MAX_SET) {
            let line = format!("UID FETCH {set} (UID {KNOWN_BY})").into_bytes();
            let tag = self.commands.queue("find", line).await?;
            let mut found = None;
            let fetched = self
                .commands
                .run(&tag, |response| {
                    let Response::Fetch(fetched) = response else { return };
                    let (Some(uid), Some(header)) = (fetched.uid, fetched.headers) else { return };
                    let mut seen = UidSet::new();
                    seen.insert(uid);
                    unseen = unseen.difference(&seen);
                    if found.is_none() && hits.contains(uid) && sought.is(&header) {
                        found = Some(uid);
                    }
                })
                .await?;
            self.commands.accepted("FETCH", &fetched)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        if unseen.is_empty() {
            return Ok(None);
        }
        Err(Error::new(ErrorKind::MailboxUnavailable, "the server finds a message and does not show it"))
    }

    async fn add(&mut self, mailbox: &MailboxName, octets: &[u8], date: MessageDate) -> Result<Outcome> {
        let name = quoted(mailbox.as_wire());
        let date = date_time(date).map(|date| format!(" \"{date}\"")).unwrap_or_default();
        let line = [&b"APPEND "[..], &name, b" (\\Seen)", date.as_bytes(), b" "].concat();
        self.commands.run_with("append", line, octets).await
    }
}

impl Sought<'_> {
    /// Whether these are the fields of the message. Its own id decides where there is one.
    fn is(&self, header: &[u8]) -> bool {
        let own = first_field(header, OutgoingId::FIELD, MAX_ID_FIELD);
        match own.and_then(|value| OutgoingId::parse(&value)) {
            Some(id) => id == self.id,
            None => addressing_headers(header).message_id.as_ref() == Some(self.message_id),
        }
    }
}

/// A `date-time` (RFC 9051 §9), in the zone of the date; `None` where that cannot be written.
fn date_time(date: MessageDate) -> Option<String> {
    let zone = FixedOffset::east_opt(i32::from(date.offset_minutes) * 60)?;
    let local = DateTime::<Utc>::from_timestamp(date.at.as_unix(), 0)?.with_timezone(&zone);
    let text = local.format("%d-%b-%Y %H:%M:%S %z").to_string();
    // Years of more or less than four digits have no place in it.
    (text.len() == "17-Jul-1996 02:44:25 -0700".len()).then_some(text)
}

/// The UIDVALIDITY and UID of APPENDUID (RFC 4315 §3).
fn append_uid(outcome: &Outcome) -> Option<(UidValidity, Uid)> {
    let (validity, uid) = outcome.code_value("APPENDUID")?.split_once(' ')?;
    Some((UidValidity::new(validity.parse().ok()?)?, Uid::new(uid.trim().parse().ok()?)?))
}

#[async_trait]
impl MessageFiler for ImapFiler {
    async fn sent_mailbox(&mut self) -> Result<MailboxName> {
        let chosen = self.chosen.clone();
        let all = self.mailboxes().await?;
        if let Some(name) = sent_mailbox::existing(&all, chosen.as_deref())? {
            return Ok(name);
        }
        let mut refusal = None;
        for name in sent_mailbox::new_names(&all) {
            let created = self.create(&name).await?;
            if created.verdict == Verdict::Ok {
                return Ok(name);
            }
            refusal.get_or_insert(created);
        }
        let Some(refusal) = refusal else {
            return Err(Error::new(
                ErrorKind::NotFound,
                "the account has no mailbox for what is sent, and its name is taken",
            ));
        };
        // Somebody else may have made it in between.
        let all = self.mailboxes().await?;
        sent_mailbox::existing(&all, None)?
            .ok_or_else(|| self.commands.refused(Stage::ImapCommand, "CREATE", &refusal))
    }

    async fn find(
        &mut self,
        mailbox: &MailboxName,
        id: OutgoingId,
        message_id: &MessageId,
    ) -> Result<Option<FiledCopy>> {
        if !message_id.as_str().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::new(ErrorKind::Invalid, "this Message-ID cannot be searched for"));
        }
        let validity = self.examine(mailbox).await?;
        let sought = Sought { id, message_id };
        let by_id = self.find_by(OutgoingId::FIELD, &id.to_string(), &sought).await;
        let (uid, refused) = match by_id {
            Ok(uid) => (uid, None),
            // Not every server searches every field.
            Err(error) if error.kind() == ErrorKind::ServerRefused => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let uid = match uid {
            Some(uid) => Some(uid),
            None => self.find_by("Message-ID", message_id.as_str(), &sought).await?,
        };
        match (uid, refused) {
            (Some(uid), _) => Ok(Some(FiledCopy::new(mailbox.clone(), validity.map(|v| (v, uid))))),
            // It may be there under another Message-ID.
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        }
    }

    async fn append(&mut self, mailbox: &MailboxName, octets: &[u8], date: MessageDate) -> Result<FiledCopy> {
        if !mailbox.is_speakable() {
            return Err(Error::new(ErrorKind::Invalid, "a command cannot carry this mailbox's name"));
        }
        if self.commands.limit("APPENDLIMIT").is_some_and(|limit| octets.len() as u64 > limit) {
            return Err(Error::new(
                ErrorKind::MessageTooLarge,
                "the server takes no message as large as this",
            ));
        }
        let mut added = self.add(mailbox, octets, date).await?;
        if added.verdict != Verdict::Ok && added.code_value("TRYCREATE").is_some() {
            let created = self.create(mailbox).await?;
            self.commands.accepted("CREATE", &created)?;
            added = self.add(mailbox, octets, date).await?;
        }
        if added.verdict != Verdict::Ok {
            return Err(self.commands.refused(Stage::ImapAppend, "APPEND", &added));
        }
        Ok(FiledCopy::new(mailbox.clone(), append_uid(&added)))
    }

    async fn close(mut self: Box<Self>) {
        self.commands.log_out().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Timestamp;

    #[test]
    fn a_date_is_written_in_its_own_zone() {
        let written = |at, minutes| date_time(MessageDate::new(Timestamp::from_unix(at), minutes));
        assert_eq!(written(1_709_210_096, 60).unwrap(), "29-Feb-2024 13:34:56 +0100");
        assert_eq!(written(1_709_210_096, -570).unwrap(), "29-Feb-2024 03:04:56 -0930");
        assert_eq!(written(0, 0).unwrap(), "01-Jan-1970 00:00:00 +0000");
        assert_eq!(written(i64::MAX, 0), None);
        assert_eq!(written(300_000_000_000, 0), None);
        assert_eq!(written(0, 1440), None);
    }

    #[test]
    fn the_own_id_decides_where_there_is_one() {
        let message_id = MessageId::parse("<a@x>").unwrap();
        let sought = Sought { id: OutgoingId::from_random([7; 16]), message_id: &message_id };
        let own = sought.id.to_string();
        let other = OutgoingId::from_random([8; 16]).to_string();
        for (header, is) in [
            (format!("X-Practicemail-Id: {own}\r\nMessage-ID: <rewritten@y>\r\n\r\n"), true),
            (format!("x-practicemail-id:\r\n {own}\r\n\r\n"), true),
            (format!("X-Practicemail-Id: {other}\r\nMessage-ID: <a@x>\r\n\r\n"), false),
            (format!("X-Practicemail-Id: {own}0\r\n\r\n"), false),
            ("Message-ID: <a@x>\r\n\r\n".to_owned(), true),
            ("Message-ID:\r\n\t<a@x>\r\n\r\n".to_owned(), true),
            ("Message-ID: <aa@x>\r\n\r\n".to_owned(), false),
            ("Message-ID: <A@x>\r\n\r\n".to_owned(), false),
            ("\r\n".to_owned(), false),
        ] {
            assert_eq!(sought.is(header.as_bytes()), is, "{header}");
        }
    }
}
