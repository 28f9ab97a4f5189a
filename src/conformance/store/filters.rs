//! S8: pages with a filter; S9: what a message is found by.

use super::bench::{Bench, keys, message_key};
use crate::conformance::check::{Check, Outcome, same};
use crate::contract::{PageFilter, PagePosition, PageQuery};
use crate::settings::Sharing;
use crate::types::{AccountId, SearchTerms, Timestamp, UserId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "S8", name: "a page has what passes each filter", run: |b| Box::pin(each(b)) },
    Check {
        clause: "S8",
        name: "a filtered page goes on where it stopped, whatever the limit",
        run: |b| Box::pin(paged(b)),
    },
    Check {
        clause: "S9",
        name: "whether a message is found by all of some keys",
        run: |b| Box::pin(is_indexed(b)),
    },
];

const NAMES: [&str; 4] = ["one", "two", "three", "four"];

/// Four messages: of anna's the first, third and fourth, of ben's the second and third.
async fn fill(b: &Bench) -> Outcome {
    let annas = b.begin_user("account", "anna", Sharing::Full).await?;
    let bens = b.begin_user("ben's", "ben", Sharing::Full).await?;
    let mail = |name, number, at| b.mail(name, number).at(at).keys(&["client"]);
    let mails = [
        mail("one", 1, 100),
        mail("three", 3, 300).attachment("a.pdf"),
        mail("four", 4, 400).keys(&["client", "lawyer"]),
    ];
    b.archive(&annas, &mails).await?;
    let ben = AccountId::new("ben's")?;
    let theirs = |name, number, at| mail(name, number, at).of_account(&ben);
    b.archive(
        &bens,
        &[theirs("two", 1, 200).keys(&["client", "bank"]), theirs("three", 2, 300).attachment("a.pdf")],
    )
    .await?;
    Ok(())
}

async fn each(b: &Bench) -> Outcome {
    fill(b).await?;
    let user = |name: &str| Ok::<_, crate::types::InvalidId>(Some(UserId::new(name)?));
    let at = |seconds| Some(Timestamp::from_unix(seconds));
    let any = PageFilter::default;
    let cases: Vec<(&str, PageFilter, &[&str])> = vec![
        ("nothing", any(), &["four", "three", "two", "one"]),
        ("anna", PageFilter { user: user("anna")?, ..any() }, &["four", "three", "one"]),
        ("ben", PageFilter { user: user("ben")?, ..any() }, &["three", "two"]),
        ("nobody", PageFilter { user: user("nobody")?, ..any() }, &[]),
        ("since", PageFilter { since: at(300), ..any() }, &["four", "three"]),
        ("until", PageFilter { until: at(300), ..any() }, &["two", "one"]),
        ("between", PageFilter { since: at(200), until: at(400), ..any() }, &["three", "two"]),
        ("never", PageFilter { since: at(400), until: at(200), ..any() }, &[]),
        ("attachments", PageFilter { attachments: Some(true), ..any() }, &["three"]),
        ("no attachments", PageFilter { attachments: Some(false), ..any() }, &["four", "two", "one"]),
        (
            "without",
            PageFilter { without: keys(&["bank", "other"])?.into_iter().collect(), ..any() },
            &["four", "three", "one"],
        ),
        ("terms", PageFilter { terms: SearchTerms::parse("about three"), ..any() }, &["three"]),
        (
            "all",
            PageFilter {
                seen_by: user("ben")?,
                user: user("anna")?,
                since: at(100),
                until: at(400),
                attachments: Some(false),
                without: keys(&["lawyer"])?.into_iter().collect(),
                terms: SearchTerms::parse("about"),
            },
            &["one"],
        ),
    ];
    for (what, filter, expected) in cases {
        let found = b.names_of(&b.of_client()?.filter(filter), &NAMES).await?;
        same(&format!("the page, filtered by {what}"), &found, &expected.to_vec())?;
    }
    Ok(())
}

async fn paged(b: &Bench) -> Outcome {
    let annas = b.begin_user("account", "anna", Sharing::Full).await?;
    let bens = b.begin_user("ben's", "ben", Sharing::Full).await?;
    let ben = AccountId::new("ben's")?;
    let (mut ours, mut theirs, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=90u32 {
        // Three a second: ties are in the way too.
        let mail = b.mail(&format!("m{number}"), number).at(i64::from(number / 3)).keys(&["client", "other"]);
        if number % 5 == 0 {
            let at = Timestamp::from_unix(i64::from(number / 3));
            expected.push(PagePosition::new(at, message_key(&format!("m{number}"))));
            theirs.push(mail.of_account(&ben));
        } else {
            ours.push(mail);
        }
    }
    b.archive(&annas, &ours).await?;
    b.archive(&bens, &theirs).await?;
    expected.sort_by(|one, two| two.cmp(one));
    let whole = PageQuery::new(b.practice.clone(), keys(&["client", "other"])?, 0);
    for (limit, terms) in [(1, None), (4, None), (1_000, None), (1, Some("about")), (4, Some("about"))] {
        let mut found: Vec<PagePosition> = Vec::new();
        for _ in 0..=expected.len() {
            let mut query = whole.clone().before(found.last().copied());
            query.limit = limit;
            query.filter.user = Some(UserId::new("ben")?);
            query.filter.terms = terms.and_then(SearchTerms::parse);
            found.extend(b.store.page(&query).await?);
        }
        same(&format!("the pages of {limit}"), &found, &expected)?;
    }
    Ok(())
}

async fn is_indexed(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1).keys(&["one", "two"]), b.mail("second", 2).keys(&["three"])])
        .await?;
    let cases: [(&str, &[&str], bool); 6] = [
        ("first", &["one", "two"], true),
        ("first", &["two"], true),
        ("first", &[], true),
        ("first", &["one", "three"], false),
        ("second", &["one"], false),
        ("unknown", &[], false),
    ];
    for (name, of, expected) in cases {
        let found =
            b.store.is_indexed(&b.practice, message_key(name), &keys(of)?.into_iter().collect()).await?;
        same(&format!("whether {name} is found by {of:?}"), &found, &expected)?;
    }
    Ok(())
}
