//! Accounts that sign in with their provider (OAuth), from the first step to the last.

use super::PracticeMail;
use super::authorize_view::{
    AdminConsent, Approval, AuthorizationOutcome, AuthorizationRequest, AuthorizationUrl, Purpose, SendBy,
};
use super::check::hinted;
use super::view::{Connected, Viewer};
use crate::connect::{Errand, Redeemed};
use crate::contract::{AccountRecord, AccountState, Credential, NewAccount, User};
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::{
    AuthorizationPrompt, Callback, Refusal, RefusalStage, Resource, TokenFailure, not_granted,
};
use crate::settings::{
    AccountSettings, Login, OAuthProvider, Outgoing, PracticeSettings, Reading, SignIn, Way,
};
use crate::types::{AccountId, Address, PracticeId, UserId};

impl PracticeMail {
    /// Begins connecting a user's account with their provider's own sign-in: answers where to send their browser. The provider
    /// tells them what is asked for, lets them allow or deny it, and sends the browser back to the registration's redirect URI;
    /// its query goes to [`complete_authorization`](Self::complete_authorization).
    ///
    /// Beginning again voids what was begun before; an account that is connected stays as it is until the new consent is there.
    ///
    /// # Errors
    /// [`SwitchedOff`](ErrorKind::SwitchedOff) where the practice has switched the way off;
    /// [`ApplicationMisconfigured`](ErrorKind::ApplicationMisconfigured) where nobody registered with the provider;
    /// [`Forbidden`](ErrorKind::Forbidden), [`NotFound`](ErrorKind::NotFound); storage kinds.
    pub async fn authorize(
        &self,
        practice: &PracticeId,
        user: &UserId,
        request: AuthorizationRequest,
    ) -> Result<AuthorizationUrl> {
        let person = self.active_user(practice, user).await?;
        let settings = self.allowing(practice, way_of(request.provider)).await?;
        let account = self.own_account_id(practice, user, request.account.clone()).await?;
        let own = Address::parse(&person.address)?;
        let mailbox = request.mailbox.clone().unwrap_or_else(|| own.clone());
        let until = settings.awaiting_approval.get(&domain_of(&mailbox));
        let awaits = until.is_some_and(|until| *until > self.clock.now().as_unix());
        let purpose = narrowed(&request, awaits);
        if request.send_by == SendBy::Graph && mailbox.key() != own.key() {
            // It has one mailbox, that of who signed in.
            return Err(Error::new(ErrorKind::Invalid, "Microsoft Graph sends from one's own mailbox only"));
        }
        let errand = Errand {
            provider: request.provider,
            account: account.clone(),
            mailbox: mailbox.to_string(),
            resources: resources(request.provider, purpose, request.send_by),
            // Who asked for sending alone is not read one day without having been asked.
            otherwise: if request.purpose == Purpose::Send { Reading::Off } else { Reading::Pends },
        };
        let mut prompt = AuthorizationPrompt::new().address(own);
        let client = self.connections.client_of(practice, request.provider).await?;
        let shell = Self::account_of(practice, user, &errand, &client.registration().servers.imap)?;
        self.same_mailbox(&shell, self.record(practice, &account).await?.as_ref()).await?;
        let known = self.connections.known_grant(&shell).await?.filter(|g| g.provider == request.provider);
        // A refresh token that lives stays good; without one, Google gives another only where consent is asked for anew.
        if !known.as_ref().is_some_and(|g| g.lives && g.client_id == client.registration().client_id) {
            prompt = prompt.anew();
        }
        prompt = prompt.claims(known.and_then(|grant| grant.claims));
        let url = self.connections.set_out((practice, user), &errand, prompt).await?;
        Ok(AuthorizationUrl { url, purpose })
    }

