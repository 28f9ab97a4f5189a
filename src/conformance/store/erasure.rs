//! S16: erasing what was archived from an account.

use super::bench::{Bench, LEASE, inbox_window, new_account, uid, uids};
use super::mail::Mail;
use super::outbox::{outgoing_id, sent_message, unknown};
use crate::conformance::check::{Check, Outcome, hold, refused, same};
use crate::contract::{
    AccountState, ChangeKind, Clock, DeadLetter, Fence, HistoryStep, Message, OutgoingDecision, PageQuery,
    PassEnd, SyncState, Window,
};
use crate::error::ErrorKind;
use crate::settings::Way;
use crate::types::{AccountId, Digest, Gap, GapReason, MailboxName};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S16",
        name: "nothing is left of an account that is erased, nor of messages only it had",
        run: |b| Box::pin(all_goes(b)),
    },
    Check {
        clause: "S16",
        name: "a message another account has stays, with what the other's copies hold",
        run: |b| Box::pin(shared(b)),
    },
    Check {
        clause: "S16",
        name: "a message that stays is found by the keys its other copies brought",
        run: |b| Box::pin(shared_keys(b)),
    },
    Check { clause: "S16", name: "what was sent stays, as it was sent", run: |b| Box::pin(sent_stays(b)) },
    Check {
        clause: "S16",
        name: "octets that something else names are not answered",
        run: |b| Box::pin(named_octets(b)),
    },
    Check {
        clause: "S16",
        name: "an account in use is not erased, nor one that is not there",
        run: |b| Box::pin(in_use(b)),
    },
    Check {
        clause: "S16",
        name: "an account that was erased is read anew when it is connected",
        run: |b| Box::pin(read_anew(b)),
    },
];

fn ben() -> Outcome<AccountId> {
    Ok(AccountId::new("ben's")?)
}

async fn erase(b: &Bench) -> Outcome<Vec<Digest>> {
    b.store.disconnect(&b.practice, &b.account).await?;
    let mut unnamed = b.store.erase_account(&b.practice, &b.account).await?;
    unnamed.sort();
    Ok(unnamed)
}

fn sorted(mut digests: Vec<Digest>) -> Vec<Digest> {
    digests.sort();
    digests
}

/// A dead letter with octets.
fn letter(b: &Bench, mail: &Mail, octets: &[u8]) -> Outcome<DeadLetter> {
    let mut letter = DeadLetter::new(mail.place()?, "it is no message", b.clock.now());
    letter.octets = Some((Digest::of(octets), octets.len() as u64));
    Ok(letter)
}

async fn bury(b: &Bench, fence: &Fence, letter: DeadLetter) -> Outcome {
    let mut window = inbox_window()?;
    window.dead_letters = vec![letter];
    b.store.commit_window(fence, &window).await?;
    Ok(())
}

