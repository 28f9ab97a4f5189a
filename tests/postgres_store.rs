//! What the PostgreSQL store promises beyond the contracts, on a real server: many processes, restored backups, schemas of the host's
//! choice, plans of the hot questions.

use std::collections::BTreeSet;

use practicemail::contract::{
    Archive as _, ArchivedCopy, BlobInfo, ComposedMessage, EraseReason, Erasure, MailStore, NewAccount,
    NewOutgoing, Outbox as _, OutboxQuery, PageFilter, PageQuery, Route, SendLimits, Window,
};
use practicemail::error::ErrorKind;
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::postgres::{Postgres, PostgresStore};
use practicemail::types::{
    AccountId, Address, AddressingHeaders, CleanText, Copy, CopyPlace, Digest, Field, KeyDigest, MailboxName,
    MatchKey, MessageId, MessageKey, OutgoingId, ParsedMessage, Participant, PracticeId, SearchTerms,
    Timestamp, Uid, UidValidity, UserId,
};

mod support;

use support::postgres::PostgresServer;

const SCHEMA: &str = "books_mail";

fn practice() -> PracticeId {
    PracticeId::new("hale").unwrap()
}

fn account(number: u32) -> AccountId {
    AccountId::new(format!("a{number}")).unwrap()
}

fn key(name: &str) -> KeyDigest {
    MatchKey::Address(Address::parse(&format!("{name}@example.org")).unwrap().key()).digest()
}

async fn open(server: &PostgresServer) -> PostgresStore {
    let database = Postgres::connect(&server.url()).await.unwrap().schema(SCHEMA).unwrap();
    database.migrate().await.unwrap();
    database.open().await.unwrap()
}

async fn connect(store: &PostgresStore, number: u32) {
    let imap = ServerSettings::new("imap.example.org", 993, TlsMode::Implicit).unwrap();
    let settings = AccountSettings::new(imap, Login::new("anna").unwrap());
    let address = Address::parse(&format!("u{number}@hale.example")).unwrap();
    let user = UserId::new(format!("u{number}")).unwrap();
    store.connect(&NewAccount::new(practice(), account(number), user, address, settings)).await.unwrap();
}

/// A window of one message that says `text`.
fn window(number: u32, uid: u32, text: &str) -> Window {
    let digest = Digest::of(text.as_bytes());
    let mut parsed = ParsedMessage::default();
    let from = Address::parse("paula@example.org").unwrap();
    parsed.headers.participants.push(Participant::new(Field::From, from, CleanText::new("Paula")));
    text.clone_into(&mut parsed.text);
    let validity = UidValidity::new(1).unwrap();
    let place =
        CopyPlace::new(account(number), MailboxName::from_wire("INBOX"), validity, Uid::new(uid).unwrap());
    let copy = Copy::new(place, digest, 10, None);
    let message = MessageKey::of(&AddressingHeaders::default(), &digest);
    let mut window = Window::new(MailboxName::from_wire("INBOX"), validity);
    window.seen.insert(Uid::new(uid).unwrap());
    let postings = BTreeSet::from([key("paula")]);
    window.copies.push(ArchivedCopy::new(
        message,
        Timestamp::from_unix(i64::from(uid)),
        parsed,
        copy,
        postings,
    ));
    window
}

fn intent(number: u8) -> NewOutgoing {
    let digest = Digest::of(&[number]);
    let composed = ComposedMessage {
        message: MessageKey::of(&AddressingHeaders::default(), &digest),
        message_id: MessageId::parse("<a@hale.example>").unwrap(),
        rendition: digest,
        octets: BlobInfo::new(digest, 1),
        reverse_path: Address::parse("u1@hale.example").unwrap(),
    };
    let recipients = vec![(Field::To, Address::parse("paula@example.org").unwrap())];
    let author = UserId::new("u1").unwrap();
    let id = OutgoingId::from_random([number; 16]);
    NewOutgoing::new(practice(), id, author, Route::Own(account(1)), composed, recipients)
}

