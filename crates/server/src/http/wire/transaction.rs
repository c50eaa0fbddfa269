//! The transaction object, written straight from the transaction it shows.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use transaction::{Branch, Operation, Pattern, Transaction};
use utoipa::ToSchema;

use super::progress::ProgressView;
use crate::http::time::Stamp;

/// A transaction as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Transaction)]
pub(in crate::http) struct TransactionView<'a> {
    /// Its id.
    id: &'a str,
    /// `tcc`, `saga`, `message`, `xa` or `workflow`.
    pattern: &'static str,
    /// `managed` or `interactive`.
    mode: &'static str,
    /// TCC: `trying`, `cooling`, `confirming`, `confirmed`, `cancelling`, `cancelled`. Saga: `running`, `completed`,
    /// `compensating`, `compensated`. Message: `prepared`, `submitted`, `delivered`, `aborted`. XA: `preparing`, `confirming`,
    /// `confirmed`, `cancelling`, `cancelled`. Workflow: `running`, `completed`, `failed`. Any: `stopped`.
    state: &'static str,
    /// `confirm` or `cancel`, once made; it never changes.
    decision: Option<&'static str>,
    /// Why the decision is cancel.
    reason: Option<ReasonView<'a>>,
    /// Retries did not help: a person should look. It goes on being retried.
    needs_attention: bool,
    /// Labels to find it by.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: Labels<'a>,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    created_at: Stamp,
    /// When it is cancelled if it is not decided by then.
    #[schema(value_type = Option<String>, format = DateTime)]
    deadline_at: Option<Stamp>,
    /// The end of the window in which a cancel still withdraws it.
    #[schema(value_type = Option<String>, format = DateTime)]
    cooling_until: Option<Stamp>,
    /// When it became final.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Stamp>,
    /// Its branches, in the order of registration.
    #[schema(value_type = Vec<BranchView>)]
    branches: Branches<'a>,
    /// The check-back of a prepared message, or the resume call of a workflow; left out otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<CheckView<'a>>,
    /// The steps of a workflow that its initiator has told of; left out where there are none.
    #[serde(skip_serializing_if = "Steps::are_none")]
    #[schema(value_type = Option<Vec<ProgressView>>)]
    progress: Steps<'a>,
    /// The result of a workflow; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    result: Option<Told<'a>>,
    /// The journal sequence of its latest change.
    seq: u64,
}

/// Why a transaction is cancelled.
#[derive(Serialize, ToSchema)]
#[schema(as = Reason)]
pub(in crate::http) struct ReasonView<'a> {
    /// `branch_refused`, `deadline_passed`, `withdrawn`, `check_refused`, `retries_exhausted` or `stopped`.
    code: &'static str,
    /// The branch that caused it.
    branch: Option<&'a str>,
    /// In words.
    detail: &'a str,
}

/// A branch as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = BranchState)]
pub(in crate::http) struct BranchView<'a> {
    /// Its id.
    id: &'a str,
    /// `call`, `await`, `hold`, `item`, `sql`, `redis` or `dtm`.
    kind: &'static str,
    /// The declared resource of a `sql` or `redis` branch; left out otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    /// TCC: `registered`, `trying`, `tried`, `refused`, `confirming`, `confirmed`, `cancelling`, `cancelled`. Saga:
    /// `registered`, `running`, `done`, `refused`, `compensating`, `compensated`. Message: `registered`, `delivering`,
    /// `delivered`. XA: `registered`, `preparing`, `prepared`, `refused`, `committing`, `committed`, `rolling_back`,
    /// `rolled_back`.
    state: &'static str,
    /// Calls that were answered or given up, by operation.
    #[schema(value_type = std::collections::BTreeMap<String, u32>)]
    attempts: AttemptsView<'a>,
    /// The last thing that went wrong.
    last_error: Option<&'a str>,
    /// When it is asked again.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Stamp>,
    /// The JSON that its try, action or signal gave.
    #[schema(value_type = Option<Object>)]
    result: Option<&'a RawValue>,
}