async fn all_goes(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let kept = b.begin_account(&b.practice, &ben()?).await?;
    let elsewhere = Mail::new(ben()?, "ben's", 1);
    b.archive(&kept, std::slice::from_ref(&elsewhere)).await?;
    let mails = [b.mail("first", 1).bcc("b@client.example"), b.mail("first", 2).content("changed")];
    b.archive(&fence, &mails).await?;
    let mut window = Window::new(MailboxName::from_wire("Sent"), inbox_window()?.uid_validity);
    let second = b.mail("second", 3).lies_in(window.mailbox.clone());
    window.seen = uids([3, 4]);
    window.copies = vec![second.build()?];
    window.gaps = vec![Gap::new(uid(4)?, GapReason::Refused, 1, b.clock.now())];
    window.dead_letters = vec![letter(b, &b.mail("third", 5), b"third")?];
    window.octets_read = 55;
    b.store.commit_window(&fence, &window).await?;
    b.cover(&fence, HistoryStep::Begin, &["client"]).await?;
    let end = PassEnd { hints: Some("hints".to_owned()), ..PassEnd::default() };
    b.store.end_pass(&fence, &end).await?;
    let marks = ["first", "second"].map(super::bench::message_key);
    b.store.mark_unlisted(&b.practice, &marks, &[]).await?;
    let ours = b.message("ben's").await?;
    let last = b.last_change().await?;

    let [first, changed] = &mails;
    let octets = vec![first.sha256(), changed.sha256(), second.sha256(), Digest::of(b"third")];
    same("the octets nothing names", &erase(b).await?, &sorted(octets))?;
    let state = b.store.sync_state(&b.practice, &b.account).await?;
    // Whatever was read today was read: the provider counts it.
    same("the progress", &state, &SyncState { octets_today: 55, ..SyncState::default() })?;
    same("the copies", &b.copies().await?, &Vec::new())?;
    same("the messages", &b.store.all_messages(&b.practice, None, 10).await?, &vec![ours.clone()])?;
    let page: Vec<_> = b.page(&["client"]).await?.into_iter().map(|at| at.message).collect();
    same("the page", &page, &vec![ours.key])?;
    same("the dead letters", &b.store.dead_letters(&b.practice).await?, &Vec::new())?;
    let marked = b.store.unlisted(&b.practice, b.in_seconds(1), None, 10).await?;
    same("the marks", &marked, &Vec::new())?;
    let mut erased = [super::bench::message_key("first"), super::bench::message_key("second")];
    erased.sort();
    let mut told = b.changes(last).await?;
    if let Some(messages) = told.get_mut(1..3) {
        messages
            .sort_by_key(|kind| if let ChangeKind::MessageErased(key) = kind { Some(*key) } else { None });
    }
    let [one, two] = erased.map(ChangeKind::MessageErased);
    let expected = vec![ChangeKind::AccountDisconnected, one, two, ChangeKind::AccountErased];
    same("what was told", &told, &expected)?;
    let accounts = b.store.accounts(&b.practice).await?;
    let states: Vec<_> = accounts.iter().map(|record| record.state).collect();
    same("the accounts' states", &states, &vec![AccountState::Disconnected, AccountState::Connected])?;
    Ok(b.store.renew_lease(&kept, LEASE).await?)
}

async fn shared(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let other = b.begin_account(&b.practice, &ben()?).await?;
    let first = b.mail("first", 1).content("ours").at(1_600_000_000);
    b.archive(&fence, &[first, b.mail("first", 2)]).await?;
    b.archive(&other, &[Mail::new(ben()?, "first", 7)]).await?;
    let last = b.last_change().await?;
    let before = b.message("first").await?;
    erase(b).await?;
    let mut expected = before;
    expected.renditions.retain(|rendition| rendition.text == "content");
    expected.copies.retain(|copy| *copy.account() != b.account);
    same(
        "how many renditions and copies are left",
        &(expected.renditions.len(), expected.copies.len()),
        &(1, 1),
    )?;
    same("the message", &b.message("first").await?, &expected)?;
    let expected = vec![ChangeKind::AccountDisconnected, ChangeKind::AccountErased];
    same("what was told", &b.changes(last).await?, &expected)?;
    b.archive(&other, &[Mail::new(ben()?, "first", 8).content("one more")]).await?;
    let texts: Vec<_> = b.message("first").await?.renditions.into_iter().map(|r| r.text).collect();
    same("its renditions, with a further one", &texts, &vec!["content".to_owned(), "one more".to_owned()])
}

async fn shared_keys(b: &Bench) -> Outcome {
    let other = b.begin_account(&b.practice, &ben()?).await?;
    b.archive(&other, &[Mail::new(ben()?, "first", 7).keys(&["client", "theirs"])]).await?;
    let fence = b.begin().await?;
    let ours = b.mail("first", 1).keys(&["client", "ours"]);
    b.archive(&fence, &[ours, b.mail("first", 2).content("ours").keys(&["more"])]).await?;
    erase(b).await?;
    for (name, messages) in [("client", 1), ("theirs", 1), ("ours", 0), ("more", 0)] {
        same(&format!("how many messages the page of {name} has"), &b.page(&[name]).await?.len(), &messages)?;
        let count =
            b.store.count(&PageQuery::new(b.practice.clone(), super::bench::keys(&[name])?, 10)).await?;
        same("how many are counted", &(count as usize), &messages)?;
    }
    Ok(())
}

