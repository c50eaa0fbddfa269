//! Drives: takes requests, has them decided, keeps them in the journal, and only then answers and calls.
//!
//! Plain synchronous code behind ports (clock, network, journal, archive store), so that a simulator can run the very
//! same code under a seed. Nothing here is async and nothing here speaks HTTP.
//!
//! Read `partition/mod.rs` (decide, in order, into a batch), then `run.rs` (the threads around it) and `stepped.rs` (none).

pub mod archive;
mod archiver;
mod assembly;
mod batch;
mod change;
mod clock;
mod config;
mod dispatch;
mod driver;
pub mod entry;
mod fault;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod handle;
mod history;
mod ids;
mod mailbox;
mod meters;
mod network;
mod opening;
mod partition;
mod reader;
pub mod refusal;
mod request;
mod room;
mod run;
mod stepped;
mod timers;
mod writer;

pub use assembly::{Parts, Report};
pub use batch::{Answers, Deliver};
pub use change::{
    AccountBounds, AccountThen, Balances, CauseText, Change, Changed, Direction, Found, History,
    HistoryQuery, Line, Question, Seen, Statement, StatementQuery, Step,
};
pub use clock::{Clock, SystemClock};
pub use config::{Config, ParticipantLimits};
pub use fault::Fault;
pub use handle::{Engine, Health};
pub use meters::{Bounds, Meters};
pub use network::{Heard, Network, participant_of};
pub use opening::{VisitEvent, archive_end, archive_events, archive_ledger};
pub use request::{
    Act, Answer, Begin, Filter, Key, Page, Respond, Timeline, TimelineQuery, TopicAsk, Topics, Until,
};
pub use room::with_room;
pub use run::{Running, start};
pub use stepped::{Kept, Stepped, Turned};