/// The check-back of a prepared message as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckState)]
pub(in crate::http) struct CheckView<'a> {
    /// Calls that were answered or given up.
    attempts: u32,
    /// The last thing that went wrong.
    last_error: Option<&'a str>,
    /// When the initiator is asked (again).
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Stamp>,
}

struct Labels<'a>(&'a Transaction);

struct Branches<'a>(&'a Transaction);

struct Steps<'a>(&'a Transaction);

/// A result: JSON as it is, anything else as a string.
#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

struct AttemptsView<'a> {
    pattern: Pattern,
    branch: &'a Branch,
}

impl<'a> TransactionView<'a> {
    /// The view of `transaction`.
    pub(in crate::http) fn of(transaction: &'a Transaction) -> TransactionView<'a> {
        let spec = &transaction.spec;
        let reason = transaction.reason.as_ref().map(|reason| ReasonView {
            code: reason.code.name(),
            branch: reason
                .branch
                .and_then(|index| transaction.branches.get(usize::from(index)))
                .map(|branch| &*branch.spec.id),
            detail: &reason.detail,
        });
        let check = transaction.check.as_ref().map(|check| CheckView {
            attempts: check.attempts,
            last_error: check.last_error.as_deref(),
            next_attempt_at: Some(Stamp(check.next_at)).filter(|stamp| stamp.0 > transaction.created_at),
        });
        TransactionView {
            id: &spec.id,
            pattern: spec.pattern.name(),
            mode: spec.mode.name(),
            state: transaction.state_name(),
            decision: transaction.decision.map(transaction::Decision::name),
            reason,
            needs_attention: transaction.needs_attention(),
            labels: Labels(transaction),
            created_at: Stamp(transaction.created_at),
            deadline_at: transaction.deadline_at().map(Stamp),
            cooling_until: transaction.cooling_until.map(Stamp),
            finished_at: transaction.finished_at.map(Stamp),
            branches: Branches(transaction),
            check,
            progress: Steps(transaction),
            result: transaction.result.as_deref().map(Told::of),
            seq: transaction.sequence,
        }
    }

    /// A guess at the written size of `transaction`, in bytes.
    pub(in crate::http) fn room(transaction: &Transaction) -> usize {
        let results =
            transaction.branches.iter().map(|branch| branch.result.as_ref().map_or(0, |result| result.len()));
        512 + transaction.branches.len() * 256 + results.sum::<usize>()
    }
}

impl<'a> BranchView<'a> {
    fn of(transaction: &'a Transaction, branch: &'a Branch) -> BranchView<'a> {
        let pattern = transaction.spec.pattern;
        let waits = branch.operation().is_some() && branch.pace.next_at > transaction.created_at;
        let (kind, resource) = crate::resource::shown(&branch.spec.kind);
        BranchView {
            id: &branch.spec.id,
            kind,
            resource,
            state: branch.state.name(pattern),
            attempts: AttemptsView { pattern, branch },
            last_error: branch.pace.last_error.as_deref(),
            next_attempt_at: waits.then_some(Stamp(branch.pace.next_at)),
            // What is kept has been read as JSON before.
            result: branch.result.as_ref().and_then(|text| serde_json::from_str(text).ok()),
        }
    }
}

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.spec.labels.iter().map(|(key, value)| (&**key, &**value)))
    }
}

impl Serialize for Branches<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.branches.iter().map(|branch| BranchView::of(self.0, branch)))
    }
}

impl Steps<'_> {
    fn are_none(&self) -> bool {
        self.0.progress.is_empty()
    }
}

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.progress.iter().map(|progress| ProgressView::of(progress)))
    }
}

impl<'a> Told<'a> {
    fn of(text: &'a str) -> Told<'a> {
        serde_json::from_str(text).map_or(Told::Text(text), Told::Json)
    }
}

impl Serialize for AttemptsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let operations: &[Operation] = Operation::of(self.pattern);
        let mut map = serializer.serialize_map(Some(operations.len()))?;
        for operation in operations {
            map.serialize_entry(operation.name(self.pattern), &self.branch.attempts.of(*operation))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
