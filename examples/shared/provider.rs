//! What the test kit plays for `--local`: Google or Microsoft with a mailbox, and the person at their browser.

use practicemail::settings::{ApplicationRegistration, OAuthProvider, ServerSettings, TlsMode, TokenServers};
use practicemail::testkit::oauth::{Browser, Person};
use practicemail::testkit::{AuthorizationServer, ImapServer, SmtpServer, imap, smtp};
use practicemail::types::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Result;
use crate::office::LOCAL;

const LETTER: &str = "From: Paula Marlow <paula@bakery.example>\r\nTo: Anna Hale <anna@hale.example>\r\n\
                      Subject: Our VAT return\r\nMessage-ID: <1@bakery.example>\r\n\
                      Date: Mon, 12 Jan 2026 10:00:00 +0000\r\n\r\nIs it done?\r\n";

/// The provider. Microsoft's lets nobody be read before an administrator approved it, as many tenants do.
pub(crate) struct Provider {
    pub(crate) authorization: AuthorizationServer,
    imap: ImapServer,
    smtp: SmtpServer,
}

impl Provider {
    /// A provider that knows an application with that redirect URI.
    pub(crate) async fn start(provider: OAuthProvider, redirect_uri: &str) -> Result<Self> {
        let server = AuthorizationServer::builder(provider).person(Person::new(LOCAL.0));
        let server = server.registration("client-id-of-the-kit", "client secret of the kit", redirect_uri);
        let (server, reads, sends) = match provider {
            OAuthProvider::Microsoft => {
                let personality = (imap::Personality::ExchangeOnline, smtp::Personality::Exchange);
                (server.tenant_requires_approval(), personality.0, personality.1)
            }
            _ => (server, imap::Personality::Gmail, smtp::Personality::FilesCopy),
        };
        let authorization = server.start().await?;
        let tokens = authorization.tokens();
        let imap =
            ImapServer::builder().personality(reads).user(LOCAL.0, "unused").tokens(&tokens).start().await?;
        imap.user(LOCAL.0).append("INBOX", LETTER, &[], 1_768_212_000);
        let smtp = SmtpServer::builder().personality(sends).user(LOCAL.0, "unused").tokens(&tokens);
        let smtp = smtp.files_into(&imap).delivers_into(&imap).start().await?;
        Ok(Self { authorization, imap, smtp })
    }

    /// The application's registration, and its secret.
    pub(crate) fn registration(&self) -> Result<(ApplicationRegistration, Option<Secret>)> {
        let at = |port, pem: &str| {
            Ok::<_, practicemail::error::Error>(
                ServerSettings::new("localhost", port, TlsMode::Implicit)?.with_ca(pem),
            )
        };
        let imap = at(self.imap.port(), self.imap.ca_pem())?;
        let smtp = at(self.smtp.port(), self.smtp.ca_pem())?;
        let application = self.authorization.application().servers(TokenServers::new(imap, smtp));
        Ok((application, Some(Secret::new(self.authorization.client_secret()))))
    }

    /// The person opens the page, allows what it asks for, and their browser goes back to the program.
    pub(crate) fn browse(&self, url: &str) {
        let (browser, url) = (Browser::new(&self.authorization).sign_in_as(LOCAL.0), url.to_owned());
        tokio::spawn(async move {
            if let Err(error) = allow(&browser, &url).await {
                eprintln!("The kit's browser is lost: {error}");
            }
        });
    }
}

async fn allow(browser: &Browser, url: &str) -> Result<()> {
    let returned = browser.visit(url).await?.allow().await?;
    let url = returned.callback().ok_or("the provider shows an error page")?.url();
    let (_, rest) = url.split_once("://").ok_or("no URL")?;
    let (at, path) = rest.split_once('/').ok_or("no path")?;
    let mut program = TcpStream::connect(at).await?;
    program.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {at}\r\n\r\n").as_bytes()).await?;
    program.read_to_end(&mut Vec::new()).await?;
    Ok(())
}
