//! Reading a real Dovecot through the terminal host: what is exported equals what the server holds, whatever happens in between.
//!
//! Needs `dovecot-imapd` (scripts/setup installs it) and the built example `practice`.

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use support::composer::MARK;
use support::configuration::{Format, Options, Tier};
use support::directory::{Directory, PUBLIC_DOMAIN};
use support::dovecot::{Dovecot, PASSWORD};
use support::letter::Letter;
use support::practice::{Encryption, MEMORY_LIMIT, Practice, assert_explained, is_kind, utf8};
use support::scene::{Scene, all_unchanged, each_account, total};
use support::truth::Truth;

/// S4, S14: everything matching in 5,000 messages over 13 mailboxes of two users is archived, nothing else is, nothing on the
/// server changes, and an unchanged pass is a handful of round trips.
#[test]
fn a_first_pass_equals_the_server_and_a_second_finds_it_unchanged() {
    read_everything(Options::new(Tier::Full), Encryption::Implicit, 5);
}

/// S4, S14: the same without LIST-STATUS.
#[test]
fn a_first_pass_equals_a_server_without_list_status() {
    read_everything(Options::new(Tier::NoListStatus), Encryption::Never, 6);
}

/// S4, S14: the same with `IMAP4rev1` alone, mailboxes told by their names, and STARTTLS insisted on by the server.
#[test]
fn a_first_pass_equals_a_server_that_has_nothing_but_imap4rev1() {
    read_everything(Options::new(Tier::Plain).insist_on_tls(), Encryption::StartTls, 6);
}

fn read_everything(options: Options, encryption: Encryption, most_round_trips: u64) {
    let dovecot = options.start();
    let scene = Scene::of_two(&dovecot, 5_000, encryption);
    let truth = scene.truth();
    assert!(truth.messages >= 5_000 && truth.copies() > 250, "{} messages", truth.messages);
    let all_kinds: BTreeSet<&str> = scene.corpus.catalogue.values().map(|facts| facts.kind).collect();
    assert_eq!((truth.archived_kinds().len(), all_kinds.len()), (16, 31), "kinds of letters: {all_kinds:?}");
    let before = scene.fingerprint();

    let first = scene.practice.run(&[], &["sync"]);
    let answer = first.success();
    truth.assert_equals(&scene.practice.export());
    assert_eq!(
        total(&answer, "new_messages"),
        u64::try_from(truth.lines.len()).expect("a count"),
        "{answer}"
    );
    assert_eq!(total(&answer, "new_copies"), u64::try_from(truth.copies()).expect("a count"), "{answer}");
    assert_eq!((total(&answer, "gaps"), total(&answer, "dead_letters")), (0, 0), "{answer}");
    assert!(before == scene.fingerprint(), "reading changed the server");
    assert!(first.peak <= MEMORY_LIMIT, "a first pass takes {} KiB", first.peak >> 10);

    let answer = scene.practice.sync(&[]);
    assert!(all_unchanged(&answer), "{answer}");
    assert_eq!((total(&answer, "new_messages"), total(&answer, "new_copies")), (0, 0), "{answer}");
    assert!(each_account(&answer, "round_trips").iter().all(|n| *n <= most_round_trips), "{answer}");
    truth.assert_equals(&scene.practice.export());
    let compared = scene.practice.run(&[], &["reconcile"]).success();
    assert_eq!(compared["complete"], true, "{compared}");
    assert!(before == scene.fingerprint(), "comparing changed the server");

    for client in ["c00", "d03", "domain", "pair1", "gmail"] {
        assert_eq!(tab(&scene.practice, client), tab_in_truth(&truth, client), "the tab of {client}");
    }
    assert_eq!(
        scene.practice.files_with(MARK),
        Vec::<std::path::PathBuf>::new(),
        "mail of no client was kept"
    );
}

/// The Message-IDs on a client's tab, through all its pages.
fn tab(practice: &Practice, client: &str) -> Vec<Option<String>> {
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut command = vec!["tab", "--client", client, "--limit", "7"];
        command.extend(cursor.iter().flat_map(|cursor| ["--before", cursor.as_str()]));
        let page = practice.run(&[], &command).success();
        for message in page["messages"].as_array().expect("messages") {
            assert!(message["matched"].as_array().is_some_and(|m| !m.is_empty()), "unexplained: {message}");
            ids.push(message["message_id"].as_str().map(str::to_owned));
        }
        let Some(next) = page["next"].as_str() else { break };
        assert!(cursor.as_deref() != Some(next), "the cursor stands still at {next}");
        cursor = Some(next.to_owned());
    }
    ids.sort();
    ids
}

