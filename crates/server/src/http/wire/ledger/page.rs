//! Pages of lists that the ledger holds in memory: what they ask for, and cursors that say after which name to go on.

use std::sync::Arc;

use engine::refusal::CURSOR_INVALID;
use http::request::Parts;
use transaction::Refusal;

use crate::http::parse::{shortened, step};
use crate::http::query;
use crate::http::wire::list::{LIMIT, limit};
use crate::refusal::FIELD_INVALID;

/// Which part of a list is asked for.
#[derive(Debug)]
pub(in crate::http) struct Listed {
    /// Only what begins so.
    pub(in crate::http) prefix: Arc<str>,
    /// Only what comes after this name.
    pub(in crate::http) after: Arc<str>,
    /// At most so many.
    pub(in crate::http) limit: usize,
}

/// Reads it from the query; `filters` names the filters that the list has beside `limit` and `cursor`.
pub(in crate::http) fn listed(head: &Parts, filters: &[&str]) -> Result<Listed, Refusal> {
    let mut asked = Listed { prefix: Arc::from(""), after: Arc::from(""), limit: LIMIT };
    for (name, value) in query::pairs(head)? {
        match &*name {
            "limit" => asked.limit = limit_of(&value)?,
            "cursor" => asked.after = Arc::from(after(&value)?),
            "prefix" if filters.contains(&"prefix") => asked.prefix = Arc::from(&*value),
            other => return Err(query::unknown(other)),
        }
    }
    Ok(asked)
}

/// The length of a page.
pub(super) fn limit_of(value: &str) -> Result<usize, Refusal> {
    let wrong = || format!("`{}` is not a whole number from 1 to 1000", shortened(value));
    limit(value).ok_or_else(|| FIELD_INVALID.at(step("limit"), wrong()))
}

/// The cursor that goes on after `name`.
pub(in crate::http) fn cursor(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The name after which a cursor goes on.
pub(in crate::http) fn after(cursor: &str) -> Result<String, Refusal> {
    let digits = cursor.as_bytes();
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok().filter(|text| !text.starts_with('+'))?;
        u8::from_str_radix(text, 16).ok()
    };
    let bytes: Option<Vec<u8>> = (digits.len().is_multiple_of(2) && !digits.is_empty())
        .then(|| digits.chunks(2).map(byte).collect())
        .flatten();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| CURSOR_INVALID.at("/cursor", "the cursor is not one that was given out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(query: &str) -> Parts {
        http::Request::builder().uri(format!("/v1/accounts{query}")).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_cursor_leads_after_its_name() {
        for name in ["a", "user:42/points", "0"] {
            assert_eq!(after(&cursor(name)).unwrap(), name);
        }
        for wrong in ["", "6", "zz", "+1", "ff", "61626"] {
            assert_eq!(after(wrong).unwrap_err().kind.code, "cursor_invalid", "{wrong}");
        }
    }

    #[test]
    fn parts_of_lists_are_read() {
        let asked = listed(&head("?prefix=user%3A&limit=7&cursor=61"), &["prefix"]).unwrap();
        assert_eq!((&*asked.prefix, &*asked.after, asked.limit), ("user:", "a", 7));
        let asked = listed(&head(""), &[]).unwrap();
        assert_eq!((&*asked.prefix, &*asked.after, asked.limit), ("", "", 100));
        for (query, code, at) in [
            ("?limit=0", "field_invalid", "/limit"),
            ("?limit=1001", "field_invalid", "/limit"),
            ("?prefix=a", "field_unknown", "/prefix"),
            ("?cursor=x", "cursor_invalid", "/cursor"),
        ] {
            let refusal = listed(&head(query), &[]).unwrap_err();
            assert_eq!((refusal.kind.code, refusal.at.as_deref()), (code, Some(at)), "{query}");
        }
    }
}
