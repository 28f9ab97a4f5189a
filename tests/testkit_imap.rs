//! The test kit's IMAP server, spoken to in octets over sockets.

use std::{sync::Arc, time::Duration};

use practicemail::testkit::{
    CertificateKind, ImapServer, Script, ScriptServer, TlsMode,
    imap::{Asked, Fault, Flood, Personality, Sent, Told, UserMail, wording},
};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Long enough for any answer here, short enough to fail in.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough to see that nothing comes.
const SILENCE: Duration = Duration::from_millis(150);
const MAIL: &str =
    "From: Client <client@example.org>\r\nTo: anna@practice.example\r\nSubject: Hi\r\n\r\nBody\r\n";
/// 29 February 2024, 12:34:56 UTC.
const ARRIVED: i64 = 1_709_210_096;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A session in octets.
struct Dialogue(Box<dyn Stream>, Vec<u8>);

impl Dialogue {
    async fn plain(port: u16) -> Self {
        Self(Box::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()), Vec::new())
    }

    async fn encrypted(self, ca_pem: &str) -> std::io::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, self.0).await?;
        Ok(Self(Box::new(tls), Vec::new()))
    }

    /// Signed in as anna, in the clear.
    async fn signed_in(server: &ImapServer) -> Self {
        let mut dialogue = Self::plain(server.port()).await;
        dialogue.line().await;
        assert!(dialogue.run("l LOGIN anna secret").await.contains("l OK"));
        dialogue
    }

    async fn send(&mut self, octets: &str) {
        self.0.write_all(octets.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        self.until(|text| text.ends_with(b"\r\n")).await
    }

    /// Reads until `enough`; at the end of the stream, what there is.
    async fn until(&mut self, enough: impl Fn(&[u8]) -> bool) -> String {
        let read = async {
            loop {
                if let Some(end) = (1..=self.1.len()).find(|end| enough(&self.1[..*end])) {
                    return self.1.drain(..end).collect::<Vec<u8>>();
                }
                if self.0.read_buf(&mut self.1).await.unwrap_or(0) == 0 {
                    return std::mem::take(&mut self.1);
                }
            }
        };
        String::from_utf8_lossy(&timeout(PATIENCE, read).await.expect("an answer in time")).into_owned()
    }

    /// Sends a command and reads to its tagged answer, or to the end.
    async fn run(&mut self, command: &str) -> String {
        self.send(&format!("{command}\r\n")).await;
        self.answer(command.split(' ').next().unwrap()).await
    }

    async fn answer(&mut self, tag: &str) -> String {
        let mut text = String::new();
        loop {
            let line = self.line().await;
            text.push_str(&line);
            if line.is_empty() || line.starts_with(&format!("{tag} ")) {
                return text;
            }
        }
    }

    /// Everything to the end of the stream.
    async fn rest(&mut self) -> String {
        self.until(|_| false).await
    }

    async fn is_silent(&mut self) -> bool {
        let mut octet = [0; 1];
        timeout(SILENCE, self.0.read(&mut octet)).await.is_err()
    }
}

async fn server(personality: Personality) -> (ImapServer, UserMail) {
    let server = ImapServer::builder()
        .personality(personality)
        .tls(TlsMode::Plain)
        .user("anna", "secret")
        .start()
        .await
        .unwrap();
    let anna = server.user("anna");
    (server, anna)
}

/// A Dovecot with three messages in INBOX.
async fn dovecot() -> (ImapServer, UserMail) {
    let (server, anna) = server(Personality::Dovecot).await;
    for number in 1..=3 {
        anna.append("INBOX", MAIL.replace("Body", &format!("Body {number}")), &[], ARRIVED).unwrap();
    }
    (server, anna)
}

#[tokio::test]
async fn implicit_tls_shows_a_certificate_to_trust() {
    let server = ImapServer::builder().user("anna", "secret").start().await.unwrap();
    let mut dialogue = Dialogue::plain(server.port()).await.encrypted(server.ca_pem()).await.unwrap();
    assert!(dialogue.line().await.starts_with("* OK [CAPABILITY IMAP4rev1 SASL-IR"));
    assert!(dialogue.run("a LOGIN anna secret").await.contains("SPECIAL-USE"));
    assert!(server.transcript().iter().all(|line| line.encrypted));
}

#[tokio::test]
async fn bad_certificates_are_bad() {
    for kind in [
        CertificateKind::Expired,
        CertificateKind::WrongName,
        CertificateKind::SelfSigned,
        CertificateKind::UnknownCa,
    ] {
        let server = ImapServer::builder().certificate(kind).start().await.unwrap();
        let refused = Dialogue::plain(server.port()).await.encrypted(server.ca_pem()).await;
        assert!(refused.is_err(), "{kind:?}");
    }
}

#[tokio::test]
async fn starttls_comes_before_sign_in() {
    let server = ImapServer::builder().tls(TlsMode::StartTls).user("anna", "secret").start().await.unwrap();
    let mut dialogue = Dialogue::plain(server.port()).await;
    let greeting = dialogue.line().await;
    assert!(greeting.contains("STARTTLS") && greeting.contains("LOGINDISABLED"), "{greeting}");
    assert!(dialogue.run("a LOGIN anna secret").await.starts_with("a NO [PRIVACYREQUIRED]"));
    // What is sent along in the clear is dropped at the handshake.
    dialogue.send("b STARTTLS\r\nc NOOP\r\n").await;
    assert!(dialogue.line().await.starts_with("b OK"));
    let mut dialogue = dialogue.encrypted(server.ca_pem()).await.unwrap();
    assert!(dialogue.run("d CAPABILITY").await.contains("AUTH=PLAIN"));
    assert!(dialogue.run("e LOGIN anna secret").await.contains("e OK"));
    assert!(!server.transcript().iter().any(|line| line.text.contains("secret")));
}

