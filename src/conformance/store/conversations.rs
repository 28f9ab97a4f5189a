//! A3, A4: which messages are one conversation, and what it is called.

use std::collections::{BTreeMap, BTreeSet};

use super::bench::{Bench, keys, message_key};
use super::mail::Mail;
use crate::conformance::check::{Check, Outcome, present, same};
use crate::settings::Sharing;
use crate::types::{AccountId, ConversationId, MessageId, PracticeId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "A3",
        name: "what names a Message-ID in common, and somebody, is one conversation",
        run: |b| Box::pin(named(b)),
    },
    Check {
        clause: "A3",
        name: "an answer that came before what it answers is part of its conversation",
        run: |b| Box::pin(any_order(b)),
    },
    Check {
        clause: "A3",
        name: "a provider's conversation counts in its account",
        run: |b| Box::pin(threads(b)),
    },
    Check {
        clause: "A3",
        name: "a further copy of a message may join what was apart",
        run: |b| Box::pin(further_copies(b)),
    },
    Check {
        clause: "A3",
        name: "what was sent is part of a conversation",
        run: |b| Box::pin(what_was_sent(b)),
    },
    Check {
        clause: "A4",
        name: "the oldest keeps its id, and the others' name it",
        run: |b| Box::pin(ids(b)),
    },
    Check {
        clause: "A4",
        name: "a page of a conversation has what carries the keys",
        run: |b| Box::pin(page(b)),
    },
];

/// The messages of these names, by conversation, in the order in which they are given.
async fn groups(b: &Bench, names: &[&'static str]) -> Outcome<Vec<Vec<&'static str>>> {
    let mut groups: BTreeMap<ConversationId, Vec<&str>> = BTreeMap::new();
    for name in names {
        groups.entry(b.message(name).await?.conversation).or_default().push(name);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| group.first().and_then(|first| names.iter().position(|name| name == first)));
    Ok(groups)
}

async fn named(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails = [
        b.mail("root", 1),
        b.mail("answer", 2).answers("root"),
        b.mail("far", 3).references(&["nowhere", "root"]),
        b.mail("stranger", 4).answers("root").people(&["stranger"]),
        b.mail("guest", 5).answers("root").people(&["stranger", "guest"]).bcc("client@client.example"),
        b.mail("sibling", 6).answers("unknown"),
        b.mail("twin", 7).references(&["unknown"]),
        b.mail("alike", 8).subject("About root"),
    ];
    b.archive(&fence, &mails).await?;
    let names = ["root", "answer", "far", "stranger", "guest", "sibling", "twin", "alike"];
    let expected = [&["root", "answer", "far"][..], &["stranger", "guest"], &["sibling", "twin"], &["alike"]];
    same("the conversations", &groups(b, &names).await?, &expected.map(<[_]>::to_vec).to_vec())
}

/// Four messages in a row, each of which has somebody in common with its neighbours only.
fn chain(b: &Bench) -> [Mail; 4] {
    [
        b.mail("one", 1).people(&["a", "b"]),
        b.mail("two", 2).people(&["b", "c"]).answers("one"),
        b.mail("three", 3).people(&["c", "d"]).answers("two"),
        b.mail("four", 4).people(&["d", "e"]).answers("three"),
    ]
}

async fn any_order(b: &Bench) -> Outcome {
    let names = ["one", "two", "three", "four"];
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 3, 1], [3, 0, 2, 1], [1, 3, 0, 2], [2, 0, 1, 3]];
    for (order, number) in orders.into_iter().zip(0..) {
        // Each in a practice of its own.
        let practice = PracticeId::new(format!("practice {number}"))?;
        let fence = b.begin_account(&practice, &b.account).await?;
        for at in order {
            b.archive(&fence, &[present("a message", chain(b).into_iter().nth(at))?]).await?;
        }
        let mut found = BTreeSet::new();
        for name in names {
            let messages = b.store.messages(&practice, &[message_key(name)]).await?;
            found.extend(messages.into_iter().map(|message| message.conversation));
        }
        same(&format!("how many conversations there are of the order {order:?}"), &found.len(), &1)?;
    }
    Ok(())
}

