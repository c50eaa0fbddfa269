//! Why something is asked or was done.

use engine::CauseText;
use ledger::Cause;
use ledger::refusal::CAUSE_INVALID;
use serde::{Deserialize, Serialize};
use transaction::{Refusal, is_id};
use utoipa::ToSchema;

use super::scalar::Word;
use crate::http::wire::scalar::Object;

/// Why: kept with the change, and what its history can be searched by.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Cause)]
pub(in crate::http) struct CauseBody<'a> {
    /// The global transaction, by id.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    transaction: Option<Word<'a>>,
    /// Its branch, by id.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    branch: Option<Word<'a>>,
    /// The person, by id.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    operator: Option<Word<'a>>,
    /// In words, at most 256 bytes.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    reason: Option<Word<'a>>,
}

const REASON_BYTES: usize = 256;

/// A cause in a body.
pub(super) type Given<'a> = Option<Object<CauseBody<'a>>>;

/// As the ledger takes it.
pub(super) fn cause<'t>(given: &'t Given<'_>) -> Result<Cause<&'t str>, Refusal> {
    let Some(Object(body)) = given else { return Ok(Cause::default()) };
    let id = |word: &'t Option<Word<'_>>, at: &str| match word {
        None => Ok(None),
        Some(Word(text)) if is_id(text) => Ok(Some(&**text)),
        Some(_) => Err(CAUSE_INVALID.at(at, "not 1 to 128 characters of A-Z a-z 0-9 . _ : / -")),
    };
    let reason = body.reason.as_ref().map(|word| &*word.0);
    if reason.is_some_and(|text| text.len() > REASON_BYTES) {
        return Err(CAUSE_INVALID.at("/cause/reason", format!("longer than {REASON_BYTES} bytes")));
    }
    Ok(Cause {
        transaction: id(&body.transaction, "/cause/transaction")?,
        branch: id(&body.branch, "/cause/branch")?,
        operator: id(&body.operator, "/cause/operator")?,
        reason,
    })
}

/// Why something was done; what is not known is `null`.
#[derive(Serialize, ToSchema)]
#[schema(as = CauseKept)]
pub(in crate::http) struct CauseView<'a> {
    /// The global transaction.
    transaction: Option<&'a str>,
    /// Its branch.
    branch: Option<&'a str>,
    /// The person.
    operator: Option<&'a str>,
    /// In words.
    reason: Option<&'a str>,
}

impl<'a> CauseView<'a> {
    /// The view of `cause`; `None` when nothing of it is known.
    pub(super) fn of(cause: &'a CauseText) -> Option<CauseView<'a>> {
        let view = CauseView {
            transaction: cause.transaction.as_deref(),
            branch: cause.branch.as_deref(),
            operator: cause.operator.as_deref(),
            reason: cause.reason.as_deref(),
        };
        let parts = [view.transaction, view.branch, view.operator, view.reason];
        parts.iter().any(Option::is_some).then_some(view)
    }
}