fn tab_in_truth(truth: &Truth, client: &str) -> Vec<Option<String>> {
    let of_client = truth.lines.iter().filter(|line| line.clients.iter().any(|id| id == client));
    let mut ids: Vec<Option<String>> = of_client.map(|line| line.message_id.clone()).collect();
    ids.sort();
    ids
}

/// S2, B10: mail of no client is neither asked for beyond its addressing headers nor named in any file, even at trace level, and
/// the server sees only commands that read.
#[test]
fn mail_of_no_client_is_neither_asked_for_nor_kept() {
    let dovecot = Options::new(Tier::Full).record().start();
    let scene = Scene::of_two(&dovecot, 600, Encryption::Implicit);
    let log = scene.practice.log_file();
    let traced = ["--log", utf8(&log), "--log-level", "trace"];
    let outcome = scene.practice.run(&traced, &["sync"]);
    outcome.success();
    scene.practice.run(&traced, &["sync"]).success();
    // The ground truth's own sessions would be recorded among the host's.
    let recorded: Vec<(&str, Vec<Vec<String>>)> =
        ["anna", "ben"].into_iter().map(|user| (user, dovecot.command_lines(user))).collect();

    assert!(std::fs::metadata(&log).is_ok_and(|log| log.len() > 0), "no trace was written");
    for secret in [MARK, PASSWORD] {
        assert_eq!(scene.practice.files_with(secret), Vec::<std::path::PathBuf>::new(), "{secret} was kept");
        assert!(!format!("{outcome:?}").contains(secret), "{secret} was said");
    }
    let truth = scene.truth();
    truth.assert_equals(&scene.practice.export());
    for (user, sessions) in recorded {
        let asked: BTreeSet<(String, u64)> =
            sessions.iter().flat_map(|lines| bodies_asked_for(lines)).collect();
        assert!(!asked.is_empty(), "nothing of {user} was recorded");
        let archived: BTreeSet<(String, u64)> = truth
            .places(user)
            .into_iter()
            .map(|(name, uid)| (support::imap::modified_utf7(&name), uid))
            .collect();
        let needless: Vec<_> = asked.difference(&archived).collect();
        assert!(needless.is_empty(), "bodies of {user} asked for without need: {needless:?}");
    }
}

/// The places whose octets beyond addressing headers a session asks for. Fails on a command that could change anything.
fn bodies_asked_for(lines: &[String]) -> Vec<(String, u64)> {
    let (mut asked, mut mailbox) = (Vec::new(), String::new());
    for line in lines {
        let upper = line.to_ascii_uppercase();
        let words: Vec<&str> = upper.split_whitespace().collect();
        let verb = words.get(if words.get(1) == Some(&"UID") { 2 } else { 1 }).copied().unwrap_or_default();
        let writing = [
            "SELECT",
            "STORE",
            "EXPUNGE",
            "APPEND",
            "COPY",
            "MOVE",
            "CREATE",
            "DELETE",
            "RENAME",
            "SUBSCRIBE",
        ];
        assert!(!writing.contains(&verb), "the host says {line:?}");
        match verb {
            "EXAMINE" => {
                let rest = line.splitn(3, ' ').nth(2).unwrap_or_default();
                let quoted =
                    rest.strip_prefix('"').and_then(|rest| rest.rsplit_once('"')).map(|(name, _)| name);
                let name = quoted.unwrap_or_else(|| rest.split(' ').next().unwrap_or_default());
                mailbox = name.replace("\\\"", "\"").replace("\\\\", "\\");
            }
            "FETCH" => {
                let plain = upper.replace("RFC822.SIZE", "").replace("BODY.PEEK[HEADER.FIELDS", "");
                assert!(!plain.contains("BODY[") && !plain.contains("RFC822"), "the host says {line:?}");
                if plain.contains("BODY.PEEK[") {
                    assert_eq!(words.get(1), Some(&"UID"), "the host says {line:?}");
                    asked.extend(
                        uids(words.get(3).copied().unwrap_or_default()).map(|uid| (mailbox.clone(), uid)),
                    );
                }
            }
            _ => {}
        }
    }
    asked
}

fn uids(set: &str) -> impl Iterator<Item = u64> + '_ {
    set.split(',').flat_map(|range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let number =
            |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("bodies asked for by {range:?}"));
        number(first)..=number(last)
    })
}

