//! The checks, as a table, in the order in which they are made.
//!
//! The first one learns what an ordinary run does; without it nothing else can be judged. Read next: `normal.rs`, then the
//! file of the check.

mod content;
mod duplicates;
mod identity;
mod lost;
mod many;
mod normal;
mod order;
mod races;
mod refusal;
mod signed;
mod slow;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;

use crate::case::Stop;
use crate::form::Part;
use crate::report::{Judged, Row, Verdict};
use crate::stage::{Stage, Tally};

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'a>>;

/// One check.
struct Check {
    name: &'static str,
    /// The part that a form must have for it.
    part: Part,
    does: &'static str,
    why: &'static str,
    run: for<'a> fn(&'a Arc<Stage>) -> Outcome<'a>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "ordinary",
        part: Part::First,
        does: "an ordinary {try} is done, and its confirm where there is one; twice, with the same effect",
        why: "what one clean run does is the measure of everything below",
        run: |stage| Box::pin(normal::ordinary(stage)),
    },
    Check {
        name: "ordinary_cancel",
        part: Part::Undo,
        does: "a {try} and its {cancel}: the figures are what they were",
        why: "what is not given back is lost to everybody",
        run: |stage| Box::pin(normal::cancelled(stage)),
    },
    Check {
        name: "duplicates",
        part: Part::First,
        does: "each operation again, and many at once: the same answer, one effect",
        why: "the coordinator calls at least once: every lost reply makes a duplicate",
        run: |stage| Box::pin(duplicates::duplicates(stage)),
    },
    Check {
        name: "same_answer",
        part: Part::First,
        does: "a duplicate gets the very answer that the first one got",
        why: "the first answer may have been lost, and its result is what the transaction goes on with",
        run: |stage| Box::pin(duplicates::same_answer(stage)),
    },
    Check {
        name: "duplicate_race",
        part: Part::First,
        does: "the same operation twice at the same instant, for many transactions",
        why: "a time-out and its repetition can meet in two processes of the service",
        run: |stage| Box::pin(races::duplicates(stage)),
    },
    Check {
        name: "empty_cancel",
        part: Part::Undo,
        does: "a {cancel} with no {try} before it is done and changes nothing",
        why: "a {try} may be lost on its way, and its transaction must end all the same",
        run: |stage| Box::pin(order::empty_cancel(stage)),
    },
    Check {
        name: "empty_cancel_again",
        part: Part::Undo,
        does: "the empty {cancel} again, and many at once: done, and nothing changes",
        why: "an empty {cancel} loses its reply like any other",
        run: |stage| Box::pin(order::empty_cancel_again(stage)),
    },
    Check {
        name: "late_try",
        part: Part::Undo,
        does: "a {try} that comes after its {cancel} is refused and takes nothing",
        why: "a {try} may be slow and be overtaken; nobody would ever give back what it takes",
        run: |stage| Box::pin(order::late_try(stage)),
    },
    Check {
        name: "try_cancel_race",
        part: Part::Undo,
        does: "{try} and {cancel} at the same instant, in both orders: in the end nothing is held",
        why: "the coordinator does not wait for a {try} that is slow before it sends the {cancel}",
        run: |stage| Box::pin(races::try_and_cancel(stage)),
    },
    Check {
        name: "confirm_without_try",
        part: Part::Confirm,
        does: "the confirm of a transaction that it never heard of is refused and takes nothing",
        why: "there is nothing reserved to take",
        run: |stage| Box::pin(order::confirm_without_try(stage)),
    },
    Check {
        name: "confirm_after_cancel",
        part: Part::Confirm,
        does: "a confirm after the {cancel}, full or empty, is refused and takes nothing",
        why: "it was given back already",
        run: |stage| Box::pin(order::confirm_after_cancel(stage)),
    },
    Check {
        name: "cancel_after_confirm",
        part: Part::Confirm,
        does: "a {cancel} after the confirm is refused and gives nothing back",
        why: "it was taken already",
        run: |stage| Box::pin(order::cancel_after_confirm(stage)),
    },
    Check {
        name: "confirm_cancel_race",
        part: Part::Confirm,
        does: "confirm and {cancel} at the same instant: one is done, the other refused, and the figures agree",
        why: "two operators, or an operator and a timer, must never both have their way",
        run: |stage| Box::pin(races::confirm_and_cancel(stage)),
    },
    Check {
        name: "lost_replies",
        part: Part::First,
        does: "the connection is cut before the answer, at many moments, and the call repeated: one effect",
        why: "this is what a network does; what is half done then must not count as done",
        run: |stage| Box::pin(lost::replies(stage)),
    },
    Check {
        name: "slow_callers",
        part: Part::First,
        does: "callers whose body comes slowly are served, and block nobody else",
        why: "one bad line must not stop every transaction",
        run: |stage| Box::pin(slow::callers(stage)),
    },
    Check {
        name: "other_content",
        part: Part::First,
        does: "other content under the same id is refused or gets the first answer, and has no effect",
        why: "one id for two things is a bug that must be seen, and must not take twice",
        run: |stage| Box::pin(content::other(stage)),
    },
    Check {
        name: "refusal",
        part: Part::Undo,
        does: "a refused {try} stays refused, takes nothing, and its {cancel} is done and gives nothing back",
        why: "{cancel} comes to every branch, the refused one included",
        run: |stage| Box::pin(refusal::stable(stage)),
    },
    Check {
        name: "identity",
        part: Part::First,
        does: "a call without the headers of identity is a 4xx and changes nothing",
        why: "without an id there is no barrier",
        run: |stage| Box::pin(identity::missing(stage)),
    },
    Check {
        name: "bad_ids",
        part: Part::First,
        does: "an id that is none (empty, too long, other characters) is a 4xx and changes nothing",
        why: "an id that a database cuts or trims becomes another one's",
        run: |stage| Box::pin(identity::bad(stage)),
    },
    Check {
        name: "ids_apart",
        part: Part::First,
        does: "ids of 128 characters that differ in case or in their last character are different ones",
        why: "a database may take them for the same, and the second call for a duplicate",
        run: |stage| Box::pin(identity::apart(stage)),
    },
    Check {
        name: "branches_apart",
        part: Part::First,
        does: "two branches of one transaction are two calls",
        why: "one transaction may need the same participant twice",
        run: |stage| Box::pin(identity::branches(stage)),
    },
    Check {
        name: "signature",
        part: Part::First,
        does: "each operation without a signature, or with one of another secret, time, body or path, is a 4xx and changes nothing",
        why: "the address alone, or a call that was overheard, must not be enough to take value",
        run: |stage| Box::pin(signed::unsigned(stage)),
    },
    Check {
        name: "signed_identity",
        part: Part::First,
        does: "a signed call under the headers of another transaction, branch or operation is a 4xx and changes nothing",
        why: "under other headers a repeat is a new call, which no barrier holds up",
        run: |stage| Box::pin(signed::identity(stage)),
    },
    Check {
        name: "many_at_once",
        part: Part::First,
        does: "many transactions at once: all are done, and the sum is right",
        why: "under load nothing may be lost, and a busy lock is no refusal",
        run: |stage| Box::pin(many::at_once(stage)),
    },
];

