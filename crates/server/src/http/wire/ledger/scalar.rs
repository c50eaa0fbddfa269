//! Words, amounts and units: borrowed from the body where that is possible, written without a heap.

use std::borrow::Cow;
use std::fmt;

use ledger::refusal::AMOUNT_INVALID;
use ledger::{Amount, Expiry, Linked, Take};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use transaction::refusal::{FIELD_UNEXPECTED, ID_INVALID};
use transaction::{Refusal, is_id};

use crate::http::parse::shortened;
use crate::http::time;
use crate::http::wire::scalar::Span;
use crate::refusal::FIELD_INVALID;

/// A text, borrowed where it holds no escapes.
#[derive(Clone, Debug)]
pub(in crate::http) struct Word<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Word<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Reads)
    }
}

impl Word<'_> {
    /// The text, an id; `at` is where it stands.
    pub(super) fn id(&self, at: &str) -> Result<&str, Refusal> {
        if is_id(&self.0) {
            return Ok(&self.0);
        }
        let detail = format!("`{}` is not 1 to 128 characters of A-Z a-z 0-9 . _ : / -", shortened(&self.0));
        Err(ID_INVALID.at(at, detail))
    }
}

/// The longest id of a hold: `transaction/branch/number`, where a branch placed it.
const HOLD_ID_BYTES: usize = 128 + 1 + 128 + 4;

/// Whether a text is the id of a hold: as every id, but it may be as long as a branch makes it.
pub(in crate::http) fn is_hold_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    (1..=HOLD_ID_BYTES).contains(&id.len()) && id.bytes().all(allowed)
}

impl Word<'_> {
    /// The text, the id of a hold; `at` is where it stands.
    pub(super) fn hold_id(&self, at: &str) -> Result<&str, Refusal> {
        if is_hold_id(&self.0) { Ok(&self.0) } else { self.id(at) }
    }
}

/// The text of an id that may be left out.
pub(super) fn optional<'t>(given: Option<&'t Word<'_>>, at: &str) -> Result<Option<&'t str>, Refusal> {
    given.map(|word| word.id(at)).transpose()
}

/// An id of our own making, for what came without one.
pub(in crate::http) fn fresh_id() -> String {
    let mut buffer = uuid::Uuid::encode_buffer();
    uuid::Uuid::now_v7().hyphenated().encode_lower(&mut buffer).to_owned()
}

/// An amount as it was written: a decimal string, or a JSON number without fraction and exponent.
#[derive(Clone, Debug)]
pub(in crate::http) enum AmountBody<'a> {
    /// A string; whether it is a decimal is for the ledger to say, which knows the scale.
    Decimal(Cow<'a, str>),
    /// A whole number.
    Whole(i128),
}

impl<'de: 'a, 'a> Deserialize<'de> for AmountBody<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The raw text, so that no parser makes a float of it first.
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        let wrong =
            |why: &str| D::Error::custom(format_args!("{}: {} {why}", AMOUNT_INVALID.code, shortened(raw)));
        match raw.as_bytes() {
            [b'"', inside @ .., b'"'] if !inside.contains(&b'\\') => {
                Ok(AmountBody::Decimal(Cow::Borrowed(&raw[1..raw.len() - 1])))
            }
            [b'"', ..] => serde_json::from_str(raw)
                .map(|text| AmountBody::Decimal(Cow::Owned(text)))
                .map_err(|_| wrong("is not an amount")),
            [b'-' | b'0'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
                raw.parse().map(AmountBody::Whole).map_err(|_| wrong("does not fit into 128 bits"))
            }
            [b'-' | b'0'..=b'9', ..] => {
                Err(wrong("has a fraction or an exponent: give amounts as decimal strings"))
            }
            _ => Err(wrong("is not an amount")),
        }
    }
}

impl AmountBody<'_> {
    /// As the ledger takes it.
    pub(super) fn amount(&self) -> Amount<&str> {
        match self {
            AmountBody::Decimal(text) => Amount::Decimal(text),
            AmountBody::Whole(whole) => Amount::Whole(*whole),
        }
    }
}

