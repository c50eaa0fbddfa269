//! `tercet journal verify`: chain of hashes, replay, comparison with the archive; then what was found, in words.
//!
//! The journal is only read. The archive is opened only under the folder's lock, so that of a folder in use the journal
//! alone is checked, up to what is durable. Read next: `replay.rs`, `journal/src/file/verify.rs`, `engine/src/archive/check.rs`.

use std::path::Path;
use std::process::ExitCode;

use engine::archive::{Archive, Check, Checked};
use engine::entry;
use journal::disk::RealDisk;
use journal::file::{self, FileOptions, Report};
use serde_json::{Value, json};

use super::replay::Replay;
use crate::exit::{Exit, words};
use crate::folder::{Folder, Lock, archive_path, journal_path};

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    Json,
}

/// What became of the archive.
enum Compared {
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
struct Found {
    report: Report,
    replay: Replay,
    archive: Compared,
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
    let mut comparison =
        archive.as_ref().map(Archive::check).transpose().map_err(|fault| fault.to_string())?;
    let need = archive.as_ref().map_or(0, Archive::persisted);
    let options = FileOptions { need, ..FileOptions::default() };
    let mut replay = Replay::default();
    let mut wrong = None;
    let walked = file::verify(&RealDisk::at(journal_path(data)), &options, &mut |frame| {
        let read = entry::read(frame.payload, frame.sequence, |sequence, entry| {
            wrong = one(&mut replay, comparison.as_mut(), (sequence, &entry)).err();
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
    let archive = match (comparison, lock) {
        (Some(comparison), _) => Compared::Alike(finish(comparison)?),
        (None, Lock::Free(_)) => Compared::Missing,
        (None, Lock::Held(holder)) => Compared::InUse(holder),
        (None, Lock::ReadOnly) => Compared::ReadOnly,
    };
    Ok(Found { report, replay, archive })
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

/// Replays one entry and compares it with the archive.
fn one(
    replay: &mut Replay,
    comparison: Option<&mut Check>,
    (sequence, entry): (u64, &entry::EntryRef<'_>),
) -> Result<(), String> {
    replay.entry(sequence, entry)?;
    let Some(comparison) = comparison else { return Ok(()) };
    let compared = comparison.entry(sequence, entry).map_err(|fault| fault.to_string())?;
    compared.map_err(|difference| format!("entry {sequence}: {}", difference.what))
}

fn finish(comparison: Check) -> Result<Checked, String> {
    let finished = comparison.finish().map_err(|fault| fault.to_string())?;
    finished.map_err(|difference| difference.what)
}

fn text(data: &Path, found: &Found) -> String {
    let Found { report, replay, archive } = found;
    let torn = report.torn_tail.as_ref().map_or_else(
        || "none".to_owned(),
        |torn| {
            format!(
                "{} at byte {}: {}; the next start cuts it. A write that was cut short leaves this, and nothing told is in it; if the disk lost what it had synced, the last frame may be missing",
                torn.file, torn.offset, torn.why
            )
        },
    );
    let finished: Vec<_> =
        replay.counts.finished.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let finished = if finished.is_empty() { String::new() } else { format!("{}, ", finished.join(", ")) };
    let archive = match archive {
        Compared::Alike(checked) => format!(
            "alike in {} entries and {} transactions, {} entries past their retention",
            checked.entries, checked.transactions, checked.purged
        ),
        Compared::Missing => "there is none; the next start makes it from the journal".to_owned(),
        Compared::InUse(holder) => format!("not compared: the folder is in use by {holder}"),
        Compared::ReadOnly => "not compared: the folder cannot be written to".to_owned(),
    };
    format!(
        "journal     {}\n  segments  {}, frames {}, bytes of events {}\n  events    {} ({} to {})\n  head      {}\n  torn tail {torn}\n\
         replay      {} transactions begun: {finished}{} open; {} idempotency keys\narchive     {archive}\nverified",
        journal_path(data).display(),
        report.segments,
        report.frames,
        report.bytes,
        report.events,
        report.first,
        report.last,
        hex(&report.head),
        replay.counts.begun,
        replay.open(),
        replay.counts.keys,
    )
}

fn object(found: &Found) -> Value {
    let Found { report, replay, archive } = found;
    let torn = report.torn_tail.as_ref();
    let archive = match archive {
        Compared::Alike(checked) => json!({
            "state": "alike", "entries": checked.entries, "purged": checked.purged, "transactions": checked.transactions,
        }),
        Compared::Missing => json!({ "state": "missing" }),
        Compared::InUse(holder) => json!({ "state": "in_use", "holder": holder }),
        Compared::ReadOnly => json!({ "state": "read_only" }),
    };
    json!({
        "verified": true,
        "journal": {
            "segments": report.segments, "frames": report.frames, "events": report.events, "bytes": report.bytes,
            "first": report.first, "last": report.last, "head": hex(&report.head),
            "torn_tail": torn.map(|torn| json!({ "file": torn.file, "offset": torn.offset, "why": torn.why })),
        },
        "replay": {
            "begun": replay.counts.begun, "open": replay.open(), "finished": replay.counts.finished,
            "keys": replay.counts.keys, "headless_events": replay.counts.headless, "late_replies": replay.counts.late,
        },
        "archive": archive,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
