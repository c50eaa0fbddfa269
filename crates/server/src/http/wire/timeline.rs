//! A timeline: what became of a transaction, in words.

use std::sync::Arc;

use http::request::Parts;
use serde::{Serialize, Serializer};
use transaction::{Refusal, TimelineEntry};
use utoipa::ToSchema;

use super::list::limit;
use crate::http::parse::{shortened, step};
use crate::http::query;
use crate::http::time::Stamp;
use crate::refusal::FIELD_INVALID;

/// One page of a timeline, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Timeline)]
pub(in crate::http) struct TimelineView<'a> {
    /// Every kept event and every attempt, in order.
    #[schema(value_type = Vec<TimelineEntryView>)]
    items: Items<'a>,
    /// The cursor of the next page; `null` at the end.
    next: Option<&'a str>,
}

/// One line of a timeline.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
pub(in crate::http) struct TimelineEntryView<'a> {
    /// The journal sequence of the event.
    seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Stamp,
    /// A stable name, such as `begun`, `try_done`, `decided`, `confirmed`.
    event: &'a str,
    /// The branch it concerns.
    branch: Option<&'a str>,
    /// What happened, in plain words.
    detail: &'a str,
}

struct Items<'a>(&'a [TimelineEntry]);

impl<'a> TimelineView<'a> {
    /// The view of `page`.
    pub(in crate::http) fn of(page: &'a engine::Timeline) -> TimelineView<'a> {
        TimelineView { items: Items(&page.items), next: page.next.as_deref() }
    }
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|entry| TimelineEntryView {
            seq: entry.seq,
            at: Stamp(entry.at),
            event: &entry.event,
            branch: entry.branch.as_deref(),
            detail: &entry.detail,
        }))
    }
}

/// A timeline is read whole unless the caller says otherwise.
const LIMIT: usize = 1_000;

/// Reads which part of the timeline of `id` is asked for from the query.
pub(in crate::http) fn timeline_query(head: &Parts, id: Arc<str>) -> Result<engine::TimelineQuery, Refusal> {
    let mut asked = engine::TimelineQuery { id, limit: LIMIT, cursor: None };
    for (name, value) in query::pairs(head)? {
        match &*name {
            "limit" => {
                let wrong = || format!("`{}` is not a whole number from 1 to 1000", shortened(&value));
                asked.limit = limit(&value).ok_or_else(|| FIELD_INVALID.at(step(&name), wrong()))?;
            }
            "cursor" => asked.cursor = Some(value.into_owned()),
            other => return Err(query::unknown(other)),
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use transaction::Time;

    use super::*;

    #[test]
    fn a_timeline_has_the_shape_of_the_api() {
        let entry = |seq, event: &str, branch: Option<&str>| TimelineEntry {
            seq,
            at: Time(1_500_000),
            event: event.to_owned(),
            branch: branch.map(Arc::from),
            detail: "in words".to_owned(),
        };
        let items = vec![entry(1, "begun", None), entry(4, "try_done", Some("stock"))];
        let page = engine::Timeline { items, next: None, sequence: 9 };
        let written = serde_json::to_string(&TimelineView::of(&page)).unwrap();
        let expected = concat!(
            r#"{"items":[{"seq":1,"at":"1970-01-01T00:00:01.500000Z","event":"begun","branch":null,"detail":"in words"},"#,
            r#"{"seq":4,"at":"1970-01-01T00:00:01.500000Z","event":"try_done","branch":"stock","detail":"in words"}],"#,
            r#""next":null}"#
        );
        assert_eq!(written, expected);
    }
}
