//! The writer: makes batches durable one after another, then lets their answers go. One thread owns the journal.
//!
//! After a fault nothing more is told as done: the fault goes up, the thread ends, waiting answers are dropped untold.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use journal::{Fault as JournalFault, Frame, Journal, Space};

use crate::archiver::{self, Frames};
use crate::batch::{Batch, Deliver};
use crate::mailbox::Mailbox;
use crate::partition::Input;
use crate::{Fault, Meters};

/// How long to wait for room when even the journal's reserve is used up.
const FULL_PAUSE: Duration = Duration::from_millis(200);

/// What the writer is given to do.
pub(crate) enum Work {
    /// Make this batch durable, then let its answers go.
    Keep(Batch),
    /// Nothing more will come.
    Stop,
    /// The archive holds everything up to here for good: older segments may be recycled.
    Release(u64),
}

/// The writer and its connections.
pub(crate) struct Writer {
    pub journal: Box<dyn Journal>,
    pub partition: Arc<Mailbox>,
    pub deliver: Deliver,
    pub archiver: Frames,
    pub meters: Arc<Meters>,
}

impl Writer {
    /// Works until it is stopped; then the archive is stopped too.
    pub(crate) fn run(mut self, work: &Receiver<Work>) -> Result<(), Fault> {
        while let Ok(work) = work.recv() {
            match work {
                Work::Keep(batch) => self.keep(batch)?,
                Work::Stop => break,
                Work::Release(through) => self.journal.release(through)?,
            }
            self.meters.storage.set(match self.journal.gauge().space() {
                Space::Ample => 0,
                Space::Reserve => 1,
                Space::Full => 2,
            });
        }
        self.archiver.stop();
        Ok(())
    }

    fn keep(&mut self, batch: Batch) -> Result<(), Fault> {
        let last = batch.last;
        if let Some(frame) = batch.frame() {
            self.append(&frame)?;
            self.meters.frame_events.observe(f64::from(frame.count));
            self.meters.events.inc_by(u64::from(frame.count));
            self.meters.durable.set(last);
            // Before the answers: whoever was told of an event finds it in the archive.
            let first = frame.sequence;
            self.archiver.send(archiver::Frame { first, last, payload: batch.payload });
        }
        if !batch.answers.0.is_empty() {
            (self.deliver)(batch.answers);
        }
        // The partition may have gone when the process stops.
        let _ = self.partition.push(Input::Durable(last));
        Ok(())
    }

    fn append(&mut self, frame: &Frame<'_>) -> Result<(), Fault> {
        let started = Instant::now();
        loop {
            match self.journal.append(frame) {
                Ok(()) => break,
                // Nothing was written: this is no retry of a failed write.
                Err(JournalFault::Full) => std::thread::sleep(FULL_PAUSE),
                Err(fault) => return Err(fault.into()),
            }
        }
        self.meters.sync_seconds.observe(started.elapsed().as_secs_f64());
        Ok(())
    }
}
