//! The token endpoint (RFC 6749 §4.1.3, §6; RFC 7636 §4.6) and revocation (RFC 7009).

use std::{collections::BTreeSet, io};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    identity,
    scope::{self, DEFAULT, Resource, Scope},
    state::{Code, Grant, RefreshToken, Shared},
};
use crate::{
    settings::OAuthProvider,
    testkit::{
        base64 as standard,
        http::{Answer, Form, ReceivedRequest},
        tokens::{AccessToken, random},
    },
};

/// Why nothing is issued: status, error, words, and what Microsoft adds.
struct Refusal(u16, &'static str, &'static str, Option<&'static str>);

impl Refusal {
    const fn grant(words: &'static str) -> Self {
        Self(400, "invalid_grant", words, None)
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let Refusal(status, error, words, suberror) = refusal;
        let mut body = error_object(error, words);
        if let (Some(suberror), Some(members)) = (suberror, body.as_object_mut()) {
            members.insert("suberror".to_owned(), suberror.into());
        }
        Self::json(status, &body)
    }
}

/// An error object (RFC 6749 §5.2), with Microsoft's number where the description begins with one.
pub(super) fn error_object(error: &str, description: &str) -> Value {
    let mut object = json!({"error": error, "error_description": description});
    let number =
        description.strip_prefix("AADSTS").and_then(|rest| rest.split(':').next()?.parse::<u32>().ok());
    if let (Some(number), Some(members)) = (number, object.as_object_mut()) {
        members.insert("error_codes".to_owned(), json!([number]));
        members.insert("trace_id".to_owned(), "7c0a1f5e-0000-4000-8000-00000000abcd".into());
    }
    object
}

/// What is issued.
struct Issue {
    grant: u64,
    client_id: String,
    scopes: Vec<Scope>,
    /// What a refresh token made with it stands for.
    refresh: Option<Vec<Scope>>,
    nonce: Option<String>,
}

/// Answers a request to the token endpoint.
pub(super) fn token(shared: &Shared, request: &ReceivedRequest) -> io::Result<Answer> {
    let form = request.form();
    let kind = form.get("grant_type");
    {
        let mut state = shared.state();
        match kind {
            Some("authorization_code") => state.exchanges += 1,
            Some("refresh_token") => state.refreshes += 1,
            _ => {}
        }
    }
    let encoded =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form"));
    if request.method != "POST" || !encoded {
        return Ok(Refusal(400, "invalid_request", "A form has to be sent by POST.", None).into());
    }
    let client_id = match client(shared, request, &form) {
        Ok(client_id) => client_id,
        Err(refusal) => return Ok(refusal.into()),
    };
    let issue = match kind {
        Some("authorization_code") => exchange(shared, &form, client_id),
        Some("refresh_token") => refresh(shared, &form, client_id),
        _ => Err(Refusal(400, "unsupported_grant_type", "This grant type is not supported.", None)),
    };
    match issue {
        Ok(issue) => issued(shared, issue),
        Err(refusal) => Ok(refusal.into()),
    }
}

/// Which application asks (RFC 6749 §2.3.1): by Basic or in the body, never both.
fn client(shared: &Shared, request: &ReceivedRequest, form: &Form) -> Result<String, Refusal> {
    let in_body = form.get("client_id").zip(form.get("client_secret"));
    let basic = request.header("authorization").and_then(|value| value.strip_prefix("Basic "));
    let (id, secret) = match (basic, in_body) {
        (Some(_), Some(_)) => {
            return Err(Refusal(400, "invalid_request", "The client authenticates twice.", None));
        }
        (Some(basic), None) => by_basic(basic).unwrap_or_default(),
        (None, Some((id, secret))) => (id.to_owned(), secret.to_owned()),
        (None, None) => (form.get("client_id").unwrap_or_default().to_owned(), String::new()),
    };
    let wrong = match shared.provider() {
        OAuthProvider::Google => "Unauthorized",
        OAuthProvider::Microsoft => "AADSTS7000215: Invalid client secret provided.",
    };
    let known = shared.registration(&id).filter(|known| known.client_secret == secret);
    known.map(|known| known.client_id.clone()).ok_or(Refusal(401, "invalid_client", wrong, None))
}

fn by_basic(credentials: &str) -> Option<(String, String)> {
    let text = String::from_utf8(standard::decode(credentials.as_bytes())?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let form = Form::parse(format!("id={id}&secret={secret}").as_bytes());
    Some((form.get("id")?.to_owned(), form.get("secret")?.to_owned()))
}

fn exchange(shared: &Shared, form: &Form, client_id: String) -> Result<Issue, Refusal> {
    let bad = match shared.provider() {
        OAuthProvider::Google => Refusal::grant("Malformed auth code."),
        OAuthProvider::Microsoft => {
            Refusal::grant("AADSTS70000: The provided value for the code is not valid.")
        }
    };
    let Some(text) = form.get("code") else { return Err(bad) };
    let Some(code) = shared.state().codes.get(text).cloned() else { return Err(bad) };
    if code.redeemed {
        // RFC 6749 §4.1.2: what came of a code that is shown twice is revoked.
        shared.end(code.grant);
        return Err(match shared.provider() {
            OAuthProvider::Google => Refusal::grant("Bad Request"),
            OAuthProvider::Microsoft => Refusal::grant("AADSTS54005: The code was already redeemed."),
        });
    }
    if code.client_id != client_id || form.get("redirect_uri") != Some(&code.redirect_uri) {
        return Err(bad);
    }
    if code.expires <= shared.now() {
        return Err(match shared.provider() {
            OAuthProvider::Google => bad,
            OAuthProvider::Microsoft => Refusal::grant("AADSTS70008: The provided code is expired."),
        });
    }
    let verifier = form.get("code_verifier").unwrap_or_default();
    if !(43..=128).contains(&verifier.len()) || challenge(verifier) != code.challenge {
        return Err(match shared.provider() {
            OAuthProvider::Google => Refusal::grant("Invalid code verifier."),
            OAuthProvider::Microsoft => Refusal::grant("AADSTS501481: The code_verifier does not match."),
        });
    }
    let scopes = match form.get("scope") {
        Some(asked) => chosen(shared, asked, &code.scopes, |scope| {
            code.scopes.iter().any(|given| given.name == scope.name)
        })?,
        None => of_one_resource(&code.scopes),
    };
    let redeem = |code: &mut Code| !std::mem::replace(&mut code.redeemed, true);
    if !shared.state().codes.get_mut(text).is_some_and(redeem) {
        return Err(bad);
    }
    let refresh = code.offline.then_some(code.scopes);
    Ok(Issue { grant: code.grant, client_id, scopes, refresh, nonce: code.nonce })
}

/// The `code_challenge` of a `code_verifier` (RFC 7636 §4.2).
fn challenge(verifier: &str) -> String {
    use sha2::Digest as _;
    URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier))
}

