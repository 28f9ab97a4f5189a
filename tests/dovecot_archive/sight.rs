//! Who sees and finds what.

use crate::firm::{AMELIE, ANNA, BEN, Firm, Mail, PAULA, kinds, subjects};

/// B7, B8: one conversation over two users' accounts, whichever came first; never by subject alone, and a stranger who knows a
/// Message-ID joins nothing.
#[test]
fn a_conversation_spans_accounts_and_needs_a_participant_in_common() {
    let firm = Firm::open(&["anna", "ben"]);
    // History is read newest first: the answer to the answer is archived before both.
    firm.put("anna", "INBOX", &Mail::new("ask", PAULA, ANNA).subject("Year end"));
    firm.put("ben", "Sent", &Mail::new("answer", BEN, PAULA).answers("ask").subject("Re: Year end"));
    firm.put("anna", "INBOX", &Mail::new("thanks", PAULA, BEN).answers("answer").subject("Re: Re: Year end"));
    firm.put("anna", "INBOX", &Mail::new("other", PAULA, ANNA).subject("Year end"));
    firm.put(
        "anna",
        "INBOX",
        &Mail::new("crook", AMELIE, "carla@hale.example").answers("ask").subject("Year end"),
    );
    firm.sync();
    let listed = firm.ok(&["conversations", "--client", "bakery"]);
    let rows = listed["conversations"].as_array().unwrap();
    let mut counts: Vec<&str> = rows.iter().map(|row| row["messages"].as_str().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, ["1", "3"], "{listed}");
    let three = rows.iter().find(|row| row["messages"] == "3").unwrap();
    let one = firm.ok(&["conversations", "--client", "bakery", "--id", three["id"].as_str().unwrap()]);
    let mut found = subjects(&one);
    found.sort();
    assert_eq!(found, ["Re: Re: Year end", "Re: Year end", "Year end"]);
    let theirs = firm.ok(&["conversations", "--client", "cafe"]);
    assert_eq!(theirs["conversations"][0]["messages"], "1", "{theirs}");
    // Every page of one ends where the next begins.
    let first = firm.ok(&["conversations", "--client", "bakery", "--limit", "1"]);
    let next = first["next"].as_str().unwrap();
    let second = firm.ok(&["conversations", "--client", "bakery", "--limit", "1", "--before", next]);
    assert_ne!(first["conversations"][0]["id"], second["conversations"][0]["id"]);
    assert_eq!(second["next"], serde_json::Value::Null);
}

/// B16: words of subject, participants, text and file names; every word counts, accents and case do not.
#[test]
fn words_are_found_where_they_stand() {
    let firm = Firm::open(&["anna"]);
    firm.put(
        "anna",
        "INBOX",
        &Mail::new("one", "Paula Möller <paula@bakery.example>", ANNA).subject("Annual accounts"),
    );
    firm.put(
        "anna",
        "INBOX",
        &Mail::new("two", PAULA, ANNA).text("The invoice is attached.").with_file("Kassenbuch.pdf", b"x"),
    );
    firm.put("anna", "INBOX", &Mail::new("three", AMELIE, ANNA).subject("Annual accounts"));
    firm.sync();
    for (words, found) in [
        ("annual", &["Annual accounts"][..]),
        ("accounts annual", &["Annual accounts"]),
        ("\"accounts annual\"", &[]),
        ("moller", &["Annual accounts"]),
        ("INVOI", &["About two"]),
        ("kassenbuch", &["About two"]),
        ("invoice annual", &[]),
        ("bakery", &["About two", "Annual accounts"]),
        ("') OR 1=1 -- *", &[]),
    ] {
        let mut subjects = firm.search("bakery", words, "anna");
        subjects.sort();
        assert_eq!(subjects, found, "{words}");
    }
    assert_eq!(firm.refused(&["search", "--client", "bakery", "--query", "…"]), "invalid");
}

