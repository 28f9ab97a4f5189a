//! Accounts that sign in with their provider (OAuth), from the first step to the last.

use super::PracticeMail;
use super::admin_consent::domain_of;
use super::authorize_view::{AuthorizationOutcome, AuthorizationRequest, AuthorizationUrl, Purpose, SendBy};
use super::check::hinted;
use super::consent::{narrowed, resources, settings_of, signing_in_as, way_of};
use super::privacy::as_closed_as;
use super::view::Connected;
use crate::connect::{Errand, Redeemed};
use crate::contract::{Credential, NewAccount, User};
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::{
    AuthorizationPrompt, Callback, Refusal, RefusalStage, Resource, TokenFailure, not_granted,
};
use crate::settings::{AccountSettings, Login, OAuthProvider, Outgoing, PracticeSettings, Reading, Way};
use crate::types::{Address, PracticeId, UserId};

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
    /// [`Forbidden`](ErrorKind::Forbidden), [`NotFound`](ErrorKind::NotFound); [`Invalid`](ErrorKind::Invalid) for another mailbox under the
    /// id of an account that is there, and for Graph with a mailbox that is not one's own; storage kinds.
    ///
    /// # Cancel safety
    /// It is begun, or it is not; what was begun before may be void either way.
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
        account.settings = as_closed_as(account.settings, before.as_ref());
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
}
