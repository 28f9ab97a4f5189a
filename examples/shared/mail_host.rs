//! What the test kit plays where no address is given: a mail host for `hale.example`, which says where its servers are.

use practicemail::discover::{Discoverer, Sources, Suggestion};
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::testkit::{
    CertificateKind, Certificates, ImapServer, SmtpServer, WebAnswer, WebServer, imap, smtp,
};

use crate::Result;
use crate::office::LOCAL;

/// The password of every account there.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

const LETTER: &str = "From: Paula Marlow <paula@bakery.example>\r\nTo: Anna Hale <anna@hale.example>\r\n\
                      Subject: Our VAT return\r\nMessage-ID: <1@bakery.example>\r\n\
                      Date: Mon, 12 Jan 2026 10:00:00 +0000\r\n\r\nIs it done?\r\n";

/// The servers, under one authority.
pub(crate) struct MailHost {
    certificates: Certificates,
    web: WebServer,
    _imap: ImapServer,
    _smtp: SmtpServer,
}

impl MailHost {
    /// A host with Anna's mailbox, and `noreply`.
    pub(crate) async fn start() -> Result<Self> {
        let certificates = Certificates::new(CertificateKind::Valid)?;
        let imap = ImapServer::builder().personality(imap::Personality::Dovecot).certificates(&certificates);
        let imap = imap.user(LOCAL.0, PASSWORD).start().await?;
        imap.user(LOCAL.0).append("INBOX", LETTER, &[], 1_768_212_000);
        let smtp = SmtpServer::builder().personality(smtp::Personality::Plain).certificates(&certificates);
        let smtp = smtp.user(LOCAL.0, PASSWORD).user("noreply@hale.example", PASSWORD);
        let smtp = smtp.delivers_into(&imap).start().await?;
        let document = WebAnswer::document("text/xml", autoconfig(imap.port(), smtp.port()));
        let web = WebServer::builder().certificates(&certificates).answer("/config-v1.1.xml", document);
        Ok(Self { web: web.start().await?, certificates, _imap: imap, _smtp: smtp })
    }

    /// Asks this host instead of the one that `hale.example` has in the world.
    pub(crate) fn discoverer(&self) -> Discoverer {
        let document = format!("https://localhost:{}/config-v1.1.xml", self.web.port());
        let sources = Sources::default().autoconfig([document]).with_ca(self.certificates.ca_pem());
        Discoverer::new(Dialer::new().egress(EgressPolicy::Any)).sources(sources)
    }

    /// The servers' certificates are of the kit's own authority.
    pub(crate) fn trusted(&self, mut found: Suggestion) -> Suggestion {
        let pem = self.certificates.ca_pem();
        found.incoming = found.incoming.with_ca(pem);
        found.outgoing = found.outgoing.map(|(server, login)| (server.with_ca(pem), login));
        found
    }
}

/// The document that mail programs ask a domain for (draft-ietf-mailmaint-autoconfig §3).
fn autoconfig(imap: u16, smtp: u16) -> String {
    let server = |tag: &str, kind: &str, port: u16| {
        format!(
            "<{tag} type=\"{kind}\"><hostname>localhost</hostname><port>{port}</port><socketType>SSL</socketType>\
             <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></{tag}>"
        )
    };
    format!(
        "<clientConfig version=\"1.1\"><emailProvider id=\"hale.example\">{}{}</emailProvider></clientConfig>",
        server("incomingServer", "imap", imap),
        server("outgoingServer", "smtp", smtp)
    )
}
