//! Files over the journal's disk port: made, named, and what goes wrong with them in words.
//!
//! Every failure names its file. What is damaged is never mended here: the index is a fold of the history, so the
//! whole folder can go and is built again. Read next: `manifest.rs`.

use std::io;

use journal::{Disk, DiskFile};

use crate::Fault;

/// What may be done about a damaged index.
const MEND: &str = "move the folder of ids away, and it is rebuilt from the history";

/// An error of the disk, with what was being done to which file.
pub(super) fn failed(disk: &dyn Disk, act: &str, name: &str) -> impl FnOnce(io::Error) -> Fault {
    let what = format!("{act} {}/{name}", disk.folder());
    move |error| Fault::Archive(format!("{what}: {error}"))
}

/// A file that is not what was written.
pub(super) fn damaged(disk: &dyn Disk, name: &str, why: &str) -> Fault {
    Fault::Archive(format!("{}/{name} is damaged ({why}): {MEND}", disk.folder()))
}

/// An empty file under a name that a cut-off attempt may have left.
pub(super) fn create(disk: &dyn Disk, name: &str) -> Result<Box<dyn DiskFile>, Fault> {
    match disk.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed(disk, "remove", name)(error));
        }
        _ => {}
    }
    disk.create(name).map_err(failed(disk, "create", name))
}

/// Gives a synced file its name, durably.
pub(super) fn publish(disk: &dyn Disk, part: &str, name: &str) -> Result<(), Fault> {
    disk.rename(part, name).map_err(failed(disk, "rename", part))?;
    disk.sync_dir().map_err(failed(disk, "sync the folder of", name))
}
