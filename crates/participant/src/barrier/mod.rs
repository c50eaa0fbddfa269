//! The barrier: makes each operation of a branch take effect at most once, in any order and however often it comes.
//!
//! [`Barrier::run`] opens the local transaction, writes the barrier's row first, hands the open transaction to the
//! business function, keeps its answer, and commits. Whoever must open the local transaction themselves calls [`enter`]
//! and [`keep`] in it. It must never make a business change without its row, nor answer before the commit.
//!
//! The rule is `transaction::barrier`, shared with the engine's simulator; the table is one SQL file per database.
//! Read next: `enter.rs`, `rows.rs`, `run.rs`.

mod enter;
mod horizon;
mod meters;
mod rows;

#[cfg(feature = "sql")]
mod clean;
#[cfg(feature = "sql")]
mod fault;
#[cfg(feature = "sql")]
mod run;
#[cfg(feature = "sql")]
mod schema;

#[cfg(feature = "sql")]
#[macro_use]
mod statements;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sql")]
pub use clean::{Aged, Clean, Cleaning};
pub use enter::{Entry, enter, keep, refuse};
#[cfg(feature = "redis")]
pub(crate) use enter::{repeat, void, warn};
#[cfg(feature = "sql")]
pub use fault::Fault;
pub use horizon::{Coordinator, HorizonFault};
pub use meters::{Counted, Meters};
pub use rows::{Kept, Phase, Places, Row, Rows, Standing, Told, Written};
#[cfg(feature = "sql")]
pub use run::{Barrier, Business, Pending, Settings};
#[cfg(feature = "sql")]
pub use schema::SchemaFault;
pub use transaction::barrier::{Hazard, Ran, Record, Ruling};
