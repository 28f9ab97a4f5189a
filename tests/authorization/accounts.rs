//! What an account has is its own: no secret goes astray, nothing that works is ended by a mistake, nobody is read unasked.

use std::time::Duration;

use practicemail::contract::{BlobStore as _, MailStore as _, User};
use practicemail::error::ErrorKind;
use practicemail::practice_mail::{
    Archived, AuthorizationOutcome, ConnectRequest, Health, Purpose, SendBy, Switch, Viewer,
};
use practicemail::settings::{
    AccountSettings, Login, OAuthProvider, Reading, ServerSettings, TlsMode, TokenServers, Way,
};
use practicemail::testkit::oauth::{AuthorizationServerBuilder, Browser, OAuthFault, Person};
use practicemail::testkit::{ImapServer, SmtpServer, imap};
use practicemail::types::{Address, Draft, Entered, Masked, Recipient, Secret, UserId};

use crate::firm::{ANNA, CARL, Firm, query};

const HOST: Viewer = Viewer::System { reason: "a test" };
const AN_HOUR: i64 = 3_600;
const CARLA: &str = "carla@hale.example";

async fn send(firm: &Firm) -> String {
    let to = Recipient::named("Carl", Address::parse(CARL).unwrap());
    let draft = Draft::new("hello").to(to).text("x");
    let queued = firm.mail.send(&firm.practice, &firm.anna, draft).await.unwrap();
    firm.mail.outcome(&firm.practice, queued.id).await.unwrap().state.as_str().to_owned()
}

