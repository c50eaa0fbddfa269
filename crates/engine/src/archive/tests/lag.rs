//! The power is cut while the parts of the archive have come differently far: tables, history, runs of ids, pages. A start
//! finds exactly the state that was, and every id, whatever subset of what was not synced is lost.

use std::sync::{Arc, Mutex};

use journal::disk::fake::FakeDisk;
use journal::{Frame, Journal, Memory as MemoryJournal};
use ledger::{
    Amount, Asset, Batch, Capture, Cause, Command, Entry, Expiry, Floor, Hold, Ledger, Linked, Open, Origin,
    Release, Run, Space, Take,
};
use transaction::Time;

use crate::Fault;
use crate::archive::memory::MemoryStore;
use crate::archive::store::{Changes, Store, Table, View};
use crate::archive::{Archive, MEMORY_KEYS};
use crate::batch::Batch as OpenFrame;
use crate::history::Walker;
use crate::ids::{Ids, Row, Runs, Size};
use crate::partition::{Recalled, Vault};
use crate::{assembly, opening};

type Commit = Vec<(Table, Vec<u8>, Option<Vec<u8>>)>;

/// A store that loses a tail of its commits when the power is cut, as the one on disk.
#[derive(Clone, Default)]
struct Lossy {
    inner: Arc<MemoryStore>,
    /// All commits, and how many of them are durable.
    log: Arc<Mutex<(Vec<Commit>, usize)>>,
}

impl Lossy {
    fn cut(&self, dice: &mut fastrand::Rng) -> Lossy {
        let (commits, durable) = &*self.log.lock().unwrap();
        let commits = &commits[..dice.usize(*durable..=commits.len())];
        let store = Lossy::default();
        for commit in commits {
            let mut changes = Changes::default();
            for (table, key, value) in commit {
                match value {
                    Some(value) => changes.put(*table, key, value),
                    None => changes.remove(*table, key),
                }
            }
            store.commit(&changes).unwrap();
        }
        store.persist().unwrap();
        store
    }
}

impl Store for Lossy {
    fn view(&self) -> Result<Box<dyn View>, Fault> {
        self.inner.view()
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.inner.get(table, key)
    }

    fn commit(&self, changes: &Changes) -> Result<(), Fault> {
        let row = |change: crate::archive::store::Change<'_>| {
            (change.table, change.key.to_vec(), change.value.map(<[u8]>::to_vec))
        };
        self.log.lock().unwrap().0.push(changes.iter().map(row).collect());
        self.inner.commit(changes)
    }

    fn persist(&self) -> Result<(), Fault> {
        let mut log = self.log.lock().unwrap();
        log.1 = log.0.len();
        Ok(())
    }

    fn reopen(&self) -> Result<(), Fault> {
        Ok(())
    }
}

struct World {
    dice: fastrand::Rng,
    store: Lossy,
    disks: (FakeDisk, FakeDisk),
    archive: Archive,
    journal: MemoryJournal,
    vault: Vault,
    last: u64,
    now: Time,
    /// Durable frames that the archive has not taken in.
    behind: Vec<(u64, Vec<u8>)>,
    swept: Option<u64>,
    number: u64,
}

fn opened(store: &Lossy, disks: &(FakeDisk, FakeDisk)) -> Archive {
    let disks = (Arc::new(disks.0.clone()) as _, Arc::new(disks.1.clone()) as _);
    Archive::over(Box::new(store.clone()), disks, MEMORY_KEYS).unwrap()
}

impl World {
    fn new(seed: u64) -> World {
        let (store, disks) = (Lossy::default(), (FakeDisk::new(), FakeDisk::new()));
        let archive = opened(&store, &disks);
        let (vault, _) = opening::vault(&archive, 1 << 20).unwrap();
        let mut world = World {
            dice: fastrand::Rng::with_seed(seed),
            store,
            disks,
            archive,
            journal: MemoryJournal::default(),
            vault,
            last: 0,
            now: Time(1_000_000),
            behind: Vec::new(),
            swept: None,
            number: 0,
        };
        let mut batch = Batch::new();
        batch.push(&Command::Asset(Asset { code: "eur", scale: 0 }));
        let open = |id, floor, lots| {
            let (linked, cause) = (Linked::No, Cause::default());
            Command::Open(Open { id, asset: "eur", floor, ceiling: None, lots, linked, cause })
        };
        batch.push(&open("bank", Floor::None, None));
        for id in ["a", "b", "c"] {
            batch.push(&open(id, Floor::At(Amount::Units(0)), None));
        }
        batch.push(&open("lots", Floor::At(Amount::Units(0)), Some("bank")));
        world.keep(&batch);
        world
    }

    /// Decides a batch and makes it durable in the journal.
    fn keep(&mut self, batch: &Batch) {
        let mut frame = OpenFrame::after(self.last);
        self.vault.carry_out((batch, Run::Real), &Recalled::new(), (&mut frame, self.now));
        let Some(kept) = frame.frame() else { return };
        let Frame { sequence, .. } = kept;
        self.journal.append(&kept).unwrap();
        self.last = frame.last;
        self.behind.push((sequence, frame.payload));
    }

