//! What a told object promises about every later one of the same transaction.

use serde_json::Value;

/// Fails unless `now` can follow `fact`.
pub fn judge(fact: &Value, now: &Value) {
    let broken = |what: &str| panic!("{what}\ntold: {fact:#}\nnow: {now:#}");
    if now["seq"].as_u64() < fact["seq"].as_u64() {
        broken("an event that was told is gone");
    }
    for name in ["id", "pattern", "mode", "labels", "created_at", "deadline_at"] {
        if now[name] != fact[name] {
            broken(name);
        }
    }
    for name in ["decision", "reason", "cooling_until", "finished_at"] {
        if !fact[name].is_null() && now[name] != fact[name] {
            broken(name);
        }
    }
    if fact["finished_at"].is_string() && now["state"] != fact["state"] {
        broken("a final state changed");
    }
    let (told, branches) = (fact["branches"].as_array().unwrap(), now["branches"].as_array().unwrap());
    if branches.len() < told.len() {
        broken("a registered branch is gone");
    }
    for (told, branch) in told.iter().zip(branches) {
        if branch["id"] != told["id"] || branch["kind"] != told["kind"] {
            broken("a registered branch is another one");
        }
        if !told["result"].is_null() && branch["result"] != told["result"] {
            broken("a result changed");
        }
        let settled = ["tried", "refused", "confirmed", "cancelled", "done", "delivered", "compensated"];
        if settled.contains(&told["state"].as_str().unwrap()) && branch["state"] == "trying" {
            broken("a branch went back");
        }
        for (operation, count) in told["attempts"].as_object().unwrap() {
            if branch["attempts"][operation].as_u64() < count.as_u64() {
                broken("an attempt that was told is gone");
            }
        }
    }
}
