//! `tercet tx list`: one row a transaction, newest first, over as many pages as it takes.

use serde_json::{Value, json};

use crate::ask::Server;
use crate::pages::{Listing, Pages};
use crate::terminal::{self, Style, Told};

/// Filters of `tercet tx list`; every one given must hold.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this state: trying, confirmed, compensating, delivered, …
    #[arg(long)]
    state: Option<String>,
    /// Only this pattern: tcc, saga or message
    #[arg(long)]
    pattern: Option<String>,
    /// Only those that need attention
    #[arg(long)]
    needs_attention: bool,
    /// Only those with this label; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// Only those begun at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    created_after: Option<String>,
    /// Only those begun before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Go on where a former list ended
    #[arg(long)]
    cursor: Option<String>,
}

/// What to print, or the refusal; the fault when nobody knows.
pub(crate) fn told(server: &Server, args: &Args, style: Style) -> Told {
    let filters = match filters(args) {
        Ok(filters) => filters,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let cursor = args.cursor.clone();
    let listing = Listing { path: "/v1/transactions", filters, most: args.limit, cursor };
    let pages = Pages::read(server, listing)?;
    Ok(pages.map(|pages| match style {
        Style::Json => pages.json(),
        Style::Table => table(&pages.items(), pages.next.as_deref()),
    }))
}

fn filters(args: &Args) -> Result<Vec<(String, String)>, String> {
    if args.limit == 0 {
        return Err("--limit must be at least 1".to_owned());
    }
    let plain = [
        ("state", &args.state),
        ("pattern", &args.pattern),
        ("created_after", &args.created_after),
        ("created_before", &args.created_before),
    ];
    let given = plain.iter().filter_map(|(name, value)| Some(((*name).to_owned(), (*value).clone()?)));
    let mut pairs: Vec<_> = given.collect();
    if args.needs_attention {
        pairs.push(("needs_attention".to_owned(), "true".to_owned()));
    }
    for label in &args.label {
        let (key, value) =
            label.split_once('=').ok_or_else(|| format!("--label {label:?} is not KEY=VALUE"))?;
        pairs.push((format!("label.{key}"), value.to_owned()));
    }
    Ok(pairs)
}

fn table(items: &[Value], next: Option<&str>) -> String {
    if items.is_empty() && next.is_none() {
        return "no transactions".to_owned();
    }
    let mut table = terminal::table(&["id", "pattern", "state", "begun", "finished", "why, or who waits"]);
    for item in items {
        let text = |name: &str| item[name].as_str().unwrap_or("–").to_owned();
        let short = |name: &str| text(name).get(..19).map_or_else(|| text(name), str::to_owned);
        table.add_row([
            text("id"),
            text("pattern"),
            text("state"),
            short("created_at"),
            short("finished_at"),
            remark(item),
        ]);
    }
    let more = next.map_or_else(String::new, |next| format!("\nmore with --cursor {next}"));
    format!("{}{more}", table.trim_fmt())
}

/// What a reader wants to know of a transaction at a glance.
fn remark(item: &Value) -> String {
    if item["needs_attention"] == json!(true) {
        let branch = waiting(item).unwrap_or_default();
        return format!("NEEDS ATTENTION {branch}").trim_end().to_owned();
    }
    if let Some(code) = item["reason"]["code"].as_str() {
        return [code, item["reason"]["branch"].as_str().unwrap_or_default()].join(" ").trim_end().to_owned();
    }
    waiting(item).unwrap_or_default()
}

/// The first branch that is being asked again, and why.
fn waiting(item: &Value) -> Option<String> {
    let branches = item["branches"].as_array()?;
    let branch = branches.iter().find(|branch| branch["next_attempt_at"].is_string())?;
    Some(format!("{}: {}", branch["id"].as_str()?, branch["last_error"].as_str().unwrap_or("in progress")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_why_or_who_waits() {
        let confirmed = json!({"reason": null, "needs_attention": false, "branches": []});
        assert_eq!(remark(&confirmed), "");
        let cancelled =
            json!({"reason": {"code": "branch_refused", "branch": "stock"}, "needs_attention": false});
        assert_eq!(remark(&cancelled), "branch_refused stock");
        let late = json!({"reason": {"code": "deadline_passed", "branch": null}, "needs_attention": false});
        assert_eq!(remark(&late), "deadline_passed");
        let stuck = json!({"needs_attention": true, "branches": [
            {"id": "a", "next_attempt_at": null, "last_error": null},
            {"id": "b", "next_attempt_at": "2026-01-01T00:00:00.000000Z", "last_error": "HTTP 500"}]});
        assert_eq!(remark(&stuck), "NEEDS ATTENTION b: HTTP 500");
    }

    #[test]
    fn labels_become_filters() {
        let args = |label: &str| Args {
            state: Some("trying".into()),
            pattern: None,
            needs_attention: true,
            label: vec![label.into()],
            created_after: None,
            created_before: None,
            limit: 5,
            cursor: None,
        };
        let pairs = filters(&args("order=a=b")).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("state", "trying"), ("needs_attention", "true"), ("label.order", "a=b")]);
        assert!(filters(&args("order")).unwrap_err().contains("KEY=VALUE"));
    }
}
