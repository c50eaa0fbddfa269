//! Power cuts: whatever reached the disk of what was not yet synced, the store opens at a whole, earlier batch.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use fastrand::Rng;

use super::answers::{assert_answers, ingest_in_cuts};
use super::history::World;
use super::on_disk;
use crate::archive::Archive;
use crate::archive::fjall_store::FjallStore;
use crate::archive::store::{Changes, Store, Table};
use crate::archive::tail::used;

/// What a disk writes at once.
const BLOCK: usize = 4096;

pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copy(&from, &to);
            continue;
        }
        // The zeros laid out ahead stay a hole: nobody's disk is filled with them.
        let bytes = std::fs::read(from).unwrap();
        let copy = File::create(to).unwrap();
        copy.write_all_at(&bytes[..used(&bytes)], 0).unwrap();
        copy.set_len(bytes.len() as u64).unwrap();
    }
}

fn journal(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "jnl")).unwrap()
}

/// A block of each long value in turn does not reach the disk, though all that follows does.
#[test]
fn a_hole_in_a_long_value_costs_its_batch_and_what_follows() {
    const ROUNDS: u8 = 6;
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let store = FjallStore::open(&live).unwrap();
    for round in 1..=ROUNDS {
        let mut changes = Changes::default();
        changes.put(Table::Chunks, &[round; 16], &[round; 5 * BLOCK]);
        changes.put(Table::Meta, b"applied", &[round]);
        store.commit(&changes).unwrap();
    }
    let bytes = std::fs::read(journal(&live)).unwrap();
    for hit in 1..=ROUNDS {
        let start = bytes.windows(64).position(|window| window == [hit; 64]).unwrap();
        let cut = folder.path().join(format!("cut-{hit}"));
        copy(&live, &cut);
        let file = File::options().write(true).open(journal(&cut)).unwrap();
        file.write_all_at(&[0; BLOCK], start.next_multiple_of(BLOCK) as u64).unwrap();
        let reopened = FjallStore::open(&cut).unwrap();
        let expected = (hit > 1).then(|| vec![hit - 1]);
        assert_eq!(reopened.get(Table::Meta, b"applied").unwrap(), expected);
        for round in 1..=ROUNDS {
            let value = reopened.get(Table::Chunks, &[round; 16]).unwrap();
            assert_eq!(value, (round < hit).then(|| vec![round; 5 * BLOCK]));
        }
        // It is written to again, and that is found.
        let mut changes = Changes::default();
        changes.put(Table::Meta, b"applied", &[99]);
        reopened.commit(&changes).unwrap();
        drop(reopened);
        assert_eq!(FjallStore::open(&cut).unwrap().get(Table::Meta, b"applied").unwrap(), Some(vec![99]));
    }
}

/// Of what was written since the last sync, each block reached the disk or did not.
#[test]
fn any_blocks_lost_since_the_sync_leave_a_whole_earlier_state() {
    let world = World::after(61, 1_500);
    let entries = &world.entries;
    let synced = entries.len() / 3;
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let archive = on_disk(&live);
    ingest_in_cuts(&archive, &entries[..synced], 1);
    archive.persist().unwrap();
    let before = used(&std::fs::read(journal(&live.join("archive"))).unwrap());
    for batch in entries[synced..].chunks(40) {
        archive.ingest(batch).unwrap();
    }
    let after = used(&std::fs::read(journal(&live.join("archive"))).unwrap());
    assert!(after > before + 20 * BLOCK);
    let mut rng = Rng::with_seed(61);
    let mut reached = std::collections::BTreeSet::new();
    for round in 0..30 {
        let cut = folder.path().join(format!("cut-{round}"));
        copy(&live, &cut);
        let file = File::options().write(true).open(journal(&cut.join("archive"))).unwrap();
        for block in before.div_ceil(BLOCK)..after.div_ceil(BLOCK) {
            if rng.u8(..) < 16 {
                file.write_all_at(&[0; BLOCK], (block * BLOCK) as u64).unwrap();
            }
        }
        let reopened = on_disk(&cut);
        let applied = usize::try_from(reopened.applied()).unwrap();
        assert!(applied >= synced, "{applied} of {synced} synced");
        assert_answers(&reopened, &entries[..applied]);
        ingest_in_cuts(&reopened, entries, round);
        assert_answers(&reopened, entries);
        reached.insert(applied);
    }
    assert!(reached.len() > 3, "{reached:?}");
}

/// A copy of the files at any moment is what a kill leaves: nothing of the process runs on.
#[test]
fn a_kill_at_any_batch_leaves_all_that_was_ingested() {
    let world = World::after(62, 900);
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let archive = on_disk(&live);
    for (round, batch) in world.entries.chunks(90).enumerate() {
        archive.ingest(batch).unwrap();
        let killed = folder.path().join(format!("kill-{round}"));
        copy(&live, &killed);
        let reopened: Archive = on_disk(&killed);
        let applied = usize::try_from(reopened.applied()).unwrap();
        assert_eq!(applied, usize::try_from(archive.applied()).unwrap());
        assert_answers(&reopened, &world.entries[..applied]);
    }
}

#[test]
fn what_is_in_use_ends_at_the_last_byte_that_is_not_zero() {
    for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
        let mut journal = vec![0; length];
        assert_eq!(used(&journal), 0);
        for at in [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK, length.saturating_sub(1)] {
            if at < length {
                journal[at] = 1;
                assert_eq!(used(&journal), journal.iter().rposition(|byte| *byte == 1).unwrap() + 1);
            }
        }
    }
}

/// fjall makes a table anew, and empty, that it does not find or finds without its beginning.
#[test]
fn a_store_that_lost_a_table_is_refused_at_every_start() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let archive = on_disk(&live);
    archive.ingest(&World::after(52, 300).entries).unwrap();
    archive.persist().unwrap();
    drop(archive);
    drop(on_disk(&live));
    // The first is fjall's own.
    for table in 1..=Table::ALL.len() {
        for part in ["current", ""] {
            let lost = folder.path().join(format!("lost-{table}-{part}"));
            copy(&live.join("archive"), &lost);
            let path = lost.join("keyspaces").join(table.to_string()).join(part);
            let removed =
                if part.is_empty() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.unwrap();
            for _ in 0..2 {
                let refused = Archive::open(&lost).unwrap_err().to_string();
                assert!(refused.contains("has lost the table"), "{table} {part:?}: {refused}");
            }
        }
    }
}

/// fjall believes what these files say, whatever it is.
#[test]
fn a_flipped_bit_in_what_says_of_what_a_table_consists_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    drop(on_disk(folder.path()));
    for name in ["current", "v0"] {
        let path = folder.path().join("archive/keyspaces/1").join(name);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            std::fs::write(&path, bytes).unwrap();
            let refused = Archive::open(&folder.path().join("archive")).unwrap_err().to_string();
            assert!(refused.contains("/keyspaces/1/"), "{name} at {at}: {refused}");
        }
        std::fs::write(&path, whole).unwrap();
    }
    drop(on_disk(folder.path()));
}
