//! What servers say of a message's author, as they really write it, and as others would have it.

use practicemail::mime::{MessageScan, authenticity};
use practicemail::types::Authenticity::{Fail, Pass, Unknown};
use practicemail::types::{AuthenticationResults, Authenticity};
use proptest::prelude::*;

fn scanned(header: &str) -> Vec<AuthenticationResults> {
    let mut scan = MessageScan::new();
    scan.update(header.as_bytes());
    scan.update(b"\r\n\r\nAuthentication-Results: body; dmarc=pass\r\n");
    scan.finish().authentication
}

fn read(from: &str, value: &str) -> Option<(String, Authenticity)> {
    let read = scanned(&format!("Authentication-Results: {value}\r\nFrom: {from}"));
    assert!(read.len() <= 1 && read.iter().all(|result| !result.above_received));
    read.into_iter().next().map(|result| (result.server, result.says))
}

#[test]
fn fields_of_real_servers_are_read() {
    for (value, server, says) in [
        // Gmail
        (
            "mx.google.com;\r\n       dkim=pass header.i=@example.org header.s=s1 header.b=\"aB/c=\";\r\n       spf=pass (google.com: domain of anna@example.org designates 192.0.2.1 as permitted sender) smtp.mailfrom=anna@example.org;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.org",
            "mx.google.com",
            Pass,
        ),
        (
            "mx.google.com;\r\n       spf=softfail (google.com: domain of transitioning anna@example.org does not designate 192.0.2.1 as permitted sender) smtp.mailfrom=anna@example.org;\r\n       dmarc=fail (p=NONE sp=NONE dis=NONE) header.from=example.org",
            "mx.google.com",
            Fail,
        ),
        (
            "mx.google.com; dkim=pass header.i=@news.example.org header.s=s header.b=x; spf=pass smtp.mailfrom=\"b+anna=x\"@bounce.mailer.example",
            "mx.google.com",
            Pass,
        ),
        (
            "mx.google.com; dkim=pass header.i=@mailer.example header.s=s header.b=x; spf=pass smtp.mailfrom=b@mailer.example",
            "mx.google.com",
            Unknown,
        ),
        // Exchange Online
        (
            "spf=pass (sender IP is 40.107.22.1)\r\n smtp.mailfrom=example.org; dkim=pass (signature was verified)\r\n header.d=example.org;dmarc=pass action=none\r\n header.from=example.org;compauth=pass reason=100",
            "",
            Pass,
        ),
        (
            "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=evil.example; dkim=none (message not signed) header.d=none;dmarc=fail action=quarantine header.from=example.org;compauth=fail reason=000",
            "",
            Fail,
        ),
        (
            "spf=none (sender IP is 192.0.2.1) smtp.mailfrom=example.org; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=example.org;compauth=softpass reason=201",
            "",
            Unknown,
        ),
        (
            "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.org; dkim=none header.d=none;dmarc=bestguesspass action=none header.from=example.org;compauth=pass reason=109",
            "",
            Pass,
        ),
        (
            "dkim=none (message not signed)\r\n header.d=none;dmarc=none action=none\r\n header.from=example.org;",
            "",
            Unknown,
        ),
        // OpenDKIM, OpenDMARC
        (
            "mail.office.example; dmarc=pass (p=none dis=none) header.from=example.org",
            "mail.office.example",
            Pass,
        ),
        ("OpenDMARC; dmarc=fail (p=none dis=none) header.from=example.org", "opendmarc", Fail),
        (
            "mail.office.example;\r\n\tdkim=pass (2048-bit key; unprotected) header.d=example.org header.i=@example.org header.a=rsa-sha256 header.s=s header.b=aBc1;\r\n\tdkim-atps=neutral",
            "mail.office.example",
            Pass,
        ),
        (
            "mail.office.example;\r\n\tdkim=fail reason=\"signature verification failed\" (1024-bit key) header.d=example.org",
            "mail.office.example",
            Unknown,
        ),
        // Fastmail
        (
            "mx4.messagingengine.com;\r\n    arc=none (no signatures found);\r\n    dkim=pass (2048-bit rsa key sha256) header.d=example.org\r\n    header.i=@example.org header.b=A/b+c= header.a=rsa-sha256\r\n    header.s=fm1 x-bits=2048;\r\n    dmarc=pass policy.published-domain-policy=reject\r\n    policy.applied-disposition=none policy.evaluated-disposition=none\r\n    (p=reject,d=none,d.eval=none) policy.policy-from=p\r\n    header.from=example.org;\r\n    iprev=pass smtp.remote-ip=192.0.2.1 (mx.example.org);\r\n    spf=pass smtp.mailfrom=anna@example.org smtp.helo=mx.example.org;\r\n    x-me-sender=none",
            "mx4.messagingengine.com",
            Pass,
        ),
        // as RFC 8601 has it
        ("example.com 1; none", "example.com", Unknown),
        (
            "\"Example.COM\" (c) 1 ; spf (c (d \\) ; dmarc=fail)) = (e) pass smtp.mailfrom (f) = example.org",
            "example.com",
            Pass,
        ),
        ("x; dkim/1 = PASS Header.D=EXAMPLE.org.", "x", Pass),
        ("x; dmarc=temperror; dkim=pass header.d=example.org", "x", Pass),
        ("x; dmarc=permerror header.from=example.org", "x", Unknown),
    ] {
        assert_eq!(read("Anna <anna@example.org>", value), Some((server.to_owned(), says)), "{value}");
    }
}

