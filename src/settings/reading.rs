//! What providers are known to take of programs that read.

use super::{AccountSettings, Provider};

/// Accounts of a known service that are read at once, by all workers, where nothing else is known of it.
const OF_A_SERVICE: u32 = 50;
/// Accounts of any other server that are read at once: it may be the machine under somebody's desk, and the practice's own mail
/// programs want to be served beside.
const OF_A_SERVER: u32 = 10;

/// One provider a line; provenance at its head.
const PROVIDERS: &str = include_str!("reading.tsv");

/// How much reading a provider takes.
///
/// ```
/// use practicemail::settings::ProviderReading;
/// assert_eq!(ProviderReading::of("imap.gmail.com").name(), "gmail");
/// assert_eq!(ProviderReading::of("mail.example.org").name(), "mail.example.org");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderReading {
    name: String,
    /// Accounts of it that are read at once, by all workers.
    pub at_once: u32,
    /// Octets that an account reads in a day (UTC); `None` where no limit is known.
    pub octets_per_day: Option<u64>,
}

impl ProviderReading {
    /// What is known of the provider whose server has this name.
    pub fn of(host: &str) -> Self {
        Provider::of_server(host).map_or_else(|| Self::named(host), |known| Self::named(known.id()))
    }

    /// What is known of the provider of this name.
    pub fn named(name: &str) -> Self {
        let rows = PROVIDERS.lines().filter(|line| !line.starts_with('#'));
        let mut columns = rows.map(|line| line.split('\t')).filter(|row| row.clone().next() == Some(name));
        let mut row = columns.next();
        let mut number = || row.as_mut()?.next()?.parse::<u64>().ok();
        number(); // The name itself.
        let at_once = number().and_then(|number| u32::try_from(number).ok());
        let usual = if Provider::by_id(name).is_some() { OF_A_SERVICE } else { OF_A_SERVER };
        Self { name: name.to_owned(), at_once: at_once.unwrap_or(usual), octets_per_day: number() }
    }

    /// A stable name: that of the [`Provider`], else that of the server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl AccountSettings {
    /// The provider it is read from.
    pub fn provider(&self) -> ProviderReading {
        ProviderReading::of(self.incoming.host())
    }

    /// Octets that it may read in a day (UTC): what it is limited to, or its provider takes.
    pub fn octets_per_day(&self) -> u64 {
        let own = self.limits.octets_per_day;
        self.provider().octets_per_day.map_or(own, |provider| own.min(provider))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_has_a_limit_all_the_same() {
        assert_eq!(ProviderReading::of("imap.gmail.com").octets_per_day, Some(2_000_000_000));
        assert_eq!(ProviderReading::of("outlook.office365.com").at_once, 200);
        assert_eq!(ProviderReading::of("imap.fastmail.com").at_once, OF_A_SERVICE);
        let unknown = ProviderReading::of("127.0.0.1");
        assert_eq!((unknown.at_once, unknown.octets_per_day), (OF_A_SERVER, None));
    }
}
