//! `connect --gmail` and `--microsoft`: from the first step to disconnecting.

use practicemail::settings::OAuthProvider::{Google, Microsoft};
use practicemail::testkit::oauth::AuthorizationServerBuilder;
use serde_json::json;

use crate::provider::{Provider, come_back};
use crate::terminal::{ANNA, CLIENT_SECRET, PAULA, Terminal};

const GMAIL: &[&str] = &["--json", "connect", "--user", "anna", "--gmail"];
const MICROSOFT: &[&str] = &["--json", "connect", "--user", "anna", "--microsoft"];
const HELLO: &[&str] =
    &["send", "--user", "anna", "--to", PAULA, "--subject", "VAT return", "--text", "It is done."];

/// B1: connected, read, sent from, tried again with what is stored, and disconnected; the registration is told once.
#[tokio::test(flavor = "multi_thread")]
async fn a_gmail_account_is_connected_used_and_disconnected() {
    let (terminal, google) = (Terminal::open(), Provider::open(Google, |server| server).await);
    let waiting = terminal.begin(&[GMAIL, &google.registered(&terminal)].concat());
    let page = google.allow(&waiting, ANNA).await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("You can close this window"), "{page}");
    let connected = json!({
        "outcome": "connected", "account": "anna", "user": "anna", "address": ANNA, "reading": "allowed",
        "sent_mailbox": "[Gmail]/Sent Mail", "problem": null,
    });
    assert_eq!(waiting.answer(0), connected);

    assert_eq!(terminal.json(&["check", "--user", "anna"], 0)["ok"], true);
    assert_eq!(terminal.json(&["sync"], 0)["accounts"][0]["mailboxes"][0]["new_messages"], 1);
    assert_eq!(terminal.json(HELLO, 0)["state"], "sent");
    assert_eq!(google.smtp.deliveries().len(), 1);
    let tab = terminal.json(&["tab", "--client", "bakery"], 0);
    assert_eq!(tab["messages"].as_array().unwrap().len(), 2);
    assert_eq!(terminal.json(&["status"], 0)["users"][0]["channel"], "gmail");

    // The practice's own registration by now: nothing has to be said again.
    let again = terminal.begin(GMAIL);
    google.allow(&again, ANNA).await;
    assert_eq!(again.answer(0), connected);

    let gone = terminal.json(&["disconnect", "--user", "anna", "--erase"], 0);
    assert_eq!(gone, json!({"account": "anna", "revocation": "revoked", "erased": true}));
    assert_eq!(google.authorization.revocations(), 1);
    assert_eq!(terminal.json(&["status"], 0)["users"][0]["health"], "disconnected");
    assert_eq!(terminal.json(&["disconnect", "--user", "anna"], 1)["error"]["kind"], "not_found");
}