    /// Ends connecting: takes the query the browser came back with, of the user who is signed in to the host *now*. A query
    /// that another user brings back, or that is brought back twice, is [`AuthorizationOutcome::Expired`].
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for a query that is no answer; [`ApplicationMisconfigured`](ErrorKind::ApplicationMisconfigured) and
    /// [`BlockedByPolicy`](ErrorKind::BlockedByPolicy) as the provider says; connection kinds while the code is redeemed; of a shared mailbox,
    /// the kinds of the sign-in; storage kinds. After an error the user starts again: a code is of no use a second time.
    ///
    /// # Cancel safety
    /// Dropping the future may lose the code, as an error does.
    pub async fn complete_authorization(
        &self,
        practice: &PracticeId,
        user: &UserId,
        query: &str,
    ) -> Result<AuthorizationOutcome> {
        let callback = Callback::parse(query)?;
        let person = self.active_user(practice, user).await?;
        let returned = self.connections.come_back(practice, user, callback.state()).await?;
        let Some(returned) = returned else { return Ok(AuthorizationOutcome::Expired) };
        let (errand, provider) = (&returned.errand, returned.errand.provider);
        // Much can have happened while they were away.
        self.allowing(practice, way_of(provider)).await?;
        self.own_account_id(practice, user, Some(errand.account.clone())).await?;
        let code = match callback {
            Callback::Code { code, .. } => code,
            Callback::Refused { error, description, .. } => {
                let refusal = Refusal::of(provider, RefusalStage::Redirect, &error, &description);
                return self.refused(practice, errand, &refusal, &error).await;
            }
            Callback::AdminConsent { .. } => return Ok(AuthorizationOutcome::Expired),
        };
        let redeemed = match returned.redeem(&code).await {
            Ok(redeemed) => redeemed,
            Err(TokenFailure::Refused(refusal)) => {
                return self.refused(practice, errand, &refusal, &refusal.code).await;
            }
            Err(TokenFailure::Failed(error)) => return Err(error),
        };
        let missing = not_granted(provider, &errand.resources, redeemed.tokens.scopes.as_ref());
        let outcome = match Self::rejected(&person, errand, &redeemed)? {
            Some(outcome) => outcome,
            None if missing.is_empty() => {
                return self.connect_authorized(practice, user, errand, &redeemed).await;
            }
            None => {
                let mut missing: Vec<_> = missing.iter().filter_map(|r| r.scope(provider)).collect();
                missing.dedup();
                AuthorizationOutcome::MissingScopes { missing }
            }
        };
        // Nothing is kept, here or there.
        self.connections.give_back(practice, &redeemed).await;
        Ok(outcome)
    }

