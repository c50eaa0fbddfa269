//! Reads transactions back: folds the events of their chunks. Holds no state and changes nothing.
//!
//! Read next: `ingest.rs` for how chunks come about.

use transaction::{Kept, Transaction};

use super::rows::{self, read_chunk, read_chunk_key, read_number};
use super::store::{Flow, Order, Span, Table, View};
use crate::Fault;

/// Live transactions whose numbers lie so close together are read in one sweep; farther ones are sought.
const SWEEP_GAP: u64 = 256;

/// A transaction as it comes together from its events.
#[derive(Default)]
pub(crate) struct Fold {
    transaction: Option<Transaction>,
}

impl Fold {
    pub(crate) fn from(transaction: Option<Transaction>) -> Fold {
        Fold { transaction }
    }

    /// Folds one event; what was folded before is passed over.
    pub(crate) fn apply(&mut self, sequence: u64, kept: &Kept) -> Result<&Transaction, Fault> {
        match (&mut self.transaction, kept.event.begun()) {
            (Some(known), _) if sequence <= known.sequence => {}
            (Some(known), _) => known.apply(sequence, kept.at, &kept.event),
            (None, Some(begun)) => self.transaction = Some(Transaction::begun(kept.number, kept.at, begun)),
            (None, None) => {}
        }
        let why = "it belongs to a transaction of which no beginning is known".to_owned();
        self.transaction.as_ref().ok_or(Fault::Entry { sequence, why })
    }

    /// Folds a chunk, telling `seen` each event with the transaction after it.
    pub(crate) fn chunk(
        &mut self,
        chunk: &[u8],
        mut seen: impl FnMut(u64, &Kept, &Transaction) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        read_chunk(chunk, |sequence, encoded| {
            let kept = decode(sequence, encoded)?;
            let transaction = self.apply(sequence, &kept)?;
            seen(sequence, &kept, transaction)
        })
    }

    pub(crate) fn finish(self) -> Option<Transaction> {
        self.transaction
    }
}

pub(crate) fn decode(sequence: u64, encoded: &[u8]) -> Result<Kept, Fault> {
    Kept::decode(encoded).map_err(|error| Fault::Entry { sequence, why: error.to_string() })
}

/// The transaction as the archive has it.
pub(crate) fn load(view: &dyn View, number: u64) -> Result<Option<Transaction>, Fault> {
    let mut fold = Fold::default();
    scan_chunks(view, number, &mut |chunk| {
        fold.chunk(chunk, |_, _, _| Ok(()))?;
        Ok(Flow::Go)
    })?;
    Ok(fold.finish())
}

/// The transaction that must be there, since another table names it.
pub(crate) fn load_known(view: &dyn View, number: u64) -> Result<Transaction, Fault> {
    load(view, number)?.ok_or_else(|| rows::damaged("transaction"))
}

/// Visits the chunks of one transaction in order.
pub(crate) fn scan_chunks(
    view: &dyn View,
    number: u64,
    visit: &mut dyn FnMut(&[u8]) -> Result<Flow, Fault>,
) -> Result<(), Fault> {
    let (start, end) = (rows::number_key(number), rows::number_key(number.saturating_add(1)));
    let span = Span { table: Table::Chunks, start: &start, end: Some(&end), order: Order::Ascending };
    view.scan(span, &mut |_, chunk| visit(chunk))
}

/// Visits every transaction that is not final, ascending by number.
pub(crate) fn open_transactions(
    view: &dyn View,
    visit: &mut dyn FnMut(Transaction) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut live = Vec::new();
    let span = Span { table: Table::Live, start: &[], end: None, order: Order::Ascending };
    view.scan(span, &mut |key, _| {
        live.push(read_number(key)?);
        Ok(Flow::Go)
    })?;
    for run in live.chunk_by(|one, next| next - one <= SWEEP_GAP) {
        sweep(view, run, visit)?;
    }
    Ok(())
}

/// Visits the transactions of `numbers`, ascending, reading all chunks from the first to the last once.
fn sweep(
    view: &dyn View,
    numbers: &[u64],
    visit: &mut dyn FnMut(Transaction) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let [first, .., last] = numbers else {
        return numbers.iter().try_for_each(|number| visit(load_known(view, *number)?));
    };
    let mut waiting = numbers.iter().copied().peekable();
    let mut fold = Fold::default();
    let (start, end) = (rows::number_key(*first), rows::number_key(last.saturating_add(1)));
    let span = Span { table: Table::Chunks, start: &start, end: Some(&end), order: Order::Ascending };
    let wanted = |key: &[u8]| match read_chunk_key(key) {
        Ok((number, _)) => numbers.binary_search(&number).is_ok(),
        Err(_) => true, // the visit reports it
    };
    view.scan_wanted(span, &wanted, &mut |key, chunk| {
        let (number, _) = read_chunk_key(key)?;
        while let Some(passed) = waiting.next_if(|waiting| *waiting < number) {
            let whole = std::mem::take(&mut fold).finish().filter(|whole| whole.number == passed);
            visit(whole.ok_or_else(|| rows::damaged("transaction"))?)?;
        }
        fold.chunk(chunk, |_, _, _| Ok(()))?;
        Ok(Flow::Go)
    })?;
    let whole = fold.finish().filter(|whole| whole.number == *last && waiting.next() == Some(*last));
    visit(whole.ok_or_else(|| rows::damaged("transaction"))?)
}
