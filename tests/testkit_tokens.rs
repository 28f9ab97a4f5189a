//! The kit's mail servers with tokens of its authorization server, as Python's libraries and this crate see them.

mod oauth_kit;

use oauth_kit::{Application, CALLBACK, IMAP_SCOPE, SEND_SCOPE};
use practicemail::net::{Dialer, EgressPolicy, HttpClient, HttpRequest};
use practicemail::settings::OAuthProvider::{self, Google, Microsoft};
use practicemail::settings::{ServerSettings, TlsMode as Tls};
use practicemail::testkit::imap::{Personality, wording};
use practicemail::testkit::oauth::Person;
use practicemail::testkit::{AuthorizationServer, GraphServer, ImapServer, SmtpServer, TlsMode, smtp};

const ANNA: &str = "anna@hale.example";
const OFFICE: &str = "office@hale.example";
const CONNECT: &str = include_str!("oauth_kit/connect.py");
const GRAPH_SCOPE: &str = "https://graph.microsoft.com/Mail.Send";

/// Signs in, asks for INBOX, and prints what went wrong first.
const SIGN_IN: &str = r#"
import imaplib, smtplib, sys
kind, port, user, secret = sys.argv[1:5]
xoauth2 = f"user={user}\1auth=Bearer {secret}\1\1"
answers = [xoauth2, ""]
try:
    if kind == "smtp":
        smtp = smtplib.SMTP("localhost", int(port))
        smtp.ehlo()
        smtp.auth("XOAUTH2", lambda challenge=None: answers.pop(0))
    else:
        imap = imaplib.IMAP4("localhost", int(port))
        if kind == "login":
            imap.login(user, secret)
        else:
            imap.authenticate("XOAUTH2", lambda _: answers.pop(0).encode())
        imap.select("INBOX")
    print("fine")
except imaplib.IMAP4.error as error:
    said = error.args[0]
    print(said.decode() if isinstance(said, bytes) else said, "after a challenge" if kind == "imap" and not answers else "")
except smtplib.SMTPAuthenticationError as error:
    print(error.smtp_code, error.smtp_error.decode(), "" if answers else "after a challenge")
"#;

