//! A user of the server and a test's handle on what they keep there.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    store::{NewMessage, Store, flag},
    utf7,
};

/// A message as it lies in one mailbox.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// Its UID.
    pub uid: u32,
    /// Its octets.
    pub octets: Arc<[u8]>,
    /// Its flags, in order of their names.
    pub flags: Vec<String>,
    /// Its INTERNALDATE, in seconds since 1970.
    pub internal_date: i64,
    /// Its MODSEQ.
    pub modseq: u64,
}

impl fmt::Debug for StoredMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredMessage")
            .field("uid", &self.uid)
            .field("octets", &self.octets.len())
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

/// What opens a user's account, and what keeps it shut; never shown.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) password: Option<String>,
    pub(super) token: Option<String>,
    /// What every sign-in is refused with.
    pub(super) refusal: Option<String>,
    /// Whether a sign-in leads to no mailbox.
    pub(super) not_connected: bool,
}

/// One user, shared by sessions and handles.
pub(super) struct UserRecord {
    pub(super) login: String,
    secrets: Mutex<Secrets>,
    store: Mutex<Store>,
    changed: watch::Sender<()>,
}

impl UserRecord {
    pub(super) fn new(login: &str, store: Store) -> Self {
        Self {
            login: login.to_owned(),
            secrets: Mutex::default(),
            store: Mutex::new(store),
            changed: watch::Sender::new(()),
        }
    }

    pub(super) fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the store and wakes the sessions that idle on it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let result = change(&mut self.store());
        self.changed.send_replace(());
        result
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

/// A test's hold on one user's mailboxes, cheap to clone; changes show to running sessions.
///
/// Mailboxes are named as people read them (`Entwürfe`); the `wire` methods take octets as they are.
/// Methods that name a mailbox or message that is not there do nothing and say so by `None` or `false`.
#[derive(Clone)]
pub struct UserMail(pub(super) Arc<UserRecord>);

impl fmt::Debug for UserMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserMail").field("login", &self.0.login).finish_non_exhaustive()
    }
}

impl UserMail {
    /// The name the user signs in with.
    pub fn login(&self) -> &str {
        &self.0.login
    }

    /// Sets the password of LOGIN, PLAIN and LOGIN by SASL.
    pub fn set_password(&self, password: &str) {
        self.0.secrets().password = Some(password.to_owned());
    }

    /// Sets the access token of XOAUTH2; the one before is no longer good.
    pub fn set_token(&self, token: &str) {
        self.0.secrets().token = Some(token.to_owned());
    }

    /// Refuses every sign-in with these words behind `NO `, as in `[ALERT] Application-specific password required: …`; samples
    /// are in [`wording`](super::wording).
    pub fn refuse_sign_in(&self, words: &str) {
        let words = words.strip_prefix("NO ").unwrap_or(words);
        self.0.secrets().refusal = Some(words.to_owned());
    }

    /// Signs the user in, then answers every command `BAD User is authenticated but not connected.`: Exchange with IMAP
    /// switched off for the mailbox, or without a licence. [`Fault::NotConnected`](super::Fault::NotConnected) leaves too.
    pub fn authenticated_but_not_connected(&self) {
        self.0.secrets().not_connected = true;
    }

    /// Takes back [`refuse_sign_in`](Self::refuse_sign_in) and
    /// [`authenticated_but_not_connected`](Self::authenticated_but_not_connected).
    pub fn admit_again(&self) {
        let mut secrets = self.0.secrets();
        secrets.refusal = None;
        secrets.not_connected = false;
    }

    /// Makes a mailbox with attributes such as `\Sent` or `\Noselect`; `false` when it is there already.
    pub fn create_mailbox(&self, mailbox: &str, attributes: &[&str]) -> bool {
        self.create_wire_mailbox(&utf7::encode(mailbox), attributes)
    }

    /// Makes a mailbox with a name no encoder made: broken UTF-7, raw UTF-8, control characters.
    pub fn create_wire_mailbox(&self, mailbox: &[u8], attributes: &[&str]) -> bool {
        self.0.change(|store| store.create(mailbox, attributes))
    }

    /// Deletes a mailbox with its messages; INBOX cannot be deleted.
    pub fn delete_mailbox(&self, mailbox: &str) -> bool {
        self.0.change(|store| store.delete(&utf7::encode(mailbox)))
    }

