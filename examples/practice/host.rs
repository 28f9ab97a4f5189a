//! What a host puts together: its tables, a store, a key, and the crate's door.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use practicemail::connect::Protocols;
use practicemail::contract::{
    AccountState, Clock, MailStore, Practice, PracticeDirectory, SystemClock, User,
};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::practice_mail::{PracticeMail, Viewer};
use practicemail::settings::Way;
use practicemail::storage::FileKey;
use practicemail::storage::sqlite::PracticeData;
use practicemail::types::{AccountId, PracticeId, Timestamp, UserId};

use crate::args::{AccountArgs, Cli, Command};
use crate::failing_store::FailingStore;
use crate::failpoint::{Failpoint, Fuse};
use crate::fixed_clock::FixedClock;
use crate::tables::{Tables, is_server};

/// A host with one practice.
pub(crate) struct Host {
    /// The host's own tables, and the store.
    pub(crate) tables: Tables,
    /// The tables as the crate reads them.
    pub(crate) directory: Arc<dyn PracticeDirectory>,
    /// The crate.
    pub(crate) door: PracticeMail,
    mail: Arc<dyn MailStore>,
    clock: Arc<dyn Clock>,
    practice: Option<PracticeId>,
    /// How long a person is waited for.
    pub(crate) patience: Option<Duration>,
    /// Where a command that needs no store lets one be kept; removed with the host.
    _scratch: Option<tempfile::TempDir>,
}

impl Host {
    /// Opens the store; only `init` makes one where there is none.
    pub(crate) async fn open(cli: &Cli, command: &Command) -> Result<Self> {
        let fixed: Option<Arc<dyn Clock>> = cli.now.map(|now| Arc::new(FixedClock(now)) as _);
        let clock = fixed.clone().unwrap_or_else(|| Arc::new(SystemClock::new()));
        let store = cli.store.as_deref().unwrap_or_default();
        let (tables, key, scratch) = if is_server(store) {
            let makes = matches!(command, Command::Init(_));
            (Tables::on_server(store, fixed, makes).await?, PathBuf::from("practice.key"), None)
        } else {
            let (file, scratch) = place(Path::new(store), command)?;
            (Tables::in_file(&file, clock.clone()).await?, beside(&file, ".key"), scratch)
        };
        if let (Some(_), Command::Check(args)) = (&scratch, command) {
            tables.replace_practice(&stand_in(&args.whose.user)?).await?;
        }
        let practice = tables.practices().await?.into_iter().next();
        let (directory, storage) = (tables.directory(), tables.storage());
        let fuse = match &cli.failpoint {
            Some(Failpoint::At { name, pass }) => Some(Fuse::new(name, *pass)),
            _ => None,
        };
        let storage = match &fuse {
            Some(fuse) => {
                let mail = FailingStore { store: storage.mail.clone(), fuse: fuse.clone() };
                storage.with_mail(Arc::new(mail))
            }
            None => storage,
        };
        let mail = storage.mail.clone();
        let key = cli.key_file.as_ref().unwrap_or(&key);
        let keys = FileKey::open_or_create(key, &storage.credentials).await;
        let keys = Arc::new(keys.map_err(|error| with_key_file(error, key))?);
        // The mail servers that its user names are theirs to reach, also on this machine and its network.
        let egress = EgressPolicy::Any;
        let mut door =
            PracticeMail::new(directory.clone(), storage, keys).with_egress(egress).with_clock(clock.clone());
        if let Some(fuse) = &fuse {
            door = door.with_protocols(Protocols::new(Dialer::new().egress(egress)).probe(fuse.probe()));
        }
        if let Command::Sync(args) = command
            && let Some(window) = args.window
        {
            door = door.with_window(window);
        }
        let patience = cli.timeout;
        Ok(Self { tables, directory, door, mail, clock, practice, patience, _scratch: scratch })
    }

    /// Closes the store, so that it is the one file that people copy.
    pub(crate) async fn close(self) -> Result<()> {
        let Self { tables, door, _scratch, .. } = self;
        drop(door);
        tables.close().await
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The practice in the tables, if `init` has written one.
    pub(crate) fn known_practice(&self) -> Option<&PracticeId> {
        self.practice.as_ref()
    }

    /// The practice in the tables.
    pub(crate) fn practice(&self) -> Result<&PracticeId> {
        let message = "there is no practice in this store yet; `init` writes one";
        self.practice.as_ref().ok_or_else(|| Error::new(ErrorKind::NotFound, message))
    }

    /// The users' names.
    pub(crate) async fn user_names(&self) -> Result<BTreeMap<UserId, String>> {
        let users = self.directory.users(self.practice()?).await?;
        Ok(users.into_iter().map(|user| (user.id, user.name)).collect())
    }

    /// By which way each account is connected.
    pub(crate) async fn ways(&self) -> Result<BTreeMap<AccountId, Way>> {
        let accounts = self.mail.accounts(self.practice()?).await?;
        Ok(accounts.into_iter().map(|record| (record.account.id, record.account.settings.way())).collect())
    }

    /// A user's account: the one named, else the one named as the user, else the first.
    pub(crate) async fn account_of(&self, args: &AccountArgs) -> Result<AccountId> {
        let (user, account) = (&args.user, args.account.as_ref());
        let accounts = self.mail.accounts(self.practice()?).await?;
        let mut theirs: Vec<AccountId> = accounts
            .into_iter()
            .filter(|record| record.account.user == *user && record.state != AccountState::Disconnected)
            .map(|record| record.account.id)
            .filter(|id| account.is_none_or(|account| account == id))
            .collect();
        theirs.sort_by_key(|id| (id.as_str() != user.as_str(), id.clone()));
        let message = format!("the user {user} has connected no such account");
        theirs.into_iter().next().ok_or_else(|| Error::new(ErrorKind::NotFound, message))
    }
}

/// Who asks: a user, or the host itself.
pub(crate) fn viewer(user: Option<&UserId>) -> Viewer {
    match user {
        Some(user) => Viewer::User(user.clone()),
        None => Viewer::System { reason: "the terminal's user owns the store" },
    }
}

/// A practice of one user, where settings are tried before there is any.
fn stand_in(user: &UserId) -> Result<PracticeData> {
    let user = User::new(user.clone(), user.as_str(), format!("{user}@practice.invalid"));
    Ok(PracticeData::new(Practice::new(PracticeId::new("practice")?, "Practice"), vec![user], Vec::new()))
}

/// Says which key file is missing.
fn with_key_file(error: Error, key: &Path) -> Error {
    match error.kind() {
        kind @ ErrorKind::KeyUnavailable if !key.exists() => {
            let message = format!("there is no key at {}; `--key-file` names another", key.display());
            Error::new(kind, message).with_source(error)
        }
        _ => error,
    }
}

/// A file that goes with the store.
fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Where the store is, or a place for one that is thrown away.
fn place(store: &Path, command: &Command) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    if store.exists() || matches!(command, Command::Init(_)) {
        return Ok((store.to_owned(), None));
    }
    if !matches!(command, Command::Check(args) if args.server.is_some()) {
        let message = format!("there is no store at {}; `init` makes one", store.display());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    let scratch = tempfile::tempdir().map_err(|cause| {
        Error::new(ErrorKind::Storage, "no temporary directory could be made").with_source(cause)
    })?;
    Ok((scratch.path().join("check.db"), Some(scratch)))
}
