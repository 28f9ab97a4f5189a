//! Pages for people: forms that any browser can fill in and send back.

use super::{person::Person, scope::Scope};

/// What a box of a scope is called.
pub(super) const SCOPE: &str = "scope";
/// What the choice of a person is called.
pub(super) const PERSON: &str = "person";
/// What the buttons are called.
pub(super) const DECISION: &str = "decision";
pub(super) const ALLOW: &str = "allow";
pub(super) const DENY: &str = "deny";

/// Asks who somebody is and what they allow.
pub(super) fn consent(title: &str, persons: &[Person], hint: Option<&str>, scopes: &[Scope]) -> String {
    let boxes: String = scopes
        .iter()
        .filter(|scope| !scope.is_identity())
        .map(|scope| {
            let name = escape(&scope.name);
            format!("<p><label><input type=\"checkbox\" name=\"{SCOPE}\" value=\"{name}\" checked>{name}</label></p>\n")
        })
        .collect();
    form(title, persons, hint, &boxes)
}

/// Asks an administrator to consent for everybody.
pub(super) fn admin_consent(persons: &[Person]) -> String {
    let everybody = "<p>Consent on behalf of your organization.</p>\n";
    form("Permissions requested, review for your organization", persons, None, everybody)
}

/// Says why it does not go on. The code stands where a test finds it.
pub(super) fn error(code: &str, words: &str) -> String {
    let (code, words) = (escape(code), escape(words));
    html("Access blocked", &format!("<p>{words}</p>\n<p>Error: <code id=\"error\">{code}</code></p>\n"))
}

fn form(title: &str, persons: &[Person], hint: Option<&str>, inner: &str) -> String {
    let options: String = persons
        .iter()
        .map(|person| {
            let address = escape(person.address());
            let selected = if hint.is_some_and(|hint| person.is(hint)) { " selected" } else { "" };
            format!("<option value=\"{address}\"{selected}>{address}</option>\n")
        })
        .collect();
    html(
        title,
        &format!(
            "<form method=\"post\">\n<p><select name=\"{PERSON}\">\n{options}</select></p>\n{inner}\
             <p><button name=\"{DECISION}\" value=\"{ALLOW}\">Allow</button>\n\
             <button name=\"{DECISION}\" value=\"{DENY}\">Deny</button></p>\n</form>\n"
        ),
    )
}

fn html(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What [`escape`] made of a text, back again.
pub(super) fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
}
