//! S8 and S9: pages, counts and walks through the archive.

use std::collections::BTreeSet;

use super::bench::{Bench, keys, message_key};
use super::mail::Mail;
use crate::conformance::check::{Check, Outcome, hold, same};
use crate::contract::{Fence, PagePosition, PageQuery};
use crate::types::{AccountId, Timestamp};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S8",
        name: "a page is newest first, each message once, whatever the limit",
        run: |b| Box::pin(order(b)),
    },
    Check { clause: "S8", name: "ties are ordered by key, descending", run: |b| Box::pin(ties(b)) },
    Check {
        clause: "S8",
        name: "a page goes on where it stopped, whatever was added in between",
        run: |b| Box::pin(stable(b)),
    },
    Check {
        clause: "S8",
        name: "instants before 1970 and far ahead are in order",
        run: |b| Box::pin(odd_times(b)),
    },
    Check { clause: "S8", name: "nothing asked for is nothing answered", run: |b| Box::pin(nothing(b)) },
    Check {
        clause: "S8",
        name: "messages are answered in the order asked, unknown ones left out",
        run: |b| Box::pin(by_key(b)),
    },
    Check {
        clause: "S8",
        name: "the whole archive is walked in the order of keys",
        run: |b| Box::pin(walk(b)),
    },
    Check {
        clause: "S9",
        name: "a message is found by every key of every copy",
        run: |b| Box::pin(every_key(b)),
    },
    Check { clause: "S9", name: "two hundred keys are one page", run: |b| Box::pin(many_keys(b)) },
    Check {
        clause: "S9",
        name: "a count counts each message once, up to its cap",
        run: |b| Box::pin(counts(b)),
    },
    Check {
        clause: "S9",
        name: "a message whose copies are replaced is still found",
        run: |b| Box::pin(without_copies(b)),
    },
];

/// Numbers without an order, the same in every run.
fn scattered(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761) >> 16
}

/// Archives messages of a client in windows of fifty, and says where the page has them.
async fn fill(b: &Bench, fence: &Fence, mails: &[(String, Mail, i64)]) -> Outcome<Vec<PagePosition>> {
    for chunk in mails.chunks(50) {
        let mails: Vec<_> = chunk.iter().map(|(_, mail, _)| mail.clone()).collect();
        b.archive(fence, &mails).await?;
    }
    Ok(mails.iter().map(|(name, _, at)| position(name, *at)).collect())
}

fn position(name: &str, at: i64) -> PagePosition {
    PagePosition::new(Timestamp::from_unix(at), message_key(name))
}

fn newest_first(mut positions: Vec<PagePosition>) -> Vec<PagePosition> {
    positions.sort_unstable_by(|one, two| two.cmp(one));
    positions
}

fn mail(b: &Bench, name: String, uid: u32, at: i64, keys: &[&str]) -> (String, Mail, i64) {
    let mail = b.mail(&name, uid).at(at).keys(keys);
    (name, mail, at)
}

