//! The terminal: what the reader sees while the demo runs. A bar on a terminal, plain lines elsewhere.
//!
//! Counts the faults that participants report and tells the first of each kind. It judges nothing.
//! Read next: `report.rs` for the end.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::orders::Run;

/// So many of each kind are told one by one.
const TOLD_SINGLY: u64 = 2;
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Where the story is told.
pub(crate) struct Stage {
    begun: Instant,
    bar: ProgressBar,
    plain_at: Instant,
    /// Faults so far, by kind.
    pub(crate) faults: BTreeMap<String, u64>,
}

impl Stage {
    /// For that many orders.
    pub(crate) fn new(orders: u32) -> Stage {
        let tty = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let bar = if tty { ProgressBar::new(u64::from(orders)) } else { ProgressBar::hidden() };
        let look = "  {elapsed:>4} [{bar:34}] {pos}/{len} orders  {msg}";
        if let Ok(style) = ProgressStyle::with_template(look) {
            bar.set_style(style.progress_chars("=> "));
        }
        Stage { begun: Instant::now(), bar, plain_at: Instant::now() + PLAIN_EVERY, faults: BTreeMap::new() }
    }

    /// Tells one thing, with the time since the start.
    pub(crate) fn say(&self, what: &str) {
        let line = format!("{:>7.1} s  {what}", self.begun.elapsed().as_secs_f64());
        self.print(&line);
    }

    /// A line without a time.
    pub(crate) fn print(&self, line: &str) {
        self.bar.suspend(|| {
            // A reader that closed the pipe shall not stop the verdict.
            let _ = writeln!(std::io::stdout(), "{line}");
        });
    }

    /// Takes in a participant's line `fault KIND TRANSACTION OPERATION`.
    pub(crate) fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let ["fault", kind, transaction, operation] = words[..] else { return };
        let seen = self.faults.entry(kind.to_owned()).or_default();
        *seen += 1;
        if *seen > TOLD_SINGLY {
            return;
        }
        let story = match kind {
            "reply_lost" => format!("{transaction}: {operation} took effect, its reply is lost"),
            "duplicate" => format!("{transaction}: {operation} is delivered twice at the same time"),
            "slow" => format!("{transaction}: {operation} is slow"),
            "late" => format!(
                "{transaction}: {operation} is held back past the deadline; its cancel will overtake it"
            ),
            _ => return,
        };
        self.say(&story);
    }

    /// Moves the bar, or now and then prints a plain line.
    pub(crate) fn tick(&mut self, run: &Run) {
        let finished = run.finished.load(Ordering::SeqCst);
        let faults: u64 = self.faults.values().sum();
        self.bar.set_position(u64::from(finished));
        self.bar.set_message(format!("{} open, {faults} faults", run.open.load(Ordering::SeqCst)));
        if self.bar.is_hidden() && Instant::now() >= self.plain_at {
            self.plain_at = Instant::now() + PLAIN_EVERY;
            self.say(&format!("{finished} of {} orders final, {faults} faults so far", run.orders.len()));
        }
    }

    /// Takes the bar away.
    pub(crate) fn close(&self) {
        self.bar.finish_and_clear();
    }
}
