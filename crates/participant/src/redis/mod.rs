//! The barrier in front of business data that is in Redis: barrier and business change are one atomic script.
//!
//! The rule is `transaction::barrier`, as everywhere; the script gets it as arguments. It must never write before it has
//! decided: Redis rolls nothing back, so a business change has a part that only reads and may refuse, and a part that
//! writes and may not. Read next: `run.rs`, `barrier.lua`; `counter.lua` for a change as an example.
//!
//! How safe it is depends on the Redis: see `docs/guides/redis-participant.md`.

mod change;
pub mod counter;
mod fault;
mod reply;
mod run;

pub use change::{BusinessScript, Change, KeyFault};
pub use fault::{Fault, ServerFault, SettingsFault};
pub use run::{RedisBarrier, Settings};