/// What checks there are.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|check| check.name)
}

/// Makes every check that the form allows and that is asked for, and the first one in any case.
pub(crate) async fn run(stage: &Arc<Stage>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let only = &stage.options.only;
    let is_asked_for = |name: &str| only.is_empty() || only.iter().any(|asked| asked == name);
    let wanted = CHECKS.iter().enumerate().filter(|(index, check)| *index == 0 || is_asked_for(check.name));
    for (_, check) in wanted.filter(|(_, check)| stage.form.has(check.part)) {
        let is_measured = rows.first().is_none_or(|first| matches!(first.verdict, Verdict::Held));
        let begun = Instant::now();
        let verdict = if is_measured {
            match (check.run)(stage).await {
                Ok(()) => Verdict::Held,
                Err(Stop::Failed(finding)) => Verdict::Failed(*finding),
                Err(Stop::Skipped(reason)) => Verdict::Skipped { reason },
            }
        } else {
            Verdict::Skipped { reason: "nothing else can be judged until the ordinary run holds".to_owned() }
        };
        let judged = match (Tally::take(&stage.tally.looks), stage.has_probe()) {
            (0, _) => Judged::Answers,
            (_, true) => Judged::Effects,
            (_, false) => Judged::AnswersOnly,
        };
        rows.push(Row {
            form: stage.form.name(),
            name: check.name,
            does: stage.form.words(check.does),
            why: stage.form.words(check.why),
            judged,
            calls: Tally::take(&stage.tally.calls),
            retries: Tally::take(&stage.tally.retries),
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            verdict,
        });
    }
    rows
}
