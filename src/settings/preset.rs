//! Settings that follow from an address alone, and a service's own words for what goes wrong there.

use super::{
    AccountSettings, AppPasswords, Login, OAuthProvider, Outgoing, Provider, ServerTemplate, SignInWith,
    TlsMode, UserName,
};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Address;

impl Provider {
    /// The settings of an account there, both user names filled in from the address. Accounts of Microsoft sign in with
    /// OAuth; all others with a password.
    ///
    /// `None` where no program reads the service's mail, or its servers' names are the customer's own.
    pub fn account_settings(&self, address: &Address) -> Option<AccountSettings> {
        let smtp = nearest(self.outgoing(), address)?;
        self.settings_by(smtp, address)
    }

    fn settings_by(&self, smtp: &ServerTemplate, address: &Address) -> Option<AccountSettings> {
        let imap = nearest(self.incoming(), address)?;
        let login = match self.user_name() {
            UserName::Address | UserName::Other => Login::new(&address.to_string()),
            UserName::LocalPart => Login::new(address.local()),
        };
        let login = login.ok()?;
        let outgoing = Outgoing::smtp(smtp.settings()?, login.clone());
        let settings = AccountSettings::new(imap.settings()?, login).sending_by(outgoing);
        Some(match self.sign_in_with() {
            SignInWith::OAuth(provider) => settings.authorized_by(provider),
            _ => settings,
        })
    }

    /// What the user does about a failure at this very service, in whole English sentences; it says more than
    /// [`ErrorKind::advice`]. `None` where nothing is known beyond that.
    ///
    /// ```
    /// use practicemail::{error::ErrorKind, settings::Provider};
    /// let gmail = Provider::by_id("gmail").unwrap();
    /// let hint = gmail.hint(ErrorKind::AppPasswordRequired).unwrap();
    /// assert!(hint.contains("https://myaccount.google.com/apppasswords"));
    /// ```
    pub fn hint(&self, kind: ErrorKind) -> Option<String> {
        match kind {
            ErrorKind::AuthenticationFailed
            | ErrorKind::AppPasswordRequired
            | ErrorKind::PasswordRefusedByProvider => self.password_hint(),
            ErrorKind::ImapSwitchedOff | ErrorKind::ImapDisabled | ErrorKind::NotConnected => {
                self.switch_hint()
            }
            _ => None,
        }
    }

    fn password_hint(&self) -> Option<String> {
        let name = self.name();
        let only = "It works for SMTP and IMAP only.";
        let made = self.app_password_page().map_or_else(
            || format!("Create one in the security settings of {name} and enter it here. {only}"),
            |page| format!("Create one at {page} and enter it here. {only}"),
        );
        let first = "Two-step verification must be switched on first.";
        Some(match self.app_passwords() {
            AppPasswords::AlwaysAfterTwoStep => {
                format!("{name} takes an app password here, never the account's own password. {first} {made}")
            }
            AppPasswords::Always => {
                format!("{name} takes an app password here, never the account's own password. {made}")
            }
            AppPasswords::Administrator => format!(
                "{name} takes an app password here, never the account's own password, and an administrator may have \
                 forbidden them. {first} {made}"
            ),
            AppPasswords::WithTwoStep => format!(
                "Where two-step verification is on, {name} takes an app password in place of the account's own. {made}"
            ),
            AppPasswords::Refused => match self.oauth() {
                Some(OAuthProvider::Microsoft) => format!(
                    "{name} takes no passwords from mail programs any more, and no app passwords either. Use Sign in \
                     with Microsoft."
                ),
                _ => format!("No program but its own can read and send mail at {name}."),
            },
            AppPasswords::Accepted | AppPasswords::None | AppPasswords::Unknown => return None,
        })
    }

    fn switch_hint(&self) -> Option<String> {
        let (name, how) = (self.name(), self.how_to_switch_on()?);
        Some(if self.switched_off_at_first() {
            format!("At {name} IMAP is off until somebody switches it on: {how}. Then try again.")
        } else {
            format!("At {name} IMAP can be switched off. To have it on, {how}. Then try again.")
        })
    }
}

/// Of several servers the one in the address's own domain, as services of several brands have them; else the preferred one.
fn nearest<'a>(servers: &'a [ServerTemplate], address: &Address) -> Option<&'a ServerTemplate> {
    let below = format!(".{}", address.domain());
    servers.iter().find(|server| server.host().ends_with(&below)).or_else(|| servers.first())
}

