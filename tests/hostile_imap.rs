//! The reader against servers that lie, flood, stall, refuse or are attacked on the way.

mod kit;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kit::{Kit, Sums as _, letter};
use practicemail::error::ErrorKind;
use practicemail::settings::TlsMode;
use practicemail::testkit::imap::{
    Asked, Fault, Flood, ImapServerBuilder, Injection, Personality, Sent, Told, wording,
};
use practicemail::testkit::{self, CertificateKind, ImapServer};
use practicemail::types::{Digest, UserId};

/// How long a server may be silent, where a test waits for that.
const PATIENCE: Duration = Duration::from_millis(600);
/// No pass takes longer than this, whatever the server does.
const BOUND: Duration = Duration::from_secs(8);
/// What lies on the server of [`filled`].
const ALL: usize = 6;

fn builder() -> ImapServerBuilder {
    ImapServer::builder()
}

/// Five messages of a client in INBOX, one to the client in Sent.
fn fill(kit: &Kit) {
    for i in 1..=5 {
        let text = letter("client@example.org", "anna@practice.example", &format!("m{i}"), &format!("s{i}"));
        kit.user().append("INBOX", text, &[], 1_000_000 + i);
    }
    let sent = if kit.user().mailboxes().iter().any(|m| m == b"Sent") { "Sent" } else { "INBOX" };
    let text = letter("anna@practice.example", "client@example.org", "m6", "s6");
    kit.user().append(sent, text, &["\\Seen"], 1_000_006);
}

/// A connected account with the six messages, none of them read yet.
async fn filled(builder: ImapServerBuilder, patience: Option<Duration>) -> Kit {
    let kit = Kit::on(builder, TlsMode::Implicit, patience).await;
    fill(&kit);
    kit.connect().await;
    kit
}

/// A pass that may fail; with the kind of its failure.
async fn pass(kit: &Kit, name: &str) -> Option<ErrorKind> {
    let begun = Instant::now();
    let report = kit.try_sync().await;
    assert!(begun.elapsed() < BOUND, "{name}: {:?}", begun.elapsed());
    report.accounts.into_iter().find_map(|account| account.error).map(|error| error.kind())
}

/// Nothing is archived but what lies on the server, octet for octet, and nothing was changed there.
async fn assert_true(kit: &Kit, name: &str) {
    for copy in kit.archived().await {
        let mailbox = copy.place.mailbox.to_string();
        let messages = kit.user().messages(&mailbox);
        let there = messages.iter().find(|m| m.uid == copy.place.uid.get());
        let there = there.unwrap_or_else(|| panic!("{name}: {:?}", copy.place));
        assert_eq!(copy.sha256, Digest::of(&there.octets), "{name}: {:?}", copy.place);
        assert_eq!(copy.size, there.octets.len() as u64, "{name}: {:?}", copy.place);
    }
    assert_untouched(kit, name);
}

fn assert_untouched(kit: &Kit, name: &str) {
    assert_eq!(kit.server.flags_changed(), 0, "{name}");
    for line in kit.server.transcript() {
        for verb in [" STORE ", " SELECT ", " EXPUNGE", " APPEND ", " MOVE ", " COPY ", " DELETE "] {
            assert!(!line.text.to_uppercase().contains(verb), "{name}: {line}");
        }
    }
}

/// Once the fault is gone everything comes, and then there is nothing left to do.
async fn assert_recovers(kit: &Kit, name: &str, expected: usize) {
    kit.server.clear_faults();
    kit.clock.advance(86_400 + 1);
    kit.sync().await;
    kit.clock.advance(86_400 + 1);
    kit.sync().await;
    assert_eq!(kit.tab("c1").await.len(), expected, "{name}");
    let last = kit.sync().await;
    assert!(last.accounts[0].mailboxes.iter().all(|m| m.gaps == 0 && m.unchanged), "{name}: {last:?}");
    assert_eq!(last.scanned(), 0, "{name}");
    assert_true(kit, name).await;
}

/// A fault, how many messages come all the same within a few passes, and how the passes end.
struct Case {
    name: &'static str,
    faults: Vec<Injection>,
    passes: usize,
    archived: usize,
    last: Option<ErrorKind>,
}

impl Case {
    /// A fault that costs nothing: one pass gets everything.
    fn harmless(name: &'static str, fault: impl Into<Injection>) -> Self {
        Self { name, faults: vec![fault.into()], passes: 1, archived: ALL, last: None }
    }

    /// A fault that costs one message, after no more than `passes` passes.
    fn costs_one(name: &'static str, fault: impl Into<Injection>, passes: usize) -> Self {
        Self { name, faults: vec![fault.into()], passes, archived: ALL - 1, last: None }
    }

