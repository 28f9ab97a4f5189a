//! The file: who may read it, and how another takes its place.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use practicemail::error::Result;
use redb::backends::FileBackend;
use redb::{Builder, Database};

use super::engine::failed;

/// Opens a file, or makes one that only its owner reads; answers where it really lies.
pub(crate) fn open(file: &Path) -> Result<(Database, PathBuf)> {
    let opened = options().create(true).truncate(false).open(file).map_err(lost)?;
    let file = file.canonicalize().map_err(lost)?;
    // Of a purge that was broken off: it holds what was erased since.
    remove(&beside(&file))?;
    let database = database(opened)?;
    directory(&file).and_then(|directory| directory.sync_all()).map_err(lost)?;
    Ok((database, file))
}

/// A file that is to take the place of another. Dropped before, it goes.
pub(crate) struct Fresh {
    /// `None` once it has taken the place.
    database: Option<Database>,
    path: PathBuf,
    file: PathBuf,
}

impl Fresh {
    pub(crate) fn beside(file: &Path) -> Result<Self> {
        let path = beside(file);
        remove(&path)?;
        let opened = options().create_new(true).open(&path).map_err(lost)?;
        let database = database(opened)?;
        Ok(Self { database: Some(database), path, file: file.to_owned() })
    }

    pub(crate) fn database(&self) -> &Database {
        self.database.as_ref().expect("it has not taken the place yet")
    }

    /// Takes the place, and the permissions. From then on everything goes into it; whether the disk knows its new name for good is answered
    /// beside.
    pub(crate) fn replace(mut self) -> Result<(Database, Result<()>)> {
        let directory = directory(&self.file).map_err(lost)?;
        let permissions = std::fs::metadata(&self.file).map_err(lost)?.permissions();
        std::fs::set_permissions(&self.path, permissions).map_err(lost)?;
        std::fs::rename(&self.path, &self.file).map_err(lost)?;
        let database = self.database.take().expect("it has not taken the place yet");
        Ok((database, directory.sync_all().map_err(lost)))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if self.database.take().is_some() {
            // Where it stays, the next opening takes it away.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn database(file: File) -> Result<Database> {
    let backend = FileBackend::new(file).map_err(failed)?;
    Builder::new().create_with_backend(backend).map_err(failed)
}

fn beside(file: &Path) -> PathBuf {
    file.with_added_extension("new")
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(lost(error)),
        _ => Ok(()),
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// What knows the names of files, and has to be on the disk before anything is written into one of them.
fn directory(file: &Path) -> std::io::Result<File> {
    File::open(file.parent().unwrap_or(Path::new("/")))
}

fn lost(error: Error) -> practicemail::error::Error {
    failed(redb::Error::Io(error))
}