/// S19: dots posted back keep the password, for the server it was given for and no other.
#[tokio::test]
async fn a_password_for_sending_goes_to_its_own_server_only() {
    let firm = Firm::google().await;
    let other = SmtpServer::builder().user(ANNA, "a password").start().await.unwrap();
    let own = SmtpServer::builder().user(ANNA, "for sending").start().await.unwrap();
    let settings = |smtp: &SmtpServer| {
        let login = Login::new(ANNA).unwrap();
        let smtp =
            ServerSettings::new("localhost", smtp.port(), TlsMode::Implicit).unwrap().with_ca(smtp.ca_pem());
        AccountSettings::new(firm.application().servers.imap, login.clone()).sending(smtp, login)
    };
    let dots = || Entered::posted(&Masked.to_string());
    let first = ConnectRequest::new(settings(&own), Secret::new("a password"));
    let first = first.outgoing_password(Secret::new("for sending"));
    firm.mail.connect(&firm.practice, &firm.anna, first).await.unwrap();
    let unchanged = ConnectRequest::new(settings(&own), dots()).outgoing_password(dots());
    firm.mail.connect(&firm.practice, &firm.anna, unchanged).await.unwrap();
    assert_eq!((send(&firm).await.as_str(), own.deliveries().len()), ("sent", 1));
    // The other server gets the password for reading, which stands in for one that was never given.
    let moved = ConnectRequest::new(settings(&other), dots()).outgoing_password(dots());
    firm.mail.connect(&firm.practice, &firm.anna, moved).await.unwrap();
    assert_eq!((send(&firm).await.as_str(), other.deliveries().len()), ("sent", 1));
    // The password for reading stays where it belongs, too.
    let elsewhere = firm.imap.port();
    let imap =
        ServerSettings::new("127.0.0.1", elsewhere, TlsMode::Implicit).unwrap().with_ca(firm.imap.ca_pem());
    let stolen = ConnectRequest::new(AccountSettings::new(imap, Login::new(ANNA).unwrap()), dots());
    let refused = firm.mail.check(&firm.practice, &firm.anna, &stolen).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_sign_in_that_comes_to_nothing_ends_nothing_that_works() {
    let firm = Firm::google().await;
    firm.connected().await;
    let returned = firm.page(firm.request(), ANNA).await.allow_only(&[]).await.unwrap();
    let outcome = firm.back(query(&returned)).await.unwrap();
    assert!(matches!(outcome, AuthorizationOutcome::MissingScopes { .. }), "{}", outcome.as_str());
    assert_eq!(firm.authorization.revocations(), 0);
    firm.clock.forward(AN_HOUR);
    firm.sync().await.unwrap();
}

#[tokio::test]
async fn trying_to_read_never_ends_what_sends() {
    let firm =
        Firm::open(OAuthProvider::Microsoft, AuthorizationServerBuilder::tenant_requires_approval).await;
    let outcome = firm.allow(firm.request(), ANNA).await.unwrap();
    assert!(matches!(outcome, AuthorizationOutcome::AdministratorMustApprove(_)), "{}", outcome.as_str());
    assert_eq!(firm.connected().await.reading, Reading::Pends);
    firm.authorization.inject(OAuthFault::InteractionRequired { claims: "{}".to_owned() });
    firm.sync().await.unwrap();
    firm.clock.forward(AN_HOUR);
    assert_eq!(send(&firm).await, "sent");
    assert_eq!(firm.status().await.health, Health::ReadingPends);
}

/// Who asked for sending alone is not read one day.
#[tokio::test]
async fn an_account_that_was_to_send_only_is_never_read() {
    let firm =
        Firm::open(OAuthProvider::Microsoft, AuthorizationServerBuilder::tenant_requires_approval).await;
    firm.letter("private");
    firm.allow(firm.request(), ANNA).await.unwrap();
    let outcome = firm.allow(firm.request().purpose(Purpose::Send), ANNA).await.unwrap();
    let AuthorizationOutcome::Connected(connected) = outcome else { panic!("{}", outcome.as_str()) };
    assert_eq!(connected.reading, Reading::Off);
    firm.authorization.approve("hale.example");
    firm.sync().await.unwrap();
    assert_eq!(firm.imap.connections(), 0);
    assert_eq!(firm.tab().await.messages.len(), 0);
}

/// Google's one scope opens both; it is not for that that anybody is read.
#[tokio::test]
async fn a_consent_that_opens_more_than_was_asked_for_is_not_used_for_it() {
    let firm = Firm::google().await;
    firm.letter("private");
    let outcome = firm.allow(firm.request().purpose(Purpose::Send), ANNA).await.unwrap();
    let AuthorizationOutcome::Connected(connected) = outcome else { panic!("{}", outcome.as_str()) };
    assert_eq!((connected.reading, connected.checked), (Reading::Off, true));
    assert_eq!(send(&firm).await, "sent");
    firm.sync().await.unwrap();
    assert_eq!(firm.tab().await.messages.len(), 1, "what was sent, and nothing that was read");
}

/// B12: one mailbox's archive is not another's.
#[tokio::test]
async fn another_mailbox_does_not_take_the_place_of_ones_own() {
    let firm = Firm::microsoft().await;
    firm.connected().await;
    let office = Address::parse("office@hale.example").unwrap();
    let shared = firm.request().mailbox(office.clone());
    let refused = firm.mail.authorize(&firm.practice, &firm.anna, shared).await.map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let graph = firm.request().mailbox(office).send_by(SendBy::Graph);
    let refused = firm.mail.authorize(&firm.practice, &firm.anna, graph).await.map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid, "Graph has no mailbox but the person's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_goes_on_when_nobody_waits_for_it() {
    let firm = Firm::open(OAuthProvider::Google, AuthorizationServerBuilder::rotates_refresh_tokens).await;
    let account = firm.connected().await.account;
    firm.clock.forward(AN_HOUR);
    firm.authorization.inject(OAuthFault::Late(Duration::from_millis(600)));
    let leaving = firm.mail.check_account(&firm.practice, &account);
    assert!(tokio::time::timeout(Duration::from_millis(250), leaving).await.is_err());
    firm.mail.check_account(&firm.practice, &account).await.unwrap().into_result().unwrap();
    assert_eq!(firm.authorization.refreshes(), 1);
}

/// B1: where a tenant knows its people by their principal names only, they sign in by those, under the address all the same.
#[tokio::test]
async fn a_principal_name_signs_in_where_the_address_does_not() {
    let firm = Firm::open(OAuthProvider::Microsoft, |server| {
        let carla = Person::new(CARLA).organisation("hale.example");
        server.person(carla.principal_name("c.rossi@hale.onmicrosoft.example"))
    })
    .await;
    let carla = UserId::new("carla").unwrap();
    firm.directory.put_user(&firm.practice, User::new(carla.clone(), "Carla", CARLA)).unwrap();
    let tokens = firm.authorization.tokens();
    let imap = ImapServer::builder().personality(imap::Personality::Exchange).tokens(&tokens);
    let imap = imap.principal_names_only().start().await.unwrap();
    let smtp = SmtpServer::builder().tokens(&tokens).principal_names_only().start().await.unwrap();
    let at =
        |port, pem: &str| ServerSettings::new("localhost", port, TlsMode::Implicit).unwrap().with_ca(pem);
    let servers = TokenServers::new(at(imap.port(), imap.ca_pem()), at(smtp.port(), smtp.ca_pem()));
    let secret = Some(Secret::new(firm.authorization.client_secret()));
    let mail = firm.door().with_registration(firm.application().servers(servers), secret);
    let url = mail.authorize(&firm.practice, &carla, firm.request()).await.unwrap().url;
    let browser = Browser::new(&firm.authorization).sign_in_as(CARLA);
    let returned = browser.visit(&url).await.unwrap().allow().await.unwrap();
    let outcome = mail.complete_authorization(&firm.practice, &carla, query(&returned)).await.unwrap();
    let AuthorizationOutcome::Connected(connected) = outcome else { panic!("{}", outcome.as_str()) };
    assert_eq!((connected.address.to_string().as_str(), connected.checked), (CARLA, true));
    mail.check_account(&firm.practice, &connected.account).await.unwrap().into_result().unwrap();
}

/// S7: switched off is switched off, whatever asks and however long it was under way.
#[tokio::test]
async fn a_way_that_is_switched_off_opens_nothing() {
    let firm = Firm::google().await;
    let account = firm.connected().await.account;
    let returned = firm.page(firm.request(), ANNA).await.allow().await.unwrap();
    firm.mail.switch(&firm.practice, &HOST, Way::Gmail, Switch::Off).await.unwrap();
    let connections = firm.imap.connections();
    let kinds = [
        firm.mail.check_account(&firm.practice, &account).await.unwrap_err().kind(),
        firm.mail.mailboxes(&firm.practice, &account).await.unwrap_err().kind(),
        firm.mail.authorize(&firm.practice, &firm.anna, firm.request()).await.map(drop).unwrap_err().kind(),
        firm.back(query(&returned)).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::SwitchedOff; 4]);
    firm.sync().await.unwrap();
    assert_eq!(firm.imap.connections(), connections);
    assert_eq!(firm.status().await.health, Health::SwitchedOff);
}

