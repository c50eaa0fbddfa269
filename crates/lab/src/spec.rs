//! Requests as tests write them: a transaction with quick retries, and what a test adds to it.
#![allow(clippy::needless_pass_by_value, reason = "a test reads better when it hands over what it makes")]

use serde_json::{Value, json};

/// A managed TCC transaction.
pub fn tcc<const N: usize>(id: &str, branches: [Value; N]) -> Value {
    transaction("tcc", id, branches.to_vec())
}

/// A saga, its branches in order.
pub fn saga<const N: usize>(id: &str, branches: [Value; N]) -> Value {
    transaction("saga", id, branches.to_vec())
}

/// A message that is submitted at once.
pub fn message<const N: usize>(id: &str, branches: [Value; N]) -> Value {
    transaction("message", id, branches.to_vec())
}

/// An `await` branch.
pub fn awaited(branch: &str) -> Value {
    json!({ "id": branch, "kind": "await" })
}

/// `value` with these fields added, or changed.
pub fn with(mut value: Value, fields: Value) -> Value {
    for (name, field) in fields.as_object().into_iter().flatten() {
        value[name] = field.clone();
    }
    value
}

/// Retries are quick, so that a test sees several of them.
fn transaction(pattern: &str, id: &str, branches: Vec<Value>) -> Value {
    json!({
        "id": id, "pattern": pattern, "branches": branches,
        "retry": { "initial_ms": 20, "max_ms": 100, "attention_after": 3 },
    })
}
