//! The kit's submission server as another client sees it: Python's smtplib.

mod submission;

use practicemail::testkit::smtp::{Fault, Personality, Stage};
use practicemail::testkit::{SmtpServer, TlsMode};
use submission::{LOGIN, PASSWORD, server};

/// Signs in, sends a message with dots, and prints what is refused.
const CLIENT: &str = r#"
import smtplib, ssl, sys
port, ca, mode, login, password = sys.argv[1:6]
context = ssl.create_default_context(cadata=ca)
if mode == "implicit":
    client = smtplib.SMTP_SSL("localhost", int(port), context=context)
else:
    client = smtplib.SMTP("localhost", int(port))
    client.starttls(context=context)
try:
    client.login(login, password)
    text = b"Subject: Dots\r\n\r\n.\r\n..\r\n.two\r\n\r\nend.\r\n"
    refused = client.sendmail(login, ["paula@bakery.example", "otto@bakery.example"], text)
    print("refused", sorted(refused), client.esmtp_features.get("auth", "").split())
    client.quit()
except smtplib.SMTPResponseException as error:
    print("error", error.smtp_code, error.smtp_error.decode())
"#;

async fn python(server: &SmtpServer, mode: &str, password: &str) -> String {
    let mut command = tokio::process::Command::new("python3");
    command.args(["-c", CLIENT, &server.port().to_string(), server.ca_pem(), mode, LOGIN, password]);
    let output = command.output().await.expect("run python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn another_client_signs_in_and_sends_by_either_encryption_and_mechanism() {
    for (tls, mode) in [(TlsMode::Implicit, "implicit"), (TlsMode::StartTls, "starttls")] {
        for (personality, mechanism) in
            [(Personality::Plain, "AUTH PLAIN"), (Personality::Exchange, "AUTH LOGIN")]
        {
            let server = server().tls(tls).personality(personality).start().await.unwrap();
            server.inject(Fault::RefuseRecipient {
                address: "otto@bakery.example".into(),
                reply: "550 5.1.1 unknown".into(),
            });
            let said = python(&server, mode, PASSWORD).await;
            assert!(said.starts_with("refused ['otto@bakery.example'] ["), "{said}");
            let deliveries = server.deliveries();
            assert_eq!(deliveries.len(), 1);
            let text = String::from_utf8_lossy(&deliveries[0].octets);
            assert_eq!(text, "Subject: Dots\r\n\r\n.\r\n..\r\n.two\r\n\r\nend.\r\n");
            assert_eq!(deliveries[0].recipients, ["paula@bakery.example"]);
            let lines = server.transcript();
            let auth = lines.iter().find(|line| line.text.starts_with("AUTH")).unwrap();
            assert!(auth.text.starts_with(mechanism) && auth.encrypted, "{auth}");
            assert!(!lines.iter().any(|line| line.text.contains("AGFubmE")), "{lines:?}");
            assert_eq!(lines.last().unwrap().text.to_uppercase(), "QUIT");
        }
    }
}

#[tokio::test]
async fn another_client_hears_what_is_refused() {
    let server = server().start().await.unwrap();
    assert!(python(&server, "implicit", "wrong").await.starts_with("error 535 5.7.8"));
    server.inject(Fault::reply(Stage::EndOfData, "552-5.2.2 Mailbox\r\n552 5.2.2 full").times(1));
    assert_eq!(python(&server, "implicit", PASSWORD).await, "error 552 5.2.2 Mailbox\n5.2.2 full");
    assert!(server.deliveries().is_empty());
    let off = submission::server().personality(Personality::AuthOff).start().await.unwrap();
    assert!(python(&off, "implicit", PASSWORD).await.starts_with("error 535 5.7.139"));
}
