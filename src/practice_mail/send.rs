//! Sending, and looking after what was sent.

use super::PracticeMail;
use super::octets::Wanted;
use super::send_view::{Queued, RoutePreview};
use super::sight::ArchivedMessage;
use super::view::Viewer;
use crate::contract::{
    BlobInfo, ComposedMessage, NewOutgoing, OutboxQuery, Outgoing, OutgoingDecision, User,
};
use crate::error::{Error, ErrorKind, Result};
use crate::mime::{self, Answered, Composition};
use crate::outbound::route::{self, Sender};
use crate::outbound::sent;
use crate::types::{
    Address, Answer, CleanText, Digest, Draft, Field, Hasher, MessageDate, MessageKey, OutgoingId,
    PracticeId, UserId,
};

/// Most octets of a message that is answered or passed on: no server takes more, and all of them are held.
const MAX_ANSWERED: usize = 200 << 20;

impl PracticeMail {
    /// Tells by which way a user's message would leave, for the screen it is written on; `from` is the address they chose.
    ///
    /// # Errors
    /// [`NoWayToSend`](ErrorKind::NoWayToSend), [`SwitchedOff`](ErrorKind::SwitchedOff) where their own way is,
    /// [`SenderRefused`](ErrorKind::SenderRefused) for an address that is not theirs, [`NotFound`](ErrorKind::NotFound);
    /// storage kinds.
    pub async fn preview_route(
        &self,
        practice: &PracticeId,
        user: &UserId,
        from: Option<&Address>,
    ) -> Result<RoutePreview> {
        let (_, sender) = self.sender(practice, user, from).await?;
        let accounts = self.storage.mail.accounts(practice).await?;
        let account = accounts.iter().find(|r| Some(&r.account.id) == sender.route.account());
        let failing = account.and_then(|record| record.health.failure);
        Ok(RoutePreview { route: sender.route, from: sender.from, reply_to: sender.reply_to, failing })
    }

    /// Puts a message into the outbox and starts its delivery: when this answers, it is durable, and is sent once or its outcome
    /// is told. [`outcome`](Self::outcome) waits for that.
    ///
    /// # Errors
    /// Those of [`preview_route`](Self::preview_route); [`Invalid`](ErrorKind::Invalid) for a draft that cannot be a message, or
    /// another draft under a key that was used; [`Forbidden`](ErrorKind::Forbidden) for an answer to a message the user may
    /// not see, or not read; of one that is passed on and not kept whole, [`SourceGone`](ErrorKind::SourceGone),
    /// [`MessageTooLarge`](ErrorKind::MessageTooLarge), connection and sign-in kinds; storage kinds.
    ///
    /// # Cancel safety
    /// Dropped before it answered, the message is in the outbox or it is not. Delivery goes on without this future.
    ///
    /// ```
    /// use practicemail::PracticeMail;
    /// use practicemail::contract::OutgoingState;
    /// use practicemail::types::{Address, Draft, PracticeId, UserId};
    ///
    /// async fn notify(mail: &PracticeMail, practice: &PracticeId, anna: &UserId) -> practicemail::error::Result<bool> {
    ///     let draft = Draft::new("Your VAT return")
    ///         .to(Address::parse("paula@bakery.example")?)
    ///         .text("Dear Paula,\n\nit is done.\n")
    ///         .key("vat-2026-q3-paula");
    ///     let queued = mail.send(practice, anna, draft).await?;
    ///     Ok(mail.outcome(practice, queued.id).await?.state == OutgoingState::Sent)
    /// }
    /// ```
    pub async fn send(&self, practice: &PracticeId, user: &UserId, draft: Draft) -> Result<Queued> {
        let queued = self.queue(practice, user, draft).await?;
        let (worker, practice, id) = (self.worker(), practice.clone(), queued.id);
        drop(self.deliveries.start(async move { worker.work_on(&practice, id).await }));
        Ok(queued)
    }

