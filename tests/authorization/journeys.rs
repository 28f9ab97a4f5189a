//! From the first step to the last (S8 to S14, B1, B12, B23).

use practicemail::contract::{MailStore as _, Role};
use practicemail::error::ErrorKind;
use practicemail::practice_mail::{
    AdminConsent, Archived, AuthorizationOutcome, AuthorizationRequest, Health, Purpose, Revocation, SendBy,
    Viewer,
};
use practicemail::settings::{OAuthProvider, Reading};
use practicemail::testkit::oauth::{AuthorizationServerBuilder, Browser, OAuthFault, Person, Refuses};
use practicemail::types::{AccountId, Address, Draft, Recipient, UserId};

use crate::firm::{ANNA, CARL, Firm, query};

/// S8, S9, S13, S14: no server is asked for; what was there before connecting shows; what is sent leaves from the account.
#[tokio::test]
async fn a_user_signs_in_with_google_reads_and_sends() {
    let firm = Firm::google().await;
    firm.letter("history");
    let connected = firm.connected().await;
    assert_eq!((connected.checked, connected.sent_mailbox.as_deref()), (true, Some("[Gmail]/Sent Mail")));
    firm.sync().await.unwrap();
    assert_eq!(firm.tab().await.messages[0].subject.as_str(), "history");
    let to = Recipient::named("Carl", Address::parse(CARL).unwrap());
    let queued =
        firm.mail.send(&firm.practice, &firm.anna, Draft::new("hello").to(to).text("x")).await.unwrap();
    let outcome = firm.mail.outcome(&firm.practice, queued.id).await.unwrap();
    assert_eq!(outcome.state.as_str(), "sent");
    assert_eq!(firm.smtp.deliveries().len(), 1);
    assert_eq!(firm.authorization.exchanges(), 1);
}

/// S9: the user is told of offline access, and may say no: that is a choice, and leaves nothing behind.
#[tokio::test]
async fn denying_leaves_nothing_behind() {
    let firm = Firm::google().await;
    let url = firm.mail.authorize(&firm.practice, &firm.anna, firm.request()).await.unwrap().url;
    assert!(url.contains("access_type=offline") && url.contains("code_challenge_method=S256"), "{url}");
    let page = Browser::new(&firm.authorization).sign_in_as(ANNA).visit(&url).await.unwrap();
    let denied = page.deny().await.unwrap();
    assert!(matches!(firm.back(query(&denied)).await.unwrap(), AuthorizationOutcome::Denied));
    assert_eq!(firm.store.accounts(&firm.practice).await.unwrap(), []);
    assert_eq!(firm.status().await.health, Health::NeverSetUp);
}

/// S10: an administrator has to approve, and the user learns who must do what.
#[tokio::test]
async fn an_administrator_of_google_workspace_may_have_to_come_first() {
    let firm = Firm::open(OAuthProvider::Google, |server| {
        server.admin_policy_enforced().refuses(Refuses::ByRedirect)
    })
    .await;
    let returned = firm.page(firm.request(), ANNA).await.allow().await.unwrap();
    let outcome = firm.back(query(&returned)).await.unwrap();
    let AuthorizationOutcome::AdministratorMustApprove(approval) = &outcome else {
        panic!("{}", outcome.as_str())
    };
    assert!(approval.how.contains(&firm.application().client_id) && approval.how.contains("Admin console"));
    assert_eq!(outcome.advice().unwrap().who.as_str(), "administrator");
}

/// S11: a personal account, or one of another Workspace, is shown the way that is open to it.
#[tokio::test]
async fn a_personal_account_is_pointed_to_smtp_and_imap() {
    let firm = Firm::open(OAuthProvider::Google, |server| {
        server.person(Person::new("anna.hale@gmail.example").personal())
    })
    .await;
    let own = firm.application().internal("hale.example");
    let secret = practicemail::types::Secret::new(firm.authorization.client_secret());
    let mail = firm.door().with_registration(own, Some(secret));
    let url = mail.authorize(&firm.practice, &firm.anna, firm.request()).await.unwrap().url;
    assert!(url.contains("hd=hale.example"), "{url}");
    let browser = Browser::new(&firm.authorization).sign_in_as("anna.hale@gmail.example");
    let returned = browser.visit(&url).await.unwrap().allow().await.unwrap();
    let outcome = mail.complete_authorization(&firm.practice, &firm.anna, query(&returned)).await.unwrap();
    assert!(matches!(outcome, AuthorizationOutcome::PersonalAccountNeedsSmtpImap), "{}", outcome.as_str());
    assert!(outcome.advice().unwrap().remedy.contains("SMTP/IMAP"));
    assert_eq!(firm.authorization.revocations(), 1, "what was granted by mistake is given back");
}

