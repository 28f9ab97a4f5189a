//! Every point at which a sending process can die, for scripts/campaign.

#[path = "support/crash.rs"]
mod crash;
#[path = "support/office.rs"]
mod office;

use office::Office;
use practicemail::testkit::smtp::Personality;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "campaign: scripts/campaign"]
async fn a_process_killed_at_every_point_leaves_no_second_delivery() {
    let points = crash::failpoints(&Office::open(Personality::Plain).await);
    for personality in [Personality::Plain, Personality::FilesCopy, Personality::FilesAndRewritesMessageId] {
        let mut never = Vec::new();
        for point in &points {
            let mut died = false;
            for pass in ["", ":2"] {
                died |= crash::die_and_go_on(personality, &format!("{point}{pass}")).await;
            }
            if !died {
                never.push(point);
            }
        }
        println!("{personality:?}: {} points, not passed: {never:?}", points.len());
    }
}
