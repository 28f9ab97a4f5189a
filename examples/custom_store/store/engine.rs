//! redb as this store uses it: one ordered table of octets, and transactions on it.
//!
//! A record lies under its kind, its practice and its name. With it lie the *entries* by which it is found otherwise, keys without a
//! value: they follow from the record alone, so that whoever writes one never thinks of them.

use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use practicemail::contract::Clock;
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::types::{PracticeId, Timestamp};
use redb::{Database, ReadableDatabase as _, ReadableTable, Table, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::file;
use super::keys::Key;

type Octets = &'static [u8];
const TABLE: TableDefinition<'static, Octets, Octets> = TableDefinition::new("mail");

/// What is kept as one value.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// Where it lies.
    fn key(&self, practice: &PracticeId) -> Key;

    /// What it is found by besides.
    fn entries(&self, _practice: &PracticeId) -> Vec<Key> {
        Vec::new()
    }
}

/// The database, and the clock that everything in it goes by.
#[derive(Clone)]
pub(crate) struct Engine {
    opened: Arc<RwLock<Opened>>,
    /// Whose turn it is to write.
    turn: Arc<Mutex<()>>,
    clock: Arc<dyn Clock>,
}

struct Opened {
    database: Database,
    /// `None` in memory.
    file: Option<PathBuf>,
}

impl Engine {
    /// Opens a file, or makes it. One process at a time has it open.
    pub(crate) async fn open(file: PathBuf, clock: Arc<dyn Clock>) -> Result<Self> {
        blocking(move || {
            let (database, file) = file::open(&file)?;
            Self::new(database, Some(file), clock)
        })
        .await
    }

    pub(crate) fn new(database: Database, file: Option<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self> {
        let tx = database.begin_write().map_err(failed)?;
        tx.open_table(TABLE).map_err(failed)?;
        tx.commit().map_err(failed)?;
        let opened = Arc::new(RwLock::new(Opened { database, file }));
        Ok(Self { opened, turn: Arc::default(), clock })
    }

    /// Writes everything into a file anew: redb leaves what was taken away in pages that are free, until it needs them (A12). It takes as long as copying
    /// the archive, and as much room; others read meanwhile, and write afterwards.
    pub(crate) async fn purge(&self) -> Result<()> {
        let this = self.clone();
        blocking(move || {
            let _turn = this.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(fresh) = this.copied()? else { return Ok(()) };
            let mut opened = this.opened.write().unwrap_or_else(PoisonError::into_inner);
            let (database, known_for_good) = fresh.replace()?;
            opened.database = database;
            known_for_good
        })
        .await
    }

    /// Everything that is there, in a file beside it.
    fn copied(&self) -> Result<Option<file::Fresh>> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &opened.file else { return Ok(None) };
        let fresh = file::Fresh::beside(file)?;
        copy(&opened.database, fresh.database())?;
        Ok(Some(fresh))
    }

    /// Looks at a practice as it is at one moment.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        practice: &PracticeId,
        look: impl FnOnce(&mut Reading) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (this, practice) = (self.clone(), practice.clone());
        blocking(move || {
            let opened = this.opened.read().unwrap_or_else(PoisonError::into_inner);
            let tx = opened.database.begin_read().map_err(failed)?;
            let table = tx.open_table(TABLE).map_err(failed)?;
            look(&mut Tx { table, practice, now: this.clock.now() })
        })
        .await
    }

    /// Changes a practice, whole or not at all: also if whoever asked goes away. One change is made after the other, and the clock
    /// is asked when it is this one's turn.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        practice: &PracticeId,
        change: impl FnOnce(&mut Writing<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (this, practice) = (self.clone(), practice.clone());
        blocking(move || {
            let _turn = this.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let opened = this.opened.read().unwrap_or_else(PoisonError::into_inner);
            let tx = opened.database.begin_write().map_err(failed)?;
            let table = tx.open_table(TABLE).map_err(failed)?;
            let mut writing = Tx { table, practice, now: this.clock.now() };
            let answer = change(&mut writing)?; // an error drops the transaction, and all it wrote
            drop(writing);
            tx.commit().map_err(failed)?;
            Ok(answer)
        })
        .await
    }
}

fn copy(from: &Database, to: &Database) -> Result<()> {
    let (from, to) = (from.begin_read().map_err(failed)?, to.begin_write().map_err(failed)?);
    let (old, mut new) = (from.open_table(TABLE).map_err(failed)?, to.open_table(TABLE).map_err(failed)?);
    for row in old.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        new.insert(key.value(), value.value()).map_err(failed)?;
    }
    drop(new);
    to.commit().map_err(failed)
}

/// redb waits for the disk, which must not keep tasks waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::storage)?
}

/// A transaction, in a practice, at a time.
pub(crate) struct Tx<T> {
    table: T,
    pub(crate) practice: PracticeId,
    pub(crate) now: Timestamp,
}

pub(crate) type Reading = Tx<redb::ReadOnlyTable<Octets, Octets>>;
pub(crate) type Writing<'a> = Tx<Table<'a, Octets, Octets>>;

/// A table that can be read, whatever else.
pub(crate) trait Readable: ReadableTable<Octets, Octets> {}
impl<T: ReadableTable<Octets, Octets>> Readable for T {}

