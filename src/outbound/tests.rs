//! Whose clock says when something is done about a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;

use super::worker::Worker;
use super::{Sessions, Turns};
use crate::contract::{
    AccountRecord, BlobStore as _, Clock, ComposedMessage, FiledCopy, MailStore as _, MailTransport,
    MessageFiler, NewAccount, NewOutgoing, Outbox as _, OutgoingDecision, OutgoingState, Practice, Route,
    SendFailure, SendPermit, SendReport, Submission,
};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{AccountSettings, Login, Noreply, Outgoing, ServerSettings, TlsMode};
use crate::storage::{MemoryDirectory, MemoryStore};
use crate::types::{
    AccountId, Address, AddressingHeaders, Digest, Field, MailboxName, MessageDate, MessageId, MessageKey,
    OutgoingId, PracticeId, Timestamp, UserId,
};

const NOW: i64 = 1_800_000_000;
const HOUR: i64 = 3_600;

/// A clock that stands until it is set.
struct SetClock(AtomicI64);

impl SetClock {
    fn at(time: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(time)))
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

/// A provider that takes messages, or refuses them, and files copies by itself.
struct Provider {
    refuses: Option<ErrorKind>,
    tries: AtomicUsize,
}

#[derive(Clone)]
struct Session(Arc<Provider>);

#[async_trait]
impl MailTransport for Session {
    async fn send(&self, _: &Submission, permit: Arc<dyn SendPermit>) -> Result<SendReport, SendFailure> {
        permit.confirm().await.unwrap();
        self.0.tries.fetch_add(1, Ordering::SeqCst);
        match self.0.refuses {
            Some(kind) => Err(Error::new(kind, "not now").into()),
            None => Ok(SendReport::new(Vec::new(), "250 taken")),
        }
    }

    async fn close(&self) {}
}

#[async_trait]
impl MessageFiler for Session {
    async fn sent_mailbox(&mut self) -> Result<MailboxName> {
        Ok(MailboxName::encode("Sent"))
    }

    async fn find(
        &mut self,
        mailbox: &MailboxName,
        _: OutgoingId,
        _: &MessageId,
    ) -> Result<Option<FiledCopy>> {
        Ok(self.0.refuses.is_none().then(|| FiledCopy::new(mailbox.clone(), None)))
    }

    async fn append(&mut self, _: &MailboxName, _: &[u8], _: MessageDate) -> Result<FiledCopy> {
        Err(Error::new(ErrorKind::ServerUnavailable, "not now"))
    }

    async fn close(self: Box<Self>) {}
}

#[async_trait]
impl Sessions for Session {
    async fn account_transport(&self, _: &AccountRecord) -> Result<Box<dyn MailTransport>> {
        Ok(Box::new(self.clone()))
    }

    async fn noreply_transport(&self, _: &PracticeId, _: &Noreply) -> Result<Box<dyn MailTransport>> {
        Ok(Box::new(self.clone()))
    }

    async fn filer(&self, _: &AccountRecord) -> Result<Box<dyn MessageFiler>> {
        Ok(Box::new(self.clone()))
    }
}

/// A message in an outbox, and who works on it by another clock than the store's.
struct Scene {
    store: Arc<MemoryStore>,
    clock: Arc<SetClock>,
    provider: Arc<Provider>,
    worker: Worker,
    practice: PracticeId,
    id: OutgoingId,
}

impl Scene {
    async fn start(workers_clock: i64, refuses: Option<ErrorKind>) -> Self {
        let (clock, workers_clock) = (SetClock::at(NOW), SetClock::at(workers_clock));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let provider = Arc::new(Provider { refuses, tries: AtomicUsize::new(0) });
        let practice = PracticeId::new("p").unwrap();
        let directory = MemoryDirectory::new();
        directory.put_practice(Practice::new(practice.clone(), "Practice"));
        let worker = Worker {
            store: store.clone(),
            blobs: store.clone(),
            directory: Arc::new(directory),
            clock: workers_clock,
            sessions: Arc::new(Session(provider.clone())),
            turns: Arc::new(Turns::default()),
            holder: "test".into(),
            is_over: Arc::new(|| false),
        };
        let id = OutgoingId::from_random([7; 16]);
        let scene = Self { store, clock, provider, worker, practice, id };
        scene.queue().await;
        scene
    }

