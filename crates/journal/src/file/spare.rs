//! Room ahead of the writer: spare segments, zero-filled and synced before they are needed.
//!
//! A write into a zero-filled file syncs in half the time of one into a growing file, and cannot find the disk
//! full. The preparing is stepped code: a thread drives it in production, a simulator by hand. It must never touch
//! a file that the journal has taken. A spare is `spare-N`, and `spare-N.part` while it is being filled.
//! Read next: `file/thread.rs` (the drive), `file/journal.rs` (the taker).

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::disk::{self, Disk, DiskFile};
use crate::file::{FileOptions, segment};
use crate::{Fault, Gauge, Space};

/// Zeros written by one step: small, so that the writer's syncs never wait long behind it.
const CHUNK: usize = 256 << 10;

/// Zeros between two syncs, so that no sync has much to carry.
const SYNC_EVERY: u64 = 2 << 20;

/// The pause between steps while nobody is in need: some 50 MiB/s.
const EASY: Duration = Duration::from_millis(5);

/// How far, in thousandths, the filling may lag before it hurries.
const GRACE: u64 = 100;

static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// What the writer and the preparer share.
pub(super) struct Spares {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) gauge: Gauge,
    segment_bytes: u64,
    target: usize,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    ready: VecDeque<String>,
    retired: VecDeque<Retired>,
    /// Why the last spare could not be made; `None` once one could.
    failing: Option<String>,
    /// Whether an append was refused since.
    refused: bool,
    /// How much of the active segment is used, in thousandths.
    used: u64,
    next: u64,
    woken: bool,
    stopped: bool,
}

/// A released segment.
struct Retired {
    number: u64,
    bytes: u64,
}

/// A file for the writer: zeros all over, synced, not named as a segment yet.
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) file: Box<dyn DiskFile>,
    pub(super) bytes: u64,
}

