//! Certificates made for one test and forgotten with it.

use std::{fmt, io, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::TlsAcceptor;

/// What is right or wrong with the certificate a server shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateKind {
    /// Issued by the authority of [`Certificates::ca_pem`] for `localhost` and `127.0.0.1`.
    #[default]
    Valid,
    /// As [`Valid`](Self::Valid), but its validity ended in 2021.
    Expired,
    /// Issued by the right authority for another host.
    WrongName,
    /// Issued by nobody but itself.
    SelfSigned,
    /// Issued by an authority that [`Certificates::ca_pem`] does not name.
    UnknownCa,
}

/// A fresh certificate authority and one server certificate.
///
/// Nothing is reused between values, so trusting [`ca_pem`](Self::ca_pem) trusts this server alone.
///
/// ```
/// use practicemail::testkit::{CertificateKind, Certificates};
///
/// let certificates = Certificates::new(CertificateKind::Expired)?;
/// assert!(certificates.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Certificates {
    kind: CertificateKind,
    ca_pem: String,
    server: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes an authority and a server certificate of the given kind.
    ///
    /// # Errors
    /// When the machine yields no randomness for the keys.
    pub fn new(kind: CertificateKind) -> io::Result<Self> {
        let authority = make_authority()?;
        let mut params = leaf_params(if kind == CertificateKind::WrongName {
            &["elsewhere.example"]
        } else {
            &["localhost", "127.0.0.1"]
        })?;
        if kind == CertificateKind::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let stranger = make_authority()?;
        let certificate = match kind {
            CertificateKind::SelfSigned => params.self_signed(&key),
            CertificateKind::UnknownCa => params.signed_by(&key, &stranger),
            _ => params.signed_by(&key, &authority),
        }
        .map_err(io::Error::other)?;
        Ok(Self {
            kind,
            ca_pem: authority.pem(),
            server: Arc::new(server_config(certificate.der().clone(), &key)?),
        })
    }

    /// The authority's certificate in PEM: what a test tells its session to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What is right or wrong with the server's certificate.
    pub fn kind(&self) -> CertificateKind {
        self.kind
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.server))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn make_authority() -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.distinguished_name.push(DnType::CommonName, "practicemail test authority");
    let key = KeyPair::generate().map_err(io::Error::other)?;
    CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)
}

fn leaf_params(names: &[&str]) -> io::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "practicemail test server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn server_config(certificate: CertificateDer<'static>, key: &KeyPair) -> io::Result<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key))
        .map_err(io::Error::other)
}