async fn sent_stays(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let message = sent_message(b, "first", &["client", "as-sent"])?;
    b.deliver(&b.intent("first"), &unknown(b)).await?;
    b.clock.advance(600);
    let (id, was_sent) = (outgoing_id("first"), OutgoingDecision::WasSent);
    b.store.decide_outgoing(&b.practice, id, was_sent, Some(Box::new(message))).await?;
    let rewritten = b.mail("first", 2).content("as filed").keys(&["client", "as-filed"]);
    b.archive(&fence, &[b.mail("first", 1), rewritten]).await?;
    let intent = b.outgoing("first").await?;
    erase(b).await?;
    let left = b.message("first").await?;
    let texts: Vec<_> = left.renditions.iter().map(|rendition| rendition.text.as_str()).collect();
    same("its renditions", &texts, &vec!["content"])?;
    same("its copies", &left.copies, &Vec::new())?;
    same("the intent", &b.outgoing("first").await?, &intent)?;
    for (name, messages) in [("client", 1), ("as-sent", 1), ("as-filed", 0)] {
        same(&format!("how many messages the page of {name} has"), &b.page(&[name]).await?.len(), &messages)?;
    }
    Ok(())
}

async fn named_octets(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let other = b.begin_account(&b.practice, &ben()?).await?;
    b.archive(&fence, &[b.mail("copied", 1), b.mail("buried", 2), b.mail("alone", 3)]).await?;
    b.archive(&other, &[Mail::new(ben()?, "copied", 1)]).await?;
    let mut theirs = letter(b, &Mail::new(ben()?, "buried", 2), b"")?;
    theirs.octets = Some((b.mail("buried", 2).sha256(), 6));
    bury(b, &other, theirs).await?;
    // An intent's octets are the digest of its name.
    b.queue(&b.intent("queued")).await?;
    bury(b, &fence, letter(b, &b.mail("queued", 4), b"queued")?).await?;
    bury(b, &fence, letter(b, &b.mail("letter", 5), b"letter")?).await?;
    let expected = vec![b.mail("alone", 3).sha256(), Digest::of(b"letter")];
    same("the octets nothing names", &erase(b).await?, &sorted(expected))
}

async fn in_use(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    let before = b.snapshot().await?;
    let erased = b.store.erase_account(&b.practice, &b.account).await;
    refused("erasing a connected account", erased, ErrorKind::Busy)?;
    let unknown = b.store.erase_account(&b.practice, &AccountId::new("unknown")?).await;
    refused("erasing an unknown account", unknown, ErrorKind::NotFound)?;
    same("the store after refusals", &b.snapshot().await?, &before)?;
    b.switch_off(&[Way::SmtpImap]).await?;
    let erased = b.store.erase_account(&b.practice, &b.account).await;
    refused("erasing one that is switched off", erased, ErrorKind::Busy)?;
    same("how many messages there are", &b.page(&["client"]).await?.len(), &1)
}

async fn read_anew(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mail = b.mail("first", 1).at(1_650_000_000);
    b.archive(&fence, std::slice::from_ref(&mail)).await?;
    let before = b.message("first").await?;
    erase(b).await?;
    same("what is left to erase", &b.store.erase_account(&b.practice, &b.account).await?, &Vec::new())?;
    b.store.connect(&new_account(&b.practice, &b.account)?).await?;
    let again = b.acquire("worker", LEASE).await?;
    let receipt = b.archive(&again, &[mail]).await?;
    same("the receipt", &(receipt.new_messages, receipt.new_copies), &(1, 1))?;
    let message = b.message("first").await?;
    hold(message.arrival > before.arrival, || "it did not arrive anew".to_owned())?;
    same("the message", &message, &Message { arrival: message.arrival, ..before })?;
    let commit = b.store.commit_window(&fence, &inbox_window()?).await;
    refused("a window of before", commit, ErrorKind::FenceLost)
}
