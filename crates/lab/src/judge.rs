//! What a told fact promises about everything that is read later. Plain functions over JSON: no server, no clock.
//!
//! `None` or an empty list: nothing contradicts. Read next: `judge/tests.rs` (planted losses), `calls.rs`.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::told::{Finding, Kind, Row};

/// How much of an account's journal was told and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The newest lines.
    Newest,
    /// All of it, and every request was answered: there must be nothing else.
    Whole,
}

fn broken(promise: &'static str, what: impl Into<String>, (told, found): (&Value, &Value)) -> Finding {
    Finding { promise, what: what.into(), told: told.to_string(), found: found.to_string() }
}

/// Whether `now` can follow `told`; nothing found where something was told is a loss.
pub(crate) fn follows(kind: Kind, told: &Value, now: Option<&Value>) -> Option<Finding> {
    let Some(now) = now else {
        return Some(broken(
            "P1",
            format!("{kind:?} {} was told and is gone", told["id"]),
            (told, &Value::Null),
        ));
    };
    let wrong = match kind {
        Kind::Transaction => transaction(told, now),
        Kind::Hold => hold(told, now),
        Kind::Item => item(told, now),
    };
    wrong.map(|(promise, what)| broken(promise, format!("{kind:?} {}: {what}", told["id"]), (told, now)))
}

/// Why what is read of a transaction now cannot follow what was told of it, in words; `None`: it can.
#[must_use]
pub fn contradicts(told: &Value, now: &Value) -> Option<String> {
    follows(Kind::Transaction, told, Some(now)).map(|finding| finding.to_string())
}

