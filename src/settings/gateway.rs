//! Filters that stand before mailboxes elsewhere.

use std::sync::LazyLock;

use super::provider::{ends_in, normalised, rows};

/// One filter a line; columns and provenance at its head.
const GATEWAYS: &str = include_str!("gateways.tsv");

static ALL: LazyLock<Vec<Gateway>> = LazyLock::new(|| rows(GATEWAYS).filter_map(Gateway::read).collect());

/// A filter that stands before mailboxes elsewhere: behind its exchangers the mailbox may be anywhere.
#[derive(Debug, PartialEq, Eq)]
pub struct Gateway {
    name: &'static str,
    exchangers: Vec<&'static str>,
}

impl Gateway {
    /// The filter that a mail exchanger belongs to.
    ///
    /// ```
    /// use practicemail::settings::Gateway;
    /// let gateway = Gateway::of_mx("eu-smtp-inbound-1.mimecast.com").unwrap();
    /// assert_eq!(gateway.name(), "Mimecast Email Security");
    /// ```
    pub fn of_mx(host: &str) -> Option<&'static Self> {
        let host = normalised(host);
        ALL.iter().find(|gateway| gateway.exchangers.iter().any(|end| ends_in(&host, end)))
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    fn read(row: &'static str) -> Option<Self> {
        let mut fields = row.split('\t').skip(1);
        let (name, exchangers) = (fields.next()?, fields.next()?);
        Some(Self { name, exchangers: exchangers.split_whitespace().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        assert_eq!((rows(GATEWAYS).count(), ALL.len()), (17, 17));
        assert_eq!(
            Gateway::of_mx("MX1.hale.ppe-hosted.com.").map(Gateway::name),
            Some("Proofpoint / Proofpoint Essentials")
        );
        assert_eq!(Gateway::of_mx("notmimecast.com"), None);
    }
}
