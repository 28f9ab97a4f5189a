//! Walks: two stores are taken through the same steps, drawn by a number, and have to answer alike.
//!
//! A clause says what a store does; a walk asks what it does after anything else. One store is held against another that reads the contract as
//! plainly as can be, so that nothing has to be foreseen but the steps. A walk that ends in a difference is made shorter, step by step, as
//! long as it still does.

mod alike;
mod chance;
mod conversations;
mod draw;
mod look;
mod mail;
mod pair;
mod question;
mod sending;
mod step;
mod world;

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use super::Seed;
use super::check::{self, Failure, Outcome};
use super::clock::SteppedClock;
use super::report::{CheckReport, Report};
use crate::contract::{Clock, MailStore};
use chance::Chance;
use pair::{Pair, Side};
use step::{Part, Step};

/// Steps of a walk.
const STEPS: usize = 100;
/// Longest description of a step in a report.
const MAX_SHOWN: usize = 1_000;

/// Opens a store of one of the two kinds.
pub(super) trait Open: AsyncFn(Seed) -> Box<dyn MailStore> {}

impl<T: AsyncFn(Seed) -> Box<dyn MailStore>> Open for T {}

pub(super) async fn run(walks: Range<u64>, reference: impl Open, open: impl Open) -> Report {
    let none = walks.is_empty();
    let mut failures: BTreeMap<Part, String> = BTreeMap::new();
    let mut conversations = None;
    for number in walks {
        let begun = tokio::time::Instant::now();
        let (part, failure) = match steps(number) {
            Ok(steps) => match walk(&reference, &open, &steps).await {
                Ok(()) => (Part::Store, None),
                Err((part, _)) if failures.contains_key(&part) => (part, None),
                // What hangs would hang in every shorter walk, and in the next ones.
                Err((part, failure)) if begun.elapsed() >= check::LIMIT => {
                    failures.insert(part, format!("walk {number}: {}", failure.text()));
                    break;
                }
                Err((part, failure)) => {
                    (part, Some(shortest(&reference, &open, steps, (part, failure)).await))
                }
            },
            Err(failure) => (Part::Store, Some(failure.text().to_owned())),
        };
        if let Some(failure) = failure {
            failures.insert(part, format!("walk {number}: {failure}"));
        }
        if conversations.is_none()
            && let Err(failure) = check::ended(conversations::check(number, &open)).await
        {
            conversations = Some(format!("walk {number}: {}", failure.text()));
        }
    }
    let report = |clause, name, failure| CheckReport {
        clause,
        name,
        failure,
        not_checked: none.then(|| "no walk was asked for".to_owned()),
    };
    let mut checks: Vec<_> = Part::ALL
        .into_iter()
        .map(|part| report(part.letter(), "it answers as the reference does", failures.remove(&part)))
        .collect();
    checks.push(report("A3", "conversations are the same in whatever order mail comes", conversations));
    Report::new("walks of a mail store", checks)
}

/// The steps of the walk of this number.
fn steps(number: u64) -> Outcome<Vec<Step>> {
    let mut chance = Chance::new(number);
    let mut now = SteppedClock::new().now();
    let mut next: VecDeque<Step> = draw::beginning(&mut chance, now)?.into();
    let mut steps = Vec::new();
    while steps.len() < STEPS {
        let step = match next.pop_front() {
            Some(step) => step,
            None => draw::step(&mut chance, now)?,
        };
        if let Step::Wait(seconds) = step {
            now = now.plus(seconds);
        }
        next.extend(draw::after(&mut chance, &step, now)?);
        steps.push(step);
    }
    steps.extend(Part::ALL.map(Step::Look));
    Ok(steps)
}

/// Takes both through all steps; answers the part in which they first differ, and how.
async fn walk(reference: &impl Open, open: &impl Open, steps: &[Step]) -> Result<(), (Part, Failure)> {
    let part = Cell::new(Part::Store);
    let attempt = async {
        let clocks = [Arc::new(SteppedClock::new()), Arc::new(SteppedClock::new())];
        let [one, two] = clocks.clone().map(|clock| Seed { clock });
        let stores = [reference(one).await, open(two).await];
        let [one, two] = clocks;
        let [first, second] = stores;
        let mut pair = Pair([Side::new(first, one), Side::new(second, two)]);
        for step in steps {
            part.set(step.part());
            pair.take(step).await?;
        }
        Ok(())
    };
    check::ended(attempt).await.map_err(|failure| (part.get(), failure))
}

/// How a walk differs in this part, and the steps that are needed for it.
async fn shortest(
    reference: &impl Open,
    open: &impl Open,
    mut left: Vec<Step>,
    (part, mut found): (Part, Failure),
) -> String {
    for at in (0..left.len()).rev() {
        let mut fewer = left.clone();
        fewer.remove(at);
        match walk(reference, open, &fewer).await {
            Err((other, failure)) if other == part => (left, found) = (fewer, failure),
            _ => {}
        }
    }
    let mut text = format!("{}; the steps that led there:", found.text());
    for step in left {
        let shown: String = format!("{step:?}").chars().take(MAX_SHOWN).collect();
        _ = write!(text, "\n             {shown}");
    }
    text
}