/// `up_to` as the ledger takes it.
pub(super) fn take(up_to: Option<bool>) -> Take {
    if up_to == Some(true) { Take::UpTo } else { Take::Exactly }
}

/// `linked` as the ledger takes it.
pub(super) fn linked(given: Option<bool>) -> Linked {
    if given == Some(true) { Linked::ToNext } else { Linked::No }
}

/// `expires_in_ms` or `expires_at`, not both.
pub(super) fn expiry(in_ms: Option<Span>, at: Option<&Word<'_>>) -> Result<Expiry, Refusal> {
    match (in_ms, at) {
        (None, None) => Ok(Expiry::Never),
        (Some(Span(ms)), None) => Ok(Expiry::In(ms)),
        (None, Some(Word(text))) => time::read(text).map(Expiry::At).ok_or_else(|| {
            FIELD_INVALID.at("/expires_at", format!("`{}` is not a time in RFC 3339", shortened(text)))
        }),
        (Some(_), Some(_)) => {
            Err(FIELD_UNEXPECTED.at("/expires_at", "give `expires_in_ms` or `expires_at`, not both"))
        }
    }
}

/// Units of an asset with a scale, written as a decimal string.
#[derive(Clone, Copy)]
pub(super) struct Units(pub(super) i128, pub(super) u8);

/// Longer than any amount: 39 digits of 128 bits, zeros before them, a point and a sign.
const UNITS_BYTES: usize = 64;

impl Units {
    /// Hands the decimal text to `write`.
    pub(super) fn with<T>(self, write: impl FnOnce(&str) -> T) -> T {
        let Units(units, scale) = self;
        let mut text = [0; UNITS_BYTES];
        let mut at = UNITS_BYTES;
        let mut put = |byte: u8| {
            at -= 1;
            text[at] = byte;
        };
        let mut rest = units.unsigned_abs();
        let mut digits = 0;
        while rest > 0 || digits <= scale {
            if digits == scale && scale > 0 {
                put(b'.');
            }
            // Most amounts fit into 64 bits, whose division is a single instruction.
            let digit = match u64::try_from(rest) {
                Ok(small) => {
                    rest = u128::from(small / 10);
                    u128::from(small % 10)
                }
                Err(_) => {
                    let digit = rest % 10;
                    rest /= 10;
                    digit
                }
            };
            put(b'0' + u8::try_from(digit).unwrap_or(0));
            digits += 1;
        }
        if units < 0 {
            put(b'-');
        }
        write(std::str::from_utf8(&text[at..]).expect("digits, point and sign are ASCII"))
    }
}

impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with(|text| serializer.serialize_str(text))
    }
}

#[cfg(test)]
mod tests {
    use ledger::format_units;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<AmountBody<'_>, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn strings_and_whole_numbers_are_amounts() {
        for (text, amount) in [
            (r#""12.50""#, Amount::Decimal("12.50")),
            (r#""12\u002e5""#, Amount::Decimal("12.5")),
            (r#""no number""#, Amount::Decimal("no number")),
            ("3", Amount::Whole(3)),
            ("-3", Amount::Whole(-3)),
            (" 0 ", Amount::Whole(0)),
            ("170141183460469231731687303715884105727", Amount::Whole(i128::MAX)),
        ] {
            assert_eq!(read(text).unwrap().amount(), amount, "{text}");
        }
    }

    #[test]
    fn everything_else_is_amount_invalid() {
        for text in [
            "1.0",
            "1e3",
            "1E3",
            "-1.5",
            "0.1e1",
            "true",
            "null",
            "[1]",
            "{}",
            "170141183460469231731687303715884105728",
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with("amount_invalid: "), "{text}: {error}");
        }
        assert!(read("01").is_err() && read("-").is_err() && read("1 2").is_err());
    }

    proptest! {
        #[test]
        fn units_are_written_as_the_ledger_writes_them(units: i128, narrow in -1_000_i128..1_000, scale in 0_u8..=18) {
            for units in [units, narrow] {
                Units(units, scale).with(|text| assert_eq!(text, format_units(units, scale)));
            }
        }
    }
}