/// B20: what a user hides is theirs alone: on tabs, in counts, searches, exports, the feed and by its id.
#[test]
fn a_hidden_message_is_its_users_alone() {
    let firm = Firm::open(&["anna", "ben"]);
    firm.put("ben", "INBOX", &Mail::new("secret", PAULA, BEN));
    firm.put("ben", "INBOX", &Mail::new("plain", PAULA, BEN));
    let both = Mail::new("both", PAULA, "ben@hale.example, anna@hale.example");
    firm.put("ben", "INBOX", &both);
    firm.put("anna", "INBOX", &both);
    firm.sync();
    let last = firm.ok(&["changes"])["changes"].as_array().unwrap().len().to_string();
    let (secret, shared) = (firm.id("bakery", "About secret"), firm.id("bakery", "About both"));
    assert_eq!(
        firm.refused(&["hide", "--id", &secret, "--as", "anna"]),
        "not_found",
        "she has no copy of it"
    );
    assert_eq!(firm.ok(&["hide", "--id", &secret, "--as", "ben"])["changed"], true);
    firm.ok(&["hide", "--id", &shared, "--as", "ben"]);
    let sorted = |viewer: &str| {
        let mut tab = firm.tab("bakery", viewer);
        tab.sort();
        tab
    };
    assert_eq!(sorted("ben"), ["About both", "About plain", "About secret"]);
    assert_eq!(sorted("anna"), ["About both", "About plain"], "her own copy she sees");
    let page = firm.ok(&["tab", "--client", "bakery", "--as", "anna"]);
    assert_eq!(page["count"], "2");
    let row = page["messages"].as_array().unwrap().iter().find(|row| row["subject"] == "About both").unwrap();
    assert_eq!(row["copies"].as_array().unwrap().len(), 1, "Ben's copy is not hers to see: {row}");
    assert_eq!(firm.search("bakery", "secret", "anna"), Vec::<String>::new());
    assert_eq!(firm.search("bakery", "secret", "ben"), ["About secret"]);
    assert_eq!(firm.refused(&["show", "--id", &secret, "--as", "anna"]), "not_found");
    assert!(firm.ok(&["show", "--id", &secret, "--as", "ben"])["text"].as_str().unwrap().contains("secret"));
    let out = firm.file("anna.jsonl");
    let out = out.to_str().unwrap();
    let told = firm.ok(&["export", "--format", "jsonl", "--out", out, "--client", "bakery", "--as", "anna"]);
    assert_eq!(told["lines"], 2);
    let feed = firm.ok(&["changes", "--after", &last]);
    assert_eq!(kinds(&feed), ["message_hidden", "message_hidden", "exported"]);
    assert_eq!((&feed["changes"][0]["by"], &feed["changes"][2]["by"]), (&"ben".into(), &"anna".into()));
    let hers = firm.ok(&["changes", "--after", &last, "--as", "anna"]);
    assert!(!hers.to_string().contains(&secret), "{hers}");
    assert_eq!(firm.ok(&["unhide", "--id", &secret, "--as", "ben"])["changed"], true);
    assert_eq!(sorted("anna").len(), 3);
}

/// B20: an account that shares headers only shows colleagues who wrote and what about; nobody's words, files or search.
#[test]
fn headers_only_is_headers_only() {
    let firm = Firm::open(&["anna", "ben"]);
    firm.connect("ben", &["--headers-only"]);
    firm.put(
        "ben",
        "INBOX",
        &Mail::new("note", PAULA, BEN).text("Marmalade.").with_file("plan.pdf", b"octets"),
    );
    firm.sync();
    let page = firm.ok(&["tab", "--client", "bakery", "--as", "anna"]);
    let row = &page["messages"][0];
    assert_eq!((&row["subject"], &row["headers_only"]), (&"About note".into(), &true.into()));
    assert_eq!((&row["snippet"], row["attachments"].as_array().unwrap().len()), (&"".into(), 0));
    assert_eq!(firm.search("bakery", "marmalade", "anna"), Vec::<String>::new());
    assert_eq!(firm.search("bakery", "plan", "anna"), Vec::<String>::new());
    assert_eq!(firm.search("bakery", "note", "anna"), ["About note"], "the subject is a header");
    assert_eq!(firm.search("bakery", "marmalade", "ben"), ["About note"]);
    let id = row["id"].as_str().unwrap();
    assert_eq!(firm.ok(&["show", "--id", id, "--as", "anna"])["text"], serde_json::Value::Null);
    let out = firm.file("plan.pdf");
    let out = out.to_str().unwrap();
    let asked = ["attachment", "--id", id, "--name", "plan.pdf", "--out", out];
    assert_eq!(firm.refused(&[&asked[..], &["--as", "anna"]].concat()), "not_found");
    firm.ok(&[&asked[..], &["--as", "ben"]].concat());
    assert_eq!(std::fs::read(out).unwrap(), b"octets");
    assert_eq!(firm.refused(&["show", "--id", id, "--raw", "--as", "anna"]), "not_found");
    // Connected again from a form that says nothing of it, it stays as closed as it was.
    firm.connect("ben", &[]);
    assert_eq!(firm.search("bakery", "marmalade", "anna"), Vec::<String>::new());
}

