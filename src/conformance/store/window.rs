//! S5: windows.

use super::atomic::full_window;
use super::bench::{Bench, inbox, inbox_window, message_key, uid, uids, validity};
use crate::conformance::check::{Check, Outcome, hold, present, same};
use crate::contract::{Message, MessageCopy, PassEnd, Rendition, Window, WindowReceipt};
use crate::types::{AccountId, CopyPlace, MailboxStatus};
use crate::types::{
    Attachment, CleanText, Digest, Gap, GapReason, MailboxName, MessageId, ModSeq, Timestamp, Uid, UidSet,
    UserId,
};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "S5", name: "a window is written with all its parts", run: |b| Box::pin(whole(b)) },
    Check {
        clause: "S5",
        name: "a message reads back with everything in it",
        run: |b| Box::pin(reads_back(b)),
    },
    Check { clause: "S5", name: "the same copy twice is one copy", run: |b| Box::pin(same_copy_twice(b)) },
    Check {
        clause: "S5",
        name: "a message's place in time stays what it was first",
        run: |b| Box::pin(sort_time_stays(b)),
    },
    Check { clause: "S5", name: "other content is a further rendition", run: |b| Box::pin(renditions(b)) },
    Check {
        clause: "S5",
        name: "content without a digest of its own is told apart by its octets",
        run: |b| Box::pin(without_rendition(b)),
    },
    Check {
        clause: "S5",
        name: "a place that held other octets becomes the new copy's",
        run: |b| Box::pin(place_reused(b)),
    },
    Check { clause: "S5", name: "gaps are opened, replaced and closed", run: |b| Box::pin(gaps(b)) },
    Check {
        clause: "S5",
        name: "octets are counted by the day of the store's clock",
        run: |b| Box::pin(octets_by_day(b)),
    },
    Check {
        clause: "S5",
        name: "the status is there when a mailbox is read to the end, and only then",
        run: |b| Box::pin(status(b)),
    },
    Check {
        clause: "S5",
        name: "the lowest and the highest UID are UIDs like others",
        run: |b| Box::pin(extreme_uids(b)),
    },
    Check { clause: "S5", name: "mailbox names may hold any octet", run: |b| Box::pin(odd_mailboxes(b)) },
    Check { clause: "S5", name: "texts may be long and odd", run: |b| Box::pin(odd_texts(b)) },
    Check {
        clause: "S5",
        name: "two hundred copies in one window are one write",
        run: |b| Box::pin(large_window(b)),
    },
];

async fn whole(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let window = full_window(b)?;
    let receipt = b.store.commit_window(&fence, &window).await?;
    same("the receipt", &receipt, &WindowReceipt::new(2, 2))?;
    let state = b.inbox_state().await?;
    same("the validity", &state.cursor.uid_validity, &window.uid_validity)?;
    same("what was seen", &state.cursor.seen, &window.seen)?;
    same("the status", &state.cursor.status, &window.finished)?;
    same("when to look again", &state.cursor.look_again_at, &window.look_again_at)?;
    same("the gaps", &state.gaps, &window.gaps)?;
    same("the dead letters", &b.store.dead_letters(&b.practice).await?, &window.dead_letters)?;
    let octets = b.store.sync_state(&b.practice, &b.account).await?.octets_today;
    same("the octets read today", &octets, &window.octets_read)?;
    let mut copies = b.copies().await?;
    same("in how many mailboxes copies lie", &copies.len(), &1)?;
    let copies = present("the copies of the inbox", copies.pop())?;
    same("the copies' mailbox", &copies.mailbox, &inbox())?;
    same("the copies", &copies.present, &uids([5, 6]))?;
    same("how many messages the page has", &b.page(&["client"]).await?.len(), &2)
}

async fn reads_back(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mail = b.mail("first", 1).bcc("hidden@client.example").content("Text \u{1f4e7} 'q' \"d\" \\ %_\n");
    let mut archived = mail.build()?;
    let parsed = &mut archived.parsed;
    parsed.html = Some("<p>Tëxt</p>".to_owned());
    parsed.in_reply_to = MessageId::parse("<parent@example.org>");
    let references = ["root@example.org", "parent@example.org", "root@example.org"];
    parsed.references = references.into_iter().filter_map(MessageId::parse).collect();
    let mut image =
        Attachment::new(CleanText::new("Bild.png"), CleanText::new("image/png"), u64::from(u32::MAX) + 1);
    image.content_id = Some(CleanText::new("cid@example.org"));
    parsed.attachments = vec![image, Attachment::new(CleanText::default(), CleanText::new("a/b"), 0)];
    parsed.unparsed = Some("too many parts");
    parsed.automatic = true;
    archived.copy.labels = vec![MailboxName::encode("Wichtig ü"), MailboxName::from_wire(b"\xff".to_vec())];
    archived.copy.internal_date = None;
    let mut window = inbox_window()?;
    window.copies = vec![archived.clone()];
    b.store.commit_window(&fence, &window).await?;
    let parsed = &archived.parsed;
    let message = b.message("first").await?;
    same("the message's identity", &message.key, &archived.message)?;
    same("its place in time", &message.sort_time, &archived.sort_time)?;
    same("its Message-ID", &message.message_id, &parsed.headers.message_id)?;
    same("its renditions", &message.renditions, &vec![Rendition::of(mail.rendition(), parsed)])?;
    let hidden: Vec<_> = parsed.headers.participants.iter().skip(1).cloned().collect();
    let copy = MessageCopy::new(archived.copy.clone(), UserId::new("anna")?, mail.rendition(), hidden);
    same("its copies", &message.copies, &vec![copy])?;
    let mut at = b.inbox_copies_at(&uids([1])).await?;
    same("what lies at its place", &at.pop().map(|stored| stored.copy), &Some(archived.copy))
}