async fn held(store: &PostgresStore) -> Vec<bool> {
    let items = store.outbox(&practice(), &OutboxQuery::newest(10)).await.unwrap();
    items.into_iter().map(|item| item.held).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_of_many_processes_write_one_practice_without_losing_or_doubling() {
    let server = PostgresServer::start();
    let first = open(&server).await;
    for number in 0..6 {
        connect(&first, number).await;
    }
    let before = first.changes(&practice(), 0, 1_000).await.unwrap().len();
    let workers = (0..6u32).map(|number| {
        let url = server.url();
        tokio::spawn(async move {
            let store = Postgres::connect(&url).await.unwrap().schema(SCHEMA).unwrap().open().await.unwrap();
            let fence = store.acquire_lease(&practice(), &account(number), &format!("w{number}"), 60).await;
            let fence = fence.unwrap();
            for uid in 1..=20 {
                // Half of them are the same mail for everybody.
                let text = if uid % 2 == 0 { format!("all {uid}") } else { format!("own {number} {uid}") };
                store.commit_window(&fence, &window(number, uid, &text)).await.unwrap();
            }
        })
    });
    for worker in workers {
        worker.await.unwrap();
    }
    let messages = first.all_messages(&practice(), None, 1_000).await.unwrap();
    assert_eq!(messages.len(), 6 * 10 + 10);
    assert_eq!(messages.iter().map(|message| message.copies.len()).sum::<usize>(), 6 * 20);
    let changes = first.changes(&practice(), 0, 10_000).await.unwrap();
    assert_eq!(changes.len(), before + 6 * 20);
    let numbers: Vec<u64> = changes.iter().map(|change| change.sequence).collect();
    assert_eq!(numbers, (1..=changes.len() as u64).collect::<Vec<_>>(), "no number is missing or used twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dropped_transition_happens_whole_or_not_at_all() {
    let server = PostgresServer::start();
    let store = open(&server).await;
    connect(&store, 1).await;
    let fence = store.acquire_lease(&practice(), &account(1), "worker", 600).await.unwrap();
    for uid in 1..=40u32 {
        let commit = window(1, uid, &format!("text {uid}"));
        let patience = std::time::Duration::from_micros(u64::from(uid) * 400);
        let _ = tokio::time::timeout(patience, store.commit_window(&fence, &commit)).await;
        let seen = store.sync_state(&practice(), &account(1)).await.unwrap();
        let seen = seen.mailboxes.first().is_some_and(|m| m.cursor.seen.contains(Uid::new(uid).unwrap()));
        let archived = store.all_messages(&practice(), None, 1_000).await.unwrap();
        let archived = archived.iter().any(|message| message.renditions[0].text == format!("text {uid}"));
        let told = store.changes(&practice(), 0, 1_000).await.unwrap().len();
        assert_eq!(seen, archived, "{uid}");
        assert_eq!(told, 1 + store.all_messages(&practice(), None, 1_000).await.unwrap().len());
    }
}

#[tokio::test]
async fn a_crash_of_the_server_is_told_and_got_over() {
    let mut server = PostgresServer::start();
    let store = open(&server).await;
    connect(&store, 1).await;
    let fence = store.acquire_lease(&practice(), &account(1), "worker", 600).await.unwrap();
    store.commit_window(&fence, &window(1, 1, "before")).await.unwrap();
    server.stop();
    let error = store.commit_window(&fence, &window(1, 2, "during")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
    server.restart();
    store.commit_window(&fence, &window(1, 3, "after")).await.unwrap();
    let messages = store.all_messages(&practice(), None, 10).await.unwrap();
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn what_is_queued_in_a_restored_dump_waits_for_a_person() {
    let server = PostgresServer::start();
    let store = open(&server).await;
    connect(&store, 1).await;
    store.enqueue(&intent(1)).await.unwrap();
    store.close().await;

    let again = open(&server).await;
    assert_eq!(held(&again).await, [false], "opening it again restores nothing");
    let dump =
        server.command("pg_dump").arg("--schema").arg(SCHEMA).stdout(std::process::Stdio::piped()).output();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), dump.unwrap().stdout).unwrap();
    // It leaves, and then the backup of before comes back under the store that is in use.
    let claim =
        again.claim_outgoing(&practice(), intent(1).id, "worker", 60, SendLimits::default()).await.unwrap();
    server.sql(&format!("DROP SCHEMA {SCHEMA} CASCADE"));
    let text = std::fs::read_to_string(file.path()).unwrap();
    let restore = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(restore.path(), text).unwrap();
    std::os::unix::fs::chown(restore.path(), server.owner().map(|o| o.0), None).unwrap();
    let restored =
        server.command("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(restore.path()).status();
    assert!(restored.unwrap().success());
    let refused = again.confirm_outgoing(&claim, 60).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::FenceLost, "{refused:?}");
    assert_eq!(held(&again).await, [true]);
    again.enqueue(&intent(2)).await.unwrap();
    assert_eq!(held(&again).await, [false, true], "what is queued from then on leaves");
}

#[tokio::test]
async fn tables_are_made_on_request_in_a_schema_of_the_hosts_choice() {
    let server = PostgresServer::start();
    server.sql("CREATE TABLE message (of TEXT); INSERT INTO message VALUES ('the host')");
    let database = Postgres::connect(&server.url()).await.unwrap().schema(SCHEMA).unwrap();
    let missing = database.open().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::StorageVersion);
    assert!(missing.to_string().contains("there are no tables"), "{missing}");
    let at_once = futures_util::future::join_all((0..4).map(|_| database.migrate())).await;
    assert!(at_once.iter().all(Result::is_ok), "{at_once:?}");
    let store = database.open().await.unwrap();
    connect(&store, 1).await;
    assert_eq!(server.sql("SELECT of FROM message"), "the host");

    let other = Postgres::connect(&server.url()).await.unwrap().schema("other_mail").unwrap();
    other.migrate().await.unwrap();
    assert!(other.open().await.unwrap().accounts(&practice()).await.unwrap().is_empty());

    for name in ["", "a-b", "A", "public; DROP SCHEMA public", "1a"] {
        let refused = Postgres::connect(&server.url()).await.unwrap().schema(name);
        assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Invalid), "{name}");
    }
    server.sql(&format!("UPDATE {SCHEMA}.meta SET schema_version = 99, min_reader = 99"));
    for refused in [database.migrate().await.err(), database.open().await.err()] {
        let error = refused.unwrap();
        assert_eq!(error.kind(), ErrorKind::StorageVersion);
        assert!(error.to_string().contains("needs version 99"), "{error}");
    }
    server.sql(&format!("UPDATE {SCHEMA}.meta SET min_reader = 1"));
    assert!(database.open().await.is_ok(), "a newer version that this one can work with");
}

