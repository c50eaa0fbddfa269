//! What stands on the other side of a measurement, each a process of its own: the same exchanges, no coordinator.
//!
//! Nothing here keeps, decides or checks anything. Read next: `participant.rs`, `relay.rs`, `noop.rs`.

pub(crate) mod frames;
mod listen;
pub(crate) mod noop;
pub(crate) mod participant;
pub(crate) mod relay;
pub(crate) mod same;

#[cfg(test)]
mod tests;
