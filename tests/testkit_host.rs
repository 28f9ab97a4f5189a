//! A host's own test of its integration, by public names only: accounts on the kit's servers, from the sign-in to the tab, and
//! what the host's screens say when something is wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use practicemail::PracticeMail;
use practicemail::contract::{ClientKey, Practice, Role, SystemClock, User};
use practicemail::error::{Error, ErrorKind, Result, Who};
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{
    AuthorizationOutcome, AuthorizationRequest, ConnectRequest, Health, Storage, TabQuery, Viewer, Watched,
};
use practicemail::settings::{AccountSettings, Login, OAuthProvider, ServerSettings, TlsMode, TokenServers};
use practicemail::storage::{MemoryDirectory, MemoryStore, StaticKey};
use practicemail::testkit::oauth::{Browser, Person};
use practicemail::testkit::{
    AuthorizationServer, CertificateKind, Certificates, ImapServer, SmtpServer, imap, smtp,
};
use practicemail::types::{Address, ClientId, Draft, PracticeId, Secret, UserId};

const ANNA: &str = "anna@hale.example";
const PAULA: &str = "paula@bakery.example";

/// The product, as far as it matters here, and the mail service of its user.
struct Product {
    mail: PracticeMail,
    practice: PracticeId,
    anna: UserId,
    imap: ImapServer,
    smtp: SmtpServer,
}

impl Product {
    async fn start() -> Self {
        let authority = Certificates::new(CertificateKind::Valid).unwrap();
        let imap = ImapServer::builder().certificates(&authority).user(ANNA, "secret").user(PAULA, "x");
        let imap = imap.start().await.unwrap();
        let smtp = SmtpServer::builder().certificates(&authority).user(ANNA, "secret").delivers_into(&imap);
        let smtp = smtp.start().await.unwrap();
        let practice = PracticeId::new("hale").unwrap();
        let anna = UserId::new("anna").unwrap();
        Self { mail: door(&practice, &anna), practice, anna, imap, smtp }
    }

    fn settings(&self) -> AccountSettings {
        let at = |port| {
            let server = ServerSettings::new("localhost", port, TlsMode::Implicit).unwrap();
            server.with_ca(self.imap.ca_pem())
        };
        let login = || Login::new(ANNA).unwrap();
        AccountSettings::new(at(self.imap.port()), login()).sending(at(self.smtp.port()), login())
    }

    async fn connect(&self) -> Result<()> {
        let request = ConnectRequest::new(self.settings(), Secret::new("secret"));
        self.mail.connect(&self.practice, &self.anna, request).await.map(drop)
    }

    /// What a pass says of the account.
    async fn sync(&self) -> Result<()> {
        let report = self.mail.sync(&self.practice, None, &|_| {}).await?;
        report.accounts.into_iter().find_map(|account| account.error).map_or(Ok(()), Err)
    }

    async fn tab(&self) -> Vec<String> {
        let (client, viewer) = (ClientId::new("bakery").unwrap(), Viewer::User(self.anna.clone()));
        let tab = self.mail.tab(&self.practice, &client, &viewer, &TabQuery::newest(50)).await.unwrap();
        tab.messages.iter().map(|message| message.subject.to_string()).collect()
    }

    async fn health(&self) -> Health {
        self.mail.status(&self.practice).await.unwrap().remove(0).health
    }
}

fn door(practice: &PracticeId, anna: &UserId) -> PracticeMail {
    let directory = Arc::new(MemoryDirectory::new());
    directory.put_practice(Practice::new(practice.clone(), "Hale & Partners"));
    let mut user = User::new(anna.clone(), "Anna Hale", ANNA);
    user.role = Role::Administrator;
    directory.put_user(practice, user).unwrap();
    let key = ClientKey::Address(PAULA.to_owned());
    directory.put_client(practice, ClientId::new("bakery").unwrap(), [key]).unwrap();
    let storage = Storage::of(Arc::new(MemoryStore::new(Arc::new(SystemClock::new()))));
    PracticeMail::new(directory, storage, Arc::new(StaticKey::new([7; 32]))).with_egress(EgressPolicy::Any)
}

fn letter(subject: &str) -> String {
    format!(
        "From: Paula <{PAULA}>\r\nTo: <{ANNA}>\r\nSubject: {subject}\r\nMessage-ID: <{}@bakery.example>\r\n\
         Date: Thu, 15 Jan 2026 08:00:00 +0000\r\n\r\nHello\r\n",
        subject.replace(' ', ".")
    )
}

fn remedy(failed: Result<()>, kind: ErrorKind) -> (String, Who) {
    let error: Error = failed.expect_err("a failure");
    assert_eq!(error.kind(), kind, "{error}");
    (error.advice().remedy.to_owned(), error.advice().who)
}

