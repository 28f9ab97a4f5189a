//! A11: practices do not see each other's erasing.

use super::bench::{Bench, keys, message_key};
use crate::conformance::check::{Check, Outcome, present, same};
use crate::contract::{Bars, ClientSighting, Erasable, EraseReason, Erasure, HistoryStep};
use crate::types::{ClientId, Digest, MessageId, PracticeId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "A11",
        name: "erasing in one practice leaves another as it was",
        run: |b| Box::pin(erased_elsewhere(b)),
    },
    Check {
        clause: "A11",
        name: "nothing that was erased, marked or shown in one practice is known in another",
        run: |b| Box::pin(unknown_elsewhere(b)),
    },
];

fn other() -> Outcome<PracticeId> {
    Ok(PracticeId::new("Practice")?)
}

async fn erased_elsewhere(b: &Bench) -> Outcome {
    let (practice, client) = (other()?, ClientId::new("c1")?);
    let fence = b.begin().await?;
    let theirs = b.begin_account(&practice, &b.account).await?;
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    b.archive(&theirs, &[b.mail("first", 1)]).await?;
    b.cover(&fence, HistoryStep::Keep, &["client"]).await?;
    b.store.mark_unlisted(&b.practice, &[message_key("first")], &[]).await?;
    let before = b.snapshot().await?;
    let erasure = Erasure::new(practice.clone(), vec![message_key("first")], EraseReason::Client);
    let erased = b.store.erase_messages(&erasure.bars(Bars::UntilClientIsBack(client.clone()))).await?;
    same("the octets nothing of theirs names", &erased.octets, &vec![b.mail("first", 1).sha256()])?;
    let back = ClientSighting::Back(keys(&["client"])?.into_iter().collect());
    for sighting in [ClientSighting::Away, back] {
        b.store.sight_client(&practice, &client, &sighting).await?;
    }
    b.store.mark_unlisted(&practice, &[], &[message_key("first")]).await?;
    b.store.record_export(&practice, None).await?;
    same("what is different", &b.snapshot().await?, &before)?;
    let marked = b.store.unlisted(&b.practice, b.in_seconds(1), None, 9).await?;
    same("what is marked", &marked, &vec![message_key("first")])?;
    same("how many the page has", &b.page(&["client"]).await?.len(), &1)
}

async fn unknown_elsewhere(b: &Bench) -> Outcome {
    let practice = other()?;
    let fence = b.begin().await?;
    let theirs = b.begin_account(&practice, &b.account).await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2)]).await?;
    b.store.mark_unlisted(&b.practice, &[message_key("second")], &[]).await?;
    b.erase_until(&["first"], Bars::UntilClientIsBack(ClientId::new("c1")?)).await?;
    let message_id = present("a Message-ID", MessageId::parse("first"))?;
    for of in [Erasable::Message(message_key("first")), Erasable::MessageId(message_id)] {
        same("their tombstones", &b.store.tombstones(&practice, &of).await?, &Vec::new())?;
    }
    same("their erased clients", &b.store.erased_clients(&practice).await?, &Vec::new())?;
    let marked = b.store.unlisted(&practice, b.in_seconds(1), None, 9).await?;
    same("what is marked there", &marked, &Vec::new())?;
    let octets = [Digest::of(b"alone"), b.mail("second", 2).sha256()];
    b.store.orphans(&b.practice, &octets, 100).await?;
    b.clock.advance(100);
    let found = b.store.orphans(&practice, &octets, 100).await?;
    same("what is shown there for the first time", &found, &Vec::new())?;
    b.clock.advance(100);
    let found = b.store.orphans(&practice, &octets, 100).await?.len();
    same("how many octets nothing names there", &found, &2)?;
    b.archive(&theirs, &[b.mail("first", 1), b.mail("second", 2)]).await?;
    let there = b.store.all_messages(&practice, None, 9).await?.len();
    same("how many messages are archived there", &there, &2)?;
    let indexed = keys(&["client"])?.into_iter().collect();
    let found = b.store.is_indexed(&b.practice, message_key("first"), &indexed).await?;
    same("whether theirs is found in the first", &found, &false)
}
