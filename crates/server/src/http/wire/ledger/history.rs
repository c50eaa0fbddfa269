//! The history of a hold or an item, oldest first.

use std::sync::Arc;

use engine::{History, HistoryQuery, Step};
use http::request::Parts;
use serde::Serialize;
use transaction::Refusal;
use utoipa::ToSchema;

use super::cause::CauseView;
use super::page::limit_of;
use super::scalar::Units;
use crate::http::query;
use crate::http::time::Stamp;
use crate::http::wire::list::LIMIT;

/// One page of the history of a hold or an item.
#[derive(Serialize, ToSchema)]
#[schema(as = History)]
pub(in crate::http) struct HistoryView<'a> {
    /// The steps.
    items: Vec<StepView<'a>>,
    /// The cursor of the next page; `null` at the end.
    next: Option<&'a str>,
}

/// One step. A hold's has `amount`; an item's has `move`, `from`, `to` and `owner`.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryStep)]
pub(in crate::http) struct StepView<'a> {
    /// Its sequence in the journal.
    seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Stamp,
    /// Of a hold: `held`, `captured`, `released`, `expired`, `reopened`. Of an item: `created`, `moved`, `expired`.
    event: &'static str,
    /// The id of the operation, where it has one.
    operation: Option<&'a str>,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    amount: Option<Units>,
    /// The move and the states.
    #[serde(flatten)]
    moved: Option<MovedView<'a>>,
    /// Why.
    cause: Option<CauseView<'a>>,
}

/// What a step did to an item.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryMove)]
pub(in crate::http) struct MovedView<'a> {
    /// The move's name; `null` where it was created or expired.
    #[serde(rename = "move")]
    name: Option<&'a str>,
    /// The state before.
    from: Option<&'a str>,
    /// The state after.
    to: &'a str,
    /// On whose behalf, or whose it is.
    owner: Option<&'a str>,
}

impl<'a> HistoryView<'a> {
    /// The view of `page`.
    pub(in crate::http) fn of(page: &'a History) -> HistoryView<'a> {
        HistoryView { items: page.steps.iter().map(StepView::of).collect(), next: page.next.as_deref() }
    }
}

impl<'a> StepView<'a> {
    fn of(step: &'a Step) -> StepView<'a> {
        let moved = step.states.as_ref().map(|(from, to)| MovedView {
            name: step.by.as_deref(),
            from: from.as_deref(),
            to,
            owner: step.owner.as_deref(),
        });
        StepView {
            seq: step.sequence,
            at: Stamp(step.at),
            event: step.event,
            operation: step.operation.as_deref(),
            amount: step.amount.as_ref().map(|(units, asset)| Units(*units, asset.scale)),
            moved,
            cause: CauseView::of(&step.cause),
        }
    }
}

/// Reads which part of the history of `id` is asked for from the query.
pub(in crate::http) fn history_query(head: &Parts, id: Arc<str>) -> Result<HistoryQuery, Refusal> {
    let mut asked = HistoryQuery { id, limit: LIMIT, cursor: None };
    for (name, value) in query::pairs(head)? {
        match &*name {
            "limit" => asked.limit = limit_of(&value)?,
            "cursor" => asked.cursor = Some(value.into_owned()),
            other => return Err(query::unknown(other)),
        }
    }
    Ok(asked)
}
