//! An account's journal: which part is asked for, and its lines.

use std::sync::Arc;

use engine::{Direction, Line, Statement, StatementQuery};
use http::request::Parts;
use serde::Serialize;
use transaction::Refusal;
use utoipa::ToSchema;

use super::account::BoundsView;
use super::cause::CauseView;
use super::page::limit_of;
use super::scalar::Units;
use crate::http::parse::{shortened, step};
use crate::http::time::Stamp;
use crate::http::wire::list::LIMIT;
use crate::http::{query, time};
use crate::refusal::FIELD_INVALID;

/// One page of an account's journal.
#[derive(Serialize, ToSchema)]
#[schema(as = Statement)]
pub(in crate::http) struct StatementView<'a> {
    /// The lines.
    items: Vec<LineView<'a>>,
    /// The cursor of the next page; `null` at the end. A page may be short and still have a next one.
    next: Option<&'a str>,
}

/// One line of an account's journal.
#[derive(Serialize, ToSchema)]
#[schema(as = StatementLine)]
pub(in crate::http) struct LineView<'a> {
    /// The id of the entry, hold or operation.
    id: &'a str,
    /// Its sequence in the journal.
    seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Stamp,
    /// `posted`, `held`, `captured`, `released`, `expired` (a hold), `reopened`, `lot_expired` or `changed`.
    event: &'static str,
    /// Change of posted: above zero came in.
    #[schema(value_type = String)]
    amount: Units,
    /// Posted after it.
    #[schema(value_type = String)]
    posted_after: Units,
    /// Held after it.
    #[schema(value_type = String)]
    held_after: Units,
    /// The other account, where there is one.
    other: Option<&'a str>,
    /// The id of the capture, where one is meant.
    capture: Option<&'a str>,
    /// What it gives back, as it was named: only where it gives something back.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunds: Option<&'a str>,
    /// Of a change: floor, ceiling and standing after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<BoundsView>,
    /// Its number in the account's journal, from 1.
    version: u64,
    /// Why.
    cause: Option<CauseView<'a>>,
}

impl<'a> StatementView<'a> {
    /// The view of `page`.
    pub(in crate::http) fn of(page: &'a Statement) -> StatementView<'a> {
        let scale = page.asset.scale;
        StatementView {
            items: page.lines.iter().map(|line| LineView::of(line, scale)).collect(),
            next: page.next.as_deref(),
        }
    }
}

impl<'a> LineView<'a> {
    fn of(line: &'a Line, scale: u8) -> LineView<'a> {
        LineView {
            id: &line.id,
            seq: line.sequence,
            at: Stamp(line.at),
            event: line.event,
            amount: Units(line.amount, scale),
            posted_after: Units(line.posted, scale),
            held_after: Units(line.held, scale),
            other: line.other.as_deref(),
            capture: line.capture.as_deref(),
            refunds: line.refunds.as_deref(),
            after: line.bounds.map(|bounds| BoundsView::of(bounds, scale)),
            version: line.version,
            cause: CauseView::of(&line.cause),
        }
    }
}

/// Reads which part of the journal of `account` is asked for from the query.
pub(in crate::http) fn statement_query(head: &Parts, account: Arc<str>) -> Result<StatementQuery, Refusal> {
    let mut asked = StatementQuery { account, limit: LIMIT, ..StatementQuery::default() };
    for (name, value) in query::pairs(head)? {
        let wrong =
            |say: &str| FIELD_INVALID.at(step(&name), format!("`{}` is not {say}", shortened(&value)));
        let read_time = || time::read(&value).ok_or_else(|| wrong("a time in RFC 3339, percent-encoded"));
        match &*name {
            "limit" => asked.limit = limit_of(&value)?,
            "cursor" => asked.cursor = Some(value.into_owned()),
            "order" => {
                asked.direction = match &*value {
                    "oldest" => Direction::OldestFirst,
                    "newest" => Direction::NewestFirst,
                    _ => return Err(wrong("oldest or newest")),
                };
            }
            "from" => asked.from = Some(read_time()?),
            "until" => asked.until = Some(read_time()?),
            "transaction" => asked.transaction = Some(Arc::from(&*value)),
            "operator" => asked.operator = Some(Arc::from(&*value)),
            other => return Err(query::unknown(other)),
        }
    }
    Ok(asked)
}
