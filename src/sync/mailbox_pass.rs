//! One mailbox: addressing headers in windows, newest first, then the bodies of what matched.

use std::collections::{BTreeMap, VecDeque};

use super::moves::Vanished;
use super::pass::Pass;
use super::plan;
use super::report::{MailboxReport, Progress};
use crate::contract::{
    Addressed, ArchivedCopy, BlobInfo, BlobWriter, BounceReport, DeadLetter, MailboxReader, MessageEvent,
    MovedCopy, OpenMailbox, Window,
};
use crate::error::{Error, ErrorKind, Result};
use crate::matching::Relevance;
use crate::mime::{self, MessageScan};
use crate::types::{
    Copy, CopyPlace, Cursor, Gap, GapReason, Mailbox, MessageKey, ParsedMessage, SpecialUse, Uid, UidSet,
};

/// Most messages archived in one transaction.
const MAX_BATCH: usize = 200;
/// Most octets asked for in one request.
const MAX_REQUEST: u64 = 8 << 20;
/// Octets a message may have beyond twice what the server said of it: sizes in use are wrong by line ends and by headers
/// added late, not by more.
const MAX_EXCESS: u64 = 16 << 20;
/// Octets a message may have when the server says nothing of its size: more than any provider takes in.
const MAX_UNSIZED: u64 = 256 << 20;
/// Octets of a report about a delivery that are looked into: the message it returns comes last, and may be long.
const MAX_REPORT: usize = 512 << 10;
/// Most octets of text held before they are archived.
const MAX_HELD: usize = 1 << 20;

/// What a mailbox is read with.
pub(super) struct MailboxPass<'p, 'a> {
    pub(super) pass: &'p Pass<'a>,
    pub(super) reader: &'p mut dyn MailboxReader,
    pub(super) mailbox: &'p Mailbox,
    pub(super) open: &'p OpenMailbox,
    pub(super) cursor: Cursor,
    pub(super) gaps: BTreeMap<Uid, Gap>,
    /// Copies archived of this mailbox under this validity.
    pub(super) present: UidSet,
    pub(super) vanished: &'p mut Vanished,
    pub(super) report: &'p mut MailboxReport,
    /// Octets of the session accounted for.
    pub(super) accounted: &'p mut u64,
    /// UIDs that failed once in this pass.
    pub(super) failed: BTreeMap<Uid, GapReason>,
}

/// What is gathered until it is committed.
#[derive(Default)]
struct Gathered {
    seen: UidSet,
    history_done: UidSet,
    copies: Vec<ArchivedCopy>,
    moved: Vec<MovedCopy>,
    bounces: Vec<BounceReport>,
    held: usize,
}

impl MailboxPass<'_, '_> {
    /// Reads what is left to read. Answers the gaps that remain.
    pub(super) async fn run(mut self) -> Result<BTreeMap<Uid, Gap>> {
        if let Err(error) = self.read().await {
            if breaks_session(&error) {
                self.blame().await?;
            }
            return Err(error);
        }
        self.settle_failures().await?;
        Ok(self.gaps)
    }

    /// Makes a gap of the message that broke the session: asked for together with others in every pass, it would keep all
    /// of them away. Answers come in ascending order, so it is the first that did not; where they do not, the blame finds
    /// the right one some passes later, and the others come then.
    async fn blame(&mut self) -> Result<()> {
        self.failed = self.failed.pop_first().into_iter().collect();
        self.settle_failures().await
    }

