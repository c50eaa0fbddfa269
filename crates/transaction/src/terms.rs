//! What a transaction may be begun on beyond the plain terms, and how that is kept.
//!
//! The kept form of a [`Spec`] is for ever, so what came later stands beside it: [`crate::Event::BegunWith`] keeps both.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Header, Protocol, Signal};

/// The terms of a transaction that are not the plain ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How its participants are spoken to.
    pub protocol: Protocol,
    /// A saga: a failed action is repeated at once, so many times, and then the saga is rolled back; 0: asked for ever.
    pub retry_limit: u32,
    /// A message: milliseconds between the submit and the first delivery.
    pub delay_ms: u64,
    /// Extra headers of every raw call, the check-back and the resume call.
    pub headers: Vec<Header>,
    /// Bound on each of them, in milliseconds.
    pub timeout_ms: u64,
    /// What the resume call of a workflow carries.
    pub resume: Option<Resume>,
    /// The initiator's own text, kept for it and never read here.
    pub note: Option<Arc<str>>,
    /// The options as the initiator wrote them, kept to be shown again and never read here.
    pub options: Option<Arc<str>>,
}

/// What the resume call of a workflow carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The name of the workflow, where the protocol has one.
    pub name: Arc<str>,
    /// The body, byte for byte; JSON text, or nothing, where the protocol is ours.
    pub body: Arc<[u8]>,
}

/// A step of a workflow that its initiator has run, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The step.
    pub step: Arc<str>,
    /// What was run of it, in the initiator's own word.
    pub operation: Arc<str>,
    /// What came of it.
    pub outcome: Signal,
    /// What it gave, byte for byte.
    pub data: Arc<[u8]>,
}

/// Keeps a spec with its terms beside it.
pub(crate) mod beside {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Terms;
    use crate::Spec;

    pub(crate) fn serialize<S: Serializer>(spec: &Arc<Spec>, serializer: S) -> Result<S::Ok, S::Error> {
        (spec, &spec.terms).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Spec>, D::Error> {
        let (spec, terms) = <(Spec, Option<Box<Terms>>)>::deserialize(deserializer)?;
        Ok(Arc::new(Spec { terms, ..spec }))
    }
}
