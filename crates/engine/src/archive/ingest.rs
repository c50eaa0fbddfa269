//! Turns a batch of durable entries into the changes of all tables. Decides nothing: it only indexes what was kept.
//!
//! Exact without a second copy of the live state: the phase follows from the events alone, and only where attention is
//! raised, or may be lowered, is the transaction folded. Read next: `head.rs`, then `rows.rs` for what the rows hold.

use std::borrow::Cow;
use std::collections::BTreeMap;

use transaction::{Decision, Phase};

use super::fold::{self, Fold, decode};
use super::head::{Effect, Head, Names};
use super::rows::{self, META_APPLIED, META_PURGED, Summary, number_key};
use super::store::{Changes, Table, View};
use crate::Fault;
use crate::entry::{KeyRow, ReplyRow, TopicRow};
use crate::history::Run;

/// One durable entry, read as far as indexing needs.
pub(crate) enum Fact<'a> {
    Event { head: Head<'a>, encoded: &'a [u8] },
    Key(Cow<'a, KeyRow>),
    Reply(Cow<'a, ReplyRow>),
    Topic(Cow<'a, TopicRow>),
}

/// An event of a batch with its sequence.
struct Event<'a> {
    sequence: u64,
    head: Head<'a>,
    encoded: &'a [u8],
}

/// An idempotency key of a batch.
enum Use<'a> {
    Key(Cow<'a, KeyRow>),
    Reply(Cow<'a, ReplyRow>),
}

impl Use<'_> {
    fn scope(&self) -> &str {
        match self {
            Use::Key(row) => &row.scope,
            Use::Reply(row) => &row.scope,
        }
    }

    fn value(&self, sequence: u64) -> Vec<u8> {
        match self {
            Use::Key(row) => rows::key_value(sequence, row),
            Use::Reply(row) => rows::reply_value(sequence, row),
        }
    }
}

/// How far one part of the archive has come, and comes with the batch.
#[derive(Clone, Copy)]
struct Count {
    applied: u64,
    reached: u64,
}

impl Count {
    /// Moves on to the next entry; answers whether this part lacks it.
    fn lacks(&mut self, sequence: u64) -> Result<bool, Fault> {
        if sequence <= self.applied {
            return Ok(false);
        }
        if sequence != self.reached + 1 {
            let why =
                format!("the archive was given it after {}: what lies between is missing", self.reached);
            return Err(Fault::Entry { sequence, why });
        }
        self.reached = sequence;
        Ok(true)
    }
}

/// What a batch adds to what is applied.
pub(crate) struct Batch<'a> {
    tables: Count,
    history: Count,
    events: Vec<Event<'a>>,
    keys: Vec<(u64, Use<'a>)>,
    topics: Vec<Cow<'a, TopicRow>>,
    run: Run,
}

/// Which parts of the archive lack an entry.
pub(crate) struct Lacking {
    pub(crate) tables: bool,
    pub(crate) history: bool,
}

impl<'a> Batch<'a> {
    /// An empty batch, to follow what the tables have, and what the history has.
    pub(crate) fn after(tables: u64, history: u64) -> Batch<'a> {
        let count = |applied| Count { applied, reached: applied };
        Batch {
            tables: count(tables),
            history: count(history),
            events: Vec::new(),
            keys: Vec::new(),
            topics: Vec::new(),
            run: Run::default(),
        }
    }

    /// Moves on to the next entry; answers where it belongs if it belongs there at all.
    pub(crate) fn next(&mut self, sequence: u64) -> Result<Lacking, Fault> {
        Ok(Lacking { tables: self.tables.lacks(sequence)?, history: self.history.lacks(sequence)? })
    }

    /// Adds an entry that the tables lack.
    pub(crate) fn push(&mut self, sequence: u64, fact: Fact<'a>) {
        match fact {
            Fact::Event { head, encoded } => self.events.push(Event { sequence, head, encoded }),
            Fact::Key(row) => self.keys.push((sequence, Use::Key(row))),
            Fact::Reply(row) => self.keys.push((sequence, Use::Reply(row))),
            Fact::Topic(row) => self.topics.push(row),
        }
    }

    /// Adds an event that the history lacks.
    pub(crate) fn push_ledger(&mut self, encoded: &[u8]) {
        self.run.push(encoded);
    }

    /// What the history lacks, and the sequence up to which it has everything then.
    pub(crate) fn take_run(&mut self) -> (Run, u64) {
        (std::mem::take(&mut self.run), self.history.reached)
    }

    /// The changes that the batch makes, and the sequence that is applied then; `None` when it adds nothing.
    pub(crate) fn changes(mut self, view: &dyn View) -> Result<Option<(Changes, u64)>, Fault> {
        if self.tables.reached == self.tables.applied {
            return Ok(None);
        }
        let mut changes = Changes::default();
        // The latest use of a scope stands.
        let mut latest = BTreeMap::new();
        for (sequence, used) in &self.keys {
            changes.put(Table::KeyAges, &number_key(*sequence), used.scope().as_bytes());
            latest.insert(used.scope(), (*sequence, used));
        }
        for (scope, (sequence, used)) in latest {
            changes.put(Table::Keys, scope.as_bytes(), &used.value(sequence));
        }
        let latest: BTreeMap<&str, &TopicRow> = self.topics.iter().map(|row| (&*row.name, &**row)).collect();
        for row in latest.into_values() {
            match &row.topic {
                Some(_) => changes.put(Table::Meta, &rows::topic_key(&row.name), &rows::topic_value(row)),
                None => changes.remove(Table::Meta, &rows::topic_key(&row.name)),
            }
        }
        // Stable: the events of a transaction stay in order.
        self.events.sort_by_key(|event| event.head.number);
        for group in self.events.chunk_by(|one, next| one.head.number == next.head.number) {
            index(view, group, &mut changes)?;
        }
        changes.put(Table::Meta, META_APPLIED, &number_key(self.tables.reached));
        Ok(Some((changes, self.tables.reached)))
    }
}