    /// A fault that keeps everything away, and how a pass says so.
    fn stops(name: &'static str, fault: impl Into<Injection>, kind: ErrorKind) -> Self {
        Self { name, faults: vec![fault.into()], passes: 1, archived: 0, last: Some(kind) }
    }

    async fn check(self, patience: Option<Duration>) {
        self.check_on(builder(), patience).await;
    }

    async fn check_on(self, builder: ImapServerBuilder, patience: Option<Duration>) {
        let name = self.name;
        let kit = filled(builder, patience).await;
        self.faults.into_iter().for_each(|fault| kit.server.inject(fault));
        let mut last = None;
        for _ in 0..self.passes {
            last = pass(&kit, name).await;
            assert_true(&kit, name).await;
        }
        assert_eq!(last, self.last, "{name}");
        assert_eq!(kit.tab("c1").await.len(), self.archived, "{name}");
        assert_recovers(&kit, name, ALL).await;
    }
}

async fn check_all(cases: Vec<Case>, patience: Option<Duration>) {
    join_all(cases.into_iter().map(|case| case.check(patience))).await;
}

fn command(name: &str) -> String {
    name.to_owned()
}

#[tokio::test]
async fn what_is_odd_but_whole_costs_nothing() {
    let before = |octets: &str| Fault::Before { command: command("*"), octets: octets.into() };
    let mut cases = vec![
        Case::harmless("fetch-split", Fault::FetchSplit { uid: 3 }),
        Case::harmless("size-lies", Fault::Size { size: 10 }),
        Case::harmless("uid-descending", Fault::UidDescending),
        Case::harmless("uidvalidity-big", Fault::UidValidity(Told::Value(4_294_967_295))),
        Case::harmless("uidnext-zero", Fault::UidNext(Told::Value(0))),
        Case::harmless("uidnext-missing", Fault::UidNext(Told::Nothing)),
        Case::harmless("tag-wrong", Fault::ForeignTag { command: command("*"), tag: "A0000".into() }),
        Case::harmless("continuation-unasked", before("+ go ahead\r\n")),
        Case::harmless("alert-flood", before("* OK [ALERT] pay attention\r\n")),
        Case::harmless("nil-delimiter", Fault::ListDelimiter(None)),
        Case::harmless("backslash-delimiter", Fault::ListDelimiter(Some('\\'))),
        Case::harmless(
            "internaldate-nil",
            Fault::Item { uid: 3, name: "INTERNALDATE".into(), value: "NIL".into() },
        ),
        Case::harmless(
            "envelope-nil",
            Fault::Item {
                uid: 3,
                name: "ENVELOPE".into(),
                value: "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)".into(),
            },
        ),
        Case::harmless("search-empty", Fault::SearchEmpty),
    ];
    for line in wording::ODD_RESPONSES {
        // A mailbox told while mailboxes are listed is one, whatever its name.
        let command = command("LOGIN|AUTHENTICATE|STATUS|EXAMINE|SEARCH|FETCH");
        let octets = format!("{line}\r\n").into_bytes();
        cases.push(Case::harmless(line, Fault::Before { command, octets }));
    }
    check_all(cases, None).await;
}

#[tokio::test]
async fn a_message_that_would_not_come_whole_costs_no_other() {
    let asked = |fault: Fault, asked| fault.asking(asked);
    for what in [Asked::Header, Asked::Body] {
        check_all(
            vec![
                Case::costs_one("fetch-missing", asked(Fault::FetchMissing { uid: 3 }, what), 1),
                Case::costs_one("fetch-nil", asked(Fault::BodyNil { uid: 3 }, what), 1),
                Case::costs_one("fetch-empty-literal", asked(Fault::BodyEmpty { uid: 3 }, what), 1),
                Case::costs_one("fetch-wrong-uid", asked(Fault::WrongUid { asked: 3, sent: 1 }, what), 1),
                Case::costs_one(
                    "fetch-no-batch",
                    asked(Fault::FetchRefused { uid: 3, text: "bad message".into() }, what),
                    1,
                ),
                Case::harmless("fetch-missing-once", asked(Fault::FetchMissing { uid: 3 }, what).times(1)),
            ],
            None,
        )
        .await;
    }
}

/// Whether a message without a UID comes after all or stays a gap, it is stored under no other UID.
#[tokio::test]
async fn a_message_without_a_uid_is_stored_under_no_guess() {
    let kit = filled(builder(), None).await;
    kit.server.inject(Fault::NoUid { uid: 3 });
    pass(&kit, "fetch-no-uid").await;
    assert!(kit.tab("c1").await.len() >= ALL - 1);
    assert_true(&kit, "fetch-no-uid").await;
    assert_recovers(&kit, "fetch-no-uid", ALL).await;
}

