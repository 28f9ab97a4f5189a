//! S1 to S17, O1 to O12, A1 to A11, W1 to W10.

mod account;
mod atomic;
mod bench;
mod conversations;
mod copies;
mod coverage;
mod erased_clients;
mod erasing;
mod erasing_isolation;
mod erasure;
mod evidence;
mod feed;
mod fence;
mod filters;
mod indexed;
mod isolation;
mod kept;
mod lease;
mod mail;
mod outbox;
mod page;
mod practice_settings;
mod refused_rows;
mod schedule;
mod search;
mod tombstones;
mod upkeep;
mod viewing;
mod window;

use std::sync::Arc;

use super::Seed;
use super::check;
use super::clock::SteppedClock;
use super::report::Report;
use crate::contract::MailStore;
use bench::Bench;
pub(super) use bench::Refuse;

pub(super) async fn run(open: impl AsyncFn(Seed) -> (Box<dyn MailStore>, Option<Refuse>)) -> Report {
    let checks = [
        atomic::CHECKS,
        fence::CHECKS,
        lease::CHECKS,
        account::CHECKS,
        window::CHECKS,
        copies::CHECKS,
        coverage::CHECKS,
        page::CHECKS,
        feed::CHECKS,
        isolation::CHECKS,
        practice_settings::CHECKS,
        evidence::CHECKS,
        erasure::CHECKS,
        refused_rows::CHECKS,
        indexed::CHECKS,
        erasing::CHECKS,
        tombstones::CHECKS,
        erased_clients::CHECKS,
        upkeep::CHECKS,
        erasing_isolation::CHECKS,
        kept::CHECKS,
        filters::CHECKS,
        viewing::CHECKS,
        search::CHECKS,
        conversations::CHECKS,
    ];
    check::run(
        "mail store",
        checks.into_iter().chain(outbox::CHECKS).chain(schedule::CHECKS).flatten(),
        async || {
            let clock = Arc::new(SteppedClock::new());
            let opened = open(Seed { clock: clock.clone() }).await;
            Bench::new(opened, clock)
        },
    )
    .await
}
