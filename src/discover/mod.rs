//! Floor 5: settings found for an address, before anything secret is asked for.
//!
//! ```text
//! bundled data ─▶ the domain's own autoconfig ─▶ MX ─▶ ISPDB ─▶ SRV ─▶ Exchange ─▶ guesses, tested up to the greeting
//!                                                └──── feature `discovery` ────┘
//! ```
//!
//! The first source that knows something ends the search. Whatever is found is a suggestion: the user confirms the
//! [base domain](Suggestion::to_confirm) of the servers before a password is sent there, and saving tests them. Only the
//! domain itself and its own servers learn the whole address; everybody else learns the domain.

#[cfg(feature = "discovery")]
mod dns;
#[cfg(feature = "discovery")]
mod exchange;
mod fetch;
mod found;
mod guess;
mod sources;
#[cfg(feature = "discovery")]
mod third_parties;
mod xml;

use std::time::{Duration, Instant};

use tokio::time::timeout;

pub use found::{Discovery, SignInOffer, Source, Suggestion, Trust};
pub use sources::{GuessedServer, Sources};

use crate::net::Dialer;
use crate::settings::Provider;
use crate::types::Address;
use fetch::Fetcher;

/// How long one step may take.
const STEP: Duration = Duration::from_secs(5);
/// How long all of it may take: a user waits for it.
const TOTAL: Duration = Duration::from_secs(30);

/// Finds settings. Cheap to clone; keeps nothing.
#[derive(Debug, Clone)]
pub struct Discoverer {
    dialer: Dialer,
    sources: Sources,
}

/// One search under way.
struct Search<'a> {
    address: &'a Address,
    sources: &'a Sources,
    dialer: &'a Dialer,
    fetcher: Fetcher,
    until: Instant,
}

impl Discoverer {
    /// Asks every source there is, connecting as the dialer does: its egress policy holds for every host.
    pub fn new(dialer: Dialer) -> Self {
        Self { dialer, sources: Sources::default() }
    }

    /// Asks these sources instead.
    pub fn sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// Finds settings for an address; empty where nobody knows any, or half a minute is over. A source that does not answer
    /// is no error: the next one is asked.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it opened.
    ///
    /// ```
    /// use practicemail::{discover::{Discoverer, Source}, net::Dialer, types::Address};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let anna = Address::parse("anna@gmx.de").unwrap();
    /// let found = Discoverer::new(Dialer::new()).discover(&anna).await;
    /// let best = &found.suggestions[0];
    /// assert_eq!((best.source, best.incoming.host()), (Source::Bundled, "imap.gmx.net"));
    /// # }
    /// ```
    pub async fn discover(&self, address: &Address) -> Discovery {
        let search = Search {
            address,
            sources: &self.sources,
            dialer: &self.dialer,
            fetcher: Fetcher::new(self.dialer.clone(), self.sources.ca_pem.clone()),
            until: Instant::now() + TOTAL,
        };
        search.run().await
    }
}

impl Search<'_> {
    async fn run(&self) -> Discovery {
        if let Some(suggestions) = self.by_the_domain().await {
            return Discovery { suggestions, filter: None };
        }
        #[cfg(feature = "discovery")]
        let told = self.by_third_parties().await;
        #[cfg(not(feature = "discovery"))]
        let told = Discovery::default();
        if !told.suggestions.is_empty() || !self.asks(Source::Guess) {
            return told;
        }
        let guessed = self.step(guess::guess(self.dialer, self.sources, self.address)).await.flatten();
        Discovery { suggestions: guessed.into_iter().collect(), ..told }
    }

    /// What is known of the domain, or it says itself.
    async fn by_the_domain(&self) -> Option<Vec<Suggestion>> {
        if let Some(provider) = Provider::of_address(self.address).filter(|_| self.asks(Source::Bundled)) {
            let known = Suggestion::of_provider(provider, self.address, Source::Bundled, Trust::Bundled);
            // A service that no program can read has no settings anywhere.
            return Some(known.into_iter().collect());
        }
        let templates = self.sources.autoconfig.iter().filter(|_| self.asks(Source::Autoconfig));
        for template in templates {
            let domain = self.address.domain().as_str();
            let found = self.autoconfig(template, domain, Source::Autoconfig, Trust::Provider).await;
            if !found.is_empty() {
                return Some(found);
            }
        }
        None
    }

    /// What a document in Mozilla's format says. The domain's own server alone learns whose address it is.
    async fn autoconfig(
        &self,
        template: &str,
        domain: &str,
        source: Source,
        trust: Trust,
    ) -> Vec<Suggestion> {
        let address = Some(self.address).filter(|_| source == Source::Autoconfig);
        let url = sources::filled(template, domain, address);
        let Some(fetched) = self.step(self.fetcher.get(&url)).await.flatten() else { return Vec::new() };
        let trust = if fetched.led_to.is_some() { Trust::Untrusted } else { trust };
        let read = xml::read(&fetched.body, self.address).unwrap_or_default();
        read.into_iter()
            .map(|read| Suggestion { source, trust, redirected_to: fetched.led_to.clone(), ..read })
            .collect()
    }

    fn asks(&self, source: Source) -> bool {
        !self.sources.off.contains(&source)
    }

    /// Does a step, within its time and what is left of all.
    async fn step<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        let left = self.until.saturating_duration_since(Instant::now());
        timeout(STEP.min(left), step).await.ok()
    }
}
