//! A1: who sees a message.

use super::bench::{Bench, message_key};
use crate::conformance::check::{Check, Outcome, refused, same};
use crate::contract::{ChangeKind, PageFilter};
use crate::error::ErrorKind;
use crate::settings::Sharing;
use crate::types::{AccountId, UserId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "A1",
        name: "what all who have a message hid is seen by them alone",
        run: |b| Box::pin(hidden(b)),
    },
    Check { clause: "A1", name: "who sent a message has a part in it", run: |b| Box::pin(sent(b)) },
    Check {
        clause: "A1",
        name: "who has no part in a message does not hide it",
        run: |b| Box::pin(strangers(b)),
    },
    Check { clause: "A1", name: "hiding is told once, with who did it", run: |b| Box::pin(told(b)) },
];

const NAMES: [&str; 3] = ["ours", "anna's", "sent"];

/// A message of anna and ben, and one of anna alone.
async fn fill(b: &Bench) -> Outcome {
    let annas = b.begin_user("account", "anna", Sharing::Full).await?;
    let bens = b.begin_user("ben's", "ben", Sharing::HeadersOnly).await?;
    b.archive(&annas, &[b.mail("ours", 1).at(2), b.mail("anna's", 2).at(1)]).await?;
    b.archive(&bens, &[b.mail("ours", 1).at(2).of_account(&AccountId::new("ben's")?)]).await?;
    Ok(())
}

async fn hide(b: &Bench, name: &str, user: &str, hidden: bool) -> Outcome<bool> {
    Ok(b.store.hide(&b.practice, message_key(name), &UserId::new(user)?, hidden).await?)
}

/// Fails unless this is what each user sees.
async fn see(b: &Bench, what: &str, expected: [(&str, &[&'static str]); 3]) -> Outcome {
    for (user, names) in expected {
        let filter = PageFilter { seen_by: Some(UserId::new(user)?), ..PageFilter::default() };
        let found = b.names_of(&b.of_client()?.filter(filter), &NAMES).await?;
        same(&format!("what {user} sees, {what}"), &found, &names.to_vec())?;
    }
    Ok(())
}

async fn hidden(b: &Bench) -> Outcome {
    fill(b).await?;
    let all = ["ours", "anna's"];
    see(b, "nothing being hidden", [("anna", &all), ("ben", &all), ("carl", &all)]).await?;
    hide(b, "ours", "anna", true).await?;
    hide(b, "anna's", "anna", true).await?;
    see(b, "hidden by anna", [("anna", &all), ("ben", &["ours"]), ("carl", &["ours"])]).await?;
    hide(b, "ours", "ben", true).await?;
    see(b, "hidden by both", [("anna", &all), ("ben", &["ours"]), ("carl", &[])]).await?;
    let by = |names: &[&str]| names.iter().map(|name| UserId::new(*name)).collect::<Result<Vec<_>, _>>();
    same("who hid it", &b.message("ours").await?.hidden_by, &by(&["anna", "ben"])?)?;
    same("the system's page", &b.names_of(&b.of_client()?, &NAMES).await?, &all.to_vec())?;
    hide(b, "ours", "anna", false).await?;
    see(b, "shown by anna", [("anna", &all), ("ben", &["ours"]), ("carl", &["ours"])]).await?;
    same("who hid it then", &b.message("ours").await?.hidden_by, &by(&["ben"])?)
}

async fn sent(b: &Bench) -> Outcome {
    b.begin_user("account", "somebody", Sharing::Full).await?;
    b.send_after_all("sent").await?;
    let all = ["sent"];
    see(b, "sent by anna", [("anna", &all), ("ben", &all), ("carl", &all)]).await?;
    hide(b, "sent", "anna", true).await?;
    see(b, "hidden by anna", [("anna", &all), ("ben", &[]), ("carl", &[])]).await
}

async fn strangers(b: &Bench) -> Outcome {
    fill(b).await?;
    for (name, user) in [("anna's", "ben"), ("ours", "carl"), ("unknown", "anna")] {
        for hidden in [true, false] {
            let done = b.store.hide(&b.practice, message_key(name), &UserId::new(user)?, hidden).await;
            refused("hiding what one has no part in", done, ErrorKind::NotFound)?;
        }
    }
    same("who hid it", &b.message("anna's").await?.hidden_by, &Vec::new())
}

async fn told(b: &Bench) -> Outcome {
    fill(b).await?;
    let last = b.last_change().await?;
    for (hidden, changes) in [(false, false), (true, true), (true, false), (false, true)] {
        same("whether anything changed", &hide(b, "ours", "anna", hidden).await?, &changes)?;
    }
    let changes = b.store.changes(&b.practice, last, 10).await?;
    let told: Vec<_> = changes.into_iter().map(|change| (change.by, change.account, change.kind)).collect();
    let (anna, key) = (UserId::new("anna")?, message_key("ours"));
    let expected = [ChangeKind::MessageHidden(key), ChangeKind::MessageShown(key)];
    same("what was told", &told, &expected.map(|kind| (Some(anna.clone()), None, kind)).to_vec())
}
