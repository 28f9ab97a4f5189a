//! What DNS says of a domain. Nobody signed it: what is found is untrusted.

use std::net::SocketAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData};

use super::{Source, Suggestion};
use crate::settings::{Login, ServerSettings, TlsMode};
use crate::types::Address;

/// A resolver.
pub(super) struct Dns(TokioResolver);

impl Dns {
    /// Asks this name server, or the system's. `None` where the system has none.
    pub(super) fn new(name_server: Option<SocketAddr>) -> Option<Self> {
        let builder = match name_server {
            Some(address) => {
                let at = |mut connection: ConnectionConfig| {
                    connection.port = address.port();
                    connection
                };
                let connections = vec![at(ConnectionConfig::udp()), at(ConnectionConfig::tcp())];
                let server = NameServerConfig::new(address.ip(), true, connections);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().ok()?,
        };
        builder.build().ok().map(Self)
    }

    /// The preferred mail exchanger of a domain (RFC 5321 §5.1).
    pub(super) async fn exchanger(&self, domain: &str) -> Option<String> {
        let found = self.0.mx_lookup(format!("{domain}.")).await.ok()?;
        let exchangers = found.answers().iter().filter_map(|record| match &record.data {
            RData::MX(mx) => Some((mx.preference, &mx.exchange)),
            _ => None,
        });
        // A null MX (RFC 7505) has no name.
        exchangers.min_by_key(|(preference, _)| *preference).and_then(|(_, name)| host(name))
    }

    /// The servers of SRV records (RFC 6186 §3.2, RFC 8314 §5.1), those with implicit TLS before the others.
    pub(super) async fn services(&self, address: &Address) -> Option<Suggestion> {
        let incoming = match self.service("_imaps", TlsMode::Implicit, address).await {
            Some(server) => server,
            None => self.service("_imap", TlsMode::StartTls, address).await?,
        };
        let outgoing = match self.service("_submissions", TlsMode::Implicit, address).await {
            Some(server) => Some(server),
            None => self.service("_submission", TlsMode::StartTls, address).await,
        };
        let login = Login::new(&address.to_string()).ok()?;
        let outgoing = outgoing.map(|server| (server, login.clone()));
        Some(Suggestion { outgoing, ..Suggestion::new(incoming, login, Source::Srv) })
    }

    async fn service(&self, service: &str, tls: TlsMode, address: &Address) -> Option<ServerSettings> {
        let found = self.0.srv_lookup(format!("{service}._tcp.{}.", address.domain())).await.ok()?;
        let services = found.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(((srv.priority, u16::MAX - srv.weight), srv.port, &srv.target)),
            _ => None,
        });
        let (_, port, target) = services.min_by_key(|(order, ..)| *order)?;
        ServerSettings::new(&host(target)?, port, tls).ok()
    }
}

/// A name without the dot at its end; `None` for the root, which says that there is no server.
fn host(name: &Name) -> Option<String> {
    let text = name.to_ascii();
    let text = text.trim_end_matches('.');
    (!text.is_empty()).then(|| text.to_owned())
}
