//! Keys: fixed ones, and a file.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::contract::{KeyProvider, SealingKey};
use crate::error::{Error, ErrorKind, Result};

/// One key that the host holds itself.
#[derive(Debug)]
pub struct StaticKey(SealingKey);

impl StaticKey {
    /// Takes a key of 256 random bits over.
    pub fn new(id: u32, key: [u8; 32]) -> Self {
        Self(SealingKey::new(id, key))
    }
}

#[async_trait]
impl KeyProvider for StaticKey {
    async fn current(&self) -> Result<SealingKey> {
        Ok(self.0.clone())
    }

    async fn by_id(&self, id: u32) -> Result<Option<SealingKey>> {
        Ok((id == self.0.id()).then(|| self.0.clone()))
    }
}

/// Keys in a file that only its owner can read: a line `practicemail-key NUMBER HEX` each, the last one current. To change
/// the key, add a line.
#[derive(Debug)]
pub struct FileKey {
    keys: Vec<SealingKey>,
}

impl FileKey {
    /// Opens the file, or makes it, with a random key, where there is none.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable) when it cannot be read, made or understood, or others may read it.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match File::open(path) {
            Ok(file) => Self::read(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match create(path) {
                // Another process was quicker: its key counts.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    Self::read(File::open(path).map_err(unavailable)?)
                }
                made => {
                    made.map_err(unavailable)?;
                    Self::read(File::open(path).map_err(unavailable)?)
                }
            },
            Err(error) => Err(unavailable(error)),
        }
    }

    fn read(mut file: File) -> Result<Self> {
        let unusable = |why: &'static str| Error::new(ErrorKind::KeyUnavailable, why);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            if file.metadata().map_err(unavailable)?.permissions().mode() & 0o077 != 0 {
                return Err(unusable("others may read the key file: set its mode to 0600"));
            }
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(unavailable)?;
        let keys: Option<Vec<SealingKey>> =
            text.lines().filter(|line| !line.trim().is_empty()).map(key_of_line).collect();
        let keys = keys
            .filter(|keys| !keys.is_empty())
            .ok_or_else(|| unusable("the key file holds something that is no key"))?;
        Ok(Self { keys })
    }
}

fn unavailable(error: std::io::Error) -> Error {
    Error::new(ErrorKind::KeyUnavailable, "the key file could not be opened").with_source(error)
}

/// Makes the file whole under another name first: a process that dies meanwhile leaves no half a key.
fn create(path: &Path) -> std::io::Result<()> {
    let mut key = Zeroizing::new([0u8; 32]);
    getrandom::fill(&mut *key).map_err(|_| std::io::Error::other("no random numbers"))?;
    let hex: Zeroizing<String> = Zeroizing::new(key.iter().map(|octet| format!("{octet:02x}")).collect());
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    writeln!(file, "practicemail-key 1 {}", *hex)?;
    file.sync_all()?;
    // A link fails where a rename would replace another process's key.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    linked
}

fn key_of_line(line: &str) -> Option<SealingKey> {
    let mut words = line.split_whitespace();
    let (name, id, hex) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    if name != "practicemail-key" || hex.len() != 64 || words.next().is_some() {
        return None;
    }
    let mut key = [0; 32];
    for (i, octet) in key.iter_mut().enumerate() {
        *octet = u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(SealingKey::new(id, key))
}

#[async_trait]
impl KeyProvider for FileKey {
    async fn current(&self) -> Result<SealingKey> {
        let none = || Error::new(ErrorKind::KeyUnavailable, "the key file holds no key");
        self.keys.last().cloned().ok_or_else(none)
    }

    async fn by_id(&self, id: u32) -> Result<Option<SealingKey>> {
        Ok(self.keys.iter().find(|key| key.id() == id).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_file_is_made_once_and_read_by_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.key");
        let first = FileKey::open_or_create(&path).unwrap().current().await.unwrap();
        let again = FileKey::open_or_create(&path).unwrap().by_id(1).await.unwrap().unwrap();
        assert_eq!(first.expose(), again.expose());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        std::fs::write(
            &path,
            format!("{}practicemail-key 2 {}\n", std::fs::read_to_string(&path).unwrap(), "ab".repeat(32)),
        )
        .unwrap();
        assert_eq!(FileKey::open_or_create(&path).unwrap().current().await.unwrap().id(), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(FileKey::open_or_create(&path).unwrap_err().to_string().contains("0600"));
        }
    }

    #[test]
    fn a_damaged_key_file_is_refused_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.key");
        FileKey::open_or_create(&path).unwrap();
        std::fs::write(&path, "practicemail-key 1 zz").unwrap();
        assert_eq!(FileKey::open_or_create(&path).unwrap_err().kind(), ErrorKind::KeyUnavailable);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "practicemail-key 1 zz");
    }
}