    async fn read(&mut self) -> Result<()> {
        let now = self.pass.now();
        let waiting: UidSet =
            self.gaps.values().filter(|gap| gap.next_try > now).map(|gap| gap.uid).collect();
        let due: UidSet = self.gaps.keys().copied().collect();
        let mut new = self.open.uids.difference(&self.cursor.seen);
        new.extend_from(&due.intersection(&self.open.uids));
        let new = new.difference(&waiting);
        // What failed more than once is asked for by itself, behind the others: it may break the session.
        let suspects: UidSet = self.gaps.values().filter(|gap| gap.attempts > 1).map(|gap| gap.uid).collect();
        let alone = new.intersection(&suspects);
        let new = new.difference(&alone);
        let history = self.cursor.history.clone().unwrap_or_default();
        let again = history.intersection(&self.open.uids);
        // What is in the mailbox no more needs neither history nor another try.
        let closed: UidSet = self.gaps.keys().copied().filter(|uid| !self.open.uids.contains(*uid)).collect();
        self.gaps.retain(|uid, _| !closed.contains(*uid));
        let mut first = self.window();
        first.history_done = history.difference(&self.open.uids);
        first.gaps_closed = closed;
        if !first.history_done.is_empty() || !first.gaps_closed.is_empty() || self.cursor.seen.is_empty() {
            self.commit(first).await?;
        }
        let total = new.len() + again.len() + alone.len();
        let mut left: VecDeque<UidSet> = plan::windows(new, self.pass.window).into();
        left.extend(plan::windows(again, self.pass.window));
        left.extend(plan::windows(alone, 1));
        let mut retried = false;
        let mut done = 0;
        let mut asked = VecDeque::new();
        loop {
            while asked.len() < 2 {
                let Some(window) = left.pop_front() else { break };
                self.reader.request_addressing(&window).await?;
                asked.push_back(window);
            }
            let Some(window) = asked.pop_front() else {
                // What failed is asked for once more, one by one, before it is called a gap.
                if retried || self.failed.is_empty() {
                    break;
                }
                retried = true;
                let failed: UidSet = std::mem::take(&mut self.failed).into_keys().collect();
                left = plan::windows(failed, 1).into();
                continue;
            };
            let answer = self.reader.next_addressing().await?;
            let answered: UidSet = answer.messages.iter().map(|m| m.uid).collect();
            let missing = window.difference(&answered);
            if !missing.is_empty() {
                match plan::halves(&missing).filter(|_| answer.refused) {
                    Some((high, low)) => left.extend([high, low]),
                    None => {
                        let reason = if answer.refused { GapReason::Refused } else { GapReason::NotAnswered };
                        self.failed.extend(missing.iter().map(|uid| (uid, reason)));
                    }
                }
            }
            self.window_answered(answer.messages).await?;
            done = (done + answered.len()).min(total);
            (self.pass.progress)(&Progress::new(
                self.pass.fence.account.clone(),
                self.mailbox.name.clone(),
                done,
                total,
            ));
        }
        Ok(())
    }

    fn window(&self) -> Window {
        Window::new(self.mailbox.name.clone(), self.open.uid_validity)
    }

    fn place(&self, uid: Uid) -> CopyPlace {
        CopyPlace::new(
            self.pass.fence.account.clone(),
            self.mailbox.name.clone(),
            self.open.uid_validity,
            uid,
        )
    }

    async fn commit(&mut self, mut window: Window) -> Result<()> {
        let used = self.pass.octets_in();
        window.octets_read = used.saturating_sub(*self.accounted);
        *self.accounted = used;
        self.pass.keep_lease().await?;
        let receipt = self.pass.store.commit_window(self.pass.fence, &window).await?;
        self.report.new_messages += u64::from(receipt.new_messages);
        self.report.new_copies += u64::from(receipt.new_copies);
        self.pass.spend(window.octets_read)
    }

    async fn flush(&mut self, gathered: &mut Gathered) -> Result<()> {
        let gathered = std::mem::take(gathered);
        let mut window = self.window();
        for copy in &gathered.copies {
            self.present.insert(copy.copy.place.uid);
        }
        for uid in gathered.seen.iter() {
            self.gaps.remove(&uid);
        }
        window.seen = gathered.seen;
        window.history_done = gathered.history_done;
        window.copies = gathered.copies;
        window.moved = gathered.moved;
        window.bounces = gathered.bounces;
        if window.seen.is_empty() && window.history_done.is_empty() {
            return Ok(());
        }
        self.commit(window).await
    }

    /// Sorts the messages of a window, fetches and archives what is a client's.
    async fn window_answered(&mut self, messages: Vec<Addressed>) -> Result<()> {
        let mut gathered = Gathered::default();
        let mut wanted = Vec::new();
        for message in messages {
            self.report.scanned += 1;
            let uid = message.uid;
            if message.skip {
                gathered.history_done.insert(uid);
                continue;
            }
            let sent = self.is_sent(&message);
            if self.may_be_bounce(&message) {
                wanted.push(message);
                continue;
            }
            let relevance = self.pass.matcher.relevance(&message.headers.participants, sent);
            if relevance != Relevance::Client {
                gathered.seen.insert(uid);
                gathered.history_done.insert(uid);
                continue;
            }
            self.report.matched += 1;
            if self.present.contains(uid) {
                gathered.seen.insert(uid);
                gathered.history_done.insert(uid);
            } else if let Some(copy) = self.vanished.claim(&message) {
                gathered.moved.push(MovedCopy::new(copy.copy.place, self.place(uid), message.labels.clone()));
                gathered.seen.insert(uid);
                gathered.history_done.insert(uid);
                self.present.insert(uid);
            } else {
                wanted.push(message);
            }
        }
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
        self.flush(&mut gathered).await
    }

