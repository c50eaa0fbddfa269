//! Digests of ids and of contents: how a repeat is told from another operation under the same id.
//!
//! Keyed, so that no caller can make two ids or contents meet. Fixed for the life of a data folder: part of the format.

use siphasher::sip128::SipHasher13;

use crate::{Cause, Expiry, Keys, Space, Value};

/// The space of accounts' ids; they are found in memory, never in the index of ids.
const ACCOUNT: u8 = 0;

/// The two halves of an id's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    /// Finds it.
    pub(crate) hash: u64,
    /// Tells it from another id of the same hash.
    pub(crate) check: u64,
}

/// The digest of an account's id.
pub(crate) fn account(keys: Keys, id: &str) -> Id {
    digest(keys, ACCOUNT, ("", id))
}

/// The digest of an id in its space, below its parent where it has one.
pub(crate) fn id(keys: Keys, space: Space, (parent, id): (&str, &str)) -> Id {
    digest(keys, space as u8, (parent, id))
}

fn digest(keys: Keys, space: u8, (parent, id): (&str, &str)) -> Id {
    let hasher = SipHasher13::new_with_keys(keys.0, keys.1);
    let length = parent.len() + id.len() + 2;
    let mut short = [0_u8; 64];
    let mut long = Vec::new();
    let bytes = match short.get_mut(..length) {
        Some(bytes) => bytes,
        None => {
            long.resize(length, 0);
            long.as_mut_slice()
        }
    };
    // Ids hold no zero byte, so the parent ends where it seems to.
    bytes[0] = space;
    bytes[1..=parent.len()].copy_from_slice(parent.as_bytes());
    bytes[parent.len() + 2..].copy_from_slice(id.as_bytes());
    let hash = hasher.hash(bytes);
    Id { hash: hash.h1, check: hash.h2 }
}

/// A digest of all that a caller said, grown piece by piece.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    keys: Keys,
    value: u64,
}

impl Content {
    /// Begins with the id that it comes with.
    pub(crate) fn of(keys: Keys, id: Id) -> Content {
        Content { keys, value: id.check }
    }

    pub(crate) fn value(self) -> u64 {
        self.value
    }

    /// Adds a number. Multiply and fold: cheap, and the secret key is in the beginning.
    pub(crate) fn and(mut self, number: u64) -> Content {
        let left = u128::from(self.value ^ 0x9e37_79b9_7f4a_7c15);
        let right = u128::from(number ^ self.keys.1 | 1);
        let product = (left.wrapping_mul(right)).to_le_bytes();
        let (low, high) = product.split_at(8);
        let part = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap_or_default();
        self.value = (part(low) ^ part(high)).rotate_left(23) ^ number;
        self
    }

    pub(crate) fn units(self, units: i128) -> Content {
        let bits = units.cast_unsigned();
        let low = u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
        let high = u64::try_from(bits >> 64).unwrap_or_default();
        self.and(low).and(high)
    }

    pub(crate) fn maybe_units(self, units: Option<i128>) -> Content {
        match units {
            Some(units) => self.and(1).units(units),
            None => self.and(0),
        }
    }

    pub(crate) fn text(self, text: Option<&str>) -> Content {
        match text {
            Some(text) => {
                let hash = SipHasher13::new_with_keys(self.keys.0, self.keys.1).hash(text.as_bytes());
                self.and(2).and(hash.h1)
            }
            None => self.and(0),
        }
    }

    pub(crate) fn cause(self, cause: &Cause<&str>) -> Content {
        if *cause == Cause::default() {
            return self.and(0);
        }
        self.and(1).text(cause.transaction).text(cause.branch).text(cause.operator).text(cause.reason)
    }

    pub(crate) fn expiry(self, expiry: Expiry) -> Content {
        match expiry {
            Expiry::Never => self.and(0),
            Expiry::In(span) => self.and(1).and(span),
            Expiry::At(time) => self.and(2).and(time.0.cast_unsigned()),
        }
    }

    pub(crate) fn values(self, values: &[(&str, Value<&str>)]) -> Content {
        values.iter().fold(self.and(values.len() as u64), |content, (key, value)| {
            let content = content.text(Some(key));
            match value {
                Value::Text(text) => content.and(0).text(Some(text)),
                Value::Integer(number) => content.and(1).and(number.cast_unsigned()),
                Value::Flag(flag) => content.and(2).and(u64::from(*flag)),
            }
        })
    }
}
