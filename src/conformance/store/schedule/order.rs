//! W2: who comes first.

use super::{SECONDS, any, id};
use crate::conformance::check::{Check, Outcome, same};
use crate::conformance::store::bench::Bench;
use crate::contract::{DueClaim, ProviderLimits};
use crate::types::AccountId;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "W2", name: "the longest due comes first", run: |b| Box::pin(longest(b)) },
    Check {
        clause: "W2",
        name: "what was read to the end comes before what was never",
        run: |b| Box::pin(known(b)),
    },
    Check { clause: "W2", name: "what was asked for comes before the rest", run: |b| Box::pin(asked(b)) },
    Check {
        clause: "W2",
        name: "a practice of which less is read comes before the others",
        run: |b| Box::pin(practices(b)),
    },
];

/// No limit is in the way.
fn unlimited() -> DueClaim {
    any().within(ProviderLimits::default().limit("imap.example.org", 1_000))
}

async fn longest(b: &Bench) -> Outcome {
    for (account, due) in [("b", 50), ("c", 10), ("a", 90)] {
        b.connect_known(&format!("of {account}"), account, "imap.example.org", due).await?;
    }
    b.clock.advance(100);
    for account in ["c", "b", "a"] {
        same("who comes next", &b.next_within(&unlimited()).await?, &id(account))?;
    }
    Ok(())
}

async fn known(b: &Bench) -> Outcome {
    b.connect_at("one", "new", "imap.example.org").await?;
    b.connect_known("two", "known", "imap.example.org", 10).await?;
    b.connect_known("two", "also known", "imap.example.org", 20).await?;
    b.clock.advance(30);
    for account in ["known", "also known", "new"] {
        same("who comes next", &b.next_within(&unlimited()).await?, &id(account))?;
    }
    Ok(())
}

async fn asked(b: &Bench) -> Outcome {
    b.connect_known("practice", "a", "imap.example.org", 10).await?;
    b.connect_known("practice", "b", "imap.example.org", 5_000).await?;
    b.connect_at("practice", "new", "imap.example.org").await?;
    b.clock.advance(30);
    b.store.request_now(&b.practice, Some(AccountId::new("b")?)).await?;
    b.store.request_now(&b.practice, Some(AccountId::new("new")?)).await?;
    for account in ["b", "a", "new"] {
        same("who comes next", &b.next_within(&unlimited()).await?, &id(account))?;
    }
    Ok(())
}

async fn practices(b: &Bench) -> Outcome {
    for number in 0..4 {
        b.connect_known("large", &format!("l{number}"), "imap.example.org", number).await?;
    }
    b.connect_known("small", "s0", "imap.example.org", 50).await?;
    b.connect_known("small", "s1", "imap.example.org", 60).await?;
    b.clock.advance(i64::from(SECONDS));
    for account in ["l0", "s0", "l1", "s1", "l2", "l3"] {
        same("who comes next", &b.next_within(&unlimited()).await?, &id(account))?;
    }
    Ok(())
}