/// S12: access is switched off at any time; the grant ends at the provider, and the archive is kept.
#[tokio::test]
async fn disconnecting_revokes_erases_and_stops() {
    let firm = Firm::google().await;
    firm.letter("history");
    let account = firm.connected().await.account;
    firm.sync().await.unwrap();
    let viewer = Viewer::User(firm.anna.clone());
    let done = firm.mail.disconnect(&firm.practice, &viewer, &account, Archived::Keep).await.unwrap();
    assert!(matches!(done.revocation, Revocation::Revoked));
    assert_eq!(firm.authorization.revocations(), 1);
    let to = Recipient::named("Carl", Address::parse(CARL).unwrap());
    let draft = Draft::new("hello").to(to).text("x");
    let refused = firm.mail.send(&firm.practice, &firm.anna, draft).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NoWayToSend);
    assert_eq!(firm.status().await.health, Health::Disconnected);
    assert_eq!(firm.tab().await.messages.len(), 1, "what was archived is kept");
    let again = firm.mail.disconnect(&firm.practice, &viewer, &account, Archived::Keep).await.unwrap();
    assert!(matches!(again.revocation, Revocation::NoGrant));
}

/// S12: only the user themselves, or an administrator.
#[tokio::test]
async fn another_users_account_is_an_administrators_matter() {
    let firm = Firm::google().await;
    let account = firm.connected().await.account;
    let ben = Viewer::User(UserId::new("ben").unwrap());
    let refused = firm.mail.disconnect(&firm.practice, &ben, &account, Archived::Keep).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    let mut boss = practicemail::contract::User::new(UserId::new("ben").unwrap(), "Ben", "ben@hale.example");
    boss.role = Role::Administrator;
    firm.directory.put_user(&firm.practice, boss).unwrap();
    firm.mail.disconnect(&firm.practice, &ben, &account, Archived::Keep).await.unwrap();
}

/// Microsoft has no place where grants are given back: it is said, and the secrets go all the same.
#[tokio::test]
async fn microsoft_takes_no_grant_back() {
    let firm = Firm::microsoft().await;
    let account = firm.connected().await.account;
    let host = Viewer::System { reason: "test" };
    let done = firm.mail.disconnect(&firm.practice, &host, &account, Archived::Keep).await.unwrap();
    assert!(matches!(done.revocation, Revocation::NotOffered));
    assert!(firm.mail.check_account(&firm.practice, &account).await.is_err());
}

#[tokio::test]
async fn another_account_than_the_expected_one_is_refused() {
    let firm = Firm::google().await;
    let outcome = firm.allow(firm.request(), "ben@hale.example").await.unwrap();
    let AuthorizationOutcome::WrongAccount { expected } = outcome else { panic!("{}", outcome.as_str()) };
    assert_eq!(expected.to_string(), ANNA);
    assert_eq!(firm.store.accounts(&firm.practice).await.unwrap(), []);
}

#[tokio::test]
async fn a_box_left_unticked_is_noticed_before_anything_is_kept() {
    let firm = Firm::google().await;
    let page = firm.page(firm.request(), ANNA).await;
    let returned = page.allow_only(&[]).await.unwrap();
    let outcome = firm.back(query(&returned)).await.unwrap();
    let AuthorizationOutcome::MissingScopes { missing } = outcome else { panic!("{}", outcome.as_str()) };
    assert_eq!(missing, ["https://mail.google.com/"]);
    assert_eq!(firm.store.accounts(&firm.practice).await.unwrap(), []);
}

