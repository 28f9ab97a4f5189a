//! Sending as a person does it: the terminal host against the kit's servers.

#[path = "support/office.rs"]
mod office;

use office::{ANNA, Office, PAULA, answered, field};
use practicemail::testkit::smtp::{Fault, Personality, Stage};

const HELLO: &[&str] =
    &["send", "--user", "anna", "--to", PAULA, "--subject", "VAT", "--text", "It is done."];

fn hello(more: &[&'static str]) -> Vec<&'static str> {
    [HELLO, more].concat()
}

/// Of a client, with a file in it.
const WITH_FILE: &str = "From: Paula <paula@bakery.example>\r\nTo: anna@hale.example\r\nSubject: The plan\r\n\
    Message-ID: <plan@bakery.example>\r\nDate: Wed, 25 Nov 2026 08:00:00 +0100\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHere it is.\r\n--b\r\nContent-Type: text/csv; name=plan.csv\r\n\
    Content-Disposition: attachment; filename=plan.csv\r\nContent-Transfer-Encoding: base64\r\n\r\nWCwgWSwgWg==\r\n--b--\r\n";

/// S1, S13, S20: it leaves from the user's own account, once, and a copy is in their Sent mailbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_leaves_from_the_users_own_account_and_is_filed() {
    let office = Office::open(Personality::Plain).await;
    let sent = office.ok(HELLO);
    assert_eq!(
        (&sent["route"], &sent["state"], &sent["filed"]),
        (&"own".into(), &"sent".into(), &"appended".into())
    );
    assert_eq!(sent["recipients"][0]["address"], PAULA);
    assert_eq!(sent["recipients"][0]["accepted"], true);
    let deliveries = office.deliveries();
    assert_eq!(deliveries.len(), 1);
    assert_eq!((deliveries[0].login.as_str(), deliveries[0].reverse_path.as_str()), (ANNA, ANNA));
    assert_eq!(office.sent(), [deliveries[0].octets.to_vec()], "what was sent is what is filed");
    let tab = office.tab("bakery");
    assert_eq!(tab.len(), 1);
    assert_eq!((&tab[0]["direction"], &tab[0]["delivery"]["state"]), (&"out".into(), &"sent".into()));
    office.ok(&["sync"]);
    let tab = office.tab("bakery");
    assert_eq!((tab.len(), tab[0]["versions"].as_u64()), (1, Some(1)), "{tab:?}");
    assert_eq!(tab[0]["copies"][0]["mailbox"], "Sent");
    assert_eq!(tab[0]["message_id"], sent["message_id"]);
}

/// S13: what the provider files is neither filed twice nor shown twice, whatever it does to the Message-ID.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_the_provider_filed_is_recognised() {
    for personality in [Personality::FilesCopy, Personality::FilesAndRewritesMessageId] {
        let office = Office::open(personality).await;
        assert_eq!(office.ok(HELLO)["filed"], "server", "{personality:?}");
        assert_eq!(office.sent().len(), 1, "{personality:?}");
        office.ok(&["sync"]);
        let tab = office.tab("bakery");
        assert_eq!((tab.len(), tab[0]["versions"].as_u64()), (1, Some(1)), "{personality:?}: {tab:?}");
        assert_eq!(tab[0]["copies"].as_array().unwrap().len(), 1, "{personality:?}");
        // Learnt by now: it is not looked for again.
        assert_eq!(office.ok(HELLO)["filed"], "server");
        assert_eq!(office.sent().len(), 2);
    }
}

