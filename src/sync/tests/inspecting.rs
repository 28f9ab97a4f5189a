//! Inspecting and repairing, with defects planted in the store's file.

use super::scene::{CLIENT, Scene};
use crate::contract::{Archive as _, BlobStore as _, EraseReason, Erasure, MailStore as _};
use crate::sync::findings::MissingReason;
use crate::testkit::imap::Fault;

#[tokio::test]
async fn every_defect_is_found_by_its_reason_and_repaired() {
    use MissingReason::{DeadLetter, Erased, Gap, Lost, NotYetRead, Policy};
    let scene = Scene::start().await;
    for id in 1..=6 {
        scene.append(id, CLIENT);
    }
    scene.append(7, "From: stranger@else.example\r\nTo: anna@practice.example\r\n");
    scene.append(8, &format!("{CLIENT}Cc: spouse@home.example\r\n"));
    scene.server.inject(Fault::FetchMissing { uid: 6 });
    scene.sync().await;
    scene.server.clear_faults();

    let (_, octets_lost) = scene.copy(2).await.unwrap();
    scene.store.delete(&scene.fence.practice, octets_lost.blob()).await.unwrap();
    let (erased, _) = scene.copy(4).await.unwrap();
    let erasure = Erasure::new(scene.fence.practice.clone(), vec![erased], EraseReason::Message);
    scene.store.erase_messages(&erasure).await.unwrap();
    let (gone, _) = scene.copy(5).await.unwrap();
    scene.plant("DELETE FROM copy WHERE message = ?1", gone.as_bytes()).await;
    scene.append(9, CLIENT);
    scene.append(10, CLIENT);
    let letter = scene.append(11, CLIENT);
    scene.give_up(&[(10, None), (11, Some(&letter))]).await;

    let missing = vec![
        (2, Lost),
        (4, Erased),
        (5, Lost),
        (6, Gap),
        (8, Policy),
        (9, NotYetRead),
        (10, DeadLetter),
        (11, DeadLetter),
    ];
    assert_eq!(scene.found().await, (9, 2, missing.clone()));
    assert_eq!(scene.found().await, (9, 2, missing), "an inspection changes nothing");
    scene.server.forget_record();
    let report = scene.repair(&scene.inspect().await.mailboxes).await;
    assert_eq!(scene.found().await, (9, 8, vec![(4, Erased), (8, Policy)]));
    let mut fetched: Vec<u32> = scene.server.bodies_fetched().into_iter().map(|(_, _, uid)| uid).collect();
    fetched.sort_unstable();
    assert_eq!(fetched, [2, 5, 6, 9, 10, 11]);
    assert_eq!(report.mailboxes[0].matched, 6);
    assert!(scene.store.dead_letters(&scene.fence.practice).await.unwrap().is_empty());
    scene.sync().await;
    assert_eq!(scene.found().await, (9, 8, vec![(4, Erased), (8, Policy)]));
}

/// S5: a copy that is known puts back what its message lacks.
#[tokio::test]
async fn a_message_that_is_not_found_by_its_keys_or_in_searches_is_lost_and_put_back() {
    let scene = Scene::start().await;
    scene.append(1, CLIENT);
    scene.append(2, CLIENT);
    scene.sync().await;
    let (message, _) = scene.copy(2).await.unwrap();
    for defect in [
        "DELETE FROM posting WHERE message = ?1",
        "DELETE FROM search_row WHERE message = ?1",
        "DELETE FROM search WHERE rowid IN (SELECT id FROM search_row WHERE message = ?1)",
    ] {
        scene.plant(defect, message.as_bytes()).await;
        assert_eq!(scene.found().await, (2, 1, vec![(2, MissingReason::Lost)]), "{defect}");
        scene.repair(&scene.inspect().await.mailboxes).await;
        assert_eq!(scene.found().await, (2, 2, vec![]), "{defect}");
    }
}

#[tokio::test]
async fn what_keys_are_not_covered_for_is_not_yet_read_and_repaired_before_the_next_pass() {
    let scene = Scene::start().await;
    scene.append(1, CLIENT);
    scene.append(2, "From: late@example.org\r\nTo: anna@practice.example\r\n");
    scene.sync().await;
    assert_eq!(scene.found().await, (1, 1, vec![]));
    scene.clients(&["client@example.org", "late@example.org"]);
    assert_eq!(scene.found().await, (2, 1, vec![(2, MissingReason::NotYetRead)]));
    scene.repair(&scene.inspect().await.mailboxes).await;
    assert_eq!(scene.found().await, (2, 2, vec![]));
    scene.sync().await;
    assert_eq!(scene.server.bodies_fetched().len(), 2, "nothing comes twice");
}

#[tokio::test]
async fn a_mailbox_that_does_not_open_or_answer_is_not_taken_for_complete() {
    let scene = Scene::start().await;
    scene.append(1, CLIENT);
    scene.append(2, CLIENT);
    scene.sync().await;
    scene.server.inject(Fault::FetchMissing { uid: 2 });
    assert_eq!(scene.found().await, (1, 1, vec![]), "it is archived whole");
    scene.append(3, CLIENT);
    scene.server.inject(Fault::FetchMissing { uid: 3 });
    assert_eq!(scene.found().await, (1, 1, vec![(3, MissingReason::Gap)]));
    scene
        .server
        .inject(Fault::Answer { command: "EXAMINE".into(), text: "NO not now".into() }.in_mailbox("INBOX"));
    assert!(scene.inspect().await.unavailable.is_some());
}
