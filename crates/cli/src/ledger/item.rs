//! `tercet ledger item`: creates, shows and moves unique things.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::Desk;
use super::by_hand::{self, Cause, Run};
use super::statement::why;
use crate::ask::{get, post, segment};
use crate::pages::Listing;
use crate::terminal::{Told, card, table, words};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Create an item in the first state of its machine
    Create(Create),
    /// An item as it stands
    Show {
        /// The item's id
        id: String,
    },
    /// Move an item by a declared move
    Move(Move),
    /// Everything that happened to it
    History {
        /// The item's id
        id: String,
    },
}

/// An item.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// Its id
    id: String,
    /// The name of its machine
    #[arg(long, value_name = "NAME")]
    machine: String,
    /// Whose it is
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
    /// An attribute: KEY=TEXT, or KEY:=JSON for a whole number, true or false; may be given several times
    #[arg(long, value_name = "KEY=TEXT", value_parser = named_value)]
    attribute: Vec<(String, Value)>,
    #[command(flatten)]
    cause: Cause,
}

/// A move.
#[derive(Debug, clap::Args)]
pub(super) struct Move {
    /// The item's id
    item: String,
    /// The move's name
    name: String,
    /// The id of this change; one is made if none is given
    #[arg(long)]
    id: Option<String>,
    /// On whose behalf
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
    /// What guards compare attributes with: KEY=TEXT, or KEY:=JSON; may be given several times
    #[arg(long, value_name = "KEY=TEXT", value_parser = named_value)]
    argument: Vec<(String, Value)>,
    #[command(flatten)]
    cause: Cause,
}

fn named_value(text: &str) -> Result<(String, Value), String> {
    if let Some((key, value)) = text.split_once(":=") {
        let value = serde_json::from_str(value).map_err(|error| format!("not JSON: {error}"))?;
        return Ok((key.to_owned(), value));
    }
    let (key, value) = text.split_once('=').ok_or("neither KEY=TEXT nor KEY:=JSON")?;
    Ok((key.to_owned(), json!(value)))
}

/// What to print.
pub(super) fn told(desk: &Desk<'_>, verb: &Verb) -> Told {
    match verb {
        Verb::Create(create) => desk.member(("/v1/items", "items"), &member(create), Run::Real),
        Verb::Show { id } => desk.ask(&get(format!("/v1/items/{}", segment(id))), shown),
        Verb::Move(step) => {
            let id = by_hand::id(step.id.as_ref());
            let path = format!("/v1/items/{}/moves", segment(&step.item));
            desk.change(&id, &post(path, &movement(step, &id)), shown)
        }
        Verb::History { id } => {
            let path = format!("/v1/items/{}/history", segment(id));
            let listing = Listing { path: &path, filters: Vec::new(), most: usize::MAX, cursor: None };
            desk.list(listing, |pages| steps(&pages.items()))
        }
    }
}

fn member(create: &Create) -> Value {
    let mut member = json!({ "id": create.id, "machine": create.machine, "cause": create.cause.json() });
    if let Some(owner) = &create.owner {
        member["owner"] = json!(owner);
    }
    put(&mut member, "attributes", &create.attribute);
    member
}

fn movement(step: &Move, id: &str) -> Value {
    let mut body = json!({ "id": id, "move": step.name, "cause": step.cause.json() });
    if let Some(owner) = &step.owner {
        body["owner"] = json!(owner);
    }
    put(&mut body, "arguments", &step.argument);
    body
}

fn put(body: &mut Value, name: &str, values: &[(String, Value)]) {
    if !values.is_empty() {
        body[name] = Value::Object(values.iter().cloned().collect::<Map<_, _>>());
    }
}

fn shown(body: &Value) -> String {
    const FIELDS: &[&str] =
        &["machine", "version_of_machine", "state", "final", "owner", "due_at", "held", "version"];
    let mut text = card(&format!("item {}", words(&body["id"])), FIELDS, body);
    for (key, value) in body["attributes"].as_object().into_iter().flatten() {
        text.push_str(&format!("\n  {:<14} {}", format!("· {key}"), words(value)));
    }
    text
}

fn steps(items: &[Value]) -> String {
    let mut table = table(&["at", "event", "move", "from", "to", "id", "why"]);
    for step in items {
        let cells = ["at", "event", "move", "from", "to", "operation"].map(|name| words(&step[name]));
        table.add_row(cells.into_iter().chain([why(&step["cause"])]));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_texts_unless_said_otherwise() {
        assert_eq!(named_value("min=5"), Ok(("min".into(), json!("5"))));
        assert_eq!(named_value("min:=5"), Ok(("min".into(), json!(5))));
        assert_eq!(named_value("a:b=true"), Ok(("a:b".into(), json!("true"))));
        assert_eq!(named_value("vip:=true"), Ok(("vip".into(), json!(true))));
        assert!(named_value("min").is_err() && named_value("min:=x").is_err());
    }
}
