//! What is done with an operation that arrives: the rule of `transaction::barrier` over the rows of a store.
//!
//! A row is written first; that it could be written proves what came before, so the common path reads nothing. Only who
//! finds the place taken reads what is there. Generic over the store, so the simulator runs this very code.
//! Read next: `rows.rs` for the port, `run.rs` for who calls this.

use transaction::barrier::{Hazard, Record, Ruling};
use transaction::{Operation, Pattern};

use super::rows::{Kept, Phase, Places, Row, Rows, Standing, Told, Written};
use crate::call::{Answer, Call, Refused};

/// What the barrier says to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is the first of its kind and lawful: the row is written, the business change is to be made in the same local
    /// transaction, and its answer to be kept with [`keep`].
    Run,
    /// There is nothing to undo. The row is written; commit, then answer.
    Void(Answer),
    /// It was done before: the first answer again.
    Repeat(Answer),
    /// The same operation came before with another body.
    Mismatch(Answer),
    /// It is refused; roll back, then answer.
    Refuse(Hazard),
    /// Others change this branch at this moment: roll back and begin again.
    Contended,
}

/// How often a place that others take and leave is tried for within one local transaction.
const CLAIMS: usize = 4;

/// Decides what is done with `call`, and writes its row.
///
/// # Errors
/// What the store says; nothing may be answered then.
pub async fn enter<R: Rows>(rows: &mut R, call: &Call) -> Result<Entry, R::Fault> {
    for _ in 0..CLAIMS {
        let proved = claim(rows, call).await?;
        let places = match proved {
            Some(_) => Places::default(),
            None => rows.read(&call.branch).await?,
        };
        let record = proved.unwrap_or_else(|| places.record(call.pattern));
        match (record.rule(call.pattern, call.operation), proved) {
            (Ruling::Run, Some(_)) => return Ok(Entry::Run),
            (Ruling::Void, Some(_)) => return Ok(Entry::Void(void(call))),
            (Ruling::Void, None) => {
                // Its try was refused: nothing is held, and the cancel is kept so that a confirm meets it.
                if rows.insert(row(call, Phase::Second, Told::Void)).await? == Written::First {
                    return Ok(Entry::Void(void(call)));
                }
            }
            (Ruling::Repeat, _) => return Ok(repeat(places.of(call.name()), call)),
            (Ruling::Refuse(hazard), _) => return Ok(Entry::Refuse(hazard)),
            // In the simulator nobody comes meanwhile: this is a planted bug that lets a call through.
            #[cfg(feature = "planted")]
            (Ruling::Run, None) => return Ok(Entry::Run),
            // What the claim was waiting for has come meanwhile.
            #[cfg(not(feature = "planted"))]
            (Ruling::Run, None) => {}
        }
    }
    Ok(Entry::Contended)
}

/// Writes the row of `call` if it may be the first of its kind. `Some` is what that proves about the branch before it.
async fn claim<R: Rows>(rows: &mut R, call: &Call) -> Result<Option<Record>, R::Fault> {
    let attempt = Operation::Try.name(call.pattern);
    let is = |written: Written, record: Record| (written == Written::First).then_some(record);
    Ok(match (call.operation, call.pattern) {
        (Operation::Try, _) => is(rows.insert(row(call, Phase::First, Told::Done)).await?, Record::Blank),
        (Operation::Check, Pattern::Message) => {
            is(rows.insert(row(call, Phase::First, Told::Void)).await?, Record::Blank)
        }
        (Operation::Confirm, Pattern::Message) => {
            is(rows.insert(row(call, Phase::Second, Told::Done)).await?, Record::Blank)
        }
        (Operation::Confirm, Pattern::Tcc | Pattern::Xa) => {
            is(rows.insert_after(row(call, Phase::Second, Told::Done), attempt).await?, Record::Tried)
        }
        (Operation::Cancel, Pattern::Tcc | Pattern::Saga | Pattern::Xa) => {
            let tombstone = rows.insert(row(call, Phase::First, Told::Void)).await?;
            match is(tombstone, Record::Blank) {
                Some(blank) => Some(blank),
                None => {
                    let after = rows.insert_after(row(call, Phase::Second, Told::Done), attempt);
                    is(after.await?, Record::Tried)
                }
            }
        }
        (Operation::Check, Pattern::Tcc | Pattern::Saga | Pattern::Xa | Pattern::Workflow)
        | (Operation::Confirm, Pattern::Saga | Pattern::Workflow)
        | (Operation::Cancel, Pattern::Message | Pattern::Workflow) => None,
    })
}

