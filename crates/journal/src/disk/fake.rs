//! A disk in memory that tells what a program sees from what would survive a power cut.
//!
//! Written bytes are visible at once and durable, in sectors of 512 bytes, only after a sync; names are durable
//! only after a folder's sync. A [`FakeDisk::crash`] keeps a random part of the rest, by a seed: same calls and
//! seed, same bytes; a [`FakeDisk::crash_keeping`] what it is told. It must never be kinder than a real disk.
//! Read next: `disk/fake/inode.rs`, `disk/fake/keep.rs`, then the tests in `tests/crash.rs`.

mod inode;
mod keep;
mod power;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, DiskLock, LockRefused};
use inode::Inode;
pub use keep::{Keep, Loose};
pub use power::Power;
use trouble::Fate;
pub use trouble::{Call, Trouble};

/// A seeded stream of numbers (SplitMix64): enough to choose sectors by.
pub(crate) struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn coin(&mut self) -> bool {
        self.roll() & 1 == 1
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.roll().is_multiple_of(many)
    }

    /// A number below `end`, which is above 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).unwrap_or(0)
    }
}

/// A disk that can crash, fill up and fail. Clones are the same disk.
#[derive(Clone, Default)]
pub struct FakeDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending: Vec<NameChange>,
    locks: BTreeSet<String>,
    capacity: Option<u64>,
    troubles: Vec<Trouble>,
    supply: Power,
    struck: Struck,
    /// The call in which the power went.
    cut_in: Option<CutIn>,
    /// How often processes have ended.
    power: u64,
}

/// How often troubles have struck.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Struck {
    /// Calls that failed.
    pub failed: u64,
    /// Calls that were carried out and answered as failed.
    pub untold: u64,
    /// Writes of which only a part was taken.
    pub torn: u64,
}

/// A call in which the power went.
enum CutIn {
    Names(NameChange),
    Write(usize),
    Sync(usize),
    SyncDir,
}

#[derive(Clone)]
enum NameChange {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Create(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            NameChange::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            NameChange::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl FakeDisk {
    /// An empty disk without bounds.
    #[must_use]
    pub fn new() -> FakeDisk {
        FakeDisk::default()
    }

    /// An empty disk that hangs on this power.
    #[must_use]
    pub fn on(supply: &Power) -> FakeDisk {
        let state = State { supply: supply.clone(), ..State::default() };
        FakeDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Bounds the sum of all files' lengths; `None` lifts the bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Bytes that the named files take now.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Arms a trouble; several may be armed at once.
    pub fn arm(&self, trouble: Trouble) {
        self.state().troubles.push(trouble);
    }

    /// Takes back every armed trouble.
    pub fn disarm(&self) {
        self.state().troubles.clear();
    }

    /// How often troubles have struck so far.
    #[must_use]
    pub fn struck(&self) -> Struck {
        self.state().struck
    }

    /// Whether the power went by itself ([`Trouble::Cut`]): a [`FakeDisk::crash`] has to follow.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().is_dead()
    }

    /// A `kill -9`: the page cache survives, locks and open files do not.
    pub fn kill(&self) {
        self.state().end_processes();
    }

    /// A file's bytes as a program sees them; `None` when there is no such name.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).map(|inode| state.inodes[*inode].seen.clone())
    }

    /// Puts a durable file there, whatever was there before.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        let inode = state.inodes.len();
        state.inodes.push(Inode::durable(bytes));
        state.names.insert(name.to_owned(), inode);
        state.durable_names.insert(name.to_owned(), inode);
    }

    /// An independent disk with the same durable and visible files, nothing armed, nobody on it, on this power.
    #[must_use]
    pub fn copy_on(&self, supply: &Power) -> FakeDisk {
        let state = self.state();
        let copy = State {
            inodes: state.inodes.clone(),
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            pending: state.pending.clone(),
            capacity: state.capacity,
            supply: supply.clone(),
            ..State::default()
        };
        FakeDisk { state: Arc::new(Mutex::new(copy)) }
    }

    /// As [`FakeDisk::copy_on`], on a power of its own.
    #[must_use]
    pub fn copy(&self) -> FakeDisk {
        self.copy_on(&Power::default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, state: &State, inode: usize) -> Box<dyn DiskFile> {
        Box::new(FakeFile { disk: self.clone(), inode, power: state.power })
    }
}

impl State {
    fn used(&self) -> u64 {
        self.names.values().map(|inode| self.inodes[*inode].seen.len() as u64).sum()
    }

