//! The file backend: zero-filled segments in one folder, one write and one `fdatasync` per frame.
//!
//! The format and the recovery rules are in `docs/internals/journal.md`. All I/O goes through [`crate::disk`].
//! It must never tell a frame as durable before its sync returned, nor start on a journal that misses a frame.
//! Read next: `file/journal.rs` (appending), `file/recover.rs` (opening), `file/spare.rs` (room ahead).

mod epoch;
pub mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod journal;
mod mend;
mod options;
mod recover;
mod scan;
mod segment;
mod spare;
mod thread;
mod verify;

pub use journal::FileJournal;
pub use options::FileOptions;
pub use spare::{Preparer, Step};
pub use verify::{Report, TornTail, verify};
