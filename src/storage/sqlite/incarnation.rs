//! Whether the file was restored from a backup since something was sent from it.
//!
//! The database holds a random number that is drawn anew whenever a message may leave, or an intent the queue, and a file beside it,
//! `<file>-outbox`, holds the same number. A backup of the database brings an older number back, and a copy elsewhere brings no
//! file along: what is queued in it may have left before, and waits for a person.
//!
//! The numbers go in three steps, so that a crash between any two of them is no restore, and a restore is never taken for
//! a crash:
//! 1. inside the transaction that writes the new number, the file holds the old and the new one;
//! 2. the transaction is committed, to the disk;
//! 3. before anybody learns of it the file holds the new number alone, on the disk: a backup of before is told apart from then on.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::sql::failure::failure;
use crate::storage::sql::lease_lock::beside;
use crate::storage::sql::restored::hold;
use crate::storage::sql::statement;
use crate::storage::sql::transaction::Tx;

const SELECT: &str = "SELECT lower(hex(nonce)) FROM outbox_nonce WHERE id = 1";

const RENEW: &str = "
    INSERT INTO outbox_nonce (id, nonce) VALUES (1, randomblob(16))
    ON CONFLICT (id) DO UPDATE SET nonce = excluded.nonce
    RETURNING lower(hex(nonce))";

/// The file beside the database.
#[derive(Default)]
pub(super) struct Incarnation {
    /// `None` in memory, of which there are no backups.
    path: Option<PathBuf>,
}

impl Incarnation {
    /// The file that goes with a database's.
    pub(super) fn beside(database: &Path) -> Self {
        Self { path: Some(beside(database, "-outbox")) }
    }

    /// Holds what is queued if the file was restored. Inside a transaction that is made when the file is opened.
    pub(super) async fn check(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let (known, drawn) = (read(path)?, select(tx).await?);
        if drawn.as_ref().map_or(known.is_empty(), |drawn| known.contains(drawn)) {
            return Ok(());
        }
        let now = tx.now().await?;
        hold(tx, now).await?;
        let new = renewed(tx).await?;
        // The new number alone: should the commit fail, the restored one is a stranger still.
        write(path, &[new]).and_then(|()| settle(path)).map_err(unusable)
    }

    /// Holds what is queued because the host says that the file was restored; [`settle`](Self::settle) comes after it.
    pub(super) async fn restored(&self, tx: &mut Tx<'_>) -> Result<()> {
        let now = tx.now().await?;
        hold(tx, now).await?;
        let new = renewed(tx).await?;
        let Some(path) = &self.path else { return Ok(()) };
        write(path, &[new]).and_then(|()| settle(path)).map_err(unusable)
    }
    /// Draws a new number, in the transaction by which a message may leave, or an intent the queue; [`settle`](Self::settle) comes after it.
    pub(super) async fn renew(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut numbers: Vec<String> = select(tx).await?.into_iter().collect();
        numbers.push(renewed(tx).await?);
        // On the disk before the commit is: a loss of power between the two is no restore.
        write(path, &numbers).and_then(|()| settle(path)).map_err(unusable)
    }

    /// Forgets the old number, in a transaction of its own that keeps others from drawing one.
    pub(super) async fn settle(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let numbers: Vec<String> = select(tx).await?.into_iter().collect();
        write(path, &numbers).and_then(|()| settle(path)).map_err(unusable)
    }
}

async fn select(tx: &mut Tx<'_>) -> Result<Option<String>> {
    let row: Option<(String,)> = statement::query_as(SELECT).fetch_optional(tx).await.map_err(failure)?;
    Ok(row.map(|(nonce,)| nonce))
}

async fn renewed(tx: &mut Tx<'_>) -> Result<String> {
    let (nonce,): (String,) = statement::query_as(RENEW).fetch_one(tx).await.map_err(failure)?;
    Ok(nonce)
}

/// The numbers in the file; none where there is no file.
fn read(path: &Path) -> Result<Vec<String>> {
    match std::fs::read(path) {
        Ok(octets) => Ok(String::from_utf8_lossy(&octets).lines().map(str::to_owned).collect()),
        Err(cause) if cause.kind() == IoErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(unusable(cause)),
    }
}

/// Puts numbers into the file, whole. Not on another thread: a write that goes on after its transaction was dropped would
/// undo that of the next.
fn write(path: &Path, numbers: &[String]) -> std::io::Result<()> {
    let new = beside(path, "-new");
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(numbers.join("\n").as_bytes())?;
    std::fs::rename(&new, path)
}

/// Brings the file, and its name, to the disk.
fn settle(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()?;
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn unusable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "the file that tells a restored archive cannot be used").with_source(cause)
}
