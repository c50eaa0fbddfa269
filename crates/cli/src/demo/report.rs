//! The end of the demo on the terminal: three tables, the figures, and what to try next. At most 100 columns.
//!
//! It judges nothing; the words ok and FAILED come from `verdict.rs`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::shop;
use super::verdict::{Check, Verdict};

const WIDTH: u16 = 98;
/// One line below the head, air elsewhere.
const LOOK: TableStyle = TableStyle::new().header_separator(LineStyle::new(' ', '─', '─', ' '));

const OWN_SERVICE: &str = r#"    curl 127.0.0.1:36789/v1/transactions -d '{"pattern": "tcc", "wait_ms": 5000, "branches": [
       {"id": "mine", "kind": "call", "body": {"n": 1}, "try": "http://127.0.0.1:8080/try",
        "confirm": "http://127.0.0.1:8080/confirm", "cancel": "http://127.0.0.1:8080/cancel"}]}'
      your own service as a branch: three POST addresses that answer 200, or 409 to refuse the try
"#;

/// The faults that struck, the tables and the figures of the verdict.
pub(crate) fn verdict(verdict: &Verdict, faults: &BTreeMap<String, u64>) -> String {
    let (median, late) = verdict.latency_ms;
    let of = |kind: &str| faults.get(kind).copied().unwrap_or(0);
    format!(
        "\n  {} calls lost their reply, {} came twice; {} tries were slow, {} late\n\n\
         {}\n\n{}\n\n{}\n\n  {:.0} orders/s; from order to final answer p50 {median} ms, p99 {late} ms, faults and kills included\n",
        of("reply_lost"),
        of("duplicate"),
        of("slow"),
        of("late"),
        ends(&verdict.ends).trim_fmt(),
        services(verdict).trim_fmt(),
        checks(&verdict.checks).trim_fmt(),
        verdict.per_second,
    )
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(LOOK).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH).set_header(head);
    table
}

fn number(figure: impl Display) -> Cell {
    Cell::new(format_args!("{figure}")).set_alignment(CellAlignment::Right)
}

fn ends(ends: &[(String, usize)]) -> Table {
    let mut table = table(&["how the orders ended", "orders"]);
    for (words, count) in ends {
        table.add_row([Cell::new(words), number(count)]);
    }
    table
}

fn services(verdict: &Verdict) -> Table {
    let mut table = table(&[
        "books of",
        "opening",
        "free",
        "held",
        "captured",
        "refused\ntries",
        "duplicates\nabsorbed",
        "empty\ncancels",
        "late tries\nrefused",
    ]);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let or_dash = |figure: Option<i128>| figure.map_or_else(|| number("–"), number);
    for share in &verdict.shares {
        let mut row = vec![Cell::new(share.name)];
        row.extend(
            share.pots.map_or([None, None], |(opening, free)| [Some(opening), Some(free)]).map(or_dash),
        );
        row.extend([share.held, share.captured, share.refused].map(number));
        let hazards = share.hazards.map_or([None; 3], |seen| seen.map(Some));
        row.extend(hazards.map(or_dash));
        table.add_row(row);
    }
    table
}

fn checks(checks: &[Check]) -> Table {
    let mut table = table(&["what must hold", "what was found", ""]);
    table.set_content_arrangement(ContentArrangement::Disabled);
    for check in checks {
        table.add_row([check.claim.as_str(), &check.found, if check.holds { "ok" } else { "FAILED" }]);
    }
    table
}

/// What to try next; `folder` is the data folder if it stays.
pub(crate) fn what_next(folder: Option<&Path>, order: &str) -> String {
    let preface = match folder {
        Some(folder) => format!(
            "  The data stays in {}. Serve it again:\n\n    tercet serve --data {}\n\n  and in another terminal try:",
            folder.display(),
            shop::data(folder).display()
        ),
        None => "  Nothing stays of this run. To look into one, run `tercet demo --keep`, serve its folder as it\n  \
                 will tell you, and try:"
            .to_owned(),
    };
    format!(
        "{preface}\n\n    \
         tercet tx list --state cancelled\n      \
           which orders were cancelled, and why\n    \
         tercet tx timeline {order}\n      \
           the life of one of them: every kept event and every call, across kills and repeats\n    \
         tercet ledger history free:customer-7\n      \
           what happened to a customer's points, in sentences\n{OWN_SERVICE}"
    )
}
