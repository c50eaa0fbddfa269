//! What a `redis` branch asks: a counter and a count.

use std::sync::{Arc, LazyLock};

use participant::redis::counter::COUNT_MAX;
use transaction::refusal::ID_INVALID;
use transaction::{Refusal, is_id};

use super::super::parameters::{self, Type, Types, Value};
use crate::refusal::FIELD_INVALID;

/// The parameters of every branch.
pub(super) struct Parameters {
    pub(super) counter: String,
    pub(super) count: u64,
}

static TYPES: LazyLock<Types> = LazyLock::new(|| {
    [("counter", Type::Text), ("n", Type::Integer)].map(|(name, kind)| (Arc::from(name), kind)).into()
});

impl Parameters {
    /// Reads a JSON object; pointers begin at the branch.
    pub(super) fn read(json: &str) -> Result<Parameters, Refusal> {
        let values = parameters::read(&TYPES, json)?;
        let (Some(Value::Text(counter)), Some(Value::Integer(count))) =
            (values.get("counter"), values.get("n"))
        else {
            return Err(FIELD_INVALID.at("/parameters", "a counter and a count are needed"));
        };
        if !is_id(counter) {
            return Err(ID_INVALID
                .at("/parameters/counter", "a counter has 1 to 128 characters of A-Z a-z 0-9 . _ : / -"));
        }
        match u64::try_from(*count) {
            Ok(count @ 1..=COUNT_MAX) => Ok(Parameters { counter: counter.clone(), count }),
            _ => Err(FIELD_INVALID.at("/parameters/n", format!("must be from 1 to {COUNT_MAX}"))),
        }
    }
}