    async fn queue(&self) {
        let (account, user) = (AccountId::new("a").unwrap(), UserId::new("anna").unwrap());
        let anna = Address::parse("anna@practice.example").unwrap();
        let server = |port| ServerSettings::new("mail.example.org", port, TlsMode::Implicit).unwrap();
        let mut settings = AccountSettings::new(server(993), Login::new("anna").unwrap());
        settings.outgoing = Some(Outgoing::smtp(server(465), Login::new("anna").unwrap()));
        let new =
            NewAccount::new(self.practice.clone(), account.clone(), user.clone(), anna.clone(), settings);
        self.store.connect(&new).await.unwrap();
        let octets = b"From: <anna@practice.example>\r\nTo: <c@example.org>\r\n\r\nText\r\n";
        let mut writer = self.store.writer(&self.practice).await.unwrap();
        writer.write(octets).await.unwrap();
        let composed = ComposedMessage {
            message: MessageKey::of(&AddressingHeaders::default(), &Digest::of(octets)),
            message_id: MessageId::parse("<1@practice.example>").unwrap(),
            rendition: Digest::of(octets),
            octets: writer.finish().await.unwrap(),
            reverse_path: anna,
        };
        let to = vec![(Field::To, Address::parse("c@example.org").unwrap())];
        let (practice, route) = (self.practice.clone(), Route::Own(account));
        self.store.enqueue(&NewOutgoing::new(practice, self.id, user, route, composed, to)).await.unwrap();
    }

    async fn item(&self) -> crate::contract::Outgoing {
        self.store.outgoing(&self.practice, self.id).await.unwrap().unwrap()
    }

    async fn state(&self) -> OutgoingState {
        self.item().await.state
    }

    async fn drain(&self) {
        self.worker.drain(&self.practice).await.unwrap();
    }

    fn tries(&self) -> usize {
        self.provider.tries.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_worker_whose_clock_is_slow_sends_what_is_due() {
    for by_itself in [true, false] {
        let scene = Scene::start(NOW - HOUR, None).await;
        if by_itself {
            scene.drain().await;
        } else {
            scene.worker.work_on(&scene.practice, scene.id).await.unwrap();
        }
        assert_eq!((scene.state().await, scene.tries()), (OutgoingState::Sent, 1));
    }
}

#[tokio::test]
async fn a_worker_whose_clock_is_fast_sends_nothing_before_its_time() {
    let scene = Scene::start(NOW + 2 * HOUR, None).await;
    scene.clock.0.store(NOW - HOUR, Ordering::SeqCst);
    scene.drain().await;
    scene.worker.work_on(&scene.practice, scene.id).await.unwrap();
    assert_eq!((scene.state().await, scene.tries()), (OutgoingState::Queued, 0));
}

/// What it writes of times to come is by the store's clock.
#[tokio::test]
async fn a_worker_tries_again_after_a_pause_whatever_its_clock_says() {
    for clock in [NOW - HOUR, NOW, NOW + HOUR] {
        let scene = Scene::start(clock, Some(ErrorKind::ServerUnavailable)).await;
        for _ in 0..3 {
            scene.drain().await;
            scene.worker.work_on(&scene.practice, scene.id).await.unwrap();
        }
        assert_eq!((scene.state().await, scene.tries()), (OutgoingState::Queued, 1));
        let next = scene.item().await.next_try.unwrap().as_unix() - NOW;
        assert!((48..=61).contains(&next), "{next}");
        scene.clock.0.fetch_add(61, Ordering::SeqCst);
        scene.drain().await;
        assert_eq!((scene.state().await, scene.tries()), (OutgoingState::Queued, 2));
    }
}

/// Before the first try is over for certain a second one could double the message.
#[tokio::test]
async fn nobody_decides_too_early_whatever_the_workers_clock_says() {
    for clock in [NOW - HOUR, NOW, NOW + HOUR] {
        let scene = Scene::start(clock, Some(ErrorKind::DeliveryUnknown)).await;
        scene.drain().await;
        let item = scene.item().await;
        assert_eq!((item.state, scene.tries()), (OutgoingState::Unknown, 1));
        let over = i64::try_from(super::permit::ANSWER.as_secs()).unwrap();
        let decide_after = item.decide_after.unwrap().as_unix() - NOW;
        assert!((over..=over + 1).contains(&decide_after), "{decide_after}");
        let decide = || {
            let again = OutgoingDecision::SendAgain;
            scene.store.decide_outgoing(&scene.practice, scene.id, again, None)
        };
        assert_eq!(decide().await.unwrap_err().kind(), ErrorKind::Busy);
        scene.clock.0.fetch_add(over + 1, Ordering::SeqCst);
        decide().await.unwrap();
    }
}
