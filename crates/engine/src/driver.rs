//! The partition's loop: what is due, then what came in, then a frame for the writer.
//!
//! Straight code over a partition and its mailbox; a thread drives it (`Driver::run`), or a hand (`stepped.rs`). It must
//! never wait for the writer while frames may still be decided ahead. Read next: `partition/mod.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use transaction::Time;

use crate::batch::Batch;
use crate::mailbox::{Appetite, Mailbox};
use crate::partition::{Input, Partition};
use crate::{Clock, Fault, Meters, refusal};

/// How long the partition sleeps when nothing is due and nothing comes.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a stop waits for branch calls under way, in milliseconds.
const STOP_CALLS_MS: u64 = 3_000;

/// Takes a sealed batch to the writer; may wait until the writer has room.
pub(crate) type Send<'a> = &'a mut dyn FnMut(Batch) -> Result<(), Fault>;

/// A partition with what drives it.
pub(crate) struct Driver {
    pub partition: Partition,
    pub clock: Arc<dyn Clock>,
    pub inputs: Arc<Mailbox>,
    pub queued: Arc<AtomicUsize>,
    pub meters: Arc<Meters>,
    pub frames_in_flight: usize,
    /// Frames sealed but not yet durable.
    pub in_flight: usize,
    /// A stop was asked for: when it no longer waits for calls.
    pub stop_by: Option<Time>,
}

impl Driver {
    /// Works until it is stopped; then everything decided is with the writer.
    pub(crate) fn run(mut self, send: Send<'_>) -> Result<(), Fault> {
        let mut taken = Vec::new();
        while !self.begin_turn(send)? {
            let now = self.clock.now();
            self.inputs.take(&mut taken, self.appetite(), self.patience(now));
            self.end_turn(&mut taken, send)?;
        }
        Ok(())
    }

    /// One turn with what waits now, and the beginning of the next; whether that was the end.
    pub(crate) fn turn(&mut self, send: Send<'_>) -> Result<bool, Fault> {
        if self.begin_turn(send)? {
            return Ok(true);
        }
        let mut taken = Vec::new();
        self.inputs.take(&mut taken, self.appetite(), Duration::ZERO);
        self.end_turn(&mut taken, send)?;
        self.begin_turn(send)
    }

    /// Does what is due and hands on what may go; whether this was the end.
    fn begin_turn(&mut self, send: Send<'_>) -> Result<bool, Fault> {
        let now = self.clock.now();
        self.partition.tick(now);
        self.partition.let_calls_go();
        if self.stop_by.is_some_and(|by| now >= by || self.partition.calls_in_flight() == 0) {
            let refusal = refusal::STOPPING.because("the process is going down");
            self.inputs.close().into_iter().for_each(|input| input.refuse(&refusal));
            self.partition.release_waiters();
            while self.seal(send)? {}
            return Ok(true);
        }
        if self.in_flight < self.frames_in_flight || self.partition.is_full() {
            self.in_flight += usize::from(self.seal(send)?);
        }
        Ok(false)
    }

    /// Decides what came in.
    fn end_turn(&mut self, taken: &mut Vec<Input>, send: Send<'_>) -> Result<(), Fault> {
        let now = self.clock.now();
        for input in taken.drain(..) {
            match input {
                Input::Durable(_) => self.in_flight = self.in_flight.saturating_sub(1),
                Input::Stop => self.stop_by = Some(now.plus_ms(STOP_CALLS_MS)),
                _ => {}
            }
            if input.is_request() {
                self.queued.fetch_sub(1, Ordering::AcqRel);
            }
            self.partition.handle(input, now);
            // A frame has a largest size: what comes beyond goes into the next one.
            if self.partition.is_full() {
                self.in_flight += usize::from(self.seal(send)?);
            }
        }
        self.meters.queue.set(i64::try_from(self.queued.load(Ordering::Relaxed)).unwrap_or(i64::MAX));
        Ok(())
    }

    fn appetite(&self) -> Appetite {
        if self.in_flight < self.frames_in_flight { Appetite::Any } else { Appetite::Progress }
    }

    /// How long to wait for inputs: no longer than until something is due.
    fn patience(&self, now: Time) -> Duration {
        let Some(at) = self.partition.next_at(now) else { return PATIENCE };
        Duration::from_micros(u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0)).min(PATIENCE)
    }

    /// Hands the open batch to the writer.
    fn seal(&mut self, send: Send<'_>) -> Result<bool, Fault> {
        let Some(batch) = self.partition.seal() else { return Ok(false) };
        send(batch)?;
        Ok(true)
    }
}
