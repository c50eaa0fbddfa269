//! PROVE: the shipped binary on a real file system: kills, power cuts, failing disks, damaged folders.
//!
//! An experiment lets callers work, strikes, starts again, and judges what is read back by what was told before. This
//! room knows no other: it asks the binary as anybody would, so that no mistake can be on both sides. What it shares with
//! the tests of the binary is public (`http`, `participant`, `server`, `spec`, `contradicts`), and
//! so are the servers that participants use (`services`) and what cuts their connections (`proxy`).
//! Read next: `experiment/kills.rs` (the shortest), `world.rs`, `judge.rs`, `docs/internals/proof.md`.

pub mod answer;
mod caller;
mod calls;
mod experiment;
mod frames;
pub mod http;
mod image;
mod judge;
pub mod participant;
pub mod patience;
mod plan;
pub mod proxy;
mod reader;
mod report;
mod run;
pub mod server;
pub mod services;
mod settle;
pub mod spec;
mod strace;
mod told;
mod world;

pub use judge::contradicts;
pub use run::{Args, run};