    /// Where an administrator of the practice's Microsoft tenant consents for everybody: to be passed on to them. Good for
    /// thirty days.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for a provider that has no such page; as [`authorize`](Self::authorize).
    pub async fn admin_consent_url(&self, practice: &PracticeId, provider: OAuthProvider) -> Result<String> {
        let client = self.connections.client_of(practice, provider).await?;
        let state = self.connections.admin_state(practice).await?;
        let wanted = [Resource::Imap, Resource::Smtp];
        client.admin_consent_url(&wanted, state.expose()).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "the provider has no page for administrators' consent")
        })
    }

    /// Takes the query an administrator's browser came back with. Nobody needs to be signed in to the host for it.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for a query that is no answer; storage kinds.
    pub async fn complete_admin_consent(&self, practice: &PracticeId, query: &str) -> Result<AdminConsent> {
        let callback = Callback::parse(query)?;
        if !self.connections.is_admin_state(practice, callback.state()).await? {
            return Ok(AdminConsent::Expired);
        }
        let Callback::AdminConsent { .. } = callback else { return Ok(AdminConsent::Denied) };
        self.settle(practice, &Viewer::System { reason: "an administrator consented" }, |settings| {
            settings.awaiting_approval.clear();
        })
        .await?;
        Ok(AdminConsent::Granted)
    }

    /// What a refusal comes to for the user.
    async fn refused(
        &self,
        practice: &PracticeId,
        errand: &Errand,
        refusal: &Refusal,
        error: &str,
    ) -> Result<AuthorizationOutcome> {
        // Only accounts of the organisation may sign in (support.google.com/cloud/answer/15549945).
        if error == "org_internal" {
            return Ok(AuthorizationOutcome::PersonalAccountNeedsSmtpImap);
        }
        match refusal.kind {
            ErrorKind::ConsentDenied => Ok(AuthorizationOutcome::Denied),
            ErrorKind::AdministratorApproval => {
                let microsoft = errand.provider == OAuthProvider::Microsoft;
                let reads = errand.resources.contains(&Resource::Imap);
                if microsoft && reads {
                    let domain = domain_of(&Address::parse(&errand.mailbox)?);
                    self.remember_waiting(practice, &domain).await?;
                }
                let approval = self.approval(practice, errand.provider, microsoft && reads).await?;
                Ok(AuthorizationOutcome::AdministratorMustApprove(approval))
            }
            _ => Err(refusal.error()),
        }
    }

    async fn approval(
        &self,
        practice: &PracticeId,
        provider: OAuthProvider,
        sends_meanwhile: bool,
    ) -> Result<Approval> {
        let client = self.connections.client_of(practice, provider).await?;
        let registration = client.registration();
        Ok(match provider {
            OAuthProvider::Google => Approval {
                how: format!(
                    "A Google Workspace administrator opens the Admin console at Security, Access and data control, API \
                     controls, Manage third-party app access, adds the app with the client id {} and sets it to Trusted.",
                    registration.client_id
                ),
                url: None,
                sends_meanwhile: false,
            },
            OAuthProvider::Microsoft => Approval {
                how: "A Microsoft 365 administrator opens the link and accepts for the whole organisation."
                    .to_owned(),
                url: self.admin_consent_url(practice, provider).await.ok(),
                sends_meanwhile,
            },
        })
    }

    /// Why an account that signed in is not connected, if it is not.
    fn rejected(person: &User, errand: &Errand, redeemed: &Redeemed) -> Result<Option<AuthorizationOutcome>> {
        let identity = &redeemed.identity;
        if let Some(domain) = &redeemed.client.registration().internal_domain
            && !identity.hosted_domain.as_deref().is_some_and(|hosted| hosted.eq_ignore_ascii_case(domain))
        {
            return Ok(Some(AuthorizationOutcome::PersonalAccountNeedsSmtpImap));
        }
        let own = Address::parse(&person.address)?;
        let aliases = person.aliases.iter().filter_map(|alias| Address::parse(alias).ok());
        let mailbox = Address::parse(&errand.mailbox)?;
        // Who connects a shared mailbox signs in as themselves: that they may is proved by the mailbox opening.
        let expected = std::iter::once(own.clone()).chain(aliases);
        if expected.into_iter().any(|address| identity.is(&address.key())) || identity.is(&mailbox.key()) {
            return Ok(None);
        }
        Ok(Some(AuthorizationOutcome::WrongAccount { expected: own }))
    }

    /// Keeps the grant and connects the account.
    async fn connect_authorized(
        &self,
        practice: &PracticeId,
        user: &UserId,
        errand: &Errand,
        redeemed: &Redeemed,
    ) -> Result<AuthorizationOutcome> {
        let registration = redeemed.client.registration();
        let shell = Self::account_of(practice, user, errand, &registration.servers.imap)?;
        let before = self.record(practice, &errand.account).await?;
        self.same_mailbox(&shell, before.as_ref()).await?;
        // The same account keeps its cursors; another would take over an archive that is not its own (B12). Only one
        // registration's subjects can be compared: Microsoft numbers people for each.
        let known = self.connections.known_grant(&shell).await?;
        let of_this =
            known.filter(|g| g.provider == errand.provider && g.client_id == registration.client_id);
        if of_this.is_some_and(|grant| grant.subject != redeemed.identity.subject) {
            self.connections.give_back(practice, redeemed).await;
            return Ok(AuthorizationOutcome::WrongAccount { expected: shell.address });
        }
        let mut account = NewAccount { settings: settings_of(errand, redeemed, before.as_ref())?, ..shell };
        let own = redeemed.identity.is(&account.address.key());
        let mut proof = self.prove(&account, errand, redeemed).await;
        // Some tenants know their people by the principal name only.
        if let (Err(_), true, Some(name)) = (&proof, own, &redeemed.identity.principal_name) {
            let by_name = signing_in_as(&account, name)?;
            if let proved @ Ok(_) = self.prove(&by_name, errand, redeemed).await {
                (account, proof) = (by_name, proved);
            }
        }
        let (sent_mailbox, problem) = match proof {
            Ok(sent_mailbox) => (sent_mailbox, None),
            // Consent to a mailbox of one's own is not to be given anew because an administrator has to switch IMAP on first.
            // Another's is proved by its opening only.
            Err(problem) if own => (None, Some(problem)),
            Err(problem) => {
                self.connections.give_back(practice, redeemed).await;
                return Err(problem);
            }
        };
        self.connections.can_keep(practice, &account.id).await?;
        if self.take_out_of_use(&account, before.as_ref()).await?
            && before.is_some_and(|record| record.account.settings.sign_in != account.settings.sign_in)
        {
            // What it signed in with before is of no use any more.
            self.connections.forget(practice, &account.id).await?;
        }
        self.connections.keep_grant(&account, redeemed, &errand.resources).await?;
        self.storage.mail.connect(&account).await?;
        if errand.resources.contains(&Resource::Imap) {
            self.reading_was_allowed(practice, &account.address).await?;
        }
        Ok(AuthorizationOutcome::Connected(Connected {
            account: account.id,
            user: account.user,
            address: account.address,
            checked: problem.is_none() && errand.resources != [Resource::GraphSend],
            reading: account.settings.reading,
            sent_mailbox,
            problem,
        }))
    }

    /// Opens what the consent is for: the inbox, or else a session that could send; answers the Sent mailbox found. Microsoft
    /// Graph has nothing to open: whose mailbox it sends from, the token alone says.
    async fn prove(
        &self,
        account: &NewAccount,
        errand: &Errand,
        redeemed: &Redeemed,
    ) -> Result<Option<String>> {
        let credential = Credential::Token(redeemed.tokens.access.clone());
        if account.settings.reading == Reading::Allowed && errand.resources.contains(&Resource::Imap) {
            return self.try_reading(&account.settings, &credential).await;
        }
        if let (Some(protocols), Some(outgoing @ Outgoing::Smtp { .. })) =
            (&self.protocols, &account.settings.outgoing)
        {
            let tried = protocols.reach_outgoing(outgoing, &credential).await;
            tried.map_err(|error| hinted(error, outgoing.server(), &credential))?;
        }
        Ok(None)
    }

    /// What the practice has settled, if it has this way switched on.
    pub(super) async fn allowing(&self, practice: &PracticeId, way: Way) -> Result<PracticeSettings> {
        let settings = self.storage.mail.practice_settings(practice).await?;
        if settings.allows(way) {
            return Ok(settings);
        }
        Err(Error::new(ErrorKind::SwitchedOff, "the practice has switched this way off"))
    }

    /// The account an errand is about, with settings of a first connecting.
    fn account_of(
        practice: &PracticeId,
        user: &UserId,
        errand: &Errand,
        imap: &crate::settings::ServerSettings,
    ) -> Result<NewAccount> {
        let mailbox = Address::parse(&errand.mailbox)?;
        let settings = AccountSettings::new(imap.clone(), Login::new(&errand.mailbox)?)
            .authorized_by(errand.provider)
            .reading(Reading::Pends);
        Ok(NewAccount::new(practice.clone(), errand.account.clone(), user.clone(), mailbox, settings))
    }

    pub(super) async fn record(
        &self,
        practice: &PracticeId,
        account: &AccountId,
    ) -> Result<Option<AccountRecord>> {
        let accounts = self.storage.mail.accounts(practice).await?;
        Ok(accounts.into_iter().find(|record| record.account.id == *account))
    }

    async fn remember_waiting(&self, practice: &PracticeId, domain: &str) -> Result<()> {
        let host = Viewer::System { reason: "reading waits for an administrator of the tenant" };
        let until = self.clock.now().plus(REMEMBERED).as_unix();
        self.settle(practice, &host, |settings| {
            settings.awaiting_approval.insert(domain.to_owned(), until);
        })
        .await
    }

    /// Forgets that accounts of this domain wait.
    pub(super) async fn reading_was_allowed(&self, practice: &PracticeId, address: &Address) -> Result<()> {
        let (host, domain) = (Viewer::System { reason: "reading was allowed" }, domain_of(address));
        self.settle(practice, &host, |settings| {
            settings.awaiting_approval.remove(&domain);
        })
        .await
    }
}

