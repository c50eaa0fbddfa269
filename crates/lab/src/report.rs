//! What came of the experiments, as lines for a person and as a table for `docs/internals/proof.md`.

use std::fmt::Write as _;
use std::time::Duration;

use crate::told::Finding;

/// What came of one experiment.
#[derive(Debug, Default, Clone)]
pub(crate) struct Outcome {
    /// Kills, cuts, copies: whatever it repeats.
    pub(crate) runs: u32,
    /// Told to callers.
    pub(crate) facts: u64,
    /// Read back and judged; a fact may be read back more than once.
    pub(crate) checked: u64,
    pub(crate) findings: Vec<Finding>,
    /// From spawn to the ready line, without a tracer.
    pub(crate) restarts: Vec<Duration>,
    /// What else is worth a line.
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    /// The restart that so many of a hundred are not slower than.
    pub(crate) fn restart(&self, percent: usize) -> Option<Duration> {
        let mut sorted = self.restarts.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied()
    }
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) promises: &'static str,
    /// `None`: it could not be run here.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) took: Duration,
}

fn ms(time: Option<Duration>) -> String {
    time.map_or_else(|| "–".into(), |time| format!("{} ms", time.as_millis()))
}

/// The table, in Markdown.
pub(crate) fn markdown(lines: &[Line], foot: &str) -> String {
    let mut text = String::from(
        "| experiment | promises | runs | facts told | facts read back | broken | restart p50 | p99 |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for Line { name, promises, outcome, .. } in lines {
        let rest = match outcome {
            None => "not run here | | | | | ".to_owned(),
            Some(it) => format!(
                "{} | {} | {} | {} | {} | {}",
                it.runs,
                it.facts,
                it.checked,
                it.findings.len(),
                ms(it.restart(50)),
                ms(it.restart(99))
            ),
        };
        let _ = writeln!(text, "| {name} | {promises} | {rest} |");
    }
    let _ = writeln!(text, "\n{foot}");
    text
}

/// One experiment, for a person.
pub(crate) fn spoken(line: &Line) -> String {
    let Line { name, promises, outcome, took } = line;
    let Some(it) = outcome else { return format!("{name}: NOT RUN HERE") };
    let mut text = format!(
        "{name} ({promises}): {} runs, {} facts told, {} read back, {} broken; ready after p50 {} p99 {}; {:.1} s",
        it.runs,
        it.facts,
        it.checked,
        it.findings.len(),
        ms(it.restart(50)),
        ms(it.restart(99)),
        took.as_secs_f64()
    );
    for note in &it.notes {
        let _ = write!(text, "\n  {note}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_restarts_may_be_slower() {
        let restarts = (1..=200).map(Duration::from_millis).collect();
        let outcome = Outcome { restarts, ..Outcome::default() };
        assert_eq!(outcome.restart(50), Some(Duration::from_millis(100)));
        assert_eq!(outcome.restart(99), Some(Duration::from_millis(198)));
        assert_eq!(Outcome::default().restart(99), None);
    }
}
