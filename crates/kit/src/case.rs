//! One case of a check: the figures before it, what was called and answered, and the judgement.
//!
//! Everything that is asked here is written down, so that a failure can show it. Read next: `cause.rs`, `checks/normal.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::answer::{Answer, Reply};
use crate::cause::{self, Cause};
use crate::figures::{Effect, Figures, as_effect};
use crate::identity::Call;
use crate::report::Finding;
use crate::stage::{Asked, Stage, Tally};

/// Figures may lag behind an answer for so long.
const LAG: Duration = Duration::from_secs(1);

/// Evidence keeps so many lines of the beginning and of the end.
const LINES: usize = 15;

/// Why a check ended early.
pub(crate) enum Stop {
    /// It broke.
    Failed(Box<Finding>),
    /// It cannot be judged, and why.
    Skipped(String),
}

/// What to blame when more or less has taken effect than should.
#[derive(Clone, Copy)]
pub(crate) struct Blame {
    pub(crate) more: &'static Cause,
    pub(crate) less: &'static Cause,
}

impl Blame {
    /// The same cause either way.
    pub(crate) const fn both(cause: &'static Cause) -> Blame {
        Blame { more: cause, less: cause }
    }
}

/// What happened so far.
pub(crate) struct Case {
    stage: Arc<Stage>,
    before: Option<Figures>,
    evidence: Vec<String>,
    faults: usize,
    company: Company,
}

/// Whether calls of different transactions were under way at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Company {
    Alone,
    Crowd,
}

impl Case {
    /// Reads the figures.
    pub(crate) async fn open(stage: &Arc<Stage>) -> Result<Case, Stop> {
        let mut case = Case {
            stage: Arc::clone(stage),
            before: None,
            evidence: Vec::new(),
            faults: 0,
            company: Company::Alone,
        };
        case.before = case.figures().await?;
        Ok(case)
    }

    /// The figures now.
    pub(crate) async fn figures(&self) -> Result<Option<Figures>, Stop> {
        let figures = self.stage.figures().await;
        figures
            .map_err(|why| self.failed(format!("the probe gives no figures any more: {why}"), &cause::PROBE))
    }

    /// Asks, and writes it down.
    pub(crate) async fn ask(&mut self, call: &Call) -> Answer {
        let asked = self.stage.ask(call).await;
        self.heard(call, &asked);
        asked.answer
    }

    /// Says that calls of different transactions were under way at once.
    pub(crate) fn crowded(&mut self) {
        self.company = Company::Crowd;
    }

    /// Asks all at once, and writes down what came how often.
    pub(crate) async fn ask_all(&mut self, calls: Vec<Call>) -> Vec<Answer> {
        let tasks = calls.into_iter().map(|call| {
            let stage = Arc::clone(&self.stage);
            async move {
                let asked = stage.ask(&call).await;
                (call, asked)
            }
        });
        let heard = together(tasks).await;
        self.crowded();
        let mut counts = BTreeMap::<String, usize>::new();
        for (call, asked) in &heard {
            self.faults += asked.faults;
            let line = format!("{} at once → {}", self.stage.operation(call.part), asked.answer.words());
            *counts.entry(line).or_default() += 1;
        }
        self.note(counts.into_iter().map(|(line, count)| format!("{count} × {line}")));
        heard.into_iter().map(|(_, asked)| asked.answer).collect()
    }

    /// Asks; the answer must be 2xx. `cause` is what to blame for a refusal.
    pub(crate) async fn done(&mut self, call: &Call, cause: &'static Cause) -> Result<Answer, Stop> {
        let answer = self.ask(call).await;
        self.is_done(&answer, (self.stage.operation(call.part), cause))?;
        Ok(answer)
    }

    /// Asks; the answer must be 409 or 422. `cause` is what to blame for a 2xx.
    pub(crate) async fn refused(&mut self, call: &Call, cause: &'static Cause) -> Result<Answer, Stop> {
        let answer = self.ask(call).await;
        let operation = self.stage.operation(call.part);
        let said = answer.words();
        match answer.reply() {
            Reply::Refused => Ok(answer),
            Reply::Done => {
                Err(self.failed(format!("the {operation} was done ({said}) and must be refused"), cause))
            }
            Reply::Fault | Reply::InProgress => Err(self.fault(operation, &said)),
            Reply::Useless => Err(self.failed(
                format!("the {operation} must be refused with 409 or 422, and was answered {said}"),
                &cause::NOT_A_REFUSAL,
            )),
        }
    }