fn refresh(shared: &Shared, form: &Form, client_id: String) -> Result<Issue, Refusal> {
    let dead = match shared.provider() {
        OAuthProvider::Google => Refusal::grant("Token has been expired or revoked."),
        OAuthProvider::Microsoft => {
            Refusal::grant("AADSTS50173: The provided grant has expired due to it being revoked.")
        }
    };
    let Some(text) = form.get("refresh_token") else { return Err(dead) };
    let (token, grant) = {
        let state = shared.state();
        let token = state.refresh_tokens.get(text).cloned();
        let found = token.and_then(|token| Some((state.grants.get(&token.grant)?.clone(), token)));
        let Some((grant, token)) = found.filter(|(grant, _)| grant.client_id == client_id) else {
            return Err(dead);
        };
        (token, grant)
    };
    let scopes = match form.get("scope") {
        Some(asked) => chosen(shared, asked, &token.scopes, |scope| may(shared, &grant, &token, scope))?,
        None => of_one_resource(&token.scopes),
    };
    if shared.rules.rotates && shared.state().refresh_tokens.remove(text).is_none() {
        return Err(dead);
    }
    let refresh = shared.rules.rotates.then_some(token.scopes);
    Ok(Issue { grant: token.grant, client_id, scopes, refresh, nonce: None })
}

/// Whether a refresh token may be redeemed for that: Google binds it to what it was issued for, Microsoft to whatever its
/// person or their administrator consented to by now.
fn may(shared: &Shared, grant: &Grant, token: &RefreshToken, scope: &Scope) -> bool {
    match shared.provider() {
        OAuthProvider::Google => token.scopes.iter().any(|given| given.name == scope.name),
        OAuthProvider::Microsoft => {
            scope.is_identity()
                || grant.scopes.contains(&scope.name)
                || shared.state().approved(&grant.person, &grant.client_id, &scope.name)
        }
    }
}

