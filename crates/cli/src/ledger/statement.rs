//! `tercet ledger entries`: the statement of an account, as a table.

use serde_json::Value;

use super::{Desk, pair};
use crate::ask::segment;
use crate::pages::{Listing, Pages};
use crate::terminal::{Told, table, words};

/// Which part of which account.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The account's id
    account: String,
    /// Newest first
    #[arg(long)]
    newest: bool,
    /// Only at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what this transaction caused
    #[arg(long, value_name = "ID")]
    transaction: Option<String>,
    /// Only what this operator did
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// At most so many lines
    #[arg(long, default_value_t = 100, conflicts_with = "all")]
    limit: usize,
    /// All lines
    #[arg(long)]
    all: bool,
}

/// What to print.
pub(super) fn told(desk: &Desk<'_>, args: &Args) -> Told {
    let path = format!("/v1/accounts/{}/entries", segment(&args.account));
    let newest = args.newest.then(|| "newest".to_owned());
    let filters = [
        pair("order", newest.as_ref()),
        pair("from", args.from.as_ref()),
        pair("until", args.until.as_ref()),
        pair("transaction", args.transaction.as_ref()),
        pair("operator", args.operator.as_ref()),
    ];
    let filters = filters.into_iter().flatten().collect();
    let most = if args.all { usize::MAX } else { args.limit };
    desk.list(Listing { path: &path, filters, most, cursor: None }, shown)
}

fn shown(pages: &Pages) -> String {
    let head = ["at", "event", "amount", "posted", "held", "with", "id", "why"];
    let mut table = table(&head);
    for line in pages.items() {
        table.add_row([
            words(&line["at"]),
            words(&line["event"]),
            words(&line["amount"]),
            words(&line["posted_after"]),
            words(&line["held_after"]),
            words(&line["other"]),
            id(&line),
            why(&line["cause"]),
        ]);
    }
    let more = if pages.next.is_some() { "\nmore with a larger --limit, or --all" } else { "" };
    format!("{}{more}", table.trim_fmt())
}

/// The id of the operation; of a capture the hold's and its own.
fn id(line: &Value) -> String {
    match words(&line["capture"]) {
        capture if capture.is_empty() => words(&line["id"]),
        capture => format!("{} ({capture})", words(&line["id"])),
    }
}

/// A cause in few words.
pub(super) fn why(cause: &Value) -> String {
    let branch = match words(&cause["branch"]) {
        branch if branch.is_empty() => words(&cause["transaction"]),
        branch => format!("{}/{branch}", words(&cause["transaction"])),
    };
    let parts = [branch, words(&cause["operator"]), words(&cause["reason"])];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cause_is_told_in_few_words() {
        assert_eq!(why(&json!({"transaction": "order-1", "branch": "points"})), "order-1/points");
        assert_eq!(why(&json!({"operator": "eve", "reason": "lost parcel"})), "eve: lost parcel");
        assert_eq!(why(&Value::Null), "");
    }
}
