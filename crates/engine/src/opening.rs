//! Brings the ledger back at start-up: the pages of its last checkpoint, then the history since; and the index of ids.

use ledger::{Kept, Known, Ledger};

use crate::Fault;
use crate::archive::Archive;
use crate::history::Walker;
use crate::ids::{Ids, Row, Runs, Size};
use crate::partition::Vault;

/// Called with each event of the ledger: its position, its bytes.
pub type VisitEvent<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), Fault>;

/// The ledger as of the end of the archive's history, which has taken in the whole journal; and the runs of its ids.
pub(crate) fn vault(archive: &Archive, ids_in_memory: usize) -> Result<(Vault, Runs), Fault> {
    let (keys, history) = (archive.keys(), archive.history());
    let mut ledger = Ledger::new(keys);
    not_beyond(("pages of live state reach", load_pages(archive, &mut ledger)?), archive)?;
    let mut runs = Runs::open(archive.ids_disk())?;
    let (swept, covered) = (archive.swept()?, runs.set().covered());
    not_beyond(("index of ids reaches", covered), archive)?;
    let mut ids = Ids::new(Size::of(ids_in_memory), runs.set());
    // The ids reach to one byte behind the beginning of their last event: that beginning is where events can be read from.
    let mut walker = Walker::new(history, swept.min(covered.saturating_sub(1)));
    while let Some((position, encoded)) = walker.next()? {
        let damaged = |why: String| damaged(position, &why);
        if position >= swept {
            ledger.apply(&Kept::decode(encoded).map_err(damaged)?, position);
        }
        #[cfg(feature = "planted")]
        let covered = if planted::is(planted::Bug::IdsNotLearnt) { u64::MAX } else { covered };
        if position >= covered {
            let mut learn = |hash, known: Known| {
                ids.insert(Row { hash, check: known.content, position: known.position });
            };
            ledger::learnt(keys, encoded, position, &mut learn).map_err(damaged)?;
            ids.seal_if_full();
            while let Some(sealed) = ids.take_sealed(u64::MAX) {
                ids.installed(runs.write(&sealed)?);
            }
        }
    }
    ledger.loaded();
    Ok((Vault { ledger, ids, position: history.end(), frame_most: usize::MAX }, runs))
}

/// The ledger that a start would take from the archive: its pages, then its history since. What the journal has beyond
/// [`archive_end`] is still to be applied, then [`Ledger::loaded`]. Reads only.
///
/// # Errors
/// When the archive cannot be read, or a page or event not be decoded.
pub fn archive_ledger(archive: &Archive) -> Result<Ledger, Fault> {
    let mut ledger = Ledger::new(archive.keys());
    load_pages(archive, &mut ledger)?;
    let mut walker = Walker::new(archive.history(), archive.swept()?);
    while let Some((position, encoded)) = walker.next()? {
        ledger.apply(&Kept::decode(encoded).map_err(|why| damaged(position, &why))?, position);
    }
    Ok(ledger)
}

/// Visits every event of the ledger that the archive's history has, with its position.
///
/// # Errors
/// When the history cannot be read, and whatever `visit` answers.
pub fn archive_events(archive: &Archive, visit: VisitEvent<'_>) -> Result<(), Fault> {
    let mut walker = Walker::new(archive.history(), 0);
    while let Some((position, encoded)) = walker.next()? {
        visit(position, encoded)?;
    }
    Ok(())
}

/// The position at which the archive's history of the ledger ends.
#[must_use]
pub fn archive_end(archive: &Archive) -> u64 {
    archive.history().end()
}

/// Takes over all pages; answers how far the history was when the newest was made.
fn load_pages(archive: &Archive, ledger: &mut Ledger) -> Result<u64, Fault> {
    let mut newest = archive.swept()?;
    archive.pages(&mut |page, position, bytes| {
        newest = newest.max(position);
        ledger
            .load_page(page, position, bytes)
            .map_err(|why| Fault::Archive(format!("a page of the ledger: {why}")))
    })?;
    Ok(newest)
}

/// What rests on the history must not know more than it: the journal would have lost what was told.
fn not_beyond((what, reached): (&str, u64), archive: &Archive) -> Result<(), Fault> {
    let end = archive.history().end();
    if reached <= end {
        return Ok(());
    }
    let why = format!(
        "its {what} to {reached}, the ledger's history only to {end}: restore the journal that belongs to it, or, if this one is right, move the archive folder away and it is rebuilt"
    );
    Err(Fault::Archive(why))
}

fn damaged(position: u64, why: &str) -> Fault {
    Fault::Archive(format!("the event at {position} of the ledger's history: {why}"))
}