/// One transaction's share of the batch.
fn index(view: &dyn View, group: &[Event<'_>], changes: &mut Changes) -> Result<(), Fault> {
    let [first, ..] = group else { return Ok(()) };
    let number = first.head.number;
    let begun = match &first.head.effect {
        Effect::Begins(names) => Some(names),
        _ => None,
    };
    let before =
        match (begun, begun.map_or_else(|| view.get(Table::Summary, &number_key(number)), |_| Ok(None))?) {
            (Some(names), _) => {
                put_names(number, names, changes);
                Summary {
                    pattern: names.pattern,
                    phase: Phase::Open,
                    needs_attention: false,
                    created_at: first.head.at,
                    finished_at: None,
                }
            }
            (None, Some(row)) => Summary::decode(&row)?,
            // A late reply to a transaction that is past its retention: nobody can ask for it any more.
            (None, None) if view.get(Table::Meta, META_PURGED)?.is_some() => return Ok(()),
            (None, None) => {
                let why = format!("it belongs to transaction {number}, of which no beginning is known");
                return Err(Fault::Entry { sequence: first.sequence, why });
            }
        };
    let mut chunk = Vec::with_capacity(group.iter().map(|event| event.encoded.len() + 12).sum());
    for event in group {
        rows::push_chunk(&mut chunk, event.sequence, event.encoded);
    }
    changes.put(Table::Chunks, &rows::chunk_key(number, first.sequence), &chunk);
    let was_live = !before.phase.is_final() && begun.is_none();
    let after = summary_after(view, before, group)?;
    if begun.is_some() || after != before {
        changes.put(Table::Summary, &number_key(number), &after.encode());
    }
    match (was_live, !after.phase.is_final()) {
        (false, true) => changes.put(Table::Live, &number_key(number), &[]),
        (true, false) => changes.remove(Table::Live, &number_key(number)),
        (true, true) | (false, false) => {}
    }
    Ok(())
}

fn put_names(number: u64, names: &Names<'_>, changes: &mut Changes) {
    changes.put(Table::Ids, names.id.as_bytes(), &number_key(number));
    for (key, value) in &names.labels {
        changes.put(Table::Labels, &rows::label_key(key, value, number), &[]);
    }
}

/// The summary after the group's events.
fn summary_after(view: &dyn View, before: Summary, group: &[Event<'_>]) -> Result<Summary, Fault> {
    let mut after = before;
    group.iter().for_each(|event| step(&mut after, &event.head));
    let raised = group.iter().any(|event| event.head.effect == Effect::RaisesAttention);
    let lowered = before.needs_attention && group.iter().any(|event| event.head.effect.may_lower());
    if after.phase.is_final() {
        after.needs_attention = false;
    } else if let (true, [first, ..]) = (raised || lowered, group) {
        let mut fold = Fold::from(fold::load(view, first.head.number)?);
        for event in group {
            let kept = decode(event.sequence, event.encoded)?;
            after.needs_attention = fold.apply(event.sequence, &kept)?.needs_attention();
        }
    }
    Ok(after)
}

/// Moves the summary by one event, as `transaction`'s fold does.
fn step(summary: &mut Summary, head: &Head<'_>) {
    match head.effect {
        Effect::Cools => summary.phase = Phase::Cooling,
        Effect::Decides(Decision::Confirm) => summary.phase = Phase::Confirming,
        Effect::Decides(Decision::Cancel) => summary.phase = Phase::Cancelling,
        Effect::Finishes => {
            summary.finished_at = Some(head.at);
            summary.phase = match summary.phase {
                Phase::Cancelling | Phase::Cancelled => Phase::Cancelled,
                Phase::Open | Phase::Cooling | Phase::Confirming | Phase::Confirmed => Phase::Confirmed,
                Phase::Stopped => Phase::Stopped,
            };
        }
        Effect::Stops => {
            summary.finished_at = Some(head.at);
            summary.phase = Phase::Stopped;
        }
        Effect::Begins(_) | Effect::RaisesAttention | Effect::MayLowerAttention | Effect::None => {}
    }
}