    /// Puts a message into the outbox and leaves it there until the next [`deliver`](Self::deliver).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn queue(&self, practice: &PracticeId, user: &UserId, draft: Draft) -> Result<Queued> {
        let (author, sender) = self.sender(practice, user, draft.from.as_ref()).await?;
        let asked = digest(user, &draft);
        let answered = match draft.answers {
            Some(answer) => Some(self.answered(practice, user, answer).await?),
            None => None,
        };
        let draft = match &answered {
            Some(answered) => mime::prepare(&draft, answered, &addresses_of(&author, &sender)),
            None => draft,
        };
        let writing = Writing { author: &author, sender, draft: &draft, answered: answered.as_ref(), asked };
        let (item, known) = self.compose(practice, writing).await?;
        Ok(Queued {
            id: item.message.id,
            route: item.message.route,
            message_id: item.message.message_id,
            known,
        })
    }

    async fn compose(&self, practice: &PracticeId, writing: Writing<'_>) -> Result<(Outgoing, bool)> {
        let Writing { author, sender, draft, answered, asked } = writing;
        let mut bits = [0; 16];
        getrandom::fill(&mut bits)
            .map_err(|_| Error::new(ErrorKind::Storage, "the operating system gives no randomness"))?;
        let id = OutgoingId::from_random(bits);
        let now = self.clock.now();
        let at = draft.not_before.map_or(now, |at| at.max(now));
        let date = MessageDate::new(at, draft.utc_offset_minutes);
        let mut composition = Composition::new(id, date, sender.from, draft);
        if let Some(reply_to) = sender.reply_to {
            composition = composition.reply_to(reply_to);
        }
        if let Some(answered) = answered {
            composition = composition.answering(answered);
        }
        let octets = mime::compose(&composition)?;
        let parsed = sent::parse(&octets);
        let unreadable = || Error::new(ErrorKind::Invalid, "the message could not be read back");
        let sha256 = Digest::of(&octets);
        let composed = ComposedMessage {
            message: MessageKey::of(&parsed.headers, &sha256),
            message_id: parsed.headers.message_id.clone().ok_or_else(unreadable)?,
            rendition: parsed.rendition.unwrap_or(sha256),
            octets: BlobInfo::new(sha256, octets.len() as u64),
            reverse_path: sender.reverse_path,
        };
        let mut writer = self.storage.blobs.writer(practice).await?;
        writer.write(&octets).await?;
        writer.finish().await?;
        let user = author.id.clone();
        let mut new = NewOutgoing::new(practice.clone(), id, user, sender.route, composed, everybody(draft));
        new.key.clone_from(&draft.key);
        new.draft = asked;
        new.policy = draft.policy;
        new.not_before = draft.not_before;
        let queued = self.storage.mail.enqueue(&new).await;
        // Only where the intent is certainly not this one: an answer that was lost may have been a yes.
        let is_another = match &queued {
            Ok((_, known)) => *known,
            Err(error) => error.kind() == ErrorKind::Invalid,
        };
        if is_another && let Err(error) = self.storage.blobs.delete(practice, sha256).await {
            tracing::warn!(kind = error.kind().as_str(), "octets nobody names were left behind");
        }
        queued
    }

    /// Waits until nothing more happens to a message now: it is sent and filed, refused, unknown, or waits for its time.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); storage kinds.
    ///
    /// # Cancel safety
    /// Dropping the future stops nothing.
    pub async fn outcome(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        let (worker, of) = (self.worker(), practice.clone());
        self.deliveries.start(async move { worker.work_on(&of, id).await }).answer().await?;
        self.outgoing(practice, id).await
    }

    /// Looks into the Sent mailbox now for a message whose outcome is unknown. Not finding it proves nothing.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); storage kinds. Why the mailbox could not be looked into stands in
    /// [`Outgoing::failure`].
    ///
    /// # Cancel safety
    /// Dropping the future stops nothing.
    pub async fn look(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        let (worker, of) = (self.worker(), practice.clone());
        self.deliveries.start(async move { worker.look(&of, id).await }).answer().await?;
        self.outgoing(practice, id).await
    }

    /// Does all there is to do now in the practice's outbox: sends what is due, looks for evidence, files copies. Answers the
    /// intents it worked on, as they are then. By the host's schedule, like [`sync`](Self::sync).
    ///
    /// # Errors
    /// Storage kinds; failures of single messages stand in them.
    ///
    /// # Cancel safety
    /// Dropping the future stops nothing.
    pub async fn deliver(&self, practice: &PracticeId) -> Result<Vec<Outgoing>> {
        let (worker, practice) = (self.worker(), practice.clone());
        self.deliveries.start(async move { worker.drain(&practice).await }).answer().await
    }

    /// One intent of the outbox.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); storage kinds.
    pub async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        let unknown = || Error::new(ErrorKind::NotFound, "there is no such message in the outbox");
        self.storage.mail.outgoing(practice, id).await?.ok_or_else(unknown)
    }

    /// The practice's outbox, the latest queued first.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>> {
        self.storage.mail.outbox(practice, query).await
    }

    /// Takes back a message that is queued.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Busy`](ErrorKind::Busy) while it is being sent, [`Invalid`](ErrorKind::Invalid) once it was;
    /// storage kinds.
    pub async fn cancel(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        self.storage.mail.cancel_outgoing(practice, id).await
    }

    /// Settles what a person decided about a message whose outcome is unknown, or that waits since a restore. What is to be sent
    /// again is queued; [`deliver`](Self::deliver) or [`outcome`](Self::outcome) sends it. A decision stands also where the archive does not take
    /// the message that was sent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Busy`](ErrorKind::Busy) while the first try may still come to an end: see
    /// [`Outgoing::decide_after`]; [`Invalid`](ErrorKind::Invalid) where there is nothing to decide; storage kinds.
    pub async fn resolve(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
    ) -> Result<Outgoing> {
        let archived = match decision {
            OutgoingDecision::WasSent => self.worker().archived(&self.outgoing(practice, id).await?).await?,
            _ => None,
        };
        let with_it = archived.is_some();
        match self.storage.mail.decide_outgoing(practice, id, decision, archived).await {
            Err(error) if with_it && error.kind() == ErrorKind::StorageRefused => {
                tracing::warn!(kind = error.kind().as_str(), "a message that was sent is not archived");
                self.storage.mail.decide_outgoing(practice, id, decision, None).await
            }
            decided => decided,
        }
    }

    async fn sender(
        &self,
        practice: &PracticeId,
        user: &UserId,
        from: Option<&Address>,
    ) -> Result<(User, Sender)> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this practice");
        let rules = self.directory.practice(practice).await?.ok_or_else(unknown)?;
        let author = self.user(practice, user).await?;
        let settings = self.storage.mail.practice_settings(practice).await?;
        let accounts = self.storage.mail.accounts(practice).await?;
        let sender = route::choose(&rules, &settings, &author, &accounts, from)?;
        Ok((author, sender))
    }

    /// Reads what is answered: what its author has a copy of, or sees on a tab, as they see it. What is not kept of a message that
    /// is passed on comes from its server.
    async fn answered(&self, practice: &PracticeId, author: &UserId, answer: Answer) -> Result<Answered> {
        let unknown = || Error::new(ErrorKind::NotFound, "there is no such message to answer");
        let forbidden =
            || Error::new(ErrorKind::Forbidden, "this user may not see the message that is answered");
        let (key, viewer) = (answer.message(), Viewer::User(author.clone()));
        let message = self.storage.mail.messages(practice, &[key]).await?.pop().ok_or_else(unknown)?;
        let rules = self.rules(practice).await?;
        if !message.copies.iter().any(|copy| copy.user == *author) {
            let found = self.find_by(practice, &viewer, key, &rules).await;
            found.map_err(|error| if error.kind() == ErrorKind::NotFound { forbidden() } else { error })?;
        }
        let sent = self.storage.mail.outgoing_of(practice, &[key]).await?.into_iter().next();
        let archived = ArchivedMessage { message: &message, sent: sent.as_ref() };
        let seen = archived.seen_by(&viewer, rules.headers_only()).ok_or_else(forbidden)?;
        let wanted = if matches!(answer, Answer::Forward(_)) { Wanted::Content } else { Wanted::Kept };
        let source = seen.source(&viewer, wanted).ok_or_else(forbidden)?;
        Ok(mime::answered(&self.octets(practice, source, wanted)?.all(MAX_ANSWERED).await?))
    }
}

