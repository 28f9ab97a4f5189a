//! The examples that show one way of connecting each, as a newcomer runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.parent().and_then(Path::parent).expect("a build directory");
    let binary: PathBuf = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.is_file(), "the example {name} is not built: run `cargo build --examples`");
    let mut command = Command::new(binary);
    for variable in ["ADDRESS", "PASSWORD", "CLIENT", "CLIENT_ID", "CLIENT_SECRET"] {
        command.env_remove(format!("PRACTICEMAIL_{variable}"));
    }
    command
}

#[track_caller]
fn told(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What is printed, in this order.
#[track_caller]
fn in_order(text: &str, lines: &[&str]) {
    let mut rest = text;
    for line in lines {
        let at = rest.find(line).unwrap_or_else(|| panic!("{line:?} is not, or not here, in {text}"));
        rest = &rest[at + line.len()..];
    }
}

#[test]
fn gmail_is_connected_read_and_sent_from() {
    let text = told(&example("gmail").arg("--local").output().expect("run the example"));
    let lines = [
        "Open this page and allow access for anna@hale.example:",
        "code_challenge_method=S256",
        "The outcome: connected",
        "✓ sent mailbox: [Gmail]/Sent Mail",
        "Sending:",
        "✓ sign in",
        "← 2026-01-12T10:00:00Z  Our VAT return",
        "The message: sent from the user's own account",
        "paula@bakery.example accepted",
    ];
    in_order(&text, &lines);
    assert!(!text.contains('✗'), "{text}");
}

#[test]
fn microsoft365_sends_before_an_administrator_lets_it_read() {
    let text = told(&example("microsoft365").arg("--local").output().expect("run the example"));
    let lines = [
        "IMAP.AccessAsUser.All",
        "The outcome: administrator_must_approve",
        "A Microsoft 365 administrator opens the link and accepts for the whole organisation.",
        "/adminconsent?",
        "The outcome: connected",
        "Sending:",
        "✓ sign in",
        "The message: sent from the user's own account",
        "The administrator approves",
        "The client's Email tab, 2 in all:",
        "→ ",
        "← 2026-01-12T10:00:00Z  Our VAT return",
    ];
    in_order(&text, &lines);
    assert!(!text.contains("Reading:"), "it may not read yet: {text}");
}

#[test]
fn settings_are_found_tried_and_saved_when_they_work() {
    let text = told(&example("smtp_imap").output().expect("run the example"));
    let lines = [
        "Found by Autoconfig, trust: Provider",
        "✗ sign in: The mail server refused the user name or password.",
        "Enter the user name and password again",
        "Not connected: nothing was saved.",
        "✓ open inbox",
        "✓ sent mailbox: Sent",
        "Connected: anna@hale.example",
        "← 2026-01-12T10:00:00Z  Our VAT return",
        "The message: sent from the user's own account",
    ];
    in_order(&text, &lines);
    assert!(!text.contains("correct ho"), "a password is printed: {text}");
}

#[test]
fn who_has_no_account_sends_from_noreply_and_is_told_before() {
    let text = told(&example("noreply").output().expect("run the example"));
    let lines = [
        "anna@hale.example writes, and has connected no account.",
        "<noreply@hale.example>",
        "Replies go to: anna@hale.example",
        "This message leaves from the practice's noreply address",
        "The message: sent from the practice's noreply address",
        "→ ",
    ];
    in_order(&text, &lines);
}

#[test]
fn a_product_with_tables_of_its_own_shows_a_customers_mail() {
    let text = told(&example("custom_repository").output().expect("run the example"));
    let lines = [
        "A contact of customer 18 cannot be used: this is not an address",
        "Connected: anna@hale.example",
        "Customer 17, Email, 1 in all:",
        "  in 2026-01-12T10:00:00Z  Our VAT return",
    ];
    in_order(&text, &lines);
}

#[test]
fn a_store_over_another_engine_shows_what_was_read_when_it_is_opened_again() {
    let text = told(&example("custom_store").output().expect("run the example"));
    in_order(&text, &["Connected: anna@hale.example", "The bakery, Email, 1 in all:", "Our VAT return"]);
}

#[test]
fn without_a_registration_it_is_said_what_is_missing() {
    for name in ["gmail", "microsoft365"] {
        let output = example(name).output().expect("run the example");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("PRACTICEMAIL_CLIENT_ID is not set"), "{text}");
    }
}
