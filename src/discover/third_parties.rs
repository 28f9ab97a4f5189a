//! What DNS, the ISPDB and Microsoft know of a domain. None of them learns the address.

use super::dns::Dns;
use super::{Discovery, Search, Source, Suggestion, Trust, exchange, sources};
use crate::settings::{Gateway, Provider};
use crate::types::registrable;

impl Search<'_> {
    pub(super) async fn by_third_parties(&self) -> Discovery {
        let dns = Dns::new(self.sources.name_server);
        let exchanger = match &dns {
            Some(dns) if self.asks(Source::Exchanger) => {
                self.step(dns.exchanger(self.address.domain().as_str())).await.flatten()
            }
            _ => None,
        };
        let filter = exchanger.as_deref().and_then(Gateway::of_mx).map(Gateway::name);
        // What is known of a filter says nothing of the mailboxes behind it.
        let exchanger = exchanger.filter(|_| filter.is_none());
        let mut suggestions = self.by_exchanger(exchanger.as_deref());
        if suggestions.is_empty() {
            suggestions = self.by_documents(exchanger.as_deref()).await;
        }
        if let Some(dns) = dns.filter(|_| suggestions.is_empty() && self.asks(Source::Srv)) {
            suggestions.extend(self.step(dns.services(self.address)).await.flatten());
        }
        if suggestions.is_empty() {
            suggestions.extend(self.by_exchange().await);
        }
        Discovery { suggestions, filter }
    }

    /// The service behind a mail exchanger. A forged answer can at worst name another service that is known.
    fn by_exchanger(&self, exchanger: Option<&str>) -> Vec<Suggestion> {
        let provider = exchanger.and_then(Provider::of_mx);
        let of =
            |provider| Suggestion::of_provider(provider, self.address, Source::Exchanger, Trust::Curated);
        provider.and_then(of).into_iter().collect()
    }

    /// Documents about the domain, then about that of its exchanger.
    async fn by_documents(&self, exchanger: Option<&str>) -> Vec<Suggestion> {
        let domain = self.address.domain().as_str();
        let ispdb = self.sources.ispdb.as_deref().filter(|_| self.asks(Source::Ispdb));
        let own = self.sources.autoconfig.iter().filter(|_| self.asks(Source::Autoconfig));
        let own = own.map(String::as_str).chain(ispdb);
        let behind = exchanger.and_then(registrable).filter(|behind| *behind != domain);
        let about_domain = ispdb.map(|template| (template, domain, Source::Ispdb, Trust::Curated));
        let about_behind = behind.into_iter().flat_map(|behind| {
            own.clone().map(move |template| (template, behind, Source::Exchanger, Trust::Untrusted))
        });
        for (template, domain, source, trust) in about_domain.into_iter().chain(about_behind) {
            let found = self.autoconfig(template, domain, source, trust).await;
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Microsoft 365, where Autodiscover says that the domain's mailboxes are there.
    async fn by_exchange(&self) -> Option<Suggestion> {
        let template = self.sources.exchange.as_deref().filter(|_| self.asks(Source::Exchange))?;
        let url = sources::filled(template, self.address.domain().as_str(), None);
        let answer = self.step(self.fetcher.get(&url)).await.flatten()?;
        let microsoft = Provider::by_id("microsoft365").filter(|_| exchange::is_online(&answer.body))?;
        Suggestion::of_provider(microsoft, self.address, Source::Exchange, Trust::Untrusted)
    }
}