#[tokio::test]
async fn every_mechanism_signs_in() {
    let (server, anna) = server(Personality::Dovecot).await;
    anna.set_token("ya29");
    let good = "dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHlhMjkBAQ==";
    for commands in [
        vec!["a AUTHENTICATE PLAIN AGFubmEAc2VjcmV0"],
        vec!["a AUTHENTICATE PLAIN", "AGFubmEAc2VjcmV0"],
        vec!["a AUTHENTICATE LOGIN", "YW5uYQ==", "c2VjcmV0"],
        vec![&format!("a AUTHENTICATE XOAUTH2 {good}")],
        vec!["a LOGIN {4}", "anna {6+}\r\nsecret"],
    ] {
        let mut dialogue = Dialogue::plain(server.port()).await;
        dialogue.line().await;
        for command in &commands {
            dialogue.send(&format!("{command}\r\n")).await;
            if command != commands.last().unwrap() {
                assert!(dialogue.line().await.starts_with("+ "), "{command}");
            }
        }
        assert!(dialogue.line().await.starts_with("a OK [CAPABILITY"), "{commands:?}");
    }
    let told: String = server.transcript().iter().map(ToString::to_string).collect();
    for secret in ["secret", "c2VjcmV0", "AGFubmEA", "ya29", good] {
        assert!(!told.contains(secret), "{told}");
    }
    assert_eq!(server.connections(), 5);
}

#[tokio::test]
async fn a_refused_token_is_challenged_first() {
    let (server, anna) = server(Personality::Gmail).await;
    anna.set_token("new");
    let mut dialogue = Dialogue::plain(server.port()).await;
    dialogue.line().await;
    dialogue.send("a AUTHENTICATE XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHlhMjkBAQ==\r\n").await;
    assert!(dialogue.line().await.starts_with("+ eyJzdGF0dXMiOiI0MDAi"));
    dialogue.send("\r\n").await;
    assert_eq!(dialogue.line().await, "a NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n");
    assert!(dialogue.run("b LOGIN anna wrong").await.starts_with("b NO [AUTHENTICATIONFAILED]"));
    assert!(dialogue.run("c LIST \"\" *").await.starts_with("c BAD"));
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let (server, _) = dovecot().await;
    let mut dialogue = Dialogue::plain(server.port()).await;
    dialogue
        .send(
            "a LOGIN anna secret\r\nb ID NIL\r\nc ENABLE CONDSTORE\r\nd NAMESPACE\r\ne NOOP\r\nf LOGOUT\r\n",
        )
        .await;
    let text = dialogue.rest().await;
    let at: Vec<usize> = [
        "a OK",
        "* ID (\"name\" \"Dovecot\")",
        "* ENABLED CONDSTORE",
        "* NAMESPACE ((\"\" \"/\")) NIL NIL",
        "e OK",
        "* BYE",
        "f OK",
    ]
    .iter()
    .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} in {text}")))
    .collect();
    assert!(at.is_sorted());
}