/// What is asked over all practices: which database this is and of which version, full text, whose word a key of one practice is; and
/// the schedule, whose indexes are not unique, so that they are in nobody's way who partitions.
const ACROSS_PRACTICES: [&str; 7] = [
    "account_due",
    "incarnation_pkey",
    "lease_living",
    "meta_pkey",
    "outgoing_due_anywhere",
    "pause_pkey",
    "search_piece_words",
];

/// So that tables can be partitioned by practice, and guarded by row-level security.
#[tokio::test]
async fn the_practice_is_first_in_every_key() {
    let server = PostgresServer::start();
    open(&server).await;
    let others = server.sql(&format!(
        "SELECT i.indexrelid::regclass FROM pg_index AS i
            JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
            LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE n.nspname = '{SCHEMA}' AND a.attname IS DISTINCT FROM 'practice' ORDER BY 1"
    ));
    let others: BTreeSet<&str> = others.lines().filter_map(|line| line.rsplit('.').next()).collect();
    assert_eq!(others, BTreeSet::from(ACROSS_PRACTICES));
    let across = server.sql(&format!(
        "SELECT count(*) FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
        WHERE n.nspname = '{SCHEMA}' AND k.contype = 'f' AND k.conkey[1] <> 1"
    ));
    assert_eq!(across, "0", "no row points into another practice");
}

#[tokio::test]
async fn secrets_and_peoples_words_are_in_no_error() {
    for url in ["postgres://books:hunter2@127.0.0.1:1/postgres", "postgres//books:hunter2@nowhere"] {
        let error = Postgres::connect(url).await.err().unwrap();
        let mut all = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            all = format!("{all} {next} {next:?}");
            cause = next.source();
        }
        assert!(!all.contains("hunter2"), "{all}");
    }
}

