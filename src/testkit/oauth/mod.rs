//! An authorization server (RFC 6749, 7009, 7636; OIDC Core) in the manner of Google or Microsoft, and a person's browser.
//!
//! It is real HTTP on loopback: pages any browser can use, codes that are redeemed once and with their verifier, tokens that
//! the kit's mail servers take while they live. What it does wrong on demand is an [`OAuthFault`].
//!
//! ```
//! use practicemail::net::{Dialer, EgressPolicy, HttpClient, HttpRequest};
//! use practicemail::settings::OAuthProvider;
//! use practicemail::testkit::oauth::{Browser, Person, Return};
//! use practicemail::testkit::{AuthorizationServer, ImapServer, imap::Personality};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let anna = Person::new("anna@hale.example");
//! let server = AuthorizationServer::builder(OAuthProvider::Google).person(anna).start().await?;
//! let imap = ImapServer::builder().personality(Personality::Gmail).tokens(&server.tokens()).start().await?;
//!
//! // The application sends the person's browser to this URL …
//! let application = server.application();
//! let url = format!(
//!     "{}?response_type=code&client_id={}&redirect_uri={}&scope=openid+email+https://mail.google.com/\
//!      &state=s&access_type=offline&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
//!     application.endpoints.authorize.url(), application.client_id, application.redirect_uri,
//! );
//! // … where the person allows what is asked, and comes back.
//! let page = Browser::new(&server).sign_in_as("anna@hale.example").visit(&url).await?;
//! let Return::Callback(callback) = page.allow().await? else { panic!("an error page") };
//! let code = callback.parameter("code").unwrap();
//!
//! // The application redeems the code (the verifier is the one of RFC 7636 Appendix B).
//! let form = format!(
//!     "grant_type=authorization_code&code={code}&redirect_uri={}&client_id={}&client_secret={}\
//!      &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
//!     application.redirect_uri, application.client_id, server.client_secret(),
//! );
//! let request = HttpRequest::post(application.endpoints.token.path(), form)
//!     .header("content-type", "application/x-www-form-urlencoded");
//! let client = HttpClient::new(Dialer::new().egress(EgressPolicy::Any));
//! let answer = client.send(application.endpoints.token.server(), request).await.map_err(|f| f.error)?;
//! assert_eq!((answer.status, server.exchanges()), (200, 1));
//! // Its access token opens anna@hale.example at `imap` by XOAUTH2.
//! # drop(imap);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Manners
//! | | Google | Microsoft |
//! |---|---|---|
//! | refresh token | with `access_type=offline`, at the first consent or with `prompt=consent` | with `offline_access` |
//! | at each use | stays, unless told to rotate | is replaced, the one before is dead |
//! | may be redeemed for | what it was issued for | what its person or their administrator consented to by now, one resource at a time |
//! | `scope` in answers | full names, `email` as `…/auth/userinfo.email` | as asked for, without `offline_access` |
//! | revocation | ends the whole grant | has no place |
//! | who must come first | [`admin_policy_enforced`](AuthorizationServerBuilder::admin_policy_enforced) | [`tenant_requires_approval`](AuthorizationServerBuilder::tenant_requires_approval) |
//!
//! # Left out
//! Passwords of people (whoever is chosen is signed in), signatures of ID tokens (`alg` is `none`), every other grant type.

mod authorize;
mod browser;
mod fault;
mod identity;
mod page;
mod person;
mod place;
mod scope;
mod serve;
mod server;
mod state;
mod token;

pub use browser::{Browser, Callback, Page, Return};
pub use fault::{OAuthFault, OAuthPlace};
pub use person::Person;
pub use server::{AuthorizationServer, AuthorizationServerBuilder};
pub use state::Refuses;