/// All pages of `limit` messages each, from a position on.
async fn pages(
    b: &Bench,
    names: &[&str],
    from: Option<PagePosition>,
    limit: usize,
) -> Outcome<Vec<PagePosition>> {
    let mut found: Vec<PagePosition> = Vec::new();
    for _ in 0..1_000 {
        let query = PageQuery::new(b.practice.clone(), keys(names)?, limit);
        let page = b.store.page(&query.before(found.last().copied().or(from))).await?;
        hold(page.len() <= limit, || format!("a page of {limit} has {} messages", page.len()))?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    Ok(found)
}

async fn order(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let keys_of = |n: u32| match n % 4 {
        0 => &["one"][..],
        1 => &["two"],
        2 => &["one", "two"],
        _ => &["three", "one"],
    };
    let mails: Vec<_> =
        (1..=120).map(|n| mail(b, format!("m{n}"), n, i64::from(scattered(n) % 40), keys_of(n))).collect();
    fill(b, &fence, &mails).await?;
    for names in [&["one"][..], &["two"], &["one", "two"], &["two", "three", "nobody", "two"]] {
        let carries = |n: u32| keys_of(n).iter().any(|key| names.contains(key));
        let of_names = (1..).zip(&mails).filter(|(n, _)| carries(*n));
        let expected = newest_first(of_names.map(|(_, (name, _, at))| position(name, *at)).collect());
        for limit in [1, 7, 50, 1_000] {
            let found = pages(b, names, None, limit).await?;
            same(&format!("the pages of {} keys, {limit} messages each", names.len()), &found, &expected)?;
        }
    }
    Ok(())
}

async fn ties(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails: Vec<_> = (1..=40).map(|n| mail(b, format!("m{n}"), n, 1_000, &["client"])).collect();
    let expected = newest_first(fill(b, &fence, &mails).await?);
    for limit in [1, 3, 40] {
        same("messages of one instant", &pages(b, &["client"], None, limit).await?, &expected)?;
    }
    Ok(())
}

async fn stable(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let first: Vec<_> =
        (1..=30).map(|n| mail(b, format!("m{n}"), n, i64::from(n) * 10, &["client"])).collect();
    let mut expected = fill(b, &fence, &first).await?;
    let query = PageQuery::new(b.practice.clone(), keys(&["client"])?, 10);
    let page = b.store.page(&query).await?;
    let cut = page.last().copied();
    same("the last of the first page", &cut, &Some(position("m21", 210)))?;
    let added = [(100, 215), (101, 9_999), (102, 210), (103, 195), (104, 5), (105, 200), (106, 211)];
    let added: Vec<_> = added.map(|(n, at)| mail(b, format!("m{n}"), n, at, &["client"])).to_vec();
    expected.extend(fill(b, &fence, &added).await?);
    let older: Vec<_> = expected.into_iter().filter(|position| Some(*position) < cut).collect();
    for limit in [1, 4, 100] {
        let found = pages(b, &["client"], cut, limit).await?;
        same("the messages after the first page", &found, &newest_first(older.clone()))?;
    }
    Ok(())
}

async fn odd_times(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let times =
        [0, -1, 1, -62_135_596_800, 253_402_300_799, i64::from(i32::MAX) + 1, i64::from(i32::MIN) - 1];
    let mails: Vec<_> =
        (1..).zip(times).map(|(n, at)| mail(b, format!("m{n}"), n, at, &["client"])).collect();
    let expected = newest_first(fill(b, &fence, &mails).await?);
    for limit in [1, 100] {
        same("the pages", &pages(b, &["client"], None, limit).await?, &expected)?;
    }
    Ok(())
}

async fn nothing(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1).at(1_000)]).await?;
    same("the page of no keys", &b.page(&[]).await?, &Vec::new())?;
    same("the page of a key nobody has", &b.page(&["nobody"]).await?, &Vec::new())?;
    let query = |limit| {
        Ok::<_, crate::conformance::check::Failure>(PageQuery::new(
            b.practice.clone(),
            keys(&["client"])?,
            limit,
        ))
    };
    same("a page of no messages", &b.store.page(&query(0)?).await?, &Vec::new())?;
    same("a page without a limit", &b.store.page(&query(usize::MAX)?).await?.len(), &1)?;
    let before = query(10)?.before(Some(position("first", 1_000)));
    same("the page after the last message", &b.store.page(&before).await?, &Vec::new())?;
    same("no messages", &b.store.messages(&b.practice, &[]).await?, &Vec::new())?;
    same(
        "the count of no keys",
        &b.store.count(&PageQuery::new(b.practice.clone(), Vec::new(), 10)).await?,
        &0,
    )
}

async fn by_key(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails: Vec<_> = (1..=60).map(|n| b.mail(&format!("m{n}"), n)).collect();
    b.archive(&fence, &mails).await?;
    let asked: Vec<_> = (0..90).map(|n| message_key(&format!("m{}", n * 37 % 90 + 1))).collect();
    let known: BTreeSet<_> = (1..=60).map(|n| message_key(&format!("m{n}"))).collect();
    let expected: Vec<_> = asked.iter().copied().filter(|key| known.contains(key)).collect();
    let found = b.store.messages(&b.practice, &asked).await?;
    same("the messages", &found.into_iter().map(|message| message.key).collect(), &expected)
}

