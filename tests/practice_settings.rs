//! What an administrator switches off stops at once, in every process; what anybody else tries changes nothing.

use std::path::Path;
use std::sync::Arc;

use practicemail::PracticeMail;
use practicemail::contract::{
    ChangeKind, ClientKey, CredentialField, CredentialStore as _, MailStore as _, NewAccount, OutgoingState,
    Practice, Role, Route, SystemClock, User,
};
use practicemail::error::{ErrorKind, Result};
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{
    ConnectRequest, Health, NoreplyRequest, Storage, Switch, SyncReport, TabQuery, UserStatus, Viewer,
};
use practicemail::settings::{
    AccountSettings, ApplicationRegistration, Endpoint, Login, OAuthEndpoints, OAuthProvider, Outgoing,
    PracticeSettings, Reading, ServerSettings, TlsMode, Way,
};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::storage::{MemoryDirectory, Sealer, StaticKey};
use practicemail::sync::ProgressSink;
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::Personality;
use practicemail::types::{
    AccountId, Address, ClientId, Draft, Entered, Masked, OutgoingId, PracticeId, Secret, UserId,
};

const HOST: Viewer = Viewer::System { reason: "a test" };
const CLIENT: &str = "client@example.org";

fn practice() -> PracticeId {
    PracticeId::new("p").unwrap()
}

fn by(user: &str) -> Viewer {
    Viewer::User(UserId::new(user).unwrap())
}

fn user(id: &str, role: Role) -> User {
    let mut user = User::new(UserId::new(id).unwrap(), id, format!("{id}@practice.example"));
    user.role = role;
    user
}

/// Anna is an administrator, Ben is staff, Carl was an administrator and has left.
struct Office {
    server: ImapServer,
    home: tempfile::TempDir,
    directory: Arc<MemoryDirectory>,
}

/// One process: a door and its store.
struct Process {
    mail: PracticeMail,
    store: Arc<SqliteStore>,
}

impl Office {
    async fn open() -> Self {
        let server = ImapServer::builder().personality(Personality::Dovecot);
        let server = server.user("anna", "hunter2").start().await.unwrap();
        let directory = MemoryDirectory::new();
        directory.put_practice(Practice::new(practice(), "Practice"));
        let mut carl = user("carl", Role::Administrator);
        carl.active = false;
        for user in [user("anna", Role::Administrator), user("ben", Role::Staff), carl] {
            directory.put_user(&practice(), user).unwrap();
        }
        let client = ClientId::new("c1").unwrap();
        directory.put_client(&practice(), client, [ClientKey::Address(CLIENT.into())]).unwrap();
        Self { server, home: tempfile::tempdir().unwrap(), directory: Arc::new(directory) }
    }

    fn file(&self) -> std::path::PathBuf {
        Path::new(self.home.path()).join("mail.db")
    }

    async fn process(&self) -> Process {
        let store = Arc::new(SqliteStore::open(self.file(), Arc::new(SystemClock::new())).await.unwrap());
        let keys = Arc::new(StaticKey::new([7; 32]));
        let mail = PracticeMail::new(self.directory.clone(), Storage::of(store.clone()), keys)
            .with_egress(EgressPolicy::Any)
            .with_window(1);
        Process { mail, store }
    }

    fn settings(&self) -> AccountSettings {
        let server = ServerSettings::new("127.0.0.1", self.server.port(), TlsMode::Implicit).unwrap();
        let server = server.with_ca(self.server.ca_pem());
        let login = Login::new("anna").unwrap();
        // Nothing is ever handed over there.
        let outgoing = ServerSettings::new("127.0.0.1", 9, TlsMode::None).unwrap();
        AccountSettings::new(server, login.clone()).sending(outgoing, login)
    }

    /// Messages from the client, each read in a window of its own.
    fn receive(&self, numbers: std::ops::Range<u32>) {
        for n in numbers {
            let letter = format!(
                "From: <{CLIENT}>\r\nTo: <anna@practice.example>\r\nSubject: s{n}\r\nMessage-ID: <m{n}@test>\r\n\
                 Date: Mon, 12 Jan 1970 13:46:{n:02} +0000\r\n\r\nText.\r\n"
            );
            self.server.user("anna").append("INBOX", letter, &[], 1_000_000 + i64::from(n));
        }
    }
}

