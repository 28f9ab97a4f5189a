//! A connection cut at one point after the other: what the transport says is never more than what is so.

use std::collections::BTreeMap;

use practicemail::contract::{MailTransport, Submission};
use practicemail::error::ErrorKind;
use practicemail::settings::TlsMode;
use practicemail::testkit::SmtpServer;
use practicemail::testkit::smtp::Fault;

use super::{message, plain, send, settled, transport};

/// How close together the cuts in a message's body are.
#[derive(Clone, Copy)]
pub(crate) enum Cuts {
    /// At every octet.
    All,
    /// At every so manyth, and at the last 64.
    Every(u64),
}

/// What came out, counted: sent, not sent, unknown.
pub(crate) type Outcomes = BTreeMap<&'static str, usize>;

/// Cuts the dialogue of a message to so many recipients at every reply and at octets of the client.
pub(crate) async fn run(recipients: usize, cuts: Cuts) -> Outcomes {
    let server = plain().await;
    let addresses: Vec<String> = (0..recipients).map(|n| format!("client{n}@bakery.example")).collect();
    let mut submission = message(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
    submission.octets.extend(b"A line of the body, and another one.\r\n".repeat(20));
    // A whole dialogue tells where there is something to cut.
    let whole = transport(&server, TlsMode::None);
    send(&whole, &submission).await.unwrap();
    whole.close().await;
    settled(&server).await;
    let record = server.sessions()[0];
    let mut outcomes = Outcomes::new();
    for replies in 1..=record.replies {
        cut(&server, &submission, Fault::CutAfterReply(replies), &mut outcomes).await;
    }
    for client_octets in 0..=record.client_octets {
        if is_cut(cuts, client_octets, record.data_began, record.client_octets) {
            cut(&server, &submission, Fault::CutAfterOctets { client_octets }, &mut outcomes).await;
        }
    }
    outcomes
}

/// Everything outside the body is cut at every octet.
fn is_cut(cuts: Cuts, at: u64, body: u64, end: u64) -> bool {
    match cuts {
        Cuts::All => true,
        Cuts::Every(step) => {
            at <= body || at + 64 + "QUIT\r\n".len() as u64 >= end || at.is_multiple_of(step)
        }
    }
}

async fn cut(server: &SmtpServer, submission: &Submission, fault: Fault, outcomes: &mut Outcomes) {
    server.clear_faults();
    server.forget_record();
    let case = format!("{fault:?}");
    server.inject(fault.times(1));
    let transport = transport(server, TlsMode::None);
    let result = send(&transport, submission).await;
    transport.close().await;
    drop(transport);
    settled(server).await;
    let deliveries = server.deliveries();
    assert!(deliveries.len() <= 1, "{case}: {} deliveries", deliveries.len());
    let outcome = match result {
        Ok(report) => {
            assert_eq!(deliveries.len(), 1, "{case}: sent, and the server has nothing");
            assert_eq!(report.recipients.len(), submission.forward_paths.len());
            "sent"
        }
        Err(failure) if failure.error.kind() == ErrorKind::DeliveryUnknown => "unknown",
        Err(failure) => {
            assert!(deliveries.is_empty(), "{case}: {:?}, and the server has it", failure.error);
            assert!(failure.error.is_retryable(), "{case}: {:?}", failure.error);
            "not sent"
        }
    };
    *outcomes.entry(outcome).or_default() += 1;
}