#[tokio::test]
async fn an_ok_without_data_marks_nothing_as_done() {
    for asked in [Asked::Header, Asked::Body] {
        let kit = filled(builder(), None).await;
        kit.server.inject(Fault::FetchEmpty.asking(asked));
        let report = kit.try_sync().await;
        assert!(kit.tab("c1").await.is_empty());
        assert_eq!(report.accounts[0].mailboxes.iter().map(|m| m.gaps).sum::<u64>(), ALL as u64);
        assert_recovers(&kit, "fetch-empty-ok", ALL).await;
    }
}

#[tokio::test]
async fn an_expunge_amid_a_fetch_shifts_no_content() {
    let kit = filled(builder(), None).await;
    kit.server.inject(Fault::ExpungeAmid { uid: 2 }.times(1));
    pass(&kit, "expunge-during-fetch").await;
    pass(&kit, "expunge-during-fetch").await;
    let inbox = kit.user().messages("INBOX");
    assert_eq!(inbox.len(), 4);
    for copy in kit.archived().await.iter().filter(|c| c.place.mailbox.is_inbox()) {
        if let Some(message) = inbox.iter().find(|m| m.uid == copy.place.uid.get()) {
            assert_eq!(copy.sha256, Digest::of(&message.octets));
        }
    }
    assert!(kit.tab("c1").await.len() >= ALL - 1);
    assert_untouched(&kit, "expunge-during-fetch");
}

#[tokio::test]
async fn a_mailbox_without_validity_is_refused_and_said_so() {
    for told in [Told::Nothing, Told::Value(0)] {
        Case::stops("uidvalidity", Fault::UidValidity(told), ErrorKind::MailboxUnavailable).check(None).await;
    }
}

#[tokio::test]
async fn a_changed_validity_stores_nothing_twice() {
    let kit = filled(builder(), None).await;
    kit.sync().await;
    kit.user().set_uid_validity("INBOX", 4_294_967_295);
    let report = kit.sync().await;
    assert_eq!(report.new_messages(), 0);
    assert_eq!(kit.tab("c1").await.len(), ALL);
    assert_recovers(&kit, "uidvalidity-change", ALL).await;
}

#[tokio::test]
async fn new_mail_is_found_whatever_uidnext_says() {
    for told in [Told::Value(100_000), Told::Value(0), Told::Nothing] {
        let kit = filled(builder(), None).await;
        kit.server.inject(Fault::UidNext(told));
        kit.sync().await;
        let text = letter("client@example.org", "anna@practice.example", "m7", "s7");
        kit.user().append("INBOX", text, &[], 1_000_007);
        kit.sync().await;
        assert_eq!(kit.tab("c1").await.len(), ALL + 1, "{told:?}");
    }
}

/// INTERNALDATEs two days ahead of the clock: UIDs decide, not dates.
#[tokio::test]
async fn mail_from_the_future_is_read() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    for n in 1..=3 {
        let text = letter("client@example.org", "anna@practice.example", &format!("m{n}"), "x");
        kit.user().append("INBOX", text, &[], 1_800_000_000 + 2 * 86_400);
        kit.sync().await;
        assert_eq!(kit.tab("c1").await.len(), n);
    }
}

#[tokio::test]
async fn a_message_below_the_highest_uid_is_found() {
    let kit = Kit::start(Personality::Dovecot).await;
    let text =
        |n: u32| letter("client@example.org", "anna@practice.example", &format!("m{n}"), &format!("s{n}"));
    kit.user().append_as("INBOX", 5, text(5), 1_000_005);
    kit.connect().await;
    kit.sync().await;
    kit.user().append_as("INBOX", 2, text(2), 1_000_002);
    kit.sync().await;
    assert_eq!(kit.tab("c1").await, ["s5", "s2"]);
}

#[tokio::test]
async fn a_uid_used_again_overwrites_nothing() {
    let kit = filled(builder(), None).await;
    kit.sync().await;
    let before = kit.archived().await;
    kit.user().replace("INBOX", 3, letter("client@example.org", "anna@practice.example", "m9", "other"));
    kit.sync().await;
    kit.sync().await;
    let after = kit.archived().await;
    assert!(before.iter().all(|copy| after.iter().any(|held| held.sha256 == copy.sha256)));
    assert!(kit.tab("c1").await.contains(&"s3".to_owned()));
}