#[tokio::test]
async fn an_account_is_connected_read_and_shown() {
    let product = Product::start().await;
    let anna = product.imap.user(ANNA);
    anna.append("INBOX", letter("The VAT return"), &[], 1_768_464_000);
    anna.append(
        "INBOX",
        letter("A private note").replace(PAULA, "friend@elsewhere.example"),
        &[],
        1_768_464_000,
    );
    product.connect().await.unwrap();
    product.sync().await.unwrap();
    assert_eq!(product.tab().await, ["The VAT return"]);
    // Of the other message nobody asked for more than who takes part.
    assert_eq!(product.imap.bodies_fetched(), [(ANNA.to_owned(), "INBOX".to_owned(), 1)]);
    assert_eq!(product.imap.flags_changed(), 0);
    assert!(product.imap.transcript().iter().all(|line| line.encrypted && !line.text.contains("secret")));
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_remedy() {
    let product = Product::start().await;
    product.connect().await.unwrap();

    let text = "NO [OVERQUOTA] Account exceeded command or bandwidth limits.".into();
    product.imap.inject(imap::Fault::Answer { command: "LIST".into(), text });
    let (_, who) = remedy(product.sync().await, ErrorKind::Throttled);
    assert_eq!(who, Who::Nobody);
    product.imap.clear_faults();

    product.imap.user(ANNA).refuse_sign_in("[ALERT] Application-specific password required: https://…");
    let (words, who) = remedy(product.sync().await, ErrorKind::AppPasswordRequired);
    assert!(words.contains("app password") && who == Who::User, "{words}");
    assert_eq!(product.health().await, Health::Failing(ErrorKind::AppPasswordRequired));

    product.imap.user(ANNA).admit_again();
    product.sync().await.unwrap();
    assert_eq!(product.health().await, Health::Fine);
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_never_sent_twice() {
    let product = Product::start().await;
    product.connect().await.unwrap();
    product.smtp.inject(smtp::Fault::AnswerLost { at: smtp::Stage::EndOfData }.times(1));
    let draft = Draft::new("Done").to(Address::parse(PAULA).unwrap()).text("It is done.");
    let queued = product.mail.send(&product.practice, &product.anna, draft).await.unwrap();
    let sent = product.mail.outcome(&product.practice, queued.id).await.unwrap();
    assert_eq!(sent.state.as_str(), "unknown");
    product.mail.deliver(&product.practice).await.unwrap();
    assert_eq!(product.smtp.deliveries().len(), 1);
    assert_eq!(product.imap.user(PAULA).messages("INBOX").len(), 1);
}

#[tokio::test]
async fn what_arrives_shows_while_somebody_looks() {
    let product = Product::start().await;
    product.connect().await.unwrap();
    let waiting = Mutex::new(false);
    let tell = |event: Watched| *waiting.lock().unwrap() |= matches!(event, Watched::Waiting(_));
    let shown = async {
        while !*waiting.lock().unwrap() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        product.imap.user(ANNA).append("INBOX", letter("Just now"), &[], 1_768_464_000);
        while product.tab().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        ended = product.mail.watch(&product.practice, Some(&product.anna), &tell) => panic!("{ended:?}"),
        shown = tokio::time::timeout(Duration::from_secs(15), shown) => shown.expect("it shows"),
    }
}

#[tokio::test]
async fn a_user_signs_in_with_google_and_withdraws_it_there() {
    let person = Person::new(ANNA).organisation("hale.example");
    let google = AuthorizationServer::builder(OAuthProvider::Google).person(person).start().await.unwrap();
    let imap = ImapServer::builder().personality(imap::Personality::Gmail).tokens(&google.tokens());
    let imap = imap.start().await.unwrap();
    imap.user(ANNA).append("INBOX", letter("By Gmail"), &[], 1_768_464_000);
    let smtp = SmtpServer::builder().tokens(&google.tokens()).start().await.unwrap();
    let at = |port, ca: &str| ServerSettings::new("localhost", port, TlsMode::Implicit).unwrap().with_ca(ca);
    let servers = TokenServers::new(at(imap.port(), imap.ca_pem()), at(smtp.port(), smtp.ca_pem()));
    let (practice, anna) = (PracticeId::new("hale").unwrap(), UserId::new("anna").unwrap());
    let mail = door(&practice, &anna)
        .with_registration(google.application().servers(servers), Some(Secret::new(google.client_secret())));

    let url = mail.authorize(&practice, &anna, AuthorizationRequest::google()).await.unwrap().url;
    let page = Browser::new(&google).sign_in_as(ANNA).visit(&url).await.unwrap();
    let returned = page.allow().await.unwrap();
    let query = returned.callback().expect("a callback").query();
    let outcome = mail.complete_authorization(&practice, &anna, query).await.unwrap();
    assert!(matches!(outcome, AuthorizationOutcome::Connected(_)), "{outcome:?}");
    let product = Product { mail, practice, anna, imap, smtp };
    product.sync().await.unwrap();
    assert_eq!(product.tab().await, ["By Gmail"]);

    google.end_grant(ANNA);
    google.expire_access_tokens();
    let (words, who) = remedy(product.sync().await, ErrorKind::AuthorizationRequired);
    assert!(words.contains("Connect the account again") && who == Who::User, "{words}");
}