/// The scopes a request asks for, where each of them may be had and all are of one resource.
fn chosen(
    shared: &Shared,
    asked: &str,
    given: &[Scope],
    may: impl Fn(&Scope) -> bool,
) -> Result<Vec<Scope>, Refusal> {
    let unknown = scope::unknown(shared.provider());
    let asked = Scope::list(shared.provider(), asked).ok_or(Refusal(400, "invalid_scope", unknown, None))?;
    let mut resources = asked.iter().filter(|scope| !scope.is_identity()).map(|scope| scope.resource);
    let first = resources.next();
    if resources.any(|resource| Some(resource) != first) {
        let words = "AADSTS28000: The scope contains more than one resource.";
        return Err(Refusal(400, "invalid_request", words, None));
    }
    if asked.iter().any(|scope| scope.name.ends_with(DEFAULT)) {
        let all = given.iter().filter(|scope| scope.is_identity() || Some(scope.resource) == first);
        return Ok(all.cloned().collect());
    }
    match (asked.iter().all(may), shared.provider()) {
        (true, _) => Ok(asked),
        (false, OAuthProvider::Google) => Err(Refusal(400, "invalid_scope", unknown, None)),
        (false, OAuthProvider::Microsoft) => {
            let words = "AADSTS65001: The user or administrator has not consented to use the application.";
            Err(Refusal(400, "invalid_grant", words, Some("consent_required")))
        }
    }
}

/// Without a word on scopes a token is for the first resource there is.
fn of_one_resource(scopes: &[Scope]) -> Vec<Scope> {
    let resource =
        scopes.iter().find(|scope| !scope.is_identity()).map_or(Resource::Identity, |s| s.resource);
    scopes.iter().filter(|scope| scope.is_identity() || scope.resource == resource).cloned().collect()
}

fn issued(shared: &Shared, issue: Issue) -> io::Result<Answer> {
    let provider = shared.provider();
    let Some(grant) = shared.state().grants.get(&issue.grant).cloned() else {
        return Ok(Refusal::grant("The grant has ended.").into());
    };
    let now = shared.now();
    let seconds = shared.rules.access_token_seconds;
    let names: BTreeSet<String> = issue.scopes.iter().map(|scope| scope.name.clone()).collect();
    let access_token = shared.tokens.issue(AccessToken {
        address: grant.person.address().to_owned(),
        principal_name: grant.person.other_name().map(str::to_owned),
        scopes: names.clone(),
        expires: now.plus(i64::from(seconds)),
        grant: issue.grant,
    })?;
    let told: Vec<&str> = issue.scopes.iter().filter_map(|scope| scope.told(provider)).collect();
    let mut answer = json!({
        "token_type": "Bearer",
        "access_token": access_token,
        "expires_in": seconds,
        "scope": told.join(" "),
    });
    let Some(members) = answer.as_object_mut() else { return Ok(Answer::new(500)) };
    if let Some(scopes) = issue.refresh {
        let text = random(if provider == OAuthProvider::Google { "1//0" } else { "1.AX" })?;
        let token = RefreshToken { grant: issue.grant, scopes };
        shared.state().refresh_tokens.insert(text.clone(), token);
        members.insert("refresh_token".to_owned(), text.into());
    }
    if names.contains("openid") {
        let id_token = identity::id_token(shared, &grant.person, &issue.client_id, issue.nonce.as_deref());
        members.insert("id_token".to_owned(), id_token.into());
    }
    Ok(Answer::json(200, &answer).header("Cache-Control", "no-store"))
}

/// Answers a request to the revocation endpoint: the token's whole grant ends, as at Google.
pub(super) fn revoke(shared: &Shared, request: &ReceivedRequest) -> Answer {
    let (form, query) = (request.form(), request.query());
    let token = form.get("token").or_else(|| query.get("token")).unwrap_or_default();
    shared.state().revocations += 1;
    let refresh = shared.state().refresh_tokens.get(token).map(|token| token.grant);
    let Some(grant) = refresh.or_else(|| shared.tokens.grant_of(token)) else {
        return Refusal(400, "invalid_token", "Token expired or revoked", None).into();
    };
    shared.end(grant);
    Answer::json(200, &json!({}))
}
