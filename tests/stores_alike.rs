//! The stores answer alike: what the memory store says, which reads the contract as plainly as can be, the `SQLite` store says
//! too, and the PostgreSQL store, and the example's store over an engine of its own, whatever was archived, in whatever order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use practicemail::contract::{
    ArchivedCopy, MailStore, NewAccount, PageFilter, PagePosition, PageQuery, SystemClock, Window,
};
use practicemail::settings::{AccountSettings, Login, ServerSettings, Sharing, TlsMode};
use practicemail::storage::MemoryStore;
use practicemail::storage::postgres::Postgres;
use practicemail::storage::sqlite::SqliteStore;
use practicemail::types::{
    AccountId, Address, AddressingHeaders, Attachment, CleanText, ConversationId, Copy, CopyPlace, Digest,
    Field, KeyDigest, MailboxName, MatchKey, MessageId, MessageKey, ParsedMessage, Participant, PracticeId,
    SearchTerms, Timestamp, Uid, UidValidity, UserId,
};
use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

#[path = "../examples/custom_store/store/mod.rs"]
#[allow(dead_code, reason = "here it keeps no file")]
mod store;
mod support;

use store::FileStore;
use support::postgres::PostgresServer;

/// Words that engines may cut, fold or count differently.
const WORDS: [&str; 20] = [
    "tax",
    "taxes",
    "VAT",
    "Müller",
    "mu\u{308}ller",
    "ΟΔΟΣ",
    "οδος",
    "straße",
    "東京都",
    "क्षेत्र",
    "🅐b",
    "Ⓐ",
    "x1",
    "q3/2025",
    "a'b",
    "O_R",
    "\u{1e9e}",
    "\u{16a0}\u{16a1}",
    "\u{10fe00}k",
    "ﬁne",
];
const PEOPLE: [&str; 4] = ["anna", "ben", "carl", "dora"];
const USERS: [&str; 3] = ["u0", "u1", "u2"];

/// A copy of a message in the making: small numbers, so that much meets.
#[derive(Debug, Clone)]
struct Letter {
    message: u8,
    rendition: u8,
    account: u8,
    answers: Option<u8>,
    references: Vec<u8>,
    thread: Option<u8>,
    people: BTreeSet<u8>,
    bcc: Option<u8>,
    words: Vec<u8>,
    subject: Vec<u8>,
    attached: Option<u8>,
}

fn letter() -> impl Strategy<Value = Letter> {
    let names = (0..12u8, 0..2u8, 0..3u8, of(0..14u8), vec(0..14u8, 0..3));
    let people = (of(0..2u8), btree_set(0..4u8, 1..3), of(0..4u8));
    let words = (vec(0..20u8, 0..6), vec(0..20u8, 0..3), of(0..20u8));
    (names, people, words).prop_map(
        |(
            (message, rendition, account, answers, references),
            (thread, people, bcc),
            (words, subject, attached),
        )| {
            Letter {
                message,
                rendition,
                account,
                answers,
                references,
                thread,
                people,
                bcc,
                words,
                subject,
                attached,
            }
        },
    )
}

fn practice() -> PracticeId {
    PracticeId::new("p").unwrap()
}

fn account(number: u8) -> AccountId {
    AccountId::new(format!("a{number}")).unwrap()
}

fn address(number: u8) -> Address {
    Address::parse(&format!("{}@example.org", PEOPLE[usize::from(number)])).unwrap()
}

fn key_of(number: u8) -> KeyDigest {
    MatchKey::Address(address(number).key()).digest()
}

fn message_id(number: u8) -> MessageId {
    MessageId::parse(&format!("{number}@x")).unwrap()
}

fn said(words: &[u8]) -> String {
    words.iter().map(|word| WORDS[usize::from(*word)]).collect::<Vec<_>>().join(" ")
}

fn message_key(number: u8) -> MessageKey {
    MessageKey::of_headers(&headers(number)).unwrap()
}

fn headers(number: u8) -> AddressingHeaders {
    let mut headers = AddressingHeaders::default();
    headers.message_id = Some(message_id(number));
    headers
}

impl Letter {
    fn archived(&self, uid: u32) -> ArchivedCopy {
        let mut parsed = ParsedMessage::default();
        parsed.headers = headers(self.message);
        let public = self.people.iter().map(|person| (Field::To, *person));
        for (field, person) in public.chain(self.bcc.map(|person| (Field::Bcc, person))) {
            let participant = Participant::new(field, address(person), CleanText::new("Some Name"));
            parsed.headers.participants.push(participant);
        }
        parsed.in_reply_to = self.answers.map(message_id);
        parsed.references = self.references.iter().copied().map(message_id).collect();
        parsed.subject = CleanText::new(&said(&self.subject));
        parsed.text = said(&self.words);
        if let Some(word) = self.attached {
            let name = CleanText::file_name(&format!("{}.pdf", said(&[word])));
            parsed.attachments.push(Attachment::new(name, CleanText::new("application/pdf"), 1));
        }
        parsed.rendition = Some(Digest::of(&[self.message, self.rendition]));
        let place = CopyPlace::new(
            account(self.account),
            MailboxName::from_wire("INBOX"),
            UidValidity::new(1).unwrap(),
            Uid::new(uid).unwrap(),
        );
        let copy = Copy::new(place, Digest::of(&uid.to_be_bytes()), 1, None);
        let postings = self.people.iter().chain(&self.bcc).map(|person| key_of(*person)).collect();
        // Some share a second.
        let at = Timestamp::from_unix(i64::from(self.message) / 3);
        let mut archived = ArchivedCopy::new(message_key(self.message), at, parsed, copy, postings);
        archived.thread = self.thread.map(|thread| format!("t{thread}"));
        archived
    }
}

