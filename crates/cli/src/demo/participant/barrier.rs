//! The barrier: makes each operation of a branch take effect at most once, in any order and however often it arrives.
//!
//! One row per (transaction, branch, operation), inserted first, in the same local transaction as the business change.
//! The unique key decides every race, so it holds between processes too. A cancel that finds no try writes the try's
//! row itself: that tombstone is what a late try runs into. It never keeps a row for an operation it forbids, because
//! the same operation may be lawful later. Read next: `holds.rs`, the business change it protects.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// The tables of the barrier. `cause` is the operation that wrote the row: a `try` row caused by `cancel` is a tombstone.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS barrier (
        transaction_id TEXT NOT NULL, branch TEXT NOT NULL, operation TEXT NOT NULL,
        cause TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL,
        PRIMARY KEY (transaction_id, branch, operation)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS hazards (name TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID;";

/// What the coordinator asks of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Reserve; may be refused.
    Try,
    /// Make the reservation final; may not fail.
    Confirm,
    /// Undo the reservation; may not fail.
    Cancel,
}

impl Operation {
    /// The word on the wire and in the table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Operation::Try => "try",
            Operation::Confirm => "confirm",
            Operation::Cancel => "cancel",
        }
    }

    /// Reads the word back; `None` for any other.
    pub(crate) fn of(word: &str) -> Option<Operation> {
        [Operation::Try, Operation::Confirm, Operation::Cancel].into_iter().find(|it| it.word() == word)
    }
}

/// What the barrier had to deal with, counted in the same local transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hazard {
    /// An operation already recorded; its first answer was given again.
    Duplicate,
    /// A cancel with no try before it.
    EmptyCancel,
    /// A try after its cancel; refused.
    LateTry,
    /// A confirm of something never reserved; refused.
    ConfirmWithoutTry,
    /// A confirm of something given back; refused.
    ConfirmAfterCancel,
    /// A cancel of something final; refused.
    CancelAfterConfirm,
}

impl Hazard {
    /// The name under which it is counted in the table `hazards`, and answered when it is a refusal.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Hazard::Duplicate => "duplicate",
            Hazard::EmptyCancel => "empty_cancel",
            Hazard::LateTry => "late_try",
            Hazard::ConfirmWithoutTry => "confirm_without_try",
            Hazard::ConfirmAfterCancel => "confirm_after_cancel",
            Hazard::CancelAfterConfirm => "cancel_after_confirm",
        }
    }

    fn refusal(self) -> Answer {
        Answer { status: 409, body: format!(r#"{{"refused":"{}"}}"#, self.name()) }
    }
}

/// One delivery of one operation.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The global transaction's id.
    pub(crate) transaction: String,
    /// The branch's id in it.
    pub(crate) branch: String,
    /// What is asked.
    pub(crate) operation: Operation,
    /// The branch's body, JSON.
    pub(crate) body: Vec<u8>,
}

/// What the participant answers: an HTTP status and a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 200 done, 409 refused.
    pub(crate) status: u16,
    /// JSON; a try's is kept by the coordinator as the branch's result.
    pub(crate) body: String,
}

enum Ruling {
    Run,
    NothingToUndo,
    Again(Answer),
    Refuse(Hazard),
}

struct Row {
    cause: String,
    answer: Answer,
}

/// Lets one delivery through: runs `business` if this is the first and it is lawful, else answers what is due.
/// An `Err` is a fault of the store: nothing was changed, and the caller must answer neither done nor refused.
pub(crate) fn pass(
    books: &mut Connection,
    call: &Call,
    business: impl FnOnce(&Connection) -> rusqlite::Result<Answer>,
) -> rusqlite::Result<Answer> {
    let local = books.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = match rule(&local, call)? {
        Ruling::Run => record(&local, call, business(&local)?)?,
        Ruling::NothingToUndo => {
            record(&local, call, Answer { status: 200, body: r#"{"undone":"nothing"}"#.to_owned() })?
        }
        Ruling::Again(first) => {
            count(&local, Hazard::Duplicate)?;
            first
        }
        Ruling::Refuse(hazard) => {
            count(&local, hazard)?;
            hazard.refusal()
        }
    };
    local.commit()?;
    Ok(answer)
}

fn rule(local: &Connection, call: &Call) -> rusqlite::Result<Ruling> {
    if !insert(local, call, call.operation)? {
        let first = row(local, call, call.operation)?.expect("the insert met this row");
        let tombstone = first.cause != call.operation.word();
        return Ok(if tombstone { Ruling::Refuse(Hazard::LateTry) } else { Ruling::Again(first.answer) });
    }
    match call.operation {
        Operation::Try => Ok(Ruling::Run),
        Operation::Confirm => rule_confirm(local, call),
        Operation::Cancel => rule_cancel(local, call),
    }
}

fn rule_confirm(local: &Connection, call: &Call) -> rusqlite::Result<Ruling> {
    if row(local, call, Operation::Cancel)?.is_some() {
        return forbid(local, call, Hazard::ConfirmAfterCancel);
    }
    match row(local, call, Operation::Try)? {
        Some(tried) if tried.answer.status == 200 => Ok(Ruling::Run),
        // A refused try reserved nothing, so it counts as none.
        Some(_) | None => forbid(local, call, Hazard::ConfirmWithoutTry),
    }
}

fn rule_cancel(local: &Connection, call: &Call) -> rusqlite::Result<Ruling> {
    if row(local, call, Operation::Confirm)?.is_some() {
        return forbid(local, call, Hazard::CancelAfterConfirm);
    }
    if insert(local, call, Operation::Try)? {
        count(local, Hazard::EmptyCancel)?;
        return Ok(Ruling::NothingToUndo);
    }
    let tried = row(local, call, Operation::Try)?.expect("the insert met this row");
    Ok(if tried.answer.status == 200 { Ruling::Run } else { Ruling::NothingToUndo })
}

fn forbid(local: &Connection, call: &Call, hazard: Hazard) -> rusqlite::Result<Ruling> {
    local.execute(
        "DELETE FROM barrier WHERE transaction_id = ?1 AND branch = ?2 AND operation = ?3",
        params![call.transaction, call.branch, call.operation.word()],
    )?;
    Ok(Ruling::Refuse(hazard))
}

fn insert(local: &Connection, call: &Call, operation: Operation) -> rusqlite::Result<bool> {
    let rows = local.execute(
        "INSERT INTO barrier VALUES (?1, ?2, ?3, ?4, 0, '') ON CONFLICT DO NOTHING",
        params![call.transaction, call.branch, operation.word(), call.operation.word()],
    )?;
    Ok(rows == 1)
}

fn row(local: &Connection, call: &Call, operation: Operation) -> rusqlite::Result<Option<Row>> {
    local
        .query_row(
            "SELECT cause, status, answer FROM barrier WHERE transaction_id = ?1 AND branch = ?2 AND operation = ?3",
            params![call.transaction, call.branch, operation.word()],
            |row| Ok(Row { cause: row.get(0)?, answer: Answer { status: row.get(1)?, body: row.get(2)? } }),
        )
        .optional()
}

fn record(local: &Connection, call: &Call, answer: Answer) -> rusqlite::Result<Answer> {
    local.execute(
        "UPDATE barrier SET status = ?4, answer = ?5 WHERE transaction_id = ?1 AND branch = ?2 AND operation = ?3",
        params![call.transaction, call.branch, call.operation.word(), answer.status, answer.body],
    )?;
    Ok(answer)
}

fn count(local: &Connection, hazard: Hazard) -> rusqlite::Result<()> {
    local.execute(
        "INSERT INTO hazards VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET seen = seen + 1",
        [hazard.name()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
