//! What consent is asked for, and what it makes of an account. Pure.

use super::authorize_view::{AuthorizationRequest, Purpose, SendBy};
use crate::connect::{Errand, Redeemed};
use crate::contract::{AccountRecord, AccountState, NewAccount};
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::Resource;
use crate::settings::{AccountSettings, Login, OAuthProvider, Outgoing, Reading, SignIn, Way};
use crate::types::Address;

/// By which switch accounts of a provider are ruled.
pub(super) const fn way_of(provider: OAuthProvider) -> Way {
    match provider {
        OAuthProvider::Google => Way::Gmail,
        OAuthProvider::Microsoft => Way::Microsoft365,
    }
}

/// What can be asked for now.
pub(super) const fn narrowed(request: &AuthorizationRequest, awaits: bool) -> Purpose {
    let microsoft = matches!(request.provider, OAuthProvider::Microsoft);
    match request.purpose {
        // Google's one scope opens both.
        _ if !microsoft => Purpose::ReadAndSend,
        Purpose::ReadAndSend if awaits || matches!(request.send_by, SendBy::Graph) => Purpose::Send,
        purpose => purpose,
    }
}

/// What that needs tokens for.
pub(super) fn resources(provider: OAuthProvider, purpose: Purpose, send_by: SendBy) -> Vec<Resource> {
    let send = match (provider, send_by) {
        (OAuthProvider::Microsoft, SendBy::Graph) => Resource::GraphSend,
        _ => Resource::Smtp,
    };
    match purpose {
        Purpose::ReadAndSend => vec![Resource::Imap, send],
        Purpose::Send => vec![send],
        Purpose::Read => vec![Resource::Imap],
    }
}

/// The same account, with another user name.
pub(super) fn signing_in_as(account: &NewAccount, name: &Address) -> Result<NewAccount> {
    let mut account = account.clone();
    let name = Login::new(&name.to_string())?;
    if let Some(Outgoing::Smtp { login, .. }) = &mut account.settings.outgoing {
        login.clone_from(&name);
    }
    account.settings.incoming_login = name;
    Ok(account)
}

/// The settings an account has after this consent: what was chosen before stays, and what was consented to before.
pub(super) fn settings_of(
    errand: &Errand,
    redeemed: &Redeemed,
    before: Option<&AccountRecord>,
) -> Result<AccountSettings> {
    let servers = &redeemed.client.registration().servers;
    let login = Login::new(&errand.mailbox)?;
    let mut settings =
        AccountSettings::new(servers.imap.clone(), login.clone()).authorized_by(errand.provider);
    if let Some(before) = before {
        settings.sent_mailbox.clone_from(&before.account.settings.sent_mailbox);
        settings.excluded_mailboxes.clone_from(&before.account.settings.excluded_mailboxes);
        settings.limits = before.account.settings.limits;
    }
    let consented = before
        .filter(|record| record.state != AccountState::Disconnected)
        .map(|record| &record.account.settings)
        .filter(|settings| settings.sign_in == SignIn::OAuth(errand.provider));
    let reads = consented.is_some_and(|before| before.reading == Reading::Allowed);
    settings.reading = match errand.otherwise {
        // Who asked for sending alone is not to be read, whatever else their consent opens.
        Reading::Off => Reading::Off,
        _ if errand.resources.contains(&Resource::Imap) || reads => Reading::Allowed,
        otherwise => otherwise,
    };
    settings.outgoing = if errand.resources.contains(&Resource::GraphSend) {
        let nowhere =
            || Error::new(ErrorKind::ApplicationMisconfigured, "the registration names no Microsoft Graph");
        Some(Outgoing::graph(servers.graph.clone().ok_or_else(nowhere)?))
    } else if errand.resources.contains(&Resource::Smtp) {
        Some(Outgoing::smtp(servers.smtp.clone(), login))
    } else {
        consented.and_then(|before| before.outgoing.clone())
    };
    Ok(settings)
}
