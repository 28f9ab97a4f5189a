//! S13, S20: sending as a whole against real peers, Postfix to hand over and Dovecot to file.

mod support;

use serde_json::Value;
use support::configuration::{Options, Tier};
use support::directory::Directory;
use support::postfix::Postfix;
use support::practice::{Outcome, Practice};

const CLIENT: &str = "paula@bakery.example";
const BLIND: &str = "otto@bakery.example";

fn connected(dovecot: &support::dovecot::Dovecot, postfix: &Postfix) -> Practice {
    let practice = Practice::new();
    let mut directory = Directory::new();
    directory.add_address("c00", CLIENT);
    directory.add_address("d00", BLIND);
    practice.init(&directory);
    // One file holds both servers' authorities.
    let both = practice.store_directory().join("both.pem");
    let pem = std::fs::read_to_string(dovecot.ca_file()).expect("an authority") + &postfix.ca_pem();
    std::fs::write(&both, pem).expect("write the authorities");
    let (imap, smtp) = (format!("localhost:{}", dovecot.tls_port()), format!("localhost:{}", postfix.port()));
    let words = ["connect", "--user", "anna", "--imap", &imap, "--imap-tls", "implicit", "--login", "anna"];
    let more = ["--password-env", "PRACTICE_TEST_PASSWORD", "--smtp", &smtp, "--smtp-tls", "starttls"];
    let ca = ["--ca", both.to_str().expect("a path")];
    practice.run(&[], &[&words[..], &more, &ca].concat()).success();
    practice
}

fn send(practice: &Practice, more: &[&str]) -> Outcome {
    let words = ["send", "--user", "anna", "--to", CLIENT, "--subject", "Grüße – Umsatzsteuer", "--text"];
    practice.run(&[], &[&words[..], &["Sehr geehrter Herr Adler,\n.\nerledigt.\n"], more].concat())
}

fn tab(practice: &Practice, client: &str) -> Vec<Value> {
    let answer = practice.run(&[], &["tab", "--client", client]).success();
    answer["messages"].as_array().expect("messages").clone()
}

#[test]
fn one_message_one_copy_one_row() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        dovecot.add_users(&["anna"]);
        let postfix = Postfix::start(&[CLIENT, BLIND]);
        let practice = connected(&dovecot, &postfix);
        for count in 1..=2 {
            let sent = send(&practice, &["--bcc", BLIND]).success();
            assert_eq!((&sent["route"], &sent["state"]), (&"own".into(), &"sent".into()), "{sent}");
            assert_eq!(sent["filed"], "appended", "{sent}");
            practice.sync(&[]);
            let tab = tab(&practice, "c00");
            assert_eq!(tab.len(), count, "{tab:?}");
            assert!(tab.iter().all(|m| m["versions"] == 1 && m["copies"][0]["mailbox"] == "Sent"), "{tab:?}");
            // What arrived is what was sent, and names nobody it should not.
            let arrived = postfix.await_messages(CLIENT, count);
            let blind = postfix.await_messages(BLIND, count);
            let text = String::from_utf8(arrived[count - 1].clone()).expect("ASCII");
            assert!(text.contains("\r\n.\r\n") || text.contains("base64"), "{text}");
            assert!(!text.contains("otto") && blind.len() == count);
        }
        assert_eq!(tab(&practice, "d00").len(), 2, "the client in Bcc has them on their tab");
        let rows = practice.export();
        assert_eq!(rows.len(), 2);
        assert!(
            rows.iter().all(|row| row["renditions"] == 1 && row["copies"].as_array().unwrap().len() == 1)
        );
    }
}

#[test]
fn an_unknown_recipient_is_refused_and_nothing_leaves() {
    let dovecot = Options::new(Tier::Full).start();
    dovecot.add_users(&["anna"]);
    let postfix = Postfix::start(&[CLIENT]);
    let practice = connected(&dovecot, &postfix);
    let refused = send(&practice, &["--cc", "nobody@bakery.example"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let refused = refused.json();
    assert_eq!((&refused["state"], &refused["filed"]), (&"refused".into(), &"not".into()), "{refused}");
    assert!(tab(&practice, "c00").is_empty());
}
