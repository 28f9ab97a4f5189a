//! Dead letters, tried again.

use super::scene::{CLIENT, Scene};
use crate::contract::{BlobStore as _, Comparison, DeadLetter, MailStore as _, Window};
use crate::settings::AttachmentKeeping;
use crate::sync::{AccountReport, replay};
use crate::types::{Digest, Kept, MailboxName, Timestamp};

impl Scene {
    async fn replay(&self, letters: &[DeadLetter]) -> AccountReport {
        let mut report = self.report();
        replay::replay(self.input(), &mut self.connection().await, letters, &mut report).await.unwrap();
        report
    }
}

#[tokio::test]
async fn dead_letters_come_from_their_octets_or_from_the_server() {
    let scene = Scene::start().await;
    scene.append(1, CLIENT);
    scene.sync().await;
    let stored = scene.append(2, CLIENT);
    scene.append(3, CLIENT);
    let strangers = scene.append(4, "From: stranger@else.example\r\nTo: anna@practice.example\r\n");
    let lost = scene.append(5, CLIENT);
    let given_up = [
        (2, Some(stored.as_slice())),
        (3, None),
        (4, Some(strangers.as_slice())),
        (5, Some(lost.as_slice())),
    ];
    let letters = scene.give_up(&given_up).await;
    scene.store.delete(&scene.fence.practice, Digest::of(&lost)).await.unwrap();
    scene.server.forget_record();
    let report = scene.replay(&letters).await;
    for uid in [2, 3, 5] {
        assert!(scene.copy(uid).await.is_some(), "{uid}");
    }
    let mut fetched: Vec<u32> = scene.server.bodies_fetched().into_iter().map(|(_, _, uid)| uid).collect();
    fetched.sort_unstable();
    assert_eq!(fetched, [3, 5], "what is stored does not come again");
    let left = scene.store.dead_letters(&scene.fence.practice).await.unwrap();
    let left: Vec<u32> = left.iter().map(|letter| letter.place.uid.get()).collect();
    assert_eq!(left, [4], "it is no client's");
    assert_eq!(report.mailboxes[0].new_messages, 3);
}

/// A message that is tried again is what it would have been: in time, in labels, in what is kept, and as a sent one.
#[tokio::test]
async fn a_message_that_the_store_refused_is_archived_from_its_octets_as_it_would_have_been() {
    let mut scene = Scene::start().await;
    scene.account.settings.attachments = AttachmentKeeping::UpTo(100);
    let content = "QUJD".repeat(250);
    let letter = format!(
        "From: anna@else.example\r\nBcc: client@example.org\r\nMessage-ID: <m@x>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nText\r\n--b\r\nContent-Type: application/pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{content}\r\n--b--\r\n"
    );
    scene.append(1, CLIENT);
    scene.sync().await;
    let mut given_up = scene.give_up(&[(2, Some(letter.as_bytes()))]).await.remove(0);
    given_up.internal_date = Some(Timestamp::from_unix(1_234_567));
    given_up.labels = vec![MailboxName::from_wire("\\Sent")];
    let mut window = Window::new(given_up.place.mailbox.clone(), given_up.place.uid_validity);
    window.dead_letters = vec![given_up.clone()];
    scene.store.commit_window(&scene.fence, &window).await.unwrap();
    scene.replay(&scene.store.dead_letters(&scene.fence.practice).await.unwrap()).await;
    let (key, copy) = scene.copy(2).await.unwrap();
    let message = scene.store.messages(&scene.fence.practice, &[key]).await.unwrap().remove(0);
    assert_eq!(
        (message.sort_time, copy.internal_date),
        (Timestamp::from_unix(1_234_567), given_up.internal_date)
    );
    assert_eq!(copy.labels, given_up.labels);
    assert!(matches!(copy.kept, Kept::WithoutAttachments { .. }), "{:?}", copy.kept);
    assert!(scene.store.dead_letters(&scene.fence.practice).await.unwrap().is_empty());
}

/// A window under another validity than the cursor's would begin the mailbox anew.
#[tokio::test]
async fn a_dead_letter_of_a_mailbox_that_was_renumbered_or_is_gone_stays_and_nothing_is_read_anew() {
    let scene = Scene::start().await;
    scene.append(1, CLIENT);
    let letter = scene.append(2, CLIENT);
    scene.sync().await;
    let letters = scene.give_up(&[(2, Some(&letter)), (3, None)]).await;
    let inbox = MailboxName::encode("INBOX");
    assert!(scene.server.user("anna").set_uid_validity("INBOX", 77_777));
    scene.sync().await;
    let state = async || scene.store.sync_state(&scene.fence.practice, &scene.fence.account).await.unwrap();
    let before = state().await;
    assert_eq!(before.mailboxes[0].cursor.seen.len(), 2);
    scene.replay(&letters).await;
    assert_eq!(state().await.mailboxes, before.mailboxes);
    assert_eq!(scene.store.dead_letters(&scene.fence.practice).await.unwrap(), letters);

    let gone = Comparison { mailboxes_gone: vec![inbox], ..Comparison::default() };
    scene.store.commit_comparison(&scene.fence, &gone).await.unwrap();
    scene.replay(&letters).await;
    assert!(state().await.mailboxes.iter().all(|mailbox| !mailbox.name.is_inbox()));
    assert_eq!(scene.store.dead_letters(&scene.fence.practice).await.unwrap(), letters);
}