impl<T: Readable> Tx<T> {
    pub(crate) fn octets(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        let found = self.table.get(key.as_slice()).map_err(failed)?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    pub(crate) fn get<R: Record>(&self, key: &Key) -> Result<Option<R>> {
        self.table.get(key.as_slice()).map_err(failed)?.map(|value| read(value.value())).transpose()
    }

    /// The keys that begin with `prefix`, behind it, after one of them: what is left of them there.
    pub(crate) fn keys<'a>(
        &'a self,
        prefix: &Key,
        after: Option<&Key>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<Vec<u8>>> + use<'a, T>> {
        let length = prefix.as_slice().len();
        let rest = move |key: &[u8]| key.get(length..).unwrap_or_default().to_vec();
        Ok(self.range(prefix, after)?.map(move |row| row.map(|(key, _)| rest(key.value())).map_err(failed)))
    }

    /// The keys that begin with `prefix`, behind it, before one of them, the last first.
    pub(crate) fn keys_before<'a>(
        &'a self,
        prefix: &Key,
        before: Option<&Key>,
    ) -> Result<impl Iterator<Item = Result<Vec<u8>>> + use<'a, T>> {
        let length = prefix.as_slice().len();
        let rest = move |key: &[u8]| key.get(length..).unwrap_or_default().to_vec();
        let last = prefix.end();
        let end = before.unwrap_or(&last).as_slice();
        let range = self.table.range::<&[u8]>(prefix.as_slice()..end).map_err(failed)?;
        Ok(range.rev().map(move |row| row.map(|(key, _)| rest(key.value())).map_err(failed)))
    }

    /// The records whose keys begin with `prefix`, after one of them.
    pub(crate) fn records<'a, R: Record>(
        &'a self,
        prefix: &Key,
        after: Option<&Key>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<R>> + use<'a, T, R>> {
        Ok(self.range(prefix, after)?.map(|row| read(row.map_err(failed)?.1.value())))
    }

    fn range(&self, prefix: &Key, after: Option<&Key>) -> Result<redb::Range<'_, Octets, Octets>> {
        let from = after.map_or(Bound::Included(prefix.as_slice()), |key| Bound::Excluded(key.as_slice()));
        let end = prefix.end();
        self.table.range::<&[u8]>((from, Bound::Excluded(end.as_slice()))).map_err(failed)
    }
}

impl Writing<'_> {
    /// Writes a record in place of the one that was there.
    pub(crate) fn put<R: Record>(&mut self, record: &R) -> Result<()> {
        let key = record.key(&self.practice);
        let value = serde_json::to_vec(record).map_err(Error::storage)?;
        self.put_entries::<R>(&key, &record.entries(&self.practice))?;
        self.table.insert(key.as_slice(), value.as_slice()).map_err(failed)?;
        Ok(())
    }

    /// Takes a record away.
    pub(crate) fn take<R: Record>(&mut self, key: &Key) -> Result<Option<R>> {
        let Some(record) = self.get::<R>(key)? else { return Ok(None) };
        self.put_entries::<R>(key, &[])?;
        self.table.remove(key.as_slice()).map_err(failed)?;
        Ok(Some(record))
    }

    pub(crate) fn put_octets(&mut self, key: &Key, octets: &[u8]) -> Result<()> {
        self.table.insert(key.as_slice(), octets).map_err(failed).map(|_| ())
    }

    /// Takes away everything whose key begins with `prefix`, where nothing of it has entries.
    pub(crate) fn clear(&mut self, prefix: &Key) -> Result<()> {
        let (from, end) = (prefix.as_slice(), prefix.end());
        self.table.retain_in::<&[u8], _>(from..end.as_slice(), |_, _| false).map_err(failed)
    }

    /// Replaces the entries of the record that is there by these.
    fn put_entries<R: Record>(&mut self, key: &Key, entries: &[Key]) -> Result<()> {
        let before = self.get::<R>(key)?.map(|record| record.entries(&self.practice)).unwrap_or_default();
        for entry in before.iter().filter(|entry| !entries.contains(entry)) {
            self.table.remove(entry.as_slice()).map_err(failed)?;
        }
        for entry in entries.iter().filter(|entry| !before.contains(entry)) {
            self.table.insert(entry.as_slice(), [].as_slice()).map_err(failed)?;
        }
        Ok(())
    }
}

/// What the parser complains about is left out: it may quote what was stored.
fn read<R: Record>(octets: &[u8]) -> Result<R> {
    serde_json::from_slice(octets)
        .map_err(|_| Error::new(ErrorKind::StorageCorrupt, "a record cannot be read"))
}

/// What the engine says, in the crate's kinds. After a failure of the disk redb wants the file to be opened again.
pub(crate) fn failed(error: impl Into<redb::Error>) -> Error {
    match error.into() {
        redb::Error::Corrupted(why) => {
            Error::new(ErrorKind::StorageCorrupt, "the archive's file is damaged").with_source(why)
        }
        redb::Error::DatabaseAlreadyOpen => {
            Error::new(ErrorKind::Busy, "another process, or this one, has the archive's file open")
        }
        redb::Error::ValueTooLarge(_) => {
            Error::new(ErrorKind::StorageRefused, "the archive does not take a record of such a length")
        }
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            Error::new(ErrorKind::StorageFull, "the archive's disk is full").with_source(error)
        }
        other => Error::storage(other),
    }
}