/// How long users of a domain are not asked for reading again, in seconds, unless it was allowed meanwhile: a week.
const REMEMBERED: i64 = 7 * 86_400;

const fn way_of(provider: OAuthProvider) -> Way {
    match provider {
        OAuthProvider::Google => Way::Gmail,
        OAuthProvider::Microsoft => Way::Microsoft365,
    }
}

/// The domain that stands for an account's tenant.
pub(super) fn domain_of(address: &Address) -> String {
    address.domain().to_string()
}

/// What can be asked for now.
const fn narrowed(request: &AuthorizationRequest, awaits: bool) -> Purpose {
    let microsoft = matches!(request.provider, OAuthProvider::Microsoft);
    match request.purpose {
        // Google's one scope opens both.
        _ if !microsoft => Purpose::ReadAndSend,
        Purpose::ReadAndSend if awaits || matches!(request.send_by, SendBy::Graph) => Purpose::Send,
        purpose => purpose,
    }
}

fn resources(provider: OAuthProvider, purpose: Purpose, send_by: SendBy) -> Vec<Resource> {
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
fn signing_in_as(account: &NewAccount, name: &Address) -> Result<NewAccount> {
    let mut account = account.clone();
    let name = Login::new(&name.to_string())?;
    if let Some(Outgoing::Smtp { login, .. }) = &mut account.settings.outgoing {
        login.clone_from(&name);
    }
    account.settings.incoming_login = name;
    Ok(account)
}

/// The settings an account has after this consent: what was chosen before stays, and what was consented to before.
fn settings_of(
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
