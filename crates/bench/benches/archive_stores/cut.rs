//! What a power cut may leave, and the audit of a store that was cut or killed.
//!
//! Between two syncs a disk may keep any of the written blocks and lose any other. So: persist, copy the files,
//! ingest on without a sync, copy again, and build mixtures of the two copies block by block. A store must open
//! each mixture and show whole batches only, at least up to the persist. Each is opened in a process of its own,
//! since a store may crash on what it finds. A store that syncs every batch leaves no such mixture.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::store::{Kind, Store, Table};
use crate::workload::{Ids, Workload};

const BLOCK: usize = 4096;
/// Small enough that no store flushes or syncs by itself between the two copies.
const SIZE: u64 = 1_000;
const PERSISTED: u64 = 8;
const UNSYNCED: u64 = 4;

/// How many simulated cuts reopened to whole batches, and how many did not.
#[derive(Serialize)]
pub(crate) struct Outcome {
    store: &'static str,
    cuts: u64,
    whole: u64,
    lost_or_refused: u64,
    /// Batches found in the whole ones: fewest and most, of those persisted and those written.
    batches: Option<(u64, u64)>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { store, cuts, whole, lost_or_refused, batches } = self;
        write!(f, "{store}: {cuts} power cuts, {whole} reopened whole")?;
        if let Some((fewest, most)) = batches {
            let written = PERSISTED + UNSYNCED;
            write!(f, " with {fewest} to {most} batches (persisted {PERSISTED}, written {written})")?;
        }
        write!(f, ", {lost_or_refused} lost, refused or crashed")
    }
}

fn workload() -> Workload {
    let mut workload = Workload::new(Ids::Random);
    workload.size = SIZE;
    workload
}

/// Cuts `kind` `cuts` times. LMDB with a sync at each batch has nothing to cut and reports none.
pub(crate) fn simulate(kind: Kind, cuts: u64, folder: &Path) -> Result<Outcome> {
    let cuts = if kind == Kind::HeedSync { 0 } else { cuts };
    let base = tempfile::Builder::new().prefix("cut-").tempdir_in(folder)?;
    let [data, early, late, mixed] = ["data", "early", "late", "mixed"].map(|name| base.path().join(name));
    fs::create_dir_all(&data)?;
    let store = kind.open(&data)?;
    let workload = workload();
    for batch in 1..=PERSISTED {
        store.ingest(&workload.batch(batch))?;
    }
    store.persist()?;
    copy(&data, &early)?;
    for batch in PERSISTED + 1..=PERSISTED + UNSYNCED {
        store.ingest(&workload.batch(batch))?;
    }
    copy(&data, &late)?;
    let mut outcome = Outcome { store: kind.name(), cuts, whole: 0, lost_or_refused: 0, batches: None };
    for seed in 0..cuts {
        let _ = fs::remove_dir_all(&mixed);
        mix((&early, &late), &mixed, &mut fastrand::Rng::with_seed(seed))?;
        let audit = Command::new(std::env::current_exe()?)
            .args(["audit", kind.name()])
            .arg(&mixed)
            .arg(PERSISTED.to_string())
            .stderr(Stdio::null())
            .output()?;
        if !audit.status.success() {
            outcome.lost_or_refused += 1;
            continue;
        }
        let found: u64 = String::from_utf8(audit.stdout)?.trim().parse()?;
        let (fewest, most) = outcome.batches.unwrap_or((found, found));
        outcome.batches = Some((fewest.min(found), most.max(found)));
        outcome.whole += 1;
    }
    Ok(outcome)
}

/// The audit as a process of its own: prints the batches found; an error is a non-zero exit.
pub(crate) fn audit_folder(kind: Kind, folder: &Path, floor: u64) -> Result<()> {
    let store = kind.open(folder)?;
    let applied = audit(store.as_ref(), &workload())?;
    ensure!(applied >= floor, "persisted {floor} batches, {applied} are left");
    store.ingest(&workload().batch(applied + 1))?;
    store.persist()?;
    println!("{applied}");
    Ok(())
}

/// Checks that the store holds whole batches, and answers how many.
pub(crate) fn audit(store: &dyn Store, workload: &Workload) -> Result<u64> {
    let mut value = Vec::new();
    ensure!(store.get(Table::Meta, b"applied", &mut value)?, "no batch at all");
    let applied = u64::from_be_bytes(value.as_slice().try_into()?);
    let step = (applied / 20).max(1);
    for batch in (1..=applied).rev().step_by(step as usize) {
        expect(store, workload, (batch, applied))?;
    }
    for table in [Table::Chunks, Table::Ids, Table::Summary, Table::Labels] {
        for (key, _) in workload.batch(applied + 1).puts[table as usize].iter() {
            ensure!(
                !store.get(table, key, &mut value)?,
                "a row of {} from after the last batch",
                table.name()
            );
        }
    }
    Ok(applied)
}

/// Every row of `batch` is there, live rows only if their transaction has not ended by `applied`.
fn expect(store: &dyn Store, workload: &Workload, (batch, applied): (u64, u64)) -> Result<()> {
    let mut value = Vec::new();
    let made = workload.batch(batch);
    for table in [Table::Chunks, Table::Ids, Table::Summary, Table::Labels, Table::Live] {
        if table == Table::Live && batch < applied {
            continue;
        }
        for (key, expected) in made.puts[table as usize].iter() {
            let found = store.get(table, key, &mut value)? && value == expected;
            ensure!(found, "batch {batch} of {applied}: a row of {} is wrong", table.name());
        }
    }
    for key in &made.live_removed {
        ensure!(!store.get(Table::Live, key, &mut value)?, "batch {batch}: a live row came back");
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Builds `to` from two copies: up to a random place the later one, beyond it of each block that differs one or the
/// other. A file that is new is kept.
fn mix((early, late): (&Path, &Path), to: &Path, random: &mut fastrand::Rng) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(late)? {
        let name = entry?.file_name();
        let (old, new, target) = (early.join(&name), late.join(&name), to.join(&name));
        if new.is_dir() {
            mix((&old, &new), &target, random)?;
            continue;
        }
        let mut after = fs::read(&new)?;
        if let Ok(mut before) = fs::read(&old) {
            before.resize(after.len().max(before.len()), 0);
            let written_to = random.usize(0..=after.len() / BLOCK);
            for (block, (kept, lost)) in after.chunks_mut(BLOCK).zip(before.chunks(BLOCK)).enumerate() {
                if block >= written_to && random.u8(0..2) == 0 {
                    kept.copy_from_slice(&lost[..kept.len()]);
                }
            }
        }
        fs::write(target, after)?;
    }
    Ok(())
}
