//! Decides global transactions: TCC, saga, message, XA and workflow; managed and interactive.
//!
//! [`decide`] turns a command into events or a refusal, [`follow`] names what the reached state demands next,
//! [`Transaction::apply`] folds an event and cannot fail, [`wanted`] lists the calls that should be under way.
//! Nothing here reads a clock, a random source or the network; ids, time and seeds come in as arguments.
//!
//! Read `transaction.rs` (the state and its fold), then `decide.rs` (the rules).

#![deny(clippy::float_arithmetic)]

pub mod barrier;
mod command;
mod decide;
mod event;
mod fold;
mod kind;
pub mod refusal;
mod retry;
mod spec;
mod state;
mod terms;
mod time;
mod timeline;
mod topic;
mod transaction;
mod turn;
mod validate;
mod wanted;

pub use command::{Command, Reply, Signal};
pub use decide::{Desk, begin, carry_out, decide, follow, unfold};
pub use event::{DecodeError, Event, Kept};
pub use kind::{Decision, Mode, Operation, Order, Pattern, Protocol};
pub use refusal::{REFUSALS, Refusal, RefusalClass, RefusalKind};
pub use retry::{Retry, delay_ms};
pub use spec::{
    Argument, BranchSpec, CallSpec, CheckSpec, Header, HoldLeg, HoldSpec, ItemSpec, Kind, Quantity, RawSpec,
    Spec, Trace, Urls,
};
pub use state::{BranchState, Phase, TRANSITIONS, Transition};
pub use terms::{Progress, Resume, Terms};
pub use time::Time;
pub use timeline::{TimelineEntry, entry as timeline_entry};
pub use topic::{SUBSCRIBERS_MAX, Subscriber, Topic, TopicChange};
pub use transaction::{Attempts, Branch, Reason, ReasonCode, Transaction, Tried};
pub use validate::{
    HEADERS_MAX, JSON_DEPTH, Limits, is_foreign_id, is_header, is_id, validate, validate_branch,
};
pub use wanted::{Call, CallTarget, Raw, is_at_rest, next_due, wanted};
