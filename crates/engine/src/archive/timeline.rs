//! One page of a transaction's history: folds its events and puts each into words.
//!
//! The words are `transaction`'s; here is only which part is asked for. Read next: `fold.rs`.

use transaction::{Refusal, refusal, timeline_entry};

use super::fold::{Fold, scan_chunks};
use super::list::{read_cursor, write_cursor};
use super::rows::read_number;
use super::store::{Flow, Table, View};
use crate::{Fault, Timeline, TimelineQuery};

/// Entries of one page at most, whatever is asked.
const LIMIT_MAX: usize = 1_000;

/// The entries after the cursor, oldest first.
pub(crate) fn timeline(view: &dyn View, query: &TimelineQuery) -> Result<Result<Timeline, Refusal>, Fault> {
    let after = match query.cursor.as_deref().map(read_cursor).transpose() {
        Ok(cursor) => cursor.unwrap_or(0),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(row) = view.get(Table::Ids, query.id.as_bytes())? else {
        let detail = format!("there is no transaction {}", query.id);
        return Ok(Err(refusal::TRANSACTION_UNKNOWN.because(detail)));
    };
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let mut fold = Fold::default();
    let mut items = Vec::new();
    let mut has_more = false;
    scan_chunks(view, read_number(&row)?, &mut |chunk| {
        fold.chunk(chunk, |sequence, kept, transaction| {
            if sequence > after && items.len() < limit {
                items.push(timeline_entry(sequence, kept, transaction));
            } else if sequence > after {
                has_more = true;
            }
            Ok(())
        })?;
        Ok(if has_more { Flow::Stop } else { Flow::Go })
    })?;
    let next = items.last().filter(|_| has_more).map(|last| write_cursor(last.seq));
    Ok(Ok(Timeline { items, next, sequence: super::applied_in(view)? }))
}
