//! The operating system's disk.
//!
//! It passes calls on, one for one; it must never buffer, retry or reorder. Read next: `disk.rs`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Disk, DiskFile, DiskLock, LockRefused};

/// A folder of the real file system.
#[derive(Debug, Clone)]
pub struct RealDisk {
    folder: PathBuf,
}

impl RealDisk {
    /// The folder as it is; nothing is created. For reading only, as `verify` does.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> RealDisk {
        RealDisk { folder: folder.into() }
    }

    /// The folder, made durably if it is not there, with its parents.
    pub fn create(folder: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let folder = folder.into();
        let missing: Vec<&Path> = folder.ancestors().take_while(|path| !is_there(path)).collect();
        fs::create_dir_all(&folder)?;
        for made in missing {
            let parent = made.parent().filter(|parent| is_there(parent)).unwrap_or(Path::new("."));
            File::open(parent)?.sync_all()?;
        }
        Ok(RealDisk { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// An empty path is the parent of a relative one: the current folder, which is there.
fn is_there(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.is_dir()
}

impl Disk for RealDisk {
    fn folder(&self) -> String {
        self.folder.display().to_string()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let path = self.path(name);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        // A copy on a read-only medium can still be verified.
        let file = match file {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(&path)?,
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => File::open(&path)?,
            other => other?,
        };
        Ok(Box::new(RealFile { file }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(self.path(name))?;
        Ok(Box::new(RealFile { file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        // Names that are not UTF-8 are not ours.
        let names = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn lock(&self, name: &str) -> Result<Box<dyn DiskLock>, LockRefused> {
        let path = self.path(name);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(LockRefused::Failed)?;
        match file.try_lock() {
            Ok(()) => {
                sign(&mut file).map_err(LockRefused::Failed)?;
                Ok(Box::new(RealLock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The name is a courtesy: a holder that has not signed yet is still a holder.
                let _ = file.take(64).read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { "another process" } else { holder };
                Err(LockRefused::Held(holder.to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(LockRefused::Failed(error)),
        }
    }
}

/// Leaves our process id in the lock file for whoever is refused.
fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "pid {}", std::process::id())
}

struct RealFile {
    file: File,
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// The lock is the file's: it ends when the file is closed, also by a `kill -9`.
struct RealLock {
    _file: File,
}

impl DiskLock for RealLock {}
