//! What is kept of a message.

use super::scene::{CLIENT, Scene};
use crate::contract::BlobStore as _;
use crate::settings::AttachmentKeeping;
use crate::sync::pass;
use crate::types::{Copy, Digest, Kept};

#[tokio::test]
async fn attachments_that_are_not_kept_are_digested_and_cut_out() {
    let mut scene = Scene::start().await;
    scene.account.settings.attachments = AttachmentKeeping::UpTo(1_000);
    let content = |octets: usize| vec!["QUJD".repeat(19); octets / 78].join("\r\n");
    let (large, small) = (content(200_000), content(800));
    let part = |name: &str, content: &str| {
        format!(
            "--b\r\nContent-Type: application/pdf; name={name}\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment\r\n\r\n{content}\r\n"
        )
    };
    let letter = format!(
        "{CLIENT}Message-ID: <m@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\n\r\nText\r\n{}{}--b--\r\n",
        part("large.pdf", &large),
        part("small.pdf", &small)
    );
    scene.server.user("anna").append("INBOX", &letter, &[], 1_000_000).unwrap();
    scene.append(2, CLIENT);
    scene.sync().await;
    let rest = letter.replace(&large, "");
    let blob = |sha256| scene.store.read(&scene.fence.practice, sha256, 0, letter.len());
    let stored = blob(Digest::of(rest.as_bytes())).await.unwrap();
    assert_eq!(stored.as_deref(), Some(rest.as_bytes()));
    let whole = blob(Digest::of(letter.as_bytes())).await.unwrap();
    assert_eq!(
        whole.as_deref(),
        Some(letter.as_bytes()),
        "it is left to those who look for what nothing names"
    );
    let pass = pass::Pass::begin(scene.input(), Box::new(Default::default)).await.unwrap();
    let info = crate::contract::BlobInfo::new(Digest::of(letter.as_bytes()), letter.len() as u64);
    let mut scan = crate::mime::MessageScan::new();
    scan.update(letter.as_bytes());
    let ranges = scan.finish_with_ranges().1;
    let Kept::WithoutAttachments { stored, cuts } = pass.kept(&info, ranges).await.unwrap() else {
        panic!("nothing was cut out")
    };
    assert_eq!(stored, Digest::of(rest.as_bytes()));
    assert_eq!((cuts.len(), cuts[0].attachment, cuts[0].sha256), (1, 0, Digest::of(large.as_bytes())));
    let mut copy = Copy::new(scene.place(1), info.sha256, info.size, None);
    copy.kept = Kept::WithoutAttachments { stored, cuts };
    assert!(pass.has_octets(&copy).await.unwrap());
    copy.kept = Kept::Whole;
    copy.sha256 = Digest::of(b"other octets");
    assert!(!pass.has_octets(&copy).await.unwrap());
}
