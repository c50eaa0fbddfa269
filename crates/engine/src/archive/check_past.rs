//! Compares the history of the ledger with the journal, for `tercet journal verify`: byte by byte, from the first event
//! that the journal still holds to the end of both; and all of it with its sums, which also speak for what the journal
//! has released.
//!
//! Only reads. Read next: `history/walker.rs`.

use super::Shared;
use super::check::{Compared, Difference, differs};
use crate::Fault;
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
            return Ok(differs(sequence, damaged(why)));
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

    /// Whether both end alike, and begin alike when the journal still has its beginning; and whether every byte is what
    /// was written. Answers how many blocks are.
    pub(super) fn finish(&self, first: Option<u64>) -> Result<Result<u64, Difference>, Fault> {
        let differs = |what| Ok(Err(Difference { sequence: None, what }));
        if let Some(why) = &self.damage {
            return differs(damaged(why));
        }
        let end = self.history.end();
        let seen = match &self.walker {
            Some(walker) => walker.position(),
            None if first == Some(1) => 0,
            None => end,
        };
        if seen != end {
            return differs(format!(
                "the history of the ledger ends at {end}, the journal's events at {seen}"
            ));
        }
        if let Some(why) = self.history.mended() {
            return differs(format!(
                "the sums of the ledger's history were damaged: {why}; every byte of the history is what was written, \
                 and the sums were made anew: verify again"
            ));
        }
        let checked = self.history.check_blocks()?;
        Ok(checked
            .map_err(|why| Difference { sequence: None, what: format!("the history of the ledger: {why}") }))
    }
}

fn damaged(why: &str) -> String {
    format!(
        "the history of the ledger is damaged: {why}; a start tells it anew, if the journal has its beginning"
    )
}
