//! Every call to the disk fails once, and then the power goes: what is left opens, and knows every durable id.

use journal::disk::fake::{Call, Trouble};

use super::*;

/// Writes nine windows and merges them over two levels.
fn live(world: &mut World) -> Result<(), Fault> {
    for round in 0..9 {
        world.insert(round * 24..round * 24 + 24);
        world.ids.seal_if_full();
        let durable = world.end();
        world.write(durable)?;
        while world.merge(40)? == Went::On {}
    }
    Ok(())
}

/// A life cut off by this trouble: whether it came to that, after all ends of it were tried.
fn cut_off_by(trouble: Trouble) -> Went {
    let disk = FakeDisk::new();
    let mut world = World::new(disk.clone());
    disk.arm(trouble);
    let outcome = live(&mut world);
    for seed in 0..6 {
        let end = disk.copy();
        match seed {
            0 => end.kill(),
            1..4 => end.crash(seed),
            // The power goes just after the next process began.
            _ => {
                end.kill();
                Runs::open(Arc::new(end.clone())).expect("it opens");
                end.crash(seed);
            }
        }
        let covered = world.runs.set().covered();
        let mut again = World::over(end, world.rows.clone()).expect("it opens");
        assert!(again.runs.set().covered() >= covered, "what was installed stays so");
        again.agree();
        live(&mut again).expect("the new process has no trouble");
        again.agree();
    }
    if outcome.is_ok() {
        return Went::Nowhere;
    }
    // The same process, with the disk well again.
    disk.disarm();
    world.write(u64::MAX).unwrap();
    while world.merge(40).unwrap() == Went::On {}
    live(&mut world).unwrap();
    world.agree();
    Went::On
}

#[test]
fn each_call_may_be_the_last() {
    let mut cut = 0;
    for call in [Call::Create, Call::Rename, Call::Write, Call::Sync, Call::SyncDir] {
        let mut after = 0;
        while cut_off_by(Trouble::Fail { call, after }) == Went::On {
            after += 1;
        }
        assert!(after >= 20, "{call:?} was made {after} times");
        cut += after;
    }
    assert!(cut > 150, "{cut} ends");
}

#[test]
fn each_write_may_be_torn() {
    let mut after = 0;
    while cut_off_by(Trouble::Tear { after, taken: 700 }) == Went::On {
        after += 1;
    }
    assert!(after > 50, "{after} writes");
}

#[test]
fn a_full_disk_is_a_fault_and_nothing_is_lost() {
    let disk = FakeDisk::new();
    let mut world = World::new(disk.clone());
    live(&mut world).unwrap();
    world.insert(0..24);
    world.ids.seal_if_full();
    disk.set_capacity(Some(disk.used() + 100));
    assert!(world.write(u64::MAX).is_err());
    world.agree();
    assert!(
        !journal::Disk::list(&disk).unwrap().iter().any(|name| name.ends_with(".part")),
        "it gives room back"
    );
    disk.set_capacity(None);
    world.write(u64::MAX).unwrap();
    assert_eq!(world.ids.waiting(), 0);
    world.agree();
}