/// One vector of the engine holds the words of a piece and some 16,000 keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_more_keys_than_a_vector_holds_is_found_by_each() {
    let server = PostgresServer::start();
    let store = open(&server).await;
    let mut fences = Vec::new();
    for number in [1, 2] {
        connect(&store, number).await;
        fences.push(store.acquire_lease(&practice(), &account(number), "worker", 600).await.unwrap());
    }
    // Sixteen thousand words a piece.
    let text: String = (0..40_000).map(|n| format!("w{n} ")).collect();
    let keys: BTreeSet<_> = (0..30_000).map(|n| key(&format!("c{n}"))).collect();
    let mut crowded = window(1, 3, &text);
    crowded.copies[0].postings = keys.clone();
    let message = crowded.copies[0].message;
    let [first, last] = [keys.first(), keys.last()].map(|key| *key.unwrap());
    for (uid, text) in [(2, "before w0"), (4, "behind w0")] {
        let mut usual = window(1, uid, text);
        usual.copies[0].postings = BTreeSet::from([first, last]);
        store.commit_window(&fences[0], &usual).await.unwrap();
    }
    store.commit_window(&fences[0], &crowded).await.unwrap();
    let pieces =
        || server.sql(&format!("SELECT count(*), count(DISTINCT message) FROM {SCHEMA}.search_piece"));
    assert_eq!(pieces(), "8|3", "three pieces with two groups of keys, and one each");
    assert!(store.is_indexed(&practice(), message, &keys).await.unwrap());
    let more = BTreeSet::from([key("nobody")]);
    assert!(!store.is_indexed(&practice(), message, &keys.union(&more).copied().collect()).await.unwrap());
    // As its other holder read it; then all is written again.
    let everywhere = [first, last, key("c0"), key("c29999"), key("c15000")];
    let mut again = window(2, 3, &text);
    again.copies[0].postings = BTreeSet::from(everywhere);
    store.commit_window(&fences[1], &again).await.unwrap();
    store.commit_window(&fences[1], &again).await.unwrap();
    assert_eq!(pieces(), "8|3");

    let find = async |keys: &[KeyDigest], words: &str| {
        let mut query = PageQuery::new(practice(), keys.to_vec(), 10);
        query.filter.terms = SearchTerms::parse(words);
        let found = store.page(&query).await.unwrap();
        found.iter().map(|at| at.sort_time.as_unix()).collect::<Vec<_>>()
    };
    let ask = async || {
        for key in everywhere {
            for words in ["w39999", "w1 w20000 w39999", "\"w15998 w15999 w16000\" w3", "w0 paula w2000"] {
                assert_eq!(find(&[key], words).await, [3], "{words}");
            }
            assert_eq!(find(&[key], "w40000").await, [0; 0]);
        }
        assert_eq!(find(&everywhere, "w0").await, [4, 3, 2]);
        assert_eq!(find(&[key("nobody")], "w0").await, [0; 0]);
    };
    ask().await;
    let mut page = PageQuery::new(practice(), vec![last, first], 1);
    for words in ["", "w0"] {
        page.filter.terms = SearchTerms::parse(words);
        page.before = None;
        for time in [4, 3, 2] {
            let found = store.page(&page).await.unwrap();
            assert_eq!(found.iter().map(|at| at.sort_time.as_unix()).collect::<Vec<_>>(), [time], "{words}");
            page.before = found.last().copied();
        }
        assert!(store.page(&page).await.unwrap().is_empty());
    }
    // The same where so much holds the words that mail is walked through by time.
    let vector = everywhere.map(|key| format!("''{}'':16383C", token(&key))).join(" ");
    server.sql(&format!(
        "INSERT INTO {SCHEMA}.search_piece SELECT 'hale', sha256(n::text::bytea), '', 0,
            ('{vector} ''w0'':1B ''w1'':2B ''w15998'':3B ''w15999'':4B ''w16000'':5B ''w39999'':6B')::tsvector
        FROM generate_series(1, 2100) AS n"
    ));
    ask().await;
    server.sql(&format!("DELETE FROM {SCHEMA}.search_piece WHERE rendition = ''"));

    // Without the one account's copy it is found by what the other's brought; once it is erased, by nothing.
    store.disconnect(&practice(), &account(1)).await.unwrap();
    store.erase_account(&practice(), &account(1)).await.unwrap();
    assert_eq!(pieces(), "3|1");
    assert_eq!(find(&everywhere, "w0 w39999").await, [3]);
    let erasure = Erasure::new(practice(), vec![message], EraseReason::Message);
    assert_eq!(store.erase_messages(&erasure).await.unwrap().messages, [message]);
    store.purge().await.unwrap();
    assert_eq!(pieces(), "0|0");
    assert_eq!(server.sql(&format!("SELECT count(*) FROM {SCHEMA}.posting")), "0");
    assert!(store.page(&PageQuery::new(practice(), everywhere.to_vec(), 10)).await.unwrap().is_empty());
}

