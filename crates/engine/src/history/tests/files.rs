//! What is appended is read, from any place and after any end of the process; what is missing is told, never read over.

use std::sync::Arc;

use fastrand::Rng;
use journal::disk::fake::{Call, FakeDisk, Trouble};
use ledger::{Event, Kept};
use transaction::Time;

use crate::history::blocks::Sizes;
use crate::history::{History, Reach, Run, Walker};

pub(super) const SIZES: Sizes = Sizes { file: 4_096, block: 1_000 };

/// An event of some length.
fn event(sequence: u64, length: usize) -> Vec<u8> {
    let text = "x".repeat(length);
    let event = Event::AssetDeclared { asset: 1, code: &text, scale: 2 };
    let mut bytes = Vec::new();
    Kept { sequence, at: Time(5), content: 7, event }.encode(&mut bytes);
    bytes
}

/// A history in small files, with what was appended: position and event.
pub(super) struct World {
    pub(super) disk: FakeDisk,
    pub(super) history: History,
    pub(super) appended: Vec<(u64, Vec<u8>)>,
}

impl World {
    pub(super) fn new() -> World {
        let disk = FakeDisk::new();
        let history = open(&disk, Reach::NOTHING).unwrap();
        World { disk, history, appended: Vec::new() }
    }

    pub(super) fn append(&mut self, lengths: &[usize]) {
        let mut run = Run::default();
        let mut position = self.history.end();
        for length in lengths {
            let event = event(self.appended.len() as u64 + 1, *length);
            run.push(&event);
            self.appended.push((position, event));
            position += run.bytes().len() as u64 - (position - self.history.end());
        }
        self.history.append(&run).unwrap();
        assert_eq!(self.history.end(), position);
    }

    pub(super) fn grow(&mut self, rng: &mut Rng, runs: usize) {
        for _ in 0..runs {
            let lengths: Vec<_> = (0..rng.usize(1..6)).map(|_| rng.usize(0..1_500)).collect();
            self.append(&lengths);
        }
    }
}

pub(super) fn open(disk: &FakeDisk, reach: Reach) -> Result<History, String> {
    History::with_sizes(Arc::new(disk.clone()), SIZES, reach).unwrap()
}

pub(super) fn assert_holds(history: &History, appended: &[(u64, Vec<u8>)]) {
    assert_eq!(history.check_blocks().unwrap().unwrap(), history.end() / SIZES.block);
    assert_eq!(history.mended(), None);
    for (index, (position, event)) in appended.iter().enumerate() {
        assert_eq!(history.read(*position).unwrap().event(), event);
        assert_eq!(history.position_of(index as u64 + 1).unwrap(), Some(*position));
    }
    assert_eq!(history.position_of(appended.len() as u64 + 1).unwrap(), None);
    assert!(history.read(history.end()).is_err());
    for from in [0, appended.len() / 2, appended.len()] {
        let start = appended.get(from).map_or(history.end(), |(position, _)| *position);
        let (mut found, mut walker) = (Vec::new(), Walker::new(history, start));
        while let Some((position, event)) = walker.next().unwrap() {
            found.push((position, event.to_vec()));
        }
        assert!(found == appended[from..]);
    }
}

#[test]
fn what_is_appended_is_read_one_by_one_and_in_a_row_long_events_too() {
    let mut world = World::new();
    assert_holds(&world.history, &[]);
    world.grow(&mut Rng::with_seed(1), 40);
    world.append(&[3 << 20, 1, 506, 507, 508]);
    world.append(&[]);
    assert_holds(&world.history, &world.appended);
    let mut walker = Walker::new(&world.history, 0);
    while walker.next().unwrap().is_some() {}
    assert_eq!(walker.position(), world.history.end());
    world.append(&[10]);
    assert!(walker.next().unwrap().is_some(), "a walk goes on where it was");
}