/// A message about to be composed.
struct Writing<'a> {
    author: &'a User,
    sender: Sender,
    draft: &'a Draft,
    answered: Option<&'a Answered>,
    /// A digest of the draft as it was asked for.
    asked: Digest,
}

/// Everybody a draft goes to, each address once, under the first field that names it.
fn everybody(draft: &Draft) -> Vec<(Field, Address)> {
    let mut known = std::collections::BTreeSet::new();
    draft
        .recipients()
        .filter(|(_, recipient)| known.insert(recipient.address.key()))
        .map(|(field, recipient)| (field, recipient.address.clone()))
        .collect()
}

/// The addresses that are the author themself, in an answer to everybody.
fn addresses_of(author: &User, sender: &Sender) -> Vec<Address> {
    let texts = author.aliases.iter().chain([&author.address]);
    let own = texts.filter_map(|text| Address::parse(text).ok());
    own.chain([sender.from.address.clone(), sender.reverse_path.clone()]).collect()
}

/// A digest of everything a draft says: what makes a second one under the same key the same.
fn digest(user: &UserId, draft: &Draft) -> Digest {
    let mut hasher = Hasher::new();
    let mut add = |text: &str| hasher.field(text.as_bytes());
    add(user.as_str());
    add(&draft.from.as_ref().map(ToString::to_string).unwrap_or_default());
    for (field, recipient) in draft.recipients() {
        add(field.as_str());
        add(recipient.name.as_str());
        add(&recipient.address.to_string());
    }
    add("subject");
    add(draft.subject.as_str());
    for text in [&draft.text, &draft.html] {
        add(if text.is_some() { "text" } else { "none" });
        add(text.as_deref().unwrap_or_default());
    }
    for file in &draft.files {
        add(file.name.as_str());
        add(&file.content_type);
        add(file.content_id.as_ref().map(CleanText::as_str).unwrap_or_default());
        add(&Digest::of(&file.octets).to_string());
    }
    let signature = draft.signature.clone().unwrap_or_default();
    add(&signature.text);
    add(signature.html.as_deref().unwrap_or_default());
    add(&format!("{:?} {:?} {:?}", draft.answers, draft.not_before, draft.policy));
    hasher.finish()
}
