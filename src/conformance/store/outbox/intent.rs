//! Intents to send, and what checks do with them.

use super::super::bench::{Bench, message_key};
use crate::conformance::check::{Outcome, present};
use crate::contract::{
    BlobInfo, ChangeKind, Clock, ComposedMessage, Filing, NewOutgoing, Outgoing, OutgoingClaim,
    OutgoingDecision, OutgoingEnd, OutgoingStep, RecipientState, Route, SendLimits, SentMessage,
};
use crate::error::{ErrorKind, Result};
use crate::types::{AccountId, Address, Digest, Field, MessageId, OutgoingId, PracticeId, Timestamp, UserId};

/// An intent in the making. Its name is its message's identity too, as that of [`Mail`](super::super::mail::Mail).
#[derive(Clone)]
pub(in super::super) struct Intent {
    practice: PracticeId,
    route: Route,
    name: String,
    draft: String,
    key: Option<String>,
    recipients: Vec<(Field, String)>,
    not_before: Option<Timestamp>,
}

impl Intent {
    pub(in super::super) fn new(practice: &PracticeId, account: &AccountId, name: &str) -> Self {
        Self {
            practice: practice.clone(),
            route: Route::Own(account.clone()),
            name: name.to_owned(),
            draft: name.to_owned(),
            key: None,
            recipients: vec![(Field::To, "client@client.example".to_owned())],
            not_before: None,
        }
    }

    pub(super) fn by_noreply(mut self) -> Self {
        self.route = Route::Noreply;
        self
    }

    pub(in super::super) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(super) fn draft(mut self, draft: &str) -> Self {
        draft.clone_into(&mut self.draft);
        self
    }

    pub(in super::super) fn also(mut self, field: Field, address: &str) -> Self {
        self.recipients.push((field, address.to_owned()));
        self
    }

    pub(in super::super) fn not_before(mut self, at: Timestamp) -> Self {
        self.not_before = Some(at);
        self
    }

    pub(in super::super) fn build(&self) -> Outcome<NewOutgoing> {
        let composed = ComposedMessage {
            message: message_key(&self.name),
            message_id: present("a Message-ID", MessageId::parse(&self.name))?,
            rendition: Digest::of(b"content"),
            octets: BlobInfo::new(Digest::of(self.name.as_bytes()), 7_777),
            reverse_path: Address::parse("anna@practice.example")?,
        };
        let mut recipients = Vec::new();
        for (field, address) in &self.recipients {
            recipients.push((*field, Address::parse(address)?));
        }
        let author = UserId::new("anna")?;
        let id = outgoing_id(&self.name);
        let route = self.route.clone();
        let mut message = NewOutgoing::new(self.practice.clone(), id, author, route, composed, recipients);
        message.draft = Digest::of(self.draft.as_bytes());
        message.key.clone_from(&self.key);
        message.not_before = self.not_before;
        Ok(message)
    }
}

/// The id of the intent of this name.
pub(in super::super) fn outgoing_id(name: &str) -> OutgoingId {
    let digest = Digest::of(name.as_bytes());
    OutgoingId::from_slice(digest.as_bytes().split_at(16).0).unwrap_or(OutgoingId::from_random([0; 16]))
}

impl Bench {
    pub(in super::super) fn intent(&self, name: &str) -> Intent {
        Intent::new(&self.practice, &self.account, name)
    }

    /// Queues an intent that was not there before.
    pub(in super::super) async fn queue(&self, intent: &Intent) -> Outcome<Outgoing> {
        let (item, was_there) = self.store.enqueue(&intent.build()?).await?;
        crate::conformance::check::hold(!was_there, || "a new intent was there before".to_owned())?;
        Ok(item)
    }

    pub(in super::super) async fn claim(&self, name: &str) -> Result<OutgoingClaim> {
        self.claim_for(name, 100, SendLimits::default()).await
    }

    pub(super) async fn claim_for(
        &self,
        name: &str,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim> {
        self.store.claim_outgoing(&self.practice, outgoing_id(name), "worker", seconds, limits).await
    }

    /// Queues an intent, claims it and ends the claim.
    pub(in super::super) async fn deliver(&self, intent: &Intent, end: &OutgoingEnd) -> Outcome<Outgoing> {
        self.queue(intent).await?;
        let claim = self.claim(&intent.name).await?;
        Ok(self.store.finish_outgoing(&claim, end).await?)
    }

    pub(in super::super) async fn outgoing(&self, name: &str) -> Outcome<Outgoing> {
        let found = self.store.outgoing(&self.practice, outgoing_id(name)).await?;
        present("an intent", found)
    }

    pub(super) async fn due(&self) -> Outcome<Vec<OutgoingId>> {
        Ok(self.store.due_outgoing(&self.practice, 100).await?)
    }

    /// The steps of intents that were told after a change.
    pub(super) async fn steps(&self, after: u64) -> Outcome<Vec<OutgoingStep>> {
        let step = |kind| if let ChangeKind::Outgoing(_, step) = kind { Some(step) } else { None };
        Ok(self.changes(after).await?.into_iter().filter_map(step).collect())
    }

    /// Has it turn out that the message of this name was sent, so that it is archived.
    pub(in super::super) async fn send_after_all(&self, name: &str) -> Outcome {
        self.deliver(&self.intent(name), &unknown(self)).await?;
        self.clock.advance(600);
        let message = Box::new(sent_message(self, name, &["client"])?);
        let (id, was_sent) = (outgoing_id(name), OutgoingDecision::WasSent);
        self.store.decide_outgoing(&self.practice, id, was_sent, Some(message)).await?;
        Ok(())
    }

    pub(in super::super) fn in_seconds(&self, seconds: i64) -> Timestamp {
        self.clock.now().plus(seconds)
    }
}

/// What was said of the client who is every intent's first recipient.
pub(in super::super) fn said(state: RecipientState) -> Outcome<Vec<(Address, RecipientState, String)>> {
    Ok(vec![(Address::parse("client@client.example")?, state, "250 2.1.5 ü".to_owned())])
}

/// The client was sent it; its copy is to be filed at once.
pub(in super::super) fn sent(archived: Option<SentMessage>) -> Outcome<OutgoingEnd> {
    Ok(OutgoingEnd::Sent {
        recipients: said(RecipientState::Accepted)?,
        filing: Filing::Pending,
        archived: archived.map(Box::new),
        failure: None,
        next_try: None,
    })
}

/// It may have left; evidence is looked for at once, and a person may decide ten minutes later.
pub(in super::super) fn unknown(b: &Bench) -> OutgoingEnd {
    OutgoingEnd::Unknown {
        failure: (ErrorKind::DeliveryUnknown, "cut".to_owned()),
        decide_after: b.in_seconds(600),
        archived: None,
        next_try: Some(b.clock.now()),
    }
}

/// The message as the archive takes it up.
pub(in super::super) fn sent_message(b: &Bench, name: &str, keys: &[&str]) -> Outcome<SentMessage> {
    let built = b.mail(name, 1).keys(keys).build()?;
    Ok(SentMessage::new(built.sort_time, built.parsed, built.postings))
}