/// On 60,000 messages of 600 clients, with what the server knows of them: the plans that are used, and how many rows they visit.
#[tokio::test]
async fn hot_questions_are_answered_by_index() {
    let server = PostgresServer::start_with(&[
        "session_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
    ]);
    let store = open(&server).await;
    connect(&store, 1).await;
    connect(&store, 2).await;
    fill(&server, 60_000);
    let page = |keys: Vec<KeyDigest>| PageQuery::new(practice(), keys.into_iter().collect(), 50);
    let clients = |n: usize| (0..n).map(|number| key(&format!("c{number}"))).collect::<Vec<_>>();
    for number in [1, 10, 200] {
        let before = server.log().len();
        assert_eq!(store.page(&page(clients(number))).await.unwrap().len(), 50);
        let counted =
            store.count(&PageQuery::new(practice(), clients(number).into_iter().collect(), 1_001)).await;
        assert_eq!(counted.unwrap(), (number * 100).min(1_001));
        let plans = server.log().split_off(before);
        assert_by_index(&plans, "posting");
        // Of each key a page, of the count what is counted: nothing else is visited.
        assert!(visited(&plans, "posting") <= number * 50 + number * 100, "{plans}");
    }
    // A user who sees one message in a hundred.
    let before = server.log().len();
    let mut filter = PageFilter::default();
    filter.seen_by = Some(UserId::new("u2").unwrap());
    let few = store.page(&page(clients(10)).filter(filter)).await.unwrap();
    assert_eq!(few.len(), 10, "of a thousand messages");
    let plans = server.log().split_off(before);
    for table in ["posting", "copy", "hidden", "outgoing"] {
        assert_by_index(&plans, table);
    }
    let before = server.log().len();
    let mut filter = PageFilter::default();
    filter.terms = SearchTerms::parse("wordseven");
    assert!(!store.page(&page(clients(1)).filter(filter)).await.unwrap().is_empty());
    let keys: Vec<_> = store.page(&page(clients(1))).await.unwrap().iter().map(|at| at.message).collect();
    assert_eq!(store.messages(&practice(), &keys).await.unwrap().len(), 50);
    let plans = server.log().split_off(before);
    for table in ["search_piece", "message", "rendition", "copy", "posting"] {
        assert_by_index(&plans, table);
    }
    // Of a key that every message carries: a rare word is found by what holds it, a common one by walking through the newest.
    for (word, found, pieces, messages) in [("wordrare", 10, 20, 10), ("wordcommon", 50, 2_001 + 200, 200)] {
        let before = server.log().len();
        let mut filter = PageFilter::default();
        filter.terms = SearchTerms::parse(word);
        let everybodys = page(vec![key("everybody")]).filter(filter);
        assert_eq!(store.page(&everybodys).await.unwrap().len(), found, "{word}");
        let plans = server.log().split_off(before);
        for table in ["search_piece", "message", "posting"] {
            assert_by_index(&plans, table);
        }
        assert!(visited(&plans, "search_piece") <= pieces, "{word}: {plans}");
        let by_time = visited(&plans, "posting");
        assert!(visited(&plans, "message") + by_time <= messages, "{word}: {plans}");
    }
}

fn assert_by_index(plans: &str, table: &str) {
    let scan = plans.lines().find(|line| line.contains(&format!("Seq Scan on {table} ")));
    assert!(scan.is_none(), "{scan:?} in {plans}");
}

