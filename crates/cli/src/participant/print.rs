//! What a person sees of the kit's reports: a table, and below it each failure with its evidence.
//!
//! It judges nothing.

use std::io::Write as _;

use kit::{Report, Verdict};
use serde_json::{Value, json};

use super::Judgement;
use crate::terminal::{plain, table};

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    Json,
}

/// Prints what was found. A table has only what was judged: what was in the way is on standard error already.
pub(super) fn all(judgement: &Judgement, form: Form) -> anyhow::Result<()> {
    let text = match form {
        Form::Json => serde_json::to_string_pretty(&machines(judgement))?,
        Form::Table if judgement.reports.is_empty() => return Ok(()),
        Form::Table => judgement.reports.iter().map(one).collect::<Vec<_>>().join("\n\n"),
    };
    // Whoever reads may have read enough (`| head`).
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

/// What machines read.
pub(super) fn machines(judgement: &Judgement) -> Value {
    let Judgement { reports, obstacles } = judgement;
    json!({ "holds": judgement.holds(), "participants": reports, "obstacles": obstacles })
}

fn one(report: &Report) -> String {
    let mut rows =
        table(&["form", "check", "", "judged by", "calls", "again", "what it does, and why it matters"]);
    for row in &report.checks {
        let what = match &row.verdict {
            Verdict::Skipped { reason } => format!("{}\n  skipped: {reason}", row.does),
            Verdict::Held | Verdict::Failed(_) => format!("{}\n  {}", row.does, row.why),
        };
        rows.add_row([
            row.form,
            row.name,
            row.verdict.word(),
            row.judged.words(),
            &row.calls.to_string(),
            &row.retries.to_string(),
            &what,
        ]);
    }
    format!("participant {}\n\n{}\n\n{report}", plain(&report.participant), rows.trim_fmt())
}
