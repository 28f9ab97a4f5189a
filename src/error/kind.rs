//! The kinds of failure, each with its advice.

use crate::types::serial::by_name;

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// The user whose account it is.
    User,
    /// An administrator, of the practice or of its mail service.
    Administrator,
    /// Those who run the product.
    Host,
    /// Nobody: it is tried again.
    Nobody,
}

impl Advice {
    /// Words of the host's own, in its language, for [`ErrorKind`]s it wants to word itself.
    ///
    /// ```
    /// use practicemail::error::{Advice, ErrorKind, Who};
    /// fn german(kind: ErrorKind) -> Advice {
    ///     match kind {
    ///         ErrorKind::MailboxFull => Advice::new("Das Postfach ist voll.", "Bitte schaffen Sie Platz.", Who::User),
    ///         other => other.advice(), // what is not translated yet stays English
    ///     }
    /// }
    /// assert_eq!(german(ErrorKind::MailboxFull).remedy, "Bitte schaffen Sie Platz.");
    /// ```
    pub const fn new(summary: &'static str, remedy: &'static str, who: Who) -> Self {
        Self { summary, remedy, who }
    }
}

impl Who {
    /// A stable lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Administrator => "administrator",
            Self::Host => "host",
            Self::Nobody => "nobody",
        }
    }
}

/// What a failure means for a person, in plain English; a host may put its own words, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// What happened.
    pub summary: &'static str,
    /// The one thing to do about it.
    pub remedy: &'static str,
    /// Who is to do it.
    pub who: Who,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $who:ident, $summary:literal, $remedy:literal;)*) => {
        /// What happened, chosen by what has to be done next.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $(#[doc = $summary] $(#[$doc])* $variant,)*
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// A stable name in lower case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Words for the user, the remedy, and who must act.
            pub const fn advice(self) -> Advice {
                match self {
                    $(Self::$variant => Advice { summary: $summary, remedy: $remedy, who: Who::$who },)*
                }
            }
        }

        by_name!(ErrorKind);
    };
}

