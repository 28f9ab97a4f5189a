//! A7: clients whose messages were erased until they are back.

use std::collections::BTreeSet;

use super::bench::{Bench, keys, message_key};
use crate::conformance::check::{Check, Outcome, same};
use crate::contract::{Bars, ClientSighting, CoverageChange, CoveredKeys, ErasedClient, Fence, HistoryStep};
use crate::types::{AccountId, ClientId, KeyDigest};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "A7",
        name: "a client that was away and is back has its history read again",
        run: |b| Box::pin(back(b)),
    },
    Check {
        clause: "A7",
        name: "a client that was never away is not back, nor is one that was not erased",
        run: |b| Box::pin(never_away(b)),
    },
    Check {
        clause: "A7",
        name: "a client that is erased again has to be away again",
        run: |b| Box::pin(erased_again(b)),
    },
];

fn client(name: &str) -> Outcome<ClientId> {
    Ok(ClientId::new(name)?)
}

fn set(names: &[&str]) -> Outcome<BTreeSet<KeyDigest>> {
    Ok(keys(names)?.into_iter().collect())
}

async fn sight(b: &Bench, name: &str, sighting: ClientSighting) -> Outcome {
    Ok(b.store.sight_client(&b.practice, &client(name)?, &sighting).await?)
}

async fn barred(b: &Bench, names: &[&str]) -> Outcome<usize> {
    let messages: Vec<_> = names.iter().map(|name| message_key(name)).collect();
    Ok(b.store.barred(&b.practice, &messages).await?.len())
}

/// Covers an account for one key, and has another pending.
async fn cover(b: &Bench, fence: &Fence) -> Outcome {
    for (pend, history) in [("client", HistoryStep::Finish), ("pending", HistoryStep::Keep)] {
        let mut change = CoverageChange { history, pend: set(&[pend])?, ..CoverageChange::default() };
        if history == HistoryStep::Finish {
            change.pend.extend(set(&["other"])?);
        }
        b.store.change_coverage(fence, &change).await?;
    }
    Ok(())
}

async fn covered(b: &Bench, account: &AccountId) -> Outcome<CoveredKeys> {
    Ok(b.store.sync_state(&b.practice, account).await?.keys)
}

async fn back(b: &Bench) -> Outcome {
    let ben = AccountId::new("ben's")?;
    let (fence, theirs) = (b.begin().await?, b.begin_account(&b.practice, &ben).await?);
    cover(b, &fence).await?;
    cover(b, &theirs).await?;
    let mails = [b.mail("first", 1), b.mail("second", 2), b.mail("third", 3)];
    b.archive(&fence, &mails).await?;
    for (name, id) in [("first", "c1"), ("second", "c2")] {
        b.erase_until(&[name], Bars::UntilClientIsBack(client(id)?)).await?;
    }
    b.erase(&["third"]).await?;
    let erased = |name: &str, was_away| {
        Ok::<_, super::super::check::Failure>(ErasedClient::new(client(name)?, was_away))
    };
    let expected = vec![erased("c1", false)?, erased("c2", false)?];
    same("the erased clients", &b.store.erased_clients(&b.practice).await?, &expected)?;
    sight(b, "c1", ClientSighting::Away).await?;
    let expected = vec![erased("c1", true)?, erased("c2", false)?];
    same("when one was away", &b.store.erased_clients(&b.practice).await?, &expected)?;
    same("how many are barred", &barred(b, &["first", "second", "third"]).await?, &3)?;
    let before = covered(b, &b.account).await?;

    sight(b, "c1", ClientSighting::Back(set(&["client", "pending", "new"])?)).await?;
    let expected = vec![erased("c2", false)?];
    same("when it is back", &b.store.erased_clients(&b.practice).await?, &expected)?;
    same("how many are barred still", &barred(b, &["first", "second", "third"]).await?, &2)?;
    let expected = CoveredKeys { covered: set(&["other"])?, pending: BTreeSet::new(), ..before };
    for account in [&b.account, &ben] {
        same("what an account is covered for", &covered(b, account).await?, &expected)?;
    }
    b.archive(&fence, &mails).await?;
    let there = (b.has("first").await?, b.has("second").await?, b.has("third").await?);
    same("which are archived again", &there, &(true, false, false))
}

async fn never_away(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    cover(b, &fence).await?;
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    b.erase_until(&["first"], Bars::UntilClientIsBack(client("c1")?)).await?;
    let before = covered(b, &b.account).await?;
    sight(b, "c1", ClientSighting::Back(set(&["client"])?)).await?;
    sight(b, "c2", ClientSighting::Away).await?;
    sight(b, "c2", ClientSighting::Back(set(&["client"])?)).await?;
    let expected = vec![ErasedClient::new(client("c1")?, false)];
    same("the erased clients", &b.store.erased_clients(&b.practice).await?, &expected)?;
    same("how many are barred", &barred(b, &["first"]).await?, &1)?;
    same("what the account is covered for", &covered(b, &b.account).await?, &before)
}

async fn erased_again(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2)]).await?;
    let bars = Bars::UntilClientIsBack(client("c1")?);
    b.erase_until(&["first"], bars.clone()).await?;
    sight(b, "c1", ClientSighting::Away).await?;
    b.erase_until(&["second"], bars).await?;
    sight(b, "c1", ClientSighting::Back(BTreeSet::new())).await?;
    same("how many are barred", &barred(b, &["first", "second"]).await?, &2)?;
    sight(b, "c1", ClientSighting::Away).await?;
    sight(b, "c1", ClientSighting::Back(BTreeSet::new())).await?;
    same("how many are barred when it is back", &barred(b, &["first", "second"]).await?, &0)
}