/// S17, B4: a password that no longer works stops its own account with a remedy, and no other.
#[test]
fn a_wrong_password_is_explained_and_the_other_accounts_go_on() {
    let dovecot = Options::new(Tier::Full).start();
    let scene = Scene::of_two(&dovecot, 200, Encryption::Implicit);
    dovecot.set_password("anna", "changed-meanwhile");
    let outcome = scene.practice.run(&[], &["sync"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let answer = outcome.json();
    let accounts = answer["accounts"].as_array().expect("accounts");
    assert_eq!(accounts.len(), 2, "{answer}");
    for account in accounts {
        if account["user"] == "anna" {
            assert_explained(&account["error"]);
            assert_eq!(account["error"]["retryable"], false, "{account}");
        } else {
            assert!(account["error"].is_null(), "{account}");
        }
    }
    dovecot.set_password("anna", PASSWORD);
    scene.practice.sync(&[]);
    scene.truth().assert_equals(&scene.practice.export());
}

/// S17: saving tests the server for real, so a wrong password is refused there and then and nothing is saved.
#[test]
fn a_wrong_password_is_found_when_connecting() {
    let dovecot = Options::new(Tier::Full).start();
    let scene = Scene::of_anna(&dovecot, 20, Encryption::Implicit);
    dovecot.add_users(&["carla"]);
    dovecot.set_password("carla", "another");
    scene.practice.connect(&dovecot, "carla", Encryption::StartTls, &[]).refusal();
    assert_eq!(scene.practice.sync(&[])["accounts"].as_array().map(Vec::len), Some(1));
}

/// S4, S14: a process that aborts before or after any transition or command is continued as if nothing had been.
#[test]
fn a_pass_aborted_at_a_failpoint_is_continued() {
    let dovecot = Options::new(Tier::Full).start();
    let scene = Scene::of_anna(&dovecot, 250, Encryption::Never);
    let truth = scene.truth();
    let names = support::scene::failpoints(&scene.practice);
    assert!(names.len() >= 12, "few failpoints: {names:?}");
    let sample: Vec<&String> = names.iter().step_by(names.len().div_ceil(12)).collect();
    let aborted =
        sample.iter().filter(|name| support::scene::abort_and_continue(&scene, &truth, name)).count();
    assert!(aborted * 3 >= sample.len(), "only {aborted} of {sample:?} were passed");
}

/// S4, S14: killed at any moment, again and again, it ends complete.
#[test]
fn a_pass_killed_at_any_moment_is_continued() {
    let dovecot = Options::new(Tier::Full).start();
    let scene = Scene::of_two(&dovecot, 1_500, Encryption::Implicit);
    for round in 0..12 {
        let pass = scene.practice.start(&[], &["sync", "--window", "5"]);
        std::thread::sleep(Duration::from_millis(60 + 45 * round));
        pass.kill();
    }
    let last = scene.practice.run(&[], &["sync"]);
    last.success();
    assert!(last.elapsed < Duration::from_secs(30), "a dead process was waited for: {:?}", last.elapsed);
    scene.truth().assert_equals(&scene.practice.export());
}

/// B10: a client's claim on everybody's mail domain is refused by name, and the rest of the practice is taken.
#[test]
fn a_public_mail_domain_is_refused_with_its_reason() {
    let directory = Directory::new();
    let answer = Practice::new().init(&directory);
    assert_eq!((answer["users"].as_u64(), answer["clients"].as_u64()), (Some(3), Some(28)), "{answer}");
    let refused = answer["refused"].as_array().expect("refused");
    assert_eq!(refused.len(), 1, "{answer}");
    assert_eq!((&refused[0]["client"], &refused[0]["domain"]), (&"public".into(), &PUBLIC_DOMAIN.into()));
    assert!(refused[0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{answer}");
}

/// S24: the status names every user, when each was last synchronised, and who has not set up.
#[test]
fn the_status_names_every_user_and_the_last_synchronisation() {
    let dovecot = Options::new(Tier::Full).start();
    let scene = Scene::of_two(&dovecot, 30, Encryption::Implicit);
    let synchronised = || {
        let answer = scene.practice.run(&[], &["status"]).success();
        let users = answer["users"].as_array().expect("users").iter();
        users
            .map(|u| (u["user"].as_str().map(str::to_owned), !u["last_synchronised"].is_null()))
            .collect::<Vec<_>>()
    };
    let user = |id: &str, synchronised| (Some(id.to_owned()), synchronised);
    assert_eq!(synchronised(), [user("anna", false), user("ben", false), user("carla", false)]);
    scene.practice.sync(&["--user", "ben"]);
    assert_eq!(synchronised(), [user("anna", false), user("ben", true), user("carla", false)]);
}

/// S17: a check signs in for real and saves nothing.
#[test]
fn a_check_tries_the_server_and_saves_nothing() {
    let dovecot = Options::new(Tier::Full).start();
    let scene = Scene::of_anna(&dovecot, 20, Encryption::Implicit);
    dovecot.add_users(&["ben"]);
    let check = || scene.practice.reach("check", &dovecot, "ben", Encryption::StartTls, &[]);
    let answer = check().success();
    let steps = answer["steps"].as_array().expect("steps");
    assert!(
        answer["ok"] == true && !steps.is_empty() && steps.iter().all(|step| step["ok"] == true),
        "{answer}"
    );
    dovecot.set_password("ben", "another");
    let answer = check().json();
    let failed = answer["steps"].as_array().expect("steps").iter().find(|step| step["ok"] == false);
    assert!(answer["ok"] == false, "{answer}");
    assert!(failed.is_some_and(|step| step["remedy"].as_str().is_some_and(|r| !r.is_empty())), "{answer}");
    assert_eq!(scene.practice.sync(&[])["accounts"].as_array().map(Vec::len), Some(1));
}

/// B12, B14: what the server loses the practice keeps, and the copy is no longer called present.
#[test]
fn an_expunged_message_stays_in_the_archive_without_a_present_copy() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        let scene = Scene::of_anna(&dovecot, 400, Encryption::Never);
        scene.practice.sync(&[]);
        let truth = scene.truth();
        let lonely = truth.lines.iter().filter(|line| line.copies.len() == 1).flat_map(|line| &line.copies);
        let doomed: Vec<u32> =
            lonely.filter(|copy| copy.mailbox == "INBOX").map(|copy| uid(copy.uid)).take(3).collect();
        assert_eq!(doomed.len(), 3);
        dovecot.session("anna").expunge("INBOX", &doomed);
        let answer = scene.practice.sync(&[]);
        assert_eq!((total(&answer, "new_messages"), total(&answer, "new_copies")), (0, 0), "{answer}");
        scene.truth().assert_equals_with_memories(&scene.practice.export(), 3);
    }
}

fn uid(number: u64) -> u32 {
    u32::try_from(number).expect("a UID")
}

/// A letter of a client with an attachment of so many octets.
fn heavy(scene: &mut Scene<'_>, octets: usize) -> Letter {
    let composer = &mut scene.corpus.composer;
    let mut letter = composer.from("info@adler-gmbh.example", "anna");
    letter.message_id = Some(composer.message_id());
    letter.content = composer.with_attachment("Anbei der Bescheid.", octets);
    letter
}

/// Puts ten heavy letters into a mailbox and reads everything once.
fn scene_with_heavy_mail<'d>(dovecot: &'d Dovecot, mailbox: &str) -> Scene<'d> {
    let mut scene = Scene::of_anna(dovecot, 150, Encryption::Never);
    for _ in 0..10 {
        let letter = heavy(&mut scene, 150_000);
        scene.corpus.deliver("anna", mailbox, &letter);
    }
    scene.practice.sync(&[]);
    scene.truth().assert_equals(&scene.practice.export());
    scene
}