async fn threads(b: &Bench) -> Outcome {
    let annas = b.begin_user("account", "anna", Sharing::Full).await?;
    let bens = b.begin_user("ben's", "ben", Sharing::Full).await?;
    let mails = [
        b.mail("one", 1).thread("t"),
        b.mail("two", 2).thread("t"),
        b.mail("other", 3).thread("u"),
        b.mail("stranger", 4).thread("t").people(&["stranger"]),
    ];
    b.archive(&annas, &mails).await?;
    b.archive(&bens, &[b.mail("ben's", 1).thread("t").of_account(&AccountId::new("ben's")?)]).await?;
    let names = ["one", "two", "other", "stranger", "ben's"];
    let expected = [&["one", "two"][..], &["other"], &["stranger"], &["ben's"]];
    same("the conversations", &groups(b, &names).await?, &expected.map(<[_]>::to_vec).to_vec())
}

async fn further_copies(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let first = b.mail("first", 1).people(&["a"]);
    b.archive(&fence, &[first, b.mail("second", 2).people(&["b"]).answers("first")]).await?;
    let names = ["first", "second"];
    same("the conversations", &groups(b, &names).await?.len(), &2)?;
    // The list's copy shows more people.
    b.archive(&fence, &[b.mail("first", 3).people(&["a", "b"]).content("by the list")]).await?;
    same("the conversations then", &groups(b, &names).await?.len(), &1)
}

async fn what_was_sent(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("answer", 1).answers("sent")]).await?;
    b.send_after_all("sent").await?;
    same("the conversations", &groups(b, &["answer", "sent"]).await?.len(), &1)?;
    // The provider filed it under another Message-ID, which is what is answered.
    let mut filed = b.mail("sent", 2).octets("filed").build()?;
    filed.parsed.headers.message_id = MessageId::parse("rewritten");
    let mut window = super::bench::inbox_window()?;
    window.copies = vec![filed];
    b.store.commit_window(&fence, &window).await?;
    b.archive(&fence, &[b.mail("late", 3).answers("rewritten")]).await?;
    same("the conversations then", &groups(b, &["answer", "sent", "late"]).await?.len(), &1)
}

/// What the id that a message began names.
async fn names(b: &Bench, name: &str) -> Outcome<Option<ConversationId>> {
    Ok(b.store.conversation(&b.practice, ConversationId::begun_by(message_key(name))).await?)
}

async fn ids(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let begun = |name| Some(ConversationId::begun_by(message_key(name)));
    // The times say nothing: what counts is which was here first.
    let apart = [b.mail("one", 1).at(900), b.mail("two", 2).at(500), b.mail("three", 3).at(100)];
    b.archive(&fence, &apart).await?;
    for name in ["one", "two", "three"] {
        same("what a conversation by itself is called", &names(b, name).await?, &begun(name))?;
    }
    b.archive(&fence, &[b.mail("between", 4).references(&["two", "three"])]).await?;
    for (name, expected) in [("one", "one"), ("two", "two"), ("three", "two")] {
        same(&format!("what {name} names, two being one"), &names(b, name).await?, &begun(expected))?;
    }
    b.archive(&fence, &[b.mail("all", 5).references(&["three", "one"])]).await?;
    for name in ["one", "two", "three"] {
        same(&format!("what {name} names, all being one"), &names(b, name).await?, &begun("one"))?;
    }
    same("what an unknown id names", &names(b, "unknown").await?, &None)
}

async fn page(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails = [
        b.mail("one", 1).at(1),
        b.mail("two", 2).at(2),
        b.mail("three", 3).at(3).references(&["one", "two"]),
        b.mail("private", 4).at(4).answers("one").keys(&["other"]),
        b.mail("apart", 5).at(5),
    ];
    b.archive(&fence, &mails).await?;
    let all = ["one", "two", "three", "private", "apart"];
    for name in ["one", "two"] {
        let of_one = b.of_client()?.of_conversation(ConversationId::begun_by(message_key(name)));
        same("the conversation", &b.names_of(&of_one, &all).await?, &vec!["three", "two", "one"])?;
        let mut older = of_one.clone();
        older.before = b.store.page(&of_one).await?.into_iter().next();
        older.limit = 1;
        let page: Vec<_> = b.store.page(&older).await?.into_iter().map(|at| at.message).collect();
        same("its next page", &page, &vec![message_key("two")])?;
        let mut of_others = of_one;
        of_others.keys = keys(&["other", "nobody"])?;
        same("by another key", &b.names_of(&of_others, &all).await?, &vec!["private"])?;
        of_others.keys.clear();
        same("by no key", &b.names_of(&of_others, &all).await?, &Vec::new())?;
    }
    let unknown = b.of_client()?.of_conversation(ConversationId::begun_by(message_key("unknown")));
    same("an unknown conversation", &b.names_of(&unknown, &all).await?, &Vec::new())
}
