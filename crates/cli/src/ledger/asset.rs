//! `tercet ledger asset`: declares and lists assets.

use clap::Subcommand;
use serde_json::json;

use super::Desk;
use crate::ask::post;
use crate::pages::Listing;
use crate::terminal::{Told, card, rows, words};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Declare an asset; the same again changes nothing
    Declare {
        /// Its code: EUR, points, sku:4711
        code: String,
        /// Digits behind the point: 2 for cents, 0 for pieces
        #[arg(long)]
        scale: u8,
    },
    /// All assets
    List,
}

/// What to print.
pub(super) fn told(desk: &Desk<'_>, verb: &Verb) -> Told {
    match verb {
        Verb::Declare { code, scale } => {
            let question = post("/v1/assets".to_owned(), &json!({ "code": code, "scale": scale }));
            desk.ask(&question, |body| card(&format!("asset {}", words(&body["code"])), &["scale"], body))
        }
        Verb::List => {
            let listing = Listing { path: "/v1/assets", filters: Vec::new(), most: usize::MAX, cursor: None };
            desk.list(listing, |pages| rows(&["code", "scale"], &pages.items()))
        }
    }
}
