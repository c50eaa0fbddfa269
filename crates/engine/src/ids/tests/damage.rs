//! Files that are missing, cut or changed: a fault that names the file, never a wrong answer.

use super::*;

/// A disk with two runs of a few blocks, and the rows in them.
fn two_runs() -> (FakeDisk, Vec<Row>) {
    let disk = FakeDisk::new();
    let mut runs = Runs::open(Arc::new(disk.clone())).unwrap();
    let mut ids = Ids::new(Size { rows: 700, surplus: 1 }, runs.set());
    let rows: Vec<Row> = (0..1_400u64)
        .map(|at| Row { hash: at.wrapping_mul(0x9E37_79B9_7F4A_7C15), check: at + 5, position: at * 3 })
        .collect();
    for row in &rows {
        ids.insert(*row);
        ids.seal_if_full();
    }
    while let Some(sealed) = ids.take_sealed(u64::MAX) {
        ids.installed(runs.write(&sealed).unwrap());
    }
    (disk, rows)
}

fn run_names(disk: &FakeDisk) -> Vec<String> {
    journal::Disk::list(disk).unwrap().into_iter().filter(|name| name.ends_with(".run")).collect()
}

/// The fault of opening, in words.
fn refused(disk: &FakeDisk) -> String {
    match Runs::open(Arc::new(disk.clone())) {
        Err(fault) => fault.to_string(),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn a_listed_run_that_is_missing_is_named() {
    let (disk, _) = two_runs();
    let name = run_names(&disk).remove(0);
    journal::Disk::remove(&disk, &name).unwrap();
    assert!(refused(&disk).contains(&name), "{}", refused(&disk));
}

#[test]
fn a_run_that_is_not_listed_is_removed() {
    let (disk, rows) = two_runs();
    let names = run_names(&disk);
    let bytes = disk.bytes(&names[0]).unwrap();
    disk.put("1-0000000000000000-00000000000000ff.run", &bytes);
    disk.put("1-0000000000000000-0000000000000fff.run.part", &bytes[..5_000]);
    disk.put("somebody's notes", b"stay");
    let ids = Ids::new(SMALL, Runs::open(Arc::new(disk.clone())).unwrap().set());
    assert_eq!(run_names(&disk), names);
    assert_eq!(disk.bytes("somebody's notes").as_deref(), Some(&b"stay"[..]));
    assert!(rows.iter().all(|row| ids.find(row.hash).unwrap().is_some()));
}

#[test]
fn without_a_manifest_the_index_begins_anew() {
    let (disk, _) = two_runs();
    journal::Disk::remove(&disk, "manifest").unwrap();
    let runs = Runs::open(Arc::new(disk.clone())).unwrap();
    assert_eq!((runs.set().covered(), runs.set().count()), (0, 0));
    assert_eq!(run_names(&disk), Vec::<String>::new());
}

#[test]
fn a_torn_run_is_named_and_may_be_moved_away() {
    let (disk, _) = two_runs();
    let name = run_names(&disk).remove(1);
    let bytes = disk.bytes(&name).unwrap();
    for length in [0, 10, 4_096, 9_000, bytes.len() - 1] {
        disk.put(&name, &bytes[..length]);
        let said = refused(&disk);
        assert!(said.contains(&name) && said.contains("move the folder of ids away"), "{length}: {said}");
    }
    disk.put(&name, &[&bytes[..], b"x"].concat());
    assert!(refused(&disk).contains("length"), "{}", refused(&disk));
    disk.put(&name, &disk.bytes(&run_names(&disk)[0]).unwrap());
    assert!(refused(&disk).contains("not the run of its name"), "{}", refused(&disk));
}

#[test]
fn a_changed_byte_is_found_when_it_is_read_at_the_latest() {
    let (disk, rows) = two_runs();
    let name = run_names(&disk).remove(0);
    let bytes = disk.bytes(&name).unwrap();
    let blocks = 700usize.div_ceil(170);
    // All that counts: the header's first bytes, rows and sums of each block, the tail.
    let header = (0..64).step_by(5);
    let inside = (1..=blocks).flat_map(|block| (0..4_084).step_by(401).map(move |at| block * 4_096 + at));
    let tail = ((blocks + 1) * 4_096..bytes.len()).step_by(37);
    for at in header.chain(inside).chain(tail) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        disk.put(&name, &changed);
        let Ok(runs) = Runs::open(Arc::new(disk.clone())) else { continue };
        let ids = Ids::new(SMALL, runs.set());
        let faults = rows.iter().filter(|row| match ids.find(row.hash) {
            Ok(found) => {
                assert_eq!(found, Some(Found { check: row.check, position: row.position }), "byte {at}");
                false
            }
            Err(fault) => {
                assert!(fault.to_string().contains(&name), "{fault}");
                true
            }
        });
        assert!(faults.count() >= 20, "byte {at} was changed and nobody saw it");
    }
}

#[test]
fn a_changed_manifest_is_refused() {
    let (disk, _) = two_runs();
    let bytes = disk.bytes("manifest").unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        disk.put("manifest", &changed);
        assert!(refused(&disk).contains("manifest is damaged"), "byte {at}: {}", refused(&disk));
    }
    disk.put("manifest", &bytes[..bytes.len() / 2]);
    assert!(refused(&disk).contains("manifest is damaged"));
}

#[test]
fn a_damaged_block_stops_a_merge_and_keeps_what_there_is() {
    let disk = FakeDisk::new();
    let mut world = World::new(disk.clone());
    for round in 0..3 {
        world.insert(round * 24..round * 24 + 24);
        world.ids.seal_if_full();
    }
    world.write(u64::MAX).unwrap();
    let names = run_names(&disk);
    let mut bytes = disk.bytes(&names[1]).unwrap();
    bytes[4_200] ^= 1;
    disk.put(&names[1], &bytes);
    let mut runs = Runs::open(Arc::new(disk.clone())).unwrap().with_fan(FAN);
    for _ in 0..2 {
        let fault = runs.merge_step(1_000).map(|_| ()).unwrap_err().to_string();
        assert!(fault.contains(&names[1]) && fault.contains("block 0"), "{fault}");
    }
    assert_eq!(run_names(&disk), names);
}
