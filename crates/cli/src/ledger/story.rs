//! Histories as sentences: each line of a statement, each step of an item or a hold.
//!
//! Pure: the words come out of the fields of one line and of the balance before it. A kind of event that is not known
//! here is told by its name. Read next: `history.rs`, which asks.

use serde_json::Value;

use crate::terminal::words;

/// An account's statement, oldest first.
pub(super) fn of_account(lines: &[Value]) -> Vec<String> {
    let mut held_before = "0".to_owned();
    let mut told = Vec::new();
    for line in lines {
        let held = words(&line["held_after"]);
        let what = account_line(line, &held_before, &held);
        let balance = format!("{} posted, {held} held", words(&line["posted_after"]));
        told.push(sentence(line, &format!("{what}; {balance}")));
        held_before = held;
    }
    told
}

fn account_line(line: &Value, held_before: &str, held: &str) -> String {
    let (id, other) = (words(&line["id"]), words(&line["other"]));
    let amount = words(&line["amount"]);
    let (size, comes_in) = match amount.strip_prefix('-') {
        Some(size) => (size.to_owned(), false),
        None => (amount, true),
    };
    let change = difference(held_before, held);
    match line["event"].as_str().unwrap_or_default() {
        "posted" if comes_in => format!("{size} came in from {other} (entry {id}{})", refunding(line)),
        "posted" => format!("{size} went out to {other} (entry {id}{})", refunding(line)),
        "captured" if comes_in => format!("{size} came in from {other}, captured of the hold {id}"),
        "captured" => format!("{size} went out to {other}, captured of the hold {id}"),
        "held" => format!("{change} held for {other} (hold {id})"),
        "reopened" => format!("the hold {id} was reopened, {change} held again for {other}"),
        "released" => format!("{change} of the hold {id} is free again: released"),
        "expired" => format!("{change} of the hold {id} is free again: it expired"),
        "lot_expired" if comes_in => format!("{size} came in from {other}, where it had expired"),
        "lot_expired" => format!("{size} expired and went to {other}"),
        "changed" => {
            let after = &line["after"];
            let [floor, ceiling, standing] = ["floor", "ceiling", "standing"].map(|name| words(&after[name]));
            let ceiling = if ceiling.is_empty() { "none".to_owned() } else { ceiling };
            format!("changed to floor {floor}, ceiling {ceiling}, standing {standing} (change {id})")
        }
        event => format!("{event} {id}"),
    }
}

/// What an entry gives back, if it does.
fn refunding(line: &Value) -> String {
    let refunds = words(&line["refunds"]);
    if refunds.is_empty() { String::new() } else { format!(", which gives back {refunds}") }
}

/// The difference of two decimal texts of one scale, without its sign; empty when one is no such text.
fn difference(one: &str, other: &str) -> String {
    let scale = one.split_once('.').map_or(0, |(_, part)| part.len());
    let units = |text: &str| {
        let same = text.split_once('.').map_or(0, |(_, part)| part.len()) == scale;
        same.then(|| text.replace('.', "").parse::<i128>().ok()).flatten()
    };
    let (Some(one), Some(other)) = (units(one), units(other)) else { return String::new() };
    let digits = format!("{:0>width$}", other.abs_diff(one), width = scale + 1);
    if scale == 0 {
        return digits;
    }
    let (whole, part) = digits.split_at(digits.len() - scale);
    format!("{whole}.{part}")
}

/// An item's history, oldest first.
pub(super) fn of_item(steps: &[Value]) -> Vec<String> {
    steps.iter().map(|step| sentence(step, &item_step(step))).collect()
}

fn item_step(step: &Value) -> String {
    let [from, to, by, owner] = ["from", "to", "move", "owner"].map(|name| words(&step[name]));
    match step["event"].as_str().unwrap_or_default() {
        "created" if owner.is_empty() => format!("created, {to}"),
        "created" => format!("created for {owner}, {to}"),
        "moved" if owner.is_empty() => format!("{by}: from {from} to {to}"),
        "moved" => format!("{by} for {owner}: from {from} to {to}"),
        "expired" => format!("its time as {from} ran out: {to}"),
        event => format!("{event} {from} {to}"),
    }
}

