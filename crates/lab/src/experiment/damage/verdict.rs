//! What a start on a damaged copy did, and whether that was allowed.

use std::time::Duration;

use super::blow::{Blow, Must};
use crate::http::Http;
use crate::judge::{self, Extent};
use crate::reader;
use crate::server::{Ended, Launch, Running};
use crate::told::{Finding, Kind, Told};
use crate::world::LINES;

/// What became of it.
#[derive(Debug)]
pub(super) enum Verdict {
    /// All that was told and looked at is there.
    Served {
        checked: u64,
        after: Duration,
    },
    /// It refused to start, in words.
    Refused,
    /// It started, and said that something is damaged when that was asked for.
    Late(String),
    Broken(Box<Finding>),
}

/// Objects looked at in a copy that serves.
const OBJECTS: usize = 40;

/// Starts the copy and looks.
pub(super) fn of(launch: &Launch, told: &Told, blow: &Blow) -> Verdict {
    let broken = |what: &str, found: String| {
        let what = format!("{what}: {blow:?}");
        let told = format!("{} facts up to sequence {}", told.facts(), told.highest());
        Verdict::Broken(Box::new(Finding { promise: "P3", what, told, found }))
    };
    match launch.start() {
        Ok(running) => match served(&running, told) {
            Ok(Verdict::Late(said)) => Verdict::Late(format!("{blow:?}: {said}")),
            Ok(verdict) => verdict,
            Err(found) => broken("a silent loss", found),
        },
        Err(ended) if !in_words(&ended) => {
            broken("the start neither serves nor refuses in words", format!("{ended:?}"))
        }
        Err(ended) if blow.must == Must::Serve => {
            broken("refused, though only what was never told is damaged", ended.errors)
        }
        Err(_) => Verdict::Refused,
    }
}

/// A refusal names what it is about, in its last line; whatever else was logged before.
fn in_words(ended: &Ended) -> bool {
    let last = ended.errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let names_it = last.contains("/data/") || last.contains("archive") || last.contains("journal");
    matches!(ended.code, Some(2 | 3)) && names_it && last.starts_with("tercet: ")
}

/// Reads back; the error is what was lost without a word.
fn served(running: &Running, told: &Told) -> Result<Verdict, String> {
    let http = Http { address: running.http, token: None };
    match look(&http, told) {
        Ok((0, _)) => Err("nothing was told".into()),
        Ok((checked, None)) => Ok(Verdict::Served { checked, after: running.ready_after }),
        Ok((_, Some(finding))) => Err(finding.to_string()),
        Err(fault) => Ok(Verdict::Late(format!("{fault:#}"))),
    }
}

/// How many facts were looked at, and the first that is not there.
fn look(http: &Http, told: &Told) -> anyhow::Result<(u64, Option<Finding>)> {
    let mut checked = 0;
    let keys = told.all();
    // The newest of each kind are the likeliest to be lost; the rest evenly.
    let step = (keys.len() / OBJECTS).max(1);
    for key in keys.iter().rev().step_by(step) {
        let now = reader::read(http, &Kind::path(key.0, &key.1))?;
        checked += 1;
        let found = judge::follows(key.0, &told.last(key).unwrap_or_default(), now.as_ref());
        if found.is_some() {
            return Ok((checked, found));
        }
    }
    for (account, rows) in told.rows() {
        let rows = &rows[rows.len().saturating_sub(LINES)..];
        let (account, lines) = reader::newest_lines(http, &account)?;
        checked += rows.len() as u64;
        let found = judge::journal(rows, (&account, &lines), Extent::Newest);
        if let Some(finding) = found.into_iter().next() {
            return Ok((checked, Some(finding)));
        }
    }
    let reply = http.try_get("/v1/accounts/sink")?;
    let reached = reply.header("tercet-sequence").and_then(|text| text.parse::<u64>().ok());
    let finding = (reached < Some(told.highest())).then(|| Finding {
        promise: "P3",
        what: "the journal ends before what was told".into(),
        told: told.highest().to_string(),
        found: format!("{reached:?}"),
    });
    Ok((checked, finding))
}
