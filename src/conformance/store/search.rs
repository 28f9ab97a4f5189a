//! A2: searching.

use super::bench::{Bench, keys, message_key};
use crate::conformance::check::{Check, Outcome, same};
use crate::settings::Sharing;
use crate::types::{AccountId, PracticeId, SearchTerms, UserId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "A2",
        name: "terms are found wherever they may stand, in any spelling",
        run: |b| Box::pin(places(b)),
    },
    Check { clause: "A2", name: "all terms stand in one rendition", run: |b| Box::pin(one_rendition(b)) },
    Check { clause: "A2", name: "a text is searched by whoever may read it", run: |b| Box::pin(readable(b)) },
    Check { clause: "A2", name: "who sent a text searches it", run: |b| Box::pin(sent(b)) },
    Check {
        clause: "A2",
        name: "what is found carries the keys, in its practice",
        run: |b| Box::pin(keys_too(b)),
    },
];

const NAMES: [&str; 3] = ["first", "second", "sent"];

/// What a user, or the system, finds by these terms.
async fn find(b: &Bench, terms: &str, user: Option<&str>) -> Outcome<Vec<&'static str>> {
    let mut query = b.of_client()?;
    query.filter.terms = SearchTerms::parse(terms);
    query.filter.seen_by = user.map(UserId::new).transpose()?;
    b.names_of(&query, &NAMES).await
}

async fn places(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let first = b.mail("first", 1).subject("Fällige Ｒechnung 2025").people(&["client", "lawyer"]).at(2);
    let first =
        first.bcc("secret@client.example").content("Line one\nthe VAT-return, straße, 東京都, Ω, क्षेत्र");
    b.archive(&fence, &[first.attachment("Bilanz.pdf"), b.mail("second", 2).subject("Other").at(1)]).await?;
    let (found, nothing): (&[&str], &[&str]) = (&["first"], &[]);
    let cases = [
        ("rechnung", found),
        ("FALLIG", found),
        ("echnung", nothing),
        ("lawyer", found),
        ("lawyer@client.example", found),
        ("kunde", &["first", "second"]),
        ("secret", nothing),
        ("bilanz pdf", found),
        ("\"vat return\"", found),
        ("\"return vat\"", nothing),
        ("\"the vat ret\"", found),
        ("\"one the\"", found),
        ("\"fallige rechnung 20\"", found),
        ("strasse", nothing),
        ("stra", found),
        ("東京", found),
        ("京都", nothing),
        ("ω", found),
        ("क्षे", found),
        ("rechnung kunde one bilanz", found),
        ("rechnung absent", nothing),
        // Neither from one text into the next nor from a column into another.
        ("\"2025 der\"", nothing),
        ("\"example der\"", nothing),
        ("other", &["second"]),
        ("\" OR NEAR(* head:", nothing),
    ];
    for (terms, expected) in cases {
        same(&format!("what is found by {terms}"), &find(b, terms, None).await?, &expected.to_vec())?;
        same("what its owner finds", &find(b, terms, Some("anna")).await?, &expected.to_vec())?;
    }
    Ok(())
}

async fn one_rendition(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mail = |number, content| b.mail("first", number).content(content);
    b.archive(&fence, &[mail(1, "apples and pears"), mail(2, "plums")]).await?;
    for (terms, expected) in [("apples pears", 1), ("plums", 1), ("about plums", 1), ("apples plums", 0)] {
        same(&format!("what is found by {terms}"), &find(b, terms, None).await?.len(), &expected)?;
    }
    Ok(())
}

async fn readable(b: &Bench) -> Outcome {
    let annas = b.begin_user("account", "anna", Sharing::HeadersOnly).await?;
    let bens = b.begin_user("ben's", "ben", Sharing::Full).await?;
    let mine = b.mail("first", 1).content("apples").attachment("pears.pdf").at(2);
    b.archive(&annas, &[mine]).await?;
    let message = b.message("first").await?;
    let told: Vec<_> = message.copies.iter().map(|copy| copy.headers_only).collect();
    same("whether headers only are shared", &told, &vec![true])?;
    for terms in ["apples", "pears", "about apples"] {
        same("what the owner finds", &find(b, terms, Some("anna")).await?, &vec!["first"])?;
        same("what the system finds", &find(b, terms, None).await?, &vec!["first"])?;
        same("what a colleague finds", &find(b, terms, Some("carl")).await?, &Vec::new())?;
    }
    same("a colleague, by the subject", &find(b, "about", Some("carl")).await?, &vec!["first"])?;
    // A colleague's copy of another rendition opens that one only.
    let theirs = b.mail("first", 1).content("plums").at(2).of_account(&AccountId::new("ben's")?);
    b.archive(&bens, &[theirs]).await?;
    same("the text of one's own copy", &find(b, "plums", Some("ben")).await?, &vec!["first"])?;
    same("the text that is shared", &find(b, "plums", Some("carl")).await?, &vec!["first"])?;
    same("the other text", &find(b, "apples", Some("ben")).await?, &Vec::new())?;
    b.store.hide(&b.practice, message_key("first"), &UserId::new("ben")?, true).await?;
    same("a text whose owner hid it", &find(b, "plums", Some("carl")).await?, &Vec::new())?;
    same("its subject, which another shows", &find(b, "about", Some("carl")).await?, &vec!["first"])?;
    same("its owner", &find(b, "plums", Some("ben")).await?, &vec!["first"])?;
    b.begin_user("account", "anna", Sharing::Full).await?;
    same("what is shared since", &find(b, "apples", Some("carl")).await?, &vec!["first"])
}

async fn sent(b: &Bench) -> Outcome {
    b.begin().await?;
    b.send_after_all("sent").await?;
    same("the author", &find(b, "content", Some("anna")).await?, &vec!["sent"])?;
    same("a colleague, by the subject", &find(b, "about", Some("carl")).await?, &vec!["sent"])?;
    same("a colleague, by the text", &find(b, "content", Some("carl")).await?, &vec!["sent"])?;
    b.begin_user("account", "anna", Sharing::HeadersOnly).await?;
    same("the author, who shares headers only", &find(b, "content", Some("anna")).await?, &vec!["sent"])?;
    same("a colleague, by the text of it", &find(b, "content", Some("carl")).await?, &Vec::new())
}

async fn keys_too(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1).at(2), b.mail("second", 2).keys(&["other"]).at(1)]).await?;
    same("what is found by one key", &find(b, "about", None).await?, &vec!["first"])?;
    b.archive(&fence, &[b.mail("second", 3).keys(&["client"]).octets("again").at(1)]).await?;
    same("with the key it gained", &find(b, "about", None).await?, &vec!["first", "second"])?;
    let mut query = b.of_client()?;
    query.filter.terms = SearchTerms::parse("about");
    let many: Vec<String> = (0..300).map(|number| format!("many{number}")).collect();
    query.keys.extend(keys(&many.iter().map(String::as_str).collect::<Vec<_>>())?);
    same("with hundreds of keys more", &b.names_of(&query, &NAMES).await?, &vec!["first", "second"])?;
    query.practice = PracticeId::new("another")?;
    same("in another practice", &b.names_of(&query, &NAMES).await?, &Vec::new())
}
