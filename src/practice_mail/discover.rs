//! Finding settings for an address.

use super::PracticeMail;
use crate::discover::{Discoverer, Discovery, Sources};
use crate::types::Address;

impl PracticeMail {
    /// Finds settings for an address, so that a user need not know them; empty where nobody knows any. What is found is a
    /// suggestion: the user confirms [whose servers](crate::discover::Suggestion::to_confirm) they are before a password is
    /// entered, and [`connect`](Self::connect) tries them.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it opened.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// # use practicemail::types::Address;
    /// # async fn form(mail: &PracticeMail) -> practicemail::error::Result<()> {
    /// let found = mail.discover(&Address::parse("anna@gmx.de")?).await;
    /// if let Some(best) = found.suggestions.first() {
    ///     println!("Your mail is kept by {}?", best.to_confirm().join(", "));
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn discover(&self, address: &Address) -> Discovery {
        let discoverer = Discoverer::new(self.connections.dialer().clone());
        discoverer.sources(self.sources.clone()).discover(address).await
    }

    /// Sets which sources settings are found from.
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }
}
