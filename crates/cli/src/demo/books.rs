//! Reads a service's own SQLite file, after the run and from outside: the second opinion on what the coordinator says.
//!
//! It never writes. Read next: `verdict.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use rusqlite::{Connection, OpenFlags};

/// The sums over all pots of one service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    /// What the pots opened with.
    pub(crate) opening: i64,
    /// Not taken by anybody.
    pub(crate) free: i64,
    /// Taken and not decided; 0 once every order is final.
    pub(crate) held: i64,
    /// Sold, spent, charged.
    pub(crate) captured: i64,
    /// Pots whose parts do not add up to their opening.
    pub(crate) broken: i64,
}

/// One order's hold in one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Out of which pot.
    pub(crate) pot: String,
    /// How much.
    pub(crate) amount: i64,
    /// `held`, `captured` or `released`.
    pub(crate) state: String,
}

/// Everything the verdict needs from one file.
pub(crate) struct Books {
    /// Over all pots; zeros for the order book, which has none.
    pub(crate) sums: Sums,
    /// By transaction id.
    pub(crate) holds: BTreeMap<String, Hold>,
    /// What the barrier counted, by name.
    pub(crate) hazards: BTreeMap<String, i64>,
    /// Tries that the business refused.
    pub(crate) refused: i64,
}

/// Opens the file read-only and reads all of it. `Err` when it is not a service's books.
pub(crate) fn read(path: &Path) -> anyhow::Result<Books> {
    open(path).with_context(|| format!("cannot read the books {}", path.display()))
}

fn open(path: &Path) -> rusqlite::Result<Books> {
    let books = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sums = books.query_row(
        "SELECT coalesce(sum(opening), 0), coalesce(sum(free), 0), coalesce(sum(held), 0),
                coalesce(sum(captured), 0), count(*) FILTER (WHERE free + held + captured <> opening) FROM pots",
        [],
        |row| {
            let [opening, free, held, captured, broken] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            Ok(Sums { opening, free, held, captured, broken })
        },
    )?;
    let refused = books.query_row(
        "SELECT count(*) FROM tercet_barrier WHERE operation = 'try' AND outcome = 'refused'",
        [],
        |row| row.get(0),
    )?;
    let mut query = books.prepare("SELECT transaction_id, pot, amount, state FROM holds")?;
    let holds = query
        .query_map([], |row| {
            Ok((row.get(0)?, Hold { pot: row.get(1)?, amount: row.get(2)?, state: row.get(3)? }))
        })?
        .collect::<rusqlite::Result<_>>()?;
    // An empty cancel is the tombstone that it left in the try's place.
    let mut query = books.prepare(
        "SELECT name, seen FROM hazards UNION ALL
         SELECT 'empty_cancel', count(*) FROM tercet_barrier WHERE phase = 1 AND operation = 'cancel'",
    )?;
    let hazards =
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    Ok(Books { sums, holds, hazards, refused })
}