fn sealer() -> Sealer {
    Sealer::new(Arc::new(StaticKey::new([7; 32])))
}

impl Process {
    async fn connect(&self, settings: AccountSettings) {
        let (id, user) = (AccountId::new("anna").unwrap(), UserId::new("anna").unwrap());
        let (field, password) = (CredentialField::IncomingPassword, Secret::new("hunter2"));
        let sealed = sealer().seal(&practice(), &id, field, &password).await.unwrap();
        self.store.replace(&practice(), &id, field, sealed, None).await.unwrap();
        let address = Address::parse("anna@practice.example").unwrap();
        self.store.connect(&NewAccount::new(practice(), id, user, address, settings)).await.unwrap();
    }

    async fn switch(&self, viewer: &Viewer, way: Way, to: Switch) -> Result<()> {
        self.mail.switch(&practice(), viewer, way, to).await
    }

    async fn sync(&self, progress: ProgressSink<'_>) -> SyncReport {
        self.mail.sync(&practice(), None, progress).await.unwrap()
    }

    async fn tab(&self) -> usize {
        let client = ClientId::new("c1").unwrap();
        self.mail.tab(&practice(), &client, &HOST, &TabQuery::newest(100)).await.unwrap().messages.len()
    }

    async fn status(&self) -> UserStatus {
        let rows = self.mail.status(&practice()).await.unwrap();
        rows.into_iter().find(|row| row.user.as_str() == "anna").unwrap()
    }

    async fn settings(&self) -> PracticeSettings {
        self.mail.practice_settings(&practice()).await.unwrap()
    }

    async fn queue(&self, text: &str) -> Result<OutgoingId> {
        let draft = Draft::new("VAT").to(Address::parse(CLIENT).unwrap()).text(text);
        Ok(self.mail.queue(&practice(), &UserId::new("anna").unwrap(), draft).await?.id)
    }

    async fn client_secret(&self) -> Option<String> {
        let (account, field) = (AccountId::new("#google").unwrap(), CredentialField::ClientSecret);
        let record = self.store.load(&practice(), &account, field).await.unwrap()?;
        let secret = sealer().open(&practice(), &account, field, &record.octets).await.unwrap();
        Some(secret.expose().to_owned())
    }

    /// Whether a password for the noreply address is stored.
    async fn has_noreply_password(&self) -> bool {
        let account = AccountId::new("#noreply").unwrap();
        let field = CredentialField::OutgoingPassword;
        self.store.load(&practice(), &account, field).await.unwrap().is_some()
    }
}

fn google(client_id: &str) -> ApplicationRegistration {
    ApplicationRegistration::google(client_id, "https://books.example/callback").unwrap()
}

fn noreply(host: &str, password: Entered) -> NoreplyRequest {
    let server = ServerSettings::new(host, 465, TlsMode::Implicit).unwrap();
    let way = Outgoing::smtp(server, Login::new("noreply").unwrap());
    NoreplyRequest::new(&Address::parse("noreply@practice.example").unwrap(), way, password)
}

fn new(secret: &str) -> Entered {
    Entered::New(Secret::new(secret))
}

fn dots() -> Entered {
    Entered::posted(&Masked.to_string())
}

/// S5: every way has its switch, both may be on at once, and each says who turned it.
#[tokio::test]
async fn every_way_has_a_switch() {
    let office = Office::open().await;
    let one = office.process().await;
    for way in Way::ALL {
        assert!(one.settings().await.allows(*way));
        one.switch(&by("anna"), *way, Switch::Off).await.unwrap();
        assert!(!one.settings().await.allows(*way));
        one.switch(&by("anna"), *way, Switch::Off).await.unwrap();
    }
    one.switch(&HOST, Way::Gmail, Switch::On).await.unwrap();
    let settings = one.settings().await;
    assert_eq!(settings.switched_off, [Way::SmtpImap, Way::Microsoft365].into());
    let told = one.store.changes(&practice(), 0, 10).await.unwrap();
    let told: Vec<_> = told.into_iter().map(|change| (change.kind, change.by)).collect();
    let anna = Some(UserId::new("anna").unwrap());
    let changes = [anna.clone(), anna.clone(), anna, None].map(|by| (ChangeKind::SettingsChanged, by));
    assert_eq!(told, changes, "what was so before is no change");
}

