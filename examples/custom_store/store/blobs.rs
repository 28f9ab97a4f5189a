//! [`BlobStore`]: octets in chunks, so that a message of any length is never in memory as a whole.

use async_trait::async_trait;
use practicemail::contract::{BlobInfo, BlobStore, BlobWriter};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::types::{Digest, Hasher, PracticeId};
use serde::{Deserialize, Serialize};

use super::FileStore;
use super::conversations::damaged;
use super::engine::{Record, Writing};
use super::keys::{Key, Kind};

const CHUNK: usize = 256 * 1024;

/// A blob that is whole: its chunks lie under its number.
#[derive(Serialize, Deserialize)]
struct Blob {
    sha256: Digest,
    size: u64,
    number: u64,
}

impl Blob {
    fn key_of(practice: &PracticeId, sha256: &Digest) -> Key {
        Key::of(Kind::Blob, practice).octets(sha256.as_bytes())
    }
}

impl Record for Blob {
    fn key(&self, practice: &PracticeId) -> Key {
        Self::key_of(practice, &self.sha256)
    }
}

fn chunks(practice: &PracticeId, number: u64) -> Key {
    Key::of(Kind::Chunk, practice).number(number)
}

/// A number that no blob of the practice has: one more than the last chunk's. The first of its own is written in the same transaction.
fn begin(tx: &mut Writing<'_>) -> Result<u64> {
    let last = tx.keys(&Key::of(Kind::Chunk, &tx.practice), None)?.next_back().transpose()?;
    let last = last.and_then(|rest| rest.first_chunk().copied()).map_or(0, u64::from_be_bytes);
    tx.put_octets(&staged(&tx.practice, last + 1), &[])?;
    Ok(last + 1)
}

/// That a blob is being written under a number.
fn staged(practice: &PracticeId, number: u64) -> Key {
    Key::of(Kind::Staged, practice).number(number)
}

/// Takes away what writers left that never finished.
pub(crate) fn sweep(tx: &mut Writing<'_>) -> Result<()> {
    let all = Key::of_all(Kind::Staged);
    let left: Vec<_> = tx.keys(&all, None)?.collect::<Result<_>>()?;
    for entry in left {
        tx.clear(&Key::of_all(Kind::Chunk).octets(&entry))?;
    }
    tx.clear(&all)
}

fn broken() -> Error {
    Error::new(ErrorKind::Storage, "an earlier write failed")
}

struct FileBlobWriter {
    store: FileStore,
    practice: PracticeId,
    /// Where its chunks are, once there is one.
    number: Option<u64>,
    /// How many chunks are written.
    written: u64,
    size: u64,
    hasher: Hasher,
    buffer: Vec<u8>,
    /// Whether everything came that was to be written: not after a failure, nor when a call was dropped on its way.
    is_whole: bool,
}

/// Writes a chunk, the first under a new number; answers the number.
fn put_chunk(tx: &mut Writing<'_>, number: Option<u64>, chunk: u64, octets: &[u8]) -> Result<u64> {
    let number = match number {
        Some(number) => number,
        None => begin(tx)?,
    };
    tx.put_octets(&chunks(&tx.practice, number).number(chunk), octets)?;
    Ok(number)
}

/// What a writer leaves that is dropped are chunks no blob names: they go when the file is opened again.
#[async_trait]
impl BlobWriter for FileBlobWriter {
    async fn write(&mut self, mut octets: &[u8]) -> Result<()> {
        if !std::mem::take(&mut self.is_whole) {
            return Err(broken());
        }
        self.hasher.update(octets);
        self.size += octets.len() as u64;
        while let Some((part, rest)) = octets.split_at_checked(CHUNK - self.buffer.len()) {
            self.buffer.extend_from_slice(part);
            octets = rest;
            let (chunk, number, at) = (std::mem::take(&mut self.buffer), self.number, self.written);
            let put = move |tx: &mut Writing<'_>| put_chunk(tx, number, at, &chunk);
            self.number = Some(self.store.engine.write(&self.practice, put).await?);
            self.written += 1;
        }
        self.buffer.extend_from_slice(octets);
        self.is_whole = true;
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<BlobInfo> {
        let Self { store, practice, number, written, size, hasher, buffer, is_whole } = *self;
        if !is_whole {
            return Err(broken());
        }
        let sha256 = hasher.finish();
        let finish = move |tx: &mut Writing<'_>| {
            let known = tx.get::<Blob>(&Blob::key_of(&tx.practice, &sha256))?;
            let number = match (known, number) {
                (None, number) => {
                    let number = put_chunk(tx, number, written, &buffer)?;
                    tx.put(&Blob { sha256, size, number })?;
                    number
                }
                (Some(_), Some(number)) => {
                    tx.clear(&chunks(&tx.practice, number))?;
                    number
                }
                (Some(_), None) => return Ok(()),
            };
            tx.clear(&staged(&tx.practice, number))
        };
        store.engine.write(&practice, finish).await?;
        Ok(BlobInfo::new(sha256, size))
    }
}

#[async_trait]
impl BlobStore for FileStore {
    async fn writer(&self, practice: &PracticeId) -> Result<Box<dyn BlobWriter>> {
        Ok(Box::new(FileBlobWriter {
            store: self.clone(),
            practice: practice.clone(),
            number: None,
            written: 0,
            size: 0,
            hasher: Hasher::new(),
            buffer: Vec::new(),
            is_whole: true,
        }))
    }

    async fn read(
        &self,
        practice: &PracticeId,
        sha256: Digest,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>> {
        let read = self.engine.read(practice, move |tx| {
            let Some(blob) = tx.get::<Blob>(&Blob::key_of(&tx.practice, &sha256))? else { return Ok(None) };
            let end = offset.saturating_add(length as u64).min(blob.size);
            let (mut octets, mut at) = (Vec::new(), offset);
            while at < end {
                let (chunk, inside) = (at / CHUNK as u64, usize::try_from(at % CHUNK as u64).unwrap_or(0));
                let found = tx.octets(&chunks(&tx.practice, blob.number).number(chunk))?.unwrap_or_default();
                let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
                let part = found.get(inside..).unwrap_or_default();
                let part = part.get(..wanted).unwrap_or(part);
                if part.is_empty() {
                    return Err(damaged());
                }
                octets.extend_from_slice(part);
                at += part.len() as u64;
            }
            Ok(Some(octets))
        });
        read.await
    }

    async fn delete(&self, practice: &PracticeId, sha256: Digest) -> Result<()> {
        let delete =
            move |tx: &mut Writing<'_>| match tx.take::<Blob>(&Blob::key_of(&tx.practice, &sha256))? {
                Some(blob) => tx.clear(&chunks(&tx.practice, blob.number)),
                None => Ok(()),
            };
        self.engine.write(practice, delete).await
    }

    async fn list(
        &self,
        practice: &PracticeId,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>> {
        let list = self.engine.read(practice, move |tx| {
            let after = after.map(|sha256| Blob::key_of(&tx.practice, &sha256));
            let blobs = tx.records::<Blob>(&Key::of(Kind::Blob, &tx.practice), after.as_ref())?;
            blobs.take(limit).map(|blob| blob.map(|blob| BlobInfo::new(blob.sha256, blob.size))).collect()
        });
        list.await
    }
}
