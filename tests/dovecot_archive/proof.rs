//! Whether everything is there, and what becomes of what is not.

use serde_json::{Value, json};

use crate::firm::{AMELIE, ANNA, Firm, Mail, PAULA, kinds};

fn missing(told: &Value) -> Vec<(String, u64, String)> {
    let accounts = told["accounts"].as_array().unwrap().iter();
    let mailboxes = accounts.flat_map(|account| account["mailboxes"].as_array().unwrap());
    let of = |mailbox: &Value| -> Vec<(String, u64, String)> {
        let missing = mailbox["missing"].as_array().unwrap().iter();
        let name = mailbox["name"].as_str().unwrap().to_owned();
        missing
            .map(|m| (name.clone(), m["uid"].as_u64().unwrap(), m["reason"].as_str().unwrap().to_owned()))
            .collect()
    };
    mailboxes.flat_map(of).collect()
}

/// B9: complete is said when it is so, and each planted defect is found, named and repaired.
#[test]
fn every_planted_defect_is_found_and_repaired() {
    let firm = Firm::open(&["anna"]);
    for n in 1..=7 {
        firm.put("anna", "INBOX", &Mail::new(&format!("m{n}"), PAULA, ANNA));
    }
    firm.put("anna", "INBOX", &Mail::new("stranger", "x@else.example", ANNA));
    firm.put("anna", "INBOX", &Mail::new("internal", "ben@hale.example", ANNA));
    firm.put("anna", "INBOX", &Mail::new("spouse", PAULA, "anna@hale.example, spouse@home.example"));
    let unread = firm.ok(&["reconcile", "--user", "anna"]);
    assert_eq!(unread["complete"], false, "nothing was read yet: {unread}");
    assert_eq!(
        missing(&unread).iter().filter(|(.., reason)| reason == "not_yet_read").count(),
        7,
        "{unread}"
    );
    firm.sync();
    let whole = firm.ok(&["reconcile"]);
    assert_eq!(whole["complete"], true, "{whole}");
    let inbox = &whole["accounts"][0]["mailboxes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["name"] == "INBOX")
        .unwrap()
        .clone();
    assert_eq!((&inbox["on_server"], &inbox["archived"]), (&7.into(), &7.into()), "{inbox}");
    assert_eq!(missing(&whole), [("INBOX".to_owned(), 10, "policy".to_owned())]);

    for defect in [
        "DELETE FROM copy WHERE uid = 1",
        "DELETE FROM posting WHERE message = (SELECT message FROM copy WHERE uid = 2)",
        "DELETE FROM blob WHERE sha256 = (SELECT sha256 FROM copy WHERE uid = 3)",
        "UPDATE blob_chunk SET octets = substr(octets, 1, 100) WHERE body = (SELECT body FROM blob WHERE sha256 = (SELECT sha256 FROM copy WHERE uid = 4))",
        "PRAGMA foreign_keys = OFF; DELETE FROM rendition WHERE message = (SELECT message FROM copy WHERE uid = 5)",
        "PRAGMA foreign_keys = OFF; DELETE FROM message WHERE message = (SELECT message FROM copy WHERE uid = 6)",
        "DELETE FROM search_row WHERE message = (SELECT message FROM copy WHERE uid = 7)",
    ] {
        firm.sql(defect);
        let told = firm.ok(&["reconcile"]);
        let lost: Vec<_> = missing(&told).into_iter().filter(|(.., reason)| reason == "lost").collect();
        assert_eq!((lost.len(), &told["complete"]), (1, &false.into()), "{defect}: {told}");
        // An ordinary pass does not notice; that is what this is for.
        firm.sync();
        let repaired = firm.ok(&["reconcile", "--repair"]);
        assert_eq!(repaired["complete"], true, "{defect}: {repaired}");
        assert_eq!(firm.tab("bakery", "anna").len(), 7, "{defect}");
        let id = firm.id("bakery", "About m3");
        assert!(firm.ok(&["show", "--id", &id])["text"].as_str().unwrap().contains("m3"));
    }
}

/// B9, B6: an address added makes it incomplete until a pass has read its history; taken out again, nothing of it is left to see.
#[test]
fn an_added_address_shows_its_whole_past_and_a_removed_one_none() {
    let mut firm = Firm::open(&["anna", "ben"]);
    let new = "office@bakery.example";
    for n in 0..5 {
        firm.put("anna", "INBOX", &Mail::new(&format!("old{n}"), new, ANNA).text("Quince."));
        firm.put("ben", "Sent", &Mail::new(&format!("sent{n}"), "ben@hale.example", new));
    }
    firm.sync();
    assert_eq!(firm.ok(&["reconcile"])["complete"], true);
    // By plain SQL, telling nobody.
    firm.sql(&format!(
        "INSERT INTO client_address (practice, client, address) VALUES ('hale', 'bakery', '{new}')"
    ));
    let told = firm.ok(&["reconcile"]);
    assert_eq!(missing(&told).len(), 10, "{told}");
    // A pass that is killed on the way is followed by one that ends the work.
    let killed =
        firm.practice.run(&["--failpoint", "store.commit_window.after:2"], &["sync", "--window", "2"]);
    assert_eq!(killed.code, None, "{killed:?}");
    // B21: whoever follows the feed is told of what was committed, though nobody lived to tell.
    let feed = firm.ok(&["changes"]);
    let told = kinds(&feed).into_iter().filter(|kind| *kind == "message_archived").count();
    assert_eq!(told, firm.practice.export().len());
    firm.sync();
    assert_eq!(firm.ok(&["reconcile"])["complete"], true);
    assert_eq!(firm.tab("bakery", "anna").len(), 10);
    assert_eq!(firm.search("bakery", "quince", "anna").len(), 5);
    firm.sql(&format!("DELETE FROM client_address WHERE address = '{new}'"));
    assert_eq!(firm.tab("bakery", "anna"), Vec::<String>::new());
    assert_eq!(firm.search("bakery", "quince", "anna"), Vec::<String>::new());
    assert_eq!(firm.ok(&["tab", "--client", "bakery"])["count"], "0");
    assert!(firm.practice.export().is_empty());
    assert_eq!(firm.ok(&["reconcile"])["complete"], true);
    firm.clients[0]["addresses"] = json!([PAULA, new]);
    firm.init();
    firm.sync();
    assert_eq!(firm.tab("bakery", "anna").len(), 10);
}

/// B11: a Message-ID says where its message is and why, or why it is not.
#[test]
fn a_message_id_says_what_became_of_it() {
    let firm = Firm::open(&["anna"]);
    firm.dovecot.session("anna").create("Trash");
    firm.put("anna", "INBOX", &Mail::new("here", PAULA, ANNA));
    firm.put("anna", "INBOX", &Mail::new("stranger", "x@else.example", ANNA));
    firm.put("anna", "INBOX", &Mail::new("internal", "ben@hale.example", ANNA));
    firm.put("anna", "INBOX", &Mail::new("spouse", PAULA, "anna@hale.example, spouse@home.example"));
    firm.put("anna", "Trash", &Mail::new("trash", PAULA, ANNA));
    firm.sync();
    firm.put("anna", "INBOX", &Mail::new("late", AMELIE, ANNA));
    let here = firm.ok(&["why", "--message-id", "here@mail.example"]);
    let matched = &here["archived"][0]["clients"][0];
    assert_eq!(
        (&matched["client"], &matched["matched"][0]["field"]),
        (&"bakery".into(), &"from".into()),
        "{here}"
    );
    for (id, reason) in [
        ("stranger", "no_client"),
        ("internal", "internal"),
        ("spouse", "never_logged"),
        ("trash", "mailbox_not_read"),
        ("late", "not_yet_read"),
    ] {
        let id = format!("{id}@mail.example");
        assert_eq!(firm.ok(&["why", "--message-id", &id])["on_servers"], json!([]), "{id}");
        let asked = firm.ok(&["why", "--message-id", &id, "--ask"]);
        assert_eq!(asked["on_servers"][0]["reason"], reason, "{asked}");
    }
}
