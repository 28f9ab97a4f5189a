//! What a practice settles for all its users: the ways that are switched on, its noreply address, its own registrations.

use super::PracticeMail;
use super::send_view::NoreplyRequest;
use super::view::Viewer;
use crate::contract::{Role, SettingsChange};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{
    ApplicationRegistration, Noreply, OAuthProvider, PracticeSettings, Provider, Way, typed,
};
use crate::types::{Entered, PracticeId, UserId};

/// How often a change is made anew where another one came first. Administrators are few, and none of them is a program.
const TRIES: u32 = 8;

/// Where a switch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Switch {
    /// Accounts are connected, read and sent from in this way.
    On,
    /// They are not.
    Off,
}

impl PracticeMail {
    /// What a practice has settled; no secret is in it.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings> {
        self.storage.mail.practice_settings(practice).await
    }

    /// Switches a way of connecting on or off (S5). Off, its accounts are neither read nor sent from, at once and in every
    /// process; what was archived from them is kept, and [`status`](Self::status) says so (S7). On again, they go on where they
    /// were.
    ///
    /// # Errors
    /// [`Forbidden`](ErrorKind::Forbidden) for anybody but an active administrator or the host itself (S6);
    /// [`Busy`](ErrorKind::Busy) while others keep changing the settings; storage kinds.
    ///
    /// # Cancel safety
    /// It is done, or it is not.
    ///
    /// ```
    /// use practicemail::PracticeMail;
    /// use practicemail::error::Result;
    /// use practicemail::practice_mail::{Switch, Viewer};
    /// use practicemail::settings::Way;
    /// use practicemail::types::{PracticeId, UserId};
    ///
    /// async fn no_gmail(mail: &PracticeMail, practice: &PracticeId, anna: UserId) -> Result<()> {
    ///     mail.switch(practice, &Viewer::User(anna), Way::Gmail, Switch::Off).await
    /// }
    /// ```
    pub async fn switch(&self, practice: &PracticeId, by: &Viewer, way: Way, to: Switch) -> Result<()> {
        let turn = |settings: &mut PracticeSettings| match to {
            Switch::On => _ = settings.switched_off.remove(&way),
            Switch::Off => _ = settings.switched_off.insert(way),
        };
        self.settle(practice, by, turn).await
    }

    /// Registers the practice's own application with a provider, in place of the product's (B2). Its client secret is sealed; where
    /// it is unchanged, the one stored before stays, unless the client id or the token endpoint is another: a secret is for
    /// those it was given for, and for no others. A public client has none.
    ///
    /// # Errors
    /// As [`switch`](Self::switch); [`KeyUnavailable`](ErrorKind::KeyUnavailable).
    ///
    /// # Cancel safety
    /// Dropped half-way, the registration may stand without its secret; registering again completes it.
    ///
    /// ```
    /// use practicemail::PracticeMail;
    /// use practicemail::error::Result;
    /// use practicemail::practice_mail::Viewer;
    /// use practicemail::settings::ApplicationRegistration;
    /// use practicemail::types::{Entered, PracticeId, UserId};
    ///
    /// /// What the form's fields held when it was posted.
    /// async fn own_google(mail: &PracticeMail, practice: &PracticeId, anna: UserId, form: [&str; 3]) -> Result<()> {
    ///     let [client_id, redirect_uri, secret] = form;
    ///     let own = ApplicationRegistration::google(client_id, redirect_uri)?.internal("hale.example");
    ///     mail.register_application(practice, &Viewer::User(anna), own, Entered::posted(secret)).await
    /// }
    /// ```
    pub async fn register_application(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        registration: ApplicationRegistration,
        secret: Entered,
    ) -> Result<()> {
        let provider = registration.provider;
        let register = |settings: &mut PracticeSettings| {
            settings.registrations.insert(provider, registration.clone());
        };
        self.settle(practice, by, register).await?;
        match secret {
            Entered::New(secret) => self.connections.keep_client_secret(practice, provider, &secret).await,
            Entered::Unchanged => Ok(()),
        }
    }

    /// Removes the practice's own registration, and its secret: the product's serves from now on.
    ///
    /// # Errors
    /// As [`switch`](Self::switch).
    pub async fn unregister_application(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        provider: OAuthProvider,
    ) -> Result<()> {
        let unregister = |settings: &mut PracticeSettings| _ = settings.registrations.remove(&provider);
        self.settle(practice, by, unregister).await
    }

    /// Sets or removes the address mail leaves from when its author has no account. Its password is sealed; where it is unchanged,
    /// the one stored before stays, unless the way is another.
    ///
    /// # Errors
    /// As [`register_application`](Self::register_application).
    ///
    /// # Cancel safety
    /// Dropped half-way, the address may stand without its password; setting it again completes it.
    ///
    /// ```
    /// use practicemail::PracticeMail;
    /// use practicemail::error::Result;
    /// use practicemail::practice_mail::{NoreplyRequest, Viewer};
    /// use practicemail::settings::{Login, Outgoing, ServerSettings, TlsMode};
    /// use practicemail::types::{Address, Entered, PracticeId, UserId};
    ///
    /// async fn noreply(mail: &PracticeMail, practice: &PracticeId, anna: UserId, password: &str) -> Result<()> {
    ///     let server = ServerSettings::new("smtp.hale.example", 465, TlsMode::Implicit)?;
    ///     let way = Outgoing::smtp(server, Login::new("noreply")?);
    ///     let address = Address::parse("noreply@hale.example")?;
    ///     let request = NoreplyRequest::new(&address, way, Entered::posted(password));
    ///     mail.set_noreply(practice, &Viewer::User(anna), Some(request)).await
    /// }
    /// ```
    pub async fn set_noreply(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        request: Option<NoreplyRequest>,
    ) -> Result<()> {
        let noreply = request.as_ref().map(|request| &request.noreply);
        let provider = noreply.and_then(|noreply| Provider::of_server(noreply.outgoing.server().host()));
        self.settle(practice, by, |settings| settings.noreply = noreply.cloned()).await?;
        match request.map(|request| request.password) {
            Some(Entered::New(password)) => {
                let password = typed::password(password.expose(), provider).password;
                self.connections.keep_noreply(practice, &password).await
            }
            Some(Entered::Unchanged) | None => Ok(()),
        }
    }

    /// Changes what is settled; where another change came first, makes it anew from that.
    pub(super) async fn settle(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        change: impl Fn(&mut PracticeSettings),
    ) -> Result<()> {
        let actor = self.administrator(practice, by).await?;
        let mut tries = TRIES;
        loop {
            let before = self.storage.mail.practice_settings(practice).await?;
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(());
            }
            self.forget_secrets(practice, &before, &after).await?;
            let change = SettingsChange::new(before, after, actor.clone());
            match self.storage.mail.set_practice_settings(practice, &change).await {
                Err(error) if error.kind() == ErrorKind::Busy && tries > 1 => tries -= 1,
                done => return done,
            }
        }
    }

    /// The administrator who asks; `None` for the host itself.
    async fn administrator(&self, practice: &PracticeId, by: &Viewer) -> Result<Option<UserId>> {
        let Viewer::User(user) = by else { return Ok(None) };
        let users = self.directory.users(practice).await?;
        if users.iter().any(|u| u.id == *user && u.active && u.role == Role::Administrator) {
            return Ok(Some(user.clone()));
        }
        Err(Error::new(ErrorKind::Forbidden, "only an administrator may change this"))
    }

    /// Forgets secrets before what they are for is another: whatever happens in between, none is shown to a stranger.
    async fn forget_secrets(
        &self,
        practice: &PracticeId,
        before: &PracticeSettings,
        after: &PracticeSettings,
    ) -> Result<()> {
        let way =
            |settings: &PracticeSettings| settings.noreply.as_ref().map(|n: &Noreply| n.outgoing.clone());
        if way(before) != way(after) {
            self.connections.forget_noreply(practice).await?;
        }
        for (provider, known) in &before.registrations {
            let same = |new: &ApplicationRegistration| {
                new.client_id == known.client_id && new.endpoints.token == known.endpoints.token
            };
            if !after.registrations.get(provider).is_some_and(same) {
                self.connections.forget_client_secret(practice, *provider).await?;
            }
        }
        Ok(())
    }
}
