//! A transaction as DTM's clients see it: the shapes of `query`, `all` and `prepareWorkflow`.
//!
//! Every transaction can be seen this way, natively begun ones too: what five statuses cannot say is left out here and stands
//! in the native view.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use transaction::{
    Branch, BranchState, Kind, Operation, Pattern, Signal, Time, Transaction, Tried, Urls, wanted,
};

use super::asked::{protocol, trans_type};
use super::told::status;
use crate::http::Stamp;

/// `query`: the transaction and its branches.
pub(super) fn query(transaction: Option<&Transaction>) -> Value {
    let branches = transaction.map_or_else(Vec::new, branches);
    json!({ "transaction": transaction.map(whole), "branches": branches })
}

/// `prepareWorkflow`: with the names that Go's protojson reads, and no others.
pub(super) fn workflow(transaction: &Transaction) -> Value {
    let progresses: Vec<_> = transaction
        .progress
        .iter()
        .map(|progress| {
            json!({
                "status": outcome(progress.outcome),
                "bin_data": STANDARD.encode(&progress.data),
                "branch_id": *progress.step,
                "op": *progress.operation,
            })
        })
        .collect();
    let mut shown = Map::new();
    shown.insert("gid".to_owned(), Value::from(&*transaction.spec.id));
    shown.insert("status".to_owned(), Value::from(status(transaction)));
    put(&mut shown, "rollback_reason", transaction.reason.as_ref().map(|reason| &*reason.detail));
    put(&mut shown, "result", transaction.result.as_deref());
    json!({ "transaction": shown, "progresses": progresses })
}

/// A transaction without its branches.
pub(super) fn whole(transaction: &Transaction) -> Value {
    let spec = &transaction.spec;
    let terms = spec.terms.as_ref();
    let options = terms.and_then(|terms| terms.options.as_deref());
    let options: Map<String, Value> =
        options.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let finish_time = transaction.finished_at.map(Stamp::text_of);
    let (finished, rolled_back) = match status(transaction) {
        "succeed" => (finish_time, None),
        _ => (None, finish_time),
    };
    let mut shown = Map::new();
    shown.insert("id".to_owned(), Value::from(transaction.number));
    shown.insert("create_time".to_owned(), Value::from(Stamp::text_of(transaction.created_at)));
    shown.insert("update_time".to_owned(), Value::from(Stamp::text_of(transaction.updated_at)));
    shown.insert("gid".to_owned(), Value::from(&*spec.id));
    shown.insert("trans_type".to_owned(), Value::from(trans_type(spec.pattern)));
    if let Some((steps, payloads)) = steps(transaction) {
        shown.insert("steps".to_owned(), steps);
        shown.insert("payloads".to_owned(), payloads);
    }
    shown.insert("status".to_owned(), Value::from(status(transaction)));
    put(&mut shown, "query_prepared", spec.check.as_ref().map(|check| &*check.url));
    shown.insert("protocol".to_owned(), Value::from(protocol(spec.protocol())));
    put(&mut shown, "finish_time", finished.as_deref());
    put(&mut shown, "rollback_time", rolled_back.as_deref());
    put(&mut shown, "result", transaction.result.as_deref());
    put(&mut shown, "rollback_reason", transaction.reason.as_ref().map(|reason| &*reason.detail));
    if let Some(terms) = terms {
        put(&mut shown, "options", terms.options.as_deref());
        put(&mut shown, "custom_data", terms.note.as_deref());
    }
    if !transaction.phase.is_final() {
        let seconds = spec.retry.initial_ms.div_ceil(1_000);
        shown.insert("next_cron_interval".to_owned(), Value::from(seconds));
        let next = next_at(transaction).map(Stamp::text_of);
        put(&mut shown, "next_cron_time", next.as_deref());
    }
    shown.insert("concurrent".to_owned(), Value::Bool(false));
    shown.extend(options);
    Value::Object(shown)
}

fn next_at(transaction: &Transaction) -> Option<Time> {
    wanted(transaction)
        .map(|target| target.at.max(transaction.created_at))
        .min()
        .or_else(|| transaction.deadline_at())
}

/// The steps of a saga or a message, and their payloads.
fn steps(transaction: &Transaction) -> Option<(Value, Value)> {
    if !matches!(transaction.spec.pattern, Pattern::Saga | Pattern::Message)
        || transaction.branches.is_empty()
    {
        return None;
    }
    let (mut steps, mut payloads) = (Vec::new(), Vec::new());
    for branch in &transaction.branches {
        let called = Called::of(branch);
        steps.push(match transaction.spec.pattern {
            Pattern::Saga => json!({ "action": called.attempt, "compensate": called.cancel }),
            _ => json!({ "action": called.confirm }),
        });
        payloads.push(Value::from(String::from_utf8_lossy(called.body).into_owned()));
    }
    Some((Value::Array(steps), Value::Array(payloads)))
}