/// S10: whoever says no is told so, and nothing is kept.
#[tokio::test(flavor = "multi_thread")]
async fn who_denies_is_told_how_to_start_again() {
    let (terminal, google) = (Terminal::open(), Provider::open(Google, |server| server).await);
    let waiting = terminal.begin(&[GMAIL, &google.registered(&terminal)].concat());
    come_back(&google.page(&waiting, ANNA).await.deny().await.unwrap()).await;
    let remedy = "Start again and allow access if you want to connect the account.";
    assert_eq!(waiting.answer(1), json!({"outcome": "denied", "remedy": remedy, "who": "user"}));
    assert_eq!(terminal.json(&["status"], 0)["users"][0]["health"], "never_set_up");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_than_the_users_is_named() {
    let (terminal, google) = (Terminal::open(), Provider::open(Google, |server| server).await);
    let waiting = terminal.begin(&[GMAIL, &google.registered(&terminal)].concat());
    google.allow(&waiting, "ben@hale.example").await;
    let answer = waiting.answer(1);
    assert_eq!((&answer["outcome"], &answer["expected"]), (&"wrong_account".into(), &ANNA.into()));
}

/// S11: until the administrator was there, the account sends; then it reads by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_passed_the_link_and_sending_goes_on_meanwhile() {
    let terminal = Terminal::open();
    let microsoft = Provider::open(Microsoft, AuthorizationServerBuilder::tenant_requires_approval).await;
    let waiting = terminal.begin(&[MICROSOFT, &microsoft.registered(&terminal)].concat());
    microsoft.allow(&waiting, ANNA).await;
    let answer = waiting.answer(1);
    assert_eq!(
        (&answer["outcome"], &answer["who"], &answer["approval"]["sends_meanwhile"]),
        (&"administrator_must_approve".into(), &"administrator".into(), &true.into())
    );
    assert!(answer["approval"]["url"].as_str().unwrap().contains("/adminconsent?"), "{answer}");

    let waiting = terminal.begin(MICROSOFT);
    microsoft.allow(&waiting, ANNA).await;
    assert_eq!(waiting.answer(0)["reading"], "pends");
    assert_eq!(terminal.json(HELLO, 0)["state"], "sent");

    microsoft.authorization.approve("hale.example");
    terminal.json(&["sync"], 0);
    let tab = terminal.json(&["tab", "--client", "bakery"], 0);
    let subjects: Vec<_> = tab["messages"].as_array().unwrap().iter().map(|m| &m["subject"]).collect();
    assert_eq!(subjects, ["VAT return", "VAT"], "{tab}");
    assert_eq!(terminal.json(&["disconnect", "--user", "anna"], 0)["revocation"], "not_offered");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_to_send_only_is_not_read() {
    let terminal = Terminal::open();
    let microsoft = Provider::open(Microsoft, AuthorizationServerBuilder::tenant_requires_approval).await;
    let words = [MICROSOFT, &["--send-only"], &microsoft.registered(&terminal)].concat();
    let waiting = terminal.begin(&words);
    assert!(!waiting.url.contains("IMAP"), "{}", waiting.url);
    microsoft.allow(&waiting, ANNA).await;
    assert_eq!(waiting.answer(0)["reading"], "off");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_come_back_is_told_to_start_again() {
    let (terminal, google) = (Terminal::open(), Provider::open(Google, |server| server).await);
    let words = [&["--timeout", "0.2"], GMAIL, &google.registered(&terminal)].concat();
    let answer = terminal.begin(&words).answer(1);
    assert_eq!(
        (&answer["outcome"], &answer["remedy"]),
        (&"expired".into(), &"Start connecting the account again.".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_id_alone_is_a_registration_that_comes_back_to_this_machine() {
    let terminal = Terminal::open();
    for (way, provider, back) in [
        ("--gmail", "https://accounts.google.com/", "redirect_uri=http%3A%2F%2F127.0.0.1%3A"),
        ("--microsoft", "https://login.microsoftonline.com/", "redirect_uri=http%3A%2F%2Flocalhost%3A"),
    ] {
        let words = ["--timeout", "0.2", "--json", "connect", "--user", "anna", way, "--client-id", "1234.x"];
        let waiting = terminal.begin(&words);
        assert!(waiting.url.starts_with(provider) && waiting.url.contains(back), "{}", waiting.url);
        assert_eq!(waiting.answer(1)["outcome"], "expired");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_registration_it_is_said_what_is_missing() {
    let error = terminal_error(&["connect", "--user", "anna", "--gmail"], 1);
    assert!(error["message"].as_str().unwrap().contains("--client-id"), "{error}");
    for wrong in [
        &["connect", "--user", "anna"][..],
        &["connect", "--user", "anna", "--gmail", "--microsoft"],
        &["connect", "--user", "anna", "--gmail", "--send-only"],
        &["connect", "--user", "anna", "--gmail", "--imap", "localhost:993"],
        &["connect", "--user", "anna", "--imap", "localhost:993"],
        &["connect", "--user", "anna", "--client-id", "x"],
        &["connect", "--user", "anna", "--client-secret-env", "SECRET", "--imap", "localhost:993"],
        &["connect", "--user", "anna", "--gmail", "--client-id", "x", "--listen", "0.0.0.0:1"],
    ] {
        terminal_error(wrong, 2);
    }
}

fn terminal_error(words: &[&str], code: i32) -> serde_json::Value {
    Terminal::open().json(words, code)["error"].take()
}

/// S16: neither a token nor the secret of the registration is printed, or traced, or stored in the open.
#[tokio::test(flavor = "multi_thread")]
async fn no_token_and_no_client_secret_is_seen_anywhere() {
    let (terminal, google) = (Terminal::open(), Provider::open(Google, |server| server).await);
    let trace = ["--log", "trace.log", "--log-level", "trace"];
    let waiting = terminal.begin(&[&trace[..], GMAIL, &google.registered(&terminal)].concat());
    google.allow(&waiting, ANNA).await;
    let (code, out, errors) = waiting.end();
    assert_eq!(code, Some(0), "{out}{errors}");
    let sync = terminal.run(&[&trace[..], &["sync"]].concat());
    let trace = std::fs::read(terminal.path("trace.log")).unwrap();
    let store = std::fs::read(terminal.path("mail.db")).unwrap();
    let seen = [out.into_bytes(), errors.into_bytes(), sync.stdout, sync.stderr, trace, store].concat();
    for secret in [CLIENT_SECRET, "ya29.kit-", "1//0"] {
        let found = seen.windows(secret.len()).any(|octets| octets == secret.as_bytes());
        assert!(!found, "{secret:?} is seen");
    }
}
