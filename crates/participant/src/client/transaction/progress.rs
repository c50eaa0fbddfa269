//! A transaction as it stands, over either way. Times are microseconds since 1970, UTC.

use std::collections::BTreeMap;

#[cfg(feature = "http")]
use super::json;
use crate::client::Fault;
#[cfg(feature = "grpc")]
use crate::proto;

/// A transaction as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "http", derive(serde::Deserialize))]
pub struct Progress {
    /// Its id.
    pub id: String,
    /// The pattern's word for where it is: `trying`, `confirmed`, `compensated`, `delivered` and so on.
    pub state: String,
    /// The one-way choice, once made.
    pub decision: Option<Decision>,
    /// Why the decision is cancel.
    pub reason: Option<Reason>,
    /// Retries did not help: a person should look. It goes on being retried.
    pub needs_attention: bool,
    /// Labels to find it by.
    pub labels: BTreeMap<String, String>,
    /// When it was begun.
    #[cfg_attr(feature = "http", serde(deserialize_with = "json::time"))]
    pub created_at: i64,
    /// When it is cancelled if it is not decided by then.
    #[cfg_attr(feature = "http", serde(deserialize_with = "json::time_or_none"))]
    pub deadline_at: Option<i64>,
    /// The end of the window in which a cancel still withdraws it.
    #[cfg_attr(feature = "http", serde(deserialize_with = "json::time_or_none"))]
    pub cooling_until: Option<i64>,
    /// When it became final.
    #[cfg_attr(feature = "http", serde(deserialize_with = "json::time_or_none"))]
    pub finished_at: Option<i64>,
    /// Its branches, in the order of registration.
    pub branches: Vec<BranchProgress>,
    /// The journal sequence of its latest change.
    #[cfg_attr(feature = "http", serde(rename = "seq"))]
    pub sequence: u64,
}

/// The one-way choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "http", derive(serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Decision {
    /// Everything that was tried is confirmed; a saga is completed, a message delivered.
    Confirm,
    /// Everything is cancelled; a saga is compensated, a message aborted.
    Cancel,
}

/// Why a transaction is cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "http", derive(serde::Deserialize))]
pub struct Reason {
    /// `branch_refused`, `deadline_passed`, `withdrawn` or `check_refused`.
    pub code: String,
    /// The branch that caused it.
    pub branch: Option<String>,
    /// In words.
    pub detail: String,
}

/// A branch as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "http", derive(serde::Deserialize))]
pub struct BranchProgress {
    /// Its id.
    pub id: String,
    /// `call`, `hold` and so on.
    pub kind: String,
    /// The pattern's word for where it is.
    pub state: String,
    /// Calls that were answered or given up, by operation.
    pub attempts: BTreeMap<String, u32>,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
    /// When it is asked again.
    #[cfg_attr(feature = "http", serde(deserialize_with = "json::time_or_none"))]
    pub next_attempt_at: Option<i64>,
    /// The JSON that its try, action or signal gave.
    #[cfg_attr(feature = "http", serde(deserialize_with = "json::text_of_json"))]
    pub result: Option<String>,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "http", derive(serde::Deserialize))]
pub struct Step {
    /// The journal sequence of the event.
    #[cfg_attr(feature = "http", serde(rename = "seq"))]
    pub sequence: u64,
    /// When.
    #[cfg_attr(feature = "http", serde(deserialize_with = "json::time"))]
    pub at: i64,
    /// A stable name, such as `begun`, `try_done`, `decided`, `confirmed`.
    pub event: String,
    /// The branch it concerns.
    pub branch: Option<String>,
    /// What happened, in plain words.
    pub detail: String,
}

impl Progress {
    /// Nothing more happens to it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.finished_at.is_some()
    }

    /// It is final, and what was asked for is done: confirmed, completed or delivered.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_final() && self.decision == Some(Decision::Confirm)
    }

    /// A branch by its id.
    #[must_use]
    pub fn branch(&self, id: &str) -> Option<&BranchProgress> {
        self.branches.iter().find(|branch| branch.id == id)
    }
}

impl BranchProgress {
    /// What its try, action or signal gave, read as `T`; `None`: nothing.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        let read = self.result.as_deref().map(serde_json::from_str).transpose();
        read.map_err(|error| Fault::Misunderstood(format!("the result of {}: {error}", self.id)))
    }
}

#[cfg(feature = "grpc")]
impl TryFrom<proto::Transaction> for Progress {
    type Error = Fault;

    fn try_from(shown: proto::Transaction) -> Result<Progress, Fault> {
        let decision = match &*shown.decision {
            "" => None,
            "confirm" => Some(Decision::Confirm),
            "cancel" => Some(Decision::Cancel),
            other => return Err(Fault::Misunderstood(format!("the decision {other}"))),
        };
        Ok(Progress {
            id: shown.id,
            state: shown.state,
            decision,
            reason: shown.reason.map(|reason| Reason {
                code: reason.code,
                branch: some(reason.branch),
                detail: reason.detail,
            }),
            needs_attention: shown.needs_attention,
            labels: shown.labels.into_iter().map(|label| (label.key, label.value)).collect(),
            created_at: shown.created_at,
            deadline_at: shown.deadline_at,
            cooling_until: shown.cooling_until,
            finished_at: shown.finished_at,
            branches: shown.branches.into_iter().map(BranchProgress::from).collect(),
            sequence: shown.sequence,
        })
    }
}

#[cfg(feature = "grpc")]
impl From<proto::BranchState> for BranchProgress {
    fn from(shown: proto::BranchState) -> BranchProgress {
        BranchProgress {
            id: shown.id,
            kind: shown.kind,
            state: shown.state,
            attempts: shown.attempts.into_iter().map(|made| (made.operation, made.count)).collect(),
            last_error: some(shown.last_error),
            next_attempt_at: shown.next_attempt_at,
            result: some(shown.result),
        }
    }
}

#[cfg(feature = "grpc")]
impl From<proto::TimelineEntry> for Step {
    fn from(entry: proto::TimelineEntry) -> Step {
        let branch = some(entry.branch);
        Step { sequence: entry.sequence, at: entry.at, event: entry.event, branch, detail: entry.detail }
    }
}

/// On that wire, an empty text is none.
#[cfg(feature = "grpc")]
fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