#[tokio::test]
async fn a_callback_serves_once_and_in_time_and_its_own_user_only() {
    let firm = Firm::google().await;
    let expired = |outcome: &AuthorizationOutcome| matches!(outcome, AuthorizationOutcome::Expired);
    let returned = firm.page(firm.request(), ANNA).await.allow().await.unwrap();
    let ben = UserId::new("ben").unwrap();
    let theirs = firm.mail.complete_authorization(&firm.practice, &ben, query(&returned)).await.unwrap();
    assert!(expired(&theirs), "another user's");
    let forged = query(&returned).replace("state=", "state=x");
    assert!(expired(&firm.back(&forged).await.unwrap()), "another state");
    assert!(matches!(firm.back(query(&returned)).await.unwrap(), AuthorizationOutcome::Connected(_)));
    assert!(expired(&firm.back(query(&returned)).await.unwrap()), "a second time");
    let late = firm.page(firm.request(), ANNA).await.allow().await.unwrap();
    firm.clock.forward(1_801);
    assert!(expired(&firm.back(query(&late)).await.unwrap()), "too late");
    let first = firm.page(firm.request(), ANNA).await.allow().await.unwrap();
    firm.page(firm.request(), ANNA).await;
    assert!(expired(&firm.back(query(&first)).await.unwrap()), "begun anew meanwhile");
    assert_eq!(firm.authorization.exchanges(), 1);
}

/// S10, B23: at Microsoft the user sends at once; reading waits for the administrator, is remembered, and begins by itself.
#[tokio::test]
async fn sending_works_while_reading_waits_for_an_administrator() {
    let firm =
        Firm::open(OAuthProvider::Microsoft, AuthorizationServerBuilder::tenant_requires_approval).await;
    firm.letter("history");
    let outcome = firm.allow(firm.request(), ANNA).await.unwrap();
    let AuthorizationOutcome::AdministratorMustApprove(approval) = outcome else {
        panic!("{}", outcome.as_str())
    };
    assert!(approval.sends_meanwhile);
    let link = approval.url.unwrap();

    // The tenant is remembered: what is asked for now is what the user can give.
    let start = firm.mail.authorize(&firm.practice, &firm.anna, firm.request()).await.unwrap();
    assert_eq!(start.purpose, Purpose::Send);
    let connected = firm.connected().await;
    assert_eq!(connected.reading, Reading::Pends);
    assert_eq!(firm.status().await.health, Health::ReadingPends);
    let to = Recipient::named("Carl", Address::parse(CARL).unwrap());
    let queued = firm.mail.send(&firm.practice, &firm.anna, Draft::new("hi").to(to).text("x")).await.unwrap();
    assert_eq!(firm.mail.outcome(&firm.practice, queued.id).await.unwrap().state.as_str(), "sent");
    firm.sync().await.unwrap();
    assert_eq!(firm.tab().await.messages.len(), 1, "what was sent; nothing could be read");

    let browser = Browser::new(&firm.authorization).sign_in_as(ANNA);
    let returned = browser.consent_as_administrator(&link).await.unwrap();
    let consent = firm.mail.complete_admin_consent(&firm.practice, query(&returned)).await.unwrap();
    assert_eq!(consent, AdminConsent::Granted);
    firm.sync().await.unwrap();
    assert_eq!(firm.status().await.health, Health::Fine);
    assert_eq!(firm.tab().await.messages.len(), 2);
}

#[tokio::test]
async fn an_administrator_who_refuses_changes_nothing() {
    let firm =
        Firm::open(OAuthProvider::Microsoft, AuthorizationServerBuilder::tenant_requires_approval).await;
    let link = firm.mail.admin_consent_url(&firm.practice, OAuthProvider::Microsoft).await.unwrap();
    let browser = Browser::new(&firm.authorization).sign_in_as(ANNA);
    let returned = browser.refuse_as_administrator(&link).await.unwrap();
    let consent = firm.mail.complete_admin_consent(&firm.practice, query(&returned)).await.unwrap();
    assert_eq!(consent, AdminConsent::Denied);
    let stranger = "admin_consent=True&tenant=t&state=guessed";
    assert_eq!(
        firm.mail.complete_admin_consent(&firm.practice, stranger).await.unwrap(),
        AdminConsent::Expired
    );
}

/// B23: a tenant that forbids SMTP sends by Graph; reading is asked for apart, and neither consent undoes the other.
#[tokio::test]
async fn a_tenant_without_smtp_sends_by_graph() {
    let firm = Firm::microsoft().await;
    let request = || firm.request().send_by(SendBy::Graph);
    let connected = match firm.allow(request(), ANNA).await.unwrap() {
        AuthorizationOutcome::Connected(connected) => connected,
        other => panic!("{}", other.as_str()),
    };
    assert_eq!(connected.reading, Reading::Pends);
    let read = firm.allow(request().purpose(Purpose::Read), ANNA).await.unwrap();
    assert!(
        matches!(&read, AuthorizationOutcome::Connected(c) if c.reading == Reading::Allowed),
        "{}",
        read.as_str()
    );
    let to = Recipient::named("Carl", Address::parse(CARL).unwrap());
    let queued = firm.mail.send(&firm.practice, &firm.anna, Draft::new("hi").to(to).text("x")).await.unwrap();
    assert_eq!(firm.mail.outcome(&firm.practice, queued.id).await.unwrap().state.as_str(), "sent");
    assert_eq!((firm.graph.deliveries().len(), firm.smtp.deliveries().len()), (1, 0));
    firm.sync().await.unwrap();
    assert_eq!(firm.status().await.health, Health::Fine);
}

