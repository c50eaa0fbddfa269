//! `tercet ledger entry`: posts an entry by hand.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Desk;
use super::by_hand::{self, Cause, Expiry, Run};
use crate::terminal::Told;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Post an entry: value goes from one account to another of the same asset
    Post(Post),
}

/// An entry.
#[derive(Debug, clap::Args)]
pub(super) struct Post {
    /// The account it comes from
    #[arg(long, value_name = "ACCOUNT")]
    from: String,
    /// The account it goes to
    #[arg(long, value_name = "ACCOUNT")]
    to: String,
    /// How much, such as 12.50
    #[arg(long)]
    amount: String,
    /// Its id; one is made if none is given
    #[arg(long)]
    id: Option<String>,
    /// As much as is there will do
    #[arg(long)]
    up_to: bool,
    /// What this one gives back, wholly or in part: an entry, a captured hold, or HOLD/CAPTURE
    #[arg(long, value_name = "ID")]
    refunds: Option<String>,
    /// Only tell what would happen
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    expiry: Expiry,
    #[command(flatten)]
    cause: Cause,
}

/// What to print.
pub(super) fn told(desk: &Desk<'_>, verb: &Verb) -> Told {
    let Verb::Post(post) = verb;
    let run = if post.dry_run { Run::Dry } else { Run::Real };
    desk.member(("/v1/entries", "entries"), &member(post), run)
}

fn member(post: &Post) -> Value {
    let mut member = json!({
        "id": by_hand::id(post.id.as_ref()), "from": post.from, "to": post.to, "amount": post.amount,
        "cause": post.cause.json(),
    });
    if post.up_to {
        member["up_to"] = json!(true);
    }
    if let Some(refunds) = &post.refunds {
        member["refunds"] = json!(refunds);
    }
    post.expiry.put(&mut member);
    member
}
