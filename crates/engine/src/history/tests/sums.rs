//! Any byte of the history or of its sums that is not what was written is found, and told with file and offset.

use fastrand::Rng;
use journal::Disk;
use journal::disk::fake::{Call, FakeDisk, Trouble};

use super::files::{SIZES, World, assert_holds, open};
use crate::history::blocks::Files;
use crate::history::sums::{Chain, sum};
use crate::history::{Reach, Walker};

fn world(seed: u64, runs: usize) -> (World, Reach) {
    let mut world = World::new();
    world.grow(&mut Rng::with_seed(seed), runs);
    let reach = world.history.persist().unwrap();
    (world, reach)
}

/// The history's files with where each starts, ascending.
fn files(disk: &FakeDisk) -> Vec<(u64, String)> {
    let mut names = disk.list().unwrap();
    names.retain(|name| name != "sums");
    names.sort_unstable();
    let start = |name: &String| u64::from_str_radix(name.strip_suffix(".past").unwrap(), 16).unwrap();
    names.into_iter().map(|name| (start(&name), name)).collect()
}

fn flipped(disk: &FakeDisk, name: &str, offset: usize, bit: u8) -> FakeDisk {
    let (disk, mut bytes) = (disk.copy(), disk.bytes(name).unwrap());
    bytes[offset] ^= 1 << (bit % 8);
    disk.put(name, &bytes);
    disk
}

/// What an open or else a look at all blocks finds wrong.
fn found(disk: &FakeDisk, reach: Reach) -> Option<String> {
    match open(disk, reach) {
        Err(why) => Some(why),
        Ok(history) => match history.mended() {
            Some(why) => {
                assert!(history.check_blocks().unwrap().is_ok());
                Some(why.to_owned())
            }
            None => history.check_blocks().unwrap().err(),
        },
    }
}

#[test]
fn sums_are_the_same_however_the_bytes_came() {
    let mut rng = Rng::with_seed(1);
    let bytes: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(70_123).collect();
    for block in [64_u64, 300, 1_000, 65_536] {
        let mut expected = Vec::new();
        for part in bytes.chunks_exact(usize::try_from(block).unwrap()) {
            let (former, position) = (expected.last().copied().unwrap_or(0), expected.len() as u64 * block);
            expected.push(sum(part, position, former));
        }
        let (mut chain, mut full, mut rest) = (Chain::new(block, 0, 0), Vec::new(), &bytes[..]);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rng.usize(1..=rest.len().min(9_000)));
            chain.take(now, &mut full);
            rest = later;
        }
        assert_eq!(full, expected);
        let whole = full.len() * usize::try_from(block).unwrap();
        assert_eq!(chain.sum(), sum(&bytes[whole..], whole as u64, full.last().copied().unwrap_or(0)));
    }
}

#[test]
fn any_flipped_byte_of_the_history_is_found_by_file_and_offset() {
    let (world, reach) = world(2, 25);
    let files = files(&world.disk);
    assert!(files.len() > 4);
    for (start, name) in &files {
        for offset in (0..world.disk.bytes(name).unwrap().len()).step_by(11) {
            let why = found(&flipped(&world.disk, name, offset, offset as u8), reach).unwrap();
            let block = (start + offset as u64) / SIZES.block * SIZES.block;
            let (first, file) = files.iter().rev().find(|(first, _)| *first <= block).unwrap();
            let expected = format!("from byte {} of {}/{file}", block - first, world.disk.folder());
            assert!(why.contains(&expected), "{name} {offset}: {why}");
            assert!(why.contains("does not fit its sum"), "{why}");
        }
    }
}

#[test]
fn any_flipped_byte_of_the_sums_is_found_and_told_apart_from_one_of_the_history() {
    let (world, reach) = world(3, 25);
    let length = usize::try_from(reach.end / SIZES.block * 8).unwrap();
    assert_eq!(world.disk.bytes("sums").unwrap().len(), length);
    for offset in 0..length {
        let disk = flipped(&world.disk, "sums", offset, offset as u8);
        let why = found(&disk, reach).unwrap();
        assert!(why.contains("damaged"), "{offset}: {why}");
        assert!(why.contains(&format!("byte {} of {}/sums", offset / 8 * 8, disk.folder())), "{why}");
        // Without them they are made anew, for the last one speaks for all.
        disk.remove("sums").unwrap();
        assert!(found(&disk, reach).unwrap().contains("is missing"));
        assert_holds(&open(&disk, reach).unwrap(), &world.appended);
    }
}

