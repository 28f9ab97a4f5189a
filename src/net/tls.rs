//! TLS by rustls: certificates are always verified, against the system's authorities or the account's own.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::client::TlsStream;

use super::own_authority::OwnAuthority;
use crate::error::{Error, ErrorKind, Result};

/// Makes the configuration for one server.
pub(super) fn client_config(ca_pem: Option<&str>) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls =
        |error: rustls::Error| Error::new(ErrorKind::TlsFailed, "TLS could not be set up").with_source(error);
    let Some(pem) = ca_pem else {
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(tls)?;
        let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(tls)?;
        return Ok(Arc::new(
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth(),
        ));
    };
    let mut roots = RootCertStore::empty();
    let mut trusted = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.ok().filter(|certificate| roots.add(certificate.clone()).is_ok());
        let unusable =
            || Error::new(ErrorKind::Invalid, "the account's own authority is not a PEM certificate");
        trusted.push(certificate.ok_or_else(unusable)?.into_owned());
    }
    if trusted.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "the account's own authority holds no PEM certificate"));
    }
    let paths = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let paths = paths.map_err(|error| {
        Error::new(ErrorKind::Invalid, "the account's own authority cannot be used").with_source(error)
    })?;
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(tls)?;
    let verifier = Arc::new(OwnAuthority::new(paths, trusted));
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

/// Does the handshake on a fresh connection.
pub(super) async fn handshake<S>(config: Arc<ClientConfig>, host: &str, stream: S) -> Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::new(ErrorKind::Invalid, "the server's name cannot stand in a certificate"))?;
    tokio_rustls::TlsConnector::from(config).connect(name, stream).await.map_err(|error| classify(&error))
}

fn classify(error: &std::io::Error) -> Error {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (kind, message) = match cause {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                (ErrorKind::CertificateExpired, "the server's certificate has expired")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                (ErrorKind::CertificateExpired, "the server's certificate is not valid yet")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                (ErrorKind::CertificateWrongName, "the server's certificate is for another name")
            }
            _ => {
                (ErrorKind::CertificateUntrusted, "the server's certificate is not from a trusted authority")
            }
        },
        Some(_) => (ErrorKind::TlsFailed, "the TLS handshake failed"),
        None => (ErrorKind::TlsFailed, "the connection broke in the TLS handshake"),
    };
    match cause {
        Some(cause) => Error::new(kind, message).with_source(cause.clone()),
        None => Error::new(kind, message),
    }
}