type Wrong = Option<(&'static str, String)>;

fn changed(names: &[&str], told: &Value, now: &Value) -> Option<String> {
    let name = names.iter().find(|name| now[**name] != told[**name])?;
    Some(format!("{name} changed"))
}

fn transaction(told: &Value, now: &Value) -> Wrong {
    if now["seq"].as_u64() < told["seq"].as_u64() {
        return Some(("P1", "an event that was told is gone".into()));
    }
    let for_ever = ["id", "pattern", "mode", "labels", "created_at", "deadline_at"];
    let once = ["decision", "reason", "cooling_until", "finished_at"];
    let once: Vec<&str> = once.into_iter().filter(|name| !told[*name].is_null()).collect();
    if let Some(what) = changed(&for_ever, told, now) {
        return Some(("P1", what));
    }
    if let Some(what) = changed(&once, told, now) {
        return Some(("P8", what));
    }
    if told["finished_at"].is_string() && now["state"] != told["state"] {
        return Some(("P8", "a final state changed".into()));
    }
    branches(told, now).map(|what| ("P1", what))
}

const SETTLED: &[&str] = &["tried", "refused", "confirmed", "cancelled", "done", "delivered", "compensated"];

fn branches(told: &Value, now: &Value) -> Option<String> {
    let list = |value: &Value| value["branches"].as_array().cloned().unwrap_or_default();
    let (before, after) = (list(told), list(now));
    if after.len() < before.len() {
        return Some("a registered branch is gone".into());
    }
    for (told, now) in before.iter().zip(&after) {
        if let Some(what) = changed(&["id", "kind"], told, now) {
            return Some(format!("a registered branch is another one: {what}"));
        }
        if !told["result"].is_null() && now["result"] != told["result"] {
            return Some("the result of a branch changed".into());
        }
        let was_settled = told["state"].as_str().is_some_and(|state| SETTLED.contains(&state));
        if was_settled && matches!(now["state"].as_str(), Some("trying" | "running" | "registered")) {
            return Some(format!("branch {} went back to {}", now["id"], now["state"]));
        }
        for (operation, count) in told["attempts"].as_object().into_iter().flatten() {
            if now["attempts"][operation].as_u64() < count.as_u64() {
                return Some(format!("an attempt of {operation} that was told is gone"));
            }
        }
    }
    None
}

fn hold(told: &Value, now: &Value) -> Wrong {
    let names = ["id", "from", "to", "asset", "amount"];
    if let Some(what) = changed(&names, told, now) {
        return Some(("P1", what));
    }
    if units(&now["captured"]) < units(&told["captured"]) {
        return Some(("P1", "a capture that was told is gone".into()));
    }
    let was_closed = told["state"].is_string() && told["state"] != "held";
    (was_closed && now["state"] != told["state"]).then(|| ("P1", "a closed hold is in another state".into()))
}

fn item(told: &Value, now: &Value) -> Wrong {
    if let Some(what) = changed(&["id", "machine", "owner"], told, now) {
        return Some(("P1", what));
    }
    let version = |value: &Value| value["version"].as_u64();
    if version(now) < version(told) {
        return Some(("P1", "a move that was told is gone".into()));
    }
    let same = version(now) == version(told) || told["final"] == true;
    (same && now["state"] != told["state"]).then(|| ("P1", "another state without a move".into()))
}

/// An account's journal as it was read, oldest first, against the lines that were told.
pub(crate) fn journal(told: &[Row], (account, rows): (&Value, &[Value]), extent: Extent) -> Vec<Finding> {
    let mut found = Vec::new();
    let read: Vec<Row> = rows.iter().map(row).collect();
    let set: BTreeSet<&Row> = read.iter().collect();
    let name = &account["id"];
    for row in told.iter().filter(|row| !set.contains(row)) {
        let what = format!("a line of the journal of {name} was told and is gone");
        found.push(Finding { promise: "P1", what, told: format!("{row:?}"), found: String::new() });
    }
    found.extend(sums(rows, account));
    if extent == Extent::Whole {
        found.extend(nothing_else(told, &read, account));
    }
    found
}

/// Each line follows from the one before it, the balance from the last.
fn sums(rows: &[Value], account: &Value) -> Option<Finding> {
    let mut posted = rows.first().map(|row| units(&row["posted_after"]) - units(&row["amount"]))?;
    for row in rows {
        posted += units(&row["amount"]);
        if posted != units(&row["posted_after"]) {
            let what = format!("the journal of {} does not add up", account["id"]);
            return Some(broken("P9", what, (&posted.into(), row)));
        }
    }
    let what = "the balance is not what the journal says";
    (posted != units(&account["posted"])).then(|| broken("P9", what, (&posted.into(), account)))
}

/// Each entry once, no entry that nobody was told of, nothing held any more.
fn nothing_else(told: &[Row], read: &[Row], account: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let posted = |row: &&Row| row.event == "posted";
    let known: BTreeSet<&Row> = told.iter().collect();
    let mut seen = BTreeSet::new();
    for row in read.iter().filter(posted) {
        let what = match (seen.insert(row), known.contains(row)) {
            (false, _) => "an entry was posted twice",
            (true, false) => "an entry that nobody was told of",
            (true, true) => continue,
        };
        found.push(Finding {
            promise: "P9",
            what: what.into(),
            told: String::new(),
            found: format!("{row:?}"),
        });
    }
    if units(&account["held"]) != 0 {
        found.push(broken("P16", "all is final and something is held", (&Value::Null, account)));
    }
    found
}

/// The sum over all accounts of one asset is zero.
pub(crate) fn sum(accounts: &[Value]) -> Option<Finding> {
    let sum: i64 = accounts.iter().map(|account| units(&account["posted"])).sum();
    (sum != 0).then(|| broken("P9", "the sum over all accounts is not zero", (&0.into(), &sum.into())))
}

fn row(value: &Value) -> Row {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Row {
        event: text("event"),
        id: text("id"),
        capture: value["capture"].as_str().map(str::to_owned),
        amount: text("amount"),
    }
}

/// An amount of an asset of scale 0; nonsense becomes what no balance is.
fn units(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(i64::from(i32::MIN))
}
