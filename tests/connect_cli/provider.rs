//! A provider of the kit's, the registration of the terminal host with it, and a person at their browser.

use practicemail::settings::{ApplicationRegistration, OAuthProvider, ServerSettings, TlsMode, TokenServers};
use practicemail::testkit::oauth::{AuthorizationServerBuilder, Browser, Page, Person, Return};
use practicemail::testkit::{AuthorizationServer, ImapServer, SmtpServer, imap, smtp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::terminal::{ANNA, CLIENT_SECRET, PAULA, Terminal, Waiting};

pub(crate) struct Provider {
    pub(crate) authorization: AuthorizationServer,
    pub(crate) imap: ImapServer,
    pub(crate) smtp: SmtpServer,
}

impl Provider {
    pub(crate) async fn open(
        provider: OAuthProvider,
        manners: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        // A port nobody has at the moment.
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let callback = format!("http://127.0.0.1:{free}/callback");
        let server = AuthorizationServer::builder(provider).registration("kit", CLIENT_SECRET, &callback);
        let server = server.person(Person::new(ANNA)).person(Person::new("ben@hale.example"));
        let authorization = manners(server).start().await.unwrap();
        let tokens = authorization.tokens();
        let (reads, sends) = match provider {
            OAuthProvider::Microsoft => (imap::Personality::ExchangeOnline, smtp::Personality::Exchange),
            _ => (imap::Personality::Gmail, smtp::Personality::FilesCopy),
        };
        let imap = ImapServer::builder().personality(reads).user(ANNA, "unused").tokens(&tokens);
        let imap = imap.start().await.unwrap();
        let letter = format!(
            "From: {PAULA}\r\nTo: {ANNA}\r\nSubject: VAT\r\nMessage-ID: <1@bakery.example>\r\n\
             Date: Mon, 12 Jan 2026 10:00:00 +0000\r\n\r\nIs it done?\r\n"
        );
        imap.user(ANNA).append("INBOX", letter, &[], 1_768_212_000);
        let smtp = SmtpServer::builder().personality(sends).user(ANNA, "unused").tokens(&tokens);
        let smtp = smtp.files_into(&imap).delivers_into(&imap).start().await.unwrap();
        Self { authorization, imap, smtp }
    }

    /// Lays the registration beside the host's store; answers the words that name it.
    pub(crate) fn registered(&self, terminal: &Terminal) -> [&'static str; 4] {
        let registration = serde_json::to_string(&self.registration()).unwrap();
        terminal.write("registration.json", &registration);
        ["--oauth-registration", "registration.json", "--client-secret-env", "SECRET"]
    }

    fn registration(&self) -> ApplicationRegistration {
        let at =
            |port, pem: &str| ServerSettings::new("localhost", port, TlsMode::Implicit).unwrap().with_ca(pem);
        let imap = at(self.imap.port(), self.imap.ca_pem());
        let smtp = at(self.smtp.port(), self.smtp.ca_pem());
        self.authorization.application().servers(TokenServers::new(imap, smtp))
    }

    /// The page that somebody's browser shows them.
    pub(crate) async fn page(&self, waiting: &Waiting, person: &str) -> Page {
        Browser::new(&self.authorization).sign_in_as(person).visit(&waiting.url).await.unwrap()
    }

    /// Somebody allows all that is asked for.
    pub(crate) async fn allow(&self, waiting: &Waiting, person: &str) -> String {
        come_back(&self.page(waiting, person).await.allow().await.unwrap()).await
    }
}

/// The browser goes where it is sent; answers the page that is shown there.
pub(crate) async fn come_back(returned: &Return) -> String {
    let url = returned.callback().unwrap_or_else(|| panic!("{returned:?}")).url();
    let (_, rest) = url.split_once("://").unwrap();
    let (at, path) = rest.split_once('/').unwrap();
    let mut host = TcpStream::connect(at).await.unwrap();
    host.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {at}\r\n\r\n").as_bytes()).await.unwrap();
    let mut page = String::new();
    host.read_to_string(&mut page).await.unwrap();
    page
}
