//! One connection: a request read, answered, or spoiled as a fault has it.

use std::io;

use serde_json::Value;
use tokio::net::TcpStream;

use super::{
    authorize,
    fault::{OAuthFault, OAuthPlace},
    identity, place,
    state::Shared,
    token,
};
use crate::{
    error::Result as KitResult,
    settings::{OAuthEndpoints, Tenant},
    testkit::{
        http::{self, Answer, ReceivedRequest},
        listener::TlsMode,
        wire::Wire,
    },
};

/// Serves a connection until it ends.
pub(super) async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut wire = Wire::new(stream);
    if shared.tls == TlsMode::Implicit {
        wire.start_tls(&shared.certificates.acceptor()).await?;
    }
    let Some(request) = http::read(&mut wire, http::REQUEST).await? else { return Ok(()) };
    shared.state().requests.push(request.clone());
    let Some((place, tenant)) = place::of(shared.provider(), request.path()) else {
        return http::write(&mut wire, &Answer::html(404, "Not found.")).await;
    };
    let fault = shared.state().take_fault(place);
    match instead(fault.as_ref()) {
        Instead::Answer(answer) => return http::write(&mut wire, &answer).await,
        Instead::Octets(octets) => {
            wire.write(&octets).await?;
            wire.flush().await?;
            wire.close().await;
            return Ok(());
        }
        Instead::Silence => return wire.stall().await,
        Instead::Close => return Ok(()),
        Instead::Nothing => {}
    }
    let mut answer = answer(shared, &request, place, tenant)?;
    match fault {
        Some(OAuthFault::AnswerLost) => return Ok(()),
        Some(OAuthFault::Late(by)) => tokio::time::sleep(by).await,
        Some(fault) => answer.spoil(|body| spoiled(&fault, body)),
        None => {}
    }
    http::write(&mut wire, &answer).await
}

fn answer(shared: &Shared, request: &ReceivedRequest, place: OAuthPlace, tenant: &str) -> io::Result<Answer> {
    Ok(match place {
        OAuthPlace::Authorize => authorize::authorize(shared, request, tenant)?,
        OAuthPlace::AdminConsent => authorize::admin_consent(shared, request, tenant),
        OAuthPlace::Token => token::token(shared, request)?,
        OAuthPlace::Revocation => token::revoke(shared, request),
        OAuthPlace::UserInfo => identity::userinfo(shared, request),
        OAuthPlace::Discovery => {
            let endpoints = at(shared, request, tenant).map_err(io::Error::other)?;
            identity::discovery(shared.provider(), &endpoints, tenant)
        }
    })
}

/// The server's places as whoever asks has reached it.
fn at(shared: &Shared, request: &ReceivedRequest, tenant: &str) -> KitResult<OAuthEndpoints> {
    let scheme = if shared.tls == TlsMode::Plain { "http" } else { "https" };
    let origin = format!("{scheme}://{}", request.header("host").unwrap_or("localhost"));
    place::endpoints(shared.provider(), &origin, None, &Tenant::Of(tenant.to_owned()))
}

/// What is done in place of what should be.
enum Instead {
    Nothing,
    Answer(Answer),
    Octets(Vec<u8>),
    Silence,
    Close,
}

fn instead(fault: Option<&OAuthFault>) -> Instead {
    match fault {
        Some(OAuthFault::Refuse { status, error, description }) => {
            Instead::Answer(Answer::json(*status, &token::error_object(error, description)))
        }
        Some(OAuthFault::InteractionRequired { claims }) => {
            let words = "AADSTS50076: You must use multi-factor authentication to access the resource.";
            let mut object = token::error_object("interaction_required", words);
            if let Some(members) = object.as_object_mut() {
                members.insert("claims".to_owned(), claims.as_str().into());
                members.insert("suberror".to_owned(), "basic_action".into());
            }
            Instead::Answer(Answer::json(400, &object))
        }
        Some(OAuthFault::Answer(octets)) => Instead::Octets(octets.clone()),
        Some(OAuthFault::HtmlError) => {
            Instead::Answer(Answer::html(500, "<html><body>That\u{2019}s an error.</body></html>"))
        }
        Some(OAuthFault::Redirect(url)) => Instead::Answer(Answer::redirect(url)),
        Some(OAuthFault::Silence) => Instead::Silence,
        Some(OAuthFault::Close) => Instead::Close,
        _ => Instead::Nothing,
    }
}

/// The body as a fault leaves it.
fn spoiled(fault: &OAuthFault, body: &[u8]) -> Vec<u8> {
    let mut object: Value = serde_json::from_slice(body).unwrap_or_default();
    match fault {
        OAuthFault::MalformedJson => return body.get(..body.len() / 2).unwrap_or_default().to_vec(),
        OAuthFault::HugeBody(octets) => {
            let filler: Value = "x".repeat(*octets).into();
            object.as_object_mut().map(|members| members.insert("filler".to_owned(), filler));
        }
        OAuthFault::ExpiresInAsText => {
            let seconds = object.get("expires_in").map(Value::to_string);
            let told = object.as_object_mut().zip(seconds);
            told.map(|(members, seconds)| members.insert("expires_in".to_owned(), seconds.into()));
        }
        OAuthFault::Without(member) => {
            object.as_object_mut().map(|members| members.remove(*member));
        }
        _ => return body.to_vec(),
    }
    object.to_string().into_bytes()
}
