//! The IMAP reader keeps the contract: on the kit's server as any provider's, and on a real Dovecot.
//!
//! The latter needs `dovecot-imapd` (scripts/setup installs it).

mod support;

use std::cell::{Cell, RefCell};
use std::fs;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use practicemail::conformance::{
    self, MailboxAbility, MailboxEvent, MailboxService, ReaderCall, Report, SeedMailbox, SeedMessage,
};
use practicemail::contract::{Credential, MailboxReader, SignInHints};
use practicemail::error::Result;
use practicemail::imap::ImapConnector;
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::{Fault, Personality, UserMail};
use practicemail::types::{MailboxName, Secret, Timestamp};
use support::configuration::{Options, Tier};
use support::dovecot::{Dovecot, PASSWORD};
use support::imap::Session;

async fn session(server: ServerSettings, login: &str, password: &str) -> Result<Box<dyn MailboxReader>> {
    let settings = AccountSettings::new(server, Login::new(login).unwrap());
    let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Any));
    let password = Credential::Password(Secret::new(password));
    Ok(connector.open_reader(&settings, &password, &SignInHints::default()).await?.reader)
}

/// An account on the kit's server.
struct Kit {
    server: ImapServer,
    anna: UserMail,
}

impl Kit {
    async fn start(personality: Personality, seed: Vec<SeedMailbox>) -> Self {
        let server =
            ImapServer::builder().personality(personality).user("anna", "secret").start().await.unwrap();
        let anna = server.user("anna");
        let kit = Self { server, anna };
        for mailbox in seed {
            kit.anna.create_mailbox(&mailbox.name.to_string(), &[]);
            mailbox.messages.iter().for_each(|message| kit.deliver(&mailbox.name, message));
        }
        kit
    }

    fn deliver(&self, mailbox: &MailboxName, message: &SeedMessage) {
        let date = message.internal_date.as_unix();
        self.anna.append(&mailbox.to_string(), &message.octets, message.flags, date).unwrap();
    }
}

fn command(call: ReaderCall) -> &'static str {
    match call {
        ReaderCall::Mailboxes => "LIST",
        ReaderCall::Open => "EXAMINE",
        ReaderCall::Addressing | ReaderCall::Messages | ReaderCall::Range => "FETCH",
        ReaderCall::Find => "SEARCH",
        ReaderCall::Wait => "IDLE",
        other => panic!("a new call: {other:?}"),
    }
}

#[async_trait(?Send)]
impl MailboxService for Kit {
    fn abilities(&self) -> &[MailboxAbility] {
        &MailboxAbility::ALL
    }

    async fn session(&self) -> Result<Box<dyn MailboxReader>> {
        let server = ServerSettings::new("localhost", self.server.port(), TlsMode::Implicit)?;
        session(server.with_ca(self.server.ca_pem()), "anna", "secret").await
    }

    async fn state(&self, mailbox: &MailboxName) -> String {
        let mailbox = mailbox.to_string();
        let state =
            (self.anna.uid_validity(&mailbox), self.anna.messages(&mailbox), self.server.flags_changed());
        format!("{state:?}")
    }

    async fn happen(&self, event: MailboxEvent) {
        match event {
            MailboxEvent::Deliver(mailbox, message) => self.deliver(&mailbox, &message),
            MailboxEvent::Renumber(mailbox) => {
                assert!(self.anna.set_uid_validity(&mailbox.to_string(), 4_711));
            }
            MailboxEvent::Refuse(call) => {
                self.server
                    .inject(Fault::Answer { command: command(call).into(), text: "NO not now".into() });
            }
            MailboxEvent::BreakOff(ReaderCall::Wait) => {
                self.server.inject(Fault::IdleDrop { after: Duration::from_millis(100) }.times(1));
            }
            MailboxEvent::BreakOff(call) => {
                // Behind the addressing headers of the first message, amid anything shorter.
                let octets = if call == ReaderCall::Addressing { 500 } else { 20 };
                self.server.inject(Fault::CloseAmid { command: command(call).into(), octets }.times(1));
            }
            MailboxEvent::LeaveOut(mailbox, uid) => {
                self.server.inject(Fault::SearchEmpty.in_mailbox(&mailbox.to_string()));
                self.server.inject(Fault::FetchMissing { uid: uid.get() }.in_mailbox(&mailbox.to_string()));
            }
            MailboxEvent::Stray { mailbox, asked, sent } => {
                let fault = Fault::WrongUid { asked: asked.get(), sent: sent.get() };
                self.server.inject(fault.in_mailbox(&mailbox.to_string()));
            }
            other => panic!("a new event: {other:?}"),
        }
    }
}

