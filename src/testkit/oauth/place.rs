//! Where what is, on an authorization server of either manner.

use super::fault::OAuthPlace;
use crate::{
    error::Result,
    settings::{Endpoint, OAuthEndpoints, OAuthProvider, Tenant},
};

/// Google's places; the server has one host where Google has three.
const GOOGLE: &[(OAuthPlace, &str)] = &[
    (OAuthPlace::Authorize, "/o/oauth2/v2/auth"),
    (OAuthPlace::Token, "/token"),
    (OAuthPlace::Revocation, "/revoke"),
    (OAuthPlace::UserInfo, "/v1/userinfo"),
    (OAuthPlace::Discovery, "/.well-known/openid-configuration"),
];
/// Microsoft's, behind the tenant.
const MICROSOFT: &[(OAuthPlace, &str)] = &[
    (OAuthPlace::Authorize, "/oauth2/v2.0/authorize"),
    (OAuthPlace::Token, "/oauth2/v2.0/token"),
    (OAuthPlace::AdminConsent, "/v2.0/adminconsent"),
    (OAuthPlace::AdminConsent, "/adminconsent"),
    (OAuthPlace::UserInfo, "/oidc/userinfo"),
    (OAuthPlace::Discovery, "/v2.0/.well-known/openid-configuration"),
];

/// The place a path names, and the tenant in front of it, which at Google is empty.
pub(super) fn of(provider: OAuthProvider, path: &str) -> Option<(OAuthPlace, &str)> {
    let find = |places: &[(OAuthPlace, &str)], path: &str| {
        places.iter().find(|(_, known)| *known == path).map(|(place, _)| *place)
    };
    match provider {
        OAuthProvider::Google => Some((find(GOOGLE, path)?, "")),
        OAuthProvider::Microsoft => {
            let tenant = path.strip_prefix('/')?.split('/').next()?;
            let rest = path.get(tenant.len() + 1..)?;
            Some((find(MICROSOFT, rest)?, tenant))
        }
    }
}

/// The places of a server at `origin`, for a tenant where it has any.
pub(super) fn endpoints(
    provider: OAuthProvider,
    origin: &str,
    ca_pem: Option<&str>,
    tenant: &Tenant,
) -> Result<OAuthEndpoints> {
    let tenant = tenant.as_str();
    let at = |path: &str| {
        let endpoint = Endpoint::parse(&format!("{origin}{path}"));
        endpoint.map(|endpoint| ca_pem.into_iter().fold(endpoint, Endpoint::with_ca))
    };
    match provider {
        OAuthProvider::Google => {
            let mut endpoints = OAuthEndpoints::new(at("/o/oauth2/v2/auth")?, at("/token")?);
            endpoints.revoke = Some(at("/revoke")?);
            endpoints.userinfo = Some(at("/v1/userinfo")?);
            Ok(endpoints)
        }
        OAuthProvider::Microsoft => {
            let authorize = at(&format!("/{tenant}/oauth2/v2.0/authorize"))?;
            let mut endpoints = OAuthEndpoints::new(authorize, at(&format!("/{tenant}/oauth2/v2.0/token"))?);
            endpoints.admin_consent = Some(at(&format!("/{tenant}/v2.0/adminconsent"))?);
            Ok(endpoints)
        }
    }
}
