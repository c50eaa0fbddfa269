//! The ledger inside the partition: its state, the ids of all time, and where in the history the next event will lie.
//!
//! Decides nothing: it hands `ledger` what it needs ([`ledger::Book`]) and puts what was kept into the open batch.

use std::collections::HashMap;

use ledger::refusal::{HOLD_UNKNOWN, ID_MISMATCH, ITEM_UNKNOWN, REFUND_INVALID};
use ledger::{Batch, Book, HEAD, Known, Ledger, Place, Results, Run};
use transaction::Time;

use crate::batch::{Batch as Frame, Cut};
use crate::ids::{self, Ids, Row};
use crate::{Fault, refusal};

/// Events of the past that were read ahead for one request, by position.
pub(crate) type Recalled = HashMap<u64, Vec<u8>>;

/// The ledger and what it rests on.
pub(crate) struct Vault {
    pub ledger: Ledger,
    pub ids: Ids,
    /// Where in the history the next event will lie.
    pub position: u64,
    /// Bytes of a frame beyond which members of a batch are refused: the journal takes a third more.
    pub frame_most: usize,
}

impl Vault {
    /// Decides a batch; what is accepted is in `frame` when this returns.
    pub(crate) fn carry_out(
        &mut self,
        (batch, run): (&Batch, Run),
        recalled: &Recalled,
        (frame, now): (&mut Frame, Time),
    ) -> Results {
        self.ids.seal_if_full();
        let most = self.frame_most;
        let mut shelf = Shelf::new((&mut self.ids, &mut self.position), recalled, (frame, most, now));
        let mut results = self.ledger.carry_out(batch, run, (&mut shelf, now));
        if let Some(fault) = shelf.fault.into_inner() {
            // Nobody could tell what those ids stand for: they were treated as taken, and are to be asked again.
            for refused in results.iter_mut().filter_map(|result| result.as_mut().err()) {
                if [&ID_MISMATCH, &HOLD_UNKNOWN, &ITEM_UNKNOWN, &REFUND_INVALID].contains(&refused.kind) {
                    **refused = refusal::ARCHIVE_UNAVAILABLE.because(fault.to_string());
                }
            }
        }
        results
    }

    /// Decides what is due at `now` by itself; answers how many.
    pub(crate) fn fall_due(&mut self, at_most: usize, (frame, now): (&mut Frame, Time)) -> usize {
        self.ids.seal_if_full();
        let recalled = Recalled::new();
        let most = self.frame_most;
        let mut shelf = Shelf::new((&mut self.ids, &mut self.position), &recalled, (frame, most, now));
        self.ledger.fall_due(at_most, (&mut shelf, now))
    }

    /// What an id stands for, if it was ever used.
    pub(crate) fn find(
        &self,
        space: ledger::Space,
        (parent, id): (&str, &str),
    ) -> Result<Option<u64>, Fault> {
        let hash = self.ledger.hash(space, parent, id);
        Ok(self.ids.find(hash)?.map(|found| found.position))
    }
}

/// The ledger's view of the open batch, for one call.
struct Shelf<'a> {
    ids: &'a mut Ids,
    position: &'a mut u64,
    frame: &'a mut Frame,
    most: usize,
    recalled: &'a Recalled,
    now: Time,
    marks: Vec<Mark>,
    fault: std::cell::RefCell<Option<Fault>>,
}

/// Where the frame, the history and the ids stood.
#[derive(Clone, Copy)]
struct Mark {
    cut: Cut,
    position: u64,
    ids: ids::Mark,
}

impl<'a> Shelf<'a> {
    fn new(
        (ids, position): (&'a mut Ids, &'a mut u64),
        recalled: &'a Recalled,
        (frame, most, now): (&'a mut Frame, usize, Time),
    ) -> Shelf<'a> {
        Shelf {
            ids,
            position,
            frame,
            most,
            recalled,
            now,
            marks: Vec::new(),
            fault: std::cell::RefCell::default(),
        }
    }
}

impl Book for Shelf<'_> {
    fn place(&self) -> Place {
        Place { sequence: self.frame.last + 1, position: *self.position }
    }

    fn keep(&mut self, event: &[u8]) {
        self.frame.push_ledger(event, self.now);
        *self.position += HEAD + u64::try_from(event.len()).unwrap_or(u64::MAX);
    }

    fn known(&self, hash: u64) -> Option<Known> {
        match self.ids.find(hash) {
            Ok(found) => found.map(|found| Known { content: found.check, position: found.position }),
            Err(fault) => {
                *self.fault.borrow_mut() = Some(fault);
                // Equal to no content: the member is refused, and the refusal is told as what it is.
                Some(Known { content: u64::MAX, position: ledger::NONE })
            }
        }
    }

    fn learn(&mut self, hash: u64, known: Known) {
        self.ids.insert(Row { hash, check: known.content, position: known.position });
    }

    fn is_full(&self) -> bool {
        self.frame.payload.len() >= self.most
    }

    fn mark(&mut self) -> u64 {
        self.marks.push(Mark { cut: self.frame.cut(), position: *self.position, ids: self.ids.mark() });
        u64::try_from(self.marks.len() - 1).unwrap_or(u64::MAX)
    }

    fn roll_back(&mut self, mark: u64) {
        let index = usize::try_from(mark).unwrap_or(usize::MAX);
        let Some(mark) = self.marks.get(index).copied() else { return };
        self.marks.truncate(index);
        self.frame.cut_back(mark.cut);
        *self.position = mark.position;
        self.ids.roll_back(mark.ids);
    }

    fn recall(&self, position: u64) -> Option<&[u8]> {
        self.recalled.get(&position).map(Vec::as_slice)
    }
}