/// S20
#[tokio::test]
async fn mailboxes_are_chosen_from_those_there_are() {
    let firm = Firm::microsoft().await;
    let account = firm.connected().await.account;
    let me = Viewer::User(firm.anna.clone());
    let choose = async |by: &Viewer, sent| {
        firm.mail.choose_mailboxes(&firm.practice, by, &account, sent, ["Junk-E-Mail".to_owned()]).await
    };
    let ben = Viewer::User(UserId::new("ben").unwrap());
    assert_eq!(choose(&ben, None).await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(choose(&me, Some("Versandt")).await.unwrap_err().kind(), ErrorKind::NotFound);
    choose(&me, Some("Gesendete Elemente")).await.unwrap();
    let settings = firm.store.accounts(&firm.practice).await.unwrap().remove(0).account.settings;
    assert_eq!(settings.sent_mailbox.as_deref(), Some("Gesendete Elemente"));
    assert_eq!(settings.excluded_mailboxes, ["Junk-E-Mail"]);
    firm.sync().await.unwrap();
}

/// S12: erased, if the host so chooses; and that is an administrator's choice.
#[tokio::test]
async fn an_administrator_may_have_the_archive_of_an_account_erased() {
    let firm = Firm::google().await;
    let staff = User::new(firm.anna.clone(), "Anna Hale", ANNA);
    firm.directory.put_user(&firm.practice, staff).unwrap();
    firm.letter("history");
    let account = firm.connected().await.account;
    firm.sync().await.unwrap();
    assert_eq!(firm.store.list(&firm.practice, None, 9).await.unwrap().len(), 1);
    let anna = Viewer::User(firm.anna.clone());
    let refused = firm.mail.disconnect(&firm.practice, &anna, &account, Archived::Erase).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    assert_eq!(firm.status().await.health, Health::Fine);
    firm.mail.disconnect(&firm.practice, &HOST, &account, Archived::Erase).await.unwrap();
    assert_eq!(firm.tab().await.messages.len(), 0);
    assert_eq!(firm.store.list(&firm.practice, None, 9).await.unwrap().len(), 0);
}
