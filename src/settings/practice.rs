//! What a practice settles for all its users.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ApplicationRegistration, Noreply, OAuthProvider};

/// A way of connecting an account; each has a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Way {
    /// *Send & receive via Gmail*: Google's own sign-in.
    Gmail,
    /// *Send & receive via SMTP / IMAP*: a password.
    SmtpImap,
    /// *Send & receive via Microsoft 365*: Microsoft's own sign-in.
    Microsoft365,
}

impl Way {
    /// Every way.
    pub const ALL: &[Self] = &[Self::Gmail, Self::SmtpImap, Self::Microsoft365];

    /// A stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gmail => "gmail",
            Self::SmtpImap => "smtp_imap",
            Self::Microsoft365 => "microsoft365",
        }
    }
}

/// What a practice settles for all its users. One that settled nothing has every way switched on and no noreply address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PracticeSettings {
    /// The ways that are switched off.
    #[serde(default)]
    pub switched_off: BTreeSet<Way>,
    /// The address mail leaves from when its author has no account.
    #[serde(default)]
    pub noreply: Option<Noreply>,
    /// The practice's own registrations; the product's serve where there is none.
    #[serde(default)]
    pub registrations: BTreeMap<OAuthProvider, ApplicationRegistration>,
    /// Domains whose accounts wait for an administrator of their tenant to allow reading, and until when (in seconds since 1970)
    /// their users are not asked for it again.
    #[serde(default)]
    pub awaiting_approval: BTreeMap<String, i64>,
}

impl PracticeSettings {
    /// Whether accounts may be connected, read and sent from in this way.
    ///
    /// ```
    /// use practicemail::settings::{PracticeSettings, Way};
    /// let mut settings = PracticeSettings::default();
    /// assert!(settings.allows(Way::Gmail));
    /// settings.switched_off.insert(Way::Gmail);
    /// assert!(!settings.allows(Way::Gmail));
    /// ```
    pub fn allows(&self, way: Way) -> bool {
        !self.switched_off.contains(&way)
    }
}