/// Settings that are filled in with one call.
impl AccountSettings {
    /// Gmail, and Google Workspace, with an app password: imap.gmail.com 993 with implicit TLS, smtp.gmail.com 587 with
    /// STARTTLS, which is what Google's own instructions mean by "secure: no". The user first switches two-step
    /// verification on, then makes the password at <https://myaccount.google.com/apppasswords>.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an address that cannot be a user name.
    ///
    /// ```
    /// use practicemail::settings::{AccountSettings, TlsMode};
    /// use practicemail::types::Address;
    /// let anna = Address::parse("anna@gmail.com").unwrap();
    /// let settings = AccountSettings::gmail(&anna).unwrap();
    /// let smtp = settings.outgoing.unwrap();
    /// assert_eq!((smtp.server().port(), smtp.server().tls()), (587, TlsMode::StartTls));
    /// ```
    pub fn gmail(address: &Address) -> Result<Self> {
        let gmail = Provider::by_id("gmail");
        let by_start_tls = |gmail: &'static Provider| {
            let smtp = gmail.outgoing().iter().find(|server| server.tls() == TlsMode::StartTls)?;
            gmail.settings_by(smtp, address)
        };
        gmail.and_then(by_start_tls).ok_or_else(no_user_name)
    }

    /// Microsoft 365, or Outlook.com where the address is one of it: everything filled in, signing in with Microsoft's own
    /// sign-in.
    ///
    /// There is no variant with a password. Exchange Online takes none for IMAP since 2022, Outlook.com neither passwords nor
    /// app passwords since 16 September 2024, and for SMTP they are switched off at the end of 2026
    /// (learn.microsoft.com, "Deprecation of Basic authentication in Exchange Online"). An Exchange Server of one's own still
    /// takes them: its settings are entered by hand. The Sent mailbox need not be chosen: the server files what is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an address that cannot be a user name.
    ///
    /// ```
    /// use practicemail::settings::{AccountSettings, OAuthProvider, SignIn};
    /// use practicemail::types::Address;
    /// let anna = Address::parse("anna@hale.example").unwrap();
    /// let settings = AccountSettings::office365(&anna).unwrap();
    /// assert_eq!(settings.incoming.host(), "outlook.office365.com");
    /// assert_eq!(settings.sign_in, SignIn::OAuth(OAuthProvider::Microsoft));
    /// ```
    pub fn office365(address: &Address) -> Result<Self> {
        let personal = Provider::of_address(address).filter(|p| p.oauth() == Some(OAuthProvider::Microsoft));
        let provider = personal.or_else(|| Provider::by_id("microsoft365"));
        provider.and_then(|provider| provider.account_settings(address)).ok_or_else(no_user_name)
    }
}

fn no_user_name() -> Error {
    Error::new(ErrorKind::Invalid, "this address cannot be a user name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SignIn;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn shown(settings: &AccountSettings) -> (String, String) {
        let server = |server: &crate::settings::ServerSettings| {
            format!("{}:{} {:?}", server.host(), server.port(), server.tls())
        };
        (server(&settings.incoming), server(settings.outgoing.as_ref().unwrap().server()))
    }

    /// S16
    #[test]
    fn gmail_is_filled_in_with_one_call() {
        let settings = AccountSettings::gmail(&address("anna@gmail.com")).unwrap();
        let (imap, smtp) = shown(&settings);
        assert_eq!((&*imap, &*smtp), ("imap.gmail.com:993 Implicit", "smtp.gmail.com:587 StartTls"));
        assert_eq!(settings.sign_in, SignIn::Password);
    }

    /// S21, S22
    #[test]
    fn office_365_is_filled_in_with_one_call_and_leads_to_the_providers_sign_in() {
        for (text, host) in [
            ("anna@hale.example", "smtp.office365.com"),
            ("anna@hale.onmicrosoft.com", "smtp.office365.com"),
            ("anna@outlook.com", "smtp-mail.outlook.com"),
            ("anna@gmail.com", "smtp.office365.com"),
        ] {
            let settings = AccountSettings::office365(&address(text)).unwrap();
            let (imap, smtp) = shown(&settings);
            assert_eq!(
                (&*imap, smtp),
                ("outlook.office365.com:993 Implicit", format!("{host}:587 StartTls"))
            );
            assert_eq!(settings.sign_in, SignIn::OAuth(OAuthProvider::Microsoft));
        }
        for id in ["microsoft365", "outlook-com"] {
            let hint = Provider::by_id(id).unwrap().hint(ErrorKind::PasswordRefusedByProvider).unwrap();
            assert!(hint.contains("no app passwords") && hint.contains("Sign in with Microsoft"), "{hint}");
        }
    }

    /// S15
    #[test]
    fn both_user_names_are_filled_in_from_the_address() {
        for (text, login, imap) in [
            ("anna@gmx.de", "anna@gmx.de", "imap.gmx.net"),
            ("anna@web.de", "anna", "imap.web.de"),
            ("anna@126.com", "anna@126.com", "imap.126.com"),
            ("anna@163.com", "anna@163.com", "imap.163.com"),
        ] {
            let anna = address(text);
            let settings = Provider::of_address(&anna).unwrap().account_settings(&anna).unwrap();
            let Some(Outgoing::Smtp { login: sending, .. }) = &settings.outgoing else { panic!() };
            assert_eq!((settings.incoming_login.as_str(), sending.as_str()), (login, login));
            assert_eq!(settings.incoming.host(), imap);
        }
        for id in ["tuta", "exchange-onprem", "ovh-exchange"] {
            let anna = address("anna@hale.example");
            assert_eq!(Provider::by_id(id).unwrap().account_settings(&anna), None, "{id}");
        }
    }

    /// S18
    #[test]
    fn a_user_is_told_how_to_get_an_app_password() {
        let hint = |id, kind| Provider::by_id(id).unwrap().hint(kind).unwrap_or_default();
        let google = hint("gmail", ErrorKind::AuthenticationFailed);
        for words in [
            "Two-step verification must be switched on first",
            "myaccount.google.com/apppasswords",
            "SMTP and IMAP only",
        ] {
            assert!(google.contains(words), "{google}");
        }
        assert!(
            hint("gmx-net", ErrorKind::AppPasswordRequired)
                .starts_with("Where two-step verification is on, GMX")
        );
        assert!(hint("outlook-com", ErrorKind::ImapSwitchedOff).contains("Let devices and apps use IMAP"));
        assert!(hint("microsoft365", ErrorKind::NotConnected).contains("the administrator ticks IMAP"));
        assert_eq!(hint("ionos-de", ErrorKind::AuthenticationFailed), "");
        assert_eq!(hint("gmail", ErrorKind::TimedOut), "");
    }
}
