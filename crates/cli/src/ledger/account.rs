//! `tercet ledger account`: opens, shows, lists and adjusts accounts.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::by_hand::{self, Cause, Run};
use super::{Desk, pair};
use crate::ask::{get, post, query, segment};
use crate::pages::Listing;
use crate::terminal::{Told, card, plain, rows, words};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Open an account; the same again changes nothing
    Open(Open),
    /// An account as it stands, or as it stood
    Show {
        /// The account's id
        id: String,
        /// As it stood then (RFC 3339)
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Accounts, by id
    List {
        /// Only those whose id begins so
        #[arg(long)]
        prefix: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Change an account's floor, ceiling or standing
    Adjust(Adjust),
}

/// What an account is opened with.
#[derive(Debug, clap::Args)]
pub(super) struct Open {
    /// Its id: user:42:points
    id: String,
    /// The code of its asset
    #[arg(long, value_name = "CODE")]
    asset: String,
    /// The least that may be available: zero, none (issuers, merchants, sinks), or an amount such as -100.00
    #[arg(long, default_value = "zero", value_name = "zero|none|AMOUNT", allow_hyphen_values = true)]
    floor: String,
    /// The most that may come in
    #[arg(long, value_name = "AMOUNT")]
    ceiling: Option<String>,
    /// Keep lots, which can expire; what expires goes to this account
    #[arg(long, value_name = "SINK")]
    lots: Option<String>,
    #[command(flatten)]
    cause: Cause,
}

/// What is changed; what is not given stays.
#[derive(Debug, clap::Args)]
pub(super) struct Adjust {
    /// The account's id
    account: String,
    /// Its new floor
    #[arg(long, value_name = "zero|none|AMOUNT", allow_hyphen_values = true)]
    floor: Option<String>,
    /// Its new ceiling
    #[arg(long, value_name = "AMOUNT|none")]
    ceiling: Option<String>,
    /// Whether it takes part
    #[arg(long)]
    standing: Option<Standing>,
    /// The id of this change; one is made if none is given
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    cause: Cause,
}

/// Whether an account takes part.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Standing {
    Active,
    /// No new entries and holds; open holds may still be captured and released
    Frozen,
    /// Empty, and no longer used
    Closed,
}

/// What to print.
pub(super) fn told(desk: &Desk<'_>, verb: &Verb) -> Told {
    match verb {
        Verb::Open(open) => desk.member(("/v1/accounts", "accounts"), &opening(open), Run::Real),
        Verb::Show { id, at } => {
            let at: Vec<_> = pair("at", at.as_ref()).into_iter().collect();
            desk.ask(&get(format!("/v1/accounts/{}{}", segment(id), query(&at))), shown)
        }
        Verb::List { prefix, limit } => {
            let filters = pair("prefix", prefix.as_ref()).into_iter().collect();
            let listing = Listing { path: "/v1/accounts", filters, most: *limit, cursor: None };
            desk.list(listing, |pages| {
                let more = if pages.next.is_some() { "\nmore with a larger --limit" } else { "" };
                let columns = ["id", "asset", "posted", "held", "available", "incoming", "floor", "standing"];
                format!("{}{more}", rows(&columns, &pages.items()))
            })
        }
        Verb::Adjust(adjust) => {
            let id = by_hand::id(adjust.id.as_ref());
            let path = format!("/v1/accounts/{}/adjust", segment(&adjust.account));
            desk.change(&id, &post(path, &adjustment(adjust, &id)), shown)
        }
    }
}

fn opening(open: &Open) -> Value {
    let mut member =
        json!({ "id": open.id, "asset": open.asset, "floor": open.floor, "cause": open.cause.json() });
    if let Some(ceiling) = &open.ceiling {
        member["ceiling"] = json!(ceiling);
    }
    if let Some(sink) = &open.lots {
        member["lots"] = json!({ "sink": sink });
    }
    member
}

fn adjustment(adjust: &Adjust, id: &str) -> Value {
    let mut body = json!({ "id": id, "cause": adjust.cause.json() });
    if let Some(floor) = &adjust.floor {
        body["floor"] = json!(floor);
    }
    match adjust.ceiling.as_deref() {
        None => {}
        Some("none") => body["ceiling"] = Value::Null,
        Some(ceiling) => body["ceiling"] = json!(ceiling),
    }
    if let Some(standing) = adjust.standing {
        body["standing"] = json!(match standing {
            Standing::Active => "active",
            Standing::Frozen => "frozen",
            Standing::Closed => "closed",
        });
    }
    body
}

/// An account in words, its lots below.
pub(super) fn shown(body: &Value) -> String {
    const FIELDS: &[&str] =
        &["asset", "posted", "held", "available", "incoming", "floor", "ceiling", "standing", "version"];
    let mut text = card(&format!("account {}", words(&body["id"])), FIELDS, body);
    if let Some(sink) = body["lots"]["sink"].as_str() {
        text.push_str(&format!("\n  {:<14} what expires goes to {}", "lots", plain(sink)));
    }
    if let Some(lots) = body["lots"]["open"].as_array().filter(|lots| !lots.is_empty()) {
        text.push_str(&format!("\n{}", rows(&["expires_at", "free", "held"], lots)));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Words {
        #[command(subcommand)]
        verb: Verb,
    }

    fn read(words: &[&str]) -> Verb {
        Words::parse_from([&["account"], words].concat()).verb
    }

    #[test]
    fn opening_and_adjusting_send_what_was_said_and_no_more() {
        let Verb::Open(open) =
            read(&["open", "a", "--asset", "EUR", "--floor", "-5.00", "--operator", "eve"])
        else {
            panic!("open")
        };
        let member = opening(&open);
        assert_eq!(
            member,
            json!({"id": "a", "asset": "EUR", "floor": "-5.00", "cause": {"operator": "eve"}})
        );
        let Verb::Adjust(adjust) =
            read(&["adjust", "a", "--ceiling", "none", "--standing", "frozen", "--operator", "eve"])
        else {
            panic!("adjust")
        };
        let body = adjustment(&adjust, "x");
        let wanted = json!({"id": "x", "ceiling": null, "standing": "frozen", "cause": {"operator": "eve"}});
        assert_eq!(body, wanted);
    }
}
