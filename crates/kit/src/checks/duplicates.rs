//! The same operation again: after the first, and many at once.
//!
//! One after another tells whether there is a barrier, many at once whether it is one. Read next: `races.rs`.

use std::sync::Arc;

use crate::case::{Blame, Case, Stop};
use crate::cause::{self, Cause};
use crate::figures::Effect;
use crate::form::Part;
use crate::stage::Stage;

const PARTS: [Part; 3] = [Part::First, Part::Confirm, Part::Undo];

/// How the duplicates come, and what is to blame when they have an effect.
const WAYS: [(Way, &Cause); 2] = [(Way::After, &cause::RUNS_TWICE), (Way::AtOnce, &cause::LOOK_BEFORE_WRITE)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    After,
    AtOnce,
}

/// Each operation as a duplicate, in both ways.
pub(super) async fn duplicates(stage: &Arc<Stage>) -> Result<(), Stop> {
    for part in PARTS.into_iter().filter(|part| stage.form.has(*part)) {
        for (way, cause) in WAYS {
            of(stage, part, (way, cause)).await?;
        }
    }
    Ok(())
}

async fn of(stage: &Arc<Stage>, part: Part, (way, cause): (Way, &'static Cause)) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    if part != Part::First {
        case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
    }
    let call = id.call(part);
    let count = if way == Way::After { 3 } else { stage.options.duplicates };
    let calls: Vec<_> = (1..=count).map(|attempt| call.again(attempt)).collect();
    let answers = match way {
        Way::AtOnce => case.ask_all(calls).await,
        Way::After => {
            let mut answers = Vec::new();
            for call in &calls {
                answers.push(case.ask(call).await);
            }
            answers
        }
    };
    let operation = stage.operation(part);
    for answer in &answers {
        case.is_done(answer, (operation, &cause::ANSWER_DIFFERS))?;
    }
    let (effect, blame) = match part {
        Part::First => (Effect::held(1), Blame { more: cause, less: &cause::BARRIER_APART }),
        Part::Confirm => (Effect::taken(1), Blame { more: cause, less: &cause::BARRIER_APART }),
        Part::Undo => (Effect::NONE, Blame { more: &cause::BARRIER_APART, less: cause }),
    };
    case.effect(effect, blame).await?;
    for answer in &answers {
        case.is_same((&answers[0], answer), operation)?;
    }
    if part == Part::First && stage.form.has(Part::Undo) {
        case.done(&id.call(Part::Undo), &cause::CANCEL_REFUSED).await?;
    }
    Ok(())
}

/// The answers of duplicates, word for word; a try's also after its confirm.
pub(super) async fn same_answer(stage: &Arc<Stage>) -> Result<(), Stop> {
    for last in [Part::Confirm, Part::Undo, Part::First].into_iter().filter(|part| stage.form.has(*part)) {
        let mut case = Case::open(stage).await?;
        let id = stage.fresh();
        let first = case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
        for part in [Part::First, last] {
            let answer = case.ask(&id.call(part)).await;
            let again = case.ask(&id.call(part).again(2)).await;
            case.is_same((&answer, &again), stage.operation(part))?;
        }
        if last == Part::Confirm {
            let again = case.ask(&id.call(Part::First).again(3)).await;
            case.is_same((&first, &again), stage.operation(Part::First))?;
        }
    }
    Ok(())
}
