//! What became of a batch.

use crate::proto::{Outcome, Refused, Taken};

/// One outcome for each member, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcomes {
    /// The journal sequence that they reflect: everything that was done is durable.
    pub sequence: u64,
    pub(super) outcomes: Vec<i32>,
    pub(super) refused: Vec<Refused>,
    pub(super) taken: Vec<Taken>,
}

impl Outcomes {
    /// How many members there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// There were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// No member was refused.
    #[must_use]
    pub fn is_all_done(&self) -> bool {
        self.refused.is_empty()
    }

    /// What became of the member at this place.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Outcome> {
        self.outcomes.get(index).map(|word| Outcome::try_from(*word).unwrap_or_default())
    }

    /// What became of each.
    pub fn iter(&self) -> impl Iterator<Item = Outcome> {
        self.outcomes.iter().map(|word| Outcome::try_from(*word).unwrap_or_default())
    }

    /// The members that were refused, by place, each with its code.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// How much the member at this place took, when it asked for "up to".
    #[must_use]
    pub fn taken(&self, index: usize) -> Option<&str> {
        let at = |taken: &&Taken| usize::try_from(taken.index) == Ok(index);
        self.taken.iter().find(at).map(|taken| &*taken.amount)
    }
}

#[cfg(feature = "grpc")]
impl TryFrom<crate::proto::ApplyReply> for Outcomes {
    type Error = super::Fault;

    fn try_from(reply: crate::proto::ApplyReply) -> Result<Outcomes, super::Fault> {
        match reply.refusal {
            Some(refusal) => Err(refusal.into()),
            None => Ok(Outcomes {
                sequence: reply.sequence,
                outcomes: reply.outcomes,
                refused: reply.refused,
                taken: reply.taken,
            }),
        }
    }
}
