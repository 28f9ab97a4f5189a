//! Long runs against a real Dovecot, for scripts/campaign.

mod support;

use support::configuration::{Options, Tier};
use support::practice::{Encryption, MEMORY_LIMIT};
use support::scene::{Scene, abort_and_continue, failpoints};

/// S4, S14: an abort at every failpoint there is, at its first, second and tenth pass, is continued as if nothing had been.
#[test]
#[ignore = "campaign: scripts/campaign"]
fn a_pass_aborted_at_every_failpoint_is_continued() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        let scene = Scene::of_anna(&dovecot, 300, Encryption::Never);
        let truth = scene.truth();
        let names = failpoints(&scene.practice);
        let mut never: Vec<&String> = Vec::new();
        for name in &names {
            let aborted = ["", ":2", ":10"]
                .iter()
                .filter(|n| abort_and_continue(&scene, &truth, &format!("{name}{n}")))
                .count();
            if aborted == 0 {
                never.push(name);
            }
        }
        println!("{tier:?}: {} failpoints, not passed by a first pass: {never:?}", names.len());
    }
}

/// B24: the memory of a first pass does not grow with the mailbox.
#[test]
#[ignore = "campaign: scripts/campaign"]
fn memory_is_the_same_for_five_and_for_twenty_five_thousand_messages() {
    let peak = |messages| {
        let dovecot = Options::new(Tier::Full).start();
        let scene = Scene::of_two(&dovecot, messages, Encryption::Implicit);
        let first = scene.practice.run(&[], &["sync"]);
        first.success();
        scene.truth().assert_equals(&scene.practice.export());
        first.peak
    };
    let (small, large) = (peak(5_000), peak(25_000));
    println!("peak memory: {} KiB for 5,000 messages, {} KiB for 25,000", small >> 10, large >> 10);
    assert!(small.max(large) <= MEMORY_LIMIT, "{} KiB", small.max(large) >> 10);
    assert!(large * 10 <= small * 11, "{} KiB grow to {} KiB", small >> 10, large >> 10);
}

/// B24: nor does it with ten messages of 60 MB.
#[test]
#[ignore = "campaign: scripts/campaign"]
fn ten_messages_of_sixty_megabytes_flow_in_bounded_memory() {
    let dovecot = Options::new(Tier::Full).start();
    let mut scene = Scene::of_anna(&dovecot, 100, Encryption::Implicit);
    for mailbox in ["INBOX", "Archive"].iter().cycle().take(10) {
        let composer = &mut scene.corpus.composer;
        let mut letter = composer.from("info@birk-gmbh.example", "anna");
        letter.message_id = Some(composer.message_id());
        letter.content = composer.with_attachment("Anbei die Pläne.", 44_000_000);
        scene.corpus.deliver("anna", mailbox, &letter);
    }
    let first = scene.practice.run(&[], &["sync"]);
    first.success();
    scene.truth().assert_equals(&scene.practice.export());
    assert!(first.peak <= MEMORY_LIMIT, "a first pass takes {} KiB", first.peak >> 10);
}

/// S4, S14: windows of one, three and a thousand messages give the same archive.
#[test]
#[ignore = "campaign: scripts/campaign"]
fn the_size_of_a_window_makes_no_difference() {
    let dovecot = Options::new(Tier::Plain).start();
    let scene = Scene::of_two(&dovecot, 3_000, Encryption::Never);
    let truth = scene.truth();
    for window in ["1", "3", "1000"] {
        let twin = scene.practice.duplicate();
        twin.run(&[], &["sync", "--window", window]).success();
        truth.assert_equals(&twin.export());
    }
}
