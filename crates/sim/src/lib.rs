//! PROVES: the real engine in a seeded world in which everything fails on purpose, watched by an auditor with separate books.
//!
//! One thread, one seed, virtual time. The engine, its journal's files, its ledger and its transactions are the shipped
//! code; disks, clocks, network, participants and initiators are played. The same seed gives the same history, byte for
//! byte. Nothing here is part of the product.
//!
//! Read `history.rs` (one seed), `world/mod.rs` (what happens), `auditor/mod.rs` (what must hold), `plan.rs` (what fails),
//! `every_cut.rs` (a short history, cut at every call of its disks).

mod auditor;
mod clock;
mod cuts;
mod dice;
pub mod every_cut;
mod history;
mod log;
#[cfg(feature = "planted")]
pub mod mutants;
mod participant;
mod plan;
mod process;
pub mod run;
mod script;
mod shrink;
mod sight;
mod storage;
mod transcript;
mod violation;
mod world;

pub use cuts::{Cut, Platter, Scope};
pub use history::{Figures, History, Verdict, history, replay};
pub use plan::{Fault, Plan};
pub use shrink::{Shortest, shortest};
pub use sight::{Sight, Sights};
pub use violation::Violation;