async fn same_copy_twice(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let (one, two) = (b.mail("first", 1), b.mail("second", 2));
    let receipt = b.archive(&fence, &[one.clone(), one.clone()]).await?;
    same("the receipt for a copy that is twice in a window", &receipt, &WindowReceipt::new(1, 1))?;
    let message = b.message("first").await?;
    let last = b.last_change().await?;
    let receipt = b.archive(&fence, &[one.clone(), two]).await?;
    same("the receipt for a copy committed before and another", &receipt, &WindowReceipt::new(1, 1))?;
    same("the message committed twice", &b.message("first").await?, &message)?;
    same("how many copies it has", &message.copies.len(), &1)?;
    same("how many changes that made", &b.changes(last).await?.len(), &1)?;
    same("the receipt for nothing new", &b.archive(&fence, &[one]).await?, &WindowReceipt::new(0, 0))
}

async fn sort_time_stays(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1).at(1_000)]).await?;
    let position = b.page(&["client"]).await?;
    let other = AccountId::new("another")?;
    let theirs = b.begin_account(&b.practice, &other).await?;
    let mut copy = b.mail("first", 1).at(5_000).keys(&["client", "new"]).octets("other octets");
    copy.account = other;
    same("the receipt for another's copy", &b.archive(&theirs, &[copy]).await?, &WindowReceipt::new(0, 1))?;
    let again = b.mail("first", 2).at(10).keys(&["new"]).content("other content");
    same("the receipt for a second copy", &b.archive(&fence, &[again]).await?, &WindowReceipt::new(0, 1))?;
    let message = b.message("first").await?;
    same("the message's place in time", &message.sort_time, &Timestamp::from_unix(1_000))?;
    let accounts: Vec<_> = message.copies.iter().map(|copy| copy.account().as_str()).collect();
    same("whose its copies are, by place", &accounts, &vec!["account", "account", "another"])?;
    same("its place on the page", &b.page(&["client"]).await?, &position)?;
    let mut later = b.page(&["new"]).await?;
    later.retain(|found| !position.contains(found));
    same("other places of it on the page of a key that came later", &later, &Vec::new())
}

async fn renditions(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let original = b.mail("first", 3).content("pay to A");
    let forged = b.mail("first", 2).content("pay to B");
    let same_text = b.mail("first", 1).content("pay to A").octets("other trace headers");
    b.archive(&fence, std::slice::from_ref(&original)).await?;
    b.archive(&fence, &[forged.clone(), same_text.clone()]).await?;
    let message = b.message("first").await?;
    let texts: Vec<_> = message.renditions.iter().map(|rendition| rendition.text.as_str()).collect();
    same("the renditions, in the order they came", &texts, &vec!["pay to A", "pay to B"])?;
    let mut expected = vec![(original.place()?, original.sha256(), original.rendition())];
    expected.push((forged.place()?, forged.sha256(), forged.rendition()));
    expected.push((same_text.place()?, same_text.sha256(), original.rendition()));
    expected.sort();
    let copies = message.copies.into_iter();
    let copies: Vec<_> = copies.map(|copy| (copy.copy.place, copy.copy.sha256, copy.rendition)).collect();
    same("the copies, by place, and what they hold", &copies, &expected)
}

async fn without_rendition(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mut window = inbox_window()?;
    for (number, octets) in (1..).zip(["one", "two", "one"]) {
        let mut archived = b.mail("first", number).octets(octets).build()?;
        archived.parsed.rendition = None;
        window.copies.push(archived);
    }
    same("the receipt", &b.store.commit_window(&fence, &window).await?, &WindowReceipt::new(1, 3))?;
    let Message { renditions, copies, .. } = b.message("first").await?;
    same("how many renditions there are", &renditions.len(), &2)?;
    let first = copies.first().map(|copy| copy.rendition);
    same("the first copy's rendition", &first, &renditions.first().map(|rendition| rendition.digest))?;
    same("the third copy's rendition", &copies.get(2).map(|copy| copy.rendition), &first)
}

