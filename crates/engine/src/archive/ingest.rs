//! Turns a batch of durable entries into the changes of all tables. Decides nothing: it only indexes what was kept.
//!
//! Exact without a second copy of the live state: the phase follows from the events alone, and only where attention is
//! raised, or may be lowered, is the transaction folded. Read next: `rows.rs` for what the rows hold.

use std::collections::BTreeMap;

use transaction::{Decision, Event, Kept, Phase, Reply, Spec, Time};

use super::Ingest;
use super::fold::{self, Fold};
use super::rows::{self, META_APPLIED, META_PURGED, Summary};
use super::store::{Changes, Table, View};
use crate::Fault;
use crate::entry::Entry;

/// The events of one transaction in a batch.
type Group<'a> = Vec<(u64, &'a [u8], &'a Kept)>;

/// The changes that `batch` causes after `applied`, and the sequence reached; `None` when all of it is applied already.
pub(crate) fn changes(
    view: &dyn View,
    applied: u64,
    batch: &[Ingest],
) -> Result<Option<(Changes, u64)>, Fault> {
    let mut changes = Changes::default();
    let mut groups: BTreeMap<u64, Group<'_>> = BTreeMap::new();
    let mut keys = BTreeMap::new();
    let mut reached = applied;
    for ingest in batch.iter().filter(|ingest| ingest.sequence > applied) {
        if ingest.sequence != reached + 1 {
            let why = format!("the archive was given it after {reached}: what lies between is missing");
            return Err(Fault::Entry { sequence: ingest.sequence, why });
        }
        reached = ingest.sequence;
        match &ingest.entry {
            Entry::Event { encoded, kept } => {
                groups.entry(kept.number).or_default().push((reached, encoded, kept));
            }
            Entry::Key(row) => {
                keys.insert(&*row.scope, (reached, row));
                let age = rows::number_key(reached);
                changes.put(Table::KeyAges, age, row.scope.as_bytes().to_vec());
            }
        }
    }
    if reached == applied {
        return Ok(None);
    }
    for (scope, (sequence, row)) in keys {
        changes.put(Table::Keys, scope.as_bytes().to_vec(), rows::key_value(sequence, row));
    }
    for (number, group) in groups {
        index(view, number, &group, &mut changes)?;
    }
    changes.put(Table::Meta, META_APPLIED.to_vec(), rows::number_key(reached));
    Ok(Some((changes, reached)))
}

/// One transaction's share of the batch.
fn index(view: &dyn View, number: u64, group: &Group<'_>, changes: &mut Changes) -> Result<(), Fault> {
    let Some(&(first, _, kept)) = group.first() else { return Ok(()) };
    let before = match &kept.event {
        Event::Begun { spec, .. } => {
            put_names(number, spec, changes);
            Summary {
                pattern: spec.pattern,
                phase: Phase::Open,
                needs_attention: false,
                created_at: kept.at,
                finished_at: None,
            }
        }
        _ => match view.get(Table::Summary, &rows::number_key(number))? {
            Some(row) => Summary::decode(&row)?,
            // A late reply to a transaction that is past its retention: nobody can ask for it any more.
            None if view.get(Table::Meta, META_PURGED)?.is_some() => return Ok(()),
            None => {
                let why = format!("it belongs to transaction {number}, of which no beginning is known");
                return Err(Fault::Entry { sequence: first, why });
            }
        },
    };
    let mut chunk = Vec::with_capacity(group.iter().map(|(_, encoded, _)| encoded.len() + 12).sum());
    for (sequence, encoded, _) in group {
        rows::push_chunk(&mut chunk, *sequence, encoded);
    }
    changes.put(Table::Chunks, rows::chunk_key(number, first), chunk);
    let was_live = !before.phase.is_final() && !begins(kept);
    let after = summary_after(view, number, (before, group))?;
    if begins(kept) || after != before {
        changes.put(Table::Summary, rows::number_key(number), after.encode());
    }
    match (was_live, !after.phase.is_final()) {
        (false, true) => changes.put(Table::Live, rows::number_key(number), Vec::new()),
        (true, false) => changes.remove(Table::Live, rows::number_key(number)),
        (true, true) | (false, false) => {}
    }
    Ok(())
}

fn begins(kept: &Kept) -> bool {
    matches!(kept.event, Event::Begun { .. })
}

fn put_names(number: u64, spec: &Spec, changes: &mut Changes) {
    changes.put(Table::Ids, spec.id.as_bytes().to_vec(), rows::number_key(number));
    for (key, value) in &spec.labels {
        changes.put(Table::Labels, rows::label_key(key, value, number), Vec::new());
    }
}

/// The summary after the group's events.
fn summary_after(
    view: &dyn View,
    number: u64,
    (before, group): (Summary, &Group<'_>),
) -> Result<Summary, Fault> {
    let mut after = before;
    for (_, _, kept) in group {
        step(&mut after, &kept.event, kept.at);
    }
    let raised = group.iter().any(|(_, _, kept)| matches!(kept.event, Event::AttentionRaised { .. }));
    let lowered = before.needs_attention && group.iter().any(|(_, _, kept)| may_lower(&kept.event));
    if after.phase.is_final() {
        after.needs_attention = false;
    } else if raised || lowered {
        let mut fold = Fold::from(fold::load(view, number)?);
        for (sequence, _, kept) in group {
            after.needs_attention = fold.apply(*sequence, kept)?.needs_attention();
        }
    }
    Ok(after)
}

/// Moves the summary by one event, as `transaction`'s fold does.
fn step(summary: &mut Summary, event: &Event, at: Time) {
    match event {
        Event::Cooled { .. } => summary.phase = Phase::Cooling,
        Event::Decided { decision: Decision::Confirm, .. } => summary.phase = Phase::Confirming,
        Event::Decided { decision: Decision::Cancel, .. } => summary.phase = Phase::Cancelling,
        Event::Finished => {
            summary.finished_at = Some(at);
            summary.phase = match summary.phase {
                Phase::Cancelling | Phase::Cancelled => Phase::Cancelled,
                Phase::Open | Phase::Cooling | Phase::Confirming | Phase::Confirmed => Phase::Confirmed,
            };
        }
        Event::Begun { .. }
        | Event::Registered(_)
        | Event::Replied { .. }
        | Event::Checked { .. }
        | Event::Signalled { .. }
        | Event::AttentionRaised { .. }
        | Event::Retried => {}
    }
}

/// Whether an event can end the need for attention. An answer that moves no branch cannot; it is by far the most
/// frequent one while attention is needed, so it must not cost a fold.
fn may_lower(event: &Event) -> bool {
    match event {
        Event::Replied { reply, .. } | Event::Checked { reply, .. } => {
            !matches!(reply, Reply::InProgress | Reply::Unknown { .. })
        }
        Event::AttentionRaised { .. } => false,
        Event::Begun { .. }
        | Event::Registered(_)
        | Event::Signalled { .. }
        | Event::Cooled { .. }
        | Event::Decided { .. }
        | Event::Finished
        | Event::Retried => true,
    }
}
