//! Consent: of a person (RFC 6749 §4.1.1, RFC 7636 §4.3), of an administrator for everybody (learn.microsoft.com, "Admin
//! consent on the Microsoft identity platform").

use std::io;

use super::{
    page,
    person::Person,
    scope::{self, OFFLINE, Scope},
    state::{Approval, Code, Refuses, Shared},
};
use crate::{
    settings::OAuthProvider,
    testkit::{
        http::{Answer, Form, ReceivedRequest, with_query},
        tokens::random,
    },
};

/// How long a code can be redeemed, in seconds (RFC 6749 §4.1.2 recommends ten minutes at most).
const CODE_SECONDS: i64 = 600;
/// What Google calls its administrators' refusal.
const POLICY: &str = "admin_policy_enforced";
/// What Google answers people outside the organisation of an internal application.
const INTERNAL: &str = "org_internal";

/// An authorization request nothing is wrong with.
struct Asked {
    client_id: String,
    redirect_uri: String,
    state: Option<String>,
    scopes: Vec<Scope>,
    challenge: String,
    nonce: Option<String>,
    hint: Option<String>,
    /// Whether a refresh token is asked for at all, and even where the person has consented before.
    offline: bool,
    anew: bool,
    /// Whether what was consented to before counts too.
    include_granted: bool,
}

/// Answers a request to the authorization endpoint; `tenant` is the one its path names.
pub(super) fn authorize(shared: &Shared, request: &ReceivedRequest, tenant: &str) -> io::Result<Answer> {
    let asked = match ask(shared, &request.query()) {
        Ok(asked) => asked,
        Err(refused) => return Ok(refused),
    };
    if request.method != "POST" {
        let hint = asked.hint.as_deref();
        let page = page::consent("Choose an account", &shared.rules.persons, hint, &asked.scopes);
        return Ok(Answer::html(200, page));
    }
    let form = request.form();
    let Some(person) = form.get(page::PERSON).and_then(|address| shared.person(address)) else {
        return Ok(error_page(shared.provider(), "unknown_account", "This account does not exist."));
    };
    if let Some(refused) = refused_to(shared, &asked, person, tenant) {
        return Ok(refused);
    }
    if form.get(page::DECISION) != Some(page::ALLOW) {
        return Ok(denied(shared.provider(), &asked));
    }
    let chosen: Vec<&str> = form.all(page::SCOPE).collect();
    let scopes: Vec<Scope> = asked
        .scopes
        .iter()
        .filter(|scope| scope.is_identity() || chosen.contains(&scope.name.as_str()))
        .cloned()
        .collect();
    if let Some(refused) = needs_administrator(shared, &asked, person, &scopes) {
        return Ok(refused);
    }
    consented(shared, &asked, person, scopes)
}

/// Reads an authorization request. What is wrong with who asks is said to the person, the rest to who asked.
fn ask(shared: &Shared, query: &Form) -> Result<Asked, Answer> {
    let provider = shared.provider();
    let page = |google: &str, microsoft: &str, words: &str| {
        error_page(provider, if provider == OAuthProvider::Google { google } else { microsoft }, words)
    };
    let text = |name: &str| query.get(name).map(str::to_owned);
    let unknown = || page("invalid_client", "AADSTS700016", "The application was not found.");
    let client_id = text("client_id").ok_or_else(unknown)?;
    let registration = shared.registration(&client_id).ok_or_else(unknown)?;
    let redirect_uri = text("redirect_uri")
        .filter(|uri| *uri == registration.redirect_uri)
        .ok_or_else(|| page("redirect_uri_mismatch", "AADSTS50011", "The redirect URI does not match."))?;
    let state = text("state");
    let back = |error: &str, words: &str| back(&redirect_uri, state.as_deref(), error, words);
    if query.get("response_type") != Some("code") {
        return Err(back("unsupported_response_type", "response_type has to be code."));
    }
    if state.is_none() {
        return Err(back("invalid_request", "state is missing."));
    }
    let challenge = text("code_challenge")
        .filter(|challenge| challenge.len() == 43 && query.get("code_challenge_method") == Some("S256"))
        .ok_or_else(|| back("invalid_request", "A code_challenge by S256 is required."))?;
    let scopes = Scope::list(provider, query.get("scope").unwrap_or_default())
        .ok_or_else(|| back("invalid_scope", scope::unknown(provider)))?;
    Ok(Asked {
        offline: match provider {
            OAuthProvider::Google => query.get("access_type") == Some("offline"),
            OAuthProvider::Microsoft => scopes.iter().any(|scope| scope.name == OFFLINE),
        },
        // Microsoft hands out a refresh token every time.
        anew: provider == OAuthProvider::Microsoft
            || query.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "consent")),
        include_granted: query.get("include_granted_scopes") == Some("true"),
        nonce: text("nonce"),
        hint: text("login_hint"),
        client_id,
        state: state.clone(),
        redirect_uri: redirect_uri.clone(),
        scopes,
        challenge,
    })
}

