//! Reads just so much of an encoded event as its index rows need: the rest is kept as it came.
//!
//! Decoding every event whole would cost as much as storing it. Knows the order of variants and fields that
//! `tests/golden_entries.rs` keeps for ever; its own test holds it to `transaction`'s decoding. Read next: `ingest.rs`.

use serde::Deserialize;
use transaction::{Decision, Mode, Operation, Order, Pattern, Retry, Time};

/// What an event is about, and what it does to the rows of its transaction.
#[derive(Debug, PartialEq)]
pub(crate) struct Head<'a> {
    pub(crate) number: u64,
    pub(crate) at: Time,
    pub(crate) effect: Effect<'a>,
}

/// What an event does to the rows of its transaction.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect<'a> {
    Begins(Names<'a>),
    Cools,
    Decides(Decision),
    Finishes,
    Stops,
    RaisesAttention,
    /// It may end the need for attention, no more.
    MayLowerAttention,
    /// Nothing. An answer that moves no branch: by far the most frequent event while attention is needed, so it must
    /// not cost a fold.
    None,
}

/// What a transaction can be found by: the first fields of its spec.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Names<'a> {
    pub(crate) id: &'a str,
    pub(crate) pattern: Pattern,
    _mode: Mode,
    _order: Order,
    _deadline_ms: Option<u64>,
    _cooling_off_ms: u64,
    _retry: Retry,
    #[serde(borrow)]
    pub(crate) labels: Vec<(&'a str, &'a str)>,
}

/// The variants of `Reply`, without what they hold.
#[derive(Clone, Copy, Deserialize)]
#[repr(u32)]
enum Word {
    Done,
    Refused,
    InProgress,
    Unknown,
}

impl<'a> Head<'a> {
    /// Reads the head of an encoded `Kept`.
    pub(crate) fn read(encoded: &'a [u8]) -> Result<Head<'a>, String> {
        let ((number, at, variant), rest) = take::<(u64, Time, u32)>(encoded)?;
        let effect = match variant {
            0 | 10 => Effect::Begins(take(rest)?.0),
            2 => after(take::<(u16, Operation, u32, Word)>(rest)?.0.3),
            3 => after(take::<(u32, Word)>(rest)?.0.1),
            5 => Effect::Cools,
            6 => Effect::Decides(take(rest)?.0),
            7 => Effect::Finishes,
            8 => Effect::RaisesAttention,
            13 => Effect::Stops,
            1 | 4 | 9 | 11 | 12 => Effect::MayLowerAttention,
            _ => {
                return Err(format!(
                    "event kind {variant} is unknown: was the folder written by a newer version?"
                ));
            }
        };
        Ok(Head { number, at, effect })
    }
}

impl Effect<'_> {
    /// Whether this can end the need for attention.
    pub(crate) fn may_lower(&self) -> bool {
        match self {
            Effect::Begins(_) | Effect::Cools | Effect::Decides(_) | Effect::Finishes | Effect::Stops => true,
            Effect::MayLowerAttention => true,
            Effect::RaisesAttention | Effect::None => false,
        }
    }
}

fn after(reply: Word) -> Effect<'static> {
    match reply {
        Word::Done | Word::Refused => Effect::MayLowerAttention,
        Word::InProgress | Word::Unknown => Effect::None,
    }
}

fn take<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), String> {
    postcard::take_from_bytes(bytes).map_err(|error| format!("no event: {error}"))
}

#[cfg(test)]
mod tests {
    use transaction::{Event, Kept, Reply};

    use super::super::tests::history::World;
    use super::*;
    use crate::entry::Entry;

    /// What the head must say, from the whole event.
    fn expected(kept: &Kept) -> Effect<'_> {
        match &kept.event {
            Event::Begun { spec, .. } | Event::BegunWith { spec, .. } => Effect::Begins(Names {
                id: &spec.id,
                pattern: spec.pattern,
                _mode: spec.mode,
                _order: spec.order,
                _deadline_ms: spec.deadline_ms,
                _cooling_off_ms: spec.cooling_off_ms,
                _retry: spec.retry,
                labels: spec.labels.iter().map(|(key, value)| (&**key, &**value)).collect(),
            }),
            Event::Cooled { .. } => Effect::Cools,
            Event::Decided { decision, .. } => Effect::Decides(*decision),
            Event::Finished => Effect::Finishes,
            Event::Stopped { .. } => Effect::Stops,
            Event::AttentionRaised { .. } => Effect::RaisesAttention,
            Event::Replied { reply: Reply::InProgress | Reply::Unknown { .. }, .. }
            | Event::Checked { reply: Reply::InProgress | Reply::Unknown { .. }, .. } => Effect::None,
            Event::Replied { .. }
            | Event::Checked { .. }
            | Event::Registered(_)
            | Event::Signalled { .. }
            | Event::Progressed(_)
            | Event::Resulted { .. }
            | Event::Retried => Effect::MayLowerAttention,
        }
    }

    #[test]
    fn a_head_says_what_the_whole_event_says() {
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..10 {
            for ingest in World::after(seed, 800).entries {
                let Entry::Event { encoded, kept } = &ingest.entry else { continue };
                let head = Head { number: kept.number, at: kept.at, effect: expected(kept) };
                assert_eq!(Head::read(encoded).unwrap(), head);
                let name = format!("{:?}", kept.event);
                kinds.insert(name.split([' ', '(']).next().unwrap().to_owned());
            }
        }
        assert_eq!(kinds.len(), 14, "{kinds:?}");
    }

    #[test]
    fn a_cut_head_and_an_unknown_kind_are_refused() {
        let mut encoded = Vec::new();
        Kept::encode(7, Time(5), &Event::Decided { decision: Decision::Confirm, reason: None }, &mut encoded);
        assert!(Head::read(&encoded[..3]).is_err());
        encoded[2] = 14;
        assert!(Head::read(&encoded).unwrap_err().contains("kind 14"));
    }
}
