//! What the participant saw against what the coordinator says: a call is made only after its reason is kept.
//!
//! The participant lives in the laboratory, so it remembers what a cut or a kill made the server forget.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::participant::Call;
use crate::told::Finding;

/// What the transaction of each call must be like, now and for ever.
pub(crate) fn judge(calls: &[Call], found: &BTreeMap<String, Option<Value>>) -> Vec<Finding> {
    calls.iter().filter_map(|call| one(call, found.get(&call.transaction)?.as_ref())).collect()
}

fn one(call: &Call, now: Option<&Value>) -> Option<Finding> {
    let broken = |promise: &'static str, what: &str| {
        let told = format!("called: {} of {} in {}", call.operation, call.branch, call.transaction);
        let found = now.map_or_else(|| "no such transaction".to_owned(), Value::to_string);
        Some(Finding { promise, what: what.to_owned(), told, found })
    };
    let Some(now) = now else {
        return broken("P1", "a participant was called for a transaction that was not kept");
    };
    let needed = match call.operation.as_str() {
        "confirm" => "confirm",
        "cancel" | "compensate" => "cancel",
        _ => return None,
    };
    if now["decision"] == needed {
        return None;
    }
    broken("P8", "a participant was called before, or against, the decision")
}

/// Every branch that ended by a call was called so.
pub(crate) fn effects(calls: &[Call], found: &BTreeMap<String, Option<Value>>) -> Vec<Finding> {
    let mut made: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for call in calls {
        made.entry((&call.transaction, &call.branch)).or_default().push(&call.operation);
    }
    let mut broken = Vec::new();
    for (id, now) in found.iter().filter_map(|(id, now)| Some((id, now.as_ref()?))) {
        for branch in now["branches"].as_array().into_iter().flatten().filter(|one| one["kind"] == "call") {
            let needed = match branch["state"].as_str().unwrap_or_default() {
                "confirmed" => "confirm",
                "cancelled" => "cancel",
                "done" => "action",
                "compensated" => "compensate",
                "delivered" => "deliver",
                _ => continue,
            };
            let seen = made.get(&(id.as_str(), branch["id"].as_str().unwrap_or_default()));
            // A branch that was never tried needs no cancel.
            let untried = needed != "confirm"
                && branch["attempts"]
                    .as_object()
                    .is_some_and(|all| all.values().all(|count| count.as_u64() == Some(0)));
            if !untried && !seen.is_some_and(|operations| operations.contains(&needed)) {
                broken.push(Finding {
                    promise: "P16",
                    what: format!("a branch of {id} ended as {} without its call", branch["state"]),
                    told: format!("{seen:?}"),
                    found: branch.to_string(),
                });
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Instant;

    use serde_json::json;

    use super::*;

    fn call(operation: &str) -> Call {
        Call {
            transaction: "t".into(),
            branch: "x".into(),
            operation: operation.into(),
            attempt: 1,
            path: String::new(),
            headers: HashMap::new(),
            text: String::new(),
            body: Value::Null,
            at: Instant::now(),
        }
    }

    fn now(decision: &str, state: &str) -> BTreeMap<String, Option<Value>> {
        let branch = json!({ "id": "x", "kind": "call", "state": state, "attempts": { "try": 1 } });
        [("t".to_owned(), Some(json!({ "decision": decision, "branches": [branch] })))].into()
    }

    #[test]
    fn a_call_without_or_against_a_kept_decision_is_found() {
        let calls = [call("try"), call("confirm")];
        assert_eq!(judge(&calls, &now("confirm", "confirmed")), []);
        assert_eq!(judge(&calls, &now("cancel", "cancelled"))[0].promise, "P8");
        assert_eq!(judge(&calls, &[("t".to_owned(), None)].into()).len(), 2);
    }

    #[test]
    fn a_branch_that_ended_without_its_call_is_found() {
        assert_eq!(effects(&[call("try"), call("confirm")], &now("confirm", "confirmed")), []);
        assert_eq!(effects(&[call("try")], &now("confirm", "confirmed")).len(), 1);
    }
}