/// S6
#[tokio::test]
async fn only_an_administrator_changes_what_the_practice_settles() {
    let office = Office::open().await;
    let one = office.process().await;
    one.mail.register_application(&practice(), &HOST, google("own"), new("s3cret")).await.unwrap();
    let (settings, secret) = (one.settings().await, one.client_secret().await);
    for viewer in [by("ben"), by("carl"), by("stranger")] {
        let (p, mail) = (practice(), &one.mail);
        let tried = [
            one.switch(&viewer, Way::SmtpImap, Switch::Off).await,
            mail.register_application(&p, &viewer, google("other"), new("other")).await,
            mail.unregister_application(&p, &viewer, OAuthProvider::Google).await,
            mail.set_noreply(&p, &viewer, Some(noreply("smtp.example", new("pw")))).await,
            mail.set_noreply(&p, &viewer, None).await,
        ];
        for tried in tried {
            assert_eq!(tried.unwrap_err().kind(), ErrorKind::Forbidden, "{viewer:?}");
        }
    }
    assert_eq!((one.settings().await, one.client_secret().await), (settings, secret));
    assert!(!one.has_noreply_password().await);
    assert_eq!(one.store.changes(&practice(), 0, 10).await.unwrap().len(), 1);
}

/// S7: in the middle of a pass of another process, which commits nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn switching_off_ends_a_running_pass_and_keeps_the_archive() {
    let office = Office::open().await;
    let (one, other) = (office.process().await, office.process().await);
    office.receive(0..6);
    one.connect(office.settings()).await;
    let running = tokio::runtime::Handle::current();
    let switch_off = || {
        let switching = async { other.switch(&by("anna"), Way::SmtpImap, Switch::Off).await };
        tokio::task::block_in_place(|| running.block_on(switching)).unwrap();
    };
    let report = one.sync(&|_| switch_off()).await;
    assert_eq!(report.accounts[0].error.as_ref().unwrap().kind(), ErrorKind::FenceLost);
    let archived = one.tab().await;
    assert!(archived < 6, "{archived}");
    for process in [&one, &other] {
        assert_eq!(process.tab().await, archived);
        let status = process.status().await;
        assert_eq!(status.health, Health::SwitchedOff);
        assert!(status.health.advice().unwrap().remedy.contains("administrator"));
        assert_eq!(process.sync(&|_| {}).await.accounts.len(), 0, "it is not read, and does not fail");
        assert_eq!(process.tab().await, archived);
    }
    other.switch(&by("anna"), Way::SmtpImap, Switch::On).await.unwrap();
    assert!(one.sync(&|_| {}).await.is_ok());
    assert_eq!((one.tab().await, one.status().await.health), (6, Health::Fine));
}

/// S7: what is queued is refused with its remedy, neither tried for ever nor sent by noreply.
#[tokio::test]
async fn what_is_queued_by_an_account_that_is_switched_off_is_refused() {
    let office = Office::open().await;
    let one = office.process().await;
    one.connect(office.settings()).await;
    let request = noreply("smtp.example", new("pw"));
    one.mail.set_noreply(&practice(), &by("anna"), Some(request)).await.unwrap();
    let queued = one.queue("Before.").await.unwrap();
    one.switch(&by("anna"), Way::SmtpImap, Switch::Off).await.unwrap();
    let done = one.mail.deliver(&practice()).await.unwrap();
    assert_eq!((done.len(), done[0].message.id), (1, queued));
    assert_eq!(done[0].state, OutgoingState::Refused);
    assert_eq!(done[0].failure.as_ref().unwrap().0, ErrorKind::SwitchedOff);
    assert_eq!(one.mail.deliver(&practice()).await.unwrap().len(), 0);
    assert_eq!(one.queue("While it is off.").await.unwrap_err().kind(), ErrorKind::SwitchedOff);
    let anna = UserId::new("anna").unwrap();
    let preview = one.mail.preview_route(&practice(), &anna, None).await;
    assert_eq!(preview.unwrap_err().kind(), ErrorKind::SwitchedOff);
    one.switch(&by("anna"), Way::SmtpImap, Switch::On).await.unwrap();
    let again = one.queue("On again.").await.unwrap();
    let again = one.mail.outgoing(&practice(), again).await.unwrap();
    assert_eq!(again.message.route, Route::Own(AccountId::new("anna").unwrap()));
}

