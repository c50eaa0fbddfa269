//! Lists of transactions, newest first: which rows to walk, which to keep, where the next page begins.
//!
//! A page costs a bounded walk: when few rows match, it is short and has a cursor. Only matches are folded.
//! Read next: `rows.rs`.

use std::sync::Arc;

use transaction::{Pattern, Phase, Refusal, Time, Transaction};

use super::fold;
use super::rows::{self, Summary, label_key, number_key, read_number};
use super::store::{Flow, Order, Span, Table, View};
use crate::refusal::CURSOR_INVALID;
use crate::{Fault, Filter, Page};

/// Rows that one page may walk.
pub(crate) const WALK_MAX: usize = 20_000;
/// Transactions of one page at most, whatever is asked.
const LIMIT_MAX: usize = 1_000;

/// Bytes of results after which a page ends.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// What a transaction may take in an answer: its results are by far the most of it.
fn shown_bytes(transaction: &Transaction) -> usize {
    transaction
        .branches
        .iter()
        .map(|branch| 512 + branch.result.as_ref().map_or(0, |result| result.len()))
        .sum()
}

/// One page of the transactions that `filter` lets through.
pub(crate) fn list(
    view: &dyn View,
    filter: &Filter,
    walk_max: usize,
) -> Result<Result<Page, Refusal>, Fault> {
    let below = match filter.cursor.as_deref().map(read_cursor).transpose() {
        Ok(cursor) => cursor.unwrap_or(u64::MAX),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let below = match filter.created_before {
        Some(before) => below.min(first_created_at_or_after(view, before)?),
        None => below,
    };
    let driver = Driver::of(filter);
    let mut page = Walk { filter, driver: &driver, walked: 0, found: Vec::new(), next: None };
    let (start, end) = (driver.key(0), driver.key(below));
    let span = Span { table: driver.table(), start: &start, end: Some(&end), order: Order::Descending };
    view.scan(span, &mut |key, value| page.row(view, (key, value), walk_max))?;
    let Walk { found, mut next, .. } = page;
    let (mut items, mut bytes) = (Vec::with_capacity(found.len()), 0);
    for number in found {
        if bytes >= PAGE_BYTES {
            next = Some(number.saturating_add(1)); // this one is the first of the next page
            break;
        }
        let transaction = fold::load_known(view, number)?;
        bytes += shown_bytes(&transaction);
        items.push(Arc::new(transaction));
    }
    let sequence = super::applied_in(view)?;
    Ok(Ok(Page { items, next: next.map(write_cursor), sequence }))
}

/// The table whose rows are walked: the one with the fewest rows that can match.
enum Driver<'a> {
    Summary,
    Live,
    Label(&'a str, &'a str),
}

impl<'a> Driver<'a> {
    fn of(filter: &'a Filter) -> Driver<'a> {
        if asks_for_open(filter) {
            return Driver::Live;
        }
        filter.labels.first().map_or(Driver::Summary, |(key, value)| Driver::Label(key, value))
    }

    fn table(&self) -> Table {
        match self {
            Driver::Summary => Table::Summary,
            Driver::Live => Table::Live,
            Driver::Label(..) => Table::Labels,
        }
    }

    fn key(&self, number: u64) -> Vec<u8> {
        match self {
            Driver::Summary | Driver::Live => number_key(number).to_vec(),
            Driver::Label(key, value) => label_key(key, value, number),
        }
    }
}

/// Whether only transactions that are not final can match.
fn asks_for_open(filter: &Filter) -> bool {
    let names = |state: &str, phase: &Phase| {
        let mut patterns =
            Pattern::ALL.iter().filter(|pattern| filter.pattern.is_none_or(|one| one == **pattern));
        patterns.any(|pattern| phase.name(*pattern) == state)
    };
    let of_state = |state: &String| {
        let is_final = Phase::ALL.iter().filter(|phase| phase.is_final()).any(|phase| names(state, phase));
        !is_final
    };
    let any_of_open = !filter.any_of.is_empty() && filter.any_of.iter().all(|(_, phase)| !phase.is_final());
    filter.needs_attention == Some(true) || any_of_open || filter.state.as_ref().is_some_and(of_state)
}

struct Walk<'a> {
    filter: &'a Filter,
    driver: &'a Driver<'a>,
    walked: usize,
    found: Vec<u64>,
    next: Option<u64>,
}

impl Walk<'_> {
    fn row(&mut self, view: &dyn View, (key, value): (&[u8], &[u8]), walk_max: usize) -> Result<Flow, Fault> {
        let number = read_number(key)?;
        if self.walked == walk_max || self.found.len() == self.filter.limit.clamp(1, LIMIT_MAX) {
            // This row is the first of the next page.
            self.next = Some(number.saturating_add(1));
            return Ok(Flow::Stop);
        }
        self.walked += 1;
        let summary = match self.driver {
            Driver::Summary => Summary::decode(value)?,
            Driver::Live | Driver::Label(..) => {
                let row = view.get(Table::Summary, &number_key(number))?;
                Summary::decode(&row.ok_or_else(|| rows::damaged("summary"))?)?
            }
        };
        if self.filter.created_after.is_some_and(|after| summary.created_at < after) {
            return Ok(Flow::Stop); // all further ones are older still
        }
        if self.matches(&summary) && self.has_labels(view, number)? {
            self.found.push(number);
        }
        Ok(Flow::Go)
    }

    fn matches(&self, summary: &Summary) -> bool {
        let filter = self.filter;
        filter.pattern.is_none_or(|pattern| pattern == summary.pattern)
            && (filter.any_of.is_empty() || filter.any_of.contains(&(summary.pattern, summary.phase)))
            && filter.state.as_ref().is_none_or(|state| summary.phase.name(summary.pattern) == state)
            && filter.needs_attention.is_none_or(|needs| needs == summary.needs_attention)
            && filter.created_before.is_none_or(|before| summary.created_at < before)
    }

    fn has_labels(&self, view: &dyn View, number: u64) -> Result<bool, Fault> {
        for (key, value) in &self.filter.labels {
            if view.get(Table::Labels, &label_key(key, value, number))?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The lowest number that was begun at or after `time`: numbers ascend with time, so it is found by halving.
fn first_created_at_or_after(view: &dyn View, time: Time) -> Result<u64, Fault> {
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        match first_from(view, middle)? {
            Some((number, created_at)) if created_at < time => low = number.saturating_add(1),
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

fn first_from(view: &dyn View, number: u64) -> Result<Option<(u64, Time)>, Fault> {
    let mut first = None;
    let start = number_key(number);
    let span = Span { table: Table::Summary, start: &start, end: None, order: Order::Ascending };
    view.scan(span, &mut |key, row| {
        first = Some((read_number(key)?, Summary::decode(row)?.created_at));
        Ok(Flow::Stop)
    })?;
    Ok(first)
}

/// A cursor is the number (or sequence) that the next page stays below (or goes on after), in hexadecimal.
pub(crate) fn write_cursor(at: u64) -> String {
    format!("{at:x}")
}

pub(crate) fn read_cursor(cursor: &str) -> Result<u64, Refusal> {
    let digits = cursor.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    match u64::from_str_radix(cursor, 16) {
        Ok(at) if digits && write_cursor(at) == cursor => Ok(at),
        Ok(_) | Err(_) => {
            Err(CURSOR_INVALID.because(format!("{} is no cursor of this list", cursor.escape_debug())))
        }
    }
}