/// S3: without an account mail leaves from noreply, and the sender is told.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_mail_leaves_from_noreply() {
    let office = Office::without_account(Personality::Plain).await;
    let sent =
        office.ok(&["send", "--user", "dan", "--to", PAULA, "--subject", "Hello", "--text", "From Dan."]);
    assert_eq!((&sent["route"], &sent["filed"]), (&"noreply".into(), &"not".into()));
    let octets = &office.deliveries()[0].octets;
    assert_eq!(field(octets, "From").unwrap(), "\"Dan Price (Hale & Partners)\" <noreply@hale.example>");
    assert!(field(octets, "Reply-To").unwrap().contains("<dan@hale.example>"));
    let tab = office.tab("bakery");
    assert_eq!((tab.len(), &tab[0]["delivery"]["route"]), (1, &"noreply".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_account_is_refused_with_its_remedy_and_not_replaced_by_noreply() {
    let office = Office::without_account(Personality::AuthOff).await;
    office.connect_with(&["--save-unchecked"]);
    let refused = office.fails(HELLO);
    assert_eq!((&refused["route"], &refused["state"]), (&"own".into(), &"refused".into()));
    assert_eq!(refused["error"]["kind"], "sending_disabled");
    assert!(refused["error"]["remedy"].as_str().unwrap().contains("administrator"));
    assert_eq!(office.deliveries().len(), 0);
    assert_eq!(office.tab("bakery").len(), 0);
}

/// B13: the same key sends nothing more, and another message under it is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_names_one_intent() {
    let office = Office::open(Personality::Plain).await;
    let first = office.ok(&hello(&["--key", "vat-2026"]));
    let second = office.ok(&hello(&["--key", "vat-2026"]));
    assert_eq!(first["id"], second["id"]);
    assert_eq!(office.deliveries().len(), 1);
    let other =
        ["send", "--user", "anna", "--to", PAULA, "--subject", "Other", "--text", "x", "--key", "vat-2026"];
    assert_eq!(office.fails(&other)["error"]["kind"], "invalid");
    assert_eq!(office.deliveries().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_waits_for_its_time_and_can_be_taken_back() {
    let office = Office::open(Personality::Plain).await;
    let early = ["--now", "2026-11-25T08:00:00Z"];
    let at = [&early[..], &hello(&["--at", "2026-11-25T09:00:00Z"])].concat();
    let first = office.ok(&at);
    assert_eq!(first["state"], "queued");
    let second = office.ok(&at);
    office.ok(&[&early[..], &["sync"]].concat());
    assert_eq!(office.deliveries().len(), 0, "not before its time");
    let cancelled = office.ok(&["outbox", "cancel", second["id"].as_str().unwrap()]);
    assert_eq!(cancelled["state"], "cancelled");
    office.ok(&["--now", "2026-11-25T09:00:01Z", "sync"]);
    assert_eq!(office.deliveries().len(), 1);
    let late = office.fails(&["outbox", "cancel", first["id"].as_str().unwrap()]);
    assert_eq!(late["error"]["kind"], "invalid");
    let outbox = office.ok(&["outbox"]);
    let states: Vec<_> = outbox["outbox"].as_array().unwrap().iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["cancelled", "sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_are_all_or_none_unless_the_draft_says_otherwise() {
    let office = Office::open(Personality::Plain).await;
    office.smtp.inject(Fault::RefuseRecipient {
        address: "amelie@cafe.example".to_owned(),
        reply: "550 5.1.1 No such user".to_owned(),
    });
    let both = hello(&["--cc", "amelie@cafe.example"]);
    let refused = office.fails(&both);
    assert_eq!(refused["state"], "refused");
    assert_eq!(refused["error"]["kind"], "recipient_refused");
    assert_eq!(office.deliveries().len(), 0);
    let partial = office.fails(&hello(&["--cc", "amelie@cafe.example", "--allow-partial"]));
    assert_eq!(partial["state"], "sent");
    let accepted: Vec<_> =
        partial["recipients"].as_array().unwrap().iter().map(|r| r["accepted"].as_bool().unwrap()).collect();
    assert_eq!(accepted, [true, false]);
    assert!(partial["recipients"][1]["reply"].as_str().unwrap().contains("No such user"));
    assert_eq!(office.deliveries()[0].recipients, [PAULA]);
}

/// A connection that breaks behind a refusal: the refused one is asked again, not left out.
#[tokio::test(flavor = "multi_thread")]
async fn all_or_none_holds_over_several_tries() {
    let office = Office::open(Personality::Plain).await;
    // The first connection was that of connecting the account.
    office.smtp.inject(Fault::Close { at: Stage::Rcpt }.after(1).on_connections(2..=2));
    office.smtp.inject(Fault::RefuseRecipient {
        address: "amelie@cafe.example".to_owned(),
        reply: "550 5.1.1 No such user".to_owned(),
    });
    let send = ["send", "--user", "anna", "--to", "amelie@cafe.example", "--cc", PAULA, "--subject", "VAT"];
    let queued =
        office.fails(&[&["--now", "2026-11-25T08:00:00Z"][..], &send, &["--text", "Done."]].concat());
    assert_eq!(queued["state"], "queued", "{queued}");
    office.ok(&["--now", "2026-11-25T08:10:00Z", "sync"]);
    let row = office.ok(&["outbox"])["outbox"][0].clone();
    assert_eq!((row["state"].as_str(), office.deliveries().len()), (Some("refused"), 0), "{row}");
}

/// T3: Bcc is in nobody's copy but the author's.
#[tokio::test(flavor = "multi_thread")]
async fn bcc_is_kept_in_the_sent_copy_and_nowhere_on_the_wire() {
    let office = Office::open(Personality::Plain).await;
    office.ok(&hello(&["--bcc", "amelie@cafe.example"]));
    let delivery = &office.deliveries()[0];
    assert_eq!(delivery.recipients, [PAULA, "amelie@cafe.example"]);
    assert!(!String::from_utf8_lossy(&delivery.octets).contains("amelie"));
    assert!(field(&office.sent()[0], "Bcc").unwrap().contains("amelie@cafe.example"));
    let as_dan = office.ok(&["tab", "--client", "bakery", "--as", "dan"]).to_string();
    assert!(!as_dan.contains("amelie"), "{as_dan}");
    assert_eq!(office.tab("cafe").len(), 1, "the client in Bcc has it on their tab");
}

/// B8: an answer threads, and goes where the original came from.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_threads() {
    let office = Office::open(Personality::Plain).await;
    let original = "From: Paula <paula@bakery.example>\r\nTo: anna@hale.example\r\nSubject: Re: AW: invoices\r\n\
                    Message-ID: <two@bakery.example>\r\nReferences: <one@bakery.example>\r\n\
                    Date: Wed, 25 Nov 2026 08:00:00 +0100\r\n\r\nWhere are they?\r\n";
    office.imap.user(ANNA).append("INBOX", original, &[], 1_795_590_000);
    office.ok(&["sync"]);
    let id = office.tab("bakery")[0]["id"].as_str().unwrap().to_owned();
    office.ok(&["send", "--user", "anna", "--reply", &id, "--text", "Here."]);
    let octets = &office.deliveries()[0].octets;
    assert_eq!(field(octets, "In-Reply-To").unwrap(), "<two@bakery.example>");
    assert_eq!(field(octets, "References").unwrap(), "<one@bakery.example> <two@bakery.example>");
    assert_eq!(field(octets, "Subject").unwrap(), "Re: invoices");
    assert_eq!(office.deliveries()[0].recipients, [PAULA]);
}

/// B20: what its user hides, or an account that shares headers only, is not a colleague's to answer or to pass on.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_colleague_may_not_read_is_not_theirs_to_answer() {
    let office = Office::open(Personality::Plain).await;
    office.imap.user(ANNA).append("INBOX", WITH_FILE, &[], 1_795_590_000);
    office.ok(&["sync"]);
    let id = office.tab("bakery")[0]["id"].as_str().unwrap().to_owned();
    let forward =
        |user| ["send", "--user", user, "--forward", &id, "--to", "amelie@cafe.example", "--text", "See."];
    let reply = ["send", "--user", "dan", "--reply", &id, "--text", "Here."];
    office.ok(&forward("dan"));
    let refused = |words: &[&str]| office.fails(words)["error"]["kind"].clone();
    office.ok(&["hide", "--id", &id, "--as", "anna"]);
    assert_eq!((refused(&forward("dan")), refused(&reply)), ("forbidden".into(), "forbidden".into()));
    office.ok(&forward("anna"));
    office.ok(&["unhide", "--id", &id, "--as", "anna"]);
    office.connect_with(&["--headers-only"]);
    assert_eq!((refused(&forward("dan")), refused(&reply)), ("forbidden".into(), "forbidden".into()));
    office.ok(&forward("anna"));
    assert_eq!(office.deliveries().len(), 3);
}

/// An attachment that is not kept comes from its server when its message is passed on; gone from there, nothing is sent without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_attachment_goes_along_when_its_message_is_passed_on() {
    let office = Office::without_account(Personality::Plain).await;
    office.connect_with(&["--attachments-up-to", "0"]);
    office.imap.user(ANNA).append("INBOX", WITH_FILE, &[], 1_795_590_000);
    office.ok(&["sync"]);
    for days in ["2026-11-26T08:00:00Z", "2026-11-28T08:00:00Z"] {
        office.ok(&["--now", days, "forget"]);
    }
    let id = office.tab("bakery")[0]["id"].as_str().unwrap().to_owned();
    let forward =
        ["send", "--user", "anna", "--forward", &id, "--to", "amelie@cafe.example", "--text", "See."];
    office.ok(&forward);
    let octets = String::from_utf8_lossy(&office.deliveries()[0].octets).into_owned();
    let encoded = "WCwgWSwgWg=="; // X, Y, Z
    assert!(
        octets.contains("plan.csv") && (octets.contains(encoded) || octets.contains("X, Y, Z")),
        "{octets}"
    );
    assert!(office.imap.user(ANNA).expunge("INBOX", 1));
    assert_eq!(office.fails(&forward)["error"]["kind"], "source_gone");
    office.ok(&["send", "--user", "anna", "--reply", &id, "--text", "An answer needs it not."]);
    assert_eq!(office.deliveries().len(), 2);
}

/// B13: an answer nobody heard is told as unknown, found in the Sent mailbox if it is there, and never sent again by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_unheard_answer_is_unknown_until_there_is_evidence() {
    let office = Office::open(Personality::FilesCopy).await;
    office.smtp.inject(Fault::AnswerLost { at: Stage::EndOfData }.times(1));
    let unknown = office.run(HELLO);
    let sent: serde_json::Value = serde_json::from_slice(&unknown.stdout).unwrap();
    assert_eq!((&sent["state"], &sent["filed"]), (&"sent".into(), &"server".into()), "{sent}");
    assert_eq!(office.deliveries().len(), 1);

    let office = Office::open(Personality::Plain).await;
    office.smtp.inject(Fault::AnswerLost { at: Stage::EndOfData }.times(1));
    let now = ["--now", "2026-11-25T08:00:00Z"];
    let unknown = answered(&office.run(&[&now[..], HELLO].concat()), 1);
    assert_eq!(unknown["state"], "unknown");
    let id = unknown["id"].as_str().unwrap().to_owned();
    assert_eq!(office.tab("bakery")[0]["delivery"]["state"], "unknown");
    office.ok(&["--now", "2026-11-25T08:02:00Z", "sync"]);
    assert_eq!(office.deliveries().len(), 1, "not sent again by itself");
    let early =
        office.fails(&["--now", "2026-11-25T08:05:00Z", "outbox", "resolve", &id, "--as", "send-again"]);
    assert_eq!(early["error"]["kind"], "busy");
    let looked = office.fails(&["--now", "2026-11-25T08:15:00Z", "outbox", "resolve", &id]);
    assert_eq!(looked["state"], "unknown", "not finding it proves nothing");
    office.ok(&["--now", "2026-11-25T08:15:00Z", "outbox", "resolve", &id, "--as", "sent"]);
    assert_eq!(office.tab("bakery")[0]["delivery"]["state"], "sent");
    assert_eq!(office.deliveries().len(), 1);
}

