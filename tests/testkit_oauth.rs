//! The kit's authorization server: as an application of Python's sees it, and rule by rule.

mod oauth_kit;

use std::time::Duration;

use oauth_kit::{Application, CALLBACK, IMAP_SCOPE, SEND_SCOPE, fields};
use practicemail::settings::OAuthProvider::{Google, Microsoft};
use practicemail::settings::Tenant;
use practicemail::testkit::oauth::{
    AuthorizationServerBuilder, Browser, OAuthFault, OAuthPlace, Person, Refuses, Return,
};
use practicemail::testkit::{AuthorizationServer, TlsMode};
use serde_json::Value;

const ANNA: &str = "anna@hale.example";
const GMAIL: &str = "openid email https://mail.google.com/";
const MAIL_SCOPE: &str = "https://mail.google.com/";
const GRAPH_SCOPE: &str = "https://graph.microsoft.com/Mail.Send";

async fn google() -> Application {
    let server = AuthorizationServer::builder(Google).person(Person::new(ANNA)).start().await.unwrap();
    Application::new(server)
}

async fn microsoft() -> Application {
    let server = AuthorizationServer::builder(Microsoft).person(Person::new(ANNA)).start().await.unwrap();
    Application::new(server)
}

async fn approving() -> Application {
    let builder = AuthorizationServer::builder(Microsoft).person(Person::new(ANNA));
    Application::new(builder.tenant_requires_approval().start().await.unwrap())
}

#[tokio::test]
async fn a_code_is_redeemed_for_what_the_person_allowed() {
    let app = google().await;
    let page = app.visit(ANNA, GMAIL).await;
    assert_eq!(page.scopes(), [MAIL_SCOPE]);
    let callback = page.allow().await.unwrap().callback().unwrap().clone();
    assert_eq!(callback.parameter("state").as_deref(), Some("state-1"));
    assert!(callback.url().starts_with(CALLBACK));
    let (status, answer) = app.redeem(&callback.parameter("code").unwrap()).await;
    assert_eq!((status, &answer["token_type"], &answer["expires_in"]), (200, &"Bearer".into(), &3599.into()));
    assert_eq!(
        answer["scope"],
        "openid https://www.googleapis.com/auth/userinfo.email https://mail.google.com/"
    );
    let claims = oauth_kit::claims(&answer);
    assert_eq!((&claims["email"], &claims["hd"]), (&ANNA.into(), &"hale.example".into()));
    assert_eq!((&claims["aud"], &claims["email_verified"]), (&app.client_id().into(), &true.into()));
    assert_eq!(app.userinfo(&answer).await, (200, Some(ANNA.into())));
}

#[tokio::test]
async fn a_code_is_worth_nothing_with_another_verifier() {
    for app in [google().await, microsoft().await] {
        let code = app.code(ANNA, &app.reading()).await;
        let wrong = "a".repeat(43);
        let (status, answer) = app.redeem_with(&code, &[("code_verifier", wrong.as_str())]).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()));
        // Nothing is used up by the attempt.
        assert_eq!(app.redeem(&code).await.0, 200);
    }
}

#[tokio::test]
async fn a_code_that_is_shown_twice_ends_what_came_of_it() {
    for app in [google().await, microsoft().await] {
        let code = app.code(ANNA, &app.reading()).await;
        let (_, first) = app.redeem(&code).await;
        let (status, second) = app.redeem(&code).await;
        assert_eq!((status, &second["error"]), (400, &"invalid_grant".into()));
        assert_eq!(app.refresh(&first, None).await.0, 400);
        assert_eq!(app.server.exchanges(), 2);
    }
}

#[tokio::test]
async fn a_request_that_is_not_the_applications_is_answered_on_a_page() {
    let app = google().await;
    for (name, value, code) in [
        ("client_id", "another", "invalid_client"),
        ("redirect_uri", "https://books.example/mail/callback/", "redirect_uri_mismatch"),
    ] {
        let page = app.visit_with(ANNA, GMAIL, &[(name, value)]).await;
        assert_eq!(page.allow().await.unwrap(), Return::ErrorPage { code: code.into() });
    }
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("scope", "https://outlook.office.com/SMTP.Send", "invalid_scope"),
    ] {
        let page = app.visit_with(ANNA, GMAIL, &[(name, value)]).await;
        let callback = page.allow().await.unwrap().callback().unwrap().clone();
        assert_eq!(callback.parameter("error").as_deref(), Some(error), "{name}");
        assert_eq!(callback.parameter("code"), None);
    }
}

