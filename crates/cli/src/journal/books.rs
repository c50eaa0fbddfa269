//! The ledger's part of verifying: every event judged by the auditor, folded into a fresh ledger, and both compared with
//! what a start would make of the archive.
//!
//! Events come from the journal; where its beginning was released, from the archive's history first. Read next:
//! the room `audit`, `engine/src/opening.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use audit::{Audit, Standing};
use engine::archive::Archive;
use ledger::{Kept, Keys, Ledger};

/// Differences that are told at most.
const DIFFERENCES: usize = 5;

/// Where the books began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// At the journal's first event.
    Journal,
    /// In the archive's history, for the journal no longer has its beginning.
    History,
    /// Nowhere: the beginning is in neither.
    Nowhere,
}

/// What was found of the ledger.
#[derive(Debug)]
pub(super) struct Audited {
    pub(super) source: Source,
    pub(super) standing: Standing,
}

/// The comparison under way.
pub(super) struct Books<'a> {
    archive: Option<&'a Archive>,
    /// `None` before the journal's first entry.
    source: Option<Source>,
    audit: Audit,
    /// The ledger by its own fold, from nothing.
    replayed: Ledger,
    /// The ledger as a start would make it from the archive, once its history's end is reached.
    archived: Option<Ledger>,
}

impl<'a> Books<'a> {
    pub(super) fn new(archive: Option<&'a Archive>) -> Books<'a> {
        let keys = archive.map_or(Keys(0, 0), Archive::keys);
        let mut replayed = Ledger::new(keys);
        replayed.loaded();
        Books { archive, source: None, audit: Audit::default(), replayed, archived: None }
    }

    /// The journal holds an entry of any kind with this sequence; the first one says where the books begin.
    pub(super) fn reach(&mut self, sequence: u64) -> Result<(), String> {
        if self.source.is_some() {
            return Ok(());
        }
        let source = match self.archive {
            _ if sequence == 1 => Source::Journal,
            Some(_) => Source::History,
            None => Source::Nowhere,
        };
        self.source = Some(source);
        match self.archive {
            Some(archive) if source == Source::History => self.history(archive, sequence),
            _ => Ok(()),
        }
    }

    /// Takes in all that the archive's history has.
    fn history(&mut self, archive: &Archive, first: u64) -> Result<(), String> {
        if let Some(why) = archive.history_damage() {
            return Err(format!(
                "the history of the ledger is damaged: {why}; the journal, which begins at {first}, cannot make it anew"
            ));
        }
        let told = archive.history_applied();
        if told + 1 < first {
            return Err(format!(
                "the history of the ledger ends at event {told}, the journal begins at {first}: what lies between is lost"
            ));
        }
        let mut wrong = None;
        let read = engine::archive_events(archive, &mut |_, encoded| {
            self.event(None, encoded).map_err(|why| {
                wrong = Some(format!("the history of the ledger: {why}"));
                engine::Fault::Writer
            })
        });
        read.map_err(|fault| wrong.unwrap_or_else(|| fault.to_string()))
    }

    /// The next event of the ledger in the journal.
    pub(super) fn entry(&mut self, sequence: u64, encoded: &[u8]) -> Result<(), String> {
        match self.source {
            // Its bytes are compared with the history's beside.
            Some(Source::History) if sequence <= self.audit.sequence() => Ok(()),
            Some(Source::Nowhere) => Ok(()),
            _ => self.event(Some(sequence), encoded),
        }
    }

    fn event(&mut self, sequence: Option<u64>, encoded: &[u8]) -> Result<(), String> {
        self.open_archived()?;
        let position = self.audit.position();
        let kept = self.audit.event(sequence, encoded)?;
        fold(&mut self.replayed, &kept, position)?;
        self.archived.as_mut().map_or(Ok(()), |archived| fold(archived, &kept, position))
    }

    /// At the end of the archive's history its pages are taken in: they may be newer than the history, after a crash.
    fn open_archived(&mut self) -> Result<(), String> {
        let Some(archive) = self.archive else { return Ok(()) };
        if self.archived.is_some() || self.audit.position() != engine::archive_end(archive) {
            return Ok(());
        }
        let loaded = catch_unwind(AssertUnwindSafe(|| engine::archive_ledger(archive)));
        let loaded = loaded.map_err(|_| "the archive's pages of the ledger cannot be folded".to_owned())?;
        self.archived = Some(loaded.map_err(|fault| fault.to_string())?);
        Ok(())
    }

    /// Compares the books with the replayed ledger, and that with the archive's.
    pub(super) fn finish(mut self) -> Result<Audited, String> {
        let source = self.source.unwrap_or(Source::Journal);
        if source != Source::Nowhere {
            self.audit.agrees(&self.replayed)?;
            self.open_archived()?;
        }
        if let Some(archived) = &mut self.archived {
            let compared = catch_unwind(AssertUnwindSafe(|| {
                archived.loaded();
                self.replayed.differences(archived, DIFFERENCES)
            }));
            let differences =
                compared.map_err(|_| "the archive's ledger does not hold together".to_owned())?;
            if !differences.is_empty() {
                return Err(format!(
                    "the live state that the archive keeps differs from the events: {}",
                    differences.join("; ")
                ));
            }
        }
        Ok(Audited { source, standing: self.audit.standing() })
    }
}

/// Folds an event that the auditor has judged; what still does not fit is told, not a crash.
fn fold(ledger: &mut Ledger, kept: &Kept<'_>, position: u64) -> Result<(), String> {
    let folded = catch_unwind(AssertUnwindSafe(|| ledger.apply(kept, position)));
    folded.map_err(|_| format!("event {} of the ledger cannot be folded", kept.sequence))
}
