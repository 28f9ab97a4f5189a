//! S17: rows that the engine refuses for what they hold.

use super::atomic::full_window;
use super::bench::{Bench, inbox_window, message_key, uid, uids};
use crate::conformance::check::{Check, Outcome, present, refused, same};
use crate::contract::{DeadLetter, Fence, HistoryStep, MovedCopy, Window, WindowReceipt};
use crate::error::ErrorKind;
use crate::types::{Digest, Timestamp};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S17",
        name: "a window with a row that the engine refuses is refused as such, and writes nothing",
        run: |b| Box::pin(whole_window(b)),
    },
    Check {
        clause: "S17",
        name: "the rest of such a window is written, and the message becomes a dead letter",
        run: |b| Box::pin(one_is_given_up(b)),
    },
];

/// The name of the message that the engine refuses, and where it lies.
const REFUSED: &str = "refused";
const PLACE: u32 = 9;

/// An archive with something in it, of which the history is read, and an engine that refuses a message.
async fn refusing(b: &Bench) -> Outcome<Fence> {
    b.refuse(message_key(REFUSED)).await?;
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("kept", 1), b.mail("also kept", 2)]).await?;
    b.cover(&fence, HistoryStep::Begin, &["client"]).await?;
    Ok(fence)
}

/// A window in which everything is set, the refused copy between the others.
fn window_with_it(b: &Bench) -> Outcome<Window> {
    let mut window = full_window(b)?;
    window.history_done = uids([1]);
    window.moved = vec![MovedCopy::new(b.mail("kept", 1).place()?, b.mail("kept", 30).place()?, Vec::new())];
    window.copies.insert(1, b.mail(REFUSED, PLACE).build()?);
    Ok(window)
}

/// Fails unless a window is refused for what it holds, and leaves everything as it is.
async fn refused_whole(b: &Bench, fence: &Fence, window: &Window) -> Outcome {
    let (before, page) = (b.snapshot().await?, b.page(&["client"]).await?);
    let done = b.store.commit_window(fence, window).await;
    refused("a window with a row that the engine refuses", done, ErrorKind::StorageRefused)?;
    same("the store after that", &b.snapshot().await?, &before)?;
    same("the page after that", &b.page(&["client"]).await?, &page)
}

async fn whole_window(b: &Bench) -> Outcome {
    let fence = refusing(b).await?;
    let mut window = window_with_it(b)?;
    refused_whole(b, &fence, &window).await?;
    b.store.renew_lease(&fence, super::bench::LEASE).await?;
    refused_whole(b, &fence, &window).await?;
    window.copies.remove(1);
    let receipt = b.store.commit_window(&fence, &window).await?;
    same("the receipt for the same window without it", &receipt, &WindowReceipt::new(2, 2))?;
    let copies = b.copies().await?;
    same("the copies", &copies.first().map(|copies| &copies.present), &Some(&uids([2, 5, 6, 30])))
}

/// As a pass does that looks in halves for what is not taken.
async fn one_is_given_up(b: &Bench) -> Outcome {
    let fence = refusing(b).await?;
    let [one, other, it] = [b.mail("first", 5), b.mail("second", 6), b.mail(REFUSED, PLACE)];
    let mut alone = inbox_window()?;
    alone.seen = uids([PLACE]);
    alone.copies = vec![it.build()?];
    let mut all = alone.clone();
    all.seen = uids([5, 6, PLACE]);
    all.copies = vec![one.build()?, it.build()?, other.build()?];
    refused_whole(b, &fence, &all).await?;
    let receipt = b.archive(&fence, &[one]).await?;
    same("the receipt for what came before it", &receipt, &WindowReceipt::new(1, 1))?;
    refused_whole(b, &fence, &alone).await?;
    let receipt = b.archive(&fence, &[other]).await?;
    same("the receipt for what came after it", &receipt, &WindowReceipt::new(1, 1))?;

    let mut letter = DeadLetter::new(it.place()?, "the storage does not take it", Timestamp::from_unix(5));
    letter.message_id = present("a copy", alone.copies.first())?.parsed.headers.message_id.clone();
    letter.octets = Some((Digest::of(b"refused"), 7));
    let mut given_up = inbox_window()?;
    given_up.seen.insert(uid(PLACE)?);
    given_up.history_done.insert(uid(PLACE)?);
    given_up.dead_letters = vec![letter.clone()];
    b.store.commit_window(&fence, &given_up).await?;
    same("the dead letters", &b.store.dead_letters(&b.practice).await?, &vec![letter])?;
    same("what was seen", &b.inbox_state().await?.cursor.seen, &uids([1, 2, 5, 6, PLACE]))?;
    let copies = b.copies().await?;
    same("the copies", &copies.first().map(|copies| &copies.present), &Some(&uids([1, 2, 5, 6])))?;
    let found = b.store.messages(&b.practice, &[message_key(REFUSED)]).await?;
    same("whether the message is archived", &found.len(), &0)
}