async fn walk(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails: Vec<_> = (1..=45).map(|n| b.mail(&format!("m{n}"), n).keys(&[])).collect();
    b.archive(&fence, &mails).await?;
    let mut expected: Vec<_> = (1..=45).map(|n| message_key(&format!("m{n}"))).collect();
    expected.sort_unstable();
    for limit in [1, 10, 45, 1_000] {
        let mut found = Vec::new();
        loop {
            let messages = b.store.all_messages(&b.practice, found.last().copied(), limit).await?;
            let whole =
                messages.iter().all(|message| message.copies.len() == 1 && message.renditions.len() == 1);
            hold(whole, || "a message on the walk has not its one copy and rendition".to_owned())?;
            if messages.is_empty() || found.len() > expected.len() {
                break;
            }
            found.extend(messages.into_iter().map(|message| message.key));
        }
        same(&format!("the walk in steps of {limit}"), &found, &expected)?;
    }
    Ok(())
}

async fn every_key(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let theirs = AccountId::new("another")?;
    let their_fence = b.begin_account(&b.practice, &theirs).await?;
    b.archive(&fence, &[b.mail("first", 1).keys(&["one", "two"]), b.mail("second", 2).keys(&["two"])])
        .await?;
    b.archive(&fence, &[b.mail("first", 3).keys(&["three"]).content("other")]).await?;
    let mut copy = b.mail("first", 1).keys(&["four", "two"]).octets("theirs");
    copy.account = theirs;
    b.archive(&their_fence, &[copy]).await?;
    for key in ["one", "three", "four"] {
        let found: Vec<_> = b.page(&[key]).await?.into_iter().map(|position| position.message).collect();
        same(&format!("the page of the key {key}"), &found, &vec![message_key("first")])?;
        same("its count", &b.store.count(&PageQuery::new(b.practice.clone(), keys(&[key])?, 10)).await?, &1)?;
    }
    let page: BTreeSet<_> = b.page(&["one", "two", "three", "four"]).await?.into_iter().collect();
    same("how many messages carry any of the keys", &page.len(), &2)
}

async fn many_keys(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let names: Vec<_> = (1..=200).map(|n| format!("client{n}")).collect();
    let mails: Vec<_> = (1..)
        .zip(&names)
        .map(|(n, name)| mail(b, format!("m{n}"), n, i64::from(scattered(n)), &[name, "shared"]))
        .collect();
    let expected = newest_first(fill(b, &fence, &mails).await?);
    let mut names: Vec<_> = names.iter().map(String::as_str).collect();
    for limit in [25, 1_000] {
        same("the pages of 200 keys", &pages(b, &names, None, limit).await?, &expected)?;
    }
    names.push("shared");
    let mut found = pages(b, &names, None, 60).await?;
    found.dedup();
    same("the pages of all keys and one they share", &found, &expected)?;
    same(
        "the count of 201 keys",
        &b.store.count(&PageQuery::new(b.practice.clone(), keys(&names)?, 1_000)).await?,
        &200,
    )
}

async fn counts(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails: Vec<_> = (1..=30).map(|n| b.mail(&format!("m{n}"), n).keys(&["one", "two"])).collect();
    b.archive(&fence, &mails).await?;
    b.archive(&fence, &[b.mail("more", 99).keys(&["two"])]).await?;
    for (names, cap, expected) in [
        (&["one"][..], 1_000, 30),
        (&["one", "two"], 1_000, 31),
        (&["one", "two", "one"], 31, 31),
        (&["one", "two"], 30, 30),
        (&["two"], 1, 1),
        (&["two"], 0, 0),
        (&["two"], usize::MAX, 31),
        (&["nobody"], 10, 0),
    ] {
        let count = b.store.count(&PageQuery::new(b.practice.clone(), keys(names)?, cap)).await?;
        same(&format!("the count of {} keys up to {cap}", names.len()), &count, &expected)?;
    }
    Ok(())
}

async fn without_copies(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1).keys(&["one"])]).await?;
    b.archive(&fence, &[b.mail("second", 1).keys(&["two"])]).await?;
    same("how many messages carry the first's key", &b.page(&["one"]).await?.len(), &1)?;
    same("how many renditions the first has", &b.message("first").await?.renditions.len(), &1)
}