async fn place_reused(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let (before, after) = (b.mail("first", 1), b.mail("second", 1).octets("others"));
    b.archive(&fence, &[before, b.mail("third", 2)]).await?;
    let receipt = b.archive(&fence, std::slice::from_ref(&after)).await?;
    same("the receipt", &receipt, &WindowReceipt::new(1, 1))?;
    let at = b.inbox_copies_at(&uids([1])).await?;
    same("how many copies lie at the place", &at.len(), &1)?;
    let stored = present("the copy at the place", at.first())?;
    same("whose copy lies there", &stored.message, &message_key("second"))?;
    same("what lies there", &stored.copy, &after.copy()?)?;
    same("the copies of the message that was there", &b.message("first").await?.copies, &Vec::new())?;
    same("the copies of the message that is there", &b.message("second").await?.copies.len(), &1)?;
    same("how many messages the page has", &b.page(&["client"]).await?.len(), &3)?;
    let copies = b.copies().await?;
    same("the copies", &copies.first().map(|copies| &copies.present), &Some(&uids([1, 2])))?;

    let other_octets = b.mail("second", 1).octets("others still").content("new content");
    let receipt = b.archive(&fence, std::slice::from_ref(&other_octets)).await?;
    same("the receipt for the same message in other octets", &receipt, &WindowReceipt::new(0, 1))?;
    let message = b.message("second").await?;
    let held: Vec<_> = message.copies.iter().map(|copy| (copy.copy.sha256, copy.rendition)).collect();
    same("its copies", &held, &vec![(other_octets.sha256(), other_octets.rendition())])
}

fn gap(number: u32, attempts: u32) -> Outcome<Gap> {
    let reasons = [GapReason::NotAnswered, GapReason::Refused, GapReason::Empty, GapReason::WrongSize];
    let reason = reasons.into_iter().nth(number as usize % 4).unwrap_or(GapReason::Empty);
    Ok(Gap::new(uid(number)?, reason, attempts, Timestamp::from_unix(1_900_000_000 + i64::from(attempts))))
}

async fn gaps(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mut window = inbox_window()?;
    window.gaps = vec![gap(9, 1)?, gap(3, 1)?, gap(5, 1)?, gap(6, 1)?, gap(3, 2)?, gap(u32::MAX, 1)?];
    b.store.commit_window(&fence, &window).await?;
    let expected = vec![gap(3, 2)?, gap(5, 1)?, gap(6, 1)?, gap(9, 1)?, gap(u32::MAX, 1)?];
    same("the gaps, by UID, of one the last", &b.inbox_state().await?.gaps, &expected)?;
    let mut window = inbox_window()?;
    window.gaps = vec![gap(9, 2)?];
    window.seen = uids([5]);
    window.gaps_closed = uids([6, 100, u32::MAX]);
    b.store.commit_window(&fence, &window).await?;
    let state = b.inbox_state().await?;
    same("the gaps after one was tried and three were closed", &state.gaps, &vec![gap(3, 2)?, gap(9, 2)?])?;
    same("what was seen: a closed gap is not", &state.cursor.seen, &uids([5]))
}

async fn octets_by_day(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let today = async || {
        Ok::<_, crate::error::Error>(b.store.sync_state(&b.practice, &b.account).await?.octets_today)
    };
    let mut window = inbox_window()?;
    window.octets_read = 5_000_000_000;
    b.store.commit_window(&fence, &window).await?;
    window.octets_read = 11;
    b.store.commit_window(&fence, &window).await?;
    let end = PassEnd { octets_read: 7, ..PassEnd::default() };
    b.store.end_pass(&fence, &end).await?;
    same("the octets read today", &today().await?, &5_000_000_018)?;
    b.store.renew_lease(&fence, 200_000).await?;
    b.clock.advance(86_400);
    same("the octets read on the next day", &today().await?, &0)?;
    b.store.commit_window(&fence, &window).await?;
    same("the octets read on the next day, after a window", &today().await?, &11)
}

async fn status(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let status = MailboxStatus::new(0, u32::MAX, None, Some(ModSeq(i64::MAX.unsigned_abs())));
    let mut finished = inbox_window()?;
    finished.finished = Some(status);
    b.store.commit_window(&fence, &finished).await?;
    same("the status at the end", &b.inbox_state().await?.cursor.status, &Some(status))?;
    b.see(&fence, uids([1])).await?;
    let cursor = b.inbox_state().await?.cursor;
    same("the status after a window that is not the last", &cursor.status, &None)?;
    same("when to look again", &cursor.look_again_at, &None)
}

