//! A practice whose users sign in with their provider: the kit's authorization, IMAP, submission and Graph servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use practicemail::PracticeMail;
use practicemail::contract::{ClientKey, Clock, Practice, Role, User};
use practicemail::error::Result;
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{
    AuthorizationOutcome, AuthorizationRequest, Connected, Storage, Tab, TabQuery, UserStatus, Viewer,
};
use practicemail::settings::{ApplicationRegistration, OAuthProvider, ServerSettings, TlsMode, TokenServers};
use practicemail::storage::{MemoryDirectory, MemoryStore, StaticKey};
use practicemail::testkit::oauth::{AuthorizationServerBuilder, Browser, Page, Person, Return};
use practicemail::testkit::{AuthorizationServer, GraphServer, ImapServer, SmtpServer, imap, smtp};
use practicemail::types::{ClientId, PracticeId, Secret, Timestamp, UserId};

pub(crate) const ANNA: &str = "anna@hale.example";
pub(crate) const CARL: &str = "carl@client.example";

/// A clock that a test sets forward.
#[derive(Default)]
pub(crate) struct Hands(AtomicI64);

impl Hands {
    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(1_780_000_000 + self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Firm {
    pub(crate) clock: Arc<Hands>,
    pub(crate) authorization: AuthorizationServer,
    pub(crate) imap: ImapServer,
    pub(crate) smtp: SmtpServer,
    pub(crate) graph: GraphServer,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) mail: PracticeMail,
    pub(crate) practice: PracticeId,
    pub(crate) anna: UserId,
}

impl Firm {
    /// Google's manners.
    pub(crate) async fn google() -> Self {
        Self::open(OAuthProvider::Google, |server| server).await
    }

    /// Microsoft's manners.
    pub(crate) async fn microsoft() -> Self {
        Self::open(OAuthProvider::Microsoft, |server| server).await
    }

    pub(crate) async fn open(
        provider: OAuthProvider,
        manners: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let clock = Arc::new(Hands::default());
        let server = AuthorizationServer::builder(provider).clock(clock.clone());
        let server = server.person(Person::new(ANNA).organisation("hale.example"));
        let server = server.person(Person::new("ben@hale.example").organisation("hale.example"));
        let authorization = manners(server).start().await.unwrap();
        let tokens = authorization.tokens();
        let (reads, sends) = match provider {
            OAuthProvider::Microsoft => (imap::Personality::Exchange, smtp::Personality::Exchange),
            _ => (imap::Personality::Gmail, smtp::Personality::FilesCopy),
        };
        let imap = ImapServer::builder()
            .personality(reads)
            .user(ANNA, "a password")
            .user("office@hale.example", "x");
        let imap = imap.tokens(&tokens).full_access(ANNA, "office@hale.example").start().await.unwrap();
        let smtp = SmtpServer::builder().personality(sends).user(ANNA, "a password").tokens(&tokens);
        let smtp = smtp.delivers_into(&imap).start().await.unwrap();
        let graph = GraphServer::builder("unused").tokens(&tokens).start().await.unwrap();
        let (practice, anna) = (PracticeId::new("hale").unwrap(), UserId::new("anna").unwrap());
        let directory = Arc::new(MemoryDirectory::new());
        directory.put_practice(Practice::new(practice.clone(), "Hale & Partners"));
        let mut user = User::new(anna.clone(), "Anna Hale", ANNA);
        user.role = Role::Administrator;
        directory.put_user(&practice, user).unwrap();
        directory
            .put_user(&practice, User::new(UserId::new("ben").unwrap(), "Ben", "ben@hale.example"))
            .unwrap();
        let key = ClientKey::Address(CARL.to_owned());
        directory.put_client(&practice, ClientId::new("carl").unwrap(), [key]).unwrap();
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let mut firm = Self {
            mail: PracticeMail::new(
                directory.clone(),
                Storage::of(store.clone()),
                Arc::new(StaticKey::new([7; 32])),
            ),
            clock,
            authorization,
            imap,
            smtp,
            graph,
            store,
            directory,
            practice,
            anna,
        };
        firm.mail = firm.door();
        firm
    }