#[test]
fn blocks_that_changed_places_with_their_sums_are_found() {
    let (world, reach) = world(4, 12);
    let disk = world.disk.copy();
    let (block, name) = (usize::try_from(SIZES.block).unwrap(), &files(&world.disk)[0].1);
    let swap = |name: &str, length: usize| {
        let mut bytes = disk.bytes(name).unwrap();
        let (one, other) = bytes.split_at_mut(length);
        one.swap_with_slice(&mut other[..length]);
        disk.put(name, &bytes);
    };
    swap(name, block);
    swap("sums", 8);
    assert!(found(&disk, reach).unwrap().contains("from byte 0 of"));
}

#[test]
fn a_folder_from_before_there_were_sums_gets_them_and_one_with_a_lost_byte_and_no_sums_is_damaged() {
    let (world, reach) = world(5, 20);
    let disk = world.disk.copy();
    disk.remove("sums").unwrap();
    let before = Reach { sum: None, ..reach };
    let history = open(&disk, before).unwrap();
    assert_holds(&history, &world.appended);
    assert_eq!(history.persist().unwrap(), reach);
    disk.crash(1);
    assert_eq!(disk.bytes("sums"), world.disk.bytes("sums"));
    let (_, name) = &files(&disk)[1];
    let disk = flipped(&disk, name, 77, 3);
    disk.remove("sums").unwrap();
    assert!(open(&disk, reach).unwrap_err().contains("is missing"));
}

#[test]
fn a_write_that_failed_between_history_and_sums_is_made_again() {
    for after in 0..6 {
        let (mut world, _) = world(6, 5);
        world.disk.arm(Trouble::Fail { call: Call::Write, after });
        let mut run = crate::history::Run::default();
        run.push(world.appended[0].1.as_slice());
        let mut kept = Vec::new();
        for _ in 0..200 {
            let position = world.history.end();
            while world.history.append(&run).is_err() {}
            kept.push(position);
        }
        assert_eq!(world.history.check_blocks().unwrap().unwrap(), world.history.end() / SIZES.block);
        let reach = world.history.persist().unwrap();
        world.disk.crash(after as u64);
        let history = open(&world.disk, reach).unwrap();
        assert_eq!(history.mended(), None);
        assert!(history.check_blocks().unwrap().is_ok());
        assert!(kept.iter().all(|position| history.read(*position).unwrap().event() == world.appended[0].1));
        // What came after it is there too, and goes on from there.
        world.history = history;
        assert_eq!(world.history.reach(), reach);
    }
}

#[test]
fn a_read_that_fails_says_what_the_sum_says_and_a_walk_stops_before_it_gives_what_is_wrong() {
    let (world, reach) = world(7, 25);
    let (start, name) = &files(&world.disk)[1];
    // The room of an event's head.
    let position =
        world.appended.iter().map(|(position, _)| *position).find(|position| position > start).unwrap();
    let offset = usize::try_from(position - start).unwrap();
    let history = open(&flipped(&world.disk, name, offset + 4, 6), reach).unwrap();
    let told = history.read(position).unwrap_err().to_string();
    assert!(told.contains("does not fit its sum") && told.contains(name), "{told}");
    // A position inside an event is no event, but its block is what was written.
    let told = history.read(1).unwrap_err().to_string();
    assert!(told.contains("fits its sum: it was written like this"), "{told}");
    let (mut walker, mut expected) = (Walker::new(&history, 0), world.appended.iter());
    let fault = loop {
        match walker.next() {
            Ok(Some((position, event))) => assert_eq!(expected.next(), Some(&(position, event.to_vec()))),
            Ok(None) => panic!("it walked over the damage"),
            Err(fault) => break fault.to_string(),
        }
    };
    assert!(fault.contains("does not fit its sum") && fault.contains("restore"), "{fault}");
    // From behind the damage there is a way to the end.
    let behind = world.appended.iter().rev().nth(3).unwrap().0;
    let mut walker = Walker::new(&history, behind);
    assert_eq!((0..4).filter(|_| walker.next().unwrap().is_some()).count(), 4);
}

#[test]
fn a_history_without_a_file_has_nothing_to_check() {
    let disk = FakeDisk::new();
    let files = Files::none(std::sync::Arc::new(disk), SIZES);
    assert!(files.resume(Reach::NOTHING).unwrap().is_ok_and(|resumed| resumed.mended.is_none()));
    assert_eq!(files.first_unfit(0, 0).unwrap(), None);
}
