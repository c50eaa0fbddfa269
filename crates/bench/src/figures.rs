//! Figures as they are reported: medians with their spread, tables for people, one JSON object for programs.
//!
//! Read next: `compare.rs`, which makes them.

use serde::Serialize;

use crate::machine::Machine;

/// Above this share of the cores, neighbours decide the figures: who waits for a core waits milliseconds.
const QUIET: f64 = 0.1;

/// A median over the rounds, with the least and the most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of the rounds' figures; all zero when there is none.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Spread { median: 0.0, min: 0.0, max: 0.0 };
        };
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Spread { median, min, max }
    }

    /// `median (min–max)`, with as many decimals as a figure of its size bears.
    pub(crate) fn text(&self) -> String {
        let decimals = match self.median {
            figure if figure >= 100.0 => 0,
            figure if figure >= 10.0 => 1,
            figure if figure >= 0.1 => 2,
            _ => 3,
        };
        format!("{:.decimals$} ({:.decimals$}–{:.decimals$})", self.median, self.min, self.max)
    }
}

/// One side against another.
#[derive(Debug, Serialize)]
pub(crate) struct Ratio {
    /// Of the medians.
    pub(crate) of_medians: f64,
    /// Round by round.
    pub(crate) by_round: Spread,
    /// At least this is wanted; 0: nothing is.
    pub(crate) goal: f64,
}

impl Ratio {
    /// Of two series of the same rounds.
    pub(crate) fn of(ours: &[f64], theirs: &[f64], goal: f64) -> Self {
        let of_medians = Spread::of(ours.iter().copied()).median / Spread::of(theirs.iter().copied()).median;
        let by_round = Spread::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs));
        Ratio { of_medians, by_round, goal }
    }

    pub(crate) fn text(&self) -> String {
        let goal = if self.goal > 0.0 { format!("; goal ≥ {}", self.goal) } else { String::new() };
        format!("{:.3} of medians; by round {}{goal}", self.of_medians, self.by_round.text())
    }
}

/// Rows of words under a head, in columns.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        let mut table = Table::default();
        table.row(head);
        table
    }

    pub(crate) fn row(&mut self, cells: &[impl AsRef<str>]) {
        self.0.push(cells.iter().map(|cell| cell.as_ref().to_owned()).collect());
    }

    /// As a Markdown table, its columns aligned, so that it can be pasted as it is.
    pub(crate) fn text(&self) -> String {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (index, row) in self.0.iter().enumerate() {
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let pad = " ".repeat(width - cell.chars().count());
                text.push_str(&format!("| {cell}{pad} "));
            }
            text.push_str("|\n");
            if index == 0 {
                widths.iter().for_each(|width| text.push_str(&format!("|{}", "-".repeat(width + 2))));
                text.push_str("|\n");
            }
        }
        text
    }
}

/// Says where and when, before the figures.
pub(crate) fn print_head(workload: &str, machine: &Machine) {
    let [one, five, fifteen] = machine.load_average;
    println!("tercet bench {workload} ({} build)", machine.build);
    println!(
        "{} cores ({}), load average {one} {five} {fifteen} at the start, kernel {}, {}",
        machine.cores, machine.processor, machine.kernel, machine.file_system
    );
    println!(
        "neighbours used {:.0} % of the cores meanwhile{}",
        machine.neighbours * 100.0,
        if machine.neighbours > QUIET { ": too much, run it again on a quiet machine" } else { "" }
    );
    println!("Only the ratio counts: both sides had the same machine at the same time.\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_series() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).median.to_bits(), 2.5_f64.to_bits());
        assert_eq!(Spread::of([]).max.to_bits(), 0);
        assert_eq!(Spread::of([1234.6]).text(), "1235 (1235–1235)");
        assert_eq!(Spread::of([0.0123]).text(), "0.012 (0.012–0.012)");
    }

    #[test]
    fn a_ratio_is_of_medians_and_round_by_round() {
        let ratio = Ratio::of(&[60.0, 90.0, 70.0], &[100.0, 100.0, 140.0], 0.6);
        assert!((ratio.of_medians - 0.7).abs() < 1e-9);
        assert_eq!((ratio.by_round.min, ratio.by_round.max), (0.5, 0.9));
    }

    #[test]
    fn tables_are_markdown() {
        let mut table = Table::new(&["side", "ms"]);
        table.row(&["tercet", "1 (1–2)"]);
        assert_eq!(table.text(), "| side   | ms      |\n|--------|---------|\n| tercet | 1 (1–2) |\n");
    }
}