/// S9
#[tokio::test]
async fn a_person_who_denies_comes_back_with_nothing() {
    for app in [google().await, microsoft().await] {
        let back = app.visit(ANNA, &app.reading()).await.deny().await.unwrap();
        let callback = back.callback().unwrap();
        assert_eq!(callback.parameter("error").as_deref(), Some("access_denied"));
        assert_eq!(
            (callback.parameter("state").as_deref(), callback.parameter("code")),
            (Some("state-1"), None)
        );
    }
}

#[tokio::test]
async fn a_box_that_is_not_ticked_is_missing_from_the_answer() {
    let app = google().await;
    let back = app.visit(ANNA, GMAIL).await.allow_only(&[]).await.unwrap();
    let (_, answer) = app.redeem(&back.callback().unwrap().parameter("code").unwrap()).await;
    assert_eq!(answer["scope"], "openid https://www.googleapis.com/auth/userinfo.email");
    let page = app.visit(ANNA, GMAIL).await;
    assert!(page.allow_only(&["https://www.googleapis.com/auth/gmail.send"]).await.is_err());
}

#[tokio::test]
async fn google_hands_out_a_refresh_token_at_the_first_consent_or_when_asked_anew() {
    let app = google().await;
    let has = async |parameters: &[(&str, &str)]| {
        let back = app.visit_with(ANNA, GMAIL, parameters).await.allow().await.unwrap();
        let (_, answer) = app.redeem(&back.callback().unwrap().parameter("code").unwrap()).await;
        answer.get("refresh_token").is_some()
    };
    assert!(!has(&[("access_type", "online")]).await);
    assert!(!has(&[("prompt", "select_account")]).await);
    assert!(has(&[("prompt", "select_account consent")]).await);
    app.server.end_grant(ANNA);
    assert!(has(&[("prompt", "select_account")]).await);
}

#[tokio::test]
async fn a_rotated_refresh_token_is_dead_and_one_that_is_not_lives_on() {
    let app = microsoft().await;
    let first = app.connect(ANNA, &app.reading()).await;
    let (_, second) = app.refresh(&first, None).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (status, answer) = app.refresh(&first, None).await;
    assert_eq!(
        (status, &answer["error"], &answer["error_codes"]),
        (400, &"invalid_grant".into(), &[50173].into())
    );
    assert_eq!(app.refresh(&second, None).await.0, 200);
    assert_eq!(app.server.refreshes(), 3);

    let app = google().await;
    let first = app.connect(ANNA, GMAIL).await;
    for _ in 0..2 {
        let (status, answer) = app.refresh(&first, None).await;
        assert_eq!((status, answer.get("refresh_token")), (200, None));
    }
}

#[tokio::test]
async fn of_many_that_redeem_one_rotating_token_one_succeeds() {
    let app = microsoft().await;
    let first = app.connect(ANNA, &app.reading()).await;
    let all = futures_util::future::join_all((0..8).map(|_| app.refresh(&first, None))).await;
    assert_eq!(all.iter().filter(|(status, _)| *status == 200).count(), 1);
}

/// B1: sending goes through at once; reading waits for the administrator.
#[tokio::test]
async fn reading_waits_for_an_administrator_and_then_goes_through() {
    let app = approving().await;
    let back = app.visit(ANNA, &app.reading()).await.allow().await.unwrap();
    let callback = back.callback().unwrap();
    assert_eq!(callback.parameter("error").as_deref(), Some("access_denied"));
    assert!(callback.parameter("error_description").unwrap().starts_with("AADSTS90094"));

    let sending = app.connect(ANNA, &format!("openid offline_access {SEND_SCOPE}")).await;
    let (status, answer) = app.refresh(&sending, Some(IMAP_SCOPE)).await;
    assert_eq!(
        (status, &answer["suberror"], &answer["error_codes"]),
        (400, &"consent_required".into(), &[65001].into())
    );

    let browser = Browser::new(&app.server).sign_in_as(ANNA);
    let denied = browser.refuse_as_administrator(&app.admin_url(None)).await.unwrap();
    assert_eq!(denied.callback().unwrap().parameter("error").as_deref(), Some("permission_denied"));
    let back = browser.consent_as_administrator(&app.admin_url(None)).await.unwrap();
    let callback = back.callback().unwrap();
    assert_eq!(callback.parameter("admin_consent").as_deref(), Some("True"));
    assert_eq!(callback.parameter("state").as_deref(), Some("state-2"));
    assert_eq!(callback.parameter("tenant").unwrap().len(), 36);

    // The refresh token for sending was not used up, and reads now.
    let (status, answer) = app.refresh(&sending, Some(IMAP_SCOPE)).await;
    assert_eq!((status, &answer["scope"]), (200, &IMAP_SCOPE.into()));
    assert_eq!(app.redeem(&app.code(ANNA, &app.reading()).await).await.0, 200);
}