    /// Demands 2xx of an answer to `operation`.
    pub(crate) fn is_done(
        &self,
        answer: &Answer,
        (operation, cause): (&str, &'static Cause),
    ) -> Result<(), Stop> {
        let said = answer.words();
        match answer.reply() {
            Reply::Done => Ok(()),
            Reply::Refused => {
                Err(self.failed(format!("the {operation} was refused ({said}) and must be done"), cause))
            }
            Reply::Fault | Reply::InProgress => Err(self.fault(operation, &said)),
            Reply::Useless => Err(self.failed(
                format!(
                    "the {operation} must be done, and was answered {said}, which is neither done nor refused"
                ),
                &cause::USELESS,
            )),
        }
    }

    /// Demands that both answers say the same.
    pub(crate) fn is_same(&self, (first, second): (&Answer, &Answer), operation: &str) -> Result<(), Stop> {
        if first.is_same(second) {
            return Ok(());
        }
        let broke = format!(
            "the {operation} was answered {} first, and {} when it came again",
            first.words(),
            second.words()
        );
        Err(self.failed(broke, &cause::ANSWER_DIFFERS))
    }

    /// Demands that the figures show `effect` since the case began.
    pub(crate) async fn effect(&mut self, effect: Effect, blame: Blame) -> Result<(), Stop> {
        Tally::add(&self.stage.tally.looks);
        let stage = Arc::clone(&self.stage);
        let (Some(before), Some(learned)) = (self.before.clone(), stage.learned.get()) else { return Ok(()) };
        let expected = before.after(effect, learned);
        let begun = Instant::now();
        let seen = loop {
            let seen = self.figures().await?.unwrap_or_default();
            if seen == expected {
                return Ok(());
            }
            if begun.elapsed() > LAG {
                break seen;
            }
            sleep(LAG / 20).await;
        };
        self.note([
            format!("figures before:   {}", before.words()),
            format!("figures expected: {}", expected.words()),
            format!("figures seen:     {}", seen.words()),
        ]);
        let Some(gap) = as_effect(&seen.since(&expected), learned) else {
            let broke = "the figures are not what they must be, nor off by whole calls".to_owned();
            // A figure was overwritten while another was not.
            let cause = if self.company == Company::Crowd { &cause::LOST_UPDATE } else { blame.more };
            return Err(self.failed(broke, cause));
        };
        let is_less = gap.firsts < 0 || gap.confirms < 0;
        let cause = match (is_less, self.faults) {
            // It failed on the way, was asked again, said done, and did nothing: only the barrier has kept the call.
            (true, 1..) => &cause::BARRIER_APART,
            (true, 0) => blame.less,
            (false, _) => blame.more,
        };
        let broke = stage.form.words(&in_words(gap));
        Err(self.failed(broke, cause))
    }

    /// Adds to the evidence.
    pub(crate) fn note(&mut self, lines: impl IntoIterator<Item = String>) {
        self.evidence.extend(lines);
    }

    /// Writes down an answer that came by another way than `ask`.
    pub(crate) fn heard(&mut self, call: &Call, asked: &Asked) {
        self.faults += asked.faults;
        let again =
            if asked.faults > 0 { format!(" (after {} faults)", asked.faults) } else { String::new() };
        let id = &call.id;
        let operation = self.stage.operation(call.part);
        self.note([format!(
            "{operation} of {}/{} → {}{again}",
            id.transaction,
            id.branch,
            asked.answer.words()
        )]);
    }

    /// The end of the check: what broke, and its cause.
    pub(crate) fn failed(&self, broke: String, cause: &'static Cause) -> Stop {
        let words = |text: &str| self.stage.form.words(text);
        let mut evidence = self.evidence.clone();
        if evidence.len() > 2 * LINES {
            let left_out = evidence.len() - 2 * LINES;
            evidence.splice(LINES..LINES + left_out, [format!("… {left_out} more …")]);
        }
        Stop::Failed(Box::new(Finding {
            broke,
            evidence,
            matters: words(cause.loss),
            key: cause.key,
            cause: words(cause.likely),
        }))
    }

    fn fault(&self, operation: &str, said: &str) -> Stop {
        self.failed(
            format!("the {operation} never comes to an answer; the last was {said}"),
            &cause::FAULT_FOR_EVER,
        )
    }
}

/// The futures' results, in order; all run at once.
pub(crate) async fn together<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(running.len());
    for task in running {
        match task.await {
            Ok(result) => results.push(result),
            Err(fault) => std::panic::resume_unwind(fault.into_panic()),
        }
    }
    results
}

/// A gap as a sentence.
fn in_words(gap: Effect) -> String {
    let said = |count: i64, too_many: &str, too_few: &str| match count {
        0 => None,
        1.. => Some(format!("{count} × {too_many}")),
        _ => Some(format!("{} × {too_few}", -count)),
    };
    let firsts = said(
        gap.firsts,
        "the effect of a {try} stands that must not",
        "the effect of a {try} is missing, or was given back without having been taken",
    );
    let confirms = said(
        gap.confirms,
        "the effect of a confirm stands that must not",
        "the effect of a confirm is missing",
    );
    firsts.into_iter().chain(confirms).collect::<Vec<_>>().join("; ")
}
