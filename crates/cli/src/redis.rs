//! `tercet redis`: has a running server fill a Redis resource anew from its journal, and says how it stands.
//!
//! A caller like any other: it goes through the HTTP API, and never speaks to Redis.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::ask::{Server, get, judged, post, segment};
use crate::terminal::{Told, tell};

/// Arguments of `tercet redis`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Fill a resource anew from the journal; its calls wait meanwhile
    Rebuild {
        /// The resource's name
        resource: String,
    },
    /// Whether calls go to a resource, and its counters beside what the journal says
    Show {
        /// The resource's name
        resource: String,
    },
}

/// Runs `tercet redis`.
pub(crate) fn run(args: &Args) -> ExitCode {
    tell(told(args))
}

fn told(args: &Args) -> Told {
    let path = |resource: &str| format!("/v1/resources/{}", segment(resource));
    let reply = match &args.verb {
        Verb::Rebuild { resource } => {
            args.server.ask(&post(format!("{}/rebuild", path(resource)), &json!({})))?
        }
        Verb::Show { resource } => args.server.ask(&get(path(resource)))?,
    };
    Ok(judged(&reply).map(|reply| shown(&reply.body)))
}

/// A line for the resource and one for each counter.
fn shown(body: &Value) -> String {
    let stands = &body["stands"];
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let mut text = format!("{} {}", word(&body["name"]), word(&stands["state"]));
    if let Some(why) = stands["why"].as_str() {
        text.push_str(&format!(": {why}"));
    }
    for line in stands["counters"].as_array().into_iter().flatten() {
        text.push_str(&format!("\n{}", word(&line["counter"])));
        for name in ["available", "reserved", "sold", "drift"] {
            text.push_str(&format!(" {name} {}", line[name]));
        }
    }
    text.push('\n');
    text
}