#[tokio::test]
async fn mailboxes_are_listed_as_asked() {
    let (server, anna) = dovecot().await;
    anna.create_mailbox("Klienten/Müller & Söhne", &[]);
    let mut dialogue = Dialogue::signed_in(&server).await;
    let plain = dialogue.run(r#"a LIST "" "*""#).await;
    assert!(plain.contains("* LIST (\\HasNoChildren) \"/\" INBOX\r\n"), "{plain}");
    assert!(plain.contains("* LIST (\\Sent \\HasNoChildren) \"/\" Sent\r\n"), "{plain}");
    assert!(plain.contains("\"/\" \"Klienten/M&APw-ller &- S&APY-hne\"\r\n"), "{plain}");
    let level = dialogue.run(r#"b LIST "" %"#).await;
    assert!(level.contains("(\\Noselect \\HasChildren) \"/\" Klienten\r\n"), "{level}");
    let status = dialogue
        .run(r#"c LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))"#)
        .await;
    assert!(status.contains("* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 1700000001 HIGHESTMODSEQ 4)"));
    let unasked = dialogue.run(r#"d LIST "" "*" RETURN (CHILDREN)"#).await;
    assert!(!unasked.contains("\\Sent"), "{unasked}");
    assert!(dialogue.run(r#"e LIST "" """#).await.contains("* LIST (\\Noselect) \"/\" \"\""));
    assert!(dialogue.run(r#"f LSUB "" "*""#).await.contains("* LSUB () \"/\" INBOX"));
    assert!(dialogue.run(r#"g LIST (SPECIAL-USE) "" "*""#).await.matches("* LIST").count() == 4);
}

#[tokio::test]
async fn mailboxes_are_made_renamed_and_deleted() {
    let (server, anna) = dovecot().await;
    let mut dialogue = Dialogue::signed_in(&server).await;
    assert!(dialogue.run("a CREATE a/b").await.starts_with("a OK"));
    assert!(dialogue.run("b CREATE a/b").await.starts_with("b NO [ALREADYEXISTS]"));
    assert!(dialogue.run("c CREATE a").await.starts_with("c OK"));
    assert!(dialogue.run("d RENAME a z").await.starts_with("d OK"));
    assert!(anna.mailboxes().contains(&b"z/b".to_vec()));
    assert!(dialogue.run("e UNSUBSCRIBE z").await.starts_with("e OK"));
    assert!(!dialogue.run("f LSUB \"\" z").await.contains("* LSUB"));
    assert!(dialogue.run("g DELETE z").await.starts_with("g OK"));
    assert!(dialogue.run("h DELETE z").await.starts_with("h NO [NONEXISTENT]"));
    assert!(dialogue.run("i SELECT z").await.starts_with("i NO"));
}

#[tokio::test]
async fn odd_names_come_back_octet_for_octet() {
    let (server, anna) = dovecot().await;
    for name in ["a \"b\" \\c", "bad &Jjo name", "two\r\nlines"] {
        anna.create_wire_mailbox(name.as_bytes(), &[]);
    }
    let mut dialogue = Dialogue::signed_in(&server).await;
    let list = dialogue.run(r#"a LIST "" "*""#).await;
    assert!(list.contains(r#""a \"b\" \\c""#) && list.contains("\"bad &Jjo name\""), "{list}");
    assert!(list.contains("{10}\r\ntwo\r\nlines\r\n"), "{list}");
    assert!(dialogue.run(r#"b EXAMINE "a \"b\" \\c""#).await.contains("b OK [READ-ONLY]"));
    assert!(dialogue.run("c EXAMINE {10+}\r\ntwo\r\nlines").await.contains("c OK"));
}

#[tokio::test]
async fn select_tells_and_examine_changes_nothing() {
    let (server, anna) = dovecot().await;
    let mut dialogue = Dialogue::signed_in(&server).await;
    let text = dialogue.run("a EXAMINE inbox (CONDSTORE)").await;
    for part in [
        "* 3 EXISTS",
        "* 3 RECENT",
        "[UNSEEN 1]",
        "[UIDVALIDITY 1700000001]",
        "[UIDNEXT 4]",
        "[HIGHESTMODSEQ 4]",
        "[PERMANENTFLAGS ()]",
        "a OK [READ-ONLY]",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let before = anna.messages("INBOX");
    assert!(dialogue.run("b FETCH 1 BODY[]").await.contains("b OK"));
    assert!(dialogue.run("c STORE 1 +FLAGS (\\Deleted)").await.starts_with("c NO"));
    assert!(dialogue.run("d CLOSE").await.starts_with("d OK"));
    assert_eq!(anna.messages("INBOX"), before);
    assert_eq!(server.flags_changed(), 0);
    assert!(
        dialogue.run("e STATUS INBOX (RECENT UNSEEN)").await.contains("* STATUS INBOX (RECENT 3 UNSEEN 3)")
    );
    assert!(dialogue.run("f FETCH 1 UID").await.starts_with("f BAD"));

    assert!(dialogue.run("g SELECT INBOX").await.contains("g OK [READ-WRITE]"));
    let text = dialogue.run("h FETCH 1 BODY[TEXT]").await;
    assert!(text.contains("FLAGS (\\Seen)"), "{text}");
    assert_eq!(server.flags_changed(), 1);
    assert_eq!(anna.messages("INBOX")[0].flags, ["\\Seen"]);
    assert!(dialogue.run("i UNSELECT").await.starts_with("i OK"));
}

#[tokio::test]
async fn fetch_answers_every_item() {
    let (server, anna) = dovecot().await;
    let mut dialogue = Dialogue::signed_in(&server).await;
    dialogue.run("a EXAMINE INBOX").await;
    let text = dialogue.run("b UID FETCH 2 (FLAGS RFC822.SIZE INTERNALDATE MODSEQ)").await;
    let size = anna.messages("INBOX")[1].octets.len();
    assert_eq!(
        text,
        format!(
            "* 2 FETCH (UID 2 FLAGS (\\Recent) RFC822.SIZE {size} INTERNALDATE \"29-Feb-2024 12:34:56 +0000\" MODSEQ (3))\r\nb OK Fetch completed.\r\n"
        )
    );
    let text = dialogue.run("c FETCH 1 BODY.PEEK[HEADER.FIELDS (FROM \"TO\" CC)]").await;
    assert!(
        text.contains("BODY[HEADER.FIELDS (FROM \"TO\" CC)] {64}\r\nFrom: Client <client@example.org>\r\nTo: anna@practice.example\r\n\r\n)\r\n"),
        "{text}"
    );
    assert!(server.bodies_fetched().is_empty());
    let text = dialogue.run("d UID FETCH 3 BODY.PEEK[]<0.5>").await;
    assert!(text.contains("(UID 3 BODY[]<0> {5}\r\nFrom:)"), "{text}");
    let text = dialogue.run("e UID FETCH 3 BODY.PEEK[]<5000.5>").await;
    assert!(text.contains("BODY[]<5000> {0}\r\n)"), "{text}");
    for (range, bad) in [("0.0", true), ("x.1", true), ("1", true), ("0.4294967296", false)] {
        let text = dialogue.run(&format!("r UID FETCH 3 BODY.PEEK[TEXT]<{range}>")).await;
        assert_eq!(text.contains("r BAD"), bad, "{text}");
        assert!(bad || text.contains("BODY[TEXT]<0> {8}\r\nBody 3\r\n)"), "{text}");
    }
    let text = dialogue.run("f FETCH 1 (RFC822.HEADER BODY.PEEK[TEXT])").await;
    assert!(text.contains("RFC822.HEADER {") && text.contains("BODY[TEXT] {8}\r\nBody 1\r\n)"), "{text}");
    assert_eq!(server.bodies_fetched(), [3, 3, 3, 1].map(|uid| ("anna".into(), "INBOX".into(), uid)));
    assert!(dialogue.run("g UID FETCH 1:* (FLAGS) (CHANGEDSINCE 3)").await.contains("* 3 FETCH (UID 3"));
    assert!(dialogue.run("h UID FETCH 99 FLAGS").await.starts_with("h OK"));
    assert!(dialogue.run("i FETCH 1 BODY[1.2]").await.starts_with("i BAD"));
}

#[tokio::test]
async fn search_finds() {
    let (server, anna) = dovecot().await;
    anna.append("INBOX", "From: other@x.example\r\nMessage-ID: <m4@x>\r\n\r\n", &["\\Draft"], 0).unwrap();
    let mut dialogue = Dialogue::signed_in(&server).await;
    dialogue.run("a EXAMINE INBOX").await;
    for (keys, found) in [
        ("ALL", " 1 2 3 4"),
        ("2:3", " 2 3"),
        ("UID 4:*", " 4"),
        ("FROM client@EXAMPLE.org", " 1 2 3"),
        ("HEADER Message-ID \"<m4@x>\"", " 4"),
        ("OR FROM other TO nobody", " 4"),
        ("NOT FROM client", " 4"),
        ("SINCE 29-Feb-2024", " 1 2 3"),
        ("BEFORE 29-Feb-2024", " 4"),
        ("DRAFT", " 4"),
        ("UNDRAFT UNDELETED (1:2)", " 1 2"),
        ("DELETED", ""),
        ("BODY \"body 2\"", " 2"),
        ("CHARSET UTF-8 SUBJECT hi", " 1 2 3"),
    ] {
        let text = dialogue.run(&format!("b UID SEARCH {keys}")).await;
        assert_eq!(text, format!("* SEARCH{found}\r\nb OK Search completed.\r\n"), "{keys}");
    }
    assert!(dialogue.run("c SEARCH MODSEQ 4").await.contains("* SEARCH 3 4 (MODSEQ 5)"));
    let text = dialogue.run("d UID SEARCH RETURN (ALL COUNT MIN MAX) 1:3").await;
    assert!(text.contains("* ESEARCH (TAG \"d\") UID MIN 1 MAX 3 ALL 1:3 COUNT 3"), "{text}");
    assert!(dialogue.run("e SEARCH RETURN () DELETED").await.contains("* ESEARCH (TAG \"e\")\r\n"));
    assert!(dialogue.run("f SEARCH CHARSET KOI8-R ALL").await.starts_with("f NO [BADCHARSET"));
    assert!(dialogue.run("g SEARCH FOO").await.starts_with("g BAD"));
}

#[tokio::test]
async fn messages_are_changed_by_sessions() {
    let (server, anna) = dovecot().await;
    let mut dialogue = Dialogue::signed_in(&server).await;
    dialogue.run("a SELECT INBOX").await;
    assert!(dialogue.run("b UID STORE 1 +FLAGS (\\deleted)").await.contains("FLAGS (\\Deleted"));
    assert!(dialogue.run("c STORE 2 +FLAGS.SILENT (\\Flagged $x)").await.starts_with("c OK"));
    let text = dialogue.run("d UID STORE 2 (UNCHANGEDSINCE 1) FLAGS ()").await;
    assert!(text.contains("d OK [MODIFIED 2]"), "{text}");
    assert_eq!(server.flags_changed(), 2);
    assert!(dialogue.run("e UID COPY 2 Sent").await.contains("e OK [COPYUID 1700000004 2 1]"));
    let text = dialogue.run("f UID MOVE 3 Sent").await;
    assert!(text.contains("* OK [COPYUID 1700000004 3 2]") && text.contains("* 3 EXPUNGE"), "{text}");
    assert!(dialogue.run("g COPY 1 Nowhere").await.starts_with("g NO [TRYCREATE]"));
    assert!(dialogue.run("h UID EXPUNGE 2").await.starts_with("h OK"));
    assert!(dialogue.run("i EXPUNGE").await.contains("* 1 EXPUNGE"));
    assert_eq!(anna.messages("INBOX").len(), 1);
    assert_eq!(anna.messages("Sent").len(), 2);
}

#[tokio::test]
async fn append_keeps_octets_flags_and_date() {
    let (server, anna) = dovecot().await;
    let mut dialogue = Dialogue::signed_in(&server).await;
    let date = "29-Feb-2024 13:34:56 +0100";
    dialogue.send(&format!("a APPEND Sent (\\Seen) \"{date}\" {{{}}}\r\n", MAIL.len())).await;
    assert!(dialogue.line().await.starts_with("+ "));
    dialogue.send(&format!("{MAIL}\r\n")).await;
    assert!(dialogue.line().await.starts_with("a OK [APPENDUID 1700000004 1]"));
    assert!(dialogue.run(&format!("b APPEND Sent {{{}+}}\r\n{MAIL}", MAIL.len())).await.contains("b OK"));
    assert!(dialogue.run("c APPEND Nowhere {1+}\r\nx").await.starts_with("c NO [TRYCREATE]"));
    let messages = anna.messages("Sent");
    assert_eq!((&*messages[0].octets, messages[0].internal_date), (MAIL.as_bytes(), ARRIVED));
    assert_eq!(messages[0].flags, ["\\Seen"]);
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn a_large_message_arrives_whole() {
    let (server, anna) = dovecot().await;
    let mut octets = MAIL.as_bytes().to_vec();
    octets.resize(20_000_000, b'x');
    let uid = anna.append("INBOX", &octets, &[], ARRIVED).unwrap();
    let mut dialogue = Dialogue::signed_in(&server).await;
    dialogue.run("a EXAMINE INBOX").await;
    dialogue.send(&format!("b UID FETCH {uid} BODY.PEEK[]\r\n")).await;
    assert!(dialogue.line().await.ends_with("BODY[] {20000000}\r\n"));
    let mut read = std::mem::take(&mut dialogue.1);
    while read.len() < octets.len() {
        dialogue.0.read_buf(&mut read).await.unwrap();
    }
    assert!(read.starts_with(&octets));
}

#[tokio::test]
async fn idle_and_noop_tell_what_happened() {
    let (server, anna) = dovecot().await;
    let mut dialogue = Dialogue::signed_in(&server).await;
    dialogue.run("a SELECT INBOX").await;
    dialogue.send("b IDLE\r\n").await;
    assert_eq!(dialogue.line().await, "+ idling\r\n");
    anna.append("INBOX", MAIL, &[], 0).unwrap();
    assert_eq!(dialogue.line().await, "* 4 EXISTS\r\n");
    dialogue.line().await;
    anna.expunge("INBOX", 1);
    assert_eq!(dialogue.line().await, "* 1 EXPUNGE\r\n");
    anna.set_flags("INBOX", 3, &["\\Seen"]);
    assert!(dialogue.line().await.starts_with("* 2 FETCH (UID 3 FLAGS (\\Seen)"));
    dialogue.send("DONE\r\n").await;
    assert_eq!(dialogue.line().await, "b OK Idle completed.\r\n");
    anna.append("INBOX", MAIL, &[], 0).unwrap();
    anna.expunge("INBOX", 2);
    // RFC 9051 §7.5.1: no EXPUNGE while a command by sequence number runs.
    let text = dialogue.run("c FETCH 2 UID").await;
    assert!(text.contains("* 4 EXISTS") && !text.contains("EXPUNGE"), "{text}");
    assert!(dialogue.run("d NOOP").await.contains("* 1 EXPUNGE"));
}

#[tokio::test]
async fn a_changed_mailbox_ends_the_session_that_has_it_open() {
    let (server, anna) = dovecot().await;
    let mut dialogue = Dialogue::signed_in(&server).await;
    dialogue.run("a SELECT INBOX").await;
    anna.expunge("INBOX", 1);
    anna.set_uid_validity("INBOX", 7);
    assert_eq!(anna.uid_validity("INBOX"), Some(7));
    assert_eq!(anna.messages("INBOX").iter().map(|message| message.uid).collect::<Vec<_>>(), [1, 2]);
    assert!(dialogue.run("b NOOP").await.starts_with("* BYE"));
}

#[tokio::test]
async fn bare_offers_nothing_and_takes_nothing_more() {
    let (server, _) = server(Personality::Bare).await;
    let mut dialogue = Dialogue::plain(server.port()).await;
    assert_eq!(dialogue.line().await, "* OK IMAP server ready\r\n");
    assert_eq!(dialogue.run("a LOGIN anna secret").await, "a OK LOGIN completed.\r\n");
    assert!(dialogue.run("b CAPABILITY").await.starts_with("* CAPABILITY IMAP4rev1\r\n"));
    for command in [
        "IDLE",
        "NAMESPACE",
        "ID NIL",
        "ENABLE X",
        "LIST \"\" * RETURN (CHILDREN)",
        "SELECT INBOX (CONDSTORE)",
    ] {
        assert!(dialogue.run(&format!("c {command}")).await.starts_with("c BAD"), "{command}");
    }
    dialogue.send("d SELECT {5+}\r\n").await;
    assert!(dialogue.line().await.starts_with("d BAD"));
    assert!(dialogue.run("e LIST \"\" *").await.contains("* LIST () \"/\" Sent\r\n"));
    assert!(!dialogue.run("f SELECT INBOX").await.contains("HIGHESTMODSEQ"));
    for command in ["UID MOVE 1 Sent", "UID SEARCH RETURN () ALL", "UNSELECT"] {
        assert!(dialogue.run(&format!("g {command}")).await.starts_with("g BAD"), "{command}");
    }
}

#[tokio::test]
async fn exchange_names_its_mailboxes_in_german() {
    let (server, _) = server(Personality::Exchange).await;
    let mut dialogue = Dialogue::plain(server.port()).await;
    assert!(!dialogue.line().await.contains("CAPABILITY"));
    assert!(!dialogue.run("a LOGIN anna secret").await.contains("CAPABILITY"));
    let list = dialogue.run("b LIST \"\" *").await;
    assert!(list.contains("\"Gesendete Elemente\"") && list.contains("Entw&APw-rfe"), "{list}");
    assert!(!list.contains("\\Sent"));
    let capabilities = dialogue.run("c CAPABILITY").await;
    assert!(!capabilities.contains("CONDSTORE") && !capabilities.contains("SPECIAL-USE"));
}

#[tokio::test]
async fn gmail_shows_one_message_under_its_labels() {
    let (server, anna) = server(Personality::Gmail).await;
    anna.create_mailbox("Clients/Müller", &[]);
    let raw = MAIL.replace("Subject", "Message-ID: <1@x>\r\nSubject");
    anna.append("INBOX", raw, &[], ARRIVED).unwrap();
    anna.copy_message("INBOX", 1, "Clients/Müller").unwrap();
    anna.append("[Gmail]/Sent Mail", MAIL.replace("Subject", "In-Reply-To: <1@x>\r\nSubject"), &[], 0)
        .unwrap();
    let mut dialogue = Dialogue::signed_in(&server).await;
    let list = dialogue.run("a LIST \"\" *").await;
    assert!(list.contains("(\\Noselect \\HasChildren) \"/\" [Gmail]\r\n"), "{list}");
    assert!(list.contains("(\\All \\HasNoChildren) \"/\" \"[Gmail]/All Mail\"\r\n"), "{list}");
    assert!(dialogue.run("b SELECT [Gmail]").await.starts_with("b NO"));
    assert!(dialogue.run("c SELECT \"[Gmail]/All Mail\"").await.contains("* 2 EXISTS"));
    let text = dialogue.run("d UID FETCH 1:* (X-GM-MSGID X-GM-THRID X-GM-LABELS)").await;
    let id = 1_780_000_000_000_000_001_u64;
    assert!(
        text.contains(&format!(
            "X-GM-MSGID {id} X-GM-THRID {id} X-GM-LABELS (Clients/M&APw-ller \"\\\\Inbox\"))"
        )),
        "{text}"
    );
    assert!(
        text.contains(&format!("X-GM-MSGID {} X-GM-THRID {id} X-GM-LABELS (\"\\\\Sent\"))", id + 1)),
        "{text}"
    );
    for (query, found) in [
        ("rfc822msgid:<1@x>", " 1"),
        ("from:client@example.org", " 1 2"),
        (r#"from:\"Client@EXAMPLE.org\""#, " 1 2"),
        (r#"from:nobody OR to:\"anna@practice.example\""#, " 1 2"),
        (r#"from:nobody OR to:nobody OR cc:\"a\""#, ""),
        ("to:anna@practice.example in-reply-to:1@x", " 2"),
        ("{from:nobody to:anna@practice.example} message-id:1@x", " 1"),
        ("Body nowhere", ""),
    ] {
        let text = dialogue.run(&format!("e UID SEARCH X-GM-RAW \"{query}\"")).await;
        assert!(text.contains(&format!("* SEARCH{found}\r\n")), "{query}: {text}");
    }
    assert!(dialogue.run(r#"e UID SEARCH X-GM-RAW "from:\"open""#).await.contains("e BAD"));
    // Trash takes a message out of everything else.
    assert!(dialogue.run("f UID MOVE 1 [Gmail]/Trash").await.contains("* 1 EXPUNGE"));
    assert!(anna.messages("INBOX").is_empty() && anna.messages("Clients/Müller").is_empty());
    assert_eq!(anna.messages("[Gmail]/Trash").len(), 1);
}

/// What a session gets to see under one fault, from the greeting to the tagged answer of `command`.
async fn under(fault: impl Into<practicemail::testkit::imap::Injection>, command: &str) -> String {
    let (server, _) = dovecot().await;
    server.inject(fault);
    let mut dialogue = Dialogue::signed_in(&server).await;
    let mut text = String::new();
    if command.contains("FETCH") || command.contains("SEARCH") {
        text = dialogue.run("s SELECT INBOX").await;
        assert!(text.contains("s OK"), "{text}");
    }
    text + &dialogue.run(&format!("x {command}")).await
}

#[tokio::test]
async fn greetings_go_wrong() {
    for greeting in wording::BAD_GREETINGS {
        let (server, _) = dovecot().await;
        server.inject(Fault::Greeting(greeting.into()));
        server.inject(Fault::BehindGreeting(b"* 5 EXISTS\r\n".to_vec()));
        let mut dialogue = Dialogue::plain(server.port()).await;
        assert_eq!(dialogue.line().await, format!("{greeting}\r\n"));
        assert_eq!(dialogue.line().await, "* 5 EXISTS\r\n");
    }
    let (server, _) = dovecot().await;
    server.inject(Fault::Refuse.times(1));
    server.inject(Fault::SilentConnection.times(1));
    server.inject(Fault::Preauth { login: "anna".into() });
    server.inject(Fault::Capabilities("IMAP4rev1 STARTTLS LOGINDISABLED".into()));
    assert_eq!(Dialogue::plain(server.port()).await.rest().await, "");
    assert!(Dialogue::plain(server.port()).await.is_silent().await);
    let mut dialogue = Dialogue::plain(server.port()).await;
    assert!(dialogue.line().await.starts_with("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED]"));
    assert!(dialogue.run("a SELECT INBOX").await.contains("a OK"));
}

#[tokio::test]
async fn starttls_goes_wrong() {
    for answer in ["NO not now", "BAD what", "MAYBE later"] {
        let server = ImapServer::builder().tls(TlsMode::StartTls).start().await.unwrap();
        server.inject(Fault::Answer { command: "STARTTLS".into(), text: answer.into() });
        let mut dialogue = Dialogue::plain(server.port()).await;
        dialogue.line().await;
        assert_eq!(dialogue.run("a STARTTLS").await, format!("a {answer}\r\n"));
    }
    let server = ImapServer::builder().tls(TlsMode::StartTls).start().await.unwrap();
    server.inject(Fault::Before { command: "STARTTLS".into(), octets: b"* LIST () \"/\" evil\r\n".to_vec() });
    server.inject(Fault::Behind { command: "STARTTLS".into(), octets: b"* BYE\r\n".to_vec() });
    server.inject(Fault::StartTlsPlain);
    let mut dialogue = Dialogue::plain(server.port()).await;
    dialogue.line().await;
    let text = dialogue.run("a STARTTLS").await;
    assert!(text.starts_with("* LIST () \"/\" evil\r\na OK"), "{text}");
    assert_eq!(dialogue.line().await, "* BYE\r\n");
    assert!(dialogue.run("b NOOP").await.starts_with("b OK"));
}

#[tokio::test]
async fn sign_in_goes_wrong() {
    let (server, anna) = dovecot().await;
    server.inject(
        Fault::Answer { command: "LOGIN|AUTHENTICATE".into(), text: wording::TOO_MANY_CONNECTIONS.into() }
            .times(2),
    );
    server.inject(Fault::NotConnected.on_connections(2..=2));
    server.inject(Fault::CloseAfterSignIn.on_connections(3..=3));
    let mut dialogue = Dialogue::plain(server.port()).await;
    dialogue.line().await;
    assert_eq!(dialogue.run("a LOGIN anna secret").await, format!("a {}\r\n", wording::TOO_MANY_CONNECTIONS));
    assert!(dialogue.run("b AUTHENTICATE PLAIN AGFubmEAc2VjcmV0").await.starts_with("b NO [ALERT]"));
    assert!(dialogue.run("c LOGIN anna secret").await.contains("c OK"));
    let mut dialogue = Dialogue::signed_in(&server).await;
    assert_eq!(
        dialogue.run("a SELECT INBOX").await,
        "* BYE Connection closed.\r\na BAD User is authenticated but not connected.\r\n"
    );
    assert_eq!(Dialogue::signed_in(&server).await.rest().await, "");

    anna.set_token("t");
    server.inject(Fault::ChallengeLoop);
    let mut dialogue = Dialogue::plain(server.port()).await;
    dialogue.line().await;
    dialogue.send("a AUTHENTICATE XOAUTH2 eA==\r\n").await;
    for _ in 0..5 {
        assert!(dialogue.line().await.starts_with("+ "));
        dialogue.send("\r\n").await;
    }
    dialogue.line().await;
    dialogue.send("*\r\n").await;
    assert!(dialogue.line().await.starts_with("a BAD"));
}

#[tokio::test]
async fn commands_go_wrong() {
    let list = "LIST \"\" *";
    let of = || "LIST".to_owned();
    let (server, _) = dovecot().await;
    server.inject(Fault::Hang { command: of() });
    let mut dialogue = Dialogue::signed_in(&server).await;
    dialogue.send(&format!("x {list}\r\n")).await;
    assert!(dialogue.is_silent().await);
    server.disconnect_all();
    assert_eq!(dialogue.rest().await, "");

    assert_eq!(under(Fault::Close { command: of() }, list).await, "");
    assert_eq!(under(Fault::CloseAmid { command: of(), octets: 9 }, list).await, "* LIST (\\");
    let text = under(Fault::ByeAmid { command: of(), responses: 1, text: "gone".into() }, list).await;
    assert_eq!((text.matches("* LIST").count(), text.ends_with("* BYE gone\r\n")), (1, true));
    let text = under(Fault::Bye { command: of(), text: wording::SESSION_EXPIRED.into() }, list).await;
    assert_eq!(text, "* BYE Session expired, please login again.\r\n");
    let text = under(Fault::ForeignTag { command: of(), tag: "old".into() }, list).await;
    assert!(text.contains("old OK done.\r\nx OK"), "{text}");
    let odd = wording::ODD_RESPONSES.join("\r\n") + "\r\n";
    let text = under(Fault::Before { command: "*".into(), octets: odd.clone().into() }.after(1), list).await;
    assert!(text.contains(&odd), "{text}");
    assert_eq!(under(Fault::ListEmpty, list).await, "x OK LIST completed.\r\n");
    assert!(under(Fault::ListMany { count: 20_000 }, list).await.contains("phantom-19999\r\n"));
    assert!(under(Fault::ListDelimiter(None), list).await.contains("NIL INBOX\r\n"));
    assert!(under(Fault::ListDelimiter(Some('\\')), list).await.contains("\"\\\\\" INBOX\r\n"));

    let (server, anna) = dovecot().await;
    server.inject(Fault::AnswerLost { command: "APPEND".into() }.times(1));
    let mut dialogue = Dialogue::signed_in(&server).await;
    assert_eq!(dialogue.run("x APPEND Sent {3+}\r\nabc").await, "");
    assert_eq!(anna.messages("Sent").len(), 1);
    server.inject(
        Fault::Answer { command: "APPEND".into(), text: wording::OVER_QUOTA.into() }.in_mailbox("Trash"),
    );
    let mut dialogue = Dialogue::signed_in(&server).await;
    assert!(dialogue.run("x APPEND Trash {3+}\r\nabc").await.starts_with("x NO [OVERQUOTA]"));
}

#[tokio::test]
async fn answers_without_end_end_with_the_session() {
    for flood in [Flood::Line, Flood::Nul, Flood::Expunge, Flood::Exists, Flood::Flags, Flood::Alert] {
        let (server, _) = dovecot().await;
        server.inject(Fault::Endless { command: "SELECT".into(), flood });
        let mut dialogue = Dialogue::signed_in(&server).await;
        dialogue.send("a SELECT INBOX\r\n").await;
        let mut read = Vec::new();
        while read.len() < 500_000 {
            dialogue.0.read_buf(&mut read).await.unwrap();
        }
        drop(dialogue);
        timeout(PATIENCE, async {
            while server.open_connections() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn select_lies() {
    let text = under(Fault::UidValidity(Told::Nothing), "SELECT INBOX").await;
    assert!(!text.contains("UIDVALIDITY") && text.contains("UIDNEXT 4"));
    assert!(under(Fault::UidValidity(Told::Value(0)), "SELECT INBOX").await.contains("[UIDVALIDITY 0]"));
    assert!(
        under(Fault::UidNext(Told::Value(100_000)), "STATUS INBOX (UIDNEXT)")
            .await
            .contains("(UIDNEXT 100000)")
    );
    let text = under(Fault::UidDescending, "FETCH 1:* UID").await;
    assert!(text.contains("* 1 FETCH (UID 3)") && text.contains("* 3 FETCH (UID 1)"), "{text}");
}

#[tokio::test]
async fn fetch_lies() {
    let fetch = "UID FETCH 1:3 (FLAGS BODY.PEEK[TEXT])";
    let text = under(Fault::FetchMissing { uid: 2 }, fetch).await;
    assert!(!text.contains("UID 2 ") && text.contains("UID 3 "));
    assert!(!under(Fault::FetchEmpty, fetch).await.contains("FETCH (UID"));
    assert!(
        under(Fault::FetchRefused { uid: 3, text: "broken".into() }, fetch)
            .await
            .ends_with("x NO broken\r\n")
    );
    assert!(under(Fault::BodyNil { uid: 3 }, fetch).await.contains("BODY[TEXT] NIL)"));
    assert!(under(Fault::BodyEmpty { uid: 3 }, fetch).await.contains("BODY[TEXT] {0}\r\n)"));
    let text = under(Fault::WrongUid { asked: 3, sent: 1 }, "UID FETCH 3 BODY.PEEK[TEXT]").await;
    assert!(text.contains("(UID 1 BODY[TEXT] {8}\r\nBody 1\r\n)"), "{text}");
    assert!(under(Fault::NoUid { uid: 3 }, fetch).await.contains("* 3 FETCH (FLAGS"));
    let text = under(Fault::FetchSplit { uid: 3 }, fetch).await;
    assert!(
        text.contains("* 3 FETCH (UID 3 FLAGS ()") && text.contains("* 3 FETCH (BODY[TEXT] {8}"),
        "{text}"
    );
    assert!(under(Fault::Size { size: 10 }, "FETCH 1 RFC822.SIZE").await.contains("RFC822.SIZE 10)"));
    let text = under(Fault::ExpungeAmid { uid: 1 }, "UID FETCH 1:3 FLAGS").await;
    assert!(text.contains("* 1 EXPUNGE\r\n* 1 FETCH (UID 2") && text.contains("* 2 FETCH (UID 3"), "{text}");
    let nil = Fault::Item { uid: 3, name: "INTERNALDATE".into(), value: "NIL".into() };
    assert!(under(nil, "UID FETCH 3 (INTERNALDATE)").await.contains("* 3 FETCH (INTERNALDATE NIL UID 3)"));
    let deep = Fault::Item { uid: 3, name: "BODYSTRUCTURE".into(), value: wording::nested(20_000) };
    assert!(under(deep, fetch).await.contains(&"(".repeat(20_000)));
    let throttled = Fault::Answer { command: "FETCH".into(), text: wording::THROTTLED.into() }.every(2);
    assert!(under(throttled, fetch).await.contains("x OK"));
    let on_body = Fault::FetchMissing { uid: 3 }.asking(Asked::Body);
    assert!(under(on_body, "UID FETCH 3 BODY.PEEK[HEADER]").await.contains("UID 3"));
    assert!(under(Fault::SearchMany { count: 30_000 }, "UID SEARCH ALL").await.contains(" 1030000\r\n"));
    assert!(under(Fault::SearchEmpty, "UID SEARCH ALL").await.contains("* SEARCH\r\n"));
}

#[tokio::test]
async fn literals_lie() {
    let fetch = "UID FETCH 3 BODY.PEEK[TEXT]";
    for announced in ["-1", "0x10", "18446744073709551616"] {
        let fault = Fault::Literal { uid: 3, announced: announced.into(), sent: Sent::Section };
        assert!(under(fault, fetch).await.contains(&format!("BODY[TEXT] {{{announced}}}\r\nBody 3\r\n)")));
    }
    let short = Fault::Literal { uid: 3, announced: "1000".into(), sent: Sent::ThenClose(4) };
    assert!(under(short, fetch).await.ends_with("{1000}\r\nBody"));
    for (sent, endless) in [(Sent::ThenSilence(4), false), (Sent::Endless, true)] {
        let (server, _) = dovecot().await;
        server.inject(Fault::Literal { uid: 3, announced: "4294967295".into(), sent });
        let mut dialogue = Dialogue::signed_in(&server).await;
        dialogue.run("s EXAMINE INBOX").await;
        dialogue.send(&format!("x {fetch}\r\n")).await;
        dialogue.until(|text| text.ends_with(b"{4294967295}\r\nBody")).await;
        dialogue.1.clear();
        assert_ne!(dialogue.is_silent().await, endless);
    }
}

#[tokio::test]
async fn idle_goes_wrong() {
    let (server, anna) = dovecot().await;
    server.inject(Fault::IdleSilent.times(1));
    server.inject(Fault::IdleFlood { count: 500 }.after(1));
    server.inject(Fault::IdleDrop { after: Duration::from_millis(20) }.after(1));
    let mut dialogue = Dialogue::signed_in(&server).await;
    dialogue.run("a SELECT INBOX").await;
    dialogue.send("b IDLE\r\n").await;
    dialogue.line().await;
    anna.append("INBOX", MAIL, &[], 0);
    assert!(dialogue.is_silent().await);
    dialogue.send("DONE\r\n").await;
    assert!(dialogue.line().await.starts_with("b OK"));
    dialogue.send("c IDLE\r\n").await;
    let text = dialogue.rest().await;
    assert!(text.contains("* 500 EXISTS") && text.contains("* 4 EXISTS"), "{text}");
}

#[tokio::test]
async fn the_store_can_lie_too() {
    let (server, anna) = dovecot().await;
    assert!(anna.replace("INBOX", 2, "Subject: another\r\n\r\n"));
    assert_eq!(anna.append_as("INBOX", 2, MAIL, 0), None);
    anna.expunge("INBOX", 1);
    assert_eq!(anna.append_as("INBOX", 1, MAIL, 0), Some(1));
    assert_eq!(anna.move_message("INBOX", 3, "Sent"), Some(1));
    assert_eq!(anna.append("Nowhere", MAIL, &[], 0), None);
    let mut dialogue = Dialogue::signed_in(&server).await;
    assert!(dialogue.run("a EXAMINE INBOX").await.contains("* 2 EXISTS"));
    assert!(dialogue.run("b FETCH 2 BODY.PEEK[HEADER]").await.contains("another"));
}

#[tokio::test]
async fn faults_end_and_records_can_be_forgotten() {
    let (server, _) = dovecot().await;
    server.inject(Fault::Answer { command: "NOOP".into(), text: "NO [ALERT] x".into() }.for_user("anna"));
    let mut dialogue = Dialogue::signed_in(&server).await;
    assert!(dialogue.run("a NOOP").await.starts_with("a NO"));
    server.clear_faults();
    assert!(dialogue.run("b NOOP").await.starts_with("b OK"));
    assert_eq!(server.transcript().len(), 3);
    assert_eq!(server.transcript()[0].to_string(), "1: l LOGIN anna ***");
    server.forget_record();
    assert!(server.transcript().is_empty());
    assert!(!format!("{server:?} {:?}", server.user("anna")).contains("secret"));
}

#[tokio::test]
async fn dropping_the_server_ends_everything() {
    let (server, _) = dovecot().await;
    let port = server.port();
    let mut dialogue = Dialogue::signed_in(&server).await;
    drop(server);
    assert_eq!(dialogue.rest().await, "");
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_script_is_played_line_by_line() {
    let script = Script::new()
        .send("* OK hi\r\n")
        .expect("login")
        .send("{tag} OK in\r\n")
        .receive(3)
        .wait(Duration::from_millis(1))
        .send("got it\r\n");
    let other = Script::new().send("* OK hi\r\n").expect("LOGIN").stall();
    let server = ScriptServer::start(TlsMode::Implicit, vec![script, other]).await.unwrap();
    let mut dialogue = Dialogue::plain(server.port()).await.encrypted(server.ca_pem()).await.unwrap();
    dialogue.line().await;
    assert_eq!(dialogue.run("t1 LOGIN a b").await, "t1 OK in\r\n");
    dialogue.send("abc").await;
    assert_eq!(dialogue.line().await, "got it\r\n");
    assert_eq!(dialogue.rest().await, "");
    assert_eq!(server.received(), ["t1 LOGIN a b"]);
    assert!(server.problems().is_empty(), "{:?}", server.problems());

    let mut dialogue = Dialogue::plain(server.port()).await.encrypted(server.ca_pem()).await.unwrap();
    dialogue.line().await;
    assert_eq!(dialogue.run("t1 NOOP").await, "");
    assert_eq!(server.problems(), ["connection 2: expected LOGIN, got another line"]);
    assert_eq!(server.connections(), 2);
}
