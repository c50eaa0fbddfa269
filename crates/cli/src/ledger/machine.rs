//! `tercet ledger machine`: declares machines of a file at a running server, and shows what is declared there.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::Value;

use super::Desk;
use crate::ask::{get, post_text, query, segment};
use crate::machine::file;
use crate::terminal::{Told, card, table, words};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Declare the machine of a file; the same again changes nothing, another one of this name is its next version
    Declare {
        /// A TOML or JSON file
        file: PathBuf,
    },
    /// A machine: its newest version, or another
    Show {
        /// The machine's name
        name: String,
        /// Another version than the newest
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
        /// Draw it: Mermaid text
        #[arg(long)]
        diagram: bool,
    },
}

/// What to print.
pub(super) fn told(desk: &Desk<'_>, verb: &Verb) -> Told {
    match verb {
        Verb::Declare { file } => match file::read(file).and_then(file::Text::into_json) {
            Ok(json) => desk.ask(&post_text("/v1/machines".to_owned(), json), |body| {
                card(&format!("machine {}", words(&body["name"])), &["version", "outcome"], body)
            }),
            Err(unreadable) => Ok(Err(unreadable.to_string())),
        },
        Verb::Show { name, version, diagram } => {
            let version: Vec<_> = version.iter().map(|it| ("version".to_owned(), it.to_string())).collect();
            let question = get(format!("/v1/machines/{}{}", segment(name), query(&version)));
            if *diagram {
                // Its lines are its own: no control characters come out of names.
                return desk.ask(&question, |body| {
                    body["diagram"].as_str().unwrap_or_default().trim_end().to_owned()
                });
            }
            desk.ask(&question, shown)
        }
    }
}

fn shown(body: &Value) -> String {
    let mut table = table(&["move", "from", "to", "guards"]);
    for (name, step) in body["moves"].as_object().into_iter().flatten() {
        let from: Vec<_> = step["from"].as_array().into_iter().flatten().map(words).collect();
        let guards: Vec<_> = step["guard"].as_array().into_iter().flatten().map(words).collect();
        table.add_row([name.clone(), from.join(", "), words(&step["to"]), guards.join(", ")]);
    }
    let head = card(&format!("machine {}", words(&body["name"])), &["version", "initial"], body);
    format!("{head}\n{}", table.trim_fmt())
}
