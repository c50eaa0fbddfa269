//! The index beside a plain list of all rows: whatever is written, merged, cut off or lost, both know the same ids.

mod crash;
mod damage;
mod model;

use std::collections::HashMap;
use std::sync::Arc;

use journal::disk::FakeDisk;

use super::*;

/// Windows of a few rows, and levels of three runs.
const SMALL: Size = Size { rows: 24, surplus: 40 };
const FAN: usize = 3;
/// How many different ids there are: few, so that they come again.
const POOL: u64 = 300;

/// Ids at both ends of the range and evenly between them.
fn hash(id: u64) -> u64 {
    match id % POOL {
        id @ 0..5 => id,
        id @ 5..10 => u64::MAX - (id - 5),
        id => id.wrapping_mul(0x9E37_79B9_7F4A_7C15),
    }
}

/// The index, the one who writes its runs, and the history they are a fold of.
struct World {
    disk: FakeDisk,
    runs: Runs,
    ids: Ids,
    rows: Vec<Row>,
    /// Taken for writing, and not written yet.
    taken: Option<Arc<Sealed>>,
}

impl World {
    fn new(disk: FakeDisk) -> World {
        World::over(disk, Vec::new()).expect("an empty disk opens")
    }

    /// A start over what the disk has, with the rows that the history has.
    fn over(disk: FakeDisk, rows: Vec<Row>) -> Result<World, Fault> {
        let runs = Runs::open(Arc::new(disk.clone()))?.with_fan(FAN);
        let mut ids = Ids::new(SMALL, runs.set());
        let covered = runs.set().covered();
        for row in rows.iter().filter(|row| row.position >= covered) {
            ids.insert(*row);
            ids.seal_if_full();
        }
        Ok(World { disk, runs, ids, rows, taken: None })
    }

    /// The position that the next event will have.
    fn end(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.position + 7)
    }

    fn insert(&mut self, ids: impl IntoIterator<Item = u64>) {
        for id in ids {
            let position = self.end();
            let row = Row { hash: hash(id), check: id ^ position.rotate_left(17), position };
            self.rows.push(row);
            self.ids.insert(row);
        }
    }

    /// Writes all sealed windows whose events lie below `durable`.
    fn write(&mut self, durable: u64) -> Result<(), Fault> {
        loop {
            self.taken = self.taken.take().or_else(|| self.ids.take_sealed(durable));
            let Some(sealed) = &self.taken else { return Ok(()) };
            let set = self.runs.write(sealed)?;
            self.ids.installed(set);
            self.taken = None;
        }
    }

    /// One step of merging; whether there was anything to do.
    fn merge(&mut self, budget: usize) -> Result<Went, Fault> {
        match self.runs.merge_step(budget)? {
            Step::Idle => return Ok(Went::Nowhere),
            Step::Going => {}
            Step::Installed(set) => self.ids.installed(set),
        }
        Ok(Went::On)
    }

    /// Every id ever and never used is found as the list has it.
    fn agree(&self) {
        let newest: HashMap<u64, Row> = self.rows.iter().map(|row| (row.hash, *row)).collect();
        for hash in (0..POOL + 50).map(|id| hash(id) ^ (id / POOL)) {
            let known = newest.get(&hash).map(|row| Found { check: row.check, position: row.position });
            assert_eq!(self.ids.find(hash).unwrap(), known, "hash {hash:x}");
        }
    }
}

#[derive(PartialEq, Eq)]
enum Went {
    On,
    Nowhere,
}

#[test]
fn what_is_not_durable_is_not_given_to_be_written() {
    let mut world = World::new(FakeDisk::new());
    world.insert(0..24);
    world.ids.seal_if_full();
    world.insert(24..30);
    let last = world.rows[23].position;
    assert!(world.ids.take_sealed(last).is_none());
    assert_eq!(world.ids.take_sealed(last + 1).map(|sealed| sealed.upto()), Some(last + 1));
    assert!(world.ids.take_sealed(u64::MAX).is_none(), "each is given once, and only when it is sealed");
    world.agree();
}

#[test]
fn merges_leave_few_runs_and_one_row_of_each_id() {
    let mut world = World::new(FakeDisk::new());
    for round in 0..40 {
        world.insert(round * 11..round * 11 + 24);
        world.ids.seal_if_full();
        world.write(u64::MAX).unwrap();
        while world.merge(10).unwrap() == Went::On {}
    }
    assert!(world.ids.waiting() == 0 && world.runs.set().count() <= 8, "{} runs", world.runs.set().count());
    world.agree();
    let files = journal::Disk::list(&world.disk).unwrap();
    assert_eq!(
        files.len(),
        world.runs.set().count() + 1,
        "each run and the manifest, nothing else: {files:?}"
    );
}

#[test]
fn an_index_on_a_real_disk_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        || Runs::open(Arc::new(journal::RealDisk::create(folder.path().join("ids")).unwrap())).unwrap();
    let mut runs = open();
    let mut ids = Ids::new(SMALL, runs.set());
    for position in 0..500 {
        ids.insert(Row { hash: hash(position), check: position, position });
        ids.seal_if_full();
        if let Some(sealed) = ids.take_sealed(position + 1) {
            ids.installed(runs.write(&sealed).unwrap());
        }
        if let Step::Installed(set) = runs.merge_step(100).unwrap() {
            ids.installed(set);
        }
    }
    let again = Ids::new(SMALL, open().set());
    assert_eq!(again.runs.covered(), 480);
    assert_eq!(again.find(hash(450)).unwrap(), Some(Found { check: 450, position: 450 }));
    assert_eq!(again.find(hash(1)).unwrap(), Some(Found { check: 301, position: 301 }));
    assert_eq!(again.find(12_345).unwrap(), None);
}
