//! The shop's business: pots of something countable, and the holds that orders take out of them.
//!
//! A pot is a product's stock, a customer's points or a card's limit, in whole units; free + held + captured stays
//! what the pot opened with. The order book has holds only: an order is pending (held), placed (captured) or dropped
//! (released). It decides only whether a try can be served; whether it may run at all is `barrier.rs`.
//! Read next: `verdict.rs` of the demo, which opens these files and checks them.

use rusqlite::{Connection, params};
use serde::Deserialize;

use super::barrier::{self, Answer, Call, Operation};
use crate::demo::args::Role;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS pots (
        id TEXT PRIMARY KEY, opening INTEGER NOT NULL, free INTEGER NOT NULL CHECK (free >= 0),
        held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0), captured INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS holds (
        transaction_id TEXT PRIMARY KEY, pot TEXT NOT NULL, amount INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('held', 'captured', 'released'))) WITHOUT ROWID;";

/// What a branch asks for: so much out of that pot.
#[derive(Debug, Deserialize)]
struct Ask {
    pot: String,
    amount: i64,
}

/// Opens (and if need be makes) a participant's books.
///
/// WAL with `synchronous=NORMAL`: a commit survives the death of the process, which is what the demo inflicts, but not
/// a power cut. A real participant that must survive one sets FULL and pays a sync per commit.
pub(crate) fn open(path: &std::path::Path) -> rusqlite::Result<Connection> {
    let books = Connection::open(path)?;
    books.busy_timeout(std::time::Duration::from_secs(5))?;
    books.pragma_update(None, "journal_mode", "WAL")?;
    books.pragma_update(None, "synchronous", "NORMAL")?;
    books.execute_batch(SCHEMA)?;
    books.execute_batch(barrier::SCHEMA)?;
    Ok(books)
}

/// Fills the pots of new books: id and opening quantity of each.
pub(crate) fn fill<'a>(
    books: &mut Connection,
    pots: impl Iterator<Item = (&'a str, i64)>,
) -> rusqlite::Result<()> {
    let local = books.transaction()?;
    for (id, opening) in pots {
        local.execute("INSERT INTO pots (id, opening, free) VALUES (?1, ?2, ?2)", params![id, opening])?;
    }
    local.commit()
}

/// Takes one delivery through the barrier to the business. `Err` is a fault of the store; nothing was changed.
pub(crate) fn serve(books: &mut Connection, role: Role, call: &Call) -> rusqlite::Result<Answer> {
    let Ok(ask) = serde_json::from_slice::<Ask>(&call.body) else {
        return Ok(answer(400, "body_invalid"));
    };
    barrier::pass(books, call, |local| match call.operation {
        Operation::Try => hold(local, role, &call.transaction, &ask),
        Operation::Confirm => close(local, &call.transaction, "captured"),
        Operation::Cancel => close(local, &call.transaction, "released"),
    })
}

fn hold(local: &Connection, role: Role, transaction: &str, ask: &Ask) -> rusqlite::Result<Answer> {
    if let Some(short) = role.refusal() {
        let taken = local.execute(
            "UPDATE pots SET free = free - ?2, held = held + ?2 WHERE id = ?1 AND free >= ?2",
            params![ask.pot, ask.amount],
        )?;
        if taken == 0 {
            return Ok(answer(409, short));
        }
    }
    local.execute(
        "INSERT INTO holds VALUES (?1, ?2, ?3, 'held')",
        params![transaction, ask.pot, ask.amount],
    )?;
    Ok(Answer { status: 200, body: format!(r#"{{"held":{},"from":"{}"}}"#, ask.amount, ask.pot) })
}

fn close(local: &Connection, transaction: &str, state: &str) -> rusqlite::Result<Answer> {
    let moved = local.execute(
        "UPDATE holds SET state = ?2 WHERE transaction_id = ?1 AND state = 'held'",
        params![transaction, state],
    )?;
    assert_eq!(moved, 1, "the barrier lets a hold be closed once: {transaction}");
    let back = if state == "released" { "free" } else { "captured" };
    // The order book has no pots; then this touches no row.
    local.execute(
        &format!(
            "UPDATE pots SET held = held - amount, {back} = {back} + amount
             FROM (SELECT pot, amount FROM holds WHERE transaction_id = ?1) AS it WHERE pots.id = it.pot"
        ),
        [transaction],
    )?;
    Ok(Answer { status: 200, body: format!(r#"{{"hold":"{state}"}}"#) })
}

fn answer(status: u16, refused: &str) -> Answer {
    Answer { status, body: format!(r#"{{"refused":"{refused}"}}"#) }
}
