//! What is erased stays erased, what is held stays, and nothing goes by accident.

use serde_json::json;

use crate::firm::{AMELIE, ANNA, BEN, Firm, Mail, PAULA, kinds};

/// B14: an erased message leaves no octet, is not archived again, and says so.
#[test]
fn what_is_erased_does_not_come_back() {
    let firm = Firm::open(&["anna", "ben"]);
    let mail = Mail::new("gone", PAULA, "anna@hale.example, ben@hale.example").text("Xylophone-4711.");
    firm.put("anna", "INBOX", &mail);
    firm.put("ben", "INBOX", &mail);
    firm.put("anna", "INBOX", &Mail::new("stays", PAULA, ANNA));
    firm.sync();
    let id = firm.id("bakery", "About gone");
    assert_eq!(firm.refused(&["erase", "--id", &id, "--by", "ben"]), "forbidden");
    assert_eq!(firm.ok(&["erase", "--id", &id, "--by", "anna"])["erased"], 1);
    assert_eq!(firm.tab("bakery", "anna"), ["About stays"]);
    assert_eq!(firm.practice.files_with("xylophone"), Vec::<std::path::PathBuf>::new());
    firm.sync();
    // Moved, and read again for another key: it is the same message all the same.
    let uid = firm.dovecot.session("anna").messages("INBOX")[0].uid;
    firm.dovecot.session("anna").relocate("INBOX", &[uid], "Sent");
    firm.sync();
    assert_eq!(firm.tab("bakery", "anna"), ["About stays"]);
    assert_eq!(firm.practice.files_with("xylophone"), Vec::<std::path::PathBuf>::new());
    let why = firm.ok(&["why", "--message-id", "<gone@mail.example>", "--ask"]);
    assert_eq!((&why["erased"][0]["reason"], &why["archived"]), (&"message".into(), &json!([])), "{why}");
    let servers = why["on_servers"].as_array().unwrap();
    assert!(servers.len() == 2 && servers.iter().all(|found| found["reason"] == "erased"), "{why}");
    let told = firm.ok(&["reconcile"]);
    assert_eq!(told["complete"], true, "{told}");
    assert!(told.to_string().contains("\"erased\""), "{told}");
    let feed = firm.ok(&["changes"]);
    let erased = feed["changes"].as_array().unwrap().iter().find(|change| change["kind"] == "message_erased");
    assert_eq!(erased.unwrap()["by"], "anna");
}

/// B14, B6: a client's mail is erased until the client has been away and is back; what is another client's too stays.
#[test]
fn a_clients_mail_comes_back_with_the_client_where_that_was_said() {
    let mut firm = Firm::open(&["anna", "ben"]);
    firm.put("anna", "INBOX", &Mail::new("one", PAULA, ANNA));
    firm.put("ben", "INBOX", &Mail::new("two", PAULA, BEN));
    firm.put("ben", "INBOX", &Mail::new("both", PAULA, "ben@hale.example, amelie@cafe.example"));
    firm.sync();
    let report = firm.ok(&["erase", "--client", "bakery", "--until-back"]);
    assert_eq!((&report["erased"], &report["shared"]), (&2.into(), &1.into()));
    firm.sync();
    assert_eq!(firm.tab("bakery", "anna"), ["About both"]);
    let all = firm.clients.clone();
    firm.clients = json!([all[1]]);
    firm.init();
    firm.sync();
    assert_eq!(firm.tab("cafe", "anna"), ["About both"]);
    firm.clients = all;
    firm.init();
    firm.sync();
    assert_eq!(firm.tab("bakery", "anna").len(), 3, "the client is back, and so is its mail");
}

