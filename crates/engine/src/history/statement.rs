//! One page of an account's past, from its beginning or from now back.
//!
//! The thread leads backwards only. A page from now back follows it; one from the beginning goes down by the pointers
//! that skip, to the event with which it ends, walks back to where it begins, and is turned round. Filters walk a bounded
//! number of events: a page may be short and still have a next. Read next: `descent.rs`, `line.rs`.

use transaction::{Refusal, Time};

use super::History;
use super::cursor::{self, Kind};
use super::descent::{Goal, Node, descend};
use super::leg::leg_of;
use super::line::{RawLine, RawStatement, cause_of, line};
use crate::{Direction, Fault, StatementQuery};

/// Lines of one page at most, whatever is asked.
const LIMIT_MAX: usize = 1_000;
/// Events that one page walks at most.
const WALK_MAX: u64 = 5_000;

/// Where an account's thread begins, as the live ledger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its slot.
    pub(crate) account: u32,
    /// The position of its latest event.
    pub(crate) last: u64,
    /// How many events it has seen.
    pub(crate) version: u64,
}

/// One page of an account's past.
///
/// # Errors
/// When the history cannot be read; the inner one refuses a cursor that was never given out.
pub(crate) fn statement(
    history: &History,
    head: Head,
    query: &StatementQuery,
) -> Result<Result<RawStatement, Refusal>, Fault> {
    let kind = match query.direction {
        Direction::OldestFirst => Kind::Oldest,
        Direction::NewestFirst => Kind::Newest,
    };
    let cursor = match query.cursor.as_deref().map(|text| version(kind, head, text)).transpose() {
        Ok(cursor) => cursor,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let page = Page { history, head, query, limit: query.limit.clamp(1, LIMIT_MAX) };
    let found = match query.direction {
        Direction::OldestFirst => page.oldest_first(cursor.unwrap_or(0))?,
        Direction::NewestFirst => page.newest_first(cursor.unwrap_or(head.version + 1))?,
    };
    Ok(Ok(found))
}

/// The version that a cursor names: one that the account has.
fn version(kind: Kind, head: Head, text: &str) -> Result<u64, Refusal> {
    let version = cursor::read(kind, text)?;
    if (1..=head.version).contains(&version) { Ok(version) } else { Err(cursor::invalid(text)) }
}

struct Page<'a> {
    history: &'a History,
    head: Head,
    query: &'a StatementQuery,
    limit: usize,
}

impl Page<'_> {
    /// The lines above version `after`.
    fn oldest_first(&self, after: u64) -> Result<RawStatement, Fault> {
        let first = match self.query.from {
            None => after + 1,
            Some(from) => match descend(self.history, self.head, Goal::from(from))? {
                Some(node) => node.leg.version.max(after + 1),
                None => return Ok(RawStatement::default()),
            },
        };
        let last = self.before(self.query.until)?;
        if first > last {
            return Ok(RawStatement::default());
        }
        let most = if self.has_filter() { WALK_MAX } else { self.limit as u64 };
        let top = last.min(first + most - 1);
        let mut lines = Vec::new();
        let mut next = descend(self.history, self.head, Goal::version(top))?;
        while let Some(node) = next.take_if(|node| node.leg.version >= first) {
            lines.extend(self.line(&node)?);
            next = node.former(self.history)?;
        }
        lines.reverse();
        let mut reached = top;
        if lines.len() > self.limit {
            lines.truncate(self.limit);
            reached = lines.last().map_or(top, |line: &RawLine| line.version);
        }
        Ok(RawStatement { lines, next: (reached < last).then(|| cursor::write(Kind::Oldest, reached)) })
    }

    /// The lines below version `before`.
    fn newest_first(&self, before: u64) -> Result<RawStatement, Fault> {
        let top = self.before(self.query.until)?.min(before - 1);
        let mut page = RawStatement::default();
        if top == 0 {
            return Ok(page);
        }
        let from = self.query.from.unwrap_or(Time(i64::MIN));
        let mut next = descend(self.history, self.head, Goal::version(top))?;
        let mut walked = 0;
        while let Some(node) = next.take_if(|node| node.at >= from) {
            if page.lines.len() == self.limit || walked == WALK_MAX {
                page.next = Some(cursor::write(Kind::Newest, node.leg.version + 1));
                break;
            }
            walked += 1;
            page.lines.extend(self.line(&node)?);
            next = node.former(self.history)?;
        }
        Ok(page)
    }

    /// The latest version before a time.
    fn before(&self, until: Option<Time>) -> Result<u64, Fault> {
        let Some(until) = until else { return Ok(self.head.version) };
        let first_after = descend(self.history, self.head, Goal::from(until))?;
        Ok(first_after.map_or(self.head.version, |node| node.leg.version - 1))
    }

    fn has_filter(&self) -> bool {
        self.query.transaction.is_some() || self.query.operator.is_some()
    }

    /// The line of an event, if it is asked for.
    fn line(&self, node: &Node) -> Result<Option<RawLine>, Fault> {
        let kept = node.record.kept()?;
        let cause = cause_of(&kept.event);
        let named = |wanted: &Option<_>, found: Option<&str>| match wanted {
            None => true,
            Some(wanted) => found == Some(std::sync::Arc::as_ref(wanted)),
        };
        if !named(&self.query.transaction, cause.and_then(|cause| cause.transaction))
            || !named(&self.query.operator, cause.and_then(|cause| cause.operator))
        {
            return Ok(None);
        }
        let line = leg_of(&kept.event, self.head.account).and_then(|(side, leg)| line(&kept, side, &leg));
        line.map(Some).ok_or_else(|| node.record.fault("it has no line in a statement"))
    }
}
