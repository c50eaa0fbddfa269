//! Compares the history of the ledger with the journal, for `tercet journal verify`: byte by byte, from the first event
//! that the journal still holds to the end of both.
//!
//! Only reads. Read next: `history/walker.rs`.

use super::Shared;
use super::check::{Compared, Difference, differs};
use crate::history::{History, Walker};

/// A comparison under way.
pub(super) struct CheckPast {
    history: History,
    /// Up to which sequence the history has the ledger's entries.
    told: u64,
    damage: Option<String>,
    /// Where the next entry of the journal lies; `None` before the first.
    walker: Option<Walker>,
}

impl CheckPast {
    pub(super) fn new(shared: &Shared) -> CheckPast {
        CheckPast {
            history: shared.history.clone(),
            told: shared.told.load(std::sync::atomic::Ordering::Acquire),
            damage: shared.damage.clone(),
            walker: None,
        }
    }

    /// Whether the history is to have this entry.
    pub(super) fn has(&self, sequence: u64) -> bool {
        sequence <= self.told || self.damage.is_some()
    }

    /// Compares one entry.
    pub(super) fn entry(&mut self, sequence: u64, encoded: &[u8]) -> Compared {
        if let Some(why) = &self.damage {
            let what = format!("the history of the ledger is damaged: {why}; a start tells it anew");
            return Ok(differs(sequence, what));
        }
        if self.walker.is_none() {
            let lacks = || differs(sequence, "the history lacks this event of the ledger".to_owned());
            let Some(position) = self.history.position_of(sequence)? else { return Ok(lacks()) };
            self.walker = Some(Walker::new(&self.history, position));
        }
        let next = self.walker.as_mut().map(Walker::next).transpose()?.flatten();
        Ok(match next {
            Some((_, event)) if event == encoded => Ok(()),
            Some((position, _)) => {
                differs(sequence, format!("the history has another event of the ledger at {position}"))
            }
            None => differs(sequence, "the history ends before this event of the ledger".to_owned()),
        })
    }

    /// Whether both end alike; and begin alike, when the journal still has its beginning.
    pub(super) fn finish(&self, first: Option<u64>) -> Result<(), Difference> {
        let end = self.history.end();
        let seen = match &self.walker {
            Some(walker) => walker.position(),
            None if first == Some(1) => 0,
            None => end,
        };
        if self.damage.is_some() || seen == end {
            return Ok(());
        }
        let what = format!("the history of the ledger ends at {end}, the journal's events at {seen}");
        Err(Difference { sequence: None, what })
    }
}
