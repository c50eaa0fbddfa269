//! What `tercet journal verify` found in order, as text and as JSON.
//!
//! Judges nothing. Read next: `verify.rs`.

use std::path::Path;

use ledger::format_units;
use serde_json::{Value, json};

use super::books::{Audited, Source};
use super::verify::{Compared, Found};
use crate::folder::journal_path;

/// For people.
pub(super) fn text(data: &Path, found: &Found) -> String {
    let Found { report, replay, ledger, archive } = found;
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
    let ledger = ledger_text(ledger);
    let archive = match archive {
        Compared::Alike(checked) => format!(
            "alike in {} entries and {} transactions, {} entries past their retention\n  history   every byte fits its sum: {} blocks of 64 KiB and what follows",
            checked.entries, checked.transactions, checked.purged, checked.blocks
        ),
        Compared::Missing => "there is none; the next start makes it from the journal".to_owned(),
        Compared::InUse(holder) => format!("not compared: the folder is in use by {holder}"),
        Compared::ReadOnly => "not compared: the folder cannot be written to".to_owned(),
    };
    format!(
        "journal     {}\n  segments  {}, frames {}, bytes of events {}\n  events    {} ({} to {})\n  head      {}\n  torn tail {torn}\n\
         replay      {} transactions begun: {finished}{} open; {} idempotency keys\n{ledger}archive     {archive}\nverified",
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

/// For programs.
pub(super) fn object(found: &Found) -> Value {
    let Found { report, replay, ledger, archive } = found;
    let torn = report.torn_tail.as_ref();
    let archive = match archive {
        Compared::Alike(checked) => json!({
            "state": "alike", "entries": checked.entries, "purged": checked.purged, "transactions": checked.transactions,
            "history_blocks": checked.blocks,
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
        "ledger": ledger_object(ledger),
        "archive": archive,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ledger_text(Audited { source, standing }: &Audited) -> String {
    let counts = standing.counts;
    let from = match source {
        Source::Journal => "",
        Source::History => ", from the archive's history: the journal no longer has its beginning",
        Source::Nowhere => {
            return "ledger      not replayed: neither journal nor archive has its beginning\n".to_owned();
        }
    };
    if counts.events == 0 {
        return String::new();
    }
    let mut text = format!(
        "ledger      {} events{from}: {} entries, {} accounts, {} holds ({} open), {} items ({} live)\n",
        counts.events,
        counts.entries,
        standing.accounts,
        counts.holds,
        standing.open_holds,
        counts.items,
        standing.live_items,
    );
    for (code, scale, sum, issued) in &standing.assets {
        let units = |units| format_units(units, *scale);
        text += &format!("  asset     {code}: sum {}, issued {}\n", units(*sum), units(*issued));
    }
    text
}

fn ledger_object(Audited { source, standing }: &Audited) -> Value {
    let counts = standing.counts;
    let source = match source {
        Source::Journal => "journal",
        Source::History => "history",
        Source::Nowhere => return json!({ "from": null }),
    };
    let assets = standing.assets.iter().map(|(code, scale, sum, issued)| {
        json!({ "code": code, "sum": format_units(*sum, *scale), "issued": format_units(*issued, *scale) })
    });
    json!({
        "from": source, "events": counts.events, "entries": counts.entries, "accounts": standing.accounts,
        "holds": counts.holds, "open_holds": standing.open_holds,
        "items": counts.items, "live_items": standing.live_items,
        "assets": assets.collect::<Vec<_>>(),
    })
}
