//! Keys from a file, and one that is given.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as Io, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use zeroize::{Zeroize, Zeroizing};

use super::sealing::no_randomness;
use crate::contract::{CredentialStore, KeyProvider, SealingKey};
use crate::error::{Error, ErrorKind, Result};

/// What each line begins with: a name to know the file by, and the version of the format.
const PREFIX: [&str; 2] = ["practicemail-key", "1"];
/// A file of more octets is not a key file: there is room for seven hundred keys.
const MAX_OCTETS: u64 = 65_536;
/// How often a file without a complete line is read again: another process may be writing it just now.
const RETRIES: u32 = 20;

/// One key, given by the host. It is number 1.
#[derive(Debug, Clone)]
pub struct StaticKey(SealingKey);

impl StaticKey {
    /// A provider of this one key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(SealingKey::new(1, key))
    }
}

#[async_trait]
impl KeyProvider for StaticKey {
    async fn current(&self) -> Result<SealingKey> {
        Ok(self.0.clone())
    }

    async fn by_id(&self, id: u32) -> Result<Option<SealingKey>> {
        Ok(Some(self.0.clone()).filter(|key| key.id() == id))
    }
}

/// Keys kept in a file that only its owner may read.
///
/// A line is a key: `practicemail-key 1 <number> <64 hexadecimal digits>`. The last line is the current key; the ones
/// before open what they sealed. To change keys, append a line with a new number; running processes seal with it after
/// they are started again, and open what others sealed with it at once.
///
/// The file must be backed up apart from the database: without it stored passwords are lost, and with it a stolen copy of
/// the database gives them away.
pub struct FileKey {
    path: PathBuf,
    current: SealingKey,
}

impl FileKey {
    /// Opens a key file that is there. For hosts that bring the file along: where several machines work on one database, each has a
    /// copy of the same.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`] when it is not there or cannot be read, when others than its owner may read it (on Unix), and
    /// when a line of it is not a key.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let missing = "the key file is not there: give its path, or put it back from its backup";
        Self::find(path.into()).await?.ok_or_else(|| unavailable(missing))
    }

    /// Opens a key file, or creates one with a new key for a store that holds nothing sealed yet. Where something is, the file that
    /// is missing is an error: a new key could not open it, and would seal beside it.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when the file cannot be created; what the store fails with, storage kinds.
    ///
    /// # Cancel safety
    /// A file that was begun is finished all the same, and opened when this is asked again.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use practicemail::contract::SystemClock;
    /// use practicemail::storage::{FileKey, MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// let store = MemoryStore::new(Arc::new(SystemClock::new()));
    /// let keys = FileKey::open_or_create(home.path().join("mail.key"), &store).await?;
    /// # Ok(()) }
    /// ```
    pub async fn open_or_create(
        path: impl Into<PathBuf>,
        store: &(impl CredentialStore + ?Sized),
    ) -> Result<Self> {
        let path = path.into();
        if let Some(keys) = Self::find(path.clone()).await? {
            return Ok(keys);
        }
        if store.is_empty().await? {
            create(path.clone()).await?;
        }
        // Whoever made it meanwhile may have sealed with it since.
        let missing = "the key file is not there, and the store holds what was sealed with its key: give its path, or put it back \
                       from its backup";
        Self::find(path).await?.ok_or_else(|| unavailable(missing))
    }

    /// Opens the file if it is there.
    async fn find(path: PathBuf) -> Result<Option<Self>> {
        for _ in 0..RETRIES {
            let Some(mut keys) = load(path.clone()).await? else { return Ok(None) };
            if let Some(current) = keys.pop() {
                return Ok(Some(Self { path, current }));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(unavailable("the key file holds no key: if none was ever in it, delete it and start again"))
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey").field("current", &self.current).finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyProvider for FileKey {
    async fn current(&self) -> Result<SealingKey> {
        Ok(self.current.clone())
    }

    async fn by_id(&self, id: u32) -> Result<Option<SealingKey>> {
        if id == self.current.id() {
            return Ok(Some(self.current.clone()));
        }
        let missing = || unavailable("the key file is not there any more: put it back from its backup");
        Ok(load(self.path.clone()).await?.ok_or_else(missing)?.into_iter().find(|key| key.id() == id))
    }
}

/// Creates the file with a first key unless there is one.
async fn create(path: PathBuf) -> Result<()> {
    blocking(move || {
        let line = new_line(1)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = match options.open(&path) {
            Err(error) if error.kind() == Io::AlreadyExists => return Ok(()),
            opened => opened.map_err(|error| io("the key file cannot be created", error))?,
        };
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_all());
        written.and_then(|()| sync_parent(&path)).map_err(|error| io("the key file cannot be written", error))
    })
    .await
}

fn new_line(id: u32) -> Result<Zeroizing<String>> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(no_randomness)?;
    let [name, version] = PREFIX;
    // Reserved at once: a text that grows leaves pieces of itself in memory.
    let mut line = Zeroizing::new(String::with_capacity(128));
    line.extend([name, " ", version, " ", &id.to_string(), " "]);
    for octet in key.iter() {
        line.extend([octet >> 4, octet & 0xf].into_iter().filter_map(|d| char::from_digit(d.into(), 16)));
    }
    line.push('\n');
    Ok(line)
}

