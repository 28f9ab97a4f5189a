//! Who somebody is (OIDC Core §2, §5.3) and where everything is (OIDC Discovery §3).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{person::Person, state::Shared};
use crate::{
    settings::{OAuthEndpoints, OAuthProvider},
    testkit::http::{Answer, ReceivedRequest},
};

/// An ID token: signed by nobody (RFC 7519 §6), since what comes straight from the token endpoint needs no signature
/// (OIDC Core §3.1.3.7).
pub(super) fn id_token(shared: &Shared, person: &Person, client_id: &str, nonce: Option<&str>) -> String {
    let now = shared.now().as_unix();
    let mut claims = claims(shared.provider(), person);
    if let Some(members) = claims.as_object_mut() {
        members.insert("iss".to_owned(), issuer(shared.provider(), &person.tenant()).into());
        members.insert("aud".to_owned(), client_id.into());
        members.insert("iat".to_owned(), now.into());
        members.insert("exp".to_owned(), now.saturating_add(3600).into());
        members.extend(nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims))
}

fn claims(provider: OAuthProvider, person: &Person) -> Value {
    match provider {
        OAuthProvider::Google => {
            let mut claims =
                json!({"sub": person.subject(), "email": person.address(), "email_verified": true});
            if let (Some(domain), Some(members)) = (person.domain(), claims.as_object_mut()) {
                members.insert("hd".to_owned(), domain.into());
            }
            claims
        }
        OAuthProvider::Microsoft => json!({
            "sub": person.subject(),
            "oid": person.subject(),
            "tid": person.tenant(),
            "email": person.address(),
            "preferred_username": person.name(),
            "upn": person.name(),
            "ver": "2.0",
        }),
    }
}

fn issuer(provider: OAuthProvider, tenant: &str) -> String {
    match provider {
        OAuthProvider::Google => "https://accounts.google.com".to_owned(),
        OAuthProvider::Microsoft => format!("https://login.microsoftonline.com/{tenant}/v2.0"),
    }
}

/// Says whose an access token is.
pub(super) fn userinfo(shared: &Shared, request: &ReceivedRequest) -> Answer {
    let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let token = token.and_then(|token| shared.tokens.live(token));
    let person =
        token.filter(|token| token.scopes.contains("openid")).and_then(|token| shared.person(&token.address));
    match person {
        Some(person) => Answer::json(200, &claims(shared.provider(), person)),
        None => Answer::json(
            401,
            &json!({"error": "invalid_request", "error_description": "Invalid Credentials"}),
        )
        .header("WWW-Authenticate", "Bearer"),
    }
}

/// Says where everything is.
pub(super) fn discovery(provider: OAuthProvider, endpoints: &OAuthEndpoints, tenant: &str) -> Answer {
    let url = |endpoint: &Option<_>| endpoint.as_ref().map(crate::settings::Endpoint::url);
    let tenant = if matches!(tenant, "common" | "organizations") { "{tenantid}" } else { tenant };
    Answer::json(
        200,
        &json!({
            "issuer": issuer(provider, tenant),
            "authorization_endpoint": endpoints.authorize.url(),
            "token_endpoint": endpoints.token.url(),
            "revocation_endpoint": url(&endpoints.revoke),
            "userinfo_endpoint": url(&endpoints.userinfo),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }),
    )
}
