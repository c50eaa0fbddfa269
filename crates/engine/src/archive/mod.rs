//! The archive: a fold of durable frames on disk.

/// The archive.
#[derive(Debug)]
pub struct Archive;