/// A hold's history, oldest first.
pub(super) fn of_hold(steps: &[Value]) -> Vec<String> {
    steps.iter().map(|step| sentence(step, &hold_step(step))).collect()
}

fn hold_step(step: &Value) -> String {
    let amount = words(&step["amount"]);
    match step["event"].as_str().unwrap_or_default() {
        "held" => format!("{amount} held"),
        "captured" => format!("{amount} captured"),
        "released" => format!("{amount} released"),
        "expired" => format!("{amount} released, since it expired"),
        "reopened" => format!("reopened, {amount} held again"),
        event => format!("{event} {amount}"),
    }
}

fn sentence(line: &Value, what: &str) -> String {
    let at = words(&line["at"]);
    let second = at.get(..19).map_or(at.clone(), |second| second.replace('T', " "));
    let cause = &line["cause"];
    let [transaction, branch, operator, reason] =
        ["transaction", "branch", "operator", "reason"].map(|name| words(&cause[name]));
    let mut text = format!("{second}  {what}");
    if !transaction.is_empty() {
        text.push_str(&format!(", by transaction {transaction}"));
    }
    if !branch.is_empty() {
        text.push_str(&format!(", branch {branch}"));
    }
    if !operator.is_empty() {
        text.push_str(&format!(", by operator {operator}"));
    }
    if !reason.is_empty() {
        text.push_str(&format!(": {reason}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AT: &str = "2026-01-02T03:04:05.000006Z";

    fn line(event: &str, amount: &str, (posted, held): (&str, &str)) -> Value {
        json!({"at": AT, "event": event, "id": "x", "amount": amount, "posted_after": posted, "held_after": held,
            "other": "b", "cause": {"transaction": "order-1", "branch": "pay", "operator": null, "reason": null}})
    }

    #[test]
    fn a_statement_is_told_in_sentences() {
        let lines = [
            line("posted", "10.00", ("10.00", "0.00")),
            line("held", "0.00", ("10.00", "4.50")),
            line("captured", "-4.00", ("6.00", "0.50")),
            line("released", "0.00", ("6.00", "0.00")),
        ];
        let told = of_account(&lines);
        let wanted = [
            "10.00 came in from b (entry x); 10.00 posted, 0.00 held",
            "4.50 held for b (hold x); 10.00 posted, 4.50 held",
            "4.00 went out to b, captured of the hold x; 6.00 posted, 0.50 held",
            "0.50 of the hold x is free again: released; 6.00 posted, 0.00 held",
        ];
        for (told, wanted) in told.iter().zip(wanted) {
            let wanted = format!("2026-01-02 03:04:05  {wanted}, by transaction order-1, branch pay");
            assert_eq!(*told, wanted);
        }
    }

    #[test]
    fn an_item_is_told_in_sentences() {
        let cause = json!({"operator": "eve", "reason": "as agreed"});
        let steps = [
            json!({"at": AT, "event": "created", "to": "active", "owner": "user:1", "cause": cause}),
            json!({"at": AT, "event": "moved", "move": "lock", "from": "active", "to": "locked", "cause": {}}),
            json!({"at": AT, "event": "expired", "from": "locked", "to": "active", "cause": {}}),
        ];
        let told = of_item(&steps).join("\n");
        assert!(told.contains("created for user:1, active, by operator eve: as agreed"), "{told}");
        assert!(told.contains("lock: from active to locked\n"), "{told}");
        assert!(told.ends_with("its time as locked ran out: active"), "{told}");
    }

    #[test]
    fn differences_keep_the_scale() {
        assert_eq!(difference("0.00", "0.05"), "0.05");
        assert_eq!(difference("12", "2"), "10");
        assert_eq!(difference("0", "0.05"), "");
    }
}