/// Of these the first is what the others are held against.
async fn stores(server: &PostgresServer) -> [Box<dyn MailStore>; 4] {
    let clock = Arc::new(SystemClock::new());
    let sqlite = SqliteStore::open_in_memory(clock.clone()).await.unwrap();
    let database = Postgres::connect(&server.url()).await.unwrap();
    let database = database.schema(&server.next_schema()).unwrap();
    database.migrate().await.unwrap();
    let postgres = database.open().await.unwrap();
    let custom = FileStore::in_memory(clock.clone()).await.unwrap();
    [Box::new(MemoryStore::new(clock)), Box::new(sqlite), Box::new(postgres), Box::new(custom)]
}

/// Archives letters, each in a window of its own.
async fn archive(store: &dyn MailStore, letters: &[(u32, Letter)]) {
    let mut fences = BTreeMap::new();
    for number in 0..3 {
        let server = ServerSettings::new("imap.example.org", 993, TlsMode::Implicit).unwrap();
        let mut settings = AccountSettings::new(server, Login::new("anna").unwrap());
        settings.sharing = if number == 1 { Sharing::HeadersOnly } else { Sharing::Full };
        let user = UserId::new(USERS[usize::from(number)]).unwrap();
        let new = NewAccount::new(practice(), account(number), user, address(number), settings);
        store.connect(&new).await.unwrap();
        let fence = store.acquire_lease(&practice(), &account(number), "test", 600).await.unwrap();
        fences.insert(number, fence);
    }
    for (uid, letter) in letters {
        let mut window = Window::new(MailboxName::from_wire("INBOX"), UidValidity::new(1).unwrap());
        window.copies.push(letter.archived(*uid));
        store.commit_window(&fences[&letter.account], &window).await.unwrap();
    }
}

async fn partition(store: &dyn MailStore) -> BTreeSet<BTreeSet<MessageKey>> {
    let mut groups: BTreeMap<ConversationId, BTreeSet<MessageKey>> = BTreeMap::new();
    for message in store.all_messages(&practice(), None, usize::MAX).await.unwrap() {
        assert_eq!(
            store.conversation(&practice(), message.conversation).await.unwrap(),
            Some(message.conversation)
        );
        groups.entry(message.conversation).or_default().insert(message.key);
    }
    groups.into_values().collect()
}

/// The conversations as A3 has them: joined until nothing more joins.
fn expected(letters: &[(u32, Letter)]) -> BTreeSet<BTreeSet<MessageKey>> {
    #[derive(Default)]
    struct Sum {
        links: BTreeSet<(Option<u8>, u8)>,
        people: BTreeSet<u8>,
    }
    let mut sums: BTreeMap<u8, Sum> = BTreeMap::new();
    let mut shown = BTreeSet::new();
    for (_, letter) in letters {
        let sum = sums.entry(letter.message).or_default();
        // The first copy of a rendition is the one that is read; each names what it names.
        let ids = letter.references.iter().chain(&letter.answers).chain([&letter.message]);
        sum.links.extend(ids.map(|id| (None, *id)));
        sum.links.extend(letter.thread.map(|thread| (Some(letter.account), thread)));
        if shown.insert((letter.message, letter.rendition)) {
            sum.people.extend(&letter.people);
        }
    }
    let mut groups: Vec<BTreeSet<u8>> = Vec::new();
    for (message, sum) in &sums {
        let belongs = |other: &u8| {
            !sums[other].links.is_disjoint(&sum.links) && !sums[other].people.is_disjoint(&sum.people)
        };
        let (joined, rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.iter().any(belongs));
        groups = rest;
        groups.push(joined.into_iter().flatten().chain([*message]).collect());
    }
    groups.into_iter().map(|group| group.into_iter().map(message_key).collect()).collect()
}

/// Copies of a rendition that say the same, as those of one mail do.
fn consistent(mut letters: Vec<Letter>) -> Vec<(u32, Letter)> {
    let mut first: BTreeMap<(u8, u8), Letter> = BTreeMap::new();
    for letter in &mut letters {
        let said = first.entry((letter.message, letter.rendition)).or_insert_with(|| letter.clone()).clone();
        *letter = Letter { account: letter.account, thread: letter.thread, bcc: letter.bcc, ..said };
    }
    (1..).zip(letters).collect()
}

