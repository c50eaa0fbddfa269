//! The handle by which callers reach a running engine: cheap to clone, never blocks.

use std::sync::Arc;

use crate::{Act, Answer, Begin, Filter, Meters, Page, Respond, Timeline, TimelineQuery};

/// Whether the engine can take work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// The disk is full: only what is open goes on.
    StorageFull,
    /// It is going down, or is down.
    Stopping,
}

impl Engine {
    /// Begins a transaction, or answers the known one of the same id and content (`replayed`).
    pub fn begin(&self, begin: Begin, respond: Respond<Answer>) {
        let _ = (begin, respond);
    }

    /// Asks something of a transaction, or reads it.
    pub fn act(&self, act: Act, respond: Respond<Answer>) {
        let _ = (act, respond);
    }

    /// Lists transactions, newest first.
    pub fn list(&self, filter: Filter, respond: Respond<Page>) {
        let _ = (filter, respond);
    }

    /// Tells a transaction's history.
    pub fn timeline(&self, query: TimelineQuery, respond: Respond<Timeline>) {
        let _ = (query, respond);
    }

    /// Whether it can take work now.
    #[must_use]
    pub fn health(&self) -> Health {
        Health::Ready
    }

    /// What it measures.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }
}

/// A running engine's handle.
#[derive(Clone, Debug)]
pub struct Engine {
    meters: Arc<Meters>,
}
