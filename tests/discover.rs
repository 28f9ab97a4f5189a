//! Finding settings: who is asked, what they learn, and what is believed of their answers.

use std::net::SocketAddr;

use practicemail::discover::{
    Discoverer, Discovery, GuessedServer, SignInOffer, Source, Sources, Suggestion, Trust,
};
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::settings::{OAuthProvider, SignIn, TlsMode};
use practicemail::testkit::{self, Script, ScriptServer};
use practicemail::types::Address;
use tokio::net::UdpSocket;

const DOCUMENT: &str = r#"<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="hale.example">
  <domain>hale.example</domain><displayName>Hale &amp; Partners</displayName>
  <incomingServer type="exchange"><hostname>owa.hale.example</hostname></incomingServer>
  <incomingServer type="pop3"><hostname>pop.hale.example</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
  <incomingServer type="imap"><hostname>plain.hale.example</hostname><port>143</port><socketType>plain</socketType>
    <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></incomingServer>
  <incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
    <unheard-of><hostname>evil.example</hostname></unheard-of>
    <username>%EMAILLOCALPART%</username><authentication>OAuth2</authentication>
    <authentication>password-cleartext</authentication></incomingServer>
  <incomingServer type="imap"><hostname>imap2.hale.example</hostname><port>143</port><socketType>STARTTLS</socketType>
    <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.mail-house.example</hostname><port>465</port><socketType>SSL</socketType>
    <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></outgoingServer>
</emailProvider></clientConfig>"#;

