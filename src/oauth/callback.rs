//! What a browser comes back with (RFC 6749 §4.1.2; Microsoft's admin consent).

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::types::Secret;

/// Longest query taken: codes of Microsoft have some two thousand octets.
const MAX_QUERY: usize = 16 << 10;

/// What the query of a callback says. It came through a stranger's browser: nothing is believed until the state fits.
#[derive(Clone)]
#[non_exhaustive]
pub enum Callback {
    /// Consent was given.
    Code {
        /// To be redeemed once.
        code: Secret,
        /// What the request carried.
        state: String,
    },
    /// There was no consent.
    Refused {
        /// The error code, such as `access_denied`.
        error: String,
        /// The server's words for developers.
        description: String,
        /// What the request carried.
        state: String,
    },
    /// An administrator of this tenant consented for everybody.
    AdminConsent {
        /// The tenant.
        tenant: String,
        /// What the request carried.
        state: String,
    },
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code { .. } => "Callback::Code(..)",
            Self::Refused { .. } => "Callback::Refused(..)",
            Self::AdminConsent { .. } => "Callback::AdminConsent(..)",
        })
    }
}

impl Callback {
    /// Reads the query: what stands behind the `?`, or a whole URL.
    ///
    /// ```
    /// use practicemail::oauth::Callback;
    /// let callback = Callback::parse("code=4%2F0A&state=xyz").unwrap();
    /// assert!(matches!(&callback, Callback::Code { code, .. } if code.expose() == "4/0A"));
    /// assert_eq!(callback.state(), "xyz");
    /// assert!(Callback::parse("hello").is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for what is no answer to an authorization request, a parameter given twice among it.
    pub fn parse(query: &str) -> Result<Self> {
        let invalid =
            || Error::new(ErrorKind::Invalid, "this is not what an authorization server sends back");
        let query = query.split_once('?').map_or(query, |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        if query.len() > MAX_QUERY {
            return Err(invalid());
        }
        let parameter = |name: &str| -> Result<Option<String>> {
            let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            let value = found.next().map(|(_, value)| value.into_owned());
            // RFC 6749 §3.1: parameters are not repeated.
            if found.next().is_some() { Err(invalid()) } else { Ok(value.filter(|v| !v.is_empty())) }
        };
        let state = parameter("state")?.ok_or_else(invalid)?;
        if let Some(error) = parameter("error")? {
            let description = parameter("error_description")?.unwrap_or_default();
            return Ok(Self::Refused { error, description, state });
        }
        if let Some(code) = parameter("code")? {
            return Ok(Self::Code { code: Secret::new(code), state });
        }
        let consented = parameter("admin_consent")?.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        match parameter("tenant")? {
            Some(tenant) if consented => Ok(Self::AdminConsent { tenant, state }),
            _ => Err(invalid()),
        }
    }

    /// What the request carried.
    pub fn state(&self) -> &str {
        match self {
            Self::Code { state, .. } | Self::Refused { state, .. } | Self::AdminConsent { state, .. } => {
                state
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_says_one_thing() {
        let refused =
            Callback::parse("/mail/callback?error=access_denied&state=s&error_description=a+b").unwrap();
        assert!(matches!(refused, Callback::Refused { description, .. } if description == "a b"));
        let consent = Callback::parse("admin_consent=True&tenant=t&state=s#").unwrap();
        assert!(matches!(consent, Callback::AdminConsent { tenant, .. } if tenant == "t"));
        for query in [
            "",
            "code=x",
            "state=s",
            "code=&state=s",
            "code=a&code=b&state=s",
            "admin_consent=False&tenant=t&state=s",
        ] {
            assert!(Callback::parse(query).is_err(), "{query}");
        }
        assert!(Callback::parse(&format!("code={}&state=s", "x".repeat(20_000))).is_err());
    }

    #[test]
    fn a_code_is_not_printed() {
        let callback = Callback::parse("code=geheim&state=verraten").unwrap();
        assert_eq!(format!("{callback:?}"), "Callback::Code(..)");
    }
}