/// What a branch calls, and with what.
#[derive(Default)]
struct Called<'a> {
    attempt: &'a str,
    confirm: &'a str,
    cancel: &'a str,
    body: &'a [u8],
}

impl Called<'_> {
    fn of(branch: &Branch) -> Called<'_> {
        match &branch.spec.kind {
            Kind::Raw(raw) => Called { body: &raw.body, ..Called::at(&raw.urls) },
            Kind::Call(call) => {
                let body = call.body.as_deref().unwrap_or_default().as_bytes();
                Called { body, ..Called::at(&call.urls) }
            }
            Kind::Await | Kind::Hold(_) | Kind::Item(_) => Called::default(),
        }
    }

    fn at(urls: &Urls) -> Called<'_> {
        Called {
            attempt: urls.attempt.as_deref().unwrap_or_default(),
            confirm: urls.confirm.as_deref().unwrap_or_default(),
            cancel: urls.cancel.as_deref().unwrap_or_default(),
            body: &[],
        }
    }
}

/// The branch rows, in the order in which DTM stores them: what undoes a step before what does it.
fn branches(transaction: &Transaction) -> Vec<Value> {
    let operations: &[Operation] = match transaction.spec.pattern {
        Pattern::Saga => &[Operation::Cancel, Operation::Try],
        Pattern::Tcc | Pattern::Xa => &[Operation::Cancel, Operation::Confirm],
        Pattern::Message => &[Operation::Confirm],
        Pattern::Workflow => &[],
    };
    let mut rows =
        Vec::with_capacity(transaction.branches.len() * operations.len() + transaction.progress.len());
    for branch in &transaction.branches {
        let called = Called::of(branch);
        for operation in operations {
            let url = match operation {
                Operation::Try => called.attempt,
                Operation::Confirm => called.confirm,
                Operation::Cancel | Operation::Check => called.cancel,
            };
            let op = op(*operation, transaction.spec.pattern);
            rows.push(Row {
                branch_id: &branch.spec.id,
                op,
                url,
                body: called.body,
                status: state(branch, *operation),
            });
        }
    }
    rows.extend(transaction.progress.iter().map(|progress| Row {
        branch_id: &progress.step,
        op: &progress.operation,
        url: "",
        body: &progress.data,
        status: outcome(progress.outcome),
    }));
    (1..).zip(rows).map(|(id, row)| row.shown(id, transaction)).collect()
}

struct Row<'a> {
    branch_id: &'a str,
    op: &'a str,
    url: &'a str,
    body: &'a [u8],
    status: &'static str,
}

impl Row<'_> {
    fn shown(&self, id: u64, transaction: &Transaction) -> Value {
        let (created, updated) =
            (Stamp::text_of(transaction.created_at), Stamp::text_of(transaction.updated_at));
        let mut shown = Map::new();
        shown.insert("id".to_owned(), Value::from(id));
        shown.insert("create_time".to_owned(), Value::from(created));
        shown.insert("update_time".to_owned(), Value::from(updated.clone()));
        shown.insert("gid".to_owned(), Value::from(&*transaction.spec.id));
        shown.insert("url".to_owned(), Value::from(self.url));
        shown.insert("bin_data".to_owned(), Value::from(STANDARD.encode(self.body)));
        shown.insert("branch_id".to_owned(), Value::from(self.branch_id));
        shown.insert("op".to_owned(), Value::from(self.op));
        shown.insert("status".to_owned(), Value::from(self.status));
        match self.status {
            "succeed" => shown.insert("finish_time".to_owned(), Value::from(updated)),
            "failed" => shown.insert("rollback_time".to_owned(), Value::from(updated)),
            _ => None,
        };
        Value::Object(shown)
    }
}

/// DTM's name of an operation.
fn op(operation: Operation, pattern: Pattern) -> &'static str {
    match (operation, pattern) {
        (Operation::Confirm, Pattern::Message) => "action",
        _ => operation.name(pattern),
    }
}

fn state(branch: &Branch, operation: Operation) -> &'static str {
    match (operation, branch.tried, branch.state) {
        (Operation::Try, Tried::Done, _)
        | (Operation::Confirm, _, BranchState::Confirmed)
        | (Operation::Cancel, _, BranchState::Cancelled) => "succeed",
        (Operation::Try, Tried::Refused, _) => "failed",
        _ => "prepared",
    }
}

fn outcome(outcome: Signal) -> &'static str {
    match outcome {
        Signal::Done => "succeed",
        Signal::Refused => "failed",
    }
}

fn put(shown: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        shown.insert(name.to_owned(), Value::from(value));
    }
}
