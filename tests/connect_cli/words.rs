//! What a person who is no engineer reads when something is wrong: what happened, what to do, and who can do it.
//! `cargo test --test connect_cli words -- --nocapture` prints all of it.

use practicemail::settings::OAuthProvider::Microsoft;
use practicemail::testkit::imap::{Personality, wording};
use practicemail::testkit::oauth::AuthorizationServerBuilder;
use practicemail::testkit::{CertificateKind, ImapServer};
use tokio::net::TcpListener;

use crate::provider::Provider;
use crate::terminal::{ANNA, PASSWORD, Terminal};

/// Gmail with IMAP switched off (support.google.com, "Set up Gmail with a third-party email client").
const IMAP_DISABLED: &str = "NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and \
                             enable your account for IMAP access. (Failure)";

/// A failure, as it has to be told.
struct Told {
    summary: &'static str,
    remedy: &'static str,
    who: &'static str,
}

/// What `connect` and `check` say to Anna, who types the password that a variable holds.
#[track_caller]
fn said(case: &str, port: u16, ca_pem: &str, variable: &str) -> (String, String) {
    let terminal = Terminal::open();
    terminal.write("ca.pem", ca_pem);
    let server = format!("localhost:{port}");
    let words = ["--user", "anna", "--imap", &server, "--imap-tls", "implicit", "--ca", "ca.pem"];
    let words = [&words[..], &["--login", ANNA, "--password-env", variable]].concat();
    let connect = terminal.run(&[&["connect"], &words[..]].concat());
    let check = terminal.run(&[&["check"], &words[..]].concat());
    assert_eq!((connect.status.code(), check.status.code()), (Some(1), Some(1)), "{case}");
    let [connect, check] = [connect.stderr, check.stdout].map(|text| String::from_utf8(text).unwrap());
    println!("── {case}\n$ practice connect …\n{connect}\n$ practice check …\n{check}");
    (connect, check)
}

/// What is printed says that, and neither a password nor what only an engineer understands.
#[track_caller]
fn tells((connect, check): &(String, String), told: &Told) {
    let begins = format!("What happened:  {} (", told.summary);
    assert!(connect.starts_with(&begins), "{connect}");
    let remedy = format!("\nWhat to do:     {}\nWho can do it:  {}\n", told.remedy, told.who);
    assert!(connect.ends_with(&remedy), "{connect}");
    assert!(check.contains("✗ ") && check.contains(&format!("What to do:    {}\n", told.remedy)), "{check}");
    assert!(check.ends_with("This does not work yet.\n"), "{check}");
    for text in [connect, check] {
        for unseen in [PASSWORD, "hoarse", "Error(", "::", "panicked"] {
            assert!(!text.contains(unseen), "{unseen:?} is in {text}");
        }
    }
}

async fn mailbox(personality: Personality, certificate: CertificateKind) -> ImapServer {
    let server = ImapServer::builder().personality(personality).certificate(certificate).user(ANNA, PASSWORD);
    server.start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password() {
    let server = mailbox(Personality::Dovecot, CertificateKind::Valid).await;
    let told = Told {
        summary: "The mail server refused the user name or password.",
        remedy: "Enter the user name and password again; if two-step verification is on, an app password is needed.",
        who: "the user",
    };
    tells(&said("a wrong password", server.port(), server.ca_pem(), "WRONG"), &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate() {
    let server = mailbox(Personality::Dovecot, CertificateKind::Expired).await;
    let told = Told {
        summary: "The mail server's certificate has expired or is not valid yet.",
        remedy: "Ask the administrator of the mail server to renew its certificate.",
        who: "an administrator",
    };
    tells(&said("an expired certificate", server.port(), server.ca_pem(), "PASSWORD"), &told);
    assert!(
        server.transcript().iter().all(|line| !line.text.contains("AUTHENTICATE")),
        "nothing secret was sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_host() {
    let server = mailbox(Personality::Dovecot, CertificateKind::WrongName).await;
    let told = Told {
        summary: "The mail server's certificate is for another name.",
        remedy: "Check the server name: enter the name that the provider gives for mail programs.",
        who: "the user",
    };
    tells(&said("a wrong host", server.port(), server.ca_pem(), "PASSWORD"), &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_port() {
    let server = mailbox(Personality::Dovecot, CertificateKind::Valid).await;
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let told = Told {
        summary: "The mail server does not answer on this port.",
        remedy: "Check server name and port; a firewall may also be in the way.",
        who: "the user",
    };
    tells(&said("a blocked port", port, server.ca_pem(), "PASSWORD"), &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn imap_is_disabled() {
    let server = mailbox(Personality::Gmail, CertificateKind::Valid).await;
    server.user(ANNA).refuse_sign_in(IMAP_DISABLED);
    let told = Told {
        summary: "Reading mail with IMAP is switched off for this account.",
        remedy: "Switch IMAP on in the mail account's settings, or ask the administrator of the mail service to allow it.",
        who: "an administrator",
    };
    tells(&said("IMAP is disabled", server.port(), server.ca_pem(), "PASSWORD"), &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_password_is_needed() {
    let server = mailbox(Personality::Gmail, CertificateKind::Valid).await;
    server.user(ANNA).refuse_sign_in(wording::APP_PASSWORD_REQUIRED);
    let told = Told {
        summary: "The mail server wants an app password.",
        remedy: "Switch two-step verification on, create an app password in the mail account's security settings, and enter it here.",
        who: "the user",
    };
    tells(&said("an app password is needed", server.port(), server.ca_pem(), "PASSWORD"), &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_has_to_approve() {
    let terminal = Terminal::open();
    let microsoft = Provider::open(Microsoft, AuthorizationServerBuilder::tenant_requires_approval).await;
    let registered = microsoft.registered(&terminal);
    let waiting = terminal.begin(&[&["connect", "--user", "anna", "--microsoft"], &registered[..]].concat());
    microsoft.allow(&waiting, ANNA).await;
    let (code, text, errors) = waiting.end();
    println!(
        "── an administrator has to approve\n$ practice connect --microsoft …\nhttps://…\n{errors}{text}"
    );
    assert_eq!(code, Some(1));
    assert!(errors.starts_with("Open the page above in a browser, sign in, and allow access."), "{errors}");
    let (before, link) = text.split_once("The link:       https://").unwrap();
    let lines = [
        "What happened:  The organisation wants an administrator to allow this product first.",
        "What to do:     Ask the administrator of your mail service to approve the product, then connect the account again.",
        "Who can do it:  an administrator",
        "How:            A Microsoft 365 administrator opens the link and accepts for the whole organisation.",
    ];
    assert_eq!(before.lines().collect::<Vec<_>>(), lines);
    assert!(
        link.contains(
            "\nAfterwards:     Their browser ends on a page that does not open: that does no harm.\n"
        ),
        "{link}"
    );
    let meanwhile = "Meanwhile:      Connect again now: the account then sends, and reads by itself when the administrator has approved.";
    assert!(link.contains("/adminconsent?") && link.ends_with(&format!("\n{meanwhile}\n")), "{link}");
}