async fn python(script: &str, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::new("python3");
    command.args(["-c", script]).args(arguments);
    let output = command.output().await.expect("run python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An authorization server and the mail servers that take its tokens, all in plain text.
struct Scene {
    app: Application,
    imap: ImapServer,
    smtp: SmtpServer,
}

impl Scene {
    async fn of(provider: OAuthProvider) -> Self {
        let (personality, sending) = match provider {
            Microsoft => (Personality::ExchangeOnline, smtp::Personality::Exchange),
            _ => (Personality::Gmail, smtp::Personality::FilesCopy),
        };
        let anna = Person::new(ANNA).principal_name("anna.h@hale.onmicrosoft.example");
        let server = AuthorizationServer::builder(provider).person(anna).tls(TlsMode::Plain);
        let server = server.start().await.unwrap();
        let tokens = server.tokens();
        let imap = ImapServer::builder().personality(personality).tls(TlsMode::Plain).tokens(&tokens);
        let imap = imap.full_access(ANNA, OFFICE).start().await.unwrap();
        let smtp = SmtpServer::builder().personality(sending).tls(TlsMode::Plain).tokens(&tokens);
        let smtp = smtp.full_access(ANNA, OFFICE).files_into(&imap).start().await.unwrap();
        Self { app: Application::new(server), imap, smtp }
    }

    /// An access token for that.
    async fn token(&self, scope: &str) -> String {
        self.app.connect(ANNA, scope).await["access_token"].as_str().unwrap().to_owned()
    }

    async fn imap(&self, user: &str, token: &str) -> String {
        python(SIGN_IN, &["imap", &self.imap.port().to_string(), user, token]).await
    }

    async fn smtp(&self, user: &str, token: &str) -> String {
        python(SIGN_IN, &["smtp", &self.smtp.port().to_string(), user, token]).await
    }
}

/// B1, S9, S13
#[tokio::test]
async fn another_client_goes_from_the_page_to_the_mailbox() {
    for provider in [Google, Microsoft] {
        let scene = Scene::of(provider).await;
        let (application, endpoints) = (scene.app.server.application(), scene.app.server.endpoints());
        let (imap, smtp) = (scene.imap.port().to_string(), scene.smtp.port().to_string());
        let said = python(
            CONNECT,
            &[
                ANNA,
                &endpoints.authorize.url(),
                &endpoints.token.url(),
                &application.client_id,
                scene.app.server.client_secret(),
                CALLBACK,
                &scene.app.reading(),
                &imap,
                &smtp,
            ],
        )
        .await;
        assert_eq!(said.lines().collect::<Vec<_>>(), ["imap OK", "smtp OK"]);
        assert_eq!((scene.app.server.exchanges(), scene.app.server.refreshes()), (1, 1));
        assert_eq!((scene.smtp.deliveries().len(), scene.smtp.deliveries()[0].login.as_str()), (1, ANNA));
        let sent = if provider == Google { "[Gmail]/Sent Mail" } else { "Sent Items" };
        assert_eq!(scene.imap.user(ANNA).messages(sent).len(), 1);
    }
}

#[tokio::test]
async fn gmail_refuses_a_token_after_a_challenge() {
    let scene = Scene::of(Google).await;
    let token = scene.token("https://mail.google.com/").await;
    assert_eq!(scene.imap(ANNA, &token).await, "fine");
    assert_eq!(scene.smtp(ANNA, &token).await, "fine");
    let refused = "[AUTHENTICATIONFAILED] Invalid credentials (Failure)";
    assert!(scene.imap("paul@hale.example", &token).await.contains(refused));
    let narrow = scene.token("openid https://www.googleapis.com/auth/gmail.send").await;
    assert!(scene.imap(ANNA, &narrow).await.contains("after a challenge"));
    scene.app.server.expire_access_tokens();
    let said = scene.imap(ANNA, &token).await;
    assert!(said.contains(refused) && said.contains("after a challenge"), "{said}");
    let said = scene.smtp(ANNA, &token).await;
    assert!(said.starts_with("535 5.7.8") && said.contains("after a challenge"), "{said}");
    assert!(!scene.imap.transcript().iter().any(|line| line.text.contains("ya29")));
}

/// B1
#[tokio::test]
async fn at_microsoft_a_scope_opens_its_own_door_and_a_shared_mailbox_its_members() {
    let scene = Scene::of(Microsoft).await;
    let reading = scene.token(IMAP_SCOPE).await;
    let sending = scene.token(SEND_SCOPE).await;
    for user in [ANNA, OFFICE, "anna.h@hale.onmicrosoft.example"] {
        assert_eq!(scene.imap(user, &reading).await, "fine", "{user}");
        assert_eq!(scene.smtp(user, &sending).await, "fine", "{user}");
    }
    assert_eq!(scene.imap(ANNA, &sending).await, "AUTHENTICATE failed.");
    assert!(scene.smtp(ANNA, &reading).await.starts_with("535 5.7.3"));
    let foreign = scene.imap("paul@hale.example", &reading).await;
    assert!(foreign.contains("User is authenticated but not connected."), "{foreign}");
    scene.app.server.end_grant(ANNA);
    assert_eq!(scene.imap(ANNA, &reading).await, "AUTHENTICATE failed.");
}

#[tokio::test]
async fn exchange_online_refuses_passwords_in_its_own_words() {
    let scene = Scene::of(Microsoft).await;
    scene.imap.user(ANNA).set_password("secret");
    let port = scene.imap.port().to_string();
    assert_eq!(python(SIGN_IN, &["login", &port, ANNA, "secret"]).await, "LOGIN failed.");
    let offered = "import imaplib, sys; print(*imaplib.IMAP4('localhost', int(sys.argv[1])).capabilities)";
    let offered = python(offered, &[&port]).await;
    let words: Vec<&str> = offered.split(' ').collect();
    assert!(words.contains(&"LOGINDISABLED") && words.contains(&"AUTH=XOAUTH2"), "{offered}");
    assert!(!words.contains(&"AUTH=PLAIN") && !words.contains(&"SPECIAL-USE"), "{offered}");
}

/// S18, S22
#[tokio::test]
async fn a_user_can_be_refused_or_left_without_a_mailbox() {
    let server = ImapServer::builder().personality(Personality::Gmail).tls(TlsMode::Plain);
    let server = server.user("anna", "secret").user("paul", "secret").start().await.unwrap();
    let port = server.port().to_string();
    let login = async |user: &str, password: &str| python(SIGN_IN, &["login", &port, user, password]).await;
    server.user("anna").refuse_sign_in(wording::APP_PASSWORD_REQUIRED);
    for password in ["secret", "wrong"] {
        assert!(login("anna", password).await.starts_with("[ALERT] Application-specific password required"));
    }
    server.user("paul").authenticated_but_not_connected();
    assert!(login("paul", "secret").await.contains("User is authenticated but not connected."));
    for user in ["anna", "paul"] {
        server.user(user).admit_again();
        assert_eq!(login(user, "secret").await, "fine");
    }
}

#[tokio::test]
async fn yahoo_tells_uses_and_no_mod_sequences() {
    let server = ImapServer::builder().personality(Personality::Yahoo).tls(TlsMode::Plain);
    let server = server.user("anna", "secret").start().await.unwrap();
    let script = "import imaplib, sys\n\
                  imap = imaplib.IMAP4('localhost', int(sys.argv[1])); imap.login('anna', 'secret')\n\
                  print(imap.capability()[1][0].decode()); print(imap.list()[1])";
    let said = python(script, &[&server.port().to_string()]).await;
    let (offered, listed) = said.split_once('\n').unwrap();
    for there in ["SPECIAL-USE", "LIST-STATUS", "UIDPLUS", "MOVE", "IDLE", "OBJECTID", "MESSAGELIMIT=1000"] {
        assert!(offered.split(' ').any(|word| word == there), "{there}");
    }
    for absent in ["CONDSTORE", "QRESYNC", "ESEARCH", "COMPRESS=DEFLATE", "NOTIFY"] {
        assert!(!offered.split(' ').any(|word| word == absent), "{absent}");
    }
    assert!(listed.contains("\\\\Sent \\\\HasNoChildren) \"/\" Sent"), "{listed}");
}

/// B23
#[tokio::test]
async fn graph_takes_a_token_for_sending_and_says_what_is_wrong_with_another() {
    let app = Scene::of(Microsoft).await.app;
    let graph =
        GraphServer::builder("").tls(TlsMode::Plain).tokens(&app.server.tokens()).start().await.unwrap();
    let settings = ServerSettings::new("localhost", graph.port(), Tls::None).unwrap();
    let client = HttpClient::new(Dialer::new().egress(EgressPolicy::Any));
    let send = async |token: &str| {
        // "To: paula@bakery.example" and an empty line.
        let body = "VG86IHBhdWxhQGJha2VyeS5leGFtcGxlDQoNCg==";
        let request = HttpRequest::post("/v1.0/me/sendMail", body)
            .header("content-type", "text/plain")
            .header("authorization", format!("Bearer {token}"));
        client.send(&settings, request).await.unwrap().status
    };
    let tokens = app.connect(ANNA, &format!("offline_access {SEND_SCOPE} {GRAPH_SCOPE}")).await;
    assert_eq!(send(tokens["access_token"].as_str().unwrap()).await, 403);
    let (_, fresh) = app.refresh(&tokens, Some(GRAPH_SCOPE)).await;
    assert_eq!(send(fresh["access_token"].as_str().unwrap()).await, 202);
    app.server.expire_access_tokens();
    assert_eq!(send(fresh["access_token"].as_str().unwrap()).await, 401);
    assert_eq!(send("").await, 401);
    assert_eq!(graph.deliveries().len(), 1);
}