/// B13: what was not sent is tried again by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_passing_refusal_is_tried_again() {
    let office = Office::open(Personality::Plain).await;
    office.smtp.inject(Fault::Greylist);
    let queued = office.fails(&[&["--now", "2026-11-25T08:00:00Z"], HELLO].concat());
    assert_eq!(queued["state"], "queued");
    assert!(queued["recipients"][0]["reply"].as_str().unwrap().contains("450"), "{queued}");
    office.ok(&["--now", "2026-11-25T08:10:00Z", "sync"]);
    assert_eq!(office.deliveries().len(), 1);
    assert_eq!(office.tab("bakery")[0]["delivery"]["state"], "sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_server_is_not_there_one_try_is_enough_for_now_and_one_session_serves_all() {
    let office = Office::open(Personality::Plain).await;
    let now = ["--now", "2026-11-25T08:00:00Z"];
    for _ in 0..3 {
        office.ok(&[&now[..], &hello(&["--queue"])].concat());
    }
    office.smtp.inject(Fault::Close { at: Stage::Greeting });
    office.ok(&[&now[..], &["sync"]].concat());
    assert_eq!((office.smtp.connections(), office.deliveries().len()), (2, 0));
    office.smtp.clear_faults();
    office.ok(&["--now", "2026-11-25T08:10:00Z", "sync"]);
    assert_eq!((office.smtp.connections(), office.deliveries().len()), (3, 3));
}