/// B6, B14: an address taken out is off the tab at once and erased only after a grace; an empty directory erases nothing; a hold
/// outlives the client.
#[test]
fn forgetting_takes_a_grace_and_obeys_holds() {
    let mut firm = Firm::open(&["anna"]);
    for n in 0..12 {
        firm.put("anna", "INBOX", &Mail::new(&format!("b{n}"), PAULA, ANNA));
    }
    firm.put("anna", "INBOX", &Mail::new("c", AMELIE, ANNA));
    firm.sync();
    let all = firm.clients.clone();
    firm.clients = json!([all[0]]);
    firm.init();
    assert_eq!(firm.refused(&["tab", "--client", "cafe"]), "not_found");
    let report = firm.ok(&["forget"]);
    assert_eq!((&report["unlisted"], &report["erased"]), (&1.into(), &0.into()));
    firm.day = 29;
    assert_eq!(firm.ok(&["forget"])["due"], 0);
    firm.ok(&["hold", "--client", "cafe", "on"]);
    firm.day = 31;
    let report = firm.ok(&["forget"]);
    assert_eq!(
        (&report["due"], &report["retained"], &report["erased"]),
        (&0.into(), &1.into(), &0.into()),
        "{report}"
    );
    firm.ok(&["hold", "--client", "cafe", "off"]);
    assert_eq!(firm.ok(&["forget"])["erased"], 1);
    // One empty answer of the directory: everything is nobody's, and nothing goes but after a grace and on confirmation.
    firm.clients = json!([]);
    firm.init();
    assert_eq!(firm.ok(&["forget"])["unlisted"], 12);
    firm.day = 63;
    let report = firm.partly(&["forget"]);
    assert_eq!((&report["stopped"], &report["erased"]), (&true.into(), &0.into()), "{report}");
    firm.clients = all;
    firm.init();
    let report = firm.ok(&["forget"]);
    assert_eq!((&report["unlisted"], &report["due"]), (&0.into(), &0.into()));
    assert_eq!(firm.tab("bakery", "anna").len(), 12);
    // The erased one may be archived again: its client is back.
    firm.sync();
    assert_eq!(firm.tab("cafe", "anna"), ["About c"]);
}

/// B14: a client on hold is not erased, by whatever way.
#[test]
fn a_hold_stops_every_erase() {
    let firm = Firm::open(&["anna", "ben"]);
    firm.put("ben", "INBOX", &Mail::new("held", PAULA, BEN));
    firm.sync();
    let id = firm.id("bakery", "About held");
    firm.ok(&["hold", "--client", "bakery", "on"]);
    assert_eq!(firm.refused(&["erase", "--client", "bakery"]), "held");
    assert_eq!(firm.ok(&["erase", "--id", &id])["retained"], 1);
    assert_eq!(firm.ok(&["erase", "--user", "ben"])["retained"], 1);
    assert_eq!(firm.refused(&["disconnect", "--user", "ben", "--erase"]), "held");
    assert_eq!(firm.tab("bakery", "anna"), ["About held"]);
    firm.sync();
    firm.ok(&["hold", "--client", "bakery", "off"]);
    firm.ok(&["disconnect", "--user", "ben", "--erase"]);
    assert_eq!(firm.tab("bakery", "anna"), Vec::<String>::new());
}

/// S12: what only a user has is erased on purpose, or goes with their account; what a colleague has too stays.
#[test]
fn a_users_mail_goes_and_a_colleagues_copy_stays() {
    let firm = Firm::open(&["anna", "ben"]);
    let both = Mail::new("both", PAULA, "anna@hale.example, ben@hale.example");
    firm.put("anna", "INBOX", &both);
    firm.put("ben", "INBOX", &both);
    firm.put("ben", "INBOX", &Mail::new("own", PAULA, BEN));
    firm.sync();
    assert_eq!(firm.ok(&["erase", "--user", "ben"])["erased"], 1);
    firm.sync();
    assert_eq!(firm.tab("bakery", "anna"), ["About both"]);
    firm.ok(&["disconnect", "--user", "ben", "--erase"]);
    let page = firm.ok(&["tab", "--client", "bakery"]);
    assert_eq!(page["messages"][0]["copies"].as_array().unwrap().len(), 1, "{page}");
    assert!(kinds(&firm.ok(&["changes"])).contains(&"account_erased"));
}

/// B14: what has left every server stays for ever, unless the practice keeps it for some days only; and a bad answer of the directory
/// does not make it go sooner.
#[test]
fn what_left_every_server_goes_when_the_practice_says_so() {
    let mut firm = Firm::open(&["anna"]);
    let uid = firm.put("anna", "INBOX", &Mail::new("old", PAULA, ANNA));
    firm.put("anna", "INBOX", &Mail::new("new", PAULA, ANNA));
    firm.sync();
    firm.dovecot.session("anna").expunge("INBOX", &[uid]);
    firm.sync();
    firm.day = 2;
    firm.sync();
    firm.day = 40;
    assert_eq!(firm.ok(&["forget"])["due"], 0, "it is the practice's record");
    firm.keep_gone_days = Some(50);
    firm.init();
    // For a day nobody is a client: what is gone for long is no more erased for it than anything else.
    let all = firm.clients.clone();
    firm.clients = json!([]);
    firm.init();
    assert_eq!(firm.ok(&["forget"])["erased"], 0);
    firm.clients = all;
    firm.init();
    let report = firm.ok(&["forget"]);
    assert_eq!((&report["gone"], &report["due"]), (&1.into(), &0.into()), "{report}");
    firm.day = 53;
    assert_eq!(firm.ok(&["forget"])["erased"], 1);
    assert_eq!(firm.tab("bakery", "anna"), ["About new"]);
}
