//! O12: what has left although the archive does not take it. The mail arrives once, whoever asks is told, and nobody waits.

#[path = "support/office.rs"]
mod office;

use office::{Office, PAULA};
use practicemail::testkit::smtp::{Fault, Personality, Stage};
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _};

const REFUSED: &[&str] =
    &["send", "--user", "anna", "--to", PAULA, "--subject", "Refused", "--text", "It is done."];
const TAKEN: &[&str] =
    &["send", "--user", "anna", "--to", PAULA, "--subject", "Taken", "--text", "It is done."];
/// Long after every claim, and after the last try of whatever is tried.
const LATER: [&str; 3] = ["2026-11-25T09:00:00Z", "2026-11-25T12:00:00Z", "2026-11-28T08:00:00Z"];

fn at<'a>(time: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    [&["--now", time], words].concat()
}

fn begin<'a>(words: &[&'a str]) -> Vec<&'a str> {
    at("2026-11-25T08:00:00Z", words)
}

/// An office whose database does not take what has the subject *Refused*, as somebody sees to who knows the tables.
async fn refusing(personality: Personality) -> Office {
    let office = Office::open(personality).await;
    let trigger = "CREATE TRIGGER refusing BEFORE INSERT ON rendition WHEN NEW.subject = 'Refused'
        BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    execute(&office, trigger).await;
    office
}

async fn execute(office: &Office, sql: &'static str) {
    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(office.path("mail.db"));
    let mut others = file.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut others).await.unwrap();
    others.close().await.unwrap();
}

fn oldest(office: &Office) -> Value {
    office.ok(&["outbox"])["outbox"].as_array().unwrap().last().unwrap().clone()
}

/// Fails unless the row says that the archive did not take what was sent.
#[track_caller]
fn assert_told(row: &Value) {
    assert_eq!((&row["state"], &row["error"]["kind"]), (&"sent".into(), &"storage_refused".into()), "{row}");
    assert!(
        row["error"]["message"].as_str().unwrap().contains("the archive did not take the message"),
        "{row}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_archive_does_not_take_is_sent_once_filed_once_and_told() {
    for (personality, filed) in [(Personality::Plain, "appended"), (Personality::FilesCopy, "server")] {
        let office = refusing(personality).await;
        let sent = office.ok(&begin(REFUSED));
        assert_told(&sent);
        assert_eq!(sent["filed"], filed);
        assert_eq!((office.deliveries().len(), office.sent().len()), (1, 1));
        assert!(office.tab("bakery").is_empty());

        // Nobody else is kept waiting, and nobody sends it again.
        let taken = office.ok(&begin(TAKEN));
        assert_eq!((&taken["state"], &taken["error"]), (&"sent".into(), &Value::Null), "{taken}");
        for time in LATER {
            office.ok(&at(time, &["sync"]));
            assert_eq!((office.deliveries().len(), office.sent().len()), (2, 2), "{time}");
        }
        assert_told(&oldest(&office));
        assert_eq!(office.tab("bakery").len(), 1);

        // Its copy in the Sent mailbox is a dead letter as any other, until the archive takes it.
        assert_eq!(office.ok(&["dead-letters"])["dead_letters"].as_array().unwrap().len(), 1);
        execute(&office, "DROP TRIGGER refusing").await;
        office.ok(&["dead-letters", "--replay"]);
        let tab = office.tab("bakery");
        assert_eq!((tab.len(), office.deliveries().len()), (2, 2), "{tab:?}");
        assert!(tab.iter().all(|message| message["delivery"]["state"] == "sent"), "{tab:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_the_recipients_is_sent_it_too_each_once() {
    let office = refusing(Personality::FilesCopy).await;
    office.smtp.inject(Fault::TooManyRecipients { after: 1 });
    let sent = office.ok(&begin(&[REFUSED, &["--cc", "amelie@cafe.example"]].concat()));
    assert_told(&sent);
    let recipients: Vec<_> = office.deliveries().into_iter().map(|delivery| delivery.recipients).collect();
    assert_eq!(recipients, [[PAULA], ["amelie@cafe.example"]]);
    for time in LATER {
        office.ok(&at(time, &["sync"]));
    }
    assert_eq!(office.deliveries().len(), 2);
    assert_told(&oldest(&office));
}

/// Nor does it keep the others from leaving by the same way.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_behind_it_leaves_at_once() {
    let office = refusing(Personality::FilesCopy).await;
    office.smtp.inject(Fault::TooManyRecipients { after: 1 });
    office.ok(&begin(&[REFUSED, &["--cc", "amelie@cafe.example", "--queue"]].concat()));
    office.ok(&begin(&[TAKEN, &["--queue"]].concat()));
    office.ok(&begin(&["sync"]));
    assert_eq!(office.deliveries().len(), 3);
    assert_told(&oldest(&office));
    assert_eq!(office.tab("bakery").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unheard_answer_is_unknown_and_a_persons_to_decide() {
    let office = refusing(Personality::Plain).await;
    office.smtp.inject(Fault::AnswerLost { at: Stage::EndOfData }.times(1));
    let unknown = office.fails(&begin(REFUSED));
    let (state, kind) = (&unknown["state"], &unknown["error"]["kind"]);
    assert_eq!((state, kind), (&"unknown".into(), &"delivery_unknown".into()), "{unknown}");
    let why = unknown["error"]["message"].as_str().unwrap();
    assert!(why.contains("the archive did not take the message"), "{why}");
    office.ok(&at(LATER[0], &["sync"]));
    assert_eq!((&oldest(&office)["state"], office.deliveries().len()), (&"unknown".into(), 1));
    let id = unknown["id"].as_str().unwrap();
    let decided = office.ok(&at(LATER[0], &["outbox", "resolve", id, "--as", "sent"]));
    assert_eq!(decided["state"], "sent");
    office.ok(&at(LATER[1], &["sync"]));
    assert_eq!((&oldest(&office)["state"], office.deliveries().len()), (&"sent".into(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_before_it_is_written_is_followed_by_nobody_who_sends_it() {
    let office = refusing(Personality::FilesCopy).await;
    let died = begin(&[&["--failpoint", "store.finish_outgoing.before"], REFUSED].concat());
    assert_eq!(office.run(&died).status.code(), None, "it did not die");
    assert_eq!((&oldest(&office)["state"], office.deliveries().len()), (&"sending".into(), 1));
    office.ok(&at(LATER[0], &["sync"]));
    assert_eq!((&oldest(&office)["state"], office.deliveries().len()), (&"sent".into(), 1), "by evidence");
    office.ok(&at(LATER[1], &["sync"]));
    assert_eq!(office.deliveries().len(), 1);
}
