//! Octets as files in a directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind as Io, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use crate::contract::{BlobInfo, BlobStore, BlobWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Digest, Hasher, PracticeId};

/// Where blobs are written before they are whole. It lies inside the practice's directory, so that the last step is a
/// rename within one file system, and is never listed.
const STAGING: &str = "staging";

/// A blob store in a directory, one file a blob: `<digest of the practice's id>/ab/cd/abcd…`.
///
/// A blob is written to a staging file, made durable, and only then given its name; what a process that died left in
/// `staging` is invisible and may be deleted while nothing writes. Files can be read by their owner only.
///
/// Several processes may use one directory. It has to be on a file system with atomic renames.
#[derive(Debug, Clone)]
pub struct BlobDirectory {
    root: Arc<Path>,
}

impl BlobDirectory {
    /// Opens a directory, creating it where it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`], [`ErrorKind::StorageFull`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let root: Arc<Path> = path.into().into();
        let created = Arc::clone(&root);
        blocking(move || create_all(&created)).await?;
        Ok(Self { root })
    }

    /// An id may hold any character; its digest is a name in every file system.
    fn practice(&self, practice: &PracticeId) -> PathBuf {
        self.root.join(Digest::of(practice.as_str().as_bytes()).to_string())
    }
}

#[async_trait]
impl BlobStore for BlobDirectory {
    async fn writer(&self, practice: &PracticeId) -> Result<Box<dyn BlobWriter>> {
        let practice = self.practice(practice);
        let staged = blocking(move || Staged::begin(practice)).await?;
        Ok(Box::new(DirectoryBlobWriter(Some(staged))))
    }