async fn on_the_kit(personality: Personality) -> Report {
    conformance::reader(async |seed| Kit::start(personality, seed).await).await
}

#[tokio::test]
async fn imap_is_a_mailbox_reader() {
    for personality in [Personality::Dovecot, Personality::Exchange, Personality::Yahoo, Personality::Gmail] {
        on_the_kit(personality).await.assert_complete();
    }
}

#[tokio::test]
async fn imap_without_idle_is_one_that_does_not_wait() {
    let report = on_the_kit(Personality::Bare).await;
    report.assert_passed();
    assert_eq!(report.unchecked_clauses(), ["M6"], "{report}");
    assert!(report.to_string().contains("waiting is not offered"), "{report}");
}

/// A user of a Dovecot that was started for all checks.
struct OnDovecot {
    dovecot: Rc<Dovecot>,
    user: String,
    truth: RefCell<Session>,
}

fn deliver(truth: &mut Session, mailbox: &MailboxName, message: &SeedMessage) {
    let date = date(message.internal_date);
    truth.append_at(&mailbox.to_string(), &message.flags.join(" "), &date, &message.octets);
}

fn date(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp(at.as_unix(), 0).unwrap().format("%d-%b-%Y %H:%M:%S +0000").to_string()
}

#[async_trait(?Send)]
impl MailboxService for OnDovecot {
    fn abilities(&self) -> &[MailboxAbility] {
        &[MailboxAbility::State, MailboxAbility::Deliver, MailboxAbility::Renumber]
    }

    async fn session(&self) -> Result<Box<dyn MailboxReader>> {
        let server = ServerSettings::new("127.0.0.1", self.dovecot.tls_port(), TlsMode::Implicit)?;
        session(server.with_ca(fs::read_to_string(self.dovecot.ca_file()).unwrap()), &self.user, PASSWORD)
            .await
    }

    async fn state(&self, mailbox: &MailboxName) -> String {
        let (mailbox, mut truth) = (mailbox.to_string(), self.truth.borrow_mut());
        format!("{:?} {:?}", truth.fingerprint(&mailbox), truth.messages(&mailbox))
    }

    async fn happen(&self, event: MailboxEvent) {
        let mut truth = self.truth.borrow_mut();
        match event {
            MailboxEvent::Deliver(mailbox, message) => deliver(&mut truth, &mailbox, &message),
            MailboxEvent::Renumber(mailbox) => truth.recreate(&mailbox.to_string()),
            other => panic!("not one of its abilities: {other:?}"),
        }
    }
}

#[tokio::test]
async fn imap_is_a_mailbox_reader_on_dovecot() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Rc::new(Options::new(tier).start());
        let users: Vec<String> = (0..40).map(|number| format!("user{number}")).collect();
        dovecot.add_users(&users.iter().map(String::as_str).collect::<Vec<_>>());
        let next = Cell::new(0);
        let report = conformance::reader(async |seed: Vec<SeedMailbox>| {
            let user = users[next.replace(next.get() + 1)].clone();
            let mut truth = dovecot.session(&user);
            for mailbox in seed {
                if !mailbox.name.is_inbox() {
                    truth.create(&mailbox.name.to_string());
                }
                mailbox.messages.iter().for_each(|message| deliver(&mut truth, &mailbox.name, message));
            }
            OnDovecot { dovecot: dovecot.clone(), user, truth: RefCell::new(truth) }
        })
        .await;
        report.assert_passed();
        assert_eq!(report.unchecked_clauses(), ["M2", "M5", "M6"], "{report}");
    }
}
