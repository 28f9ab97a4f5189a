//! Blob stores that break a clause.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt;
use practicemail::conformance::{self, Report, Seed};
use practicemail::contract::{BlobInfo, BlobStore, BlobWriter};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::storage::MemoryStore;
use practicemail::types::{Digest, PracticeId};

use crate::assert_reported;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    LargeBlobsAreCut,
    DroppedWriterFinishes,
    SecondWriteIsListedTwice,
    SecondWriteFails,
    RangePastTheEndIsNone,
    PracticesShareOctets,
    DeletedStays,
    ListIsReversed,
    ListBeginsWithTheDigestItGoesOnAfter,
}

pub(crate) async fn report(fault: Fault) -> Report {
    conformance::blobs(async || Double {
        inner: MemoryStore::new(Seed::new().clock),
        fault,
        practices: Mutex::default(),
        doubled: Arc::default(),
    })
    .await
}

#[tokio::test]
async fn every_broken_clause_is_reported() {
    for (fault, clause) in [
        (Fault::LargeBlobsAreCut, "B1"),
        (Fault::DroppedWriterFinishes, "B2"),
        (Fault::SecondWriteIsListedTwice, "B3"),
        (Fault::SecondWriteFails, "B3"),
        (Fault::RangePastTheEndIsNone, "B4"),
        (Fault::PracticesShareOctets, "B5"),
        (Fault::DeletedStays, "B6"),
        (Fault::ListIsReversed, "B7"),
        (Fault::ListBeginsWithTheDigestItGoesOnAfter, "B7"),
    ] {
        assert_reported(&fault, &report(fault).await, &[clause]);
    }
}

struct Double {
    inner: MemoryStore,
    fault: Fault,
    practices: Mutex<BTreeSet<PracticeId>>,
    doubled: Arc<Mutex<Vec<Digest>>>,
}

struct DoubleWriter {
    inner: Option<Box<dyn BlobWriter>>,
    octets: Vec<u8>,
    store: MemoryStore,
    practice: PracticeId,
    fault: Fault,
    doubled: Arc<Mutex<Vec<Digest>>>,
}

impl Drop for DoubleWriter {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take().filter(|_| self.fault == Fault::DroppedWriterFinishes) {
            inner.finish().now_or_never().unwrap().unwrap();
        }
    }
}

#[async_trait]
impl BlobWriter for DoubleWriter {
    async fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.octets.extend_from_slice(octets);
        self.inner.as_mut().unwrap().write(octets).await
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobInfo> {
        let sha256 = Digest::of(&self.octets);
        if BlobStore::read(&self.store, &self.practice, sha256, 0, 0).await?.is_some() {
            if self.fault == Fault::SecondWriteFails {
                return Err(Error::new(ErrorKind::Storage, "the blob is there"));
            }
            self.doubled.lock().unwrap().push(sha256);
        }
        self.inner.take().unwrap().finish().await
    }
}

#[async_trait]
impl BlobStore for Double {
    async fn writer(&self, practice: &PracticeId) -> Result<Box<dyn BlobWriter>> {
        self.practices.lock().unwrap().insert(practice.clone());
        Ok(Box::new(DoubleWriter {
            inner: Some(self.inner.writer(practice).await?),
            octets: Vec::new(),
            store: self.inner.clone(),
            practice: practice.clone(),
            fault: self.fault,
            doubled: Arc::clone(&self.doubled),
        }))
    }

    async fn read(
        &self,
        practice: &PracticeId,
        sha256: Digest,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>> {
        let read = BlobStore::read(&self.inner, practice, sha256, offset, length).await?;
        match self.fault {
            Fault::LargeBlobsAreCut => Ok(read.map(|mut octets| {
                octets.truncate(1 << 20);
                octets
            })),
            Fault::RangePastTheEndIsNone => Ok(read.filter(|octets| offset == 0 || !octets.is_empty())),
            Fault::PracticesShareOctets if read.is_none() => {
                let practices: Vec<_> = self.practices.lock().unwrap().iter().cloned().collect();
                for practice in practices {
                    let read = BlobStore::read(&self.inner, &practice, sha256, offset, length).await?;
                    if read.is_some() {
                        return Ok(read);
                    }
                }
                Ok(None)
            }
            _ => Ok(read),
        }
    }

    async fn delete(&self, practice: &PracticeId, sha256: Digest) -> Result<()> {
        if self.fault == Fault::DeletedStays {
            return Ok(());
        }
        self.inner.delete(practice, sha256).await
    }

    async fn list(
        &self,
        practice: &PracticeId,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>> {
        let mut list = self.inner.list(practice, after, limit).await?;
        match self.fault {
            Fault::ListIsReversed => list.reverse(),
            Fault::SecondWriteIsListedTwice => {
                let doubled = self.doubled.lock().unwrap();
                list = list
                    .into_iter()
                    .flat_map(|info| vec![info; 1 + usize::from(doubled.contains(&info.sha256))])
                    .collect();
            }
            Fault::ListBeginsWithTheDigestItGoesOnAfter => {
                let all = self.inner.list(practice, None, usize::MAX).await?;
                list = all.into_iter().filter(|info| Some(info.sha256) >= after).take(limit).collect();
            }
            _ => {}
        }
        Ok(list)
    }
}
