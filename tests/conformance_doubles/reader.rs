//! Readers that break a clause, over mailboxes in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use practicemail::conformance::{
    self, MailboxAbility, MailboxEvent, MailboxService, ReaderCall, Report, SeedMailbox, SeedMessage,
};
use practicemail::contract::{
    Addressed, AddressedWindow, MAX_RANGE, MailboxListing, MailboxReader, MessageEvent, OpenMailbox, Waited,
};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::mime::addressing_headers;
use practicemail::types::{Mailbox, MailboxName, MatchKey, MessageId, Uid, UidSet, UidValidity};

use crate::assert_reported;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    None,
    MarksWhatItReads,
    AnswersTwice,
    AnswersAll,
    AnswersTheLatestFirst,
    HandsOverWhatItIsSent,
    ValidityStays,
    MessageInOneChunk,
    RangesWithoutLimit,
    RefusalIsNothing,
    BrokenIsNothing,
    AlwaysComplete,
    UnknownMailboxIsEmpty,
    DatesAreLost,
    SearchFindsNothing,
    WaitForgetsWhatCame,
    WaitHeedsEverything,
    BrokenIsQuiet,
}

pub(crate) async fn report(fault: Fault) -> Report {
    conformance::reader(async |seed| Service::new(fault, seed)).await
}

