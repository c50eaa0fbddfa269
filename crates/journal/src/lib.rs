//! KEEP: the append-only journal, a port with backends.
//!
//! A journal holds *frames*: opaque bytes, each the events of many requests, each made durable by one sync and
//! tied to the frame before it by a hash. This room knows bytes and sequence numbers only; it must never look
//! into a payload, decide anything about a transaction, or read a clock.
//!
//! Read next: [`port`] (what every backend promises), [`memory`] (the shortest backend), then
//! `docs/internals/journal.md` for the file format and the recovery rules.

pub mod chain;
pub mod conformance;
pub mod disk;
mod fault;
pub mod file;
mod frame;
mod gauge;
pub mod memory;
pub mod port;

pub use disk::{Disk, DiskFile, RealDisk};
pub use fault::Fault;
pub use file::{FileJournal, FileOptions, verify};
pub use frame::Frame;
pub use gauge::{Gauge, Space};
pub use memory::{Memory, MemoryOptions, MemoryStore};
pub use port::Journal;
