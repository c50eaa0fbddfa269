//! The thread that drives the preparer in production.
//!
//! It only paces; what is done is in `file/spare.rs`. It must never outlive its journal.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::file::spare::{Preparer, Spares, Step};

/// How long to wait after a spare could not be made.
const AGAIN: Duration = Duration::from_secs(1);

/// How long to sleep at most when there is nothing to do.
const IDLE: Duration = Duration::from_secs(60);

/// The running thread; dropping it ends and joins it.
pub(super) struct PreparerThread {
    spares: Arc<Spares>,
    thread: Option<JoinHandle<()>>,
}

impl PreparerThread {
    pub(super) fn spawn(spares: &Arc<Spares>) -> io::Result<PreparerThread> {
        let mut preparer = Preparer::new(Arc::clone(spares));
        let shared = Arc::clone(spares);
        let thread = thread::Builder::new().name("journal-spares".to_owned()).spawn(move || {
            while !shared.is_stopped() {
                match preparer.step() {
                    Step::Idle => shared.wait(IDLE),
                    Step::Worked { pause } if pause.is_zero() => {}
                    Step::Worked { pause } => shared.rest(pause),
                    Step::Blocked => shared.rest(AGAIN),
                }
            }
        })?;
        Ok(PreparerThread { spares: Arc::clone(spares), thread: Some(thread) })
    }
}

impl Drop for PreparerThread {
    fn drop(&mut self) {
        self.spares.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the preparer has been printed by its own thread; the journal's frames are unharmed.
            let _ = thread.join();
        }
    }
}
