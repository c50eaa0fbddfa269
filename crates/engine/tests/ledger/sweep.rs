//! The checkpoint without a stop: after enough history the pages of live state lead a start past all that came before.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::archive::Archive;
use engine::{Running, archive_events, archive_ledger};
use journal::{FileJournal, FileOptions, RealDisk};
use ledger::{Cause, Command, Entry, Floor, Kept, Ledger, Run};

use super::world::{change, changed, entry, open, started, until};

/// Accounts: so many that their pages leave with several frames.
const ACCOUNTS: usize = 8_000;
const BATCH: usize = 2_000;

fn running(folder: &Path) -> (Running, Archive) {
    let disk = RealDisk::create(folder.join("journal")).unwrap();
    let archive = Archive::open(&folder.join("archive")).unwrap();
    let journal = Box::new(FileJournal::start(Arc::new(disk), FileOptions::default()).unwrap());
    (started(journal, &archive), archive)
}

fn post(running: &Running, commands: &[Command<&str>]) {
    let told = changed(&running.engine, change(commands, Run::Real, None)).unwrap();
    assert!(told.results.iter().all(Result::is_ok));
}

/// Entries with long causes, so that few of them make much history.
fn batch(running: &Running, number: usize) {
    let long = "x".repeat(128);
    let reason = "y".repeat(256);
    let cause = Cause {
        transaction: Some(long.as_str()),
        branch: Some(&long),
        operator: Some(&long),
        reason: Some(&reason),
    };
    let names: Vec<_> = (0..BATCH)
        .map(|n| (format!("e-{number}-{n}"), format!("a-{}", (number * BATCH + n) * 7 % ACCOUNTS)))
        .collect();
    let entries: Vec<_> = names
        .iter()
        .filter_map(|(id, to)| match entry(id, ("bank", to), 1) {
            Command::Entry(plain) => Some(Command::Entry(Entry { cause, ..plain })),
            _ => None,
        })
        .collect();
    post(running, &entries);
}

fn filled(folder: &Path) -> u64 {
    let (running, archive) = running(folder);
    post(&running, &[Command::Asset(ledger::Asset { code: "eur", scale: 2 }), open("bank", Floor::None)]);
    let ids: Vec<_> = (0..ACCOUNTS).map(|n| format!("a-{n}")).collect();
    for ids in ids.chunks(BATCH) {
        post(&running, &ids.iter().map(|id| open(id, Floor::None)).collect::<Vec<_>>());
    }
    let mut number = 0;
    // Some 700 bytes an entry: a sweep begins after 64 MiB.
    until(|| {
        for _ in 0..4 {
            batch(&running, number);
            number += 1;
        }
        archive.swept().unwrap() > 0
    });
    let swept = archive.swept().unwrap();
    batch(&running, number);
    running.stop();
    swept
}

fn history(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("archive/history")).unwrap().map(|file| file.unwrap().path());
    files.min().unwrap()
}

#[test]
fn a_start_after_a_sweep_reads_pages_and_a_tail_and_finds_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let swept = filled(folder.path());
    assert!(swept >= 64 << 20, "{swept}");

    let archive = Archive::open(&folder.path().join("archive")).unwrap();
    let mut replayed = Ledger::new(archive.keys());
    replayed.loaded();
    archive_events(&archive, &mut |position, encoded| {
        replayed.apply(&Kept::decode(encoded).unwrap(), position);
        Ok(())
    })
    .unwrap();
    let same = |archive: &Archive| {
        let mut loaded = archive_ledger(archive).unwrap();
        loaded.loaded();
        assert_eq!(replayed.differences(&loaded, 5), Vec::<String>::new());
    };
    same(&archive);
    drop(archive);

    // Without what lies before the sweep: it is not read. Whole pieces only, since a block that is read at all is checked.
    let file = OpenOptions::new().write(true).open(history(folder.path())).unwrap();
    let zeros = vec![0; 1 << 20];
    for piece in 0..swept / zeros.len() as u64 {
        file.write_all_at(&zeros, piece * zeros.len() as u64).unwrap();
    }
    same(&Archive::open(&folder.path().join("archive")).unwrap());
}