#[test]
fn only_the_authors_own_registrant_answers_for_it() {
    for (from, value, says) in [
        ("a@mail.example.co.uk", "x; dkim=pass header.d=example.co.uk", Pass),
        ("a@example.co.uk", "x; dkim=pass header.d=other.co.uk", Unknown),
        ("a@example.co.uk", "x; dkim=pass header.d=co.uk", Unknown),
        ("a@example.org", "x; dkim=pass header.d=example.org.evil.example", Unknown),
        ("a@example.org", "x; dkim=pass header.d=evil.example header.i=@example.org", Unknown),
        ("a@example.org", "x; spf=pass smtp.mailfrom=a@example.org@evil.example", Unknown),
        ("a@example.org", "x; spf=pass smtp.helo=example.org", Unknown),
        ("a@example.org", "x; spf=fail smtp.mailfrom=example.org", Unknown),
        ("a@example.org", "x; dmarc=pass header.from=evil.example", Unknown),
        ("a@example.org", "x; dmarc=pass; dmarc=none", Unknown),
        ("a@example.org", "x; dmarc=pass; dmarc=fail", Fail),
        ("a@[192.0.2.1]", "x; dkim=pass header.d=192.0.2.1", Unknown),
        ("a@bücher.example", "x; spf=pass smtp.mailfrom=xn--bcher-kva.example", Pass),
        ("a@example.org, b@evil.example", "x; dmarc=pass header.from=example.org", Unknown),
        ("a@example.org\r\nFrom: nobody", "x; dmarc=pass header.from=example.org", Unknown),
        ("nobody", "x; dmarc=pass", Unknown),
    ] {
        assert_eq!(read(from, value), Some(("x".to_owned(), says)), "{from} {value}");
    }
}

#[test]
fn what_stands_in_quotes_and_comments_is_no_result() {
    for value in [
        "x; spf=pass smtp.mailfrom=\"x; dmarc=pass header.from=example.org\"@evil.example",
        "x; spf=none (dmarc=pass; dkim=pass header.d=example.org)",
        "x; spf=none reason=\"a\\\"; dmarc=pass\"",
        "x; spf=none reason=\"\" (; dmarc=pass)",
        "x; \"dmarc=pass\"",
        "x dmarc=pass",
    ] {
        assert_eq!(read("a@example.org", value), Some(("x".to_owned(), Unknown)), "{value}");
    }
    for value in ["", ";", "x; dmarc=pass \"", "x; dmarc=pass (", "x (y; dmarc=pass"] {
        assert_eq!(read("a@example.org", value), None, "{value}");
    }
    assert_eq!(read("a@example.org", &format!("{}; dmarc=pass", "x".repeat(256))), None);
}

const FORGED: &str = "Authentication-Results: mx.google.com; dmarc=pass header.from=example.org\r\n";

fn believed(header: &str, trusted: Option<&str>) -> Authenticity {
    authenticity(&scanned(&format!("{header}From: a@example.org")), trusted)
}

#[test]
fn what_came_with_the_message_is_not_believed() {
    let own = "Authentication-Results: mx.google.com; dmarc=fail\r\n";
    let received = "Received: by mx\r\n with ESMTP\r\n";
    for (header, trusted, says) in [
        (format!("{FORGED}{received}"), None, Pass),
        (format!("{received}{FORGED}"), None, Unknown),
        (format!("{received}{FORGED}"), Some("mx.google.com"), Pass),
        (format!("{received}{FORGED}"), Some("MX.google.com"), Pass),
        (format!("{received}{FORGED}"), Some("google.com"), Unknown),
        (format!("{received}{FORGED}"), Some(""), Unknown),
        (format!("{received}{own}{received}{FORGED}"), Some("mx.google.com"), Fail),
        (format!("{own}{received}{FORGED}"), Some("mx.google.com"), Fail),
        (
            format!("Authentication-Results: mx.google.com; none\r\n{received}{FORGED}"),
            Some("mx.google.com"),
            Unknown,
        ),
        (format!("{FORGED}{own}{received}"), None, Fail),
        (FORGED.to_owned(), None, Unknown),
        (format!("{received}Authentication-Results: dmarc=pass\r\n"), Some(""), Pass),
        (format!("ARC-{FORGED}X-{FORGED}{received}"), Some("mx.google.com"), Unknown),
    ] {
        assert_eq!(believed(&header, trusted), says, "{header}");
    }
}

#[test]
fn a_flood_of_fields_says_no_more_than_ten_and_a_field_cut_off_says_nothing() {
    assert_eq!(scanned(&format!("{}From: a@example.org", FORGED.repeat(100_000))).len(), 10);
    let long = format!("Authentication-Results: mx; dmarc=pass; x=({})\r\n", "y ".repeat(20_000));
    assert_eq!(scanned(&format!("{long}{FORGED}Received: x\r\nFrom: a@example.org")), []);
    let (authors, evil) = ("Sender: s@x\r\n".repeat(10_000), "From: b@evil.example\r\n");
    assert_eq!(believed(&format!("{FORGED}Received: x\r\n{authors}{evil}"), None), Unknown);
}

proptest! {
    #[test]
    fn any_value_is_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..200),
                                       text in "(dmarc|dkim|spf|header\\.d|pass|example\\.org|[=;()\"\\\\ @/]){0,60}") {
        for value in [&octets[..], text.as_bytes()] {
            let header = [b"From: a@example.org\r\nAuthentication-Results: ", value, b"\r\n\r\n"].concat();
            let mut scan = MessageScan::new();
            scan.update(&header);
            prop_assert!(scan.finish().authentication.len() <= 10);
        }
    }
}