fn anna() -> Address {
    Address::parse("anna@hale.example").unwrap()
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn redirect(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// A request: its line, host, connection, and the empty line.
fn asked() -> Script {
    Script::new().expect("").expect("").expect("").expect("")
}

async fn web(answers: &[String]) -> ScriptServer {
    let scripts = answers.iter().map(|answer| asked().send(answer)).collect();
    ScriptServer::start(testkit::TlsMode::Implicit, scripts).await.unwrap()
}

fn at(server: &ScriptServer, path: &str) -> String {
    format!("https://127.0.0.1:{}{path}", server.port())
}

/// Sources that ask for autoconfig documents there, and nobody else.
fn autoconfig(servers: &[&ScriptServer], templates: &[String]) -> Sources {
    let pem: String = servers.iter().map(|server| server.ca_pem()).collect();
    let others = [Source::Exchanger, Source::Ispdb, Source::Srv, Source::Exchange, Source::Guess];
    let sources = Sources::default().autoconfig(templates.to_vec()).with_ca(pem);
    others.into_iter().fold(sources, Sources::without)
}

async fn discover(sources: Sources, address: &Address) -> Discovery {
    let dialer = Dialer::new().egress(EgressPolicy::Any);
    Discoverer::new(dialer).sources(sources).discover(address).await
}

fn hosts(found: &Discovery) -> Vec<&str> {
    found.suggestions.iter().map(|suggestion| suggestion.incoming.host()).collect()
}

/// B3
#[tokio::test]
async fn what_is_bundled_is_answered_without_asking_anybody() {
    let server = web(&[ok(DOCUMENT)]).await;
    let sources = autoconfig(&[&server], &[at(&server, "/")]);
    let found = discover(sources.clone(), &Address::parse("anna@gmail.com").unwrap()).await;
    let best = &found.suggestions[0];
    assert_eq!((best.source, best.trust), (Source::Bundled, Trust::Bundled));
    assert_eq!(best.sign_in, [SignInOffer::OAuth, SignInOffer::Password]);
    assert_eq!(best.to_confirm(), ["gmail.com"]);
    let outlook = discover(sources.clone(), &Address::parse("anna@outlook.com").unwrap()).await;
    assert_eq!(outlook.suggestions[0].account_settings().sign_in, SignIn::OAuth(OAuthProvider::Microsoft));
    assert_eq!(discover(sources, &Address::parse("anna@tuta.com").unwrap()).await, Discovery::default());
    assert_eq!(server.connections(), 0);
}

/// B3
#[tokio::test]
async fn the_domains_own_document_is_read_in_its_order() {
    let server = web(&[ok(DOCUMENT)]).await;
    let template = at(&server, "/mail/config-v1.1.xml?emailaddress={address}");
    let found = discover(autoconfig(&[&server], &[template]), &anna()).await;
    assert_eq!(hosts(&found), ["imap.hale.example", "imap2.hale.example"]);
    let Suggestion { incoming, incoming_login, outgoing, sign_in, source, trust, .. } = &found.suggestions[0];
    assert_eq!((incoming.port(), incoming.tls(), incoming_login.as_str()), (993, TlsMode::Implicit, "anna"));
    assert_eq!((*source, *trust), (Source::Autoconfig, Trust::Provider));
    assert_eq!(sign_in, &[SignInOffer::OAuth, SignInOffer::Password]);
    let (smtp, login) = outgoing.as_ref().unwrap();
    assert_eq!((smtp.host(), login.as_str()), ("smtp.mail-house.example", "anna@hale.example"));
    assert_eq!(found.suggestions[0].to_confirm(), ["hale.example", "mail-house.example"]);
    assert!(server.received()[0].starts_with("GET /mail/config-v1.1.xml?emailaddress=anna%40hale.example "));
}

#[tokio::test]
async fn the_next_document_is_asked_for_where_there_is_none() {
    let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
    let (first, second) = (web(&[missing]).await, web(&[ok(DOCUMENT)]).await);
    let templates = [at(&first, "/"), at(&second, "/")];
    let found = discover(autoconfig(&[&first, &second], &templates), &anna()).await;
    assert_eq!(hosts(&found).len(), 2);
}

/// A server that stays silent keeps nobody from asking the next.
#[tokio::test]
async fn a_silent_server_is_left_after_a_while() {
    let silent = ScriptServer::start(testkit::TlsMode::Implicit, vec![asked().stall()]).await.unwrap();
    let second = web(&[ok(DOCUMENT)]).await;
    let templates = [at(&silent, "/"), at(&second, "/")];
    let found = discover(autoconfig(&[&silent, &second], &templates), &anna()).await;
    assert_eq!(hosts(&found).len(), 2);
    assert_eq!(silent.connections(), 1);
}

#[tokio::test]
async fn a_hostile_document_says_nothing() {
    let server_of = |inner: &str| {
        format!(
            "<clientConfig><emailProvider><incomingServer type=\"imap\">{inner}<username>a</username>\
             </incomingServer></emailProvider></clientConfig>"
        )
    };
    let good = "<hostname>imap.hale.example</hostname><port>993</port><socketType>SSL</socketType>";
    let control = web(&[ok(&server_of(good))]).await;
    let found = discover(autoconfig(&[&control], &[at(&control, "/")]), &anna()).await;
    assert_eq!(hosts(&found), ["imap.hale.example"], "what follows is refused for what is wrong with it");
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>";
    for hostile in [
        format!("{laughs}{}", server_of(good)),
        format!("<!DOCTYPE clientConfig SYSTEM \"file:///etc/passwd\">{}", server_of(good)),
        server_of(&good.replace("imap.hale", "&a;")),
        server_of(&good.replace("SSL", "plain")),
        server_of(&good.replace("SSL", "")),
        server_of(&good.replace("993", "99999")),
        server_of(&good.replace("993", "0")),
        server_of(&good.replace("imap.hale.example", "imap hale.example")),
        server_of(&good.replace("imap.hale.example", "user@imap.hale.example/")),
        server_of(&good.replace("imap.hale.example", "im\u{430}p.hale.example")),
        server_of(&good.replace("imap.hale.example", "")),
        server_of(&format!("{good}<authentication>GSSAPI</authentication>")),
        server_of(good).replace("</clientConfig>", ""),
        server_of(&format!("{}{}{good}", "<x>".repeat(100), "</x>".repeat(100))),
        server_of(&format!("{}{good}", "<x></x>".repeat(6_000))),
        server_of(&format!("{good}{}", " ".repeat(300 << 10))),
        "no XML at all".to_owned(),
        String::new(),
    ] {
        let server = web(&[ok(&hostile)]).await;
        let found = discover(autoconfig(&[&server], &[at(&server, "/")]), &anna()).await;
        assert_eq!(found, Discovery::default(), "{}", hostile.chars().take(300).collect::<String>());
        assert_eq!(server.connections(), 1);
    }
}

/// More than is kept of any answer: the rest is not even read.
#[tokio::test]
async fn a_document_without_end_is_left() {
    let endless = asked()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\nConnection: close\r\n\r\n<clientConfig>")
        .repeat(" ".repeat(64 << 10));
    let server = ScriptServer::start(testkit::TlsMode::Implicit, vec![endless]).await.unwrap();
    let found = discover(autoconfig(&[&server], &[at(&server, "/")]), &anna()).await;
    assert_eq!(found, Discovery::default());
}

#[tokio::test]
async fn a_redirect_to_another_domain_costs_trust_and_is_named() {
    let target = web(&[ok(DOCUMENT)]).await;
    let here = web(&[redirect("/elsewhere"), ok(DOCUMENT)]).await;
    let found = discover(autoconfig(&[&here], &[at(&here, "/")]), &anna()).await;
    let best = &found.suggestions[0];
    assert_eq!((best.trust, best.redirected_to.as_deref()), (Trust::Provider, None));
    assert!(here.received().iter().any(|line| line.starts_with("GET /elsewhere ")));

    let abroad = format!("https://localhost:{}/x", target.port());
    let there = web(&[redirect(&abroad)]).await;
    let found = discover(autoconfig(&[&there, &target], &[at(&there, "/")]), &anna()).await;
    let best = &found.suggestions[0];
    assert_eq!((best.trust, best.redirected_to.as_deref()), (Trust::Untrusted, Some("localhost")));
}

#[tokio::test]
async fn a_redirect_out_of_https_or_in_circles_is_not_followed() {
    let target = web(&[ok(DOCUMENT)]).await;
    for location in [
        format!("http://127.0.0.1:{}/", target.port()),
        format!("https://user:password@127.0.0.1:{}/", target.port()),
        "ftp://127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        String::new(),
    ] {
        let server =
            web(&[redirect(&location), "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_owned()]).await;
        let found = discover(autoconfig(&[&server, &target], &[at(&server, "/")]), &anna()).await;
        assert_eq!(found, Discovery::default(), "{location}");
    }
    assert_eq!(target.connections(), 0);
    let circle = web(&[redirect("/again")]).await;
    assert_eq!(discover(autoconfig(&[&circle], &[at(&circle, "/")]), &anna()).await, Discovery::default());
    assert_eq!(circle.connections(), 6, "once, and five redirects");
}

/// The egress policy holds for every host that is named by a stranger.
#[tokio::test]
async fn nothing_inside_is_connected_to_by_default() {
    let server = web(&[ok(DOCUMENT)]).await;
    let sources = autoconfig(&[&server], &[at(&server, "/")]);
    let found = Discoverer::new(Dialer::new()).sources(sources).discover(&anna()).await;
    assert_eq!((found, server.connections()), (Discovery::default(), 0));
}

#[tokio::test]
async fn a_certificate_of_nobody_known_is_not_believed() {
    let (server, other) = (web(&[ok(DOCUMENT)]).await, web(&[ok(DOCUMENT)]).await);
    let found = discover(autoconfig(&[&other], &[at(&server, "/")]), &anna()).await;
    assert_eq!(found, Discovery::default());
}

/// B3: nothing secret leaves, not even whose address it is.
#[tokio::test]
async fn usual_names_are_tested_up_to_the_greeting_and_no_further() {
    use practicemail::settings::TlsMode::{Implicit, StartTls};
    let imap = Script::new().send("* OK ready\r\n").stall();
    let imap = ScriptServer::start(testkit::TlsMode::Implicit, vec![imap]).await.unwrap();
    let stranger = Script::new().send("SSH-2.0-Open\r\n").stall();
    let stranger = ScriptServer::start(testkit::TlsMode::Implicit, vec![stranger]).await.unwrap();
    let smtp = Script::new()
        .send("220-hale.example\r\n220 ready\r\n")
        .expect("")
        .send("250-hale.example\r\n250 STARTTLS\r\n")
        .expect("")
        .send("220 go\r\n")
        .start_tls()
        .stall();
    let smtp = ScriptServer::start(testkit::TlsMode::StartTls, vec![smtp]).await.unwrap();
    let pem: String = [&imap, &stranger, &smtp].iter().map(|server| server.ca_pem()).collect();
    let others = [Source::Autoconfig, Source::Exchanger, Source::Ispdb, Source::Srv, Source::Exchange];
    let guess = |server: &ScriptServer, tls| GuessedServer::new("127.0.0.1", server.port(), tls);
    let sources = others.into_iter().fold(Sources::default().with_ca(pem), Sources::without).guesses(
        [guess(&stranger, Implicit), guess(&imap, Implicit)],
        [guess(&stranger, Implicit), guess(&smtp, StartTls)],
    );
    let found = discover(sources.clone(), &anna()).await;
    let best = &found.suggestions[0];
    assert_eq!(
        (best.source, best.trust, best.incoming.port()),
        (Source::Guess, Trust::Untrusted, imap.port())
    );
    let (outgoing, login) = best.outgoing.as_ref().unwrap();
    assert_eq!((outgoing.port(), outgoing.tls()), (smtp.port(), StartTls));
    assert_eq!((best.incoming_login.as_str(), login.as_str()), ("anna@hale.example", "anna@hale.example"));
    assert_eq!(best.to_confirm(), ["127.0.0.1"]);
    assert_eq!(smtp.received(), ["EHLO [127.0.0.1]", "STARTTLS"]);
    assert_eq!((imap.received().len(), stranger.received().len()), (0, 0));
    assert_eq!(discover(sources.without(Source::Guess), &anna()).await, Discovery::default());
}

/// A name server that knows these records, each a name, a type and the data behind its length.
async fn name_server(records: Vec<(&'static str, u16, Vec<u8>)>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut octets = [0; 1_500];
        while let Ok((length, peer)) = socket.recv_from(&mut octets).await {
            let query = &octets[..length];
            // RFC 1035 §4.1: a header of twelve octets, then the name in labels, type and class.
            let (mut at, mut name) = (12, Vec::new());
            while query[at] != 0 {
                let label = usize::from(query[at]);
                name.push(String::from_utf8_lossy(&query[at + 1..=at + label]).to_lowercase());
                at += label + 1;
            }
            let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
            let question = &query[12..at + 5];
            let found: Vec<_> =
                records.iter().filter(|(known, is, _)| name.join(".") == *known && kind == *is).collect();
            let code = if found.is_empty() { 3 } else { 0 };
            let count = u8::try_from(found.len()).unwrap();
            let mut answer = vec![query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
            answer.extend_from_slice(question);
            for (_, kind, data) in found {
                answer.extend_from_slice(&[0xc0, 12]);
                answer.extend_from_slice(&kind.to_be_bytes());
                answer.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
                answer.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
                answer.extend_from_slice(data);
            }
            let _ = socket.send_to(&answer, peer).await;
        }
    });
    address
}

fn labels(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut octets: Vec<u8> =
        labels.flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()).collect();
    octets.push(0);
    octets
}

fn mx(preference: u16, host: &str) -> (&'static str, u16, Vec<u8>) {
    ("hale.example", 15, [preference.to_be_bytes().to_vec(), labels(host)].concat())
}

fn srv(service: &'static str, priority: u16, port: u16, host: &str) -> (&'static str, u16, Vec<u8>) {
    let numbers = [priority, 1, port].map(u16::to_be_bytes).concat();
    (service, 33, [numbers, labels(host)].concat())
}

/// Sources that ask a name server and, where given, a data base; not the domain itself.
async fn third_parties(records: Vec<(&'static str, u16, Vec<u8>)>, ispdb: Option<&ScriptServer>) -> Sources {
    let sources = Sources::default()
        .name_server(name_server(records).await)
        .without(Source::Autoconfig)
        .without(Source::Guess)
        .without(Source::Exchange);
    match ispdb {
        Some(server) => sources.ispdb(at(server, "/v1.1/{domain}")).with_ca(server.ca_pem()),
        None => sources.without(Source::Ispdb),
    }
}

#[tokio::test]
async fn the_best_exchanger_names_the_service() {
    let records = vec![mx(20, "aspmx.l.google.com"), mx(10, "hale-example.mail.protection.outlook.com")];
    let sources = third_parties(records, None).await;
    let found = discover(sources.clone(), &anna()).await;
    let best = &found.suggestions[0];
    assert_eq!((best.source, best.trust), (Source::Exchanger, Trust::Curated));
    assert_eq!((best.incoming.host(), found.filter), ("outlook.office365.com", None));
    assert_eq!(best.account_settings().sign_in, SignIn::OAuth(OAuthProvider::Microsoft));
    assert_eq!(discover(sources.without(Source::Exchanger), &anna()).await, Discovery::default());
}

#[tokio::test]
async fn a_filter_before_the_mailboxes_is_named_and_nothing_concluded_from_it() {
    let sources = third_parties(vec![mx(10, "eu-smtp-inbound-1.mimecast.com")], None).await;
    let found = discover(sources, &anna()).await;
    assert_eq!((found.filter, found.suggestions.len()), (Some("Mimecast Email Security"), 0));
}

#[tokio::test]
async fn the_data_base_learns_the_domain_and_never_the_address() {
    let server = web(&[ok(DOCUMENT)]).await;
    let found = discover(third_parties(Vec::new(), Some(&server)).await, &anna()).await;
    assert_eq!((found.suggestions[0].source, found.suggestions[0].trust), (Source::Ispdb, Trust::Curated));
    assert!(server.received()[0].starts_with("GET /v1.1/hale.example "));
    assert!(!server.received().join("\n").contains("anna"));
}

/// RFC 6186, RFC 8314
#[tokio::test]
async fn services_in_dns_are_found_and_those_that_are_denied_are_not() {
    let records = vec![
        srv("_imaps._tcp.hale.example", 20, 993, "second.hale.example"),
        srv("_imaps._tcp.hale.example", 10, 993, "first.hale.example"),
        srv("_imap._tcp.hale.example", 0, 143, "plain.hale.example"),
        srv("_submissions._tcp.hale.example", 0, 465, "."),
        srv("_submission._tcp.hale.example", 0, 587, "smtp.hale.example"),
    ];
    let found = discover(third_parties(records, None).await, &anna()).await;
    let best = &found.suggestions[0];
    assert_eq!(
        (best.source, best.trust, best.incoming.host()),
        (Source::Srv, Trust::Untrusted, "first.hale.example")
    );
    let (smtp, _) = best.outgoing.as_ref().unwrap();
    assert_eq!((smtp.host(), smtp.port(), smtp.tls()), ("smtp.hale.example", 587, TlsMode::StartTls));
}

#[tokio::test]
async fn autodiscover_learns_the_domain_and_says_where_its_mailboxes_are() {
    let answer = |url: &str| ok(&format!("{{\"Protocol\":\"AutodiscoverV1\",\"Url\":\"{url}\"}}"));
    for (url, online) in [
        ("https://outlook.office365.com/autodiscover/autodiscover.xml", true),
        ("https://mail.hale.example/autodiscover/autodiscover.xml", false),
        ("https://outlook.office365.com.evil.example/", false),
    ] {
        let server = web(&[answer(url)]).await;
        let exchange = at(&server, "/?Email=autodiscover%40{domain}&Protocol=AutodiscoverV1");
        let only = [Source::Autoconfig, Source::Exchanger, Source::Ispdb, Source::Srv, Source::Guess];
        let base = Sources::default().with_ca(server.ca_pem()).exchange(exchange);
        let found = discover(only.into_iter().fold(base, Sources::without), &anna()).await;
        assert_eq!(hosts(&found), if online { vec!["outlook.office365.com"] } else { vec![] }, "{url}");
        assert!(!server.received().join("\n").contains("anna") && server.connections() == 1);
    }
}