    /// Whether a new message may report the fate of one that was sent: nobody's client writes it, and it is looked into all
    /// the same, once.
    fn may_be_bounce(&self, message: &Addressed) -> bool {
        self.pass.has_sent
            && !self.cursor.seen.contains(message.uid)
            && mime::is_bounce_candidate(&message.headers.participants)
    }

    /// Takes up a report; what is none goes the way of all messages.
    fn take_report(&self, message: &Addressed, incoming: &Incoming, gathered: &mut Gathered) -> bool {
        if !self.may_be_bounce(message) {
            return false;
        }
        let report = mime::bounce_report(&incoming.beginning, self.pass.now());
        let sent = self.is_sent(message);
        let relevance = self.pass.matcher.relevance(&message.headers.participants, sent);
        if report.is_none() && relevance == Relevance::Client {
            return false;
        }
        gathered.bounces.extend(report);
        gathered.seen.insert(message.uid);
        gathered.history_done.insert(message.uid);
        true
    }

    fn is_sent(&self, message: &Addressed) -> bool {
        let chosen = self.pass.account.settings.sent_mailbox.as_deref()
            == Some(self.mailbox.name.to_string().as_str());
        let labelled = message.labels.iter().any(|label| label.as_wire().eq_ignore_ascii_case(b"\\Sent"));
        chosen || labelled || self.mailbox.special_use == Some(SpecialUse::Sent)
    }

    /// Fetches messages and gathers them. What came whole is kept when the session breaks.
    async fn fetch(&mut self, messages: Vec<Addressed>, gathered: &mut Gathered) -> Result<()> {
        let mut wanted: BTreeMap<Uid, Addressed> = messages.into_iter().map(|m| (m.uid, m)).collect();
        let mut incoming = None;
        let error = match self.reader.request_messages(&wanted.keys().copied().collect()).await {
            Ok(()) => match self.receive(&mut wanted, &mut incoming, gathered).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let nonsense = matches!(error.kind(), ErrorKind::Protocol | ErrorKind::LimitExceeded);
                    let suspect = wanted.into_keys().next().filter(|_| nonsense || incoming.is_some());
                    self.failed = suspect.map(|uid| (uid, GapReason::WrongSize)).into_iter().collect();
                    error
                }
            },
            Err(error) => error,
        };
        if breaks_session(&error) {
            self.flush(gathered).await?;
        }
        Err(error)
    }

    async fn receive(
        &mut self,
        wanted: &mut BTreeMap<Uid, Addressed>,
        incoming: &mut Option<Incoming>,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let most = wanted.values().map(|message| most_octets(message.size)).max().unwrap_or_default();
        let beginning = if wanted.values().any(|m| self.may_be_bounce(m)) { MAX_REPORT } else { 0 };
        loop {
            match self.reader.next_message().await? {
                MessageEvent::Start => {
                    *incoming = Some(Incoming::begin(self.pass, most, beginning).await?);
                }
                MessageEvent::Chunk(chunk) => {
                    self.pass.keep_lease().await?;
                    if let Some(incoming) = incoming {
                        incoming.add(&chunk).await?;
                    }
                }
                MessageEvent::Discard => *incoming = None,
                MessageEvent::End(uid) => {
                    let (Some(incoming), Some(message)) = (incoming.take(), wanted.remove(&uid)) else {
                        continue;
                    };
                    if self.take_report(&message, &incoming, gathered) {
                        continue;
                    }
                    let (blob, parsed) = incoming.end().await?;
                    self.gather(&message, blob, parsed, gathered);
                    if gathered.copies.len() >= MAX_BATCH || gathered.held >= MAX_HELD {
                        self.flush(gathered).await?;
                    }
                }
                MessageEvent::Empty(uid) => {
                    if wanted.remove(&uid).is_some() {
                        self.failed.insert(uid, GapReason::Empty);
                    }
                }
                MessageEvent::Done { refused } => {
                    let reason = if refused { GapReason::Refused } else { GapReason::NotAnswered };
                    self.failed.extend(std::mem::take(wanted).into_keys().map(|uid| (uid, reason)));
                    return Ok(());
                }
            }
        }
    }

    fn gather(&self, message: &Addressed, blob: BlobInfo, parsed: ParsedMessage, gathered: &mut Gathered) {
        let sent = self.is_sent(message);
        let mut postings = self.pass.matcher.postings(&parsed.headers.participants, sent);
        // What was matched by is indexed, whatever the whole message says.
        postings.extend(self.pass.matcher.postings(&message.headers.participants, sent));
        let mut copy = Copy::new(self.place(message.uid), blob.sha256, blob.size, message.internal_date);
        copy.labels.clone_from(&message.labels);
        let sort_time = plan::sort_time(parsed.headers.date, message.internal_date, self.pass.now());
        let key = MessageKey::of(&parsed.headers, &blob.sha256);
        gathered.held += parsed.text.len()
            + parsed.html.as_ref().map_or(0, String::len)
            + parsed.headers.participants.len() * 64;
        let mut archived = ArchivedCopy::new(key, sort_time, parsed, copy, postings);
        archived.in_sent = sent;
        gathered.copies.push(archived);
        gathered.seen.insert(message.uid);
        gathered.history_done.insert(message.uid);
    }

    /// What would not come becomes a gap, or, after too many tries, a dead letter.
    async fn settle_failures(&mut self) -> Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        let now = self.pass.now();
        let mut window = self.window();
        for (uid, reason) in std::mem::take(&mut self.failed) {
            match plan::failed_again(uid, reason, self.gaps.get(&uid), now) {
                Some(gap) => {
                    self.gaps.insert(uid, gap.clone());
                    window.gaps.push(gap);
                }
                None => {
                    self.gaps.remove(&uid);
                    window.dead_letters.push(DeadLetter::new(self.place(uid), reason.as_str(), now));
                    window.seen.insert(uid);
                    self.report.dead_letters += 1;
                }
            }
            // A gap is not history: it is read for every key when it comes.
            window.history_done.insert(uid);
        }
        self.commit(window).await
    }
}

