//! Who signed in (`OpenID` Connect Core 1.0 §2, §5.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::types::{Address, AddressKey, Secret};

/// The tenant of all personal Microsoft accounts (learn.microsoft.com, "ID token claims reference").
const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Who signed in, as the authorization server says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Never changes and is never given again; of no meaning to people.
    pub subject: String,
    /// Every address the server names: `email`, and at Microsoft the principal name, which may be another.
    pub addresses: Vec<Address>,
    /// Microsoft: the name the directory signs them in by, where it looks like an address.
    pub principal_name: Option<Address>,
    /// Google: the Workspace domain; none of a personal account.
    pub hosted_domain: Option<String>,
    /// Microsoft: the tenant's id.
    pub tenant: Option<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

#[derive(Default, Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    email: Option<String>,
    email_verified: Option<serde_json::Value>,
    preferred_username: Option<String>,
    upn: Option<String>,
    hd: Option<String>,
    tid: Option<String>,
}

impl Identity {
    /// Reads an ID token. Its signature is not looked at: it came from the token endpoint itself over TLS, which
    /// `OpenID` Connect Core §3.1.3.7 lets take the place of that. `client_id` has to be its audience.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for what is no ID token for this client.
    pub fn from_id_token(token: &Secret, client_id: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Audience {
            aud: serde_json::Value,
        }
        let odd = || Error::new(ErrorKind::Protocol, "the authorization server's ID token cannot be read");
        let payload = token.expose().split('.').nth(1).ok_or_else(odd)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| odd())?;
        let Audience { aud } = serde_json::from_slice(&payload).map_err(|_| odd())?;
        let ours = match &aud {
            serde_json::Value::String(one) => one == client_id,
            serde_json::Value::Array(several) => several.iter().any(|one| one == client_id),
            _ => false,
        };
        if !ours {
            return Err(Error::new(
                ErrorKind::Protocol,
                "the authorization server's ID token is for another product",
            ));
        }
        Self::from_claims(&payload)
    }

    /// Reads claims, as userinfo answers them.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`].
    pub fn from_claims(json: &[u8]) -> Result<Self> {
        let odd = || Error::new(ErrorKind::Protocol, "the authorization server does not say who signed in");
        let claims: Claims = serde_json::from_slice(json).map_err(|_| odd())?;
        if claims.sub.is_empty() {
            return Err(odd());
        }
        let unverified = matches!(&claims.email_verified, Some(serde_json::Value::Bool(false)));
        let email = claims.email.filter(|_| !unverified);
        let principal = claims.upn.clone().or_else(|| claims.preferred_username.clone());
        let principal_name = principal.and_then(|text| Address::parse(&text).ok());
        let named = [email, claims.preferred_username, claims.upn];
        let mut addresses: Vec<Address> = Vec::new();
        for address in named.into_iter().flatten().filter_map(|text| Address::parse(&text).ok()) {
            if addresses.iter().all(|known| known.key() != address.key()) {
                addresses.push(address);
            }
        }
        let (hosted_domain, tenant) = (claims.hd, claims.tid);
        Ok(Self { subject: claims.sub, addresses, principal_name, hosted_domain, tenant })
    }

    /// Whether one of its addresses is this one.
    pub fn is(&self, address: &AddressKey) -> bool {
        self.addresses.iter().any(|own| own.key() == *address)
    }

    /// Whether it is a personal Microsoft account.
    pub fn is_personal_microsoft(&self) -> bool {
        self.tenant.as_deref() == Some(PERSONAL_TENANT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims)))
    }

    /// B1: the principal name may differ from the address.
    #[test]
    fn every_address_the_server_names_counts() {
        let claims = r#"{"aud":"me","sub":"1","email":"Anna@hale.example","preferred_username":"a.hale@hale.onmicrosoft.example","tid":"t"}"#;
        let identity = Identity::from_id_token(&token(claims), "me").unwrap();
        let is = |text: &str| identity.is(&Address::parse(text).unwrap().key());
        assert!(is("anna@hale.example") && is("A.Hale@hale.onmicrosoft.example") && !is("ben@hale.example"));
        assert_eq!(identity.tenant.as_deref(), Some("t"));
    }

    #[test]
    fn a_token_for_another_product_or_an_unverified_address_is_not_believed() {
        let claims = r#"{"aud":["other"],"sub":"1","email":"anna@hale.example"}"#;
        assert_eq!(Identity::from_id_token(&token(claims), "me").unwrap_err().kind(), ErrorKind::Protocol);
        let claims = r#"{"aud":["me"],"sub":"1","email":"anna@hale.example","email_verified":false}"#;
        assert_eq!(Identity::from_id_token(&token(claims), "me").unwrap().addresses, []);
        for odd in ["", "a.b", "a.e30.c", "a.bm8.c"] {
            assert!(Identity::from_id_token(&Secret::new(odd), "me").is_err(), "{odd}");
        }
    }
}
