//! Forgets what is past its retention, oldest first, in small steps: finished transactions and idempotency keys.
//!
//! Never touches a transaction that is not final. Where it stands is kept in memory only: after a restart it begins
//! at the beginning again. Read next: `rows.rs`.

use transaction::Time;

use super::fold::load_known;
use super::rows::{
    self, META_PURGED, Summary, label_key, number_key, read_chunk_key, read_number, read_used,
};
use super::store::{Changes, Flow, Order, Span, Table, View};
use crate::Fault;

/// Rows that one step may walk to find what is past its retention.
const WALK_MAX: usize = 20_000;

/// Where the next step goes on, so that none walks again over what former ones emptied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// The next number to look at.
    next: u64,
    /// The lowest number that this round left in place: where the next round begins.
    lowest_left: Option<u64>,
    /// The next idempotency key to look at, by the sequence of its entry.
    next_key: u64,
}

/// One step: what it removes, how many transactions and keys that are, and where the next one goes on.
pub(crate) struct Step {
    pub(crate) changes: Changes,
    pub(crate) count: usize,
    pub(crate) place: Place,
}

/// Finds at most `at_most` transactions that finished before `before`, and keys used before it.
pub(crate) fn step(view: &dyn View, place: Place, (before, at_most): (Time, usize)) -> Result<Step, Fault> {
    let mut step = Step { changes: Changes::default(), count: 0, place };
    transactions(view, &mut step, (before, at_most))?;
    keys(view, &mut step, (before, at_most))?;
    if step.count > 0 {
        let former = view.get(Table::Meta, META_PURGED)?.map(|row| read_number(&row)).transpose()?;
        let reached = former.unwrap_or(0).max(u64::try_from(before.0).unwrap_or(0));
        step.changes.put(Table::Meta, META_PURGED, &number_key(reached));
    }
    Ok(step)
}

fn transactions(view: &dyn View, step: &mut Step, (before, at_most): (Time, usize)) -> Result<(), Fault> {
    let mut gone = Vec::new();
    let mut walked = 0;
    let place = &mut step.place;
    let mut is_round_over = true;
    let start = number_key(place.next);
    let span = Span { table: Table::Summary, start: &start, end: None, order: Order::Ascending };
    view.scan(span, &mut |key, row| {
        let (number, summary) = (read_number(key)?, Summary::decode(row)?);
        if summary.created_at >= before {
            return Ok(Flow::Stop); // nothing from here on can have finished before
        }
        if gone.len() == at_most || walked == WALK_MAX {
            is_round_over = false;
            return Ok(Flow::Stop);
        }
        walked += 1;
        place.next = number.saturating_add(1);
        if summary.finished_at.is_some_and(|at| at < before) {
            gone.push(number);
        } else {
            place.lowest_left.get_or_insert(number);
        }
        Ok(Flow::Go)
    })?;
    if is_round_over {
        place.next = place.lowest_left.take().unwrap_or(place.next);
    }
    step.count += gone.len();
    gone.into_iter().try_for_each(|number| forget(view, number, &mut step.changes))
}

fn forget(view: &dyn View, number: u64, changes: &mut Changes) -> Result<(), Fault> {
    let transaction = load_known(view, number)?;
    changes.remove(Table::Ids, transaction.spec.id.as_bytes());
    changes.remove(Table::Summary, &number_key(number));
    for (key, value) in &transaction.spec.labels {
        changes.remove(Table::Labels, &label_key(key, value, number));
    }
    let (start, end) = (number_key(number), number_key(number.saturating_add(1)));
    let span = Span { table: Table::Chunks, start: &start, end: Some(&end), order: Order::Ascending };
    view.scan(span, &mut |key, _| {
        read_chunk_key(key)?;
        changes.remove(Table::Chunks, key);
        Ok(Flow::Go)
    })
}

fn keys(view: &dyn View, step: &mut Step, (before, at_most): (Time, usize)) -> Result<(), Fault> {
    let start = number_key(step.place.next_key);
    let span = Span { table: Table::KeyAges, start: &start, end: None, order: Order::Ascending };
    view.scan(span, &mut |age, scope| {
        if step.count >= at_most {
            return Ok(Flow::Stop);
        }
        let sequence = read_number(age)?;
        let row = view.get(Table::Keys, scope)?.ok_or_else(|| rows::damaged("idempotency key"))?;
        let (latest, used) = read_used(&row)?;
        // A scope that was used again belongs to its latest use.
        if latest == sequence {
            if used.at() >= before {
                return Ok(Flow::Stop);
            }
            step.changes.remove(Table::Keys, scope);
        }
        step.changes.remove(Table::KeyAges, age);
        step.count += 1;
        step.place.next_key = sequence.saturating_add(1);
        Ok(Flow::Go)
    })
}