/// A message on its way into blob store and parser.
struct Incoming {
    writer: Box<dyn BlobWriter>,
    scan: MessageScan,
    /// Octets that may still come.
    left: u64,
    /// The first octets, where they may be a report about what was sent.
    beginning: Vec<u8>,
    /// How many of them are wanted.
    wanted: usize,
}

impl Incoming {
    async fn begin(pass: &Pass<'_>, most: u64, wanted: usize) -> Result<Self> {
        let writer = pass.blobs.writer(&pass.fence.practice).await?;
        Ok(Self { writer, scan: MessageScan::new(), left: most, beginning: Vec::new(), wanted })
    }

    async fn add(&mut self, chunk: &[u8]) -> Result<()> {
        let left = self.left.checked_sub(chunk.len() as u64);
        self.left = left.ok_or_else(|| {
            Error::new(ErrorKind::LimitExceeded, "the server sent a message far longer than it said")
        })?;
        let room = self.wanted.saturating_sub(self.beginning.len());
        self.beginning.extend(chunk.iter().take(room));
        self.scan.update(chunk);
        self.writer.write(chunk).await
    }

    async fn end(self) -> Result<(BlobInfo, ParsedMessage)> {
        let parsed = self.scan.finish();
        Ok((self.writer.finish().await?, parsed))
    }
}

/// Whether nothing more comes of a session after that error.
fn breaks_session(error: &Error) -> bool {
    use ErrorKind::{ConnectionLost, LimitExceeded, Protocol, TimedOut};
    matches!(error.kind(), ConnectionLost | LimitExceeded | Protocol | TimedOut)
}

/// Octets taken for a message of which the server said that it has `size`.
fn most_octets(size: u64) -> u64 {
    if size == 0 { MAX_UNSIZED } else { size.saturating_mul(2).saturating_add(MAX_EXCESS) }
}

/// The error of a day's budget spent.
pub(super) fn budget_spent() -> Error {
    Error::new(ErrorKind::BudgetSpent, "the account has read as much as it may today")
}
