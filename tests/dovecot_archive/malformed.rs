//! Mail as nobody should write it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::firm::Firm;

/// The hand-written fixtures, and each with some of its octets changed or cut off.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    files.sort();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap()
    };
    let mut corpus = Vec::new();
    for file in files {
        let octets = std::fs::read(file).unwrap();
        corpus.push(octets.clone());
        for _ in 0..3 {
            let mut changed = octets.clone();
            for _ in 0..=changed.len() / 40 {
                let at = random(changed.len());
                // No NUL: the server takes none in.
                let octet = u8::try_from(1 + random(255)).unwrap();
                if let Some(place) = changed.get_mut(at) {
                    *place = octet;
                }
            }
            changed.truncate(changed.len() - random(changed.len() / 4));
            corpus.push(changed);
        }
    }
    corpus
}

/// Every message is archived as the server gives it, or a dead letter with a reason; none stops the others, and each can be opened, searched
/// and exported.
#[test]
fn malformed_mail_is_archived_message_by_message() {
    let firm = Firm::open(&["anna"]);
    for octets in corpus() {
        // Whatever it says, it is this client's.
        let octets = [&b"Sender: paula@bakery.example\r\n"[..], &octets].concat();
        firm.dovecot.session("anna").append("INBOX", "", &octets);
    }
    let on_server: Vec<String> =
        firm.dovecot.session("anna").messages("INBOX").into_iter().map(|message| message.sha256).collect();
    assert!(on_server.len() > 100, "{}", on_server.len());
    let told = firm.sync();
    let archived: Vec<String> = firm
        .practice
        .export()
        .iter()
        .flat_map(|line| line["copies"].as_array().unwrap().clone())
        .map(|copy| copy["sha256"].as_str().unwrap().to_owned())
        .collect();
    let set = |all: &[String]| all.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!((archived.len(), set(&archived)), (on_server.len(), set(&on_server)), "{told}");
    assert_eq!(firm.ok(&["reconcile"])["complete"], true);
    let (mut shown, mut next) = (0, None::<String>);
    loop {
        let mut command = vec!["tab", "--client", "bakery", "--limit", "25"];
        command.extend(next.iter().flat_map(|next| ["--before", next.as_str()]));
        let page = firm.ok(&command);
        for row in page["messages"].as_array().unwrap() {
            let opened = firm.ok(&["show", "--id", row["id"].as_str().unwrap()]);
            let html = opened["html"].as_str().unwrap_or_default().to_lowercase();
            assert!(!html.contains("<script") && !html.contains("javascript:"), "{html}");
            shown += 1;
        }
        next = page["next"].as_str().map(str::to_owned);
        if next.is_none() {
            break;
        }
    }
    let told: usize = firm.ok(&["tab", "--client", "bakery"])["count"].as_str().unwrap().parse().unwrap();
    assert_eq!(shown, told);
}