    fn end_processes(&mut self) {
        self.power += 1;
        self.supply.returns();
        self.cut_in = None;
        self.locks.clear();
    }

    fn is_dead(&self) -> bool {
        self.supply.is_gone()
    }

    /// What becomes of a call of this kind; an error when it fails and does nothing.
    fn made(&mut self, call: Call) -> io::Result<Fate> {
        if self.is_dead() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        match trouble::fate(&mut self.troubles, call) {
            Fate::Failed => {
                self.struck.failed += 1;
                Err(trouble::failure())
            }
            Fate::Cut => {
                self.supply.goes();
                Ok(Fate::Cut)
            }
            Fate::DoneUntold => {
                self.struck.untold += 1;
                Ok(Fate::DoneUntold)
            }
            Fate::Done => Ok(Fate::Done),
        }
    }

    /// Carries out a change of names, unless the power goes first.
    fn rename_by(&mut self, call: Call, change: NameChange) -> io::Result<()> {
        let fate = self.made(call)?;
        if fate == Fate::Cut {
            self.cut_in = Some(CutIn::Names(change));
        } else {
            self.change(change);
        }
        told(fate)
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// How a call that was made is answered.
fn told(fate: Fate) -> io::Result<()> {
    match fate {
        Fate::Done => Ok(()),
        Fate::Failed | Fate::DoneUntold => Err(trouble::failure()),
        Fate::Cut => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

impl Disk for FakeDisk {
    fn folder(&self) -> String {
        "fake".to_owned()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state();
        let inode = state.find(name)?;
        Ok(self.handle(&state, inode))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.rename_by(Call::Create, NameChange::Create(name.to_owned(), inode))?;
        Ok(self.handle(&state, inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.find(from)?;
        state.rename_by(Call::Rename, NameChange::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.find(name)?;
        state.rename_by(Call::Remove, NameChange::Remove(name.to_owned()))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        let fate = state.made(Call::SyncDir)?;
        if fate == Fate::Cut {
            state.cut_in = Some(CutIn::SyncDir);
        } else {
            state.durable_names = state.names.clone();
            state.pending.clear();
        }
        told(fate)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn DiskLock>, LockRefused> {
        let mut state = self.state();
        if !state.locks.insert(name.to_owned()) {
            return Err(LockRefused::Held("pid 1".to_owned()));
        }
        Ok(Box::new(FakeLock { disk: self.clone(), name: name.to_owned(), power: state.power }))
    }
}

struct FakeFile {
    disk: FakeDisk,
    inode: usize,
    power: u64,
}

impl FakeFile {
    /// A file that was open when its process ended takes nothing more.
    fn alive(&self, state: &State) -> io::Result<()> {
        if state.power == self.power { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }
}

impl DiskFile for FakeFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        told(state.made(Call::Read)?)?;
        Ok(state.inodes[self.inode].read(buffer, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        self.alive(&state)?;
        let fate = state.made(Call::Write)?;
        let mut taken = trouble::shorten(&mut state.troubles, bytes);
        state.struck.torn += u64::from(taken.len() < bytes.len());
        if fate == Fate::Cut {
            state.cut_in = Some(CutIn::Write(self.inode));
            taken = &taken[..taken.len() / 2];
        }
        let room = state.capacity.map(|capacity| capacity.saturating_sub(state.used()));
        let grown = state.inodes[self.inode].write(taken, offset, room);
        told(fate)?;
        if grown == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(grown)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        self.alive(&state)?;
        let fate = state.made(Call::Sync).unwrap_or(Fate::Failed);
        match fate {
            Fate::Done | Fate::DoneUntold => state.inodes[self.inode].sync(),
            // As Linux does: the pages count as clean from now on, but never reached the disk.
            Fate::Failed if !state.is_dead() => state.inodes[self.inode].forget_dirt(),
            Fate::Cut => state.cut_in = Some(CutIn::Sync(self.inode)),
            Fate::Failed => {}
        }
        told(fate)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state().inodes[self.inode].seen.len() as u64)
    }
}

struct FakeLock {
    disk: FakeDisk,
    name: String,
    power: u64,
}

impl DiskLock for FakeLock {}

impl Drop for FakeLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.power == self.power {
            state.locks.remove(&self.name);
        }
    }
}