/// B13: a bounce stands at the recipient it is about, and is no client's message.
#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_stands_at_the_message_it_is_about() {
    let office = Office::open(Personality::FilesCopy).await;
    let sent = office.ok(HELLO);
    let id = sent["message_id"].as_str().unwrap();
    let report = format!(
        "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: {ANNA}\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nMessage-ID: <b1@mx.example>\r\nDate: Wed, 25 Nov 2026 09:00:00 +0000\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
         Your message could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {PAULA}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such mailbox\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\nSubject: VAT\r\n\r\n--b--\r\n"
    );
    office.imap.user(ANNA).append("INBOX", &report, &[], 1_795_597_200);
    office.ok(&["sync"]);
    let tab = office.tab("bakery");
    assert_eq!(tab.len(), 1, "the report itself is on no tab: {tab:?}");
    let bounce = &tab[0]["delivery"]["recipients"][0]["bounce"];
    assert_eq!((&bounce["permanent"], &bounce["status"]), (&true.into(), &"5.1.1".into()), "{tab:?}");
    assert!(bounce["diagnostic"].as_str().unwrap().contains("no such mailbox"));
}

/// S5, S6, S7
#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_is_switched_off_is_shown_refused_and_switched_on_again() {
    let office = Office::open(Personality::Plain).await;
    let settings = office.ok(&["settings"]);
    assert_eq!(
        settings["switches"],
        serde_json::json!({"gmail": true, "smtp_imap": true, "microsoft365": true})
    );
    assert_eq!(
        (&settings["noreply"]["address"], &settings["registrations"]),
        (&"noreply@hale.example".into(), &serde_json::json!([]))
    );
    assert_eq!(settings["noreply"]["password"], "●".repeat(14));
    let refused = office.fails(&["settings", "--by", "dan", "--switch", "smtp_imap=off"]);
    assert_eq!(refused["error"]["kind"], "forbidden");
    assert_eq!(office.ok(&["settings"]), settings);
    let off = office.ok(&["settings", "--by", "anna", "--switch", "smtp_imap=off", "--switch", "gmail=off"]);
    assert_eq!((&off["switches"]["smtp_imap"], &off["switches"]["gmail"]), (&false.into(), &false.into()));
    let anna = &office.ok(&["status"])["users"][0];
    assert_eq!(
        (&anna["user"], &anna["health"], &anna["who"]),
        (&"anna".into(), &"switched_off".into(), &"administrator".into())
    );
    assert!(anna["remedy"].as_str().unwrap().contains("switch it on"));
    assert_eq!(office.fails(HELLO)["error"]["kind"], "switched_off");
    office.ok(&["settings", "--by", "anna", "--switch", "smtp_imap=on"]);
    assert_eq!(office.ok(HELLO)["state"], "sent");
    assert_eq!(office.deliveries().len(), 1);
}
