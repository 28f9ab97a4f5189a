//! How fast messages are handed over on one connection, against a few lines on a socket that say the same:
//! `cargo bench --bench submit`.
//!
//! Both talk to the kit's server in the same process, so the ratio tells what the transport costs. Prints; asserts nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use practicemail::contract::{Credential, MailTransport, SendPermit, Submission};
use practicemail::error::Result;
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::settings::{Login, ServerSettings, TlsMode};
use practicemail::smtp::SmtpTransport;
use practicemail::testkit::{self, SmtpServer};
use practicemail::types::{Address, Secret};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const MESSAGES: u32 = 1_000;
const ROUNDS: u32 = 3;

struct Always;

#[async_trait]
impl SendPermit for Always {
    async fn confirm(&self) -> Result<Duration> {
        Ok(Duration::from_mins(1))
    }
}

/// 45 KB in lines as base64 has them.
fn octets() -> Vec<u8> {
    let line = format!("{}\r\n", "QUJD".repeat(19));
    let body = line.repeat(45_000 / line.len());
    format!("From: anna@practice.example\r\nSubject: x\r\n\r\n{body}").into_bytes()
}

async fn by_transport(server: &SmtpServer) -> (Duration, f64) {
    let settings = ServerSettings::new("localhost", server.port(), TlsMode::None).expect("settings");
    let credential = Credential::Password(Secret::new("secret"));
    let dialer = Dialer::new().egress(EgressPolicy::Any);
    let transport = SmtpTransport::new(dialer, settings, Login::new("anna").expect("a login"), credential);
    let address = |text| Address::parse(text).expect("an address");
    let submission =
        Submission::new(address("anna@practice.example"), vec![address("paula@bakery.example")], octets());
    transport.reach().await.expect("a session");
    let before = transport.traffic().round_trips;
    let begun = Instant::now();
    for _ in 0..MESSAGES {
        transport.send(&submission, Arc::new(Always)).await.expect("sent");
    }
    let took = begun.elapsed();
    let round_trips = f64::from(u32::try_from(transport.traffic().round_trips - before).expect("few"));
    transport.close().await;
    (took, round_trips / f64::from(MESSAGES))
}

async fn by_socket(server: &SmtpServer) -> Duration {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.expect("a greeting");
    let message = [octets().as_slice(), b".\r\n"].concat();
    let mut ask = async |octets: &[u8]| {
        stream.write_all(octets).await.expect("written");
        loop {
            line.clear();
            stream.read_line(&mut line).await.expect("an answer");
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
    };
    ask(b"EHLO [127.0.0.1]\r\n").await;
    ask(b"AUTH PLAIN AGFubmEAc2VjcmV0\r\n").await;
    let begun = Instant::now();
    for _ in 0..MESSAGES {
        ask(b"MAIL FROM:<anna@practice.example>\r\n").await;
        ask(b"RCPT TO:<paula@bakery.example>\r\n").await;
        ask(b"DATA\r\n").await;
        ask(&message).await;
    }
    begun.elapsed()
}

#[tokio::main]
async fn main() {
    let server = SmtpServer::builder().tls(testkit::TlsMode::Plain).user("anna", "secret").start().await;
    let server = server.expect("a server");
    let (mut fastest, mut floor, mut round_trips) = (Duration::MAX, Duration::MAX, 0.0);
    for _ in 0..ROUNDS {
        let (took, trips) = by_transport(&server).await;
        fastest = fastest.min(took);
        round_trips = trips;
        floor = floor.min(by_socket(&server).await);
        server.forget_record();
    }
    println!("{MESSAGES} messages of {} octets, one connection", octets().len());
    println!(
        "transport {fastest:?}, raw socket {floor:?}: {:.2} times",
        fastest.as_secs_f64() / floor.as_secs_f64()
    );
    println!("{round_trips} round trips a message");
}
