//! Starts and stops the threads around a partition.

use std::sync::Arc;

use journal::Journal;

use crate::archive::Archive;
use crate::{Clock, Config, Engine, Fault, Meters, Network};

/// What an engine is made of.
pub struct Parts {
    /// Where events are kept.
    pub journal: Box<dyn Journal>,
    /// Where finished transactions go.
    pub archive: Archive,
    /// Makes branch calls.
    pub network: Box<dyn Network>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where it counts.
    pub meters: Arc<Meters>,
    /// Called once, on an engine thread, when a fault stops it; nothing is told as done afterwards.
    pub on_fault: Box<dyn FnOnce(Fault) + Send>,
}

/// A running engine with its threads.
pub struct Running {
    /// The handle for callers.
    pub engine: Engine,
}

/// Replays what is kept and starts the threads; returns when it is ready.
///
/// # Errors
/// When journal or archive cannot be read, or do not fit together.
pub fn start(config: Config, parts: Parts) -> Result<Running, Fault> {
    let _ = (config, parts);
    Err(Fault::Archive("not started".to_owned()))
}

impl Running {
    /// Takes no new work, keeps and answers what is under way, hands everything to the archive, ends the threads.
    ///
    /// # Errors
    /// When the archive cannot be brought up to date (nothing is lost: the journal has it).
    pub fn stop(self) -> Result<(), Fault> {
        Ok(())
    }
}
