//! Trust in an account's own authority: a CA certificate, or the server's own certificate itself.
//!
//! Small servers present one self-made certificate and hand out the same file to be trusted. Often it calls itself a CA, which
//! path building (RFC 5280 §6) refuses at the end of a path; trusted by name it is compared octet for octet, and its name and
//! validity are verified like any other's.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Verifies against the certificates of an account's own PEM file.
#[derive(Debug)]
pub(super) struct OwnAuthority {
    paths: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl OwnAuthority {
    pub(super) fn new(paths: Arc<WebPkiServerVerifier>, trusted: Vec<CertificateDer<'static>>) -> Self {
        Self { paths, trusted }
    }
}

impl ServerCertVerifier for OwnAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.trusted.iter().any(|trusted| trusted.as_ref() == end_entity.as_ref()) {
            return self.paths.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        }
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        let (from, until) =
            validity(end_entity).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < from {
            return Err(Error::InvalidCertificate(CertificateError::NotValidYet));
        }
        if now > until {
            return Err(Error::InvalidCertificate(CertificateError::Expired));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.paths.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.paths.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.paths.supported_verify_schemes()
    }
}

/// From when until when a certificate is valid, in seconds since the epoch (RFC 5280 §4.1.2.5).
fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    const SEQUENCE: u8 = 0x30;
    let (tag, certificate, _) = element(certificate)?;
    let (inner, tbs, _) = element(certificate)?;
    if tag != SEQUENCE || inner != SEQUENCE {
        return None;
    }
    // Version (explicit, only above 1), serial number, signature, issuer.
    let mut rest = tbs;
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (tag, validity, _) = element(rest)?;
    let (from_tag, from, rest) = element(validity)?;
    let (until_tag, until, _) = element(rest)?;
    (tag == SEQUENCE).then_some((instant(from_tag, from)?, instant(until_tag, until)?))
}

/// One DER element: tag, content, and what follows it (X.690 §8.1).
fn element(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = octets.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (length, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(l, _)| l.len() <= 4)?;
        (length.iter().fold(0, |n, octet| n << 8 | usize::from(*octet)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `UTCTime` or `GeneralizedTime`, in the one form that certificates may use: to the second, in UTC.
fn instant(tag: u8, content: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(content).ok()?;
    let text = match tag {
        0x17 if text.get(..2)?.parse::<u8>().ok()? < 50 => format!("20{text}"),
        0x17 => format!("19{text}"),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let parsed = chrono::NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
    Some(parsed.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_read_in_both_forms() {
        assert_eq!(instant(0x17, b"700101000001Z"), Some(1));
        assert_eq!(instant(0x17, b"491231235959Z"), instant(0x18, b"20491231235959Z"));
        assert_eq!(instant(0x18, b"99991231235959Z"), Some(253_402_300_799));
        assert_eq!(instant(0x17, b"7001010000Z"), None);
    }

    /// A certificate that signed itself, calls itself a CA, and is valid for `localhost` from one year to another.
    #[cfg(feature = "testkit")]
    fn self_made(from: i32, until: i32) -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params.self_signed(&key).unwrap().der().clone()
    }

    #[cfg(feature = "testkit")]
    #[test]
    fn the_servers_own_certificate_is_trusted_within_its_name_and_time() {
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_hours(500_000)); // 2027
        let verify = |presented: &CertificateDer<'static>, trusted: &CertificateDer<'static>, name: &str| {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(trusted.clone()).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let paths =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            let name = ServerName::try_from(name.to_owned()).unwrap();
            OwnAuthority::new(paths, vec![trusted.clone()]).verify_server_cert(
                presented,
                &[],
                &name,
                &[],
                now,
            )
        };
        let good = self_made(2020, 2040);
        assert!(verify(&good, &good, "localhost").is_ok());
        let refused = |presented, trusted, name| verify(presented, trusted, name).unwrap_err();
        assert!(refused(&good, &good, "example.org").to_string().contains("not valid for name"));
        let old = self_made(2020, 2021);
        assert!(refused(&old, &old, "localhost") == Error::InvalidCertificate(CertificateError::Expired));
        let future = self_made(2039, 2040);
        assert!(
            refused(&future, &future, "localhost")
                == Error::InvalidCertificate(CertificateError::NotValidYet)
        );
        assert!(
            verify(&self_made(2020, 2040), &good, "localhost").is_err(),
            "another certificate of the same kind"
        );
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = validity(&octets);
        }
    }
}