    /// Renames a mailbox and those below it.
    pub fn rename_mailbox(&self, from: &str, to: &str) -> bool {
        self.0.change(|store| store.rename(&utf7::encode(from), &utf7::encode(to)))
    }

    /// The mailboxes' names as they stand on the wire.
    pub fn mailboxes(&self) -> Vec<Vec<u8>> {
        self.0.store().mailboxes().map(|(name, _)| name.clone()).collect()
    }

    /// Adds a message, `internal_date` in seconds since 1970, and returns its UID.
    pub fn append(
        &self,
        mailbox: &str,
        octets: impl AsRef<[u8]>,
        flags: &[&str],
        internal_date: i64,
    ) -> Option<u32> {
        let new = new_message(octets.as_ref(), flags, internal_date);
        self.0.change(|store| store.append(&utf7::encode(mailbox), new, None))
    }

    /// Adds a message under a UID of choice, be it below those there are; `None` when it is taken.
    pub fn append_as(
        &self,
        mailbox: &str,
        uid: u32,
        octets: impl AsRef<[u8]>,
        internal_date: i64,
    ) -> Option<u32> {
        let new = new_message(octets.as_ref(), &[], internal_date);
        self.0.change(|store| store.append(&utf7::encode(mailbox), new, Some(uid)))
    }

    /// Puts other octets under a UID that is in use, as no server may.
    pub fn replace(&self, mailbox: &str, uid: u32, octets: impl AsRef<[u8]>) -> bool {
        let octets = Arc::from(octets.as_ref());
        self.0.change(|store| store.replace(&utf7::encode(mailbox), uid, octets))
    }

    /// Removes a message for good.
    pub fn expunge(&self, mailbox: &str, uid: u32) -> bool {
        self.0.change(|store| store.remove(&utf7::encode(mailbox), &[uid]) > 0)
    }

    /// Copies a message (under Gmail: gives it a label) and returns the copy's UID.
    pub fn copy_message(&self, from: &str, uid: u32, to: &str) -> Option<u32> {
        self.0.change(|store| store.copy(&utf7::encode(from), uid, &utf7::encode(to)))
    }

    /// Moves a message and returns its new UID.
    pub fn move_message(&self, from: &str, uid: u32, to: &str) -> Option<u32> {
        let (from, to) = (utf7::encode(from), utf7::encode(to));
        self.0.change(|store| {
            let moved = store.copy(&from, uid, &to)?;
            store.remove(&from, &[uid]);
            Some(moved)
        })
    }

    /// Sets a message's flags, all of them.
    pub fn set_flags(&self, mailbox: &str, uid: u32, flags: &[&str]) -> bool {
        let flags = flags.iter().map(|name| flag(name)).collect();
        self.0.change(|store| store.set_flags(&utf7::encode(mailbox), uid, &flags))
    }

    /// Sets a mailbox's UIDVALIDITY and numbers its messages anew from 1.
    pub fn set_uid_validity(&self, mailbox: &str, uid_validity: u32) -> bool {
        self.0.change(|store| store.set_uid_validity(&utf7::encode(mailbox), uid_validity))
    }

    /// A mailbox's UIDVALIDITY.
    pub fn uid_validity(&self, mailbox: &str) -> Option<u32> {
        self.0.store().get(&utf7::encode(mailbox)).map(|mailbox| mailbox.uid_validity)
    }

    /// What lies in a mailbox, in order of UID: the truth a test compares with.
    pub fn messages(&self, mailbox: &str) -> Vec<StoredMessage> {
        let store = self.0.store();
        let messages = store.get(&utf7::encode(mailbox)).map(|mailbox| mailbox.messages.as_slice());
        messages
            .unwrap_or_default()
            .iter()
            .map(|message| StoredMessage {
                uid: message.uid,
                octets: Arc::clone(&message.octets),
                flags: message.flags.iter().cloned().collect(),
                internal_date: message.internal_date,
                modseq: message.modseq,
            })
            .collect()
    }
}

fn new_message(octets: &[u8], flags: &[&str], internal_date: i64) -> NewMessage {
    NewMessage {
        octets: Arc::from(octets),
        flags: flags.iter().map(|name| flag(name)).collect(),
        internal_date,
    }
}