#[tokio::test]
async fn an_administrator_approves_what_the_url_names() {
    let app = approving().await;
    let browser = Browser::new(&app.server).sign_in_as(ANNA);
    browser.consent_as_administrator(&app.admin_url(Some(SEND_SCOPE))).await.unwrap();
    let blocked = app.visit(ANNA, &app.reading()).await.allow().await.unwrap();
    assert_eq!(blocked.callback().unwrap().parameter("error").as_deref(), Some("access_denied"));
    let all = "https://outlook.office.com/.default";
    browser.consent_as_administrator(&app.admin_url(Some(all))).await.unwrap();
    let code = app.code(ANNA, &app.reading()).await;
    assert_eq!(app.redeem(&code).await.0, 200);
}

#[tokio::test]
async fn approval_may_be_asked_for_on_a_page_that_leads_nowhere() {
    let builder =
        AuthorizationServer::builder(Microsoft).person(Person::new(ANNA)).tenant_requires_approval();
    let app = Application::new(builder.refuses(Refuses::OnPage).start().await.unwrap());
    let back = app.visit(ANNA, &app.reading()).await.allow().await.unwrap();
    assert_eq!(back, Return::ErrorPage { code: "AADSTS90094".into() });
}

#[tokio::test]
async fn a_refresh_token_is_redeemed_for_one_resource_at_a_time() {
    let app = microsoft().await;
    let first = app.connect(ANNA, &format!("offline_access {IMAP_SCOPE} {SEND_SCOPE} {GRAPH_SCOPE}")).await;
    assert_eq!(first["scope"], format!("{IMAP_SCOPE} {SEND_SCOPE}"));
    let (status, graph) = app.refresh(&first, Some(GRAPH_SCOPE)).await;
    assert_eq!((status, &graph["scope"]), (200, &GRAPH_SCOPE.into()));
    let (status, both) = app.refresh(&graph, Some(&format!("{IMAP_SCOPE} {GRAPH_SCOPE}"))).await;
    assert_eq!((status, &both["error_codes"]), (400, &[28000].into()));
    let (status, all) = app.refresh(&graph, Some("https://outlook.office.com/.default")).await;
    assert_eq!((status, &all["scope"]), (200, &format!("{IMAP_SCOPE} {SEND_SCOPE}").into()));
}

/// S12
#[tokio::test]
async fn a_revoked_token_takes_the_whole_grant_with_it() {
    let app = google().await;
    for which in ["refresh_token", "access_token"] {
        let tokens = app.connect(ANNA, GMAIL).await;
        let token = tokens[which].as_str().unwrap();
        let body = fields(&[("token", token)]);
        let revoke = app.server.endpoints().revoke.unwrap();
        assert_eq!(app.post(&revoke, &body, &[]).await.0, 200);
        assert_eq!(app.refresh(&tokens, None).await.0, 400);
        assert_eq!(app.userinfo(&tokens).await.0, 401);
        let (status, again) = app.post(&revoke, &body, &[]).await;
        assert_eq!((status, &again["error"]), (400, &"invalid_token".into()));
    }
    assert_eq!(app.server.revocations(), 4);
    assert!(microsoft().await.server.endpoints().revoke.is_none());
}

#[tokio::test]
async fn a_grant_can_end_and_access_tokens_can_run_out() {
    for app in [google().await, microsoft().await] {
        let tokens = app.connect(ANNA, &app.reading()).await;
        app.server.expire_access_tokens();
        assert_eq!(app.userinfo(&tokens).await.0, 401);
        let (status, fresh) = app.refresh(&tokens, None).await;
        assert_eq!(status, 200);
        app.server.end_grant("Anna@hale.example");
        assert_eq!(app.userinfo(&fresh).await.0, 401);
        let (status, answer) = app.refresh(&tokens, None).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()));
    }
}

#[tokio::test]
async fn an_application_authenticates_in_the_body_or_by_basic_and_not_twice() {
    let app = google().await;
    let tokens = app.connect(ANNA, GMAIL).await;
    let body = fields(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ]);
    let token = app.server.endpoints().token;
    let basic = |secret: &str| app.basic(secret);
    let secret = app.server.client_secret();
    assert_eq!(app.post(&token, &body, &[("authorization", basic(secret))]).await.0, 200);
    let (status, answer) = app.post(&token, &body, &[("authorization", basic("wrong"))]).await;
    assert_eq!((status, &answer["error"]), (401, &"invalid_client".into()));
    assert_eq!(app.post(&token, &body, &[]).await.0, 401);
    let twice = format!("{body}&{}", app.own());
    assert_eq!(app.post(&token, &twice, &[("authorization", basic(secret))]).await.0, 400);
}

