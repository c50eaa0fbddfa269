//! The identity of a call: what the coordinator writes into its headers.
//!
//! An id is never used for two things; what is reused is reused on purpose, by a check. Read next: `stage.rs`.

use bytes::Bytes;
use hyper::header::HeaderValue;

use crate::form::Part;

pub(crate) const TRANSACTION: &str = "tercet-transaction";
pub(crate) const BRANCH: &str = "tercet-branch";
pub(crate) const OPERATION: &str = "tercet-operation";
pub(crate) const ATTEMPT: &str = "tercet-attempt";
pub(crate) const SIGNATURE: &str = "tercet-signature";

/// The branch of calls that need no particular one.
pub(crate) const KIT: &str = "kit";

/// Which branch of which transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) transaction: String,
    pub(crate) branch: String,
}

impl Id {
    pub(crate) fn new(transaction: String) -> Id {
        Id { transaction, branch: KIT.to_owned() }
    }

    /// A call of `part` with the ordinary body.
    pub(crate) fn call(&self, part: Part) -> Call {
        Call { part, id: self.clone(), content: Content::Ordinary, attempt: 1 }
    }
}

/// Which body a call carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The target's body.
    Ordinary,
    /// Another one, as ordinary.
    Other,
    /// One that must be refused.
    Refused,
}

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) part: Part,
    pub(crate) id: Id,
    pub(crate) content: Content,
    pub(crate) attempt: usize,
}

impl Call {
    pub(crate) fn with(mut self, content: Content) -> Call {
        self.content = content;
        self
    }

    /// The same call as its nth attempt.
    pub(crate) fn again(&self, attempt: usize) -> Call {
        Call { attempt, ..self.clone() }
    }

    /// The headers of identity.
    pub(crate) fn headers(&self, operation: &'static str) -> Vec<(&'static str, HeaderValue)> {
        let text = |text: &str| HeaderValue::from_maybe_shared(Bytes::copy_from_slice(text.as_bytes()));
        let attempt = self.attempt.to_string();
        let all = [
            (TRANSACTION, text(&self.id.transaction)),
            (BRANCH, text(&self.id.branch)),
            (OPERATION, text(operation)),
            (ATTEMPT, text(&attempt)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.ok()?))).collect()
    }
}
