//! Access tokens: renewed ahead of time, by one of all who ask, and never given up for a moment's trouble.

use futures_util::future::join_all;
use practicemail::contract::{CredentialField, CredentialStore as _, MailStore as _};
use practicemail::error::ErrorKind;
use practicemail::practice_mail::{Archived, Viewer};
use practicemail::settings::{Endpoint, OAuthProvider};
use practicemail::testkit::oauth::{AuthorizationServerBuilder, OAuthFault};

use crate::firm::Firm;

/// How long until the kit's access tokens have to be renewed.
const AN_HOUR: i64 = 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_find_a_token_expired_one_renews_it() {
    for provider in [OAuthProvider::Google, OAuthProvider::Microsoft] {
        let firm = Firm::open(provider, AuthorizationServerBuilder::rotates_refresh_tokens).await;
        let account = firm.connected().await.account;
        for round in 1..=3 {
            firm.clock.forward(AN_HOUR);
            let doors: Vec<_> = (0..20).map(|_| firm.door()).collect();
            let checks = doors.iter().map(|door| door.check_account(&firm.practice, &account));
            for report in join_all(checks).await {
                report.unwrap().into_result().unwrap();
            }
            assert_eq!(firm.authorization.refreshes(), round, "{provider:?}");
        }
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_used_until_then() {
    let firm = Firm::google().await;
    firm.connected().await;
    firm.clock.forward(AN_HOUR - 400);
    firm.sync().await.unwrap();
    assert_eq!(firm.authorization.refreshes(), 0);
    firm.clock.forward(200);
    // The authorization server is not there: the token is good for three minutes more.
    firm.authorization.inject(OAuthFault::temporarily_unavailable());
    firm.sync().await.unwrap();
    assert_eq!(firm.authorization.refreshes(), 0);
    firm.sync().await.unwrap();
    assert_eq!(firm.authorization.refreshes(), 1);
}

#[tokio::test]
async fn passing_trouble_never_ends_a_grant() {
    let firm = Firm::microsoft().await;
    firm.connected().await;
    let troubles = [
        OAuthFault::temporarily_unavailable(),
        OAuthFault::HtmlError,
        OAuthFault::Close,
        OAuthFault::Redirect("https://elsewhere.example/".to_owned()),
        OAuthFault::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec()),
        OAuthFault::invalid_client("AADSTS7000222: The provided client secret keys are expired."),
    ];
    for trouble in troubles {
        firm.clock.forward(AN_HOUR);
        firm.authorization.inject(trouble.clone());
        let error = firm.sync().await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::AuthorizationRequired, "{trouble:?}: {error:?}");
        firm.sync().await.unwrap_or_else(|error| panic!("{trouble:?}: {error:?}"));
    }
}

/// An authorization server that is not there is nothing a user mends.
#[tokio::test]
async fn an_authorization_server_that_cannot_be_reached_is_waited_for() {
    let mut firm = Firm::google().await;
    firm.connected().await;
    firm.clock.forward(AN_HOUR);
    let mut gone = firm.application();
    gone.endpoints.token = Endpoint::parse("https://127.0.0.1:1/token").unwrap();
    let door = firm.door().with_registration(gone, None);
    let there = std::mem::replace(&mut firm.mail, door);
    let error = firm.sync().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ServerUnavailable, true));
    firm.mail = there;
    firm.sync().await.unwrap();
}

#[tokio::test]
async fn odd_answers_are_understood() {
    let firm = Firm::google().await;
    firm.connected().await;
    for fault in
        [OAuthFault::ExpiresInAsText, OAuthFault::Without("scope"), OAuthFault::Without("refresh_token")]
    {
        firm.clock.forward(AN_HOUR);
        firm.authorization.inject(fault.clone());
        firm.sync().await.unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
    }
    assert_eq!(firm.authorization.refreshes(), 3);
}

/// A refresh token that was rotated and whose answer was lost is gone; that is the authorization server's *no*, and no other.
#[tokio::test]
async fn only_the_servers_own_no_ends_a_grant() {
    let firm = Firm::open(OAuthProvider::Google, AuthorizationServerBuilder::rotates_refresh_tokens).await;
    firm.connected().await;
    firm.clock.forward(AN_HOUR);
    firm.authorization.inject(OAuthFault::AnswerLost);
    assert_eq!(firm.sync().await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    assert_eq!(firm.sync().await.unwrap_err().kind(), ErrorKind::AuthorizationRequired);
    let asked = firm.authorization.requests().len();
    assert_eq!(firm.sync().await.unwrap_err().kind(), ErrorKind::AuthorizationRequired);
    assert_eq!(firm.authorization.requests().len(), asked, "what has ended is not asked about again");
}

/// A server that refuses a token whose time is not over gets another, once.
#[tokio::test]
async fn a_token_that_was_refused_is_replaced() {
    let firm = Firm::google().await;
    firm.connected().await;
    firm.authorization.expire_access_tokens();
    firm.sync().await.unwrap();
    assert_eq!(firm.authorization.refreshes(), 1);
}

/// What was disconnected while a token was being renewed does not come back.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_disconnected_meanwhile_stays_disconnected() {
    let firm = Firm::open(OAuthProvider::Google, AuthorizationServerBuilder::rotates_refresh_tokens).await;
    let account = firm.connected().await.account;
    firm.clock.forward(AN_HOUR);
    firm.authorization.inject(OAuthFault::Late(std::time::Duration::from_millis(700)));
    let door = firm.door();
    let (practice, id) = (firm.practice.clone(), account.clone());
    let checking = tokio::spawn(async move { door.check_account(&practice, &id).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let host = Viewer::System { reason: "test" };
    firm.mail.disconnect(&firm.practice, &host, &account, Archived::Keep).await.unwrap();
    assert!(checking.await.unwrap().is_err());
    let record = firm.store.accounts(&firm.practice).await.unwrap().remove(0);
    assert_eq!(record.state, practicemail::contract::AccountState::Disconnected);
    let gone = firm.mail.check_account(&firm.practice, &account).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    assert!(firm.store.load(&firm.practice, &account, CredentialField::Grant).await.unwrap().is_none());
    assert!(firm.authorization.revocations() >= 1);
}

/// A process that died while it renewed a token is waited for as long as its claim lasts, and no longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_process_died_ends_by_itself() {
    let firm = Firm::google().await;
    let account = firm.connected().await.account;
    firm.clock.forward(AN_HOUR);
    let field = CredentialField::Grant;
    let record = firm.store.load(&firm.practice, &account, field).await.unwrap().unwrap();
    firm.store.claim(&firm.practice, &account, field, record.version, 180).await.unwrap().unwrap();
    let door = firm.door();
    let (practice, id) = (firm.practice.clone(), account.clone());
    let waiting = tokio::spawn(async move { door.check_account(&practice, &id).await });
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert!(!waiting.is_finished());
    assert_eq!(firm.authorization.refreshes(), 0);
    firm.clock.forward(181);
    waiting.await.unwrap().unwrap().into_result().unwrap();
    assert_eq!(firm.authorization.refreshes(), 1);
}
