//! `tercet ledger hold`: places holds and ends them by hand. Those of a transaction's branch end with it, not here.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Desk;
use super::by_hand::{self, Cause, Expiry, Run};
use super::statement::why;
use crate::ask::{get, post, segment};
use crate::pages::Listing;
use crate::terminal::{Told, card, table, words};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Hold value of one account for another
    Place(Place),
    /// A hold as it stands
    Show {
        /// The hold's id
        id: String,
    },
    /// Take what is held, wholly or in part
    Capture {
        /// The hold's id
        hold: String,
        /// How much [default: all that is left]
        #[arg(long)]
        amount: Option<String>,
        /// The id of this capture; one is made if none is given
        #[arg(long)]
        id: Option<String>,
        #[command(flatten)]
        cause: Cause,
    },
    /// Give back what is left of it
    Release {
        /// The hold's id
        hold: String,
        #[command(flatten)]
        cause: Cause,
    },
    /// Hold again what an expired hold had left, if it is still there
    Reopen {
        /// The hold's id
        hold: String,
        /// The id of this change; one is made if none is given
        #[arg(long)]
        id: Option<String>,
        #[command(flatten)]
        expiry: Expiry,
        #[command(flatten)]
        cause: Cause,
    },
    /// Everything that happened to it
    History {
        /// The hold's id
        id: String,
    },
}

/// A hold.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The account in which it is held
    #[arg(long, value_name = "ACCOUNT")]
    from: String,
    /// The account that a capture credits
    #[arg(long, value_name = "ACCOUNT")]
    to: String,
    /// How much
    #[arg(long)]
    amount: String,
    /// Its id; one is made if none is given
    #[arg(long)]
    id: Option<String>,
    /// As much as is there will do
    #[arg(long)]
    up_to: bool,
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
    match verb {
        Verb::Place(place) => {
            let run = if place.dry_run { Run::Dry } else { Run::Real };
            desk.member(("/v1/holds", "holds"), &member(place), run)
        }
        Verb::Show { id } => desk.ask(&get(format!("/v1/holds/{}", segment(id))), shown),
        Verb::Capture { hold, amount, id, cause } => {
            let id = by_hand::id(id.as_ref());
            let body = json!({ "id": id, "amount": amount, "cause": cause.json() });
            desk.change(&id, &post(format!("/v1/holds/{}/capture", segment(hold)), &body), shown)
        }
        Verb::Release { hold, cause } => {
            let body = json!({ "cause": cause.json() });
            desk.ask(&post(format!("/v1/holds/{}/release", segment(hold)), &body), shown)
        }
        Verb::Reopen { hold, id, expiry, cause } => {
            let id = by_hand::id(id.as_ref());
            let mut body = json!({ "id": id, "cause": cause.json() });
            expiry.put(&mut body);
            desk.change(&id, &post(format!("/v1/holds/{}/reopen", segment(hold)), &body), shown)
        }
        Verb::History { id } => {
            let path = format!("/v1/holds/{}/history", segment(id));
            let listing = Listing { path: &path, filters: Vec::new(), most: usize::MAX, cursor: None };
            desk.list(listing, |pages| steps(&pages.items()))
        }
    }
}

fn member(place: &Place) -> Value {
    let mut member = json!({
        "id": by_hand::id(place.id.as_ref()), "from": place.from, "to": place.to, "amount": place.amount,
        "cause": place.cause.json(),
    });
    if place.up_to {
        member["up_to"] = json!(true);
    }
    place.expiry.put(&mut member);
    member
}

fn shown(body: &Value) -> String {
    const FIELDS: &[&str] =
        &["state", "from", "to", "asset", "amount", "captured", "left", "expires_at", "owned"];
    card(&format!("hold {}", words(&body["id"])), FIELDS, body)
}

fn steps(items: &[Value]) -> String {
    let mut table = table(&["at", "event", "amount", "id", "why"]);
    for step in items {
        let cells = ["at", "event", "amount", "operation"].map(|name| words(&step[name]));
        table.add_row(cells.into_iter().chain([why(&step["cause"])]));
    }
    table.trim_fmt()
}
