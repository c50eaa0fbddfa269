//! What was found, for people and for machines.
//!
//! Read next: `junit.rs` for the form that build servers read.

use std::fmt;

use serde::Serialize;

/// Everything that was found about one participant.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The participant's name.
    pub participant: String,
    /// What the transaction ids of the last form began with.
    pub run: String,
    /// One row for each check.
    pub checks: Vec<Row>,
}

/// A participant that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unjudged {
    /// The participant's name.
    pub name: String,
    /// What was in the way.
    pub why: String,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The form it was made of: `tcc`, `saga`, `message`.
    pub form: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub does: String,
    /// Why it matters.
    pub why: String,
    /// What it was judged by.
    pub judged: Judged,
    /// Calls made.
    pub calls: usize,
    /// Calls made again, because of a fault or an answer in progress.
    pub retries: usize,
    /// How long it took.
    pub took_ms: u64,
    /// The judgement.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What a check was judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// By answers and by the probe's figures.
    Effects,
    /// By answers, which is all there is to it.
    Answers,
    /// By answers, since there is no probe: effects may be wrong all the same.
    AnswersOnly,
}

/// The judgement.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Held,
    /// It does not.
    Failed(Finding),
    /// It was not made.
    Skipped {
        /// Why not.
        reason: String,
    },
}

/// What broke.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// In one sentence.
    pub broke: String,
    /// Which calls, which answers, which figures.
    pub evidence: Vec<String>,
    /// What is lost by it.
    pub matters: String,
    /// The name of the likely cause.
    pub key: &'static str,
    /// The likely cause.
    pub cause: String,
}

impl Report {
    pub(crate) fn new(participant: &str) -> Report {
        Report { participant: participant.to_owned(), run: String::new(), checks: Vec::new() }
    }

    /// Whether no check failed.
    pub fn holds(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = (&Row, &Finding)> {
        self.checks.iter().filter_map(|row| match &row.verdict {
            Verdict::Failed(finding) => Some((row, finding)),
            Verdict::Held | Verdict::Skipped { .. } => None,
        })
    }

    /// The check of this name, of the first form that has it.
    pub fn check(&self, name: &str) -> Option<&Row> {
        self.checks.iter().find(|row| row.name == name)
    }
}

impl Verdict {
    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Held => "holds",
            Verdict::Failed(_) => "FAILED",
            Verdict::Skipped { .. } => "skipped",
        }
    }
}

impl Judged {
    /// In few words.
    pub fn words(self) -> &'static str {
        match self {
            Judged::Effects => "effects",
            Judged::Answers => "answers",
            Judged::AnswersOnly => "answers only",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  what broke:    {}", self.broke)?;
        for (index, line) in self.evidence.iter().enumerate() {
            writeln!(out, "  {:<14} {line}", if index == 0 { "evidence:" } else { "" })?;
        }
        writeln!(out, "  what it costs: {}", self.matters)?;
        write!(out, "  likely cause:  {} ({})", self.cause, self.key)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (row, finding) in self.failed() {
            writeln!(out, "{} of {} ({}): {}\n{finding}", row.name, self.participant, row.form, row.does)?;
        }
        let count = |word| self.checks.iter().filter(|row| row.verdict.word() == word).count();
        let (held, failed, skipped) = (count("holds"), count("FAILED"), count("skipped"));
        write!(out, "{}: {held} checks hold, {failed} failed, {skipped} skipped", self.participant)
    }
}
