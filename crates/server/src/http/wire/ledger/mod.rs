//! The shapes of the ledger's verbs: batches read straight into `ledger::Batch`, objects written as they stand.
//!
//! What can be seen without the ledger is refused here, the whole request at once and with a pointer; what depends on
//! its state is refused member by member, by the ledger. Read `members.rs`, `entry.rs`, then `results.rs`.

mod account;
mod asset;
mod cause;
mod entry;
mod history;
mod hold;
mod item;
mod machine;
mod member;
mod members;
mod page;
mod results;
mod scalar;
mod statement;

pub(in crate::http) use account::{
    AccountListView, AccountObject, AccountThenObject, AccountsBody, AdjustBody,
};
pub(in crate::http) use asset::{AssetBody, AssetListView, AssetObject, DeclaredView};
pub(in crate::http) use entry::EntriesBody;
pub(in crate::http) use history::{HistoryView, history_query};
pub(in crate::http) use hold::{CaptureBody, HoldObject, HoldsBody, ReleaseBody, ReopenBody};
pub(in crate::http) use item::ValuesBody;
pub(in crate::http) use item::{ItemObject, ItemsBody, MoveBody};
pub(in crate::http) use machine::{MachineDeclaredView, MachineObject};
pub(in crate::http) use member::BatchBody;
pub(in crate::http) use members::Gathered;
pub(in crate::http) use page::{cursor, listed};
pub(in crate::http) use results::{ResultsView, results};
pub(in crate::http) use scalar::{AmountBody, is_hold_id};
pub(in crate::http) use statement::{StatementView, statement_query};

#[cfg(test)]
mod tests;
