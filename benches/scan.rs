//! How fast messages are scanned, against digesting the same octets: `cargo bench --bench scan`.
//!
//! The scan decodes and digests every part, so a SHA-256 over the octets is the floor. Prints ratios; asserts nothing.

use std::time::{Duration, Instant};

use practicemail::mime::{MessageScan, addressing_headers};
use practicemail::types::Hasher;

const ROUNDS: u32 = 5;
const CHUNK: usize = 64 << 10;

fn message(lines: usize, encoding: &str, line: &str) -> Vec<u8> {
    let mut octets = format!(
        "From: Anna <anna@example.org>\r\nTo: ben@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
         Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    .into_bytes();
    for _ in 0..lines {
        octets.extend(line.bytes());
        octets.extend(b"\r\n");
    }
    octets
}

/// The fastest of a few rounds: the others measure the machine.
fn fastest(mut round: impl FnMut()) -> Duration {
    let timed = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        round();
        begun.elapsed()
    });
    timed.min().unwrap_or_default()
}

fn main() {
    let base64 = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0";
    for (name, encoding, line) in [
        ("base64", "base64", base64),
        ("8bit", "8bit", "A line of text as people write it, of middling length."),
    ] {
        let octets = message(300_000, encoding, line);
        let floor = fastest(|| {
            let mut hasher = Hasher::new();
            octets.chunks(CHUNK).for_each(|chunk| hasher.update(chunk));
            std::hint::black_box(hasher.finish());
        });
        let scan = fastest(|| {
            let mut scan = MessageScan::new();
            octets.chunks(CHUNK).for_each(|chunk| scan.update(chunk));
            std::hint::black_box(scan.finish());
        });
        let ratio = scan.as_secs_f64() / floor.as_secs_f64();
        println!(
            "{name}: {} MB scanned in {ratio:.2} times what digesting them takes",
            octets.len() / 1_000_000
        );
    }
    let header = b"From: Anna Miller <anna@example.org>\r\nTo: \"Brook, Helen\" <helen@example.org>, ben@example.org\r\n\
                   Message-ID: <1@example.org>\r\nDate: Tue, 24 Nov 2026 09:30:00 +0100\r\n\r\n";
    let headers = fastest(|| {
        for _ in 0..10_000 {
            std::hint::black_box(addressing_headers(header));
        }
    });
    let floor = fastest(|| {
        for _ in 0..10_000 {
            let mut hasher = Hasher::new();
            hasher.update(header);
            std::hint::black_box(hasher.finish());
        }
    });
    let ratio = headers.as_secs_f64() / floor.as_secs_f64();
    println!("addressing headers of three people: read in {ratio:.1} times what digesting them takes");
}
