//! DTM's protocol, version 1.19, on our own model: every client of DTM works against this server unchanged.
//!
//! Translation only. What a client asks (`asked.rs`) becomes a transaction like any other (`spec.rs`), what the engine answers
//! becomes what DTM's clients look for (`told.rs`, `view.rs`); nothing is judged here that `transaction` judges. The words of
//! that protocol (`gid`, `trans_type`, …) stay in this room and in `call/dtm`.
//! Read `verbs.rs` (what each verb does), then `http/mod.rs`, `rpc.rs` and `grpc.rs` (the three ways in).
//! Protocol and deviations: `docs/reference/dtm.md`.

mod asked;
mod gid;
pub(crate) mod grpc;
pub(crate) mod http;
pub mod proto;
mod register;
mod rpc;
mod spec;
mod sweep;
mod told;
mod topics;
mod verbs;
mod view;

/// Where this protocol differs from DTM on purpose, and may be told to behave as DTM does; and its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DtmConfig {
    /// What `wait_result` answers while the outcome is open.
    pub unfinished: Unfinished,
    /// What a branch that is registered again with the same content is answered.
    pub registered_again: RegisteredAgain,
    /// Milliseconds after which an undecided transaction is rolled back or checked back, unless its client says otherwise.
    pub timeout_to_fail_ms: u64,
    /// Milliseconds until the first repeat of a call, unless its client says otherwise.
    pub retry_interval_ms: u64,
    /// The bound on one call in milliseconds, unless its client says otherwise.
    pub request_timeout_ms: u64,
}

/// What `wait_result` answers while the outcome is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unfinished {
    /// 425 ONGOING: it may still succeed.
    #[default]
    Ongoing,
    /// 409 FAILURE, as DTM does, although it may still succeed.
    Failure,
}

/// What a branch that is registered again with the same content is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegisteredAgain {
    /// Success: nothing has changed.
    #[default]
    Success,
    /// An error, as DTM does.
    Conflict,
}

impl Default for DtmConfig {
    fn default() -> Self {
        DtmConfig {
            unfinished: Unfinished::Ongoing,
            registered_again: RegisteredAgain::Success,
            timeout_to_fail_ms: 35_000,
            retry_interval_ms: 10_000,
            request_timeout_ms: 3_000,
        }
    }
}
