//! The narrow I/O port of the file backend: one folder, flat names.
//!
//! All that `file/` does to the world goes through here, so that a simulator can stand in for the disk. It must
//! never decide what bytes mean, retry a failed sync, or hide an error.
//! Read next: `disk/real.rs` (the operating system), `disk/fake.rs` (a disk that can crash).

pub mod fake;
mod real;

use std::io;

use crate::Fault;

pub use fake::FakeDisk;
pub use real::RealDisk;

/// One folder on a disk.
pub trait Disk: Send + Sync {
    /// The folder, as messages should name it.
    fn folder(&self) -> String;
    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Creates a file; `AlreadyExists` when the name is taken. The name is durable after [`Disk::sync_dir`].
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, in place of whatever had it. Durable after [`Disk::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Durable after [`Disk::sync_dir`].
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names in the folder, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes names durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// Takes an exclusive lock that lasts until the value is dropped or the process ends.
    fn lock(&self, name: &str) -> Result<Box<dyn DiskLock>, LockRefused>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Reads at `offset`; fewer bytes than asked may come, 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at `offset`; fewer bytes than given may be taken.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Makes the file's bytes and length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// The file's length in bytes.
    fn length(&self) -> io::Result<u64>;
}

/// A held lock; dropping it gives it back.
pub trait DiskLock: Send {}

/// Why a lock was not given.
#[derive(Debug)]
pub enum LockRefused {
    /// Somebody has it; what the lock file says about them.
    Held(String),
    /// It could not be tried.
    Failed(io::Error),
}

/// Writes all of `bytes`, in as many pieces as the disk takes.
///
/// # Errors
/// When the disk fails, or takes nothing more.
pub fn write_all(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => {
                bytes = &bytes[taken..];
                offset += taken as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills `buffer` from `offset`.
///
/// # Errors
/// When the disk fails; a file that ends before is one, too.
pub fn read_exact(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let filled = read_some(file, buffer, offset)?;
    if filled < buffer.len() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// Fills `buffer` from `offset`; what lies beyond the file's end reads as zeros.
pub(crate) fn read_padded(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let filled = read_some(file, buffer, offset)?;
    buffer[filled..].fill(0);
    Ok(())
}

/// Reads as much of `buffer` as the file has; answers how much that is.
fn read_some(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The folder and the name, for messages.
pub(crate) fn place(disk: &dyn Disk, name: &str) -> String {
    format!("{}/{name}", disk.folder())
}

/// Turns an I/O error into a fault: `what` with the file's place, as in "read data/journal/00000001.seg".
pub(crate) fn fault(disk: &dyn Disk, what: &str, name: &str) -> impl FnOnce(io::Error) -> Fault {
    let what = format!("{what} {}", place(disk, name));
    move |source| Fault::Io { what, source }
}

/// Whether the error says that there is no room, as opposed to a disk that fails.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
