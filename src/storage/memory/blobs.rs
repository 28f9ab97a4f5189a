//! [`BlobStore`] in memory.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;

use super::MemoryStore;
use crate::contract::{BlobInfo, BlobStore, BlobWriter};
use crate::error::Result;
use crate::types::{Digest, PracticeId};

struct MemoryBlobWriter {
    store: MemoryStore,
    practice: PracticeId,
    octets: Vec<u8>,
}

#[async_trait]
impl BlobWriter for MemoryBlobWriter {
    async fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.octets.extend_from_slice(octets);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<BlobInfo> {
        let Self { store, practice, octets } = *self;
        let info = BlobInfo::new(Digest::of(&octets), octets.len() as u64);
        store.write(&practice, |rows, _| rows.blobs.insert(info.sha256, Arc::from(octets)));
        Ok(info)
    }
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn writer(&self, practice: &PracticeId) -> Result<Box<dyn BlobWriter>> {
        let writer = MemoryBlobWriter { store: self.clone(), practice: practice.clone(), octets: Vec::new() };
        Ok(Box::new(writer))
    }

    async fn read(
        &self,
        practice: &PracticeId,
        sha256: Digest,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>> {
        let blob = MemoryStore::read(self, practice, |rows| rows.blobs.get(&sha256).cloned());
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(blob.map(|octets| octets.iter().skip(offset).take(length).copied().collect()))
    }

    async fn delete(&self, practice: &PracticeId, sha256: Digest) -> Result<()> {
        self.write(practice, |rows, _| rows.blobs.remove(&sha256));
        Ok(())
    }

    async fn list(
        &self,
        practice: &PracticeId,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(MemoryStore::read(self, practice, |rows| {
            let blobs = rows.blobs.range((start, Bound::Unbounded)).take(limit);
            blobs.map(|(sha256, octets)| BlobInfo::new(*sha256, octets.len() as u64)).collect()
        }))
    }
}
