//! A call of the coordinator as a participant sees it: who it is about, what it asks, and what may be answered.
//!
//! Source: the headers of "Branch calls" in `docs/reference/api.md`. Never guesses: a call that does not say what it is
//! about is refused. Read next: `answer.rs`, `signature.rs`, then `../barrier/mod.rs`, which decides what is done with it.

mod answer;
mod content;
mod signature;

pub use answer::{ANSWER_MAX, Answer, Outcome, Refused};
pub use content::Content;
pub use signature::{Identity, SECRET_MIN, SIGNATURE, SecretFault, Signature, SignatureFault, Signed};

use http::HeaderMap;
use transaction::{Operation, Pattern, is_id};

/// Which branch of which transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Branch {
    /// The transaction's id, 1 to 128 characters of `A–Z a–z 0–9 . _ : / -`.
    pub transaction: String,
    /// The branch's id in it, of the same form.
    pub branch: String,
}

/// One call: its identity and what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which branch.
    pub branch: Branch,
    /// The pattern, as the operation's name tells it.
    pub pattern: Pattern,
    /// What is asked.
    pub operation: Operation,
    /// From 1; for logs only, nothing may be decided by it.
    pub attempt: u32,
    /// What the call says, as a digest: the same operation with other content is refused.
    pub content: Content,
}

/// Why a request is no call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// A header is missing, or holds what it may not.
    #[error("the header {header} is missing or no id")]
    Identity {
        /// Which header.
        header: &'static str,
    },
    /// `Tercet-Operation` names none.
    #[error("the header Tercet-Operation names no operation of a branch")]
    Operation,
}

impl CallFault {
    /// The code of the refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            CallFault::Identity { .. } => "identity_missing",
            CallFault::Operation => "operation_unknown",
        }
    }
}

/// The header of the transaction's id.
pub const TRANSACTION: &str = "tercet-transaction";
/// The header of the branch's id.
pub const BRANCH: &str = "tercet-branch";
/// The header of the operation.
pub const OPERATION: &str = "tercet-operation";
/// The header of the attempt.
pub const ATTEMPT: &str = "tercet-attempt";

impl Call {
    /// Reads a call from a request's headers and its body. Metadata of gRPC are such headers too.
    ///
    /// # Errors
    /// When the identity is missing or not well-formed: such a call must be refused (R9.1).
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Call, CallFault> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let id = |name: &'static str| match text(name) {
            Some(id) if is_id(id) => Ok(id.to_owned()),
            Some(_) | None => Err(CallFault::Identity { header: name }),
        };
        let branch = Branch { transaction: id(TRANSACTION)?, branch: id(BRANCH)? };
        let name = text(OPERATION).ok_or(CallFault::Identity { header: OPERATION })?;
        let (pattern, operation) = Operation::read(name).ok_or(CallFault::Operation)?;
        let attempt = text(ATTEMPT).and_then(|text| text.parse().ok()).unwrap_or(1);
        Ok(Call { branch, pattern, operation, attempt, content: Content::of(body) })
    }

    /// The operation's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.operation.name(self.pattern)
    }
}

#[cfg(test)]
mod tests;
