//! Messages to archive.

use super::bench::{inbox, keys, uid, validity};
use crate::conformance::check::Outcome;
use crate::contract::ArchivedCopy;
use crate::types::{
    AccountId, Address, AddressingHeaders, Attachment, CleanText, Copy, CopyPlace, Digest, Field,
    MailboxName, MessageDate, MessageId, MessageKey, ParsedMessage, Participant, Timestamp,
};

/// A copy of a message in the making. The name is the message's identity; content and octets tell renditions and copies of
/// it apart.
#[derive(Clone)]
pub(super) struct Mail {
    pub(super) account: AccountId,
    pub(super) mailbox: MailboxName,
    pub(super) validity: u32,
    pub(super) uid: u32,
    name: String,
    content: String,
    octets: String,
    sort_time: i64,
    keys: Vec<String>,
    bcc: Option<String>,
    people: Vec<String>,
    answers: Option<String>,
    references: Vec<String>,
    thread: Option<String>,
    subject: String,
    attachments: Vec<String>,
}

impl Mail {
    pub(super) fn new(account: AccountId, name: &str, uid: u32) -> Self {
        Self {
            account,
            mailbox: inbox(),
            validity: 1,
            uid,
            name: name.to_owned(),
            content: "content".to_owned(),
            octets: "octets".to_owned(),
            sort_time: 1_700_000_000,
            keys: vec!["client".to_owned()],
            bcc: None,
            people: vec!["client".to_owned()],
            answers: None,
            references: Vec::new(),
            thread: None,
            subject: format!("About {name}"),
            attachments: Vec::new(),
        }
    }

    pub(super) fn at(mut self, sort_time: i64) -> Self {
        self.sort_time = sort_time;
        self
    }

    pub(super) fn keys(mut self, keys: &[&str]) -> Self {
        self.keys = keys.iter().map(|key| (*key).to_owned()).collect();
        self
    }

    pub(super) fn content(mut self, content: &str) -> Self {
        content.clone_into(&mut self.content);
        self.octets(content)
    }

    pub(super) fn octets(mut self, octets: &str) -> Self {
        octets.clone_into(&mut self.octets);
        self
    }

    pub(super) fn bcc(mut self, address: &str) -> Self {
        self.bcc = Some(address.to_owned());
        self
    }

    /// Whom it goes to, instead of the client.
    pub(super) fn people(mut self, names: &[&str]) -> Self {
        self.people = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    pub(super) fn answers(mut self, name: &str) -> Self {
        self.answers = Some(name.to_owned());
        self
    }

    pub(super) fn references(mut self, names: &[&str]) -> Self {
        self.references = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The conversation its provider puts it into.
    pub(super) fn thread(mut self, thread: &str) -> Self {
        self.thread = Some(thread.to_owned());
        self
    }

    pub(super) fn subject(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.subject);
        self
    }

    pub(super) fn attachment(mut self, name: &str) -> Self {
        self.attachments.push(name.to_owned());
        self
    }

    pub(super) fn of_account(mut self, account: &AccountId) -> Self {
        self.account = account.clone();
        self
    }

    pub(super) fn lies_in(mut self, mailbox: MailboxName) -> Self {
        self.mailbox = mailbox;
        self
    }

    pub(super) fn under(mut self, validity: u32) -> Self {
        self.validity = validity;
        self
    }

    pub(super) fn place(&self) -> Outcome<CopyPlace> {
        let place = (self.account.clone(), self.mailbox.clone(), validity(self.validity)?, uid(self.uid)?);
        Ok(CopyPlace::new(place.0, place.1, place.2, place.3))
    }

    pub(super) fn sha256(&self) -> Digest {
        Digest::of(format!("{} {}", self.name, self.octets).as_bytes())
    }

    pub(super) fn rendition(&self) -> Digest {
        Digest::of(self.content.as_bytes())
    }

    pub(super) fn copy(&self) -> Outcome<Copy> {
        let date = Some(Timestamp::from_unix(self.sort_time.saturating_add(3)));
        Ok(Copy::new(self.place()?, self.sha256(), self.octets.len() as u64, date))
    }

    pub(super) fn build(&self) -> Outcome<ArchivedCopy> {
        let mut headers = headers(&self.name);
        let participant = |field, address: &str, name: &str| {
            Ok::<_, super::super::check::Failure>(Participant::new(
                field,
                Address::parse(address)?,
                CleanText::new(name),
            ))
        };
        for name in &self.people {
            let address = format!("{name}@client.example");
            headers.participants.push(participant(Field::To, &address, "Der Kunde \u{1f4e7}")?);
        }
        if let Some(address) = &self.bcc {
            headers.participants.push(participant(Field::Bcc, address, "Hidden")?);
        }
        headers.date = Some(MessageDate::new(Timestamp::from_unix(self.sort_time), 120));
        let parsed = ParsedMessage {
            headers,
            subject: CleanText::new(&self.subject),
            in_reply_to: self.answers.as_deref().and_then(MessageId::parse),
            references: self.references.iter().filter_map(|name| MessageId::parse(name)).collect(),
            attachments: self.attachments.iter().map(|name| attachment(name)).collect(),
            text: self.content.clone(),
            rendition: Some(self.rendition()),
            ..ParsedMessage::default()
        };
        let names: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        let postings = keys(&names)?.into_iter().collect();
        let sort_time = Timestamp::from_unix(self.sort_time);
        let mut copy = ArchivedCopy::new(key(&self.name), sort_time, parsed, self.copy()?, postings);
        copy.thread.clone_from(&self.thread);
        Ok(copy)
    }
}

fn attachment(name: &str) -> Attachment {
    Attachment::new(CleanText::file_name(name), CleanText::new("application/pdf"), 7)
}

pub(super) fn key(name: &str) -> MessageKey {
    MessageKey::of(&headers(name), &Digest::of(name.as_bytes()))
}

fn headers(name: &str) -> AddressingHeaders {
    AddressingHeaders { message_id: MessageId::parse(name), ..AddressingHeaders::default() }
}