/// Reads once more; all ten heavy letters lie elsewhere now, and none may have come over the wire again.
fn assert_followed_without_download(scene: &Scene<'_>) {
    let answer = scene.practice.sync(&[]);
    assert_eq!(total(&answer, "new_messages"), 0, "{answer}");
    assert!(each_account(&answer, "bytes_in").iter().sum::<u64>() < 300_000, "octets came twice: {answer}");
    scene.truth().assert_equals_with_memories(&scene.practice.export(), 0);
}

/// B7, B12: a moved message is the same copy's octets elsewhere.
#[test]
fn a_moved_message_is_not_downloaded_again() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        let scene = scene_with_heavy_mail(&dovecot, "INBOX");
        let mut session = dovecot.session("anna");
        let heavy = session.messages("INBOX").into_iter().filter(|message| message.size > 150_000);
        let heavy: Vec<u32> = heavy.map(|message| message.uid).collect();
        assert_eq!(heavy.len(), 10);
        session.relocate("INBOX", &heavy, "Archive/2023");
        assert_followed_without_download(&scene);
    }
}

/// B12: a renamed mailbox is the same mail under another name.
#[test]
fn a_renamed_mailbox_is_not_downloaded_again() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        let mut scene = scene_with_heavy_mail(&dovecot, "Rechnungen 2021");
        dovecot.session("anna").rename("Rechnungen 2021", "Ältere Rechnungen");
        let mailboxes = &mut scene.readings[0].mailboxes;
        mailboxes.remove("Rechnungen 2021");
        mailboxes.insert("Ältere Rechnungen".to_owned());
        assert_followed_without_download(&scene);
    }
}

