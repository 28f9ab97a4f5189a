//! What came of a server is counted towards the day's budget, octet for octet: against what a relay between the two has seen.

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kit::{Kit, letter};
use practicemail::practice_mail::{Repair, Viewer};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::Fault;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const VIEWER: Viewer = Viewer::System { reason: "test" };

/// A way to the server that counts what comes back.
struct Relay {
    port: u16,
    octets: Arc<AtomicU64>,
}

impl Relay {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let octets = Arc::new(AtomicU64::new(0));
        let relay = Self { port, octets: octets.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, octets.clone()));
            }
        });
        relay
    }

    fn octets(&self) -> u64 {
        self.octets.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: u16, octets: Arc<AtomicU64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) =
        TcpStream::connect(("127.0.0.1", server)).await.unwrap().into_split();
    tokio::spawn(async move {
        _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        _ = to_server.shutdown().await;
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
        let came = &buffer[..length];
        // Nobody listens to a farewell.
        let told = came.windows(5).position(|octets| octets == b"* BYE").unwrap_or(length);
        octets.fetch_add(told as u64, Ordering::SeqCst);
        if to_client.write_all(came).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn each_octet_of_comparing_repairing_and_comparing_again_counts_once_and_of_what_fails_too() {
    let plain = ImapServer::builder().tls(practicemail::testkit::TlsMode::Plain);
    let kit = Kit::on(plain, TlsMode::None, None).await;
    let relay = Relay::to(kit.server.port()).await;
    let server = ServerSettings::new("127.0.0.1", relay.port, TlsMode::None).unwrap();
    kit.connect_as(AccountSettings::new(server, Login::new("anna").unwrap())).await.unwrap();
    for id in 1..=5 {
        let letter = letter("client@example.org", "anna@practice.example", &format!("m{id}"), "Subject");
        kit.user().append("INBOX", letter, &[], 1_800_000_000).unwrap();
    }
    kit.server.inject(Fault::FetchMissing { uid: 3 });
    let mut before = relay.octets();
    let mut counted = 0;
    let mut count = async || {
        let (came, now) = (relay.octets() - before, kit.sync_state().await.octets_today);
        let told = now - counted;
        (before, counted) = (relay.octets(), now);
        (came, told)
    };
    kit.sync().await;
    let (came, told) = count().await;
    assert_eq!(came, told, "a pass");
    assert!(told > 0);

    let practice = Kit::practice();
    let compared = kit.mail.reconcile(&practice, &VIEWER, None, Repair::No).await.unwrap();
    assert!(!compared.is_complete());
    let (came, once) = count().await;
    assert_eq!(came, once, "comparing");
    assert!(once > 0);

    let repaired = kit.mail.reconcile(&practice, &VIEWER, None, Repair::Yes).await.unwrap();
    assert!(!repaired.is_complete(), "the server still does not tell of one");
    let (came, told) = count().await;
    assert_eq!(came, told, "a pass, comparing, repairing, and comparing again");
    assert!(told > 2 * once);

    kit.server.inject(Fault::Close { command: "UID FETCH".into() });
    let failed = kit.mail.reconcile(&practice, &VIEWER, None, Repair::No).await.unwrap();
    let (came, told) = count().await;
    assert_eq!(came, told, "comparing that fails: {:?}", failed.accounts[0].error);
    assert!(told > 0 && failed.accounts[0].error.is_some());
}
