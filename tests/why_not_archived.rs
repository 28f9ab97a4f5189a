//! Asking the servers why a message is not archived.

mod kit;

use kit::{Kit, letter};
use practicemail::contract::ClientKey;
use practicemail::practice_mail::{Ask, NotArchived, Viewer};
use practicemail::testkit::imap::Personality;
use practicemail::types::MessageId;

const VIEWER: Viewer = Viewer::System { reason: "test" };

async fn reasons(kit: &Kit, id: &str) -> Vec<NotArchived> {
    let id = MessageId::parse(id).unwrap();
    let why = kit.mail.why(&Kit::practice(), &VIEWER, &id, Ask::Servers).await.unwrap();
    assert!(why.unasked.is_empty(), "{why:?}");
    why.on_servers.into_iter().map(|found| found.reason).collect()
}

fn address(text: &str) -> (&str, ClientKey) {
    ("c1", ClientKey::Address(text.to_owned()))
}

#[tokio::test]
async fn a_message_of_a_client_that_was_added_a_minute_ago_is_not_yet_read() {
    let kit = Kit::start(Personality::Dovecot).await;
    for (id, from) in [("m1", "client@example.org"), ("m2", "late@example.org")] {
        kit.user()
            .append("INBOX", letter(from, "anna@practice.example", id, "s"), &[], 1_800_000_000)
            .unwrap();
    }
    kit.connect().await;
    kit.sync().await;
    let id = "<m2@test>";
    assert_eq!(reasons(&kit, id).await, [NotArchived::NoClient]);
    kit.set_keys(&[address("client@example.org"), address("late@example.org")]);
    assert_eq!(reasons(&kit, id).await, [NotArchived::NotYetRead]);
    kit.sync().await;
    assert_eq!(reasons(&kit, id).await, []);
}

/// Bcc counts where the account keeps what it sent, whatever the author's address: there a client is found by it.
#[tokio::test]
async fn what_lies_in_the_mailbox_chosen_for_what_is_sent_is_asked_for_as_it_is_read() {
    let kit = Kit::start(Personality::Dovecot).await;
    let settings = kit.settings().sent_mailbox("Outgoing");
    assert!(kit.user().create_mailbox("Outgoing", &[]));
    kit.connect_as(settings).await.unwrap();
    kit.sync().await;
    let mail =
        "From: anna@elsewhere.example\r\nBcc: client@example.org\r\nMessage-ID: <sent@x>\r\n\r\nText\r\n";
    for mailbox in ["Outgoing", "INBOX"] {
        kit.user().append(mailbox, mail, &[], 1_800_000_000).unwrap();
    }
    let mut found = reasons(&kit, "<sent@x>").await;
    found.sort_by_key(|reason| reason.as_str());
    assert_eq!(found, [NotArchived::NoClient, NotArchived::NotYetRead]);
    kit.sync().await;
    assert_eq!(reasons(&kit, "<sent@x>").await, [NotArchived::NoClient]);
}