    fn pay(&mut self) {
        let mut batch = Batch::new();
        let accounts = ["bank", "a", "b", "c", "lots"];
        for _ in 0..self.dice.usize(1..12) {
            self.number += 1;
            let id = format!("x-{}", self.dice.u64(self.number.saturating_sub(20)..=self.number));
            let id = &*id;
            let [from, to] = [0, 1].map(|_| accounts[self.dice.usize(..accounts.len())]);
            let amount = Amount::Units(self.dice.i128(1..60));
            let expiry = if self.dice.bool() { Expiry::Never } else { Expiry::In(self.dice.u64(1..40)) };
            let linked = if self.dice.u8(..4) == 0 { Linked::ToNext } else { Linked::No };
            let (origin, cause) = (Origin::Direct, Cause::default());
            let take = if self.dice.bool() { Take::Exactly } else { Take::UpTo };
            let refunds = None;
            let command = match self.dice.u8(..6) {
                0 | 1 => {
                    let expiry = if to == "lots" { expiry } else { Expiry::Never };
                    Command::Entry(Entry { id, from, to, amount, take, expiry, refunds, linked, cause })
                }
                2 | 3 => Command::Hold(Hold { id, from, to, amount, take, expiry, linked, origin, cause }),
                4 => {
                    let amount = self.dice.bool().then_some(amount);
                    Command::Capture(Capture { id, hold: id, amount, linked, origin, cause })
                }
                _ => Command::Release(Release { hold: id, linked, origin, cause }),
            };
            batch.push(&command);
        }
        self.keep(&batch);
        self.now = self.now.plus_ms(self.dice.u64(..5));
    }

    fn take_in(&mut self) {
        let count = self.dice.usize(..=self.behind.len());
        let taken: Vec<_> = self.behind.drain(..count).collect();
        let payloads: Vec<(u64, &[u8])> = taken.iter().map(|(first, payload)| (*first, &**payload)).collect();
        self.archive.ingest_payloads(&payloads).unwrap();
    }

    fn sweep(&mut self) {
        if self.swept.is_none() {
            self.vault.ledger.begin_sweep();
            self.swept = Some(self.vault.position);
        }
        let mut page = Vec::new();
        match self.vault.ledger.next_page(&mut page) {
            Some(id) => self.archive.put_pages(&[(id, self.vault.position, page)], None).unwrap(),
            None => self.archive.put_pages(&[], self.swept.take()).unwrap(),
        }
    }

    fn write_ids(&self) {
        let mut runs = Runs::open(self.archive.ids_disk()).unwrap();
        let covered = runs.set().covered();
        let mut ids = Ids::new(Size { rows: 1, surplus: 100_000 }, runs.set());
        let mut walker = Walker::new(self.archive.history(), covered.saturating_sub(1));
        while let Some((position, encoded)) = walker.next().unwrap() {
            if position < covered {
                continue;
            }
            let mut learn = |hash, known: ledger::Known| {
                ids.insert(Row { hash, check: known.content, position: known.position });
            };
            ledger::learnt(MEMORY_KEYS, encoded, position, &mut learn).unwrap();
        }
        ids.seal_if_full();
        if let Some(sealed) = ids.take_sealed(u64::MAX) {
            runs.write(&sealed).unwrap();
        }
    }

    fn cut(&mut self) {
        let seed = self.dice.u64(..);
        self.disks.0.crash(seed);
        self.disks.1.crash(seed ^ 1);
        self.store = self.store.cut(&mut self.dice);
        self.archive = opened(&self.store, &self.disks);
        assembly::catch_up(&mut self.journal, &self.archive).unwrap();
        self.behind.clear();
        self.swept = None;
        let (vault, _) = opening::vault(&self.archive, 1 << 20).unwrap();
        assert_eq!(vault.ledger.differences(&self.vault.ledger, 5), Vec::<String>::new());
        assert_eq!(vault.position, self.vault.position);
        assert_eq!(sum(&vault.ledger), 0);
        for number in 0..=self.number {
            let id = format!("x-{number}");
            for (space, parent) in
                [(Space::Entry, ""), (Space::Hold, ""), (Space::HoldEnd, ""), (Space::Capture, &*id)]
            {
                let found = |vault: &Vault| vault.find(space, (parent, &id)).unwrap();
                assert_eq!(found(&vault), found(&self.vault), "{space:?} {id}");
            }
        }
        self.vault = vault;
    }
}

fn sum(ledger: &Ledger) -> i128 {
    let accounts = ["bank", "a", "b", "c", "lots"];
    accounts.iter().map(|id| ledger.account(id).unwrap().posted).sum()
}

#[test]
fn a_cut_at_any_moment_leaves_exactly_the_state_that_was() {
    for seed in 0..60 {
        let mut world = World::new(seed);
        for _ in 0..120 {
            match world.dice.u8(..20) {
                0..9 => world.pay(),
                9..13 => world.take_in(),
                13..17 => world.sweep(),
                17 => world.archive.persist().map(drop).unwrap(),
                18 => world.write_ids(),
                _ => world.cut(),
            }
        }
        world.cut();
    }
}