#[cfg(unix)]
fn sync_parent(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_parent(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The keys of the file in its order, none while its first line is being written; `None` where there is no file.
async fn load(path: PathBuf) -> Result<Option<Vec<SealingKey>>> {
    blocking(move || {
        let file = match File::open(&path) {
            Err(error) if error.kind() == Io::NotFound => return Ok(None),
            opened => opened.map_err(|error| io("the key file cannot be opened", error))?,
        };
        refuse_readable_by_others(&file)?;
        // Reserved at once, as above.
        let length = file.metadata().map_or(0, |data| data.len()).min(MAX_OCTETS);
        let mut text = Zeroizing::new(String::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
        let read = file.take(MAX_OCTETS).read_to_string(&mut text);
        read.map_err(|error| io("the key file cannot be read", error))?;
        if !text.ends_with('\n') && text.lines().count() <= 1 {
            return Ok(Some(parse_line(&text).into_iter().collect()));
        }
        parse(&text).map(Some)
    })
    .await
}

fn parse(text: &str) -> Result<Vec<SealingKey>> {
    let mut keys: Vec<SealingKey> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let bad = |why: &str| unavailable(format!("line {} of the key file {why}", number + 1));
        let key = parse_line(line).ok_or_else(|| bad("is not a key"))?;
        if keys.iter().any(|other| other.id() == key.id()) {
            return Err(bad("has a number that another line has too"));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn parse_line(line: &str) -> Option<SealingKey> {
    let mut words = line.split_whitespace();
    if PREFIX.iter().any(|word| words.next() != Some(word)) {
        return None;
    }
    let id = words.next()?.parse().ok()?;
    let digits = words.next().filter(|digits| digits.len() == 64)?;
    if words.next().is_some() {
        return None;
    }
    let mut key = [0; 32];
    for (octet, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let digit = |d: &u8| char::from(*d).to_digit(16);
        *octet = pair.iter().try_fold(0, |value, d| Some(value << 4 | u8::try_from(digit(d)?).ok()?))?;
    }
    let sealing = SealingKey::new(id, key);
    key.zeroize();
    Some(sealing)
}

#[cfg(unix)]
fn refuse_readable_by_others(file: &File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let data = file.metadata().map_err(|error| io("the key file cannot be examined", error))?;
    let mode = data.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others != 0 {
        let message =
            format!("others than its owner may use the key file (mode {mode:o}): set its mode to 600");
        return Err(unavailable(message));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &File) -> Result<()> {
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(unavailable("reading the key file was interrupted").with_source(error)))
}

fn unavailable(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::KeyUnavailable, message)
}

fn io(message: &'static str, error: std::io::Error) -> Error {
    unavailable(message).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{CredentialField, SystemClock};
    use crate::storage::MemoryStore;
    use crate::types::{AccountId, PracticeId};

    fn store() -> MemoryStore {
        MemoryStore::new(std::sync::Arc::new(SystemClock::new()))
    }

    fn line(id: u32, octet: &str) -> String {
        format!("practicemail-key 1 {id} {}\n", octet.repeat(32))
    }

    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    #[tokio::test]
    async fn a_created_file_is_opened_again_with_the_same_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let first = FileKey::open_or_create(&path, &store()).await.unwrap().current().await.unwrap();
        let again = FileKey::open_or_create(&path, &store()).await.unwrap();
        assert_eq!(again.current().await.unwrap().expose(), first.expose());
        assert_eq!(again.by_id(1).await.unwrap().unwrap().expose(), first.expose());
        assert!(again.by_id(2).await.unwrap().is_none());
        assert_ne!(first.expose(), &[0; 32]);
    }

    #[tokio::test]
    async fn many_that_create_it_at_once_agree_on_one_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let store = store();
        let opened = (0..16).map(|_| FileKey::open_or_create(&path, &store));
        let opened = futures_util::future::join_all(opened).await;
        let keys: std::collections::BTreeSet<_> =
            opened.into_iter().map(|key| *key.unwrap().current.expose()).collect();
        assert_eq!(keys.len(), 1);
    }

    #[tokio::test]
    async fn none_is_created_where_something_is_sealed_already() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let error = FileKey::open(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        let (store, practice, account) =
            (store(), PracticeId::new("p").unwrap(), AccountId::new("a").unwrap());
        store.replace(&practice, &account, CredentialField::Grant, b"sealed".to_vec(), None).await.unwrap();
        let error = FileKey::open_or_create(&path, &store).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        assert!(error.to_string().contains("put it back"), "{error}");
        assert!(!path.exists());
        store.delete(&practice, &account).await.unwrap();
        let created = FileKey::open_or_create(&path, &store).await.unwrap();
        assert_eq!(FileKey::open(&path).await.unwrap().current.expose(), created.current.expose());
        store.replace(&practice, &account, CredentialField::Grant, b"sealed".to_vec(), None).await.unwrap();
        let again = FileKey::open_or_create(&path, &store).await.unwrap();
        assert_eq!(again.current.expose(), created.current.expose());
        std::fs::remove_file(&path).unwrap();
        let error = created.by_id(2).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
    }

    #[tokio::test]
    async fn the_last_line_is_current_and_one_added_later_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        write(&path, &(line(1, "0a") + &line(7, "0B")));
        let keys = FileKey::open(&path).await.unwrap();
        assert_eq!(keys.current().await.unwrap().id(), 7);
        assert_eq!(keys.by_id(1).await.unwrap().unwrap().expose(), &[0x0a; 32]);
        write(&path, &(line(1, "0a") + &line(7, "0b") + &line(8, "0c")));
        assert_eq!(keys.by_id(8).await.unwrap().unwrap().expose(), &[0x0c; 32]);
        assert_eq!(keys.current().await.unwrap().id(), 7);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        FileKey::open_or_create(&path, &store()).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = FileKey::open(&path).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
            assert!(error.to_string().contains("600"), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_a_key_is_refused_by_line_and_never_printed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        for (text, says) in [
            (line(1, "0a") + "practicemail-key 2 2 0102\n", "line 2"),
            (line(1, "0a") + &line(1, "0b"), "line 2"),
            (line(1, "0g"), "line 1"),
            (line(1, "é"), "line 1"),
            (String::new(), "holds no key"),
        ] {
            write(&path, &text);
            let error = FileKey::open_or_create(&path, &store()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