/// How many rows of a table the plans visited.
fn visited(plans: &str, table: &str) -> usize {
    let scans =
        plans.lines().filter(|line| line.contains(" Scan ") && line.contains(&format!(" on {table} ")));
    let scans = scans.filter(|line| !line.contains("never executed"));
    let number = |text: &str, name: &str| -> usize {
        let after = text.rsplit(&format!("{name}=")).next().unwrap_or_default();
        after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    scans.map(|line| number(line, "rows") * number(line, "loops")).sum()
}

/// Messages of 600 clients, a hundred each, of which user `u1` hides all but one in a hundred.
fn fill(server: &PostgresServer, messages: u32) {
    server.sql(&format!(
        "SET search_path TO {SCHEMA};
        CREATE TEMP TABLE n AS SELECT g AS n, sha256(('m' || g)::bytea) AS message FROM generate_series(1, {messages}) AS g;
        INSERT INTO message (practice, message, sort_time, key_version, conversation, arrival)
            SELECT 'hale', message, n, 1, message, n FROM n;
        INSERT INTO rendition (practice, message, digest, ordinal, subject, text, participants, attachments, refs, parsed_by)
            SELECT 'hale', message, message, 0, 'Subject', repeat('text ', 20), '[]', '[]', '[]', 1 FROM n;
        INSERT INTO copy (practice, account, mailbox, uid_validity, uid, message, rendition, sha256, size, labels, bcc, state)
            SELECT 'hale', 'a1', 'INBOX', 1, n, message, message, message, 1, '[]', '[]', 'present' FROM n;
        INSERT INTO outgoing (practice, id, ordinal, author, draft, message, message_id, rendition, sha256, size,
                reverse_path, policy, created_at, state, recipients, attempts, held, filing, claim_token)
            SELECT 'hale', message, n, 'u1', message, sha256(message), '<' || n || '@x>', message, message, 1, 'a@x',
                'all_or_none', n, 'sent', '[]', 1, 0, 'not', 0 FROM n WHERE n % 10 = 0;
        INSERT INTO hidden (practice, message, \"user\") SELECT 'hale', message, 'u1' FROM n WHERE (n / 600) % 100 <> 7"
    ));
    let digits = |client: u32| -> String {
        key(&format!("c{client}")).as_bytes().iter().map(|octet| format!("{octet:02x}")).collect()
    };
    let keys: Vec<String> = (0..600).map(|client| format!("({client}, '{}')", digits(client))).collect();
    server.sql(&format!(
        "INSERT INTO {SCHEMA}.posting (practice, key, sort_time, message)
            SELECT 'hale', decode(k.digits, 'hex'), m.sort_time, m.message
            FROM {SCHEMA}.message AS m JOIN (VALUES {}) AS k (client, digits) ON k.client = m.sort_time % 600",
        keys.join(", ")
    ));
    server.sql(&format!(
        "INSERT INTO {SCHEMA}.posting (practice, key, sort_time, message)
            SELECT 'hale', decode('{}', 'hex'), sort_time, message FROM {SCHEMA}.message",
        key("everybody").as_bytes().iter().map(|octet| format!("{octet:02x}")).collect::<String>()
    ));
    let (token, everybody) = (token(&key("c0")), token(&key("everybody")));
    server.sql(&format!(
        "INSERT INTO {SCHEMA}.search_piece (practice, message, rendition, piece, words)
            SELECT 'hale', message, message, 0,
                ('''word' || (sort_time % 50) || ''':1A ''{everybody}'':16383C'
                    || CASE WHEN sort_time % 2 = 0 THEN ' ''wordcommon'':3B' ELSE '' END
                    || CASE WHEN sort_time % 6000 = 0 THEN ' ''wordrare'':4B' ELSE '' END
                    || CASE WHEN sort_time % 600 = 0 THEN ' ''wordseven'':2B ''{token}'':16383C' ELSE '' END)::tsvector
            FROM {SCHEMA}.message"
    ));
    server.sql("ANALYZE");
}

/// The word that a key is in the full text.
fn token(key: &KeyDigest) -> String {
    let mut octets = b"hale\0".to_vec();
    octets.extend_from_slice(key.as_bytes());
    support::sha256(&octets)[..32].to_owned()
}