/// Why that person cannot consent here, whatever they decide.
fn refused_to(shared: &Shared, asked: &Asked, person: &Person, tenant: &str) -> Option<Answer> {
    match shared.provider() {
        OAuthProvider::Google => {
            let outside =
                shared.rules.internal.is_some() && shared.rules.internal.as_deref() != person.domain();
            let approved = shared.state().approved(person, &asked.client_id, "");
            let blocked = shared.rules.needs_approval && person.domain().is_some() && !approved;
            let (code, words) = if outside {
                (INTERNAL, "This application is for the people of its organization only.")
            } else if blocked {
                (POLICY, "Your organization's administrator has to review this application.")
            } else {
                return None;
            };
            Some(refusal(shared, asked, code, code, words))
        }
        OAuthProvider::Microsoft => {
            let fits = match tenant {
                "common" => true,
                "organizations" => person.domain().is_some(),
                "consumers" => person.domain().is_none(),
                _ => person.domain() == Some(tenant) || person.tenant() == tenant,
            };
            let words = "This account does not belong to the tenant that was addressed.";
            (!fits).then(|| error_page(shared.provider(), "AADSTS50020", words))
        }
    }
}

/// Why an administrator has to come first.
fn needs_administrator(shared: &Shared, asked: &Asked, person: &Person, scopes: &[Scope]) -> Option<Answer> {
    if shared.provider() != OAuthProvider::Microsoft
        || !shared.rules.needs_approval
        || person.domain().is_none()
    {
        return None;
    }
    let state = shared.state();
    let approved = |scope: &Scope| state.approved(person, &asked.client_id, &scope.name);
    let missing = scopes.iter().any(|scope| scope::is_restricted(&scope.name) && !approved(scope));
    let words = "AADSTS90094: The grant requires administrator permission.";
    missing.then(|| refusal(shared, asked, "access_denied", "AADSTS90094", words))
}

fn refusal(shared: &Shared, asked: &Asked, error: &str, code: &str, words: &str) -> Answer {
    match shared.rules.refuses {
        Refuses::OnPage => error_page(shared.provider(), code, words),
        Refuses::ByRedirect => back(&asked.redirect_uri, asked.state.as_deref(), error, words),
    }
}

fn denied(provider: OAuthProvider, asked: &Asked) -> Answer {
    let state = asked.state.as_deref();
    match provider {
        OAuthProvider::Google => {
            let parameters = [("error", "access_denied"), ("state", state.unwrap_or_default())];
            Answer::redirect(&with_query(&asked.redirect_uri, &parameters))
        }
        OAuthProvider::Microsoft => {
            let words = "AADSTS65004: User declined to consent to access the app.";
            back(&asked.redirect_uri, state, "access_denied", words)
        }
    }
}

