//! What is archived of a message.

use super::scene::{CLIENT, Scene};
use crate::contract::Addressed;
use crate::contract::{BlobInfo, MailStore as _};
use crate::matching::Relevance;
use crate::mime::{MessageScan, addressing_headers};
use crate::sync::mailbox_writer::MailboxWriter;
use crate::sync::pass;
use crate::sync::report::MailboxReport;
use crate::types::{Digest, Mailbox};

/// B2: whom a message is found by is shown, and ruled by.
#[tokio::test]
async fn who_was_scanned_and_not_parsed_takes_part_all_the_same() {
    let scene = Scene::start().await;
    let letter = "From: x@else.example\r\nMessage-ID: <m@x>\r\nCc: seen@else.example\r\n\r\nText\r\n";
    let scanned = format!("{CLIENT}Cc: Seen <SEEN@else.example>\r\nMessage-ID: <m@x>\r\n\r\n");
    let place = scene.place(1);
    let mailbox = Mailbox::new(place.mailbox.clone(), None);
    let pass = pass::Pass::begin(scene.input(), Box::new(Default::default)).await.unwrap();
    let mut report = MailboxReport::new(place.mailbox.clone());
    let uid_validity = place.uid_validity;
    let writer = MailboxWriter::new(&pass, &mailbox, uid_validity, &mut report);
    let blob = BlobInfo::new(Digest::of(letter.as_bytes()), letter.len() as u64);
    let mut scan = MessageScan::new();
    scan.update(letter.as_bytes());
    let parsed = scan.finish();
    let message = Addressed::new(place.uid, blob.size, None, addressing_headers(scanned.as_bytes()));
    let archived = writer.archived(&message, blob, parsed.clone());
    assert_eq!(archived.parsed.rendition, parsed.rendition);
    let mut window = writer.window();
    window.copies.push(archived);
    scene.store.commit_window(&scene.fence, &window).await.unwrap();

    let (key, _) = scene.copy(1).await.unwrap();
    let message = scene.store.messages(&scene.fence.practice, &[key]).await.unwrap().remove(0);
    let shown = &message.renditions[0].participants;
    let told: Vec<_> = shown.iter().map(|p| format!("{} {}", p.field.as_str(), p.address)).collect();
    let expected = [
        "from x@else.example",
        "from client@example.org",
        "to anna@practice.example",
        "cc seen@else.example",
    ];
    assert_eq!(told, expected);
    assert_eq!(pass.matcher.relevance(shown, true), Relevance::Client);
}
