//! A list of transactions: its filters and its pages.

use http::request::Parts;
use serde::{Serialize, Serializer};
use transaction::{Pattern, Phase, Refusal};
use utoipa::ToSchema;

use super::transaction::TransactionView;
use crate::http::parse::{shortened, step};
use crate::http::{query, time};
use crate::refusal::FIELD_INVALID;

/// One page of transactions, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = TransactionList)]
pub(in crate::http) struct ListView<'a> {
    /// The transactions.
    #[schema(value_type = Vec<TransactionView>)]
    items: Items<'a>,
    /// The cursor of the next page; `null` at the end. A page may be short and still have a next one.
    next: Option<&'a str>,
}

struct Items<'a>(&'a engine::Page);

impl<'a> ListView<'a> {
    /// The view of `page`.
    pub(in crate::http) fn of(page: &'a engine::Page) -> ListView<'a> {
        ListView { items: Items(page), next: page.next.as_deref() }
    }

    /// A guess at the written size of `page`, in bytes.
    pub(in crate::http) fn room(page: &engine::Page) -> usize {
        64 + page.items.iter().map(|transaction| TransactionView::room(transaction)).sum::<usize>()
    }
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.items.iter().map(|transaction| TransactionView::of(transaction)))
    }
}

/// How many entries a page has unless the caller says otherwise, and at most.
pub(super) const LIMIT: usize = 100;
const LIMIT_MOST: usize = 1_000;

/// Reads the filters of a list from the query.
pub(in crate::http) fn filter(head: &Parts) -> Result<engine::Filter, Refusal> {
    let mut filter = engine::Filter { limit: LIMIT, ..engine::Filter::default() };
    for (name, value) in query::pairs(head)? {
        let wrong =
            |say: &str| FIELD_INVALID.at(step(&name), format!("`{}` is not {say}", shortened(&value)));
        let read_time = || time::read(&value).ok_or_else(|| wrong("a time in RFC 3339, percent-encoded"));
        match &*name {
            "state" if is_state(&value) => filter.state = Some(value.into_owned()),
            "state" => return Err(wrong("a state of any pattern")),
            "pattern" => {
                let known = pattern(&value);
                filter.pattern = Some(known.ok_or_else(|| wrong("tcc, saga, message, xa or workflow"))?);
            }
            "needs_attention" => {
                filter.needs_attention = Some(value.parse().map_err(|_| wrong("true or false"))?);
            }
            "created_after" => filter.created_after = Some(read_time()?),
            "created_before" => filter.created_before = Some(read_time()?),
            "limit" => filter.limit = limit(&value).ok_or_else(|| wrong("a whole number from 1 to 1000"))?,
            "cursor" => filter.cursor = Some(value.into_owned()),
            other => match other.strip_prefix("label.").filter(|key| !key.is_empty()) {
                Some(key) => filter.labels.push((key.to_owned(), value.into_owned())),
                None => return Err(query::unknown(other)),
            },
        }
    }
    Ok(filter)
}

/// The length of a page, if it is one.
pub(super) fn limit(value: &str) -> Option<usize> {
    value.parse().ok().filter(|limit| (1..=LIMIT_MOST).contains(limit))
}

fn pattern(name: &str) -> Option<Pattern> {
    Pattern::ALL.into_iter().find(|pattern| pattern.name() == name)
}

fn is_state(name: &str) -> bool {
    let mut names = Pattern::ALL.into_iter().flat_map(|pattern| Phase::ALL.map(|phase| phase.name(pattern)));
    names.any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use transaction::Time;

    use super::*;

    fn head(query: &str) -> Parts {
        http::Request::builder().uri(format!("/v1/transactions{query}")).body(()).unwrap().into_parts().0
    }

    #[test]
    fn every_filter_is_read() {
        let read = filter(&head(concat!(
            "?state=confirming&pattern=tcc&needs_attention=true&label.order=a%2F1&label.shop=x",
            "&created_after=1970-01-01T00:00:01Z&created_before=1970-01-01T00:00:02.5Z&limit=7&cursor=abc"
        )))
        .unwrap();
        assert_eq!(read.state.as_deref(), Some("confirming"));
        assert_eq!(read.pattern, Some(Pattern::Tcc));
        assert_eq!(read.needs_attention, Some(true));
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(read.labels, [label("order", "a/1"), label("shop", "x")]);
        assert_eq!(read.created_after, Some(Time(1_000_000)));
        assert_eq!(read.created_before, Some(Time(2_500_000)));
        assert_eq!((read.limit, read.cursor.as_deref()), (7, Some("abc")));
        let plain = filter(&head("")).unwrap();
        assert_eq!((plain.limit, plain.state, plain.labels.len()), (100, None, 0));
    }

    #[test]
    fn filters_that_mean_nothing_are_refused() {
        let cases = [
            ("?state=done", "field_invalid", "/state"),
            ("?pattern=2pc", "field_invalid", "/pattern"),
            ("?needs_attention=1", "field_invalid", "/needs_attention"),
            ("?created_after=today", "field_invalid", "/created_after"),
            ("?limit=0", "field_invalid", "/limit"),
            ("?limit=1001", "field_invalid", "/limit"),
            ("?limit=-1", "field_invalid", "/limit"),
            ("?label.=x", "field_unknown", "/label."),
            ("?page=2", "field_unknown", "/page"),
            ("?state=trying&state=trying", "field_invalid", "/state"),
        ];
        for (query, code, at) in cases {
            let refusal = filter(&head(query)).unwrap_err();
            assert_eq!((refusal.kind.code, refusal.at.as_deref()), (code, Some(at)), "{query}");
        }
    }
}
