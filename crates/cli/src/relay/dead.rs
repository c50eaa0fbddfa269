//! `tercet relay dead`: messages that wait for a person.

use clap::Subcommand;
use participant::database::Dialect;
use participant::outbox::{self, Outbox, Trail};
use serde_json::{Value, json};

use crate::terminal::{Told, rows};

use super::trail::time;

/// Dead letters read at a time.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Which there are, oldest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Send them again, with a new budget; each keeps a note of who decided it
    Replay(Which),
    /// Never send them; each keeps a note of who decided it until it is purged
    Drop(Which),
}

/// Which, and who says so.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Ids of messages
    #[arg(required_unless_present = "all")]
    ids: Vec<String>,
    /// All that are dead letters now
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Who decides it, for the note [variable: USER]
    #[arg(long, env = "USER", hide_env = true, default_value = "somebody")]
    by: String,
}

pub(super) async fn told<D: Dialect>(outbox: &Outbox<D>, verb: &Verb) -> Told {
    match verb {
        Verb::List { limit } => {
            let letters = outbox.dead(0, *limit).await?;
            let items: Vec<_> = letters.iter().map(item).collect();
            let fields = ["message", "key", "destination", "attempts", "since", "last_error"];
            Ok(Ok(rows(&fields, &items)))
        }
        Verb::Replay(which) => settle(outbox, which, outbox::Verb::Replay).await,
        Verb::Drop(which) => settle(outbox, which, outbox::Verb::Drop).await,
    }
}

fn item(letter: &Trail) -> Value {
    json!({
        "message": letter.message_id,
        "key": letter.key,
        "destination": letter.destination,
        "attempts": letter.attempts,
        "since": time(letter.created_ms),
        "last_error": letter.last_error,
    })
}

async fn settle<D: Dialect>(outbox: &Outbox<D>, which: &Which, verb: outbox::Verb) -> Told {
    let (mut settled, mut unknown) = (0, Vec::new());
    if which.all {
        let mut after = 0;
        loop {
            let page = outbox.dead(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for letter in &page {
                settled += u32::from(outbox.settle(letter, verb, &which.by).await?);
            }
        }
    }
    for id in &which.ids {
        let is_settled = match outbox.trail(id).await? {
            Some(letter) => outbox.settle(&letter, verb, &which.by).await?,
            None => false,
        };
        if is_settled {
            settled += 1;
        } else {
            unknown.push(id.as_str());
        }
    }
    let did = match verb {
        outbox::Verb::Replay => format!("{settled} to be sent again"),
        outbox::Verb::Drop => format!("{settled} dropped"),
    };
    Ok(if unknown.is_empty() {
        Ok(did)
    } else {
        Err(format!("{did}; no dead letter: {}", unknown.join(", ")))
    })
}