#[tokio::test]
async fn an_empty_or_broken_off_listing_forgets_nothing() {
    let faults: [Injection; 4] = [
        Fault::ListEmpty.into(),
        Fault::ByeAmid { command: command("LIST"), responses: 2, text: "shutting down".into() }.into(),
        Fault::CloseAmid { command: command("LIST"), octets: 90 }.into(),
        Fault::Answer { command: command("LIST"), text: "NO [UNAVAILABLE] later".into() }.into(),
    ];
    for fault in faults {
        let name = format!("{fault:?}");
        let kit = filled(builder(), None).await;
        kit.sync().await;
        kit.server.inject(fault);
        for _ in 0..3 {
            pass(&kit, &name).await;
            kit.clock.advance(2 * 86_400);
        }
        assert!(kit.copies().await.iter().all(|(_, _, state)| state == "present"), "{name}");
        assert_eq!(kit.tab("c1").await.len(), ALL, "{name}");
        kit.server.forget_record();
        assert_recovers(&kit, &name, ALL).await;
        assert!(kit.server.bodies_fetched().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn mailboxes_that_cannot_be_opened_or_named_are_left_alone() {
    let kit = Kit::start(Personality::Bare).await;
    fill(&kit);
    let mail = kit.user();
    mail.create_mailbox("a", &["\\Noselect"]);
    mail.create_mailbox("ghost", &["\\NonExistent"]);
    mail.create_mailbox("a/b", &[]);
    let long = "x".repeat(2_000);
    let names: [&[u8]; 9] = [
        b"&bad-utf7",
        "r\u{e4}w utf-8".as_bytes(),
        b"quote\"and\\backslash",
        b"line\r\nbreak",
        b"nul\0name",
        b"../../etc/passwd",
        long.as_bytes(),
        b"(paren) {12}",
        b"%*",
    ];
    for name in names {
        mail.create_wire_mailbox(name, &[]);
    }
    let text = letter("client@example.org", "anna@practice.example", "m8", "s8");
    mail.append("a/b", &text, &[], 1_000_008);
    mail.append("../../etc/passwd", &text, &[], 1_000_009);
    kit.connect().await;
    kit.sync().await;
    assert_eq!(kit.tab("c1").await.len(), ALL + 1);
    assert_eq!(kit.archived().await.len(), ALL + 2);
    let examined: Vec<String> =
        kit.server.transcript().into_iter().map(|l| l.text).filter(|l| l.contains("EXAMINE")).collect();
    assert!(!examined.iter().any(|l| l.ends_with("\"a\"") || l.contains("ghost")), "{examined:?}");
    assert!(examined.iter().any(|l| l.contains(&long)));
    assert!(kit.sync().await.accounts[0].mailboxes.iter().all(|m| m.unchanged));
    assert_untouched(&kit, "list-weird");
}

#[tokio::test]
async fn gmail_labels_make_no_second_copy() {
    let kit = Kit::start(Personality::Gmail).await;
    let mail = kit.user();
    mail.create_mailbox("One", &[]);
    mail.create_mailbox("Two", &[]);
    for i in 1..=5 {
        let text = letter("client@example.org", "anna@practice.example", &format!("m{i}"), &format!("s{i}"));
        let uid = mail.append("INBOX", text, &[], 1_000_000 + i).unwrap();
        mail.copy_message("INBOX", uid, "One");
        mail.copy_message("INBOX", uid, "Two");
    }
    kit.connect().await;
    kit.sync().await;
    let copies = kit.archived().await;
    assert_eq!(copies.len(), 5);
    for copy in copies {
        let labels: Vec<String> = copy.labels.iter().map(ToString::to_string).collect();
        assert!(["One", "Two"].iter().all(|label| labels.iter().any(|l| l == label)), "{labels:?}");
    }
    assert_untouched(&kit, "gmail-labels");
}

/// A literal announced wrongly costs its message, and the line where there is no telling what follows.
#[tokio::test]
async fn a_literal_that_is_not_what_it_says_costs_one_message() {
    let literal = |announced: &str, sent| Fault::Literal { uid: 3, announced: announced.into(), sent };
    let cases = |asked| {
        [
            ("literal-overflow-u64", literal("18446744073709551616", Sent::Section)),
            ("literal-negative", literal("-1", Sent::Section)),
            ("literal-hex", literal("0x10", Sent::Section)),
            ("literal-huge-digits", literal("9999999999999999999999", Sent::Section)),
            ("literal-short-eof", literal("1000", Sent::ThenClose(50))),
            ("literal-claim", literal("2147483647", Sent::ThenSilence(10))),
            ("literal-too-short", literal("100", Sent::Section)),
            ("literal-bomb", literal("4294967295", Sent::Endless)),
        ]
        .map(|(name, fault)| Case::costs_one(name, fault.asking(asked), 4))
    };
    join_all(cases(Asked::Body).map(|case| case.check(Some(PATIENCE)))).await;
    join_all(cases(Asked::Header).map(|case| case.check(Some(PATIENCE)))).await;
}

async fn flood_ends(flood: Flood) {
    let kit = filled(builder(), Some(Duration::from_secs(5))).await;
    kit.server.inject(Fault::Endless { command: command("EXAMINE"), flood });
    assert_eq!(pass(&kit, "endless").await, Some(ErrorKind::LimitExceeded), "{flood:?}");
    assert_recovers(&kit, "endless", ALL).await;
}

#[tokio::test]
async fn a_line_without_end_ends_at_a_limit() {
    flood_ends(Flood::Line).await;
    flood_ends(Flood::Nul).await;
}

/// EXISTS and alerts are counted where EXPUNGE is.
#[tokio::test]
async fn responses_without_end_end_at_a_limit() {
    flood_ends(Flood::Expunge).await;
}

#[tokio::test]
async fn fetch_answers_without_end_end_at_a_limit() {
    flood_ends(Flood::Flags).await;
}

#[tokio::test]
async fn a_server_that_is_silent_is_left_in_time() {
    let hang = |command: &str| Fault::Hang { command: command.into() };
    let mut cases: Vec<Case> = ["LIST", "EXAMINE", "SEARCH", "FETCH", "LOGIN|AUTHENTICATE"]
        .map(|name| Case::stops("hang", hang(name), ErrorKind::TimedOut))
        .into();
    cases.push(Case::stops("silent-connection", Fault::SilentConnection, ErrorKind::TimedOut));
    cases.push(Case::harmless("hang-logout", hang("LOGOUT")));
    cases.push(Case::harmless("hang-noop", hang("NOOP")));
    check_all(cases, Some(PATIENCE)).await;
    Case::stops("hang-capability", hang("CAPABILITY|STATUS"), ErrorKind::TimedOut)
        .check_on(builder().personality(Personality::Bare), Some(PATIENCE))
        .await;
}

#[tokio::test]
async fn mailboxes_and_uids_that_do_not_exist_are_bounded() {
    let kit = filled(builder(), None).await;
    kit.server.inject(Fault::ListMany { count: 2_000 }.times(1));
    pass(&kit, "list-million").await;
    assert_recovers(&kit, "list-million", ALL).await;

    let kit = filled(builder(), None).await;
    kit.server.inject(Fault::SearchMany { count: 1_000_000 });
    pass(&kit, "search-million").await;
    assert_recovers(&kit, "search-million", ALL).await;
}

#[tokio::test]
async fn nesting_without_end_costs_nothing() {
    for depth in [1_000, 200_000] {
        let value = wording::nested(depth);
        let item = |name: &str| Fault::Item { uid: 3, name: name.into(), value: value.clone() };
        Case::harmless("deep-bodystructure", item("BODYSTRUCTURE")).check(None).await;
        Case::harmless("deep-envelope", item("ENVELOPE")).check(None).await;
    }
}

#[tokio::test]
async fn a_refused_sign_in_says_who_must_act_and_is_not_repeated_in_the_pass() {
    let answers = [
        (wording::APP_PASSWORD_REQUIRED, ErrorKind::AppPasswordRequired),
        (wording::WEB_LOGIN_REQUIRED, ErrorKind::WebLoginRequired),
        (wording::TOO_MANY_CONNECTIONS, ErrorKind::TooManyConnections),
        (wording::PRIVACY_REQUIRED, ErrorKind::NoUsableSignIn),
        (wording::LIMIT, ErrorKind::TooManyConnections),
        (wording::IN_USE, ErrorKind::ServerUnavailable),
        (wording::AUTHENTICATION_FAILED, ErrorKind::AuthenticationFailed),
        (wording::REFERRAL, ErrorKind::AuthenticationFailed),
    ];
    for (text, kind) in answers {
        let kit = filled(builder(), None).await;
        let connections = kit.server.connections();
        kit.server.inject(Fault::Answer { command: command("LOGIN|AUTHENTICATE"), text: text.into() });
        assert_eq!(pass(&kit, text).await, Some(kind), "{text}");
        assert_eq!(kit.server.connections(), connections + 1, "{text}");
        assert_eq!(kit.try_connect().await.unwrap_err().kind(), kind, "{text}");
        assert_recovers(&kit, text, ALL).await;
    }
}

#[tokio::test]
async fn a_session_that_ends_early_is_no_wrong_password_and_costs_nothing() {
    let bye = |command: &str| Fault::Bye { command: command.into(), text: "Server shutting down.".into() };
    check_all(
        vec![
            Case::stops("login-bye", bye("LOGIN|AUTHENTICATE"), ErrorKind::ServerUnavailable),
            Case::stops("o365-not-connected", Fault::NotConnected, ErrorKind::NotConnected),
            Case::stops("reconnect-storm", Fault::CloseAfterSignIn, ErrorKind::ConnectionLost),
            Case::stops("refused", Fault::Refuse, ErrorKind::TlsFailed),
            Case::stops("bye-list", bye("LIST"), ErrorKind::ServerUnavailable),
        ],
        Some(Duration::from_secs(5)),
    )
    .await;
}

#[tokio::test]
async fn a_session_that_expires_midway_goes_on_where_it_was() {
    let kit = filled(builder(), None).await;
    let expired = Fault::Bye { command: command("FETCH"), text: wording::SESSION_EXPIRED.into() };
    kit.server.inject(expired.after(2).times(1));
    pass(&kit, "token-expires-midway").await;
    kit.sync().await;
    assert_eq!(kit.tab("c1").await.len(), ALL);
    assert_recovers(&kit, "token-expires-midway", ALL).await;
    let mut fetched = kit.server.bodies_fetched();
    let all = fetched.len();
    fetched.sort();
    fetched.dedup();
    assert_eq!(fetched.len(), all, "nothing came twice");
}

#[tokio::test]
async fn throttling_loses_nothing() {
    let throttled = Fault::Answer { command: command("FETCH"), text: wording::THROTTLED.into() };
    Case::stops("throttle", throttled, ErrorKind::Throttled).check(None).await;
}

/// Nothing by which somebody could sign in was sent, and no mailbox was asked for.
fn assert_nothing_told(kit: &Kit, name: &str) {
    for line in kit.server.transcript() {
        for verb in ["LOGIN", "AUTHENTICATE", "LIST", "EXAMINE"] {
            assert!(!line.text.to_uppercase().contains(verb), "{name}: {line}");
        }
    }
}

async fn refuses(builder: ImapServerBuilder, tls: TlsMode, fault: Option<Fault>, name: &str) -> ErrorKind {
    let kit = Kit::on(builder, tls, Some(PATIENCE)).await;
    if let Some(fault) = fault {
        kit.server.inject(fault);
    }
    let begun = Instant::now();
    let error = kit.try_connect().await.expect_err(name);
    assert!(begun.elapsed() < BOUND, "{name}");
    assert_nothing_told(&kit, name);
    let shown = format!("{error} {error:?}");
    for theirs in ["attacker", "OpenSSH", "Bad Request", "go away"] {
        assert!(!shown.contains(theirs), "{name}: {shown}");
    }
    error.kind()
}

#[tokio::test]
async fn a_bad_certificate_is_refused_before_anything_is_told() {
    let kinds = [
        (CertificateKind::SelfSigned, ErrorKind::CertificateUntrusted),
        (CertificateKind::UnknownCa, ErrorKind::CertificateUntrusted),
        (CertificateKind::WrongName, ErrorKind::CertificateWrongName),
        (CertificateKind::Expired, ErrorKind::CertificateExpired),
    ];
    for (certificate, kind) in kinds {
        for (served, asked) in
            [(testkit::TlsMode::Implicit, TlsMode::Implicit), (testkit::TlsMode::StartTls, TlsMode::StartTls)]
        {
            let name = format!("{certificate:?} {asked:?}");
            let builder = builder().certificate(certificate).tls(served);
            assert_eq!(refuses(builder, asked, None, &name).await, kind, "{name}");
        }
    }
}

#[tokio::test]
async fn nothing_is_told_before_encryption() {
    let answer = |text: &str| Fault::Answer { command: command("STARTTLS"), text: text.into() };
    let capabilities = |text: &str| Fault::Capabilities(text.into());
    let behind = |text: &str| Fault::Behind { command: command("STARTTLS"), octets: text.into() };
    let preauth = || Fault::Preauth { login: "anna".into() };
    let faults = [
        ("starttls-no", answer("NO go away")),
        ("starttls-bad", answer("BAD go away")),
        ("starttls-unknown-status", answer("WHAT go away")),
        ("starttls-plain-after", Fault::StartTlsPlain),
        ("starttls-inject-bye", behind("* BYE attacker\r\n")),
        ("starttls-inject-alert", behind("* OK [ALERT] attacker\r\n")),
        (
            "all-mechanisms",
            capabilities("IMAP4rev1 AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5 AUTH=XOAUTH2 SASL-IR"),
        ),
        ("imap4-only", capabilities("IMAP4")),
        ("preauth", preauth()),
        ("tls-handshake-stall", Fault::SilentConnection),
    ];
    let refused = faults.map(|(name, fault)| async move {
        let builder = builder().tls(testkit::TlsMode::StartTls);
        refuses(builder, TlsMode::StartTls, Some(fault), name).await;
    });
    join_all(refused).await;
    let builder = builder().tls(testkit::TlsMode::Plain);
    refuses(builder, TlsMode::StartTls, None, "no-capability-no-starttls").await;
}

#[tokio::test]
async fn what_greets_as_no_mail_server_is_left_and_not_quoted() {
    for tls in
        [(testkit::TlsMode::StartTls, TlsMode::StartTls), (testkit::TlsMode::Implicit, TlsMode::Implicit)]
    {
        join_all(wording::BAD_GREETINGS.map(|greeting| async move {
            let builder = builder().tls(tls.0);
            refuses(builder, tls.1, Some(Fault::Greeting(greeting.into())), greeting).await;
        }))
        .await;
    }
}

/// Whatever was said in the clear, the session begins anew inside TLS or not at all.
#[tokio::test]
async fn nothing_from_before_the_handshake_survives_it() {
    let lines = [
        "* LIST () \"/\" attacker",
        "* LSUB () \"/\" attacker",
        "* STATUS INBOX (MESSAGES 718001 UIDNEXT 718003 UIDVALIDITY 718005)",
        "* SEARCH 1 2 3 4 5 6 7 8 9 10",
        "* FLAGS (\\Flagged)",
        "* 54321 EXISTS",
        "* 12345 RECENT",
        "* 1 EXPUNGE",
        "* CAPABILITY IDLE",
        "* OK [ALERT] attacker",
        "* 1 FETCH (BODY[] {28}",
    ];
    let starttls = || command("STARTTLS");
    for line in lines {
        let octets = format!("{line}\r\n").into_bytes();
        let faults = [
            Fault::BehindGreeting(octets.clone()),
            Fault::Before { command: starttls(), octets: octets.clone() },
            Fault::Behind { command: starttls(), octets },
        ];
        for fault in faults {
            let name = format!("{fault:?}");
            let kit =
                Kit::on(builder().tls(testkit::TlsMode::StartTls), TlsMode::StartTls, Some(PATIENCE)).await;
            fill(&kit);
            kit.server.inject(fault);
            let connected = kit.try_connect().await;
            for line in kit.server.transcript().iter().filter(|l| !l.encrypted) {
                assert!(!line.text.contains("LOGIN") && !line.text.contains("AUTH"), "{name}: {line}");
            }
            if connected.is_err() {
                kit.server.clear_faults();
                kit.connect().await;
            } else {
                kit.sync().await;
            }
            assert_recovers(&kit, &name, ALL).await;
            let anna = UserId::new("anna").unwrap();
            for (mailbox, ..) in &kit.mail.cursors(&Kit::practice(), &anna).await.unwrap()[0].mailboxes {
                assert!(!mailbox.to_string().contains("attacker"), "{name}");
            }
        }
    }
}

/// Answers come in no useful order, so the wrong message is blamed at first; in the end only the right one is lost.
#[tokio::test]
async fn a_message_that_breaks_every_session_is_found_in_any_order() {
    let kit = filled(builder(), None).await;
    kit.server.inject(Fault::UidDescending);
    let broken = Fault::Literal { uid: 3, announced: "-1".into(), sent: Sent::Section };
    kit.server.inject(broken.asking(Asked::Body));
    for _ in 0..20 {
        pass(&kit, "descending").await;
        kit.clock.advance(3_600);
    }
    assert_eq!(kit.tab("c1").await.len(), ALL - 1);
    assert!(!kit.tab("c1").await.contains(&"s3".to_owned()));
    assert_true(&kit, "descending").await;
}

/// Messages made to deceive, with what a reader of addresses may take them for.
#[tokio::test]
async fn an_address_is_what_the_addr_spec_says() {
    let client = [
        ("addr-case", "From: CLIENT@EXAMPLE.ORG\r\n"),
        ("addr-route", "From: <@evil.example:client@example.org>\r\n"),
        ("header-8bit", "From: M\u{fc}ller <client@example.org>\r\nSubject: \u{e4}\r\n"),
        ("comment", "From: (((nested) comments)) client@example.org (more)\r\n"),
        ("undisclosed", "From: client@example.org\r\nTo: undisclosed-recipients:;\r\n"),
        ("nul", "From: client@example.org\r\nSubject: a\0b\r\n"),
        ("date-bad", "From: client@example.org\r\nDate: not a date\r\n"),
        ("no-message-id", "From: client@example.org\r\n"),
    ];
    let nobody = [
        ("mailsploit", "From: =?utf-8?b?Y2xpZW50QGV4YW1wbGUub3Jn?==?utf-8?Q?=00?=@evil.example\r\n"),
        ("from-display-address", "From: \"client@example.org\" <evil@evil.example>\r\n"),
        ("addr-encoded-word", "From: =?x?q?client=40example.org=3E?=@evil.example\r\n"),
        ("addr-quoted", "From: \"client@example.org,x\"@evil.example\r\n"),
        ("addr-uucp", "From: evil.example!client\r\n"),
        ("addr-utf7", "From: =?utf-7?q?client+AEA-example.org?=@evil.example\r\n"),
        ("no-from", "Subject: nobody's\r\n"),
        ("no-headers", ""),
    ];
    let kit = Kit::start(Personality::Dovecot).await;
    for (n, (name, headers)) in client.iter().chain(&nobody).enumerate() {
        let subject =
            if headers.contains("Subject") { String::new() } else { format!("Subject: {name}\r\n") };
        let subject = if headers.is_empty() { String::new() } else { subject };
        let text = format!("{headers}{subject}\r\nText {n}\r\n");
        kit.user().append("INBOX", text, &[], 1_000_000 + i64::try_from(n).unwrap()).unwrap();
    }
    kit.connect().await;
    for _ in 0..3 {
        kit.sync().await;
    }
    let uids: Vec<u32> = kit.copies().await.into_iter().map(|(_, uid, _)| uid).collect();
    let expected: Vec<u32> = (1..=u32::try_from(client.len()).unwrap()).collect();
    assert_eq!(uids, expected, "{client:?}");
    assert!(kit.tab("c1").await.iter().all(|subject| !subject.contains('\0')));
    assert_true(&kit, "addresses").await;
    assert!(kit.sync().await.accounts[0].mailboxes.iter().all(|m| m.unchanged && m.gaps == 0));
}

/// Whatever a message is made of, it is archived as it is, and the others with it.
#[tokio::test]
async fn a_monstrous_message_is_archived_raw_and_the_others_with_it() {
    const HEAD: &str = "From: client@example.org\r\nTo: anna@practice.example\r\nSubject: monster\r\n";
    let part = |n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n");
    let multiparts = (0..10_000).map(part).collect::<Vec<_>>().concat();
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(10_000);
    let many = |field: &str, count| field.repeat(count);
    let monsters = [
        ("mime-nested-multipart", format!("{HEAD}{multiparts}\r\nend\r\n")),
        ("mime-nested-rfc822", format!("{HEAD}{messages}\r\nend\r\n")),
        (
            "mime-boundary-prefix",
            format!(
                "{HEAD}Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\
                 Content-Type: multipart/mixed; boundary=aa\r\n\r\n--aa\r\n\r\ntext\r\n--aaa\r\n--a--\r\n"
            ),
        ),
        ("header-100k", format!("{HEAD}{}\r\nText\r\n", many("X-Filler: x\r\n", 100_000))),
        (
            "references-100k",
            format!("{HEAD}References:{}\r\n\r\nText\r\n", many(" <x@y.example>\r\n", 100_000)),
        ),
        (
            "encoded-word-100k",
            format!("{HEAD}Comments:{}\r\n\r\nText\r\n", many(" =?utf-8?q?x?=\r\n", 100_000)),
        ),
        ("comment-nest", format!("{HEAD}Cc: {}x@y.example\r\n\r\nText\r\n", many("(", 100_000))),
        ("html", format!("{HEAD}Content-Type: text/html\r\n\r\n{}\r\n", many("<div><b>", 100_000))),
        (
            "recipients-many",
            format!("{HEAD}Cc: {}x@y.example\r\n\r\nText\r\n", many("x@y.example, ", 250_000)),
        ),
        ("from-two", format!("From: other@evil.example\r\n{HEAD}\r\nText\r\n")),
    ];
    let kit = filled(builder(), None).await;
    for (n, (name, text)) in monsters.iter().enumerate() {
        let uid = kit.user().append("INBOX", text, &[], 1_000_100 + i64::try_from(n).unwrap());
        assert!(uid.is_some(), "{name}");
    }
    kit.user().append("INBOX", "", &[], 1_000_200);
    assert_eq!(pass(&kit, "monsters").await, None);
    let archived = kit.archived().await;
    for (n, (name, _)) in monsters.iter().enumerate() {
        let uid = u32::try_from(6 + n).unwrap();
        let there = archived.iter().any(|c| c.place.mailbox.is_inbox() && c.place.uid.get() == uid);
        assert!(there, "{name}");
    }
    assert_recovers(&kit, "monsters", ALL + monsters.len()).await;
}

/// However often it is asked for in vain, nothing is fetched for ever.
#[tokio::test]
async fn an_endless_failure_ends_as_a_dead_letter() {
    let kit = filled(builder(), None).await;
    kit.server.inject(Fault::BodyNil { uid: 3 });
    for _ in 0..8 {
        kit.sync().await;
        kit.clock.advance(86_400);
    }
    kit.server.forget_record();
    kit.sync().await;
    assert!(kit.server.bodies_fetched().is_empty());
    assert_eq!(kit.tab("c1").await.len(), ALL - 1);
}
