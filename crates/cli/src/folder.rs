//! The data folder: `journal/`, `archive/` and `LOCK`. Whoever has the lock owns the folder.
//!
//! It must never open a part of the folder for writing without the lock. Read next: `journal/src/file.rs`.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use engine::archive::Archive;
use journal::disk::{Disk, DiskLock, LockRefused, RealDisk};
use journal::file::{FileJournal, FileOptions};

use crate::settings;

const LOCK: &str = "LOCK";

/// A locked data folder; dropping it gives the lock back.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: Box<dyn DiskLock>,
}

/// What became of asking for a folder.
pub(crate) enum Lock {
    /// It is ours now.
    Free(Folder),
    /// It is in use, by this process as its lock tells ("pid 4711").
    Held(String),
    /// It cannot be written to: a copy on a read-only medium, or somebody else's.
    ReadOnly,
}

fn take(disk: &RealDisk, path: &Path) -> anyhow::Result<Lock> {
    match disk.lock(LOCK) {
        Ok(lock) => Ok(Lock::Free(Folder { path: path.to_owned(), _lock: lock })),
        Err(LockRefused::Held(holder)) => Ok(Lock::Held(holder)),
        Err(LockRefused::Failed(error))
            if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
        {
            Ok(Lock::ReadOnly)
        }
        Err(LockRefused::Failed(error)) => {
            Err(error).with_context(|| format!("cannot lock the data folder {}", path.display()))
        }
    }
}

impl Folder {
    /// Takes the folder, making it when there is none: for its owner only, since bodies of calls are kept in it.
    ///
    /// # Errors
    /// When another process has it (names it), or it cannot be made or written to.
    pub(crate) fn lock(path: &Path) -> anyhow::Result<Folder> {
        let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let shown = path.display();
        let is_new = !path.exists();
        let disk = RealDisk::create(path).with_context(|| format!("cannot make the data folder {shown}"))?;
        if is_new {
            fs::set_permissions(path, Permissions::from_mode(0o700))
                .with_context(|| format!("cannot protect the data folder {shown}"))?;
        }
        match take(&disk, path)? {
            Lock::Free(folder) => Ok(folder),
            Lock::ReadOnly => bail!(
                "the data folder {shown} cannot be written to: give it to this user, or give this process another --data"
            ),
            Lock::Held(holder) => bail!(
                "the data folder {shown} is in use by {holder}: end that process, or give this one another --data"
            ),
        }
    }

    /// Takes a folder that is there, or tells who has it. Makes nothing but the lock.
    ///
    /// # Errors
    /// When it cannot be locked.
    pub(crate) fn lock_existing(path: &Path) -> anyhow::Result<Lock> {
        take(&RealDisk::at(path), path)
    }

    /// Opens the archive. On a full disk it waits for room, which its store needs to open: what is open goes on as soon
    /// as somebody frees some, without another start.
    ///
    /// # Errors
    /// When its store cannot be opened.
    pub(crate) fn archive(&self) -> anyhow::Result<Archive> {
        let path = archive_path(&self.path);
        engine::with_room(|| Archive::open(&path)).with_context(|| {
            let shown = path.display();
            format!(
                "cannot open {shown}; if it is damaged move it away, and it is made anew from the journal"
            )
        })
    }

    /// Opens the journal, which must hold everything up to `persisted`, for the archive does.
    ///
    /// # Errors
    /// When it is damaged (file and offset), ends too early, or cannot be read.
    pub(crate) fn journal(
        &self,
        settings: &settings::Journal,
        persisted: u64,
    ) -> anyhow::Result<FileJournal> {
        let path = journal_path(&self.path);
        let disk = RealDisk::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let options = FileOptions {
            segment_bytes: settings.segment_bytes,
            retain_bytes: settings.retain_bytes,
            need: persisted,
            ..FileOptions::default()
        };
        Ok(FileJournal::start(Arc::new(disk), options)?)
    }
}

/// Where the journal of a data folder is.
pub(crate) fn journal_path(data: &Path) -> PathBuf {
    data.join("journal")
}

/// Where the archive of a data folder is.
pub(crate) fn archive_path(data: &Path) -> PathBuf {
    data.join("archive")
}