/// B11 and the spoofed client: whoever receives a message says whether its author is who they say, and only they.
#[test]
fn a_forged_author_is_marked() {
    let firm = Firm::open(&["anna"]);
    firm.connect("anna", &["--authentication-server", "mx.hale.example"]);
    let by = |id: &str, says: &str| {
        Mail::new(id, PAULA, ANNA)
            .field(says)
            .field("Received: from a.example by mx.hale.example; Mon, 02 Nov 2026 09:00:00 +0000")
    };
    firm.put(
        "anna",
        "INBOX",
        &by("good", "Authentication-Results: mx.hale.example; dmarc=pass header.from=bakery.example"),
    );
    firm.put(
        "anna",
        "INBOX",
        &by("bad", "Authentication-Results: mx.hale.example; dmarc=fail header.from=bakery.example"),
    );
    let own = Mail::new("own", PAULA, ANNA)
        .field("Received: from a.example by mx.hale.example; Mon, 02 Nov 2026 09:00:00 +0000")
        .field("Authentication-Results: mx.elsewhere.example; dmarc=pass header.from=bakery.example");
    firm.put("anna", "INBOX", &own);
    firm.sync();
    let page = firm.ok(&["tab", "--client", "bakery"]);
    for (subject, expected) in [("About good", "pass"), ("About bad", "fail"), ("About own", "unknown")] {
        let row = page["messages"].as_array().unwrap().iter().find(|row| row["subject"] == subject).unwrap();
        assert_eq!(row["authenticity"], expected, "{subject}");
    }
}

/// B7: a forged resend with other content is a second version, neither merged nor hidden.
#[test]
fn a_second_content_under_one_identity_shows_as_a_version() {
    let firm = Firm::open(&["anna", "ben"]);
    firm.put("anna", "INBOX", &Mail::new("bank", PAULA, ANNA).text("Account 1111."));
    firm.put("ben", "INBOX", &Mail::new("bank", PAULA, ANNA).text("Account 9999."));
    firm.sync();
    let page = firm.ok(&["tab", "--client", "bakery"]);
    assert_eq!(
        (page["messages"].as_array().unwrap().len(), &page["messages"][0]["versions"]),
        (1, &2.into())
    );
    let shown = firm.ok(&["show", "--id", page["messages"][0]["id"].as_str().unwrap()]);
    let mut texts: Vec<&str> = shown["contents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["text"].as_str().unwrap().trim())
        .collect();
    texts.sort_unstable();
    assert_eq!(texts, ["Account 1111.", "Account 9999."]);
    for words in ["1111", "9999"] {
        assert_eq!(firm.search("bakery", words, "carla"), ["About bank"]);
    }
}

/// B20: whom a user sent something in secret is theirs to know, in the octets too; on received mail anybody may have written the field.
#[test]
fn bcc_is_its_authors() {
    let firm = Firm::open(&["anna", "ben"]);
    let secret =
        Mail::new("secret", ANNA, "x@else.example").field("Bcc: paula@bakery.example, other@else.example");
    firm.put("anna", "Sent", &secret);
    firm.put(
        "ben",
        "INBOX",
        &Mail::new("trick", AMELIE, BEN).field("Bcc: paula@bakery.example, spouse@home.example"),
    );
    firm.sync();
    let page = firm.ok(&["tab", "--client", "bakery", "--as", "ben"]);
    assert_eq!(subjects(&page), ["About secret"], "what a stranger wrote makes nobody a participant");
    assert!(!page.to_string().contains("other@else.example"), "{page}");
    assert_eq!(firm.tab("cafe", "ben"), ["About trick"], "and keeps nothing off a tab");
    let id = page["messages"][0]["id"].as_str().unwrap();
    assert_eq!(firm.refused(&["show", "--id", id, "--raw", "--as", "ben"]), "not_found");
    let own = firm.practice.run(&[], &["show", "--id", id, "--raw", "--as", "anna"]);
    assert_eq!(own.stdout.as_bytes(), secret.octets());
    let out = firm.file("mbox");
    let told = firm.ok(&[
        "export",
        "--format",
        "mbox",
        "--out",
        out.to_str().unwrap(),
        "--client",
        "bakery",
        "--as",
        "ben",
    ]);
    assert_eq!((&told["messages"], &told["withheld"]), (&0.into(), &1.into()));
    firm.ok(&["hide", "--id", id, "--as", "anna"]);
    assert_eq!(firm.tab("bakery", "ben"), Vec::<String>::new());
    assert_eq!(firm.ok(&["tab", "--client", "bakery", "--as", "ben"])["count"], "0");
}