#[derive(Debug, Clone)]
struct Question {
    keys: BTreeSet<u8>,
    limit: usize,
    conversation: Option<u8>,
    seen_by: Option<u8>,
    user: Option<u8>,
    without: BTreeSet<u8>,
    since: Option<i64>,
    until: Option<i64>,
    attachments: Option<bool>,
    terms: Option<(Vec<u8>, bool)>,
}

fn question() -> impl Strategy<Value = Question> {
    let page = (btree_set(0..4u8, 0..4), 1..5usize, of(0..12u8));
    let users = (of(0..3u8), of(0..3u8), btree_set(0..4u8, 0..2));
    let rest = (of(-1..5i64), of(-1..5i64), of(any::<bool>()), of((vec(0..20u8, 1..3), any::<bool>())));
    (page, users, rest).prop_map(
        |((keys, limit, conversation), (seen_by, user, without), (since, until, attachments, terms))| {
            Question { keys, limit, conversation, seen_by, user, without, since, until, attachments, terms }
        },
    )
}

impl Question {
    fn query(&self) -> PageQuery {
        let user = |number: u8| UserId::new(USERS[usize::from(number)]).unwrap();
        let mut filter = PageFilter::default();
        filter.seen_by = self.seen_by.map(user);
        filter.user = self.user.map(user);
        filter.without = self.without.iter().map(|number| key_of(*number)).collect();
        filter.since = self.since.map(Timestamp::from_unix);
        filter.until = self.until.map(Timestamp::from_unix);
        filter.attachments = self.attachments;
        filter.terms = self.terms.as_ref().and_then(|(words, as_phrase)| {
            let text = said(words);
            SearchTerms::parse(&if *as_phrase { format!("\"{text}\"") } else { text })
        });
        let keys = self.keys.iter().map(|number| key_of(*number)).collect();
        let mut query = PageQuery::new(practice(), keys, self.limit).filter(filter);
        query.conversation = self.conversation.map(|number| ConversationId::begun_by(message_key(number)));
        query
    }
}

/// Every page of a question, and its count.
async fn answers(store: &dyn MailStore, query: &PageQuery) -> (Vec<PagePosition>, usize) {
    let mut found: Vec<PagePosition> = Vec::new();
    loop {
        let page = store.page(&query.clone().before(found.last().copied())).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= query.limit);
        found.extend(page);
    }
    (found, store.count(query).await.unwrap())
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Tries generated values, all on one server.
fn check<T: std::fmt::Debug>(values: impl Strategy<Value = T>, holds: impl Fn(&PostgresServer, T)) {
    let server = PostgresServer::start();
    let config = ProptestConfig { cases: 48, source_file: Some(file!()), ..ProptestConfig::default() };
    let tried = TestRunner::new(config).run(&values, |value| {
        holds(&server, value);
        Ok(())
    });
    tried.unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn conversations_do_not_depend_on_the_order_of_arrival() {
    let letters = vec(letter(), 1..12)
        .prop_map(consistent)
        .prop_flat_map(|letters| (Just(letters.clone()), Just(letters).prop_shuffle()));
    check(letters, |server, (letters, shuffled)| {
        let expected = expected(&letters);
        run(async {
            for order in [&letters, &shuffled] {
                for store in stores(server).await {
                    archive(&*store, order).await;
                    assert_eq!(partition(&*store).await, expected);
                }
            }
        });
    });
}

#[test]
fn whatever_is_asked_is_answered_alike() {
    let letters = vec(letter(), 1..20);
    let hidden = vec((0..12u8, 0..3usize), 0..8);
    let values = (letters, hidden, of(0..3u8), vec(question(), 24));
    check(values, |server, (letters, hidden, erased, questions)| {
        let letters: Vec<_> = (1..).zip(letters).collect();
        run(async {
            let stores = stores(server).await;
            let [memory, others @ ..] = &stores;
            for store in &stores {
                archive(&**store, &letters).await;
            }
            for (message, user) in hidden {
                let user = UserId::new(USERS[user]).unwrap();
                let mut done = Vec::new();
                for store in &stores {
                    let hidden = store.hide(&practice(), message_key(message), &user, true).await;
                    done.push(hidden.map_err(|error| error.kind()));
                }
                assert!(done.iter().all(|one| *one == done[0]), "{done:?}");
            }
            if let Some(number) = erased {
                for store in &stores {
                    store.disconnect(&practice(), &account(number)).await.unwrap();
                    store.erase_account(&practice(), &account(number)).await.unwrap();
                }
            }
            let everything = memory.all_messages(&practice(), None, usize::MAX).await.unwrap();
            for store in others {
                assert_eq!(store.all_messages(&practice(), None, usize::MAX).await.unwrap(), everything);
            }
            for number in 0..12 {
                let id = ConversationId::begun_by(message_key(number));
                let named = memory.conversation(&practice(), id).await.unwrap();
                for store in others {
                    assert_eq!(store.conversation(&practice(), id).await.unwrap(), named);
                }
            }
            for question in &questions {
                let query = question.query();
                let expected = answers(&**memory, &query).await;
                for store in others {
                    assert_eq!(answers(&**store, &query).await, expected, "{question:?}");
                }
            }
        });
    });
}