    /// Another door to the same practice, as another process has.
    pub(crate) fn door(&self) -> PracticeMail {
        self.door_on(Storage::of(self.store.clone()))
    }

    /// A door to another store.
    pub(crate) fn door_on(&self, storage: Storage) -> PracticeMail {
        let keys = Arc::new(StaticKey::new([7; 32]));
        PracticeMail::new(self.directory.clone(), storage, keys)
            .with_egress(EgressPolicy::Any)
            .with_clock(self.clock.clone())
            .with_registration(self.application(), Some(Secret::new(self.authorization.client_secret())))
    }

    /// The product's registration.
    pub(crate) fn application(&self) -> ApplicationRegistration {
        let at =
            |port, pem: &str| ServerSettings::new("localhost", port, TlsMode::Implicit).unwrap().with_ca(pem);
        let imap = at(self.imap.port(), self.imap.ca_pem());
        let smtp = at(self.smtp.port(), self.smtp.ca_pem());
        let graph = at(self.graph.port(), self.graph.ca_pem());
        self.authorization.application().servers(TokenServers::new(imap, smtp).graph(graph))
    }

    pub(crate) fn request(&self) -> AuthorizationRequest {
        match self.authorization.application().provider {
            OAuthProvider::Microsoft => AuthorizationRequest::microsoft(),
            _ => AuthorizationRequest::google(),
        }
    }

    /// The page Anna's browser shows after she set out.
    pub(crate) async fn page(&self, request: AuthorizationRequest, person: &str) -> Page {
        let url = self.mail.authorize(&self.practice, &self.anna, request).await.unwrap().url;
        Browser::new(&self.authorization).sign_in_as(person).visit(&url).await.unwrap()
    }

    /// Anna comes back with that.
    pub(crate) async fn back(&self, query: &str) -> Result<AuthorizationOutcome> {
        self.mail.complete_authorization(&self.practice, &self.anna, query).await
    }

    /// Anna sets out, allows all that is asked as `person`, and comes back.
    pub(crate) async fn allow(
        &self,
        request: AuthorizationRequest,
        person: &str,
    ) -> Result<AuthorizationOutcome> {
        let returned = self.page(request, person).await.allow().await.unwrap();
        self.back(query(&returned)).await
    }

    /// Anna's account is connected.
    pub(crate) async fn connected(&self) -> Connected {
        match self.allow(self.request(), ANNA).await.unwrap() {
            AuthorizationOutcome::Connected(connected) => connected,
            other => panic!("{}", other.as_str()),
        }
    }

    pub(crate) async fn sync(&self) -> Result<()> {
        let report = self.mail.sync(&self.practice, None, &|_| {}).await?;
        report.accounts.into_iter().find_map(|account| account.error).map_or(Ok(()), Err)
    }

    pub(crate) async fn status(&self) -> UserStatus {
        let rows = self.mail.status(&self.practice).await.unwrap();
        rows.into_iter().find(|row| row.user == self.anna).unwrap()
    }

    pub(crate) async fn tab(&self) -> Tab {
        let (client, viewer) = (ClientId::new("carl").unwrap(), Viewer::User(self.anna.clone()));
        self.mail.tab(&self.practice, &client, &viewer, &TabQuery::newest(50)).await.unwrap()
    }

    /// A letter from the client, in the inbox since long ago.
    pub(crate) fn letter(&self, subject: &str) {
        let text = format!(
            "From: {CARL}\r\nTo: {ANNA}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@client.example>\r\n\
             Date: Mon, 12 Jan 2026 10:00:00 +0000\r\n\r\nHello\r\n"
        );
        self.imap.user(ANNA).append("INBOX", text, &[], 1_768_212_000);
    }
}

/// The query of a callback.
pub(crate) fn query(returned: &Return) -> &str {
    returned.callback().unwrap_or_else(|| panic!("{returned:?}")).query()
}
