//! What stands on the other side of a measurement, each a process of its own: the same exchanges, no coordinator.
//!
//! Nothing here keeps, decides or checks anything. Read next: `participant.rs`, `relay.rs`, `noop.rs`.

mod listen;
pub(crate) mod noop;
pub(crate) mod participant;
pub(crate) mod relay;

#[cfg(test)]
mod tests;