impl Spares {
    /// Finds the spares that an earlier opening left and clears away what is none.
    pub(super) fn gather(
        disk: &Arc<dyn Disk>,
        options: &FileOptions,
        gauge: Gauge,
    ) -> Result<Arc<Spares>, Fault> {
        let mut state = State::default();
        for name in disk.list().map_err(disk::fault(disk.as_ref(), "list", ""))? {
            let Some(rest) = name.strip_prefix("spare-") else { continue };
            let number = rest.strip_suffix(".part").unwrap_or(rest).parse().unwrap_or(0);
            state.next = state.next.max(number + 1);
            let usable = !rest.ends_with(".part") && state.ready.len() < options.spares;
            let length = disk.open(&name).and_then(|file| file.length());
            if usable && length.is_ok_and(|length| length == options.segment_bytes) {
                state.ready.push_back(name);
            } else {
                disk.remove(&name).map_err(disk::fault(disk.as_ref(), "remove", &name))?;
            }
        }
        Ok(Arc::new(Spares {
            disk: Arc::clone(disk),
            gauge,
            segment_bytes: options.segment_bytes,
            target: options.spares,
            state: Mutex::new(state),
            wake: Condvar::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, shows it in the gauge, and wakes the preparer.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let answer = change(&mut state);
        let short = state.failing.is_some() && state.ready.len() < self.target;
        self.gauge.set_space(match (state.refused, short) {
            (true, _) => Space::Full,
            (false, true) => Space::Reserve,
            (false, false) => Space::Ample,
        });
        state.woken = true;
        self.wake.notify_all();
        answer
    }

    /// A file with room for `needed` bytes at least: a spare, or one made in haste.
    pub(super) fn take(&self, small: u64, needed: u64) -> Result<Taken, Fault> {
        if let Some(name) = self.change(|state| state.ready.pop_front()) {
            let disk = self.disk.as_ref();
            let file = disk.open(&name).map_err(disk::fault(disk, "open", &name))?;
            return Ok(Taken { name, file, bytes: self.segment_bytes });
        }
        if self.lock().failing.is_some() {
            return Err(self.refuse(None));
        }
        self.make(small.max(needed.next_multiple_of(segment::BLOCK)))
    }

    /// Makes a zero-filled file at once, in the writer's path.
    pub(super) fn make(&self, bytes: u64) -> Result<Taken, Fault> {
        let name = self.fresh_name() + ".part";
        let made = self.disk.create(&name).and_then(|file| {
            let mut filling = Filling { name: name.clone(), file, filled: 0, bytes };
            while filling.advance()? == Progress::More {}
            Ok(Taken { name: name.clone(), file: filling.file, bytes })
        });
        made.map_err(|error| {
            // Whether or not it can be removed: a `.part` is cleared away at the next opening.
            let _ = self.disk.remove(&name);
            if disk::is_full(&error) {
                return self.refuse(Some(error.to_string()));
            }
            disk::fault(self.disk.as_ref(), "make a segment in", &name)(error)
        })
    }

    /// Takes back what could not be used because the disk is full.
    pub(super) fn give_back(&self, taken: Taken) -> Fault {
        if taken.name.ends_with(".part") {
            let _ = self.disk.remove(&taken.name);
        } else {
            self.change(|state| state.ready.push_front(taken.name));
        }
        self.refuse(Some("the folder takes no more files".to_owned()))
    }

    fn refuse(&self, why: Option<String>) -> Fault {
        self.change(|state| {
            state.refused = true;
            state.failing = why.or(state.failing.take());
        });
        Fault::Full
    }

    /// Hands over a released segment's file, to be recycled or removed.
    pub(super) fn retire(&self, number: u64, bytes: u64) {
        self.change(|state| state.retired.push_back(Retired { number, bytes }));
    }

    /// Tells how far the active segment is used, for the preparer's pace.
    pub(super) fn set_used(&self, used: u64, of: u64) {
        self.lock().used = used * 1000 / of;
    }

    /// Why no spare can be made, while that lasts.
    pub(super) fn trouble(&self) -> Option<String> {
        self.lock().failing.clone()
    }

    fn fresh_name(&self) -> String {
        let mut state = self.lock();
        state.next += 1;
        format!("spare-{}", state.next - 1)
    }

    pub(super) fn stop(&self) {
        self.change(|state| state.stopped = true);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits until something changed, or for `most`.
    pub(super) fn wait(&self, most: Duration) {
        let mut state = self.lock();
        if !state.woken && !state.stopped {
            let waited = self.wake.wait_timeout(state, most);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.woken = false;
    }

    /// Waits for `pause`, or until the journal is closed.
    pub(super) fn rest(&self, pause: Duration) {
        let state = self.lock();
        // Whether it ended by time or by the end makes no difference to the caller, who asks again.
        drop(self.wake.wait_timeout_while(state, pause, |state| !state.stopped));
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is to be done until the journal takes or releases a segment.
    Idle,
    /// A piece of work was done; after this pause there is more.
    Worked {
        /// How long to leave the disk alone: zero when the writer is catching up.
        pause: Duration,
    },
    /// No spare can be made now: try again in a second.
    Blocked,
}

/// Prepares spares, one small step after the other. One journal has one preparer.
pub struct Preparer {
    spares: Arc<Spares>,
    filling: Option<Filling>,
}

struct Filling {
    name: String,
    file: Box<dyn DiskFile>,
    filled: u64,
    bytes: u64,
}

#[derive(PartialEq, Eq)]
enum Progress {
    More,
    Ready,
}

impl Filling {
    /// Writes one chunk of zeros; the last one is synced.
    fn advance(&mut self) -> io::Result<Progress> {
        let length = (self.bytes - self.filled).min(CHUNK as u64);
        disk::write_all(self.file.as_ref(), &ZEROS[..usize::try_from(length).unwrap_or(CHUNK)], self.filled)?;
        self.filled += length;
        if self.filled == self.bytes || self.filled.is_multiple_of(SYNC_EVERY) {
            self.file.sync_data()?;
        }
        Ok(if self.filled == self.bytes { Progress::Ready } else { Progress::More })
    }
}

enum Task {
    Fill(Filling),
    Recycle(Retired),
    Remove(Retired),
    Create,
}

/// The file is not there any more: an earlier call was carried out, whatever it was answered, or a person was quicker.
fn is_gone(done: &io::Result<()>) -> bool {
    done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

impl Preparer {
    pub(super) fn new(spares: Arc<Spares>) -> Preparer {
        Preparer { spares, filling: None }
    }

    /// Does one piece of work: at most one chunk of zeros, one rename, or one removal.
    pub fn step(&mut self) -> Step {
        let Some(task) = self.task() else { return Step::Idle };
        let done = match task {
            Task::Fill(filling) => self.fill(filling),
            Task::Create => self.create(),
            Task::Recycle(retired) => self.recycle(retired),
            Task::Remove(retired) => self.remove(retired),
        };
        match done {
            Ok(()) => Step::Worked { pause: self.pause() },
            Err(error) => {
                self.spares.change(|state| state.failing = Some(error.to_string()));
                Step::Blocked
            }
        }
    }

    fn task(&mut self) -> Option<Task> {
        if let Some(filling) = self.filling.take() {
            return Some(Task::Fill(filling));
        }
        let mut state = self.spares.lock();
        let wanted = state.ready.len() < self.spares.target;
        match state.retired.pop_front() {
            Some(old) if wanted && old.bytes == self.spares.segment_bytes => Some(Task::Recycle(old)),
            Some(old) => Some(Task::Remove(old)),
            None => wanted.then_some(Task::Create),
        }
    }

    fn create(&mut self) -> io::Result<()> {
        let name = self.spares.fresh_name();
        let file = self.spares.disk.create(&format!("{name}.part"))?;
        self.filling = Some(Filling { name, file, filled: 0, bytes: self.spares.segment_bytes });
        Ok(())
    }

    /// A released segment is filled with zeros again: that takes no new room and costs what a new one costs.
    fn recycle(&mut self, retired: Retired) -> io::Result<()> {
        let disk = self.spares.disk.as_ref();
        let (old, name) = (segment::name(retired.number), self.spares.fresh_name());
        let part = format!("{name}.part");
        let moved = disk.rename(&old, &part);
        if is_gone(&moved) {
            return disk.sync_dir();
        }
        if moved.is_err() {
            // It may have been carried out all the same; then this name would stay for nothing.
            let _ = disk.remove(&part);
        }
        self.again_later(retired, moved)?;
        // Segments must go in order, also across a power cut: this one durably before the next.
        disk.sync_dir()?;
        let file = disk.open(&part)?;
        self.filling = Some(Filling { name, file, filled: 0, bytes: self.spares.segment_bytes });
        Ok(())
    }

    fn remove(&mut self, retired: Retired) -> io::Result<()> {
        let removed = self.spares.disk.remove(&segment::name(retired.number));
        let removed = if is_gone(&removed) { Ok(()) } else { removed };
        self.again_later(retired, removed)?;
        self.spares.disk.sync_dir()
    }

    fn again_later(&self, retired: Retired, done: io::Result<()>) -> io::Result<()> {
        if done.is_err() {
            self.spares.lock().retired.push_front(retired);
        }
        done
    }

    fn fill(&mut self, mut filling: Filling) -> io::Result<()> {
        let disk = self.spares.disk.as_ref();
        let part = format!("{}.part", filling.name);
        match filling.advance() {
            Ok(Progress::More) => self.filling = Some(filling),
            Ok(Progress::Ready) => {
                disk.rename(&part, &filling.name)?;
                self.spares.change(|state| {
                    state.ready.push_back(filling.name);
                    state.failing = None;
                    state.refused = false;
                });
            }
            Err(error) => {
                // Give the room back: others on this disk need it more than half a spare does.
                let _ = disk.remove(&part);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Easy while the filling is well ahead of the writer, without a pause when it is not.
    fn pause(&self) -> Duration {
        let filled = self.filling.as_ref().map_or(1000, |filling| filling.filled * 1000 / filling.bytes);
        let state = self.spares.lock();
        if state.ready.is_empty() && state.used * 2 > filled + GRACE { Duration::ZERO } else { EASY }
    }
}