/// B12: a mailbox whose UIDVALIDITY changed is mapped anew, its octets known already.
#[test]
fn a_changed_uidvalidity_is_followed_without_a_download() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        let scene = scene_with_heavy_mail(&dovecot, "Rechnungen 2021");
        dovecot.session("anna").recreate("Rechnungen 2021");
        assert_followed_without_download(&scene);
    }
}

/// S14, S25: mail that arrives while a pass runs is archived by the next at the latest, and exactly once.
#[test]
fn mail_arriving_during_a_pass_is_archived_once() {
    let dovecot = Options::new(Tier::Full).start();
    let mut scene = Scene::of_anna(&dovecot, 1_200, Encryption::Implicit);
    let known = dovecot.sign_ins_so_far("anna");
    let mut session = dovecot.session("anna");
    let mut pass = scene.practice.start(&[], &["sync", "--window", "5"]);
    wait_for_sign_in(&dovecot, known + 2);
    let mut during = 0;
    while pass.is_running() {
        let unlisted = scene.corpus.composer.unlisted("anna", false);
        let received = scene.corpus.composer.received("anna");
        let sent = scene.corpus.composer.sent("anna");
        for (mailbox, letter) in [("INBOX", unlisted), ("INBOX", received), ("Archive", sent)] {
            let octets = scene.corpus.note(&letter, 900_000 + during);
            session.append(mailbox, "", &octets);
            during += 1;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(during > 0, "the pass was over before anything arrived");
    pass.wait().success();
    scene.practice.sync(&[]);
    scene.truth().assert_equals(&scene.practice.export());
}

/// Waits until a user has signed in so many times.
fn wait_for_sign_in(dovecot: &Dovecot, times: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while dovecot.sign_ins("anna") < times {
        assert!(Instant::now() < deadline, "nobody signs in");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// B6: an address that a client gains, told to nobody but the host's own tables, gets its past mail from every account.
#[test]
fn an_address_added_between_passes_brings_its_past_mail() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        let mut scene = Scene::of_two(&dovecot, 300, Encryption::Never);
        for (user, mailbox) in [("anna", "INBOX"), ("anna", "Archive"), ("ben", "INBOX"), ("ben", "請求書")]
        {
            let letter = scene.corpus.composer.from("neue.adresse@spaeter.example", user);
            scene.corpus.deliver(user, mailbox, &letter);
        }
        scene.practice.sync(&[]);
        scene.truth().assert_equals(&scene.practice.export());
        let before = scene.truth().copies();

        let directory = &mut scene.corpus.composer.directory;
        directory.add_address("c04", "Neue.Adresse@Spaeter.example");
        scene.practice.init(directory);
        let answer = scene.practice.sync(&[]);
        assert_eq!(total(&answer, "new_copies"), 4, "{answer}");
        assert_eq!(scene.truth().copies(), before + 4);
        scene.truth().assert_equals(&scene.practice.export());

        let answer = scene.practice.sync(&[]);
        assert!(all_unchanged(&answer) && total(&answer, "scanned") == 0, "{answer}");
    }
}

/// B6: a plain SQL insert that tells the crate nothing brings the past; a plain delete takes it off the tab at once.
#[tokio::test]
async fn an_address_inserted_by_sql_brings_its_past_mail() {
    let dovecot = Options::new(Tier::Full).start();
    let mut scene = Scene::of_two(&dovecot, 100, Encryption::Never);
    for mailbox in ["INBOX", "Archive"] {
        let letter = scene.corpus.composer.from("neue.adresse@spaeter.example", "anna");
        scene.corpus.deliver("anna", mailbox, &letter);
    }
    scene.practice.sync(&[]);
    let store = scene.practice.store_directory().join("practice.db");
    let mut tables = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", store.display()))
        .await
        .expect("open the tables");
    sqlx::query("INSERT INTO client_address (practice, client, address) VALUES ('praxis', 'c04', 'Neue.Adresse@Spaeter.example')")
        .execute(&tables)
        .await
        .expect("insert an address");
    tables.close().await;
    scene.corpus.composer.directory.add_address("c04", "Neue.Adresse@Spaeter.example");
    let answer = scene.practice.sync(&[]);
    assert_eq!(total(&answer, "new_copies"), 2, "{answer}");
    scene.truth().assert_equals(&scene.practice.export());

    let with = scene.practice.export().len();
    tables = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", store.display()))
        .await
        .expect("open the tables");
    sqlx::query("DELETE FROM client_address WHERE address = 'Neue.Adresse@Spaeter.example'")
        .execute(&tables)
        .await
        .expect("delete the address");
    tables.close().await;
    assert_eq!(scene.practice.export().len(), with - 2);
}

/// B24: a message of 60 MB flows through bounded memory, octet for octet.
#[test]
fn a_message_of_sixty_megabytes_flows_in_bounded_memory() {
    let dovecot = Options::new(Tier::Full).start();
    let mut scene = Scene::of_anna(&dovecot, 50, Encryption::Implicit);
    let letter = heavy(&mut scene, 44_000_000);
    scene.corpus.deliver("anna", "INBOX", &letter);
    let first = scene.practice.run(&[], &["sync"]);
    first.success();
    scene.truth().assert_equals(&scene.practice.export());
    assert!(first.peak <= MEMORY_LIMIT, "a first pass takes {} KiB", first.peak >> 10);
}

/// B18: of two passes over one store the later says at once that it is busy; reading goes on beside the first.
#[test]
fn a_second_pass_beside_a_living_one_is_busy() {
    let dovecot = Options::new(Tier::Full).start();
    let scene = Scene::of_anna(&dovecot, 1_000, Encryption::Implicit);
    let known = dovecot.sign_ins_so_far("anna");
    let first = scene.practice.start(&[], &["sync", "--window", "2"]);
    wait_for_sign_in(&dovecot, known + 1);
    // Stopped it lives and does not end, however fast the machine is. Stopped in the middle of a write it holds the file, too,
    // and the other waits for that; then it is stopped at another moment.
    let mut moments = 5;
    let second = loop {
        first.signal("STOP");
        let second = scene.practice.run(&[], &["sync"]);
        first.signal("CONT");
        moments -= 1;
        if second.elapsed < Duration::from_secs(2) || moments == 0 {
            break second;
        }
        std::thread::sleep(Duration::from_millis(30));
    };
    let beside = scene.practice.run(&[], &["tab", "--client", "c00"]);
    first.wait().success();
    assert!(second.elapsed < Duration::from_secs(2), "busy after {:?}", second.elapsed);
    assert_eq!(second.code, Some(1), "{second:?}");
    let answer = second.json();
    let error = if answer["error"].is_object() { &answer["error"] } else { &answer["accounts"][0]["error"] };
    assert_explained(error);
    assert!(is_kind(error, "busy"), "{answer}");
    beside.success();
    scene.truth().assert_equals(&scene.practice.export());
}

/// S4: how the server keeps its mail makes no difference.
#[test]
fn mail_kept_in_another_format_is_read_the_same() {
    let dovecot = Options::new(Tier::Full).format(Format::Sdbox).start();
    let mut scene = Scene::of_anna(&dovecot, 0, Encryption::Implicit);
    let mut session = dovecot.session("anna");
    scene.readings[0].mailboxes = ["INBOX", "Sent", "Drafts", "Akte \"Alt\" 2019"].map(str::to_owned).into();
    for mailbox in scene.readings[0].mailboxes.iter().filter(|name| *name != "INBOX") {
        session.create(mailbox);
    }
    for (route, mailbox) in scene.readings[0].mailboxes.clone().iter().cycle().take(80).enumerate() {
        let composer = &mut scene.corpus.composer;
        let sent = mailbox == "Sent";
        let letter = match route % 3 {
            0 => composer.unlisted("anna", sent),
            _ if sent => composer.sent("anna"),
            _ => composer.received("anna"),
        };
        let octets = scene.corpus.note(&letter, u32::try_from(route).expect("a small number"));
        session.append(mailbox, if route % 7 == 0 { "\\Draft" } else { "\\Seen" }, &octets);
    }
    scene.practice.sync(&[]);
    let truth = scene.truth();
    assert!(truth.copies() > 20);
    truth.assert_equals(&scene.practice.export());
}
