//! One seed: its plan and script, lived through once, and what became of it.
//!
//! A panic anywhere in the code under test is a broken promise like any other. Read next: `world/mod.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cuts::Cuts;
use crate::plan::Plan;
use crate::process::Setup;
use crate::script::Script;
use crate::sight::Sights;
use crate::transcript::Keep;
use crate::violation::Violation;
use crate::world::{Course, Outcome, live};

/// A history that can be lived through: a seed, perhaps with things left out.
#[derive(Clone, Debug)]
pub struct History {
    /// What goes wrong.
    pub plan: Plan,
    /// Which of the seed's actors take part; `None`: all.
    pub actors: Option<Vec<usize>>,
}

/// How large a history was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Histories.
    pub histories: u64,
    /// Transactions begun.
    pub transactions: u64,
    /// Events kept.
    pub events: u64,
}

/// What became of a history.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The first broken promise, if one was.
    pub violation: Option<Violation>,
    /// A digest of all that happened.
    pub digest: u64,
    /// What was seen.
    pub sights: Sights,
    /// How large it was.
    pub figures: Figures,
    /// What happened, line by line, where it was asked for.
    pub lines: Vec<String>,
}

impl History {
    /// All of a seed.
    #[must_use]
    pub fn of(seed: u64) -> History {
        History { plan: Plan::of(seed), actors: None }
    }

    fn script(&self) -> Script {
        let whole = Script::of(self.plan.seed);
        match &self.actors {
            Some(actors) => whole.only(actors),
            None => whole,
        }
    }

    /// How many actors take part.
    #[must_use]
    pub fn actor_count(&self) -> usize {
        self.script().actors.len()
    }
}

/// Lives a history through.
#[must_use]
pub fn history(history: &History) -> Verdict {
    lived(history, Keep::Digest)
}

/// Lives a history through and tells it line by line.
#[must_use]
pub fn replay(history: &History) -> Verdict {
    lived(history, Keep::Lines)
}

fn lived(history: &History, keep: Keep) -> Verdict {
    let plan = &history.plan;
    caught(Course {
        plan,
        script: history.script(),
        setup: Setup::of(plan.seed),
        cuts: Cuts::default(),
        keep,
    })
}

/// Lives it through; a panic is a broken promise.
pub(crate) fn caught(course: Course<'_>) -> Verdict {
    match catch_unwind(AssertUnwindSafe(|| live(course))) {
        Ok(outcome) => judged(outcome),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
            Verdict {
                violation: Some(Violation::new("P34", format!("a panic: {words}"))),
                digest: 0,
                sights: Sights::default(),
                figures: Figures::default(),
                lines: Vec::new(),
            }
        }
    }
}

fn judged(outcome: Outcome) -> Verdict {
    let Outcome { judged, digest, lines, auditor } = outcome;
    Verdict {
        violation: judged.err(),
        digest,
        figures: Figures {
            histories: 1,
            transactions: auditor.books.transactions.len() as u64,
            events: auditor.events,
        },
        sights: auditor.sights,
        lines,
    }
}