/// S10, S11
#[tokio::test]
async fn google_keeps_people_out_of_an_internal_or_an_unapproved_application() {
    let persons = [Person::new(ANNA), Person::new("paula@gmail.example").personal()];
    let builder = || {
        persons.iter().cloned().fold(AuthorizationServer::builder(Google), AuthorizationServerBuilder::person)
    };
    let ends = async |app: &Application, who: &str| app.visit(who, GMAIL).await.allow().await.unwrap();
    let internal = Application::new(builder().internal("hale.example").start().await.unwrap());
    assert_eq!(internal.server.application().internal_domain.as_deref(), Some("hale.example"));
    let outside = ends(&internal, "paula@gmail.example").await;
    assert_eq!(outside, Return::ErrorPage { code: "org_internal".into() });
    assert!(ends(&internal, ANNA).await.callback().is_some());

    let redirecting = builder().internal("hale.example").refuses(Refuses::ByRedirect).start().await.unwrap();
    let outside = ends(&Application::new(redirecting), "paula@gmail.example").await;
    assert_eq!(outside.callback().unwrap().parameter("error").as_deref(), Some("org_internal"));

    let policy = Application::new(builder().admin_policy_enforced().start().await.unwrap());
    assert!(ends(&policy, "paula@gmail.example").await.callback().is_some());
    assert_eq!(ends(&policy, ANNA).await, Return::ErrorPage { code: "admin_policy_enforced".into() });
    policy.server.approve("hale.example");
    assert!(ends(&policy, ANNA).await.callback().unwrap().parameter("code").is_some());
    let personal = policy.connect("paula@gmail.example", GMAIL).await;
    assert_eq!(oauth_kit::claims(&personal).get("hd"), None);
}

#[tokio::test]
async fn a_tenant_in_the_path_decides_who_fits() {
    let builder = AuthorizationServer::builder(Microsoft)
        .person(Person::new(ANNA).principal_name("anna.h@hale.onmicrosoft.example"))
        .person(Person::new("paula@outlook.example").personal());
    let app = Application::new(builder.start().await.unwrap());
    let tokens = app.connect(ANNA, &format!("openid email {}", app.reading())).await;
    let claims = oauth_kit::claims(&tokens);
    assert_eq!((&claims["email"], &claims["upn"]), (&ANNA.into(), &"anna.h@hale.onmicrosoft.example".into()));
    let fits = async |who: &str, tenant: Tenant| {
        let authorize = app.server.endpoints_of(&tenant).unwrap().authorize.url();
        let page = app.visit_at(&authorize, who, &app.reading(), &[]).await;
        page.allow().await.unwrap().callback().is_some()
    };
    let own = Tenant::Of(claims["tid"].as_str().unwrap().to_owned());
    assert!(fits(ANNA, Tenant::Common).await && fits(ANNA, own).await);
    assert!(fits(ANNA, Tenant::Of("hale.example".into())).await);
    assert!(!fits(ANNA, Tenant::Of("other.example".into())).await && !fits(ANNA, Tenant::Consumers).await);
    assert!(!fits("paula@outlook.example", Tenant::Organizations).await);
    assert!(fits("paula@outlook.example", Tenant::Consumers).await);
}

#[tokio::test]
async fn discovery_names_the_places_there_are() {
    for app in [google().await, microsoft().await] {
        let tenant = if app.provider() == Google { "" } else { "/organizations/v2.0" };
        let path = format!("{tenant}/.well-known/openid-configuration");
        let answer = app.get(&path).await;
        let endpoints = app.server.endpoints();
        assert_eq!(answer["token_endpoint"], endpoints.token.url());
        assert_eq!(answer["authorization_endpoint"], endpoints.authorize.url());
        assert_eq!(answer["revocation_endpoint"], endpoints.revoke.map_or(Value::Null, |at| at.url().into()));
    }
}