kinds! {
    Forbidden = "forbidden", Administrator, "You are not allowed to do this.",
        "Ask an administrator of your practice.";
    NotFound = "not_found", User, "What was asked for does not exist.", "Check the name and try again.";
    Invalid = "invalid", User, "A value cannot be right.", "Correct the value the message names.";
    Held = "held", Administrator, "There is mail that must be kept.",
        "Lift the hold, or wait until the time for which the mail is kept has passed; then erase again.";
    /// Octets that are not kept are asked for where they lay, and are not there any more, or not what they were.
    SourceGone = "source_gone", User, "The mail server does not have this any more.",
        "Ask whoever sent it to send it again; a colleague who received it too may still have it.";
    Busy = "busy", Nobody, "Another process is working on this account.", "Wait until it has finished.";
    /// The lease was lost or the account changed while work was under way; nothing was written.
    FenceLost = "fence_lost", Nobody, "The account was changed or taken over while it was being worked on.",
        "Nothing needs to be done; the next pass continues.";
    Cancelled = "cancelled", Nobody, "The work was stopped before it was finished.", "Nothing needs to be done; the next pass continues.";

    AuthenticationFailed = "authentication_failed", User, "The mail server refused the user name or password.",
        "Enter the user name and password again; if two-step verification is on, an app password is needed.";
    AppPasswordRequired = "app_password_required", User, "The mail server wants an app password.",
        "Switch two-step verification on, create an app password in the mail account's security settings, and enter it here.";
    WebLoginRequired = "web_login_required", User, "The provider wants you to sign in with a browser first.",
        "Sign in to the mail account in a web browser, confirm that it was you, then try again.";
    PasswordRefusedByProvider = "password_refused_by_provider", User, "This provider no longer accepts passwords from other programs.",
        "Use the provider's own sign-in (OAuth) instead of a password.";
    /// A refresh token that is no longer taken; nothing but a new consent helps.
    AuthorizationRequired = "authorization_required", User, "The permission to use the mail account has ended.",
        "Connect the account again: sign in with the provider and allow access.";
    ConsentDenied = "consent_denied", User, "Permission was not given, and nothing was connected.",
        "Start again and allow access if you want to connect the account.";
    ConsentMissing = "consent_missing", User, "Not everything that is needed was allowed.",
        "Connect the account again and leave every box of the provider's page ticked.";
    AdministratorApproval = "administrator_approval", Administrator,
        "The organisation wants an administrator to allow this product first.",
        "Ask the administrator of your mail service to approve the product, then connect the account again.";
    BlockedByPolicy = "blocked_by_policy", Administrator, "A rule of the organisation does not allow this.",
        "Ask the administrator of your mail service which rule it is, and whether this product can be let through.";
    WrongAccount = "wrong_account", User, "Another account signed in than the one that was to be connected.",
        "Start again and choose the account whose address is shown.";
    /// The authorization server does not know the product, or not as it presents itself.
    ApplicationMisconfigured = "application_misconfigured", Host, "The product is not registered correctly with the provider.",
        "Compare client id, secret, redirect address and scopes with the registration at the provider.";
    SwitchedOff = "switched_off", Administrator, "Your practice has switched this way of connecting mail off.",
        "Ask an administrator of your practice to switch it on, or connect in another way.";
    ImapSwitchedOff = "imap_switched_off", User, "Reading mail with IMAP is switched off in the mailbox's own settings.",
        "Switch IMAP on in the mail account's settings on the web, then try again.";
    ImapDisabled = "imap_disabled", Administrator, "Reading mail with IMAP is switched off for this account.",
        "Switch IMAP on in the mail account's settings, or ask the administrator of the mail service to allow it.";
    /// The server accepts the sign-in and then refuses every command.
    NotConnected = "not_connected", Administrator, "The mail server accepted the sign-in but gives no access to the mailbox.",
        "Ask the administrator of the mail service to allow IMAP for this mailbox and to check its licence.";
    AccountLocked = "account_locked", Administrator, "The mail account is locked or has expired.",
        "Ask the administrator of the mail service to unlock the account.";
    NoUsableSignIn = "no_usable_sign_in", Administrator, "The mail server offers no way of signing in that can be used here.",
        "Ask the administrator of the mail service to allow PLAIN or LOGIN over TLS.";

    NameNotFound = "name_not_found", User, "The mail server's name does not exist.", "Check the spelling of the server name.";
    ConnectionRefused = "connection_refused", User, "The mail server does not answer on this port.",
        "Check server name and port; a firewall may also be in the way.";
    EgressForbidden = "egress_forbidden", Host, "Connecting to this address is not allowed.",
        "Use the server's public name, or have the product's operator allow the address.";
    ConnectionLost = "connection_lost", Nobody, "The connection to the mail server broke.", "Nothing needs to be done; it is tried again.";
    TimedOut = "timed_out", Nobody, "The mail server did not answer in time.", "Nothing needs to be done; it is tried again.";
    CertificateExpired = "certificate_expired", Administrator, "The mail server's certificate has expired or is not valid yet.",
        "Ask the administrator of the mail server to renew its certificate.";
    CertificateUntrusted = "certificate_untrusted", Administrator, "The mail server's certificate is not from a trusted authority.",
        "Ask the administrator of the mail server for a certificate of a public authority, or add the practice's own authority to the account.";
    CertificateWrongName = "certificate_wrong_name", User, "The mail server's certificate is for another name.",
        "Check the server name: enter the name that the provider gives for mail programs.";
    TlsFailed = "tls_failed", User, "No secure connection to the mail server could be made.",
        "Check port and encryption: 993 and 465 go with implicit TLS, 143 and 587 with STARTTLS.";
    StartTlsUnavailable = "starttls_unavailable", Administrator, "The mail server does not offer encryption on this port.",
        "Use the port with implicit TLS, or ask the administrator of the mail server to switch STARTTLS on.";

    TooManyConnections = "too_many_connections", Nobody, "The mail account has too many connections open.",
        "Nothing needs to be done; it is tried again. Closing other mail programs helps.";
    Throttled = "throttled", Nobody, "The mail server asks for a pause.", "Nothing needs to be done; it goes on after the pause.";
    BudgetSpent = "budget_spent", Nobody, "This account has read as much as it may in one day.", "Nothing needs to be done; it goes on tomorrow.";
    ServerUnavailable = "server_unavailable", Nobody, "The mail server is temporarily not available.", "Nothing needs to be done; it is tried again.";
    ServerRefused = "server_refused", Host, "The mail server refused a command.", "Send the message to the product's support.";
    /// What the server sent is not the protocol.
    Protocol = "protocol", Host, "What answers is not a mail server, or it does not follow the protocol.",
        "Check server name and port; if they are right, send the message to the product's support.";
    LimitExceeded = "limit_exceeded", Host, "The mail server sent more than is accepted.", "Send the message to the product's support.";
    /// UIDs known before are void; the next pass starts from the listing.
    UidValidityChanged = "uid_validity_changed", Nobody, "The mail server renumbered a mailbox.", "Nothing needs to be done; the mailbox is read again.";
    MailboxUnavailable = "mailbox_unavailable", Nobody, "A mailbox could not be opened.", "Nothing needs to be done; it is tried again.";
    AllMailHidden = "all_mail_hidden", User, "Gmail hides the mailbox \"All Mail\" from other programs.",
        "In Gmail's settings under Labels, tick \"Show in IMAP\" for All Mail.";

    SendingDisabled = "sending_disabled", Administrator, "The mail service does not let this account send with SMTP.",
        "Ask the administrator of the mail service to switch SMTP sign-in on for this mailbox.";
    SenderRefused = "sender_refused", User, "The mail server does not let this account send under this address.",
        "Choose another sender address, or have the mail service allow this one.";
    RecipientRefused = "recipient_refused", User, "The mail server refused a recipient.",
        "Check the recipient's address; nothing was sent to anybody else unless the message says so.";
    TooManyRecipients = "too_many_recipients", User, "The message has more recipients than the mail server takes.",
        "Send it to fewer people at once.";
    RecipientDeferred = "recipient_deferred", Nobody, "The mail server does not take mail for a recipient at the moment.",
        "Nothing needs to be done; it is tried again.";
    MessageTooLarge = "message_too_large", User, "The message is larger than the mail server takes.",
        "Send smaller attachments, or fewer.";
    MessageRefused = "message_refused", User, "The mail server refused the message.",
        "Read what the server says about it, change the message, and send it anew.";
    SendingLimit = "sending_limit", Nobody, "The mail service lets this account send no more today.",
        "Nothing needs to be done; it is tried again when the day is over.";
    MailboxFull = "mailbox_full", User, "The mailbox is full.", "Make room in the mailbox, then send it anew.";
    NoWayToSend = "no_way_to_send", Administrator, "There is no account and no noreply address to send from.",
        "Connect an account, or have an administrator enter a noreply address for the practice.";
    AccountCannotSend = "account_cannot_send", User, "The user's account cannot send.",
        "Repair the account in the user's email settings, then send the message anew.";

    /// The message may have left; it is not sent again unless the user decides so.
    DeliveryUnknown = "delivery_unknown", User, "It is not certain whether the message was sent.",
        "Look into the Sent mailbox, or ask the recipient, before sending it again.";

    Storage = "storage", Host, "The archive could not be read or written.", "Look into the storage's own log.";
    StorageFull = "storage_full", Host, "The archive's disk is full.", "Make room; work then continues by itself.";
    StorageCorrupt = "storage_corrupt", Host, "The archive is damaged.", "Restore it from a backup.";
    /// The database does not take this very message, whatever else it takes: trying again is of no use, leaving it out is.
    StorageRefused = "storage_refused", Host, "The archive does not take a message.",
        "Look into the storage's own log, and send the message to the product's support.";
    StorageVersion = "storage_version", Host, "The archive's tables are of another version than this software.",
        "Update the software, or have the tables brought up to date.";
    /// The record was sealed with another key, for another account, or was altered.
    CredentialsUnreadable = "credentials_unreadable", User, "The stored password cannot be opened.", "Enter the password again.";
    KeyUnavailable = "key_unavailable", Host, "The key that protects stored passwords is not available.",
        "Restore the key file, or give the accounts new passwords.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_its_own_name_and_a_whole_advice() {
        let names: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            let advice = kind.advice();
            assert!(advice.summary.ends_with('.') && advice.remedy.ends_with('.'), "{kind:?}");
        }
    }
}
