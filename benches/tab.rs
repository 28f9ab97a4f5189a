//! What a tab costs in a large archive, against reading one message by its key: `cargo bench --bench tab --all-features`, with
//! `-- --messages 1000000` for the campaign, `--dir` for a disk of choice, and `--postgres URL` for the same in PostgreSQL.
//!
//! Fills a store through its public methods, if it is empty, then asks each question many times and prints the middle time as a multiple of one read
//! by primary key in the same run. Prints; asserts nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use practicemail::contract::{
    Archive as _, ArchivedCopy, Fence, MailStore, NewAccount, PageFilter, PageQuery, SystemClock, Window,
};
use practicemail::error::Result;
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::postgres::Postgres;
use practicemail::storage::sqlite::SqliteStore;
use practicemail::types::{
    AccountId, Address, CleanText, Copy, CopyPlace, Digest, Field, KeyDigest, MailboxName, MatchKey,
    MessageId, MessageKey, ParsedMessage, Participant, PracticeId, SearchTerms, Timestamp, Uid, UidValidity,
    UserId,
};

const MESSAGES: u32 = 100_000;
/// Messages a transaction: far more than a pass takes, because only the reading is measured.
const WINDOW: usize = 5_000;
/// Addresses that write in turn.
const SENDERS: u32 = 400;
/// Of so many messages one is Ben's; the others are Anna's.
const BENS: u32 = 100;
const ROUNDS: usize = 101;
const PAGE: usize = 20;

const WORDS: [&str; 16] = [
    "annual", "accounts", "invoice", "VAT", "return", "payroll", "meeting", "tomorrow", "attached",
    "deadline", "penalty", "expenses", "mileage", "dividend", "pension", "thanks",
];

fn sender(number: u32) -> Address {
    Address::parse(&format!("contact{number}@client.example")).expect("an address")
}

/// Whom everybody writes to.
fn office() -> Address {
    Address::parse("office@hale.example").expect("an address")
}

fn key(address: &Address) -> KeyDigest {
    MatchKey::Address(address.key()).digest()
}

fn inbox() -> (MailboxName, UidValidity) {
    (MailboxName::from_wire("INBOX"), UidValidity::new(1).expect("a validity"))
}

/// A message of some forty words, `rare` among them in one of ten thousand.
fn archived(account: &AccountId, uid: u32) -> ArchivedCopy {
    let (from, to) = (sender(uid % SENDERS), office());
    let mut parsed = ParsedMessage::default();
    parsed.headers.participants = vec![
        Participant::new(Field::From, from.clone(), CleanText::new("A Client")),
        Participant::new(Field::To, to.clone(), CleanText::new("The Office")),
    ];
    parsed.headers.message_id = MessageId::parse(&format!("<{uid}@client.example>"));
    let octets = Digest::of(&uid.to_be_bytes());
    let message = MessageKey::of(&parsed.headers, &octets);
    parsed.subject = CleanText::new(&format!("{} {uid}", word(uid)));
    let words: Vec<&str> =
        (0..40).map(|n| word(uid.wrapping_mul(2_654_435_761).wrapping_add(n * n))).collect();
    parsed.text = words.join(" ");
    if uid.is_multiple_of(10_000) {
        parsed.text.push_str(" rare");
    }
    parsed.rendition = Some(octets);
    let (mailbox, validity) = inbox();
    let place = CopyPlace::new(account.clone(), mailbox, validity, Uid::new(uid).expect("a UID"));
    let copy = Copy::new(place, octets, 4_000, None);
    let time = Timestamp::from_unix(1_600_000_000 + i64::from(uid) * 60);
    ArchivedCopy::new(message, time, parsed, copy, [key(&from), key(&to)].into())
}

fn word(number: u32) -> &'static str {
    WORDS.get(number as usize % WORDS.len()).copied().unwrap_or_default()
}

async fn connect(store: &Arc<dyn MailStore>, practice: &PracticeId, user: &str) -> Result<Fence> {
    let server = ServerSettings::new("imap.hale.example", 993, TlsMode::Implicit)?;
    let settings = AccountSettings::new(server, Login::new(user).expect("a login"));
    let account = AccountId::new(user)?;
    let new = NewAccount::new(practice.clone(), account.clone(), UserId::new(user)?, office(), settings);
    store.connect(&new).await?;
    store.acquire_lease(practice, &account, "bench", 86_400).await
}

