//! Filing what was sent: found before it is added, added as it is, and nothing else touched.

use std::time::Duration;

use practicemail::contract::{Credential, FiledCopy, MessageFiler};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::imap::ImapConnector;
use practicemail::net::{Dialer, EgressPolicy, Timeouts};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::{Fault, Flood, ImapServerBuilder, Injection, Personality, UserMail};
use practicemail::types::{MailboxName, MessageDate, MessageId, OutgoingId, Secret, Timestamp};

/// How long a server may be silent, where a test waits for that.
const PATIENCE: Duration = Duration::from_millis(600);
/// 2024-02-29T12:34:56Z.
const THEN: i64 = 1_709_210_096;

const PERSONALITIES: [Personality; 4] =
    [Personality::Dovecot, Personality::Gmail, Personality::Exchange, Personality::Bare];

struct Scene {
    server: ImapServer,
    chosen: Option<&'static str>,
}

impl Scene {
    async fn of(personality: Personality) -> Self {
        Self::on(ImapServer::builder().personality(personality)).await
    }

    async fn on(builder: ImapServerBuilder) -> Self {
        Self { server: builder.user("anna", "hunter2").start().await.unwrap(), chosen: None }
    }

    /// Without any mailbox but INBOX.
    async fn bare(builder: ImapServerBuilder) -> Self {
        let scene = Self::on(builder).await;
        scene.mail().mailboxes().iter().for_each(|name| _ = scene.mail().delete_mailbox(&shown(name)));
        scene
    }

    fn choosing(mut self, mailbox: &'static str) -> Self {
        self.chosen = Some(mailbox);
        self
    }

    fn faulty(self, fault: impl Into<Injection>) -> Self {
        self.server.inject(fault);
        self
    }

    fn mail(&self) -> UserMail {
        self.server.user("anna")
    }

    fn has(&self, mailbox: &str) -> bool {
        self.mail().mailboxes().iter().any(|name| shown(name) == mailbox)
    }

    async fn open(&self) -> Box<dyn MessageFiler> {
        let server = ServerSettings::new("127.0.0.1", self.server.port(), TlsMode::Implicit).unwrap();
        let mut settings =
            AccountSettings::new(server.with_ca(self.server.ca_pem()), Login::new("anna").unwrap());
        settings.sent_mailbox = self.chosen.map(str::to_owned);
        let mut timeouts = Timeouts::default();
        timeouts.read = PATIENCE;
        let dialer = Dialer::new().egress(EgressPolicy::Any).timeouts(timeouts);
        ImapConnector::new(dialer)
            .open_filer(&settings, &Credential::Password(Secret::new("hunter2")))
            .await
            .unwrap()
    }

    async fn sent_mailbox(&self) -> Result<String> {
        self.open().await.sent_mailbox().await.map(|name| name.to_string())
    }

    async fn find(&self, mailbox: &str) -> Result<Option<FiledCopy>> {
        self.open()
            .await
            .find(&MailboxName::encode(mailbox), id(7), &message_id("sent.1@practice.example"))
            .await
    }

    async fn append(&self, mailbox: &str, octets: &[u8]) -> Result<FiledCopy> {
        let date = MessageDate::new(Timestamp::from_unix(THEN), 60);
        self.open().await.append(&MailboxName::encode(mailbox), octets, date).await
    }

    fn said(&self, verb: &str) -> Vec<String> {
        let lines = self.server.transcript().into_iter().map(|line| line.text);
        lines.filter(|line| line.contains(verb)).collect()
    }

    /// No flag was changed, nothing was opened for writing, nothing was removed.
    fn assert_untouched(&self) {
        assert_eq!(self.server.flags_changed(), 0);
        for line in self.server.transcript() {
            for verb in
                [" STORE ", " SELECT ", " EXPUNGE", " MOVE ", " COPY ", " DELETE ", " RENAME ", " CLOSE"]
            {
                assert!(!line.text.to_uppercase().contains(verb), "{line}");
            }
        }
    }
}

