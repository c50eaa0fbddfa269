//! Changes by hand: who makes them and why, under which id, and what came of them.
//!
//! An id is made here when none is given, and told when the answer gets lost: the same words with `--id` are safe then.
//! Read next: `entry.rs`, which uses all of it.

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::Desk;
use crate::ask::{Question, judged, post};
use crate::terminal::{Style, Told, table, words};

/// Who changes something, and why. Kept with the change for ever.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Cause {
    /// Who does it [default: your user name]
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Why, in words
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Cause {
    /// As the API takes it.
    pub(super) fn json(&self) -> Value {
        let operator = self.operator.clone().unwrap_or_else(user);
        match &self.reason {
            Some(reason) => json!({ "operator": operator, "reason": reason }),
            None => json!({ "operator": operator }),
        }
    }
}

/// The name of whoever sits at the terminal, made fit to be an id.
fn user() -> String {
    let name = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    let name: String = name.chars().map(|it| if is_id_character(it) { it } else { '_' }).take(128).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

fn is_id_character(seen: char) -> bool {
    seen.is_ascii_alphanumeric() || "._:/-".contains(seen)
}

/// Until when something holds.
#[derive(Clone, Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct Expiry {
    /// It expires so many milliseconds from now
    #[arg(long, value_name = "MS")]
    expires_in_ms: Option<u64>,
    /// It expires then (RFC 3339)
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

impl Expiry {
    /// Puts it where the API expects it.
    pub(super) fn put(&self, body: &mut Value) {
        if let Some(ms) = self.expires_in_ms {
            body["expires_in_ms"] = json!(ms);
        }
        if let Some(time) = &self.expires_at {
            body["expires_at"] = json!(time);
        }
    }
}

/// The id of a change: as given, or a new one that says where it came from.
pub(super) fn id(given: Option<&String>) -> String {
    given.cloned().unwrap_or_else(|| format!("by-hand:{:016x}", fastrand::u64(..)))
}

/// Whether a batch is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// For good.
    Real,
    /// To see what would happen.
    Dry,
}

impl Desk<'_> {
    /// Asks for a change under this id; a fault names the id to repeat it with.
    pub(super) fn change(&self, id: &str, question: &Question, show: impl FnOnce(&Value) -> String) -> Told {
        self.ask(question, show).with_context(|| format!("nobody knows yet; `--id {id}` repeats it safely"))
    }

    /// Sends one member as a batch of its own to `path`, in the list `list`, and tells what became of it.
    pub(super) fn member(&self, (path, list): (&str, &str), member: &Value, run: Run) -> Told {
        let id = words(&member["id"]);
        let mut body = Map::new();
        body.insert(list.to_owned(), json!([member]));
        if run == Run::Dry {
            body.insert("dry_run".to_owned(), json!(true));
        }
        let question = post(path.to_owned(), &Value::Object(body));
        let reply = self
            .server
            .ask(&question)
            .with_context(|| format!("nobody knows yet; `--id {id}` repeats it safely"))?;
        let reply = match judged(&reply) {
            Ok(reply) => reply,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let result = &reply.body["results"][0];
        if let Some(code) = result["refusal"]["code"].as_str() {
            return Ok(Err(format!("{code}: {}", words(&result["refusal"]["detail"]))));
        }
        Ok(Ok(match self.style {
            Style::Json => reply.text.clone(),
            Style::Table => outcome(result, run),
        }))
    }
}

fn outcome(result: &Value, run: Run) -> String {
    let mut table = table(&["id", "outcome", "amount"]);
    table.add_row(["id", "outcome", "amount"].map(|name| words(&result[name])));
    let note = if run == Run::Dry { "\n(a dry run: nothing was kept)" } else { "" };
    format!("{}{note}", table.trim_fmt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_names_an_operator_always() {
        let cause = Cause { operator: Some("eve".into()), reason: None };
        assert_eq!(cause.json(), json!({ "operator": "eve" }));
        let cause = Cause { operator: None, reason: Some("lost parcel".into()) };
        let operator = cause.json()["operator"].as_str().unwrap().to_owned();
        assert!(!operator.is_empty() && operator.chars().all(is_id_character), "{operator}");
    }

    #[test]
    fn an_outcome_is_one_row() {
        let result = json!({"id": "e-1", "outcome": "posted", "amount": "5", "refusal": null});
        let text = outcome(&result, Run::Dry);
        assert!(
            text.contains("e-1") && text.contains("posted") && text.ends_with("nothing was kept)"),
            "{text}"
        );
        assert_ne!(id(None), id(None));
    }
}
