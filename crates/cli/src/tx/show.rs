//! One transaction, and its timeline, as a person reads them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::ask::{Server, segment};
use crate::pages::{Listing, Pages};
use crate::terminal::{Style, Told, table, words};

/// Fields above the branches; absent and null ones are left out.
const FIELDS: &[&str] =
    &["pattern", "mode", "state", "decision", "created_at", "deadline_at", "cooling_until", "finished_at"];

/// The operations of all patterns, in the order in which they happen.
const OPERATIONS: &[&str] = &["try", "action", "confirm", "deliver", "cancel", "compensate"];

/// A transaction object in words.
pub(crate) fn transaction(body: &Value) -> String {
    let mut text = format!("transaction {}\n", words(&body["id"]));
    for name in FIELDS {
        if !body[*name].is_null() {
            line(&mut text, name, &words(&body[*name]));
        }
    }
    if let Some(code) = body["reason"]["code"].as_str() {
        let branch =
            body["reason"]["branch"].as_str().map_or_else(String::new, |branch| format!(" by {branch}"));
        line(&mut text, "reason", &format!("{code}{branch}: {}", words(&body["reason"]["detail"])));
    }
    if body["needs_attention"] == json!(true) {
        line(&mut text, "attention", "NEEDED: retries did not help; see the last error below");
    }
    for (key, value) in body["labels"].as_object().into_iter().flatten() {
        line(&mut text, &format!("label {key}"), &words(value));
    }
    text.push_str(&branches(body));
    text
}

fn line(text: &mut String, name: &str, value: &str) {
    // A String takes all text.
    let _ = writeln!(text, "  {:<14} {value}", name.replace('_', " "));
}

fn branches(body: &Value) -> String {
    let mut table = table(&["branch", "kind", "state", "attempts", "last error", "asked again", "result"]);
    for branch in body["branches"].as_array().into_iter().flatten() {
        let attempts = OPERATIONS.iter().filter_map(|name| match branch["attempts"][*name].as_u64() {
            None | Some(0) => None,
            Some(count) => Some(format!("{name} {count}")),
        });
        table.add_row([
            words(&branch["id"]),
            words(&branch["kind"]),
            words(&branch["state"]),
            attempts.collect::<Vec<_>>().join(", "),
            cut(&words(&branch["last_error"]), 60),
            words(&branch["next_attempt_at"]),
            cut(&json_words(&branch["result"]), 60),
        ]);
    }
    table.trim_fmt()
}

/// What to print of a timeline, or the refusal; the fault when nobody knows.
pub(crate) fn timeline(server: &Server, id: &str, style: Style) -> Told {
    let path = format!("/v1/transactions/{}/timeline", segment(id));
    let listing = Listing { path: &path, filters: Vec::new(), most: usize::MAX, cursor: None };
    let pages = Pages::read(server, listing)?;
    Ok(pages.map(|pages| match style {
        Style::Json => pages.json(),
        Style::Table => timeline_table(&pages.items()),
    }))
}

fn timeline_table(items: &[Value]) -> String {
    let mut table = table(&["seq", "at", "event", "branch", "detail"]);
    for item in items {
        let cells = ["seq", "at", "event", "branch", "detail"].map(|name| words(&item[name]));
        table.add_row(cells);
    }
    table.trim_fmt()
}

/// JSON as it is, nothing for null.
fn json_words(value: &Value) -> String {
    if value.is_null() { String::new() } else { words(&Value::String(value.to_string())) }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_reads_well() {
        let body = json!({
            "id": "order-1", "pattern": "tcc", "mode": "managed", "state": "cancelling", "decision": "cancel",
            "reason": {"code": "branch_refused", "branch": "stock", "detail": "sold out\u{1b}[31m"},
            "needs_attention": true, "labels": {"order": "1"}, "cooling_until": null,
            "branches": [{"id": "stock", "kind": "call", "state": "cancelling",
                "attempts": {"try": 1, "confirm": 0, "cancel": 2}, "last_error": "HTTP 500",
                "next_attempt_at": "2026-01-01T00:00:00.000000Z", "result": {"a": 1}}],
        });
        let text = transaction(&body);
        assert!(text.starts_with("transaction order-1\n  pattern        tcc\n"), "{text}");
        assert!(text.contains("reason         branch_refused by stock: sold out·[31m\n"), "{text}");
        assert!(text.contains("label order    1\n") && text.contains("NEEDED"), "{text}");
        assert!(text.contains("try 1, cancel 2") && text.contains("{\"a\":1}"), "{text}");
        assert!(!text.contains("cooling") && !text.contains("confirm 0"), "{text}");
    }

    #[test]
    fn long_text_is_cut_at_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
