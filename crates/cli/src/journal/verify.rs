//! `tercet journal verify`: chain of hashes, replay, audit of the ledger, comparison with the archive.
//!
//! The journal is only read. The archive is opened only under the folder's lock, so that of a folder in use the journal
//! alone is checked, up to what is durable. Read next: `replay.rs`, `books.rs`, `report.rs`, `journal/src/file/verify.rs`, `engine/src/archive/check.rs`.

use std::path::Path;
use std::process::ExitCode;

use engine::archive::{Archive, Check, Checked};
use engine::entry::{self, Room};
use journal::disk::RealDisk;
use journal::file::{self, FileOptions, Report};
use serde_json::json;

use super::books::{Audited, Books};
use super::replay::Replay;
use super::report::{object, text};
use crate::exit::{Exit, words};
use crate::folder::{Folder, Lock, archive_path, journal_path};

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    Json,
}

/// What became of the archive.
pub(super) enum Compared {
    /// It agrees.
    Alike(Checked),
    /// There is none: the next start makes it anew from the journal.
    Missing,
    /// Another process has the folder.
    InUse(String),
    /// The folder cannot be written to, and opening an archive writes.
    ReadOnly,
}

/// Everything that was found in order.
pub(super) struct Found {
    pub(super) report: Report,
    pub(super) replay: Replay,
    pub(super) ledger: Audited,
    pub(super) archive: Compared,
}

/// All that each entry of the journal is held against.
struct Checks<'a> {
    replay: Replay,
    books: Books<'a>,
    archive: Option<Check>,
}

/// Runs `tercet journal verify`.
pub(super) fn run(data: &Path, begins_at: u64, style: Style) -> ExitCode {
    let path = journal_path(data);
    if !path.is_dir() {
        eprintln!("tercet: there is no journal in {}", path.display());
        return Exit::NotStarted.into();
    }
    // What does not fit panics in the fold; `replay.rs` says so in better words.
    std::panic::set_hook(Box::new(|_| {}));
    let found = check(data).and_then(|found| whole(found, begins_at));
    match (&found, style) {
        (Ok(found), Style::Text) => println!("{}", text(data, found)),
        (Ok(found), Style::Json) => println!("{}", object(found)),
        (Err(why), Style::Text) => eprintln!("NOT VERIFIED: {why}"),
        (Err(why), Style::Json) => println!("{}", json!({ "verified": false, "why": why })),
    }
    if found.is_ok() { Exit::Done.into() } else { Exit::Refused.into() }
}

/// Checks the folder; the error is the first thing that is wrong, in words.
fn check(data: &Path) -> Result<Found, String> {
    let lock = Folder::lock_existing(data).map_err(|error| words(&error))?;
    let archive = match &lock {
        Lock::Held(_) | Lock::ReadOnly => None,
        Lock::Free(_) if !archive_path(data).is_dir() => None,
        Lock::Free(folder) => Some(folder.archive().map_err(|error| words(&error))?),
    };
    if let Some(why) = archive.as_ref().and_then(Archive::history_damage) {
        return Err(format!(
            "the history of the ledger is damaged: {why}; the next start tells it anew, if the journal has its beginning"
        ));
    }
    let mut checks = Checks {
        replay: Replay::default(),
        books: Books::new(archive.as_ref()),
        archive: archive.as_ref().map(Archive::check).transpose().map_err(|fault| fault.to_string())?,
    };
    let need = archive.as_ref().map_or(0, Archive::persisted);
    let options = FileOptions { need, ..FileOptions::default() };
    let mut wrong = None;
    let walked = file::verify(&RealDisk::at(journal_path(data)), &options, &mut |frame| {
        let read = entry::read(frame.payload, frame.sequence, |sequence, entry| {
            wrong = checks.one(sequence, &entry).err();
            if wrong.is_some() { Err(engine::Fault::Writer) } else { Ok(()) }
        });
        read.map_err(|fault| {
            let why = wrong.get_or_insert_with(|| fault.to_string()).clone();
            journal::Fault::Stopped { why }
        })
    });
    let report = match (walked, &lock) {
        (Ok(report), _) => report,
        (Err(fault), Lock::Free(_) | Lock::ReadOnly) => {
            return Err(wrong.unwrap_or_else(|| fault.to_string()));
        }
        (Err(fault), Lock::Held(holder)) => {
            let why = wrong.unwrap_or_else(|| fault.to_string());
            return Err(format!(
                "{why} (the folder is in use by {holder}: stop it and verify again to be sure)"
            ));
        }
    };
    let Checks { replay, books, archive: comparison } = checks;
    let compared = comparison.map(finish).transpose()?;
    let ledger = books.finish()?;
    let archive = match (compared, lock) {
        (Some(checked), _) => Compared::Alike(checked),
        (None, Lock::Free(_)) => Compared::Missing,
        (None, Lock::Held(holder)) => Compared::InUse(holder),
        (None, Lock::ReadOnly) => Compared::ReadOnly,
    };
    Ok(Found { report, replay, ledger, archive })
}

/// The journal reaches back as far as it should: what was removed is not verified.
fn whole(found: Found, begins_at: u64) -> Result<Found, String> {
    let first = found.report.first;
    if found.report.events == 0 || first <= begins_at.max(1) {
        return Ok(found);
    }
    Err(format!(
        "the journal begins at event {first}: events {} to {} are not here. If they were released \
         (journal.retain_bytes), verify with --begins-at {first}; if not, segments are missing: restore them from a backup",
        begins_at.max(1),
        first - 1
    ))
}

impl Checks<'_> {
    /// Replays one entry, judges it where it is the ledger's, and compares it with the archive.
    fn one(&mut self, sequence: u64, entry: &entry::EntryRef<'_>) -> Result<(), String> {
        self.books.reach(sequence)?;
        self.replay.entry(sequence, entry)?;
        if let Some(comparison) = &mut self.archive {
            let compared = comparison.entry(sequence, entry).map_err(|fault| fault.to_string())?;
            compared.map_err(|difference| format!("entry {sequence}: {}", difference.what))?;
        }
        if entry.room == Room::Ledger { self.books.entry(sequence, entry.bytes) } else { Ok(()) }
    }
}

fn finish(comparison: Check) -> Result<Checked, String> {
    let finished = comparison.finish().map_err(|fault| fault.to_string())?;
    finished.map_err(|difference| difference.what)
}