#[tokio::test]
async fn an_account_whose_reading_pends_is_not_read() {
    let office = Office::open().await;
    let one = office.process().await;
    office.receive(0..2);
    one.connect(office.settings().reading(Reading::Pends)).await;
    office.server.forget_record();
    assert_eq!(one.sync(&|_| {}).await.accounts.len(), 0);
    assert_eq!((office.server.connections(), one.tab().await), (0, 0));
    assert_eq!(one.status().await.health, Health::ReadingPends);
    assert!(one.queue("It sends.").await.is_ok());
}

#[tokio::test]
async fn no_account_is_named_as_the_crate_names_its_own_secrets() {
    let office = Office::open().await;
    let one = office.process().await;
    for name in ["#noreply", "#google", "#"] {
        let request = ConnectRequest::new(office.settings(), Secret::new("hunter2"));
        let request = request.account(AccountId::new(name).unwrap());
        let refused = one.mail.connect(&practice(), &UserId::new("anna").unwrap(), request).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
    assert_eq!(one.store.accounts(&practice()).await.unwrap(), []);
}

/// B2, S19: posted-back dots keep a client secret; what it was for being another, it is forgotten.
#[tokio::test]
async fn a_client_secret_is_for_the_registration_it_was_given_for() {
    let office = Office::open().await;
    let one = office.process().await;
    let register = async |registration, secret| {
        one.mail.register_application(&practice(), &by("anna"), registration, secret).await.unwrap();
        one.client_secret().await
    };
    let secret = Some("s3cret".to_owned());
    assert_eq!(register(google("own"), new("s3cret")).await, secret);
    assert_eq!(register(google("own").internal("practice.example"), dots()).await, secret);
    assert_eq!(register(google("other"), dots()).await, None);
    assert_eq!(register(google("other"), new("s3cret")).await, secret);
    let endpoint = |url: &str| Endpoint::parse(url).unwrap();
    let elsewhere =
        OAuthEndpoints::new(endpoint("https://else.example/auth"), endpoint("https://else.example/token"));
    assert_eq!(register(google("other").endpoints(elsewhere.clone()), dots()).await, None);
    assert_eq!(register(google("other").endpoints(elsewhere), new("s3cret")).await, secret);
    let google = OAuthProvider::Google;
    one.mail.unregister_application(&practice(), &by("anna"), google).await.unwrap();
    assert_eq!((one.client_secret().await, one.settings().await), (None, PracticeSettings::default()));
}

/// S19
#[tokio::test]
async fn a_noreply_password_is_for_the_server_it_was_given_for() {
    let office = Office::open().await;
    let one = office.process().await;
    let set = async |request| {
        one.mail.set_noreply(&practice(), &by("anna"), Some(request)).await.unwrap();
        one.has_noreply_password().await
    };
    assert!(set(noreply("smtp.example", new("pw"))).await);
    assert!(set(noreply("smtp.example", dots()).for_everybody()).await);
    assert!(!set(noreply("else.example", dots())).await);
}

/// Two administrators at once: neither change is lost.
#[tokio::test(flavor = "multi_thread")]
async fn changes_made_side_by_side_are_all_made() {
    let office = Office::open().await;
    let (one, other) = (office.process().await, office.process().await);
    for to in [Switch::Off, Switch::On, Switch::Off] {
        let anna = by("anna");
        let (a, b, c) = tokio::join!(
            one.switch(&anna, Way::Gmail, to),
            other.switch(&anna, Way::SmtpImap, to),
            one.switch(&anna, Way::Microsoft365, to),
        );
        for done in [a, b, c] {
            done.unwrap();
        }
        let off = one.settings().await.switched_off.len();
        assert_eq!(off, if to == Switch::Off { 3 } else { 0 });
    }
}
