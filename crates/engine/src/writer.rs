//! The writer: makes batches durable one after another, then lets their answers go. One thread owns the journal.
//!
//! After a fault nothing more is told as done: the fault goes up, the thread ends, waiting answers are dropped untold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use journal::{Fault as JournalFault, Journal};

use crate::archiver::{self, Frames};
use crate::batch::{Batch, Deliver};
use crate::mailbox::Mailbox;
use crate::partition::Input;
use crate::{Fault, Meters};

/// How long to wait for room when even the journal's reserve is used up.
const FULL_PAUSE: Duration = Duration::from_millis(200);

/// How long a stop waits for room.
const FULL_LAST: Duration = Duration::from_secs(3);

/// What the writer is given to do.
pub(crate) enum Work {
    /// Make this batch durable, then let its answers go.
    Keep(Batch),
    /// Nothing more will come.
    Stop,
}

/// The writer and its connections.
pub(crate) struct Writer {
    pub journal: Box<dyn Journal>,
    pub partition: Arc<Mailbox>,
    pub deliver: Deliver,
    pub archiver: Frames,
    pub meters: Arc<Meters>,
    /// The latest durable sequence, for those who ask.
    pub durable: Arc<AtomicU64>,
    /// Up to where the archive holds everything for good: older segments may be recycled.
    pub released: Arc<AtomicU64>,
    /// Up to where they have been.
    pub recycled: u64,
    pub stopping: Arc<AtomicBool>,
}

impl Writer {
    /// Works until it is stopped; then the archive is stopped too.
    pub(crate) fn run(mut self, work: &Receiver<Work>) -> Result<(), Fault> {
        while let Ok(Work::Keep(batch)) = work.recv() {
            let (mut next, mut stop_by) = (Some(batch), None);
            while let Some(batch) = next {
                next = self.keep(batch)?;
                if next.is_some() {
                    self.wait_for_room(&mut stop_by)?;
                }
            }
        }
        self.archiver.stop();
        Ok(())
    }

    /// Makes a batch durable and lets its answers go; gives it back, untouched, when there is no room for it.
    pub(crate) fn keep(&mut self, batch: Batch) -> Result<Option<Batch>, Fault> {
        self.recycle()?;
        let last = batch.last;
        #[cfg(feature = "planted")]
        let batch = self.before_its_time(batch);
        if let Some(frame) = batch.frame() {
            let started = Instant::now();
            match self.journal.append(&frame) {
                Ok(()) => {}
                #[cfg(feature = "planted")]
                Err(JournalFault::Io { .. }) if planted::is(planted::Bug::FaultSwallowed) => {}
                #[cfg(feature = "planted")]
                Err(fault) if planted::is(planted::Bug::FullEndsProcess) => return Err(fault.into()),
                // Nothing was written: trying it again is no retry of a failed write.
                Err(JournalFault::Full) => return Ok(Some(batch)),
                Err(fault) => return Err(fault.into()),
            }
            self.meters.sync_seconds.observe(started.elapsed().as_secs_f64());
            self.meters.frame_events.observe(f64::from(frame.count));
            self.meters.events.inc_by(u64::from(frame.count));
            self.meters.durable.set(last);
            self.durable.store(last, Ordering::Release);
            // Before the answers: whoever was told of an event finds it in the archive.
            let first = frame.sequence;
            self.archiver.send(archiver::Frame { first, last, payload: batch.payload });
        }
        if !batch.answers.0.is_empty() {
            (self.deliver)(batch.answers);
        }
        // The partition may have gone when the process stops.
        let _ = self.partition.push(Input::Durable(last));
        self.meters.show_space(self.journal.gauge().space());
        Ok(None)
    }

    #[cfg(feature = "planted")]
    fn before_its_time(&mut self, mut batch: Batch) -> Batch {
        if planted::is(planted::Bug::AnswerBeforeDurable) {
            (self.deliver)(std::mem::take(&mut batch.answers));
        }
        if let Some(frame) = batch.frame().filter(|_| planted::is(planted::Bug::ArchiveAhead)) {
            let (first, last) = (frame.sequence, frame.last());
            self.archiver.send(archiver::Frame { first, last, payload: batch.payload.clone() });
        }
        batch
    }

    /// Gives back to the journal what the archive has released since.
    fn recycle(&mut self) -> Result<(), Fault> {
        let through = self.released.load(Ordering::Acquire);
        if through > self.recycled {
            self.journal.release(through)?;
            self.recycled = through;
        }
        Ok(())
    }

    /// Leaves a full disk alone for a moment; a stop does not wait for ever.
    fn wait_for_room(&self, stop_by: &mut Option<Instant>) -> Result<(), Fault> {
        self.meters.show_space(self.journal.gauge().space());
        if self.stopping.load(Ordering::Acquire) {
            let by = *stop_by.get_or_insert_with(|| Instant::now() + FULL_LAST);
            if Instant::now() >= by {
                return Err(JournalFault::Full.into());
            }
        }
        std::thread::sleep(FULL_PAUSE);
        Ok(())
    }
}