#[tokio::test(start_paused = true)]
async fn every_broken_clause_is_reported() {
    report(Fault::None).await.assert_complete();
    for (fault, clause) in [
        (Fault::MarksWhatItReads, "M1"),
        (Fault::AnswersTwice, "M2"),
        (Fault::AnswersAll, "M2"),
        (Fault::AnswersTheLatestFirst, "M2"),
        (Fault::HandsOverWhatItIsSent, "M2"),
        (Fault::ValidityStays, "M3"),
        (Fault::MessageInOneChunk, "M4"),
        (Fault::RangesWithoutLimit, "M4"),
        (Fault::RefusalIsNothing, "M5"),
        (Fault::BrokenIsNothing, "M5"),
        (Fault::AlwaysComplete, "M5"),
        (Fault::UnknownMailboxIsEmpty, "M5"),
        (Fault::DatesAreLost, "M5"),
        (Fault::SearchFindsNothing, "M5"),
        (Fault::WaitForgetsWhatCame, "M6"),
        (Fault::WaitHeedsEverything, "M6"),
        (Fault::BrokenIsQuiet, "M6"),
    ] {
        assert_reported(&fault, &report(fault).await, &[clause]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_service_cannot_do_is_not_checked() {
    struct Still(Service);
    #[async_trait(?Send)]
    impl MailboxService for Still {
        async fn session(&self) -> Result<Box<dyn MailboxReader>> {
            self.0.session().await
        }
    }
    let report = conformance::reader(async |seed| Still(Service::new(Fault::ValidityStays, seed))).await;
    report.assert_passed();
    assert_eq!(report.unchecked_clauses(), ["M1", "M2", "M3", "M5", "M6"]);
    assert!(report.to_string().contains("M3: 0 of 2 passed\n    NOT CHECKED a renumbered"), "{report}");
}

#[derive(Clone)]
struct Held {
    name: MailboxName,
    validity: u32,
    messages: Vec<(Uid, SeedMessage, bool)>,
}

struct State {
    fault: Fault,
    mailboxes: Vec<Held>,
    refused: Vec<ReaderCall>,
    broken: Vec<ReaderCall>,
    left_out: Option<Uid>,
    stray: Option<(Uid, Uid)>,
    arrived: Vec<MailboxName>,
}

struct Service(Arc<Mutex<State>>);

impl Service {
    fn new(fault: Fault, seed: Vec<SeedMailbox>) -> Self {
        let held = |mailbox: SeedMailbox| Held {
            name: mailbox.name,
            validity: 1,
            messages: (1..).zip(mailbox.messages).map(|(n, m)| (Uid::new(n).unwrap(), m, false)).collect(),
        };
        Self(Arc::new(Mutex::new(State {
            fault,
            mailboxes: seed.into_iter().map(held).collect(),
            refused: Vec::new(),
            broken: Vec::new(),
            left_out: None,
            stray: None,
            arrived: Vec::new(),
        })))
    }
}

#[async_trait(?Send)]
impl MailboxService for Service {
    fn abilities(&self) -> &[MailboxAbility] {
        &MailboxAbility::ALL
    }

    async fn session(&self) -> Result<Box<dyn MailboxReader>> {
        Ok(Box::new(Reader {
            state: self.0.clone(),
            open: None,
            heard: 0,
            scans: VecDeque::new(),
            bodies: VecDeque::new(),
            events: VecDeque::new(),
        }))
    }

    async fn state(&self, mailbox: &MailboxName) -> String {
        let state = self.0.lock().unwrap();
        let held = state.mailboxes.iter().find(|held| held.name == *mailbox).unwrap();
        format!("{:?}", held.messages)
    }

    async fn happen(&self, event: MailboxEvent) {
        let mut state = self.0.lock().unwrap();
        match event {
            MailboxEvent::Deliver(mailbox, message) => {
                let held = state.mailboxes.iter_mut().find(|held| held.name == mailbox).unwrap();
                let next = u32::try_from(held.messages.len()).unwrap() + 1;
                held.messages.push((Uid::new(next).unwrap(), message, false));
                state.arrived.push(mailbox);
            }
            MailboxEvent::Renumber(mailbox) => {
                state.mailboxes.iter_mut().find(|held| held.name == mailbox).unwrap().validity += 1;
            }
            MailboxEvent::Refuse(call) => state.refused.push(call),
            MailboxEvent::BreakOff(call) => state.broken.push(call),
            MailboxEvent::LeaveOut(_, uid) => state.left_out = Some(uid),
            MailboxEvent::Stray { asked, sent, .. } => state.stray = Some((asked, sent)),
            other => panic!("a new event: {other:?}"),
        }
    }
}

struct Reader {
    state: Arc<Mutex<State>>,
    open: Option<MailboxName>,
    heard: usize,
    scans: VecDeque<UidSet>,
    bodies: VecDeque<UidSet>,
    events: VecDeque<MessageEvent>,
}

/// How the service takes a call.
enum Taken {
    Well,
    Refused,
}

impl Reader {
    fn fault(&self) -> Fault {
        self.state.lock().unwrap().fault
    }

    fn taken(&self, call: ReaderCall) -> Result<Taken> {
        let mut state = self.state.lock().unwrap();
        if let Some(at) = state.broken.iter().position(|broken| *broken == call) {
            state.broken.remove(at);
            return match state.fault {
                Fault::BrokenIsNothing if call != ReaderCall::Wait => Ok(Taken::Refused),
                _ => Err(Error::new(ErrorKind::ConnectionLost, "the connection broke")),
            };
        }
        Ok(if state.refused.contains(&call) { Taken::Refused } else { Taken::Well })
    }

    /// What a refused call is answered with; by a double of that kind, with `nothing`.
    fn refusal<T>(&self, nothing: T) -> Result<T> {
        match self.fault() {
            Fault::RefusalIsNothing | Fault::BrokenIsNothing => Ok(nothing),
            _ => Err(Error::new(ErrorKind::ServerRefused, "not now")),
        }
    }

    fn held(&self) -> Held {
        let state = self.state.lock().unwrap();
        state.mailboxes.iter().find(|held| Some(&held.name) == self.open.as_ref()).unwrap().clone()
    }

    fn told(&self, messages: Vec<(Uid, SeedMessage, bool)>) -> impl Iterator<Item = (Uid, SeedMessage)> {
        let left_out = self.state.lock().unwrap().left_out;
        messages.into_iter().filter(move |(uid, ..)| Some(*uid) != left_out).map(|(uid, m, _)| (uid, m))
    }

    fn all(&self) -> Vec<(Uid, SeedMessage)> {
        self.told(self.held().messages).collect()
    }
}

fn next<T>(queue: &mut VecDeque<T>, fault: Fault) -> Option<T> {
    if fault == Fault::AnswersTheLatestFirst { queue.pop_back() } else { queue.pop_front() }
}

#[async_trait]
impl MailboxReader for Reader {
    async fn mailboxes(&mut self, _: &[MailboxName]) -> Result<MailboxListing> {
        if let Taken::Refused = self.taken(ReaderCall::Mailboxes)? {
            return self.refusal(MailboxListing::new(Vec::new(), Vec::new(), true));
        }
        let state = self.state.lock().unwrap();
        let all: Vec<_> =
            state.mailboxes.iter().map(|held| Mailbox::new(held.name.clone(), Some(b'/'))).collect();
        Ok(MailboxListing::new(all.clone(), all, true))
    }

    async fn open(&mut self, mailbox: &MailboxName) -> Result<OpenMailbox> {
        let empty = || OpenMailbox::new(UidValidity::new(1).unwrap(), UidSet::new());
        if let Taken::Refused = self.taken(ReaderCall::Open)? {
            return self.refusal(empty());
        }
        if !self.state.lock().unwrap().mailboxes.iter().any(|held| held.name == *mailbox) {
            return match self.fault() {
                Fault::UnknownMailboxIsEmpty => Ok(empty()),
                _ => Err(Error::new(ErrorKind::MailboxUnavailable, "no such mailbox")),
            };
        }
        self.open = Some(mailbox.clone());
        self.heard = self.state.lock().unwrap().arrived.len();
        let held = self.held();
        let validity = if self.fault() == Fault::ValidityStays { 1 } else { held.validity };
        let uids: UidSet = self.all().iter().map(|(uid, _)| *uid).collect();
        let mut open = OpenMailbox::new(UidValidity::new(validity).unwrap(), uids);
        open.complete =
            open.uids.len() == held.messages.len() as u64 || self.fault() == Fault::AlwaysComplete;
        Ok(open)
    }

    async fn request_addressing(&mut self, uids: &UidSet) -> Result<()> {
        self.scans.push_back(uids.clone());
        Ok(())
    }

    async fn next_addressing(&mut self) -> Result<AddressedWindow> {
        let fault = self.fault();
        let asked = next(&mut self.scans, fault).unwrap_or_default();
        if let Taken::Refused = self.taken(ReaderCall::Addressing)? {
            let nothing = matches!(fault, Fault::RefusalIsNothing | Fault::BrokenIsNothing);
            return Ok(AddressedWindow::new(Vec::new(), !nothing));
        }
        let mut messages = Vec::new();
        for (uid, message) in self.all() {
            if asked.contains(uid) || fault == Fault::AnswersAll {
                let date = Some(message.internal_date).filter(|_| fault != Fault::DatesAreLost);
                let headers = addressing_headers(&message.octets);
                messages.push(Addressed::new(uid, message.octets.len() as u64, date, headers));
            }
        }
        if fault == Fault::AnswersTwice {
            messages.extend(messages.clone());
        }
        Ok(AddressedWindow::new(messages, false))
    }

    async fn request_messages(&mut self, uids: &UidSet) -> Result<()> {
        self.bodies.push_back(uids.clone());
        Ok(())
    }

    async fn next_message(&mut self) -> Result<MessageEvent> {
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        let fault = self.fault();
        let asked = next(&mut self.bodies, fault).unwrap_or_default();
        if let Taken::Refused = self.taken(ReaderCall::Messages)? {
            let nothing = matches!(fault, Fault::RefusalIsNothing | Fault::BrokenIsNothing);
            return Ok(MessageEvent::Done { refused: !nothing });
        }
        let stray = self.state.lock().unwrap().stray;
        let all = self.all();
        for (uid, message) in &all {
            if !asked.contains(*uid) {
                continue;
            }
            let (mut uid, mut message) = (*uid, message);
            if let Some((_, sent)) = stray.filter(|(wanted, _)| *wanted == uid) {
                let other = all.iter().find(|(other, _)| *other == sent).unwrap();
                (uid, message) = (other.0, &other.1);
            }
            let chunk = if fault == Fault::MessageInOneChunk { usize::MAX } else { 64 << 10 };
            self.events.push_back(MessageEvent::Start);
            self.events.extend(message.octets.chunks(chunk).map(|c| MessageEvent::Chunk(c.to_vec())));
            let fine = asked.contains(uid) || fault == Fault::HandsOverWhatItIsSent;
            self.events.push_back(if fine { MessageEvent::End(uid) } else { MessageEvent::Discard });
        }
        if fault == Fault::MarksWhatItReads {
            let mut state = self.state.lock().unwrap();
            state
                .mailboxes
                .iter_mut()
                .flat_map(|held| &mut held.messages)
                .for_each(|(_, _, seen)| *seen = true);
        }
        self.events.push_back(MessageEvent::Done { refused: false });
        Ok(self.events.pop_front().unwrap())
    }

    async fn find_by_message_id(&mut self, id: &MessageId) -> Result<UidSet> {
        if let Taken::Refused = self.taken(ReaderCall::Find)? {
            return self.refusal(UidSet::new());
        }
        let finds = self.fault() != Fault::SearchFindsNothing;
        let has = |message: &SeedMessage| String::from_utf8_lossy(&message.octets).contains(id.as_str());
        Ok(self.all().iter().filter(|(_, message)| finds && has(message)).map(|(uid, _)| *uid).collect())
    }

    async fn find_by_keys(&mut self, _: &[MatchKey]) -> Result<Option<UidSet>> {
        Ok(None)
    }

    async fn read_range(&mut self, uid: Uid, offset: u64, length: usize) -> Result<Option<Vec<u8>>> {
        if let Taken::Refused = self.taken(ReaderCall::Range)? {
            return self.refusal(None);
        }
        if length > MAX_RANGE && self.fault() != Fault::RangesWithoutLimit {
            return Err(Error::new(ErrorKind::Invalid, "too much"));
        }
        let message = self.all().into_iter().find(|(known, _)| *known == uid);
        let part = |octets: &[u8]| {
            let rest = octets.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
            rest.get(..length).unwrap_or(rest).to_vec()
        };
        Ok(message.map(|(_, message)| part(&message.octets)))
    }

    async fn wait_for_change(&mut self, mailbox: &MailboxName, within: Duration) -> Result<Waited> {
        let fault = self.fault();
        let arrived = || {
            let state = self.state.lock().unwrap();
            (state.arrived.clone(), state.arrived.len())
        };
        if self.open.as_ref() != Some(mailbox) || fault == Fault::WaitForgetsWhatCame {
            (self.open, self.heard) = (Some(mailbox.clone()), arrived().1);
        }
        let step = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            let (names, count) = arrived();
            let of_it = |name: &MailboxName| name == mailbox || fault == Fault::WaitHeedsEverything;
            if names[self.heard..].iter().any(of_it) {
                self.heard = count;
                return Ok(Waited::Changed);
            }
            if waited >= within {
                return Ok(Waited::Quiet);
            }
            match self.taken(ReaderCall::Wait) {
                Ok(Taken::Well) => {}
                Ok(Taken::Refused) => return Ok(Waited::NotOffered),
                Err(_) if fault == Fault::BrokenIsQuiet => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(step).await;
            waited += step;
        }
    }

    async fn close(self: Box<Self>) {}
}
