//! An engine turned by hand, on one thread: the very parts that `run.rs` gives threads to, in whatever order a simulator
//! draws, at whatever time its clock tells.
//!
//! A fault that a part answers is the end of this engine, as it is the end of the process in production. Nothing here
//! decides, keeps or reads by itself. Read next: `assembly.rs`, `driver.rs`.

use std::collections::VecDeque;
use std::time::Duration;

use transaction::Time;

use crate::archiver::Job;
use crate::assembly::{Assembled, Parts, assemble, caught_up};
use crate::batch::Batch;
use crate::partition::Input;
use crate::{Config, Engine, Fault};

/// What became of the oldest frame that waits to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// None waits.
    Nothing,
    /// It is durable, and its answers have been let go.
    Durable,
    /// The journal had no room: it waits on.
    NoRoom,
}

/// Whether an engine that was asked to stop has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// It goes on.
    Going,
    /// The partition has ended; what it decided is still to be kept.
    Ended,
}

/// An engine without threads.
pub struct Stepped {
    parts: Assembled,
    /// Frames sealed and not yet kept, oldest first.
    work: VecDeque<Batch>,
}

impl Stepped {
    /// As [`crate::start`], without starting anything.
    ///
    /// # Errors
    /// As [`crate::start`].
    pub fn open(config: &Config, mut parts: Parts) -> Result<Stepped, Fault> {
        let floor = caught_up(&mut parts)?;
        // Nobody could move the archive on while a reader waited.
        Ok(Stepped { parts: assemble(config, parts, (floor, Duration::ZERO))?, work: VecDeque::new() })
    }

    /// The handle for callers.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.parts.engine
    }

    /// Open transactions found at start-up.
    #[must_use]
    pub fn restored(&self) -> usize {
        self.parts.restored
    }

    /// The partition's turn: does what is due, decides what came in, seals what may be sealed, lets calls go.
    ///
    /// # Errors
    /// A fault ends the engine; today nothing here has one.
    pub fn turn(&mut self) -> Result<Turned, Fault> {
        let work = &mut self.work;
        let ended = self.parts.driver.turn(&mut |batch| {
            work.push_back(batch);
            Ok(())
        })?;
        Ok(if ended { Turned::Ended } else { Turned::Going })
    }

    /// Frames that wait to be kept.
    #[must_use]
    pub fn unkept(&self) -> usize {
        self.work.len()
    }

    /// The writer's turn: makes the oldest frame durable, lets its answers go, tells the partition.
    ///
    /// # Errors
    /// When the journal fails; nothing more may be asked of this engine.
    pub fn keep(&mut self) -> Result<Kept, Fault> {
        let Some(batch) = self.work.pop_front() else { return Ok(Kept::Nothing) };
        Ok(match self.parts.writer.keep(batch)? {
            None => Kept::Durable,
            Some(batch) => {
                self.work.push_front(batch);
                Kept::NoRoom
            }
        })
    }

    /// The archive's turn: takes in what is due. A store that fails is asked again at a later turn.
    pub fn archive(&mut self) {
        let Assembled { archiver, jobs, .. } = &mut self.parts;
        archiver.take(jobs.try_iter());
        archiver.tend();
    }

    /// The readers' turn: answers what was asked of the archive, which takes in what it has been given first.
    pub fn read(&mut self) {
        let Assembled { archiver, jobs, reader, .. } = &mut self.parts;
        while let Some((durable, query)) = reader.next_waiting() {
            archiver.take(jobs.try_iter().chain([Job::Flush]));
            reader.answer(durable, query);
        }
    }

    /// When the partition has something to do, inputs apart.
    #[must_use]
    pub fn next_at(&self) -> Option<Time> {
        let driver = &self.parts.driver;
        driver.partition.next_at(driver.clock.now())
    }

    /// Its clock's time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.parts.driver.clock.now()
    }

    /// Takes no new work; [`Stepped::turn`] says when the partition has ended.
    pub fn stop(&mut self) {
        // It is refused only by a partition that has ended.
        let _ = self.parts.driver.inputs.push(Input::Stop);
    }

    /// The end after a stop: everything that was kept is taken into the archive.
    pub fn finish(mut self) {
        let Assembled { archiver, jobs, .. } = &mut self.parts;
        archiver.take(jobs.try_iter());
        archiver.finish();
    }
}
