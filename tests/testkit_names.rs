//! The kit's name server as a resolver sees it, and its web server as Python's urllib does.

use std::net::Ipv4Addr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use practicemail::testkit::{NameServer, TlsMode, WebAnswer, WebServer};

fn resolver(port: u16, connections: [ConnectionConfig; 2]) -> TokioResolver {
    let connections = connections.map(|mut connection| {
        connection.port = port;
        connection
    });
    let server = NameServerConfig::new(Ipv4Addr::LOCALHOST.into(), true, connections.into());
    let config = ResolverConfig::from_name_servers(vec![server]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap()
}

async fn told(resolver: &TokioResolver, name: &str, kind: RecordType) -> Vec<String> {
    let Ok(found) = resolver.lookup(name, kind).await else { return Vec::new() };
    found.answers().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_resolver_finds_what_is_in_the_table() {
    let long = "v=spf1 ".to_owned() + &"include:spf.hale.example ".repeat(40);
    let server = NameServer::builder()
        .mx("hale.example", 20, "backup.hale.example")
        .mx("hale.example", 10, "mx.hale.example")
        .a("mx.hale.example", Ipv4Addr::LOCALHOST)
        .srv("_imaps._tcp.hale.example", 0, 1, 993, "imap.hale.example")
        .cname("autodiscover.hale.example", "mx.hale.example")
        .txt("hale.example", &long)
        .start()
        .await
        .unwrap();
    let resolver = resolver(server.port(), [ConnectionConfig::udp(), ConnectionConfig::tcp()]);
    let mx = told(&resolver, "hale.example.", RecordType::MX).await;
    assert!(mx.len() == 2 && mx.iter().any(|record| record.contains("10 mx.hale.example")), "{mx:?}");
    let srv = told(&resolver, "_imaps._tcp.hale.example.", RecordType::SRV).await;
    assert!(srv.len() == 1 && srv[0].contains("0 1 993 imap.hale.example"), "{srv:?}");
    let address = told(&resolver, "autodiscover.hale.example.", RecordType::A).await;
    assert!(address.iter().any(|record| record.contains("127.0.0.1")), "{address:?}");
    // Too long for UDP: asked again by TCP.
    let text = told(&resolver, "hale.example.", RecordType::TXT).await;
    assert_eq!(text.iter().map(|record| record.matches("include:").count()).sum::<usize>(), 40);
    let asked = server.questions();
    assert_eq!(asked.iter().filter(|question| *question == "TXT hale.example").count(), 2, "{asked:?}");

    let unknown = resolver.lookup("nobody.example.", RecordType::MX).await.unwrap_err();
    assert!(unknown.is_nx_domain(), "{unknown}");
    let empty = resolver.lookup("mx.hale.example.", RecordType::MX).await.unwrap_err();
    assert!(empty.is_no_records_found() && !empty.is_nx_domain(), "{empty}");
}

/// Prints status, a header and the body, or where it is sent to.
const FETCH: &str = r#"
import ssl, sys, urllib.error, urllib.request
base, path, ca = sys.argv[1:4]
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_): return None
handlers = [Stay]
if ca: handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=ca)))
try:
    answer = urllib.request.build_opener(*handlers).open(base + path)
    print(answer.status, answer.headers["Content-Type"], answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.headers["Location"])
"#;

#[tokio::test]
async fn documents_and_redirects_are_served_by_path() {
    for tls in [TlsMode::Implicit, TlsMode::Plain] {
        let server = WebServer::builder()
            .tls(tls)
            .answer("/mail/config-v1.1.xml", WebAnswer::document("text/xml", "<clientConfig/>"))
            .start()
            .await
            .unwrap();
        server.set_answer("/away", WebAnswer::redirect("https://elsewhere.example/x"));
        let (scheme, ca) = if tls == TlsMode::Plain { ("http", "") } else { ("https", server.ca_pem()) };
        let base = format!("{scheme}://localhost:{}", server.port());
        let fetch = async |path: &str| {
            let mut command = tokio::process::Command::new("python3");
            let output = command.args(["-c", FETCH, &base, path, ca]).output().await.expect("run python3");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let document = fetch("/mail/config-v1.1.xml?emailaddress=anna@hale.example").await;
        assert_eq!(document, "200 text/xml <clientConfig/>");
        assert_eq!(fetch("/away").await, "302 https://elsewhere.example/x");
        assert_eq!(fetch("/nothing").await, "404 None");
        let asked: Vec<String> = server.requests().into_iter().map(|request| request.target).collect();
        assert_eq!(asked, ["/mail/config-v1.1.xml?emailaddress=anna@hale.example", "/away", "/nothing"]);
    }
}