async fn extreme_uids(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails = [b.mail("first", 1).under(u32::MAX), b.mail("last", u32::MAX).under(u32::MAX)];
    b.archive(&fence, &mails).await?;
    let mut all = UidSet::new();
    all.insert_range(uid(1)?, uid(u32::MAX)?);
    let found = b.store.copies_at(&b.practice, &b.account, &inbox(), validity(u32::MAX)?, &all).await?;
    let found: Vec<_> = found.iter().map(|stored| stored.copy.place.uid.get()).collect();
    same("the copies at all places there can be", &found, &vec![1, u32::MAX])?;
    let mut window = Window::new(inbox(), validity(u32::MAX)?);
    window.seen = all.clone();
    b.store.commit_window(&fence, &window).await?;
    same("what was seen", &b.inbox_state().await?.cursor.seen, &all)?;
    let none = b.inbox_copies_at(&UidSet::new()).await?;
    same("the copies at no places", &none.len(), &0)
}

async fn odd_mailboxes(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mut names: Vec<_> = [
        &b"Entw&APw-rfe"[..],
        b"Entw\xc3\xbcrfe",
        b"x\xff\xfe",
        b"x\xff",
        b"a'b\"c%_*\\",
        b"sent",
        b"Sent",
        b" ",
    ]
    .into_iter()
    .map(MailboxName::from_wire)
    .collect();
    for name in &names {
        b.archive(&fence, &[b.mail("first", 7).lies_in(name.clone())]).await?;
    }
    names.sort();
    let state = b.store.sync_state(&b.practice, &b.account).await?;
    let found: Vec<_> = state.mailboxes.iter().map(|mailbox| mailbox.name.clone()).collect();
    hold(found == names, || format!("of {} mailboxes {} are there, by name", names.len(), found.len()))?;
    let copies = b.copies().await?;
    hold(copies.iter().map(|copies| &copies.mailbox).eq(&names), || {
        "copies lie in other mailboxes".to_owned()
    })?;
    for name in &names {
        let at = b.store.copies_at(&b.practice, &b.account, name, validity(1)?, &uids([7])).await?;
        let places: Vec<_> = at.into_iter().map(|stored| stored.copy.place).collect();
        same("the copy in one of them", &places, &vec![b.mail("first", 7).lies_in(name.clone()).place()?])?;
    }
    same("how many copies the message has", &b.message("first").await?.copies.len(), &names.len())
}

async fn odd_texts(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let texts = [
        String::new(),
        "ü\u{1f469}\u{200d}\u{1f4bb}'\";--\\0 %s $1 ?1 :x \u{feff}\u{202e}\u{fffd}\r\n\t\u{1}\u{7f}"
            .to_owned(),
        "Zeile \u{1f4e7}\r\n".repeat(18_000),
    ];
    for (number, text) in (1..).zip(&texts) {
        let name = format!("{number}'\"ü");
        b.archive(&fence, &[b.mail(&name, number).content(text)]).await?;
        let message = b.message(&name).await?;
        let found = present("a rendition", message.renditions.first())?;
        hold(found.text == *text, || format!("text {number} of {} octets is another", text.len()))?;
    }
    let long = "x".repeat(990);
    let attachments: Vec<_> = (0..500)
        .map(|n| Attachment::new(CleanText::new(&format!("{n} ü.pdf")), CleanText::new("a/b"), n))
        .collect();
    let mut archived = b.mail(&long, 10).build()?;
    archived.parsed.html = texts.last().cloned();
    archived.parsed.attachments = attachments.clone();
    archived.parsed.references = (0..100).filter_map(|n| MessageId::parse(&format!("{n}{long}@x"))).collect();
    let mut window = inbox_window()?;
    window.copies = vec![archived.clone()];
    b.store.commit_window(&fence, &window).await?;
    let message = b.message(&long).await?;
    let expected = Rendition::of(Digest::of(b"content"), &archived.parsed);
    hold(message.renditions == [expected], || "a message with long lists reads back as another".to_owned())
}

async fn large_window(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails: Vec<_> = (1..=200).map(|n| b.mail(&format!("message {n}"), n).at(i64::from(n))).collect();
    same("the receipt", &b.archive(&fence, &mails).await?, &WindowReceipt::new(200, 200))?;
    same("how many messages the page has", &b.page(&["client"]).await?.len(), &200)?;
    let copies = b.copies().await?;
    same("the copies", &copies.first().map(|copies| &copies.present), &Some(&uids(1..=200)))?;
    let wanted: Vec<Uid> = uids([3, 77, 200]).iter().collect();
    let at = b.inbox_copies_at(&uids([3, 77, 200, 201])).await?;
    let places: Vec<CopyPlace> = at.into_iter().map(|stored| stored.copy.place).collect();
    same("some of them", &places.iter().map(|place| place.uid).collect(), &wanted)
}
