//! What signing in with a provider asks and answers.

use std::fmt;

use super::view::Connected;
use crate::error::{Advice, Error, ErrorKind};
use crate::settings::OAuthProvider;
use crate::types::{AccountId, Address};

/// What consent is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// To read and to send.
    #[default]
    ReadAndSend,
    /// To send only: at Microsoft a user can give it although reading takes an administrator.
    Send,
    /// To read only, beside what was given before.
    Read,
}

/// By what an account at Microsoft sends. Google has SMTP alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendBy {
    /// SMTP submission.
    #[default]
    Smtp,
    /// Microsoft Graph, which needs no SMTP AUTH in the tenant. One consent cannot be for Graph and for IMAP: reading is asked
    /// for apart.
    Graph,
}

/// A user is going to sign in with their provider.
///
/// ```
/// use practicemail::practice_mail::{AuthorizationRequest, Purpose};
/// let request = AuthorizationRequest::microsoft().purpose(Purpose::Send);
/// # let _ = request;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// With whom.
    pub provider: OAuthProvider,
    /// The account's id; the user's id by default.
    pub account: Option<AccountId>,
    /// The address of the mailbox, where it is not the user's own: a shared mailbox (Microsoft) they have full access to.
    pub mailbox: Option<Address>,
    /// What consent is asked for.
    pub purpose: Purpose,
    /// By what it sends.
    pub send_by: SendBy,
}

impl AuthorizationRequest {
    /// Sign in with Google, for Gmail and Google Workspace.
    pub fn google() -> Self {
        Self::new(OAuthProvider::Google)
    }

    /// Sign in with Microsoft, for Microsoft 365 and Outlook.com.
    pub fn microsoft() -> Self {
        Self::new(OAuthProvider::Microsoft)
    }

    fn new(provider: OAuthProvider) -> Self {
        Self {
            provider,
            account: None,
            mailbox: None,
            purpose: Purpose::default(),
            send_by: SendBy::default(),
        }
    }

    /// Chooses the account's id: a user may have several.
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Connects a shared mailbox instead of the user's own.
    pub fn mailbox(mut self, address: Address) -> Self {
        self.mailbox = Some(address);
        self
    }

    /// Says what consent is asked for.
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Says by what it sends.
    pub fn send_by(mut self, send_by: SendBy) -> Self {
        self.send_by = send_by;
        self
    }
}

/// Where to send the user's browser.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizationUrl {
    /// The URL. It is of use to this user, within half an hour, once.
    pub url: String,
    /// What is asked for there: less than was wished where reading waits for an administrator of the tenant anyway, or cannot
    /// be asked for together with sending.
    pub purpose: Purpose,
}

/// The URL holds the state, and whom to sign in.
impl fmt::Debug for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationUrl").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// How an administrator of the mail service lets the product in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Approval {
    /// What they have to do, in plain English.
    pub how: String,
    /// The page where they do it: to be passed on to them. Microsoft has one; in Google's Admin console they search for the
    /// client id.
    pub url: Option<String>,
    /// Whether the account can send meanwhile: authorizing once more asks the user for that much, and reading begins by itself
    /// when the administrator was there.
    pub sends_meanwhile: bool,
}

/// The URL holds the state.
impl fmt::Debug for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approval").field("sends_meanwhile", &self.sends_meanwhile).finish_non_exhaustive()
    }
}

/// What became of a user who was sent to their provider. This is all there is: what does not fit one of these is an error.
#[derive(Debug)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a host shows every one of these; a new one has to break its build"
)]
pub enum AuthorizationOutcome {
    /// The account is connected.
    Connected(Connected),
    /// The user said no. Nothing was kept.
    Denied,
    /// A personal account, or one of another organisation, where only the own organisation's can be connected: it can be
    /// connected by SMTP/IMAP with an app password. Nothing was kept.
    PersonalAccountNeedsSmtpImap,
    /// Their organisation wants an administrator to allow the product first. Nothing was kept.
    AdministratorMustApprove(Approval),
    /// Another account signed in than the one that was expected. Nothing was kept.
    WrongAccount {
        /// The address that was expected.
        expected: Address,
    },
    /// The user left a box unticked. Nothing was kept.
    MissingScopes {
        /// What was not granted.
        missing: Vec<&'static str>,
    },
    /// The user was away too long, came back twice, or set out anew meanwhile: they start again.
    Expired,
}

impl AuthorizationOutcome {
    /// A stable name in lower case.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Connected(_) => "connected",
            Self::Denied => "denied",
            Self::PersonalAccountNeedsSmtpImap => "personal_account_needs_smtp_imap",
            Self::AdministratorMustApprove(_) => "administrator_must_approve",
            Self::WrongAccount { .. } => "wrong_account",
            Self::MissingScopes { .. } => "missing_scopes",
            Self::Expired => "expired",
        }
    }

    /// Words for the user; none where all is well.
    pub const fn advice(&self) -> Option<Advice> {
        use crate::error::Who;
        Some(match self {
            Self::Connected(_) => return None,
            Self::Denied => ErrorKind::ConsentDenied.advice(),
            Self::PersonalAccountNeedsSmtpImap => Advice::new(
                "This is a personal account, or one of another organisation; only your organisation's can be connected here.",
                "Connect it with your SMTP/IMAP settings instead, and an app password.",
                Who::User,
            ),
            Self::AdministratorMustApprove(_) => ErrorKind::AdministratorApproval.advice(),
            Self::WrongAccount { .. } => ErrorKind::WrongAccount.advice(),
            Self::MissingScopes { .. } => ErrorKind::ConsentMissing.advice(),
            Self::Expired => Advice::new(
                "The sign-in took too long, or was begun anew meanwhile.",
                "Start connecting the account again.",
                Who::User,
            ),
        })
    }
}

/// What became of an administrator who was sent to consent for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdminConsent {
    /// They consented: accounts that waited are read from the next pass on.
    Granted,
    /// They did not.
    Denied,
    /// The link was not this practice's, or is too old.
    Expired,
}

/// What happens to the archive of an account that is disconnected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Archived {
    /// It stays the practice's record.
    Keep,
    /// What no other account has a copy of is erased; an administrator's, or the host's, decision. Messages that were sent with
    /// the crate stay, with the outbox that says what became of them.
    Erase,
}

/// What became of a grant at its provider.
#[derive(Debug)]
#[non_exhaustive]
pub enum Revocation {
    /// The account had none: it signed in with a password.
    NoGrant,
    /// The provider has ended it.
    Revoked,
    /// Another account of the practice uses the same person's grant to the same registration: it lives on.
    StillUsed,
    /// The provider has no place where grants are given back (Microsoft). The tokens are erased here; the user can withdraw
    /// the permission at <https://myaccount.microsoft.com> under *Apps*, an administrator under *Enterprise applications*.
    NotOffered,
    /// The provider could not be told. The tokens are erased here all the same.
    Failed(Error),
}

/// An account that was disconnected.
#[derive(Debug)]
#[non_exhaustive]
pub struct Disconnected {
    /// What became of its grant.
    pub revocation: Revocation,
}
