//! `tercet ledger history`: what happened to an account, an item or a hold, told in sentences in the order of time.
//!
//! Support's one question. It tells what the server's histories say and adds nothing. Read next: `story.rs`.

use super::Desk;
use super::story;
use crate::ask::{get, judged, segment};
use crate::pages::{Listing, Pages};
use crate::terminal::{Style, Told};

/// Whose history.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The id of an account, an item or a hold
    id: String,
}

/// A noun, its path, its list below that, and what tells a line of it.
type Kind = (&'static str, &'static str, fn(&[serde_json::Value]) -> Vec<String>);

const KINDS: &[Kind] = &[
    ("accounts", "entries", story::of_account),
    ("items", "history", story::of_item),
    ("holds", "history", story::of_hold),
];

/// What to print: the first of account, item and hold that has this id.
pub(super) fn told(desk: &Desk<'_>, args: &Args) -> Told {
    let id = segment(&args.id);
    for (noun, list, tell) in KINDS {
        let reply = desk.server.ask(&get(format!("/v1/{noun}/{id}")))?;
        if reply.status == 404 {
            continue;
        }
        if let Err(refusal) = judged(&reply) {
            return Ok(Err(refusal));
        }
        let path = format!("/v1/{noun}/{id}/{list}");
        let listing = Listing { path: &path, filters: Vec::new(), most: usize::MAX, cursor: None };
        let pages = match Pages::read(desk.server, listing)? {
            Ok(pages) => pages,
            Err(refusal) => return Ok(Err(refusal)),
        };
        return Ok(Ok(match desk.style {
            Style::Json => pages.json(),
            Style::Table => {
                let lines = tell(&pages.items());
                if lines.is_empty() { "nothing happened to it yet".to_owned() } else { lines.join("\n") }
            }
        }));
    }
    Ok(Err(format!("id_unknown: no account, item or hold has the id {}", args.id)))
}