fn shown(wire: &[u8]) -> String {
    MailboxName::from_wire(wire).to_string()
}

fn id(n: u8) -> OutgoingId {
    OutgoingId::from_random([n; 16])
}

fn message_id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

fn letter(id: OutgoingId, message_id: &str) -> Vec<u8> {
    format!(
        "From: <anna@practice.example>\r\nTo: <c@example.org>\r\nBcc: <b@example.org>\r\nSubject: x\r\n\
         Message-ID: <{message_id}>\r\nX-Practicemail-Id: {id}\r\n\r\nText {{3}}\r\n.\r\nA1 LOGOUT\r\n"
    )
    .into_bytes()
}

fn own() -> Vec<u8> {
    letter(id(7), "sent.1@practice.example")
}

fn answer(text: &str) -> Fault {
    Fault::Answer { command: "APPEND".into(), text: text.into() }
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn what_is_appended_is_there_as_it_is_seen_and_dated() {
    for personality in PERSONALITIES {
        for length in [0, 3_000, 5_000, 400_000] {
            let scene = Scene::of(personality).await;
            let octets = [own(), vec![b'x'; length]].concat();
            let mailbox = scene.sent_mailbox().await.unwrap();
            let filed = scene.append(&mailbox, &octets).await.unwrap();
            let messages = scene.mail().messages(&mailbox);
            assert_eq!(messages.len(), 1, "{personality:?}");
            assert_eq!(*messages[0].octets, octets[..]);
            assert_eq!(
                (messages[0].flags.as_slice(), messages[0].internal_date),
                (&["\\Seen".to_owned()][..], THEN)
            );
            let uid = filed.uid.map(|(validity, uid)| (validity.get(), uid.get()));
            let there = Some((scene.mail().uid_validity(&mailbox).unwrap(), messages[0].uid));
            assert_eq!(uid, there.filter(|_| personality != Personality::Bare), "{personality:?}");
            assert_eq!(filed.mailbox.to_string(), mailbox);
            scene.assert_untouched();
        }
    }
}

/// RFC 7888: nothing is sent unasked that the server does not take unasked, nor anything large.
#[tokio::test]
async fn a_literal_is_sent_unasked_only_where_it_may_be() {
    for (personality, length, unasked) in [
        (Personality::Dovecot, 5_000, true),
        (Personality::Dovecot, 400_000, false),
        (Personality::Gmail, 1_000, true),
        (Personality::Gmail, 5_000, false),
        (Personality::Bare, 10, false),
    ] {
        let scene = Scene::of(personality).await;
        // Answered only where the session waits for it.
        let told = Fault::LiteralRefused { command: "APPEND".into(), text: "NO [LIMIT] later".into() };
        let scene = scene.faulty(told);
        let mailbox = scene.sent_mailbox().await.unwrap();
        let appended = scene.append(&mailbox, &[own(), vec![b'x'; length]].concat()).await;
        assert_eq!(appended.is_ok(), unasked, "{personality:?} {length}");
    }
}

#[tokio::test]
async fn the_mailbox_is_known_by_use_or_by_name() {
    for (personality, name) in [
        (Personality::Dovecot, "Sent"),
        (Personality::Gmail, "[Gmail]/Sent Mail"),
        (Personality::Exchange, "Gesendete Elemente"),
        (Personality::Bare, "Sent"),
    ] {
        let scene = Scene::of(personality).await;
        let before = scene.mail().mailboxes();
        assert_eq!(scene.sent_mailbox().await.unwrap(), name);
        assert_eq!(scene.mail().mailboxes(), before);
        scene.assert_untouched();
    }
    let scene = Scene::of(Personality::Dovecot).await;
    scene.mail().delete_mailbox("Sent");
    scene.mail().create_mailbox("Projects", &["\\Sent"]);
    scene.mail().create_mailbox("Gesendet", &[]);
    assert_eq!(scene.sent_mailbox().await.unwrap(), "Projects");
}

#[tokio::test]
async fn the_chosen_mailbox_counts_before_all_others_or_is_an_error() {
    let scene = Scene::of(Personality::Dovecot).await.choosing("Müller & \"Söhne\" \\ Post");
    assert_eq!(kind(scene.sent_mailbox().await), ErrorKind::NotFound);
    scene.mail().create_mailbox("Müller & \"Söhne\" \\ Post", &[]);
    let mailbox = scene.sent_mailbox().await.unwrap();
    assert_eq!(mailbox, "Müller & \"Söhne\" \\ Post");
    scene.append(&mailbox, &own()).await.unwrap();
    assert_eq!(scene.mail().messages(&mailbox).len(), 1);
    assert!(scene.find(&mailbox).await.unwrap().is_some());

    let scene = Scene::of(Personality::Dovecot).await.choosing("Parent");
    scene.mail().create_mailbox("Parent", &["\\Noselect"]);
    assert_eq!(kind(scene.sent_mailbox().await), ErrorKind::NotFound);
    assert!(scene.said("CREATE").is_empty());
}

#[tokio::test]
async fn a_mailbox_is_made_where_there_is_none() {
    let dotted = || ImapServer::builder().delimiter('.');
    let scene = Scene::bare(dotted()).await;
    scene.mail().create_mailbox("INBOX.Clients", &[]);
    assert_eq!(scene.sent_mailbox().await.unwrap(), "INBOX.Sent");
    assert_eq!(scene.sent_mailbox().await.unwrap(), "INBOX.Sent");
    assert_eq!(scene.said(" CREATE ").len(), 1);
    assert_eq!(scene.said(" SUBSCRIBE ").len(), 1);

    let scene = Scene::bare(ImapServer::builder().with_capability("CREATE-SPECIAL-USE")).await;
    assert_eq!(scene.sent_mailbox().await.unwrap(), "Sent");
    assert_eq!(scene.said("(USE (\\Sent))").len(), 1);
    assert!(scene.has("Sent"));

    // A server that keeps everything below INBOX and has nothing there yet.
    let refusing = Fault::Answer { command: "CREATE".into(), text: "NO Invalid mailbox name".into() };
    let scene = Scene::bare(dotted()).await.faulty(refusing.times(1));
    assert_eq!(scene.sent_mailbox().await.unwrap(), "INBOX.Sent");

    // A server that does not take what it says it can.
    let refusing = Fault::Answer { command: "CREATE".into(), text: "NO [USEATTR] not this one".into() };
    let scene = Scene::bare(ImapServer::builder().with_capability("CREATE-SPECIAL-USE")).await;
    let scene = scene.faulty(refusing.times(1));
    assert_eq!(scene.sent_mailbox().await.unwrap(), "Sent");

    let subscribing = Fault::Answer { command: "SUBSCRIBE".into(), text: "NO no subscriptions".into() };
    let scene = Scene::bare(ImapServer::builder()).await.faulty(subscribing);
    assert_eq!(scene.sent_mailbox().await.unwrap(), "Sent");
}

#[tokio::test]
async fn no_mailbox_is_made_where_its_name_means_something_else() {
    let scene = Scene::bare(ImapServer::builder()).await;
    scene.mail().create_mailbox("Sent", &["\\Archive"]);
    assert_eq!(kind(scene.sent_mailbox().await), ErrorKind::NotFound);
    let refusing = Fault::Answer { command: "CREATE".into(), text: "NO [CANNOT] never".into() };
    let scene = Scene::bare(ImapServer::builder()).await.faulty(refusing);
    assert_eq!(kind(scene.sent_mailbox().await), ErrorKind::ServerRefused);
}

#[tokio::test]
async fn a_mailbox_that_went_away_is_made_again() {
    for personality in [Personality::Dovecot, Personality::Bare] {
        let scene = Scene::of(personality).await;
        scene.append("Sent/2026", &own()).await.unwrap();
        assert_eq!(scene.mail().messages("Sent/2026").len(), 1);
        assert_eq!((scene.said(" CREATE ").len(), scene.said(" APPEND ").len()), (1, 2));
    }
    // A server that asks for it again and again is asked once.
    let scene = Scene::of(Personality::Dovecot).await.faulty(answer("NO [TRYCREATE] no such mailbox"));
    assert_eq!(kind(scene.append("Elsewhere", &own()).await), ErrorKind::ServerRefused);
    assert_eq!(scene.said(" APPEND ").len(), 2);
}

#[tokio::test]
async fn a_message_is_found_by_either_identifier_and_by_nothing_less() {
    for personality in PERSONALITIES {
        let scene = Scene::of(personality).await;
        let mailbox = scene.sent_mailbox().await.unwrap();
        let add = |octets: Vec<u8>| scene.mail().append(&mailbox, octets, &[], THEN).unwrap();
        // What a search by parts of values finds besides.
        add(letter(id(8), "sent.1@practice.example"));
        add(b"X-Practicemail-Id: 0707\r\nMessage-ID: <xsent.1@practice.example>\r\n\r\n".to_vec());
        add(format!("X-Practicemail-Id: {}7\r\nMessage-ID: <other@x>\r\n\r\n", id(7)).into_bytes());
        add(format!("References: <sent.1@practice.example>\r\n\r\n{}", id(7)).into_bytes());
        assert_eq!(scene.find(&mailbox).await.unwrap(), None, "{personality:?}");

        let rewritten = add(letter(id(7), "rewritten@provider.example"));
        let found = scene.find(&mailbox).await.unwrap().unwrap();
        let place = found.uid.map(|(validity, uid)| (validity.get(), uid.get()));
        assert_eq!(place, Some((scene.mail().uid_validity(&mailbox).unwrap(), rewritten)), "{personality:?}");

        scene.mail().expunge(&mailbox, rewritten);
        let stripped = add(b"Message-ID:\r\n <sent.1@practice.example>\r\n\r\n".to_vec());
        let found = scene.find(&mailbox).await.unwrap().unwrap();
        assert_eq!(found.uid.map(|(_, uid)| uid.get()), Some(stripped), "{personality:?}");
        scene.assert_untouched();
    }
}

#[tokio::test]
async fn not_found_is_said_only_where_the_server_said_so() {
    let of = |command: &str, text: &str| Fault::Answer { command: command.into(), text: text.into() };
    let cases: [(Injection, ErrorKind); 10] = [
        (of("EXAMINE", "NO [NONEXISTENT] no such mailbox").into(), ErrorKind::MailboxUnavailable),
        (of("SEARCH", "NO cannot search").into(), ErrorKind::ServerRefused),
        (of("SEARCH", "BAD what is HEADER").into(), ErrorKind::ServerRefused),
        // The second search finds nothing, the first was not made.
        (of("SEARCH", "NO this field is not searched").times(1), ErrorKind::ServerRefused),
        (of("SEARCH", "NO [UNAVAILABLE] later").into(), ErrorKind::ServerUnavailable),
        (Fault::Close { command: "SEARCH".into() }.into(), ErrorKind::ConnectionLost),
        (Fault::CloseAmid { command: "SEARCH".into(), octets: 5 }.into(), ErrorKind::ConnectionLost),
        (Fault::Bye { command: "SEARCH".into(), text: "Down.".into() }.into(), ErrorKind::ServerUnavailable),
        (Fault::Hang { command: "SEARCH".into() }.into(), ErrorKind::TimedOut),
        (Fault::Endless { command: "SEARCH".into(), flood: Flood::Line }.into(), ErrorKind::LimitExceeded),
    ];
    for (fault, expected) in cases {
        let name = format!("{fault:?}");
        let scene = Scene::of(Personality::Dovecot).await.faulty(fault);
        assert_eq!(kind(scene.find("Sent").await), expected, "{name}");
    }
    // It is there, the server finds it, and says nothing of it.
    for (fault, expected) in [
        (Fault::FetchEmpty, ErrorKind::MailboxUnavailable),
        (Fault::FetchMissing { uid: 1 }, ErrorKind::MailboxUnavailable),
        (Fault::BodyNil { uid: 1 }, ErrorKind::MailboxUnavailable),
        (of("FETCH", "NO not now"), ErrorKind::ServerRefused),
    ] {
        let scene = Scene::of(Personality::Dovecot).await.faulty(fault);
        scene.mail().append("Sent", own(), &[], THEN);
        assert_eq!(kind(scene.find("Sent").await), expected);
    }
}

#[tokio::test]
async fn a_field_that_is_not_searched_costs_nothing_where_the_other_one_tells() {
    let refusing = Fault::Answer { command: "SEARCH".into(), text: "BAD unknown field".into() };
    let scene = Scene::of(Personality::Dovecot).await.faulty(refusing.times(1));
    scene.mail().append("Sent", own(), &[], THEN);
    assert!(scene.find("Sent").await.unwrap().is_some());
}

#[tokio::test]
async fn a_refusal_says_why() {
    let refused = |text: &str| Fault::LiteralRefused { command: "APPEND".into(), text: text.into() };
    for (text, expected) in [
        ("NO [OVERQUOTA] Quota exceeded", ErrorKind::MailboxFull),
        ("NO Over quota.", ErrorKind::MailboxFull),
        ("NO [TOOBIG] Message too big", ErrorKind::MessageTooLarge),
        ("NO [LIMIT] Slower", ErrorKind::Throttled),
        ("NO [UNAVAILABLE] Later", ErrorKind::ServerUnavailable),
        ("NO [NOPERM] Read-only", ErrorKind::NotConnected),
        ("BAD No such command", ErrorKind::ServerRefused),
    ] {
        for (personality, fault) in [
            (Personality::Dovecot, answer(text)),
            (Personality::Bare, answer(text)),
            (Personality::Bare, refused(text)),
        ] {
            let scene = Scene::of(personality).await.faulty(fault);
            let error: Error = scene.append("Sent", &own()).await.unwrap_err();
            assert_eq!(error.kind(), expected, "{personality:?} {text}");
            assert!(scene.mail().messages("Sent").is_empty(), "{text}");
        }
    }
    let scene = Scene::on(ImapServer::builder().with_capability("APPENDLIMIT=100")).await;
    assert_eq!(kind(scene.append("Sent", &own()).await), ErrorKind::MessageTooLarge);
    assert!(scene.said(" APPEND ").is_empty());
}

/// The session goes on behind a refusal, be it in place of `+`.
#[tokio::test]
async fn a_refused_session_is_still_of_use() {
    for personality in [Personality::Dovecot, Personality::Bare] {
        for fault in [
            answer("NO [UNAVAILABLE] Later").times(1),
            Fault::LiteralRefused { command: "APPEND".into(), text: "NO [UNAVAILABLE] Later".into() }
                .times(1),
        ] {
            let scene = Scene::of(personality).await.faulty(fault);
            let mut filer = scene.open().await;
            let date = MessageDate::new(Timestamp::from_unix(THEN), 0);
            let mailbox = MailboxName::encode("Sent");
            let first = filer.append(&mailbox, &own(), date).await.is_ok();
            let second = filer.append(&mailbox, &own(), date).await.is_ok();
            assert_eq!(scene.mail().messages("Sent").len(), usize::from(first) + usize::from(second));
            assert!(second);
            let found = filer.find(&mailbox, id(7), &message_id("sent.1@practice.example")).await;
            assert!(found.unwrap().is_some());
            filer.close().await;
        }
    }
}

#[tokio::test]
async fn what_a_server_says_besides_is_no_answer() {
    let told = |octets: &str| Fault::BeforeReady { command: "APPEND".into(), octets: octets.into() };
    for fault in [
        told("* 5 EXISTS\r\n* 1 RECENT\r\n"),
        told("* OK [ALERT] + OK\r\n"),
        told("A0000 NO not yours\r\n"),
        Fault::ForeignTag { command: "APPEND".into(), tag: "A9999".into() },
        Fault::Before { command: "APPEND".into(), octets: b"* 9 EXISTS\r\n+ go on\r\n".to_vec() },
    ] {
        let scene = Scene::of(Personality::Bare).await.faulty(fault);
        scene.append("Sent", &own()).await.unwrap();
        assert_eq!(*scene.mail().messages("Sent")[0].octets, own()[..]);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_an_error_whether_the_message_is_there_or_not() {
    let command = || "APPEND".to_owned();
    for personality in [Personality::Dovecot, Personality::Bare] {
        for (fault, there, expected) in [
            (Fault::Close { command: command() }, 0, ErrorKind::ConnectionLost),
            (Fault::AnswerLost { command: command() }, 1, ErrorKind::ConnectionLost),
            (Fault::CloseAmid { command: command(), octets: 7 }, 1, ErrorKind::ConnectionLost),
            (Fault::CloseAmidLiteral { command: command(), octets: 0 }, 0, ErrorKind::ConnectionLost),
            (Fault::CloseAmidLiteral { command: command(), octets: 100 }, 0, ErrorKind::ConnectionLost),
            (Fault::Hang { command: command() }, 0, ErrorKind::TimedOut),
            (Fault::Bye { command: command(), text: "Down.".into() }, 0, ErrorKind::ServerUnavailable),
        ] {
            let name = format!("{personality:?} {fault:?}");
            let scene = Scene::of(personality).await.faulty(fault);
            assert_eq!(kind(scene.append("Sent", &own()).await), expected, "{name}");
            assert_eq!(scene.mail().messages("Sent").len(), there, "{name}");
            // Nothing is tried again in here; whoever looks finds it where it is.
            assert_eq!(scene.said(" APPEND ").len(), usize::from(!name.contains("AmidLiteral")), "{name}");
            scene.server.clear_faults();
            assert_eq!(scene.find("Sent").await.unwrap().is_some(), there == 1, "{name}");
        }
    }
}

/// A large message and a server that takes it slowly, or not at all.
#[tokio::test]
async fn a_large_message_breaks_off_where_the_server_does() {
    let large = [own(), vec![b'x'; 8 << 20]].concat();
    let scene = Scene::of(Personality::Dovecot).await;
    scene.append("Sent", &large).await.unwrap();
    assert_eq!(*scene.mail().messages("Sent")[0].octets, large[..]);
    let cut = Fault::CloseAmidLiteral { command: "APPEND".into(), octets: 1 << 20 };
    let scene = Scene::of(Personality::Dovecot).await.faulty(cut);
    assert_eq!(kind(scene.append("Sent", &large).await), ErrorKind::ConnectionLost);
    assert!(scene.mail().messages("Sent").is_empty());
}

#[tokio::test]
async fn a_name_no_command_can_carry_is_refused_before_anything_is_sent() {
    let scene = Scene::of(Personality::Dovecot).await;
    let mut filer = scene.open().await;
    let name = MailboxName::from_wire(b"Sent\r\nA1 DELETE INBOX".to_vec());
    let date = MessageDate::new(Timestamp::from_unix(THEN), 0);
    assert_eq!(kind(filer.append(&name, &own(), date).await), ErrorKind::Invalid);
    assert_eq!(kind(filer.find(&name, id(7), &message_id("a@x")).await), ErrorKind::Invalid);
    assert!(scene.said("DELETE").is_empty());
}