fn consented(shared: &Shared, asked: &Asked, person: &Person, mut scopes: Vec<Scope>) -> io::Result<Answer> {
    let provider = shared.provider();
    let mut state = shared.state();
    let (grant, first) = state.consent(person, &asked.client_id, &scopes);
    if asked.include_granted
        && let Some(granted) = state.grants.get(&grant)
    {
        let before = granted.scopes.iter().filter(|name| scopes.iter().all(|scope| scope.name != **name));
        let before: Vec<Scope> = before.filter_map(|name| Scope::new(provider, name)).collect();
        scopes.extend(before);
    }
    let told: Vec<&str> = scopes.iter().filter_map(|scope| scope.told(provider)).collect();
    let told = told.join(" ");
    let text = random(if provider == OAuthProvider::Google { "4/0" } else { "1.A" })?;
    let mut parameters = vec![("code", text.as_str()), ("state", asked.state.as_deref().unwrap_or_default())];
    if provider == OAuthProvider::Google {
        parameters.push(("scope", &told));
    }
    let answer = Answer::redirect(&with_query(&asked.redirect_uri, &parameters));
    let code = Code {
        grant,
        client_id: asked.client_id.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        scopes,
        nonce: asked.nonce.clone(),
        offline: asked.offline && (asked.anew || first),
        expires: shared.now().plus(CODE_SECONDS),
        redeemed: false,
    };
    state.codes.insert(text, code);
    Ok(answer)
}

/// Answers a request to where an administrator consents for everybody.
pub(super) fn admin_consent(shared: &Shared, request: &ReceivedRequest, tenant: &str) -> Answer {
    let provider = shared.provider();
    let query = request.query();
    let Some(registration) = query.get("client_id").and_then(|id| shared.registration(id)) else {
        return error_page(provider, "AADSTS700016", "The application was not found.");
    };
    let Some(uri) = query.get("redirect_uri").filter(|uri| *uri == registration.redirect_uri) else {
        return error_page(provider, "AADSTS50011", "The redirect URI does not match.");
    };
    if matches!(tenant, "common" | "consumers") {
        return error_page(provider, "AADSTS90009", "An administrator consents for one organization.");
    }
    if request.method != "POST" {
        return Answer::html(200, page::admin_consent(&shared.rules.persons));
    }
    let form = request.form();
    let person = form.get(page::PERSON).and_then(|address| shared.person(address));
    let fits = |person: &&Person| {
        tenant == "organizations" || person.domain() == Some(tenant) || person.tenant() == tenant
    };
    let Some((person, domain)) = person.filter(fits).and_then(|person| Some((person, person.domain()?)))
    else {
        return error_page(provider, "AADSTS50020", "This account does not belong to the tenant.");
    };
    let state = query.get("state");
    if form.get(page::DECISION) != Some(page::ALLOW) {
        return back(uri, state, "permission_denied", "The admin canceled the request");
    }
    let scopes = query.get("scope").unwrap_or_default();
    shared.state().approvals.push(Approval {
        domain: domain.to_owned(),
        client_id: registration.client_id.clone(),
        scopes: Scope::list(provider, scopes)
            .unwrap_or_default()
            .into_iter()
            .map(|scope| scope.name)
            .collect(),
    });
    let tenant = person.tenant();
    let mut parameters = vec![("admin_consent", "True"), ("tenant", tenant.as_str())];
    parameters.extend(state.map(|state| ("state", state)));
    parameters.extend(query.get("scope").map(|scope| ("scope", scope)));
    Answer::redirect(&with_query(uri, &parameters))
}

/// Sends the browser back with an error (RFC 6749 §4.1.2.1).
fn back(uri: &str, state: Option<&str>, error: &str, words: &str) -> Answer {
    let mut parameters = vec![("error", error), ("error_description", words)];
    parameters.extend(state.map(|state| ("state", state)));
    Answer::redirect(&with_query(uri, &parameters))
}

fn error_page(provider: OAuthProvider, code: &str, words: &str) -> Answer {
    let status = if provider == OAuthProvider::Google && code == INTERNAL { 403 } else { 400 };
    Answer::html(status, page::error(code, words))
}
