//! S3: one holder at a time.

use super::bench::{Bench, new_account};
use crate::conformance::check::{Check, Outcome, hold, refused, same};
use crate::error::ErrorKind;
use crate::types::AccountId;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "S3", name: "a living lease keeps others out", run: |b| Box::pin(busy(b)) },
    Check { clause: "S3", name: "of many at once one gets the lease", run: |b| Box::pin(one_of_many(b)) },
    Check {
        clause: "S3",
        name: "an expired or released lease is in nobody's way",
        run: |b| Box::pin(out_of_the_way(b)),
    },
    Check { clause: "S3", name: "tokens only rise", run: |b| Box::pin(tokens_rise(b)) },
    Check { clause: "S3", name: "a lost lease releases nothing", run: |b| Box::pin(lost_release(b)) },
    Check { clause: "S3", name: "the leases of two accounts are two", run: |b| Box::pin(two_accounts(b)) },
    Check {
        clause: "S3",
        name: "an account that is not connected cannot be leased",
        run: |b| Box::pin(not_connected(b)),
    },
];

async fn connect(b: &Bench) -> Outcome {
    b.store.connect(&new_account(&b.practice, &b.account)?).await?;
    Ok(())
}

async fn busy(b: &Bench) -> Outcome {
    connect(b).await?;
    let fence = b.acquire("one", 100).await?;
    same("the fence's practice", &fence.practice, &b.practice)?;
    same("the fence's account", &fence.account, &b.account)?;
    refused("another's lease", b.acquire("two", 100).await, ErrorKind::Busy)?;
    b.clock.advance(60);
    refused("another's lease", b.acquire("two", 100).await, ErrorKind::Busy)?;
    b.store.renew_lease(&fence, 100).await?;
    b.clock.advance(60);
    refused("another's lease after renewing", b.acquire("two", 100).await, ErrorKind::Busy)
}

async fn one_of_many(b: &Bench) -> Outcome {
    connect(b).await?;
    let holders: Vec<String> = (0..12).map(|number| format!("holder {number}")).collect();
    let asked = holders.iter().map(|holder| b.acquire(holder, 100));
    let (mut given, mut busy) = (0, 0);
    for answer in futures_util::future::join_all(asked).await {
        match answer {
            Ok(_) => given += 1,
            Err(error) if error.kind() == ErrorKind::Busy => busy += 1,
            Err(error) => return Err(error.into()),
        }
    }
    same("how many got the lease, and how many found it held", &(given, busy), &(1, 11))
}

async fn out_of_the_way(b: &Bench) -> Outcome {
    connect(b).await?;
    b.acquire("one", 100).await?;
    b.clock.advance(110);
    let fence = b.acquire("two", 100).await?;
    b.store.release_lease(&fence).await?;
    b.acquire("three", 100).await?;
    Ok(())
}

async fn tokens_rise(b: &Bench) -> Outcome {
    connect(b).await?;
    let mut last = 0;
    for round in 0..12 {
        let fence = b.acquire("one", 100).await?;
        hold(fence.token > last, || format!("token {} follows token {last}", fence.token))?;
        last = fence.token;
        match round % 4 {
            0 => b.store.release_lease(&fence).await?,
            1 => b.clock.advance(200),
            2 => {
                b.store.disconnect(&b.practice, &b.account).await?;
                connect(b).await?;
            }
            // The holder itself asks again.
            _ => {}
        }
    }
    Ok(())
}

async fn lost_release(b: &Bench) -> Outcome {
    connect(b).await?;
    let first = b.acquire("one", 100).await?;
    b.store.release_lease(&first).await?;
    b.store.release_lease(&first).await?;
    let second = b.acquire("two", 100).await?;
    b.store.release_lease(&first).await?;
    refused("a lease after a lost one was released", b.acquire("three", 100).await, ErrorKind::Busy)?;
    Ok(b.store.renew_lease(&second, 100).await?)
}

async fn two_accounts(b: &Bench) -> Outcome {
    connect(b).await?;
    let other = AccountId::new("Account")?;
    b.store.connect(&new_account(&b.practice, &other)?).await?;
    let one = b.acquire("one", 100).await?;
    let two = b.store.acquire_lease(&b.practice, &other, "two", 100).await?;
    b.store.release_lease(&one).await?;
    b.store.renew_lease(&two, 100).await?;
    let third = b.store.acquire_lease(&b.practice, &other, "three", 100).await;
    refused("the second account's lease", third, ErrorKind::Busy)
}

async fn not_connected(b: &Bench) -> Outcome {
    refused("an unknown account's lease", b.acquire("one", 100).await, ErrorKind::NotFound)?;
    connect(b).await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    refused("a disconnected account's lease", b.acquire("one", 100).await, ErrorKind::NotFound)
}
