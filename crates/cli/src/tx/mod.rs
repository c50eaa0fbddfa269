//! `tercet tx`: looks at transactions of a running server, and decides, signals or retries them by hand.
//!
//! It is a caller like any other: it goes through the HTTP API and touches no data folder.
//! Read next: `list.rs`, `show.rs` for what a person sees.

mod list;
mod show;

#[cfg(feature = "databases")]
pub(crate) use show::timeline;

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use crate::ask::{Question, Server, get, judged, post, query, segment};
use crate::terminal::{Style, Told, tell};

/// Arguments of `tercet tx`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: Server,
    /// Print the server's JSON instead of a table
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Transactions, newest first
    List(list::Args),
    /// One transaction with its branches
    Show {
        /// The transaction's id
        id: String,
        /// Wait until it is final, at most so long
        #[arg(long, value_name = "MS")]
        wait_ms: Option<u64>,
    },
    /// Everything that was kept about a transaction, in order, in words
    Timeline {
        /// The transaction's id
        id: String,
    },
    /// Begin a transaction from a JSON file, or from standard input
    Begin {
        /// The file; `-` is standard input
        #[arg(default_value = "-")]
        file: String,
    },
    /// Confirm an interactive transaction; submit a prepared message
    Confirm(Decide),
    /// Cancel an interactive transaction, abort a message, withdraw a managed one that is not decided
    Cancel(Decide),
    /// Try again now, and clear the attention mark
    Retry {
        /// The transaction's id
        id: String,
    },
    /// Give a transaction up by force: it is final as it stands, and nothing more is called
    Stop {
        /// The transaction's id
        id: String,
        /// Why, for the timeline
        #[arg(long)]
        detail: Option<String>,
    },
    /// Tell an await branch what became of the fact it waits for
    Signal {
        /// The transaction's id
        id: String,
        /// The branch's id
        branch: String,
        /// What happened
        outcome: Outcome,
        /// JSON to keep as the branch's result
        #[arg(long, value_name = "JSON", value_parser = json_text)]
        result: Option<Value>,
    },
}

/// Arguments of confirm and cancel.
#[derive(Debug, clap::Args)]
struct Decide {
    /// The transaction's id
    id: String,
    /// Why, for the timeline
    #[arg(long)]
    detail: Option<String>,
    /// Wait until it is final, at most so long
    #[arg(long, value_name = "MS")]
    wait_ms: Option<u64>,
}

/// The outside fact of an await branch.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Outcome {
    Done,
    Refused,
}

fn json_text(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

/// Runs `tercet tx`.
pub(crate) fn run(args: &Args) -> ExitCode {
    tell(told(args))
}

fn told(args: &Args) -> Told {
    let server = &args.server;
    let shown = match &args.verb {
        Verb::List(filter) => return list::told(server, filter, style(args)),
        Verb::Timeline { id } => return show::timeline(server, id, style(args)),
        Verb::Show { id, wait_ms } => {
            let wait: Vec<_> = wait_ms.iter().map(|ms| ("wait_ms".to_owned(), ms.to_string())).collect();
            server.ask(&get(format!("/v1/transactions/{}{}", segment(id), query(&wait))))?
        }
        Verb::Begin { file } => server.ask(&post("/v1/transactions".to_owned(), &read(file)?))?,
        Verb::Confirm(decide) => server.ask(&decision(decide, "confirm"))?,
        Verb::Cancel(decide) => server.ask(&decision(decide, "cancel"))?,
        Verb::Stop { id, detail } => {
            let body = detail.as_ref().map_or_else(|| json!({}), |detail| json!({ "detail": detail }));
            server.ask(&post(format!("/v1/transactions/{}/stop", segment(id)), &body))?
        }
        Verb::Retry { id } => {
            server.ask(&post(format!("/v1/transactions/{}/retry", segment(id)), &json!({})))?
        }
        Verb::Signal { id, branch, outcome, result } => {
            server.ask(&signal(id, branch, (*outcome, result)))?
        }
    };
    Ok(judged(&shown).map(|reply| match style(args) {
        Style::Json => reply.text.clone(),
        Style::Table => show::transaction(&reply.body),
    }))
}

fn style(args: &Args) -> Style {
    if args.json { Style::Json } else { Style::Table }
}

fn read(file: &str) -> anyhow::Result<Value> {
    let text =
        if file == "-" { std::io::read_to_string(std::io::stdin())? } else { std::fs::read_to_string(file)? };
    Ok(serde_json::from_str(&text)?)
}

fn decision(decide: &Decide, verb: &str) -> Question {
    let mut body = Map::new();
    if let Some(detail) = &decide.detail {
        body.insert("detail".to_owned(), json!(detail));
    }
    if let Some(wait_ms) = decide.wait_ms {
        body.insert("wait_ms".to_owned(), json!(wait_ms));
    }
    post(format!("/v1/transactions/{}/{verb}", segment(&decide.id)), &Value::Object(body))
}

fn signal(id: &str, branch: &str, (outcome, result): (Outcome, &Option<Value>)) -> Question {
    let word = match outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
    };
    let mut body = json!({ "outcome": word });
    if let Some(result) = result {
        body["result"] = result.clone();
    }
    post(format!("/v1/transactions/{}/branches/{}/signal", segment(id), segment(branch)), &body)
}
