//! The end of the demo on the terminal: three tables, the figures, and what to try next. At most 100 columns.
//!
//! It judges nothing; the words ok and FAILED come from `verdict.rs`.

use std::fmt::Display;
use std::path::Path;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::args::Role;
use super::books::Books;
use super::shop;
use super::verdict::{Check, Verdict, hazard};

const WIDTH: u16 = 98;
/// One line below the head, air elsewhere.
const LOOK: TableStyle = TableStyle::new().header_separator(LineStyle::new(' ', '─', '─', ' '));

/// The tables and figures of the verdict.
pub(crate) fn verdict(verdict: &Verdict, books: &[(Role, Books)]) -> String {
    let (median, late) = verdict.latency_ms;
    format!(
        "\n{}\n\n{}\n\n{}\n\n  {:.0} orders/s, from order to final answer p50 {median} ms, p99 {late} ms, faults and kills included\n",
        ends(&verdict.ends),
        services(verdict, books),
        checks(&verdict.checks),
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

fn services(verdict: &Verdict, books: &[(Role, Books)]) -> Table {
    let mut table = table(&[
        "books of",
        "opening",
        "free",
        "held",
        "captured",
        "refused tries",
        "duplicates absorbed",
        "empty cancels",
        "late tries refused",
    ]);
    for (share, (role, books)) in verdict.shares.iter().zip(books) {
        let of_pots = |figure: i64| if role.refusal().is_some() { number(figure) } else { number("–") };
        table.add_row([
            Cell::new(role.name()),
            of_pots(books.sums.opening),
            of_pots(books.sums.free),
            number(
                books.holds.values().filter(|hold| hold.state == "held").map(|hold| hold.amount).sum::<i64>(),
            ),
            number(share.captured),
            number(books.refused),
            number(hazard(books, "duplicate")),
            number(hazard(books, "empty_cancel")),
            number(hazard(books, "late_try")),
        ]);
    }
    table
}

fn checks(checks: &[Check]) -> Table {
    let mut table = table(&["what must hold", "what was found", ""]);
    for check in checks {
        table.add_row([check.claim.as_str(), &check.found, if check.holds { "ok" } else { "FAILED" }]);
    }
    table
}

/// What to try next when the data folder stays.
pub(crate) fn next_with(folder: &Path, order: &str) -> String {
    let data = shop::data(folder);
    format!(
        "  The data stays in {}. Serve it again, and in another terminal try:\n\n\
         \x20   tercet serve --data {}\n\n\
         {}",
        folder.display(),
        data.display(),
        commands(order)
    )
}

/// What to try next when nothing stays.
pub(crate) fn next_without(order: &str) -> String {
    format!(
        "  Nothing stays of this run. To look into it, run `tercet demo --keep`, serve its folder as it then says, and try:\n\n{}",
        commands(order)
    )
}

fn commands(order: &str) -> String {
    format!(
        "\x20   tercet tx list --state cancelled          which orders were cancelled, and why\n\
         \x20   tercet tx timeline {order:<22} one order's life, every call and every repeat\n\
         \x20   curl -d '{{\"pattern\":\"tcc\",\"branches\":[{{\"id\":\"mine\",\"kind\":\"call\",\"try\":\"http://127.0.0.1:8080/try\",\n\
         \x20        \"confirm\":\"http://127.0.0.1:8080/confirm\",\"cancel\":\"http://127.0.0.1:8080/cancel\"}}]}}' \\\n\
         \x20        http://127.0.0.1:36789/v1/transactions     your own service as a branch\n"
    )
}
