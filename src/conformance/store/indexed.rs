//! S9: what a message is said to be found by.

use super::bench::{Bench, keys, message_key};
use crate::conformance::check::{Check, Outcome, same};

pub(super) const CHECKS: &[Check<Bench>] = &[Check {
    clause: "S9",
    name: "a message is said to be found by keys if it is by each of them",
    run: |b| Box::pin(each(b)),
}];

async fn each(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1).at(77).keys(&["one"])]).await?;
    b.archive(&fence, &[b.mail("second", 2).keys(&["one", "two"])]).await?;
    for (name, asked, expected) in [
        ("first", &["one"][..], true),
        ("first", &["one", "two"], false),
        ("first", &[], true),
        ("second", &["one", "two"], true),
        ("second", &["one", "two", "three"], false),
        ("nobody's", &[], false),
    ] {
        let keys = keys(asked)?.into_iter().collect();
        let found = b.store.is_indexed(&b.practice, message_key(name), &keys).await?;
        same(&format!("whether {name} is found by {asked:?}"), &found, &expected)?;
    }
    Ok(())
}