/// B1: a principal name that is not the address, and a shared mailbox that the user has full access to.
#[tokio::test]
async fn principal_names_and_shared_mailboxes_are_understood() {
    let firm = Firm::open(OAuthProvider::Microsoft, |server| {
        let carla = Person::new("carla@hale.example").organisation("hale.example");
        server.person(carla.principal_name("c.rossi@hale.onmicrosoft.example"))
    })
    .await;
    let carla = UserId::new("carla").unwrap();
    let user = practicemail::contract::User::new(carla.clone(), "Carla", "carla@hale.example");
    firm.directory.put_user(&firm.practice, user).unwrap();
    let send = AuthorizationRequest::microsoft().purpose(Purpose::Send);
    let url = firm.mail.authorize(&firm.practice, &carla, send).await.unwrap().url;
    let browser = Browser::new(&firm.authorization).sign_in_as("carla@hale.example");
    let returned = browser.visit(&url).await.unwrap().allow().await.unwrap();
    let outcome = firm.mail.complete_authorization(&firm.practice, &carla, query(&returned)).await.unwrap();
    assert!(matches!(outcome, AuthorizationOutcome::Connected(_)), "{}", outcome.as_str());

    let office = Address::parse("office@hale.example").unwrap();
    let shared = || firm.request().account(AccountId::new("office").unwrap()).mailbox(office.clone());
    let outcome = firm.allow(shared(), ANNA).await.unwrap();
    let AuthorizationOutcome::Connected(connected) = outcome else { panic!("{}", outcome.as_str()) };
    assert_eq!(connected.address, office);
    firm.sync().await.unwrap();
    // Somebody without access to it connects nothing.
    let foreign = firm.request().account(AccountId::new("x").unwrap());
    let refused = firm.allow(foreign.mailbox(Address::parse("boss@hale.example").unwrap()), ANNA).await;
    assert!(refused.is_err());
    assert_eq!(firm.store.accounts(&firm.practice).await.unwrap().len(), 2);
}

/// B12: the same account keeps its cursors; what was chosen before stays chosen.
#[tokio::test]
async fn reconnecting_after_the_grant_ended_goes_on_where_it_was() {
    let firm = Firm::google().await;
    firm.letter("first");
    firm.connected().await;
    firm.sync().await.unwrap();
    firm.authorization.end_grant(ANNA);
    firm.clock.forward(4_000);
    let ended = firm.sync().await.unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::AuthorizationRequired);
    assert_eq!(firm.status().await.health, Health::Failing(ErrorKind::AuthorizationRequired));
    firm.letter("second");
    let start = firm.mail.authorize(&firm.practice, &firm.anna, firm.request()).await.unwrap();
    assert!(start.url.contains("prompt=consent"), "a lasting permission is asked for anew: {}", start.url);
    firm.connected().await;
    let report = firm.mail.sync(&firm.practice, None, &|_| {}).await.unwrap();
    assert!(report.is_ok());
    assert_eq!(firm.imap.bodies_fetched().len(), 2, "the first message is not fetched again");
    assert_eq!(firm.tab().await.messages.len(), 2);
}

/// What Conditional Access demands is passed back to it.
#[tokio::test]
async fn claims_that_were_demanded_go_into_the_next_authorization() {
    let firm = Firm::microsoft().await;
    firm.connected().await;
    firm.clock.forward(4_000);
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    firm.authorization.inject(OAuthFault::InteractionRequired { claims: claims.to_owned() });
    assert_eq!(firm.sync().await.unwrap_err().kind(), ErrorKind::AuthorizationRequired);
    let url = firm.mail.authorize(&firm.practice, &firm.anna, firm.request()).await.unwrap().url;
    assert!(url.contains("claims=%7B%22access_token%22"), "{url}");
}
