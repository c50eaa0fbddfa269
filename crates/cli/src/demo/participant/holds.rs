//! The shop's business: pots of something countable, and the holds that orders take out of them.
//!
//! A pot is a product's stock, a customer's points or a card's limit, in whole units; free + held + captured stays
//! what the pot opened with. The order book has holds only: an order is pending (held), placed (captured) or dropped
//! (released). It decides only whether a try can be served; whether it may run at all the participant crate's barrier
//! decides. Read next: `verdict.rs` of the demo, which opens these files and checks them.

use std::path::Path;
use std::time::Duration;

use participant::barrier::{Business, Counted, Fault, Hazard, Pending};
use participant::call::{Call, Outcome};
use participant::database::Local;
use serde::Deserialize;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Executor, Sqlite, SqlitePool};
use transaction::Operation;

use crate::demo::args::Role;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS pots (
        id TEXT PRIMARY KEY, opening INTEGER NOT NULL, free INTEGER NOT NULL CHECK (free >= 0),
        held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0), captured INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS holds (
        transaction_id TEXT PRIMARY KEY, pot TEXT NOT NULL, amount INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('held', 'captured', 'released'))) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS hazards (name TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID;";

/// What the services count for the demo's report: what the barrier absorbed, and what it must never see.
const COUNTED: [(Counted, &str); 6] = [
    (Counted::Duplicate, "duplicate"),
    (Counted::Mismatch, "content_mismatch"),
    (Counted::Hazard(Hazard::LateTry), "late_try"),
    (Counted::Hazard(Hazard::ConfirmWithoutTry), "confirm_without_try"),
    (Counted::Hazard(Hazard::ConfirmAfterCancel), "confirm_after_cancel"),
    (Counted::Hazard(Hazard::CancelAfterConfirm), "cancel_after_confirm"),
];

/// What a branch asks for: so much out of that pot.
#[derive(Debug, Deserialize)]
struct Ask {
    pot: String,
    amount: i64,
}

/// Opens (and if need be makes) a service's books; one connection, so calls are served in the order of arrival.
///
/// WAL with `synchronous=NORMAL`: a commit survives the death of the process, which is what the demo inflicts, but not
/// a power cut. A real participant that must survive one sets FULL and pays a sync per commit.
pub(crate) async fn open(path: &Path) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5));
    let books = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    books.execute(SCHEMA).await?;
    Ok(books)
}

/// Fills the pots of new books: id and opening quantity of each.
pub(crate) async fn fill(path: &Path, pots: &[(&str, i64)]) -> sqlx::Result<()> {
    let books = open(path).await?;
    let mut local = books.begin().await?;
    for (id, opening) in pots {
        let pot = "INSERT INTO pots (id, opening, free) VALUES (?1, ?2, ?2)";
        sqlx::query(pot).bind(*id).bind(opening).execute(&mut *local).await?;
    }
    local.commit().await?;
    books.close().await;
    Ok(())
}

/// Adds what a call's meters saw to the books' counts.
pub(crate) async fn count(books: &SqlitePool, seen: &participant::barrier::Meters) -> sqlx::Result<()> {
    for (counted, name) in COUNTED {
        if seen.get(counted) > 0 {
            let add = "INSERT INTO hazards VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET seen = seen + 1";
            sqlx::query(add).bind(name).execute(books).await?;
        }
    }
    Ok(())
}

/// One operation of the shop's business.
pub(crate) struct Step<'a> {
    pub(crate) role: Role,
    pub(crate) call: &'a Call,
    pub(crate) body: &'a [u8],
}

impl Business<Sqlite> for Step<'_> {
    fn change<'t>(&'t self, local: Local<'t, Sqlite>) -> Pending<'t> {
        Box::pin(async move {
            let transaction = &self.call.branch.transaction;
            match self.call.operation {
                Operation::Try => match serde_json::from_slice::<Ask>(self.body) {
                    Ok(ask) => hold(local, self.role, transaction, &ask).await,
                    Err(fault) => Ok(Outcome::refused("body_invalid", fault.to_string())),
                },
                Operation::Confirm => close(local, transaction, "captured").await,
                Operation::Cancel => close(local, transaction, "released").await,
                Operation::Check => Err(Fault::of("nobody is asked to check here")),
            }
        })
    }
}

async fn hold(
    mut local: Local<'_, Sqlite>,
    role: Role,
    transaction: &str,
    ask: &Ask,
) -> Result<Outcome, Fault> {
    if let Some(short) = role.refusal() {
        let take = "UPDATE pots SET free = free - ?2, held = held + ?2 WHERE id = ?1 AND free >= ?2";
        let taken = sqlx::query(take).bind(&ask.pot).bind(ask.amount).execute(&mut *local).await?;
        if taken.rows_affected() == 0 {
            return Ok(Outcome::refused(short, format!("{} holds less than {}", ask.pot, ask.amount)));
        }
    }
    let hold = "INSERT INTO holds VALUES (?1, ?2, ?3, 'held')";
    sqlx::query(hold).bind(transaction).bind(&ask.pot).bind(ask.amount).execute(&mut *local).await?;
    Ok(Outcome::Done(Some(json!({ "held": ask.amount, "from": ask.pot }))))
}

async fn close(mut local: Local<'_, Sqlite>, transaction: &str, state: &str) -> Result<Outcome, Fault> {
    let close = "UPDATE holds SET state = ?2 WHERE transaction_id = ?1 AND state = 'held'";
    let moved = sqlx::query(close).bind(transaction).bind(state).execute(&mut *local).await?.rows_affected();
    assert_eq!(moved, 1, "the barrier lets a hold be closed once: {transaction}");
    // The order book has no pots; then these touch no row.
    let give = match state {
        "released" => {
            "UPDATE pots SET held = held - amount, free = free + amount
             FROM (SELECT pot, amount FROM holds WHERE transaction_id = ?1) AS it WHERE pots.id = it.pot"
        }
        _ => {
            "UPDATE pots SET held = held - amount, captured = captured + amount
             FROM (SELECT pot, amount FROM holds WHERE transaction_id = ?1) AS it WHERE pots.id = it.pot"
        }
    };
    sqlx::query(give).bind(transaction).execute(&mut *local).await?;
    Ok(Outcome::Done(Some(json!({ "hold": state }))))
}