/// Keeps what a business change answered; to be called in its local transaction, after the change and before the commit,
/// also when the answer is empty: [`Standing::Lost`] says that the store has given the local transaction up, so that a
/// commit would keep nothing. Roll back then, and answer a fault.
///
/// # Errors
/// What the store says; as [`Standing::Lost`].
pub async fn keep<R: Rows>(rows: &mut R, call: &Call, answer: &[u8]) -> Result<Standing, R::Fault> {
    rows.keep(&call.branch, Phase::of(call.operation), answer).await
}

/// Keeps the refusal of a try, in a local transaction of its own: what the business had changed is rolled back by then.
/// Whoever came in between wins.
///
/// # Errors
/// What the store says.
pub async fn refuse<R: Rows>(rows: &mut R, call: &Call, refused: &Refused) -> Result<Entry, R::Fault> {
    let answer = Answer::from(refused);
    match rows.insert(row(call, Phase::First, Told::Refused)).await? {
        Written::First => Ok(match keep(rows, call, &answer.body).await? {
            Standing::Stands => Entry::Void(answer),
            Standing::Lost => Entry::Contended,
        }),
        Written::Occupied => {
            let places = rows.read(&call.branch).await?;
            Ok(match places.record(call.pattern).rule(call.pattern, call.operation) {
                Ruling::Repeat => repeat(places.of(call.name()), call),
                Ruling::Refuse(hazard) => Entry::Refuse(hazard),
                Ruling::Run | Ruling::Void => Entry::Contended,
            })
        }
    }
}

fn row(call: &Call, phase: Phase, told: Told) -> Row<'_> {
    Row { branch: &call.branch, phase, operation: call.name(), told, content: call.content }
}

/// Tells the log of a call that the barrier refuses.
#[cfg(any(feature = "sql", feature = "redis"))]
pub(crate) fn warn(call: &Call, hazard: Hazard) {
    tracing::warn!(
        transaction = call.branch.transaction,
        branch = call.branch.branch,
        operation = call.name(),
        hazard = hazard.name(),
        "the barrier refuses"
    );
}

/// A cancel of nothing is done; a check-back that finds nothing is refused for good.
pub(crate) fn void(call: &Call) -> Answer {
    match call.operation {
        Operation::Check => Answer::hazard(Hazard::NeverSubmitted),
        Operation::Try | Operation::Confirm | Operation::Cancel => Answer::done(Vec::new()),
    }
}

/// What is answered to an operation that came before, given what was kept of it.
pub(crate) fn repeat(kept: Option<&Kept>, call: &Call) -> Entry {
    let Some(kept) = kept else {
        // A check-back that finds the initiator's row: it has none of its own.
        return Entry::Repeat(Answer::done(Vec::new()));
    };
    if is_other(kept, call) {
        return Entry::Mismatch(Answer::content_mismatch());
    }
    let body = kept.answer.clone().unwrap_or_default();
    Entry::Repeat(match kept.told {
        Told::Done | Told::Void => Answer::done(body),
        Told::Refused => Answer::refused(body),
    })
}

fn is_other(kept: &Kept, call: &Call) -> bool {
    kept.content.as_ref().is_some_and(|content| *content != call.content.to_string())
}