    async fn read(
        &self,
        practice: &PracticeId,
        sha256: Digest,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>> {
        let path = blob_path(&self.practice(practice), sha256);
        blocking(move || read_range(&path, offset, length)).await
    }

    async fn delete(&self, practice: &PracticeId, sha256: Digest) -> Result<()> {
        let path = blob_path(&self.practice(practice), sha256);
        blocking(move || match std::fs::remove_file(&path) {
            Err(error) if error.kind() == Io::NotFound => Ok(()),
            Ok(()) => path.parent().map_or(Ok(()), sync_directory),
            Err(error) => Err(error),
        })
        .await
    }

    async fn list(
        &self,
        practice: &PracticeId,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>> {
        let practice = self.practice(practice);
        blocking(move || list(&practice, after, limit)).await
    }
}

/// A blob that has no name yet. `None` after a failure, or when a call was dropped half-way.
struct DirectoryBlobWriter(Option<Staged>);

#[async_trait]
impl BlobWriter for DirectoryBlobWriter {
    async fn write(&mut self, octets: &[u8]) -> Result<()> {
        let mut staged = self.0.take().ok_or_else(broken)?;
        let octets = octets.to_vec();
        let write = move || {
            staged.file.write_all(&octets)?;
            staged.hasher.update(&octets);
            staged.size += octets.len() as u64;
            Ok(staged)
        };
        self.0 = Some(blocking(write).await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobInfo> {
        let staged = self.0.take().ok_or_else(broken)?;
        blocking(move || staged.finish()).await
    }
}

/// A staging file; it is removed when dropped before it got its name.
struct Staged {
    practice: PathBuf,
    path: PathBuf,
    file: File,
    hasher: Hasher,
    size: u64,
}

impl Staged {
    fn begin(practice: PathBuf) -> std::io::Result<Self> {
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(std::io::Error::other)?;
        let staging = practice.join(STAGING);
        create_all(&staging)?;
        let path = staging.join(format!("{:032x}", u128::from_be_bytes(name)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        Ok(Self { practice, path, file, hasher: Hasher::new(), size: 0 })
    }

    fn finish(self) -> std::io::Result<BlobInfo> {
        let info = BlobInfo::new(self.hasher.clone().finish(), self.size);
        self.file.sync_all()?;
        let named = blob_path(&self.practice, info.sha256);
        let directories = [named.parent(), named.parent().and_then(Path::parent), Some(&*self.practice)];
        named.parent().map_or(Ok(()), create_all)?;
        std::fs::rename(&self.path, &named)?;
        // Up to the root each time: a directory that exists may have been made a moment ago by another, who has not made
        // it durable yet.
        directories.into_iter().flatten().chain(self.practice.parent()).try_for_each(sync_directory)?;
        Ok(info)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After the rename there is nothing left to remove; and what cannot be removed is invisible where it is.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn blob_path(practice: &Path, sha256: Digest) -> PathBuf {
    let name = sha256.to_string();
    let [first, second, ..] = sha256.as_bytes();
    practice.join(format!("{first:02x}")).join(format!("{second:02x}")).join(name)
}

fn read_range(path: &Path, offset: u64, length: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == Io::NotFound => return Ok(None),
        opened => opened?,
    };
    let left = file.metadata()?.len().saturating_sub(offset);
    let length = usize::try_from(left).unwrap_or(usize::MAX).min(length);
    let mut octets = Vec::with_capacity(length);
    if length > 0 {
        file.seek(SeekFrom::Start(offset))?;
        file.take(length as u64).read_to_end(&mut octets)?;
    }
    Ok(Some(octets))
}

fn list(practice: &Path, after: Option<Digest>, limit: usize) -> std::io::Result<Vec<BlobInfo>> {
    let mut found = Vec::new();
    let after = after.map(|digest| digest.to_string()).unwrap_or_default();
    for first in names(practice)?.into_iter().filter(|name| name.len() == 2) {
        if after.get(..2).is_some_and(|after| first.as_str() < after) {
            continue;
        }
        for second in names(&practice.join(&first))? {
            if after.get(..4).is_some_and(|after| format!("{first}{second}").as_str() < after) {
                continue;
            }
            let directory = practice.join(&first).join(&second);
            for name in names(&directory)?.into_iter().filter(|name| *name > after) {
                if found.len() >= limit {
                    return Ok(found);
                }
                let Some(sha256) = parse_digest(&name) else { continue };
                match std::fs::metadata(directory.join(&name)) {
                    Ok(data) => found.push(BlobInfo::new(sha256, data.len())),
                    Err(error) if error.kind() == Io::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(found)
}

/// What a directory holds, in order; nothing when it does not exist.
fn names(directory: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == Io::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

fn parse_digest(name: &str) -> Option<Digest> {
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let octet = |i: usize| name.get(2 * i..2 * i + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let octets: Option<Vec<u8>> = (0..32).map(octet).collect();
    octets.filter(|_| name.len() == 64 && name.bytes().all(lower)).and_then(|o| Digest::from_slice(&o))
}

fn create_all(directory: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> std::io::Result<()> {
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|interrupted| Err(std::io::Error::other(interrupted)));
    done.map_err(|error| {
        let kind = match error.kind() {
            Io::StorageFull | Io::QuotaExceeded => ErrorKind::StorageFull,
            _ => ErrorKind::Storage,
        };
        Error::new(kind, "the blob directory could not be read or written").with_source(error)
    })
}

fn broken() -> Error {
    Error::new(ErrorKind::Storage, "writing this blob failed before")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn put(store: &BlobDirectory, practice: &PracticeId, octets: &[u8]) -> BlobInfo {
        let mut writer = store.writer(practice).await.unwrap();
        writer.write(octets).await.unwrap();
        writer.finish().await.unwrap()
    }

    fn files(directory: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
        }
        found
    }

    #[tokio::test]
    async fn an_odd_practice_id_stays_inside_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let store = BlobDirectory::open(directory.path().join("blobs")).await.unwrap();
        let practice = PracticeId::new("../../müller & co/NUL").unwrap();
        let info = put(&store, &practice, b"octets").await;
        assert_eq!(store.list(&practice, None, 10).await.unwrap(), [info]);
        let [file] = &files(directory.path())[..] else { panic!("one file") };
        assert!(file.starts_with(directory.path().join("blobs")), "{file:?}");
        assert!(file.to_str().unwrap().is_ascii());
    }

    #[tokio::test]
    async fn what_a_dead_writer_left_is_invisible() {
        let directory = tempfile::tempdir().unwrap();
        let store = BlobDirectory::open(directory.path()).await.unwrap();
        let practice = PracticeId::new("p").unwrap();
        let mut writer = store.writer(&practice).await.unwrap();
        writer.write(b"half").await.unwrap();
        let [staged] = &files(directory.path())[..] else { panic!("one file") };
        let leftover = staged.with_file_name(Digest::of(b"half").to_string());
        std::fs::copy(staged, &leftover).unwrap();
        drop(writer);
        assert_eq!(files(directory.path()), [leftover]);
        assert!(store.list(&practice, None, 10).await.unwrap().is_empty());
        assert!(BlobStore::read(&store, &practice, Digest::of(b"half"), 0, 9).await.unwrap().is_none());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("blobs");
        let store = BlobDirectory::open(&root).await.unwrap();
        put(&store, &PracticeId::new("p").unwrap(), b"octets").await;
        let [file] = &files(&root)[..] else { panic!("one file") };
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(file), 0o600);
        assert!(file.ancestors().skip(1).take_while(|p| p.starts_with(&root)).all(|p| mode(p) == 0o700));
    }
}
