//! Calls at the same instant, in many transactions, a handful at a time so that evidence stays near its cause.
//!
//! Which one wins is the participant's to say; that exactly one does is not. Read next: `../race.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::answer::{Answer, Reply};
use crate::case::{Blame, Case, Stop};
use crate::cause;
use crate::figures::Effect;
use crate::form::Part;
use crate::identity::{Call, Id};
use crate::race::race;
use crate::stage::Stage;

/// So many races run at once, and are judged together.
const HANDFUL: usize = 20;

const LOOKED: Blame = Blame::both(&cause::LOOK_BEFORE_WRITE);

/// The ids of so many races, a handful at a time.
fn handfuls(stage: &Stage, races: usize) -> Vec<Vec<Id>> {
    stage.fresh_ones(races).chunks(HANDFUL).map(<[Id]>::to_vec).collect()
}

/// Races these two operations for each id and writes down what came how often.
async fn raced(case: &mut Case, stage: &Arc<Stage>, calls: Vec<(Call, Call)>) -> Vec<(Answer, Answer)> {
    let Some((one, two)) =
        calls.first().map(|(one, two)| (stage.operation(one.part), stage.operation(two.part)))
    else {
        return Vec::new();
    };
    let heard: Vec<_> =
        race(stage, calls).await.into_iter().map(|(one, two)| (one.answer, two.answer)).collect();
    let mut counts = BTreeMap::<String, usize>::new();
    for (first, second) in &heard {
        let line = format!("{one} and {two} at the same instant → {} and {}", first.words(), second.words());
        *counts.entry(line).or_default() += 1;
    }
    case.crowded();
    case.note(counts.into_iter().map(|(line, count)| format!("{count} × {line}")));
    heard
}

/// Try and cancel. Whoever is first: in the end nothing is held, and a further try takes nothing.
pub(super) async fn try_and_cancel(stage: &Arc<Stage>) -> Result<(), Stop> {
    let (first, undo) = (stage.operation(Part::First), stage.operation(Part::Undo));
    for ids in handfuls(stage, stage.options.races) {
        let mut case = Case::open(stage).await?;
        let calls = ids.iter().map(|id| (id.call(Part::First), id.call(Part::Undo))).collect();
        let heard = raced(&mut case, stage, calls).await;
        for (tried, cancelled) in &heard {
            if tried.reply() != Reply::Refused {
                case.is_done(tried, (first, &cause::ORDINARY_REFUSED))?;
            }
            case.is_done(cancelled, (undo, &cause::CANCEL_REFUSED))?;
        }
        case.effect(Effect::NONE, LOOKED).await?;
        let further = ids.iter().map(|id| id.call(Part::First).again(2)).collect();
        for ((tried, _), again) in heard.iter().zip(case.ask_all(further).await) {
            let broke = match (tried.reply(), again.reply()) {
                (_, Reply::Refused) | (Reply::Done, Reply::Done) => continue,
                _ => format!(
                    "the {first} was answered {} in the race, and {} after it",
                    tried.words(),
                    again.words()
                ),
            };
            return Err(case.failed(broke, &cause::NO_TOMBSTONE));
        }
        case.effect(Effect::NONE, Blame { more: &cause::NO_TOMBSTONE, less: &cause::GIVES_BACK_UNTAKEN })
            .await?;
    }
    Ok(())
}

/// The same operation twice: both get the one answer, and there is one effect.
pub(super) async fn duplicates(stage: &Arc<Stage>) -> Result<(), Stop> {
    let last = [Part::Confirm, Part::Undo].into_iter().find(|part| stage.form.has(*part));
    for ids in handfuls(stage, stage.options.races.div_ceil(2)) {
        let mut case = Case::open(stage).await?;
        for part in [Some(Part::First), last].into_iter().flatten() {
            let calls = ids.iter().map(|id| (id.call(part), id.call(part).again(2))).collect();
            for (one, two) in raced(&mut case, stage, calls).await {
                let operation = stage.operation(part);
                case.is_done(&one, (operation, &cause::LOOK_BEFORE_WRITE))?;
                case.is_done(&two, (operation, &cause::LOOK_BEFORE_WRITE))?;
                case.is_same((&one, &two), operation)?;
            }
            // Twice is more of a try, and less after a cancel; the other way round, somebody's change was overwritten.
            let (twice, lost) = (&cause::LOOK_BEFORE_WRITE, &cause::LOST_UPDATE);
            let (effect, blame) = match part {
                Part::First => (Effect::held(ids.len()), Blame { more: twice, less: lost }),
                Part::Confirm => (Effect::taken(ids.len()), Blame { more: twice, less: lost }),
                Part::Undo => (Effect::NONE, Blame { more: lost, less: twice }),
            };
            case.effect(effect, blame).await?;
        }
    }
    Ok(())
}

/// Confirm and cancel after a try: one is done, the other refused.
pub(super) async fn confirm_and_cancel(stage: &Arc<Stage>) -> Result<(), Stop> {
    let (confirm, undo) = (stage.operation(Part::Confirm), stage.operation(Part::Undo));
    for ids in handfuls(stage, stage.options.races) {
        let mut case = Case::open(stage).await?;
        for answer in case.ask_all(ids.iter().map(|id| id.call(Part::First)).collect()).await {
            case.is_done(&answer, (stage.operation(Part::First), &cause::ORDINARY_REFUSED))?;
        }
        let calls = ids.iter().map(|id| (id.call(Part::Confirm), id.call(Part::Undo))).collect();
        let mut confirmed = 0;
        for (one, two) in raced(&mut case, stage, calls).await {
            match (one.reply(), two.reply()) {
                (Reply::Done, Reply::Refused) => confirmed += 1,
                (Reply::Refused, Reply::Done) => {}
                (Reply::Done, Reply::Done) => {
                    let broke = format!("{confirm} and {undo} of one transaction were both done");
                    return Err(case.failed(broke, &cause::LOOK_BEFORE_WRITE));
                }
                (Reply::Refused, Reply::Refused) => {
                    let broke = format!("{confirm} and {undo} of one transaction were both refused");
                    return Err(case.failed(broke, &cause::NOBODY_WINS));
                }
                (Reply::Done | Reply::Refused, _) => case.is_done(&two, (undo, &cause::CANCEL_REFUSED))?,
                _ => case.is_done(&one, (confirm, &cause::CONFIRM_IMPOSSIBLE))?,
            }
        }
        case.effect(Effect::taken(confirmed), LOOKED).await?;
    }
    Ok(())
}