async fn fill(store: &Arc<dyn MailStore>, practice: &PracticeId, messages: u32) -> Result<()> {
    let (anna, ben) = (connect(store, practice, "anna").await?, connect(store, practice, "ben").await?);
    for (fence, is_bens) in [(anna, false), (ben, true)] {
        let uids: Vec<u32> = (1..=messages).filter(|uid| uid.is_multiple_of(BENS) == is_bens).collect();
        for uids in uids.chunks(WINDOW) {
            let (mailbox, validity) = inbox();
            let mut window = Window::new(mailbox, validity);
            window.seen = uids.iter().copied().filter_map(Uid::new).collect();
            window.copies = uids.iter().map(|uid| archived(&fence.account, *uid)).collect();
            store.commit_window(&fence, &window).await?;
        }
    }
    Ok(())
}

/// The middle of many times.
async fn middle<T>(mut ask: impl AsyncFnMut(usize) -> Result<T>) -> Result<Duration> {
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let begun = Instant::now();
        std::hint::black_box(ask(round).await?);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(ROUNDS / 2).copied().unwrap_or_default())
}

/// The questions a tab asks, of any store.
async fn run(name: &str, store: Arc<dyn MailStore>, messages: u32) -> Result<()> {
    let practice = PracticeId::new("hale")?;
    if store.accounts(&practice).await?.is_empty() {
        let begun = Instant::now();
        fill(&store, &practice, messages).await?;
        println!("{name}: {messages} messages archived in {:.0} s", begun.elapsed().as_secs_f64());
    } else {
        let kept = store.last_change(&practice).await?;
        println!("{name}: as it was filled before, {kept} changes");
    }

    let of = |keys: Vec<KeyDigest>| PageQuery::new(practice.clone(), keys, PAGE);
    let clients = |n: u32| of((0..n).map(|number| key(&sender(number))).collect());
    let everybody = of(vec![key(&office())]);
    let filtered = |change: &dyn Fn(&mut PageFilter)| {
        let mut query = everybody.clone();
        change(&mut query.filter);
        query
    };
    let search = |words: &str| filtered(&|filter| filter.terms = SearchTerms::parse(words));
    let bens = filtered(&|filter| filter.user = UserId::new("ben").ok());
    let seen = filtered(&|filter| filter.seen_by = UserId::new("ben").ok());

    let sample = store.page(&PageQuery::new(practice.clone(), everybody.keys.clone(), ROUNDS)).await?;
    let one = middle(async |round| {
        let at = sample.get(round % sample.len().max(1)).map(|at| at.message);
        store.messages(&practice, at.as_slice()).await
    })
    .await?;
    println!("  one message by its key: {one:?}; the others as multiples of it");
    for (what, query) in [
        ("a page of 1 key", clients(1)),
        ("a page of 10 keys", clients(10)),
        ("a page of 200 keys", clients(200)),
        ("a page of a key that every message carries", everybody.clone()),
        ("the same as a user sees it", seen),
        ("the same, one row in a hundred wanted", bens),
        ("a search for a word of most messages", search("invoice")),
        ("a search for two words", search("invoice pension")),
        ("a search for a word of one in 10,000", search("rare")),
    ] {
        let took = middle(async |_| store.page(&query).await).await?;
        let found = store.page(&query).await?.len();
        println!("  {:>8.1}  {what} ({found} found)", took.as_secs_f64() / one.as_secs_f64());
    }
    let mut counted = everybody.clone();
    counted.limit = 1_000;
    let took = middle(async |_| store.count(&counted).await).await?;
    println!("  {:>8.1}  a count to 1,000", took.as_secs_f64() / one.as_secs_f64());
    Ok(())
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

#[tokio::main]
async fn main() -> Result<()> {
    let messages = argument("--messages").and_then(|number| number.parse().ok()).unwrap_or(MESSAGES);
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = argument("--dir").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let store = SqliteStore::open(dir.join("tab.db"), Arc::new(SystemClock::new())).await?;
    run("SQLite", Arc::new(store), messages).await?;
    let Some(url) = argument("--postgres") else { return Ok(()) };
    let database = Postgres::connect(&url).await?.schema("practicemail_bench")?;
    database.migrate().await?;
    run("PostgreSQL", Arc::new(database.open().await?), messages).await
}