#[tokio::test]
async fn every_fault_is_what_its_name_says() {
    let app = microsoft().await;
    let mut tokens = app.connect(ANNA, &app.reading()).await;
    let mut spoiled = async |fault: OAuthFault| {
        app.server.inject(fault);
        let (status, text) = app.refresh_raw(&tokens).await;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if answer.get("refresh_token").is_some() {
            tokens = answer.clone();
        }
        (status, text, answer)
    };
    let (status, _, answer) = spoiled(OAuthFault::invalid_grant("AADSTS700082: It was not used.")).await;
    assert_eq!((status, &answer["error_codes"]), (400, &[700_082].into()));
    let (status, _, answer) = spoiled(OAuthFault::InteractionRequired { claims: "{\"a\":1}".into() }).await;
    assert_eq!(
        (status, &answer["error"], &answer["claims"]),
        (400, &"interaction_required".into(), &"{\"a\":1}".into())
    );
    assert_eq!(spoiled(OAuthFault::temporarily_unavailable()).await.0, 503);
    assert_eq!(spoiled(OAuthFault::Redirect("https://elsewhere.example/".into())).await.0, 302);
    let (status, text, _) = spoiled(OAuthFault::HtmlError).await;
    assert!(status == 500 && text.starts_with("<html>"), "{status} {text}");
    assert_eq!(spoiled(OAuthFault::Answer(b"HTTP/1.1 418 Tea\r\n\r\n".to_vec())).await.0, 418);
    let (_, _, answer) = spoiled(OAuthFault::ExpiresInAsText).await;
    assert_eq!(answer["expires_in"], "3599");
    let (_, _, answer) = spoiled(OAuthFault::Without("scope")).await;
    assert!(answer.get("access_token").is_some() && answer.get("scope").is_none());
    let (status, text, _) = spoiled(OAuthFault::HugeBody(1 << 20)).await;
    assert!(status == 200 && text.len() >= 256 << 10);
}

#[tokio::test]
async fn an_answer_can_come_late_broken_or_never() {
    let app = microsoft().await;
    let tokens = app.connect(ANNA, &app.reading()).await;
    app.server.inject(OAuthFault::Silence);
    let waiting = tokio::time::timeout(Duration::from_millis(200), app.refresh_raw(&tokens)).await;
    assert!(waiting.is_err());
    app.server.inject(OAuthFault::Close);
    assert!(app.try_refresh(&tokens).await.is_err());
    app.server.inject(OAuthFault::Late(Duration::from_millis(50)));
    let (status, tokens) = app.refresh(&tokens, None).await;
    assert_eq!(status, 200, "what came before used nothing up");
    app.server.inject(OAuthFault::MalformedJson);
    let (status, text) = app.refresh_raw(&tokens).await;
    assert!(status == 200 && serde_json::from_str::<Value>(&text).is_err());
}

#[tokio::test]
async fn a_rotated_token_whose_answer_is_lost_is_lost() {
    let app = microsoft().await;
    let tokens = app.connect(ANNA, &app.reading()).await;
    app.server.inject(OAuthFault::AnswerLost);
    assert!(app.try_refresh(&tokens).await.is_err());
    assert_eq!(app.refresh(&tokens, None).await.0, 400);
}

#[tokio::test]
async fn faults_hold_where_they_were_armed_and_everything_asked_is_remembered() {
    let app = google().await;
    app.server.inject_at(OAuthPlace::Revocation, OAuthFault::HtmlError);
    let tokens = app.connect(ANNA, GMAIL).await;
    let body = fields(&[("token", "x")]);
    let revoke = app.server.endpoints().revoke.unwrap();
    assert_eq!(app.post(&revoke, &body, &[]).await.0, 500);
    let requests = app.server.requests();
    let asked: Vec<(&str, &str)> = requests.iter().map(|r| (r.method.as_str(), r.path())).collect();
    let (auth, token) = ("/o/oauth2/v2/auth", "/token");
    assert_eq!(asked, [("GET", auth), ("POST", auth), ("POST", token), ("POST", "/revoke")]);
    assert_eq!(requests[3].body, b"token=x");
    let secret = tokens["refresh_token"].as_str().unwrap();
    assert!(!format!("{requests:?} {:?}", app.server).contains(secret));
}

#[tokio::test]
async fn plain_text_is_spoken_where_it_was_asked_for() {
    let builder = AuthorizationServer::builder(Google).person(Person::new(ANNA)).tls(TlsMode::Plain);
    let app = Application::new(builder.start().await.unwrap());
    assert!(app.server.endpoints().authorize.url().starts_with("http://localhost:"));
    assert_eq!(app.redeem(&app.code(ANNA, GMAIL).await).await.0, 200);
    assert!(AuthorizationServer::builder(Google).tls(TlsMode::StartTls).start().await.is_err());
}