#[test]
fn a_position_inside_an_event_is_a_fault_and_never_an_event_beyond_the_end() {
    let mut world = World::new();
    world.append(&[40, 40]);
    for position in 1..world.history.end() {
        let read = world.history.read(position);
        if world.appended.iter().all(|(known, _)| *known != position) {
            assert!(read.is_err(), "{position}");
        }
    }
    assert!(world.history.read(u64::MAX).is_err());
}

#[test]
fn after_a_power_cut_what_was_persisted_is_there_and_the_rest_is_taken_in_again() {
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let mut world = World::new();
        let runs = rng.usize(0..12);
        world.grow(&mut rng, runs);
        let reach = world.history.persist().unwrap();
        let kept = world.appended.len();
        let runs = rng.usize(0..12);
        world.grow(&mut rng, runs);
        let lost = world.appended.split_off(kept);
        world.disk.crash(seed);
        world.history = open(&world.disk, reach).unwrap();
        assert_eq!(world.history.reach(), reach);
        assert_holds(&world.history, &world.appended);
        let lengths: Vec<_> = lost.iter().map(|(_, event)| event.len().saturating_sub(20)).collect();
        for lengths in lengths.chunks(3) {
            world.append(lengths);
        }
        assert_holds(&world.history, &world.appended);
        let reach = world.history.persist().unwrap();
        world.disk.crash(seed + 1_000);
        assert_holds(&open(&world.disk, reach).unwrap(), &world.appended);
    }
}

#[test]
fn a_history_that_is_shorter_or_torn_or_lacks_a_file_is_not_opened_and_one_begun_anew_is_whole() {
    let mut world = World::new();
    world.grow(&mut Rng::with_seed(3), 30);
    let reach = world.history.persist().unwrap();
    let mut names = journal::Disk::list(&world.disk).unwrap();
    names.retain(|name| name != "sums");
    assert!(names.len() > 5);
    for (index, name) in names.iter().enumerate() {
        let whole = world.disk.bytes(name).unwrap();
        let lost = world.disk.copy();
        journal::Disk::remove(&lost, name).unwrap();
        assert!(open(&lost, reach).unwrap_err().contains("missing"), "{name}");
        let shorter = world.disk.copy();
        shorter.put(name, &whole[..whole.len() - 1]);
        assert!(open(&shorter, reach).is_err(), "{name}");
        if index + 1 == names.len() {
            let torn = world.disk.copy();
            let last = usize::try_from(reach.end - reach.last).unwrap();
            torn.put(name, &[&whole[..whole.len() - last], &vec![0; last][..]].concat());
            assert!(open(&torn, reach).is_err());
        }
        // Nothing is removed before the first event of the new one comes.
        let mut anew =
            World { history: History::anew(Arc::new(lost.clone())), disk: lost, appended: Vec::new() };
        assert_eq!(journal::Disk::list(&anew.disk).unwrap().len(), names.len());
        anew.append(&[100]);
        anew.history.persist().unwrap();
        assert_eq!(journal::Disk::list(&anew.disk).unwrap().len(), 2, "the file and the sums");
        assert_holds(&open(&anew.disk, anew.history.reach()).unwrap(), &anew.appended);
    }
}

#[test]
fn a_full_disk_takes_nothing_and_takes_it_later_but_a_failed_sync_is_never_forgotten() {
    let mut world = World::new();
    world.append(&[3_000]);
    world.disk.set_capacity(Some(world.disk.used() + 700));
    let mut run = Run::default();
    run.push(&event(9, 600));
    run.push(&event(10, 600));
    let before = world.history.reach();
    assert!(world.history.append(&run).is_err());
    assert_eq!(world.history.reach(), before);
    world.disk.set_capacity(None);
    world.append(&[600, 2_000]);
    world.append(&[10]);
    assert_holds(&world.history, &world.appended);
    world.disk.arm(Trouble::Fail { call: Call::Sync, after: 0 });
    assert!(world.history.persist().is_err());
    world.disk.disarm();
    let fault = world.history.persist().unwrap_err();
    assert!(fault.to_string().contains("start this process again"), "{fault}");
    assert_holds(&world.history, &world.appended);
}
