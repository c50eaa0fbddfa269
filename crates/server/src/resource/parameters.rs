//! Parameters of a branch: what a resource declares, and the values that a branch gives.
//!
//! A value is read once, by its declared type, and nothing is guessed: a fraction where a whole number belongs, a member
//! given twice, one that is missing or not declared are refused with a pointer. Values never become part of any text
//! that a store reads as a command.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use transaction::Refusal;
use transaction::refusal::FIELD_MISSING;

use crate::refusal::{FIELD_INVALID, FIELD_UNKNOWN, JSON_INVALID};

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    /// Any text without a zero character.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal, written as text so that no binary fraction comes between.
    Decimal,
    /// True or false.
    Boolean,
}

/// The declared parameters by name.
pub(super) type Types = BTreeMap<Arc<str>, Type>;

/// A value of its declared type; a decimal is kept as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

/// The values of a branch, by name.
pub(super) type Values = BTreeMap<Arc<str>, Value>;

/// Digits of a decimal before and behind its point, as every database here has room for.
const WHOLE_DIGITS: usize = 35;
const FRACTION_DIGITS: usize = 30;

/// Reads a JSON object by the declared types. Pointers begin at the branch.
pub(super) fn read(types: &Types, json: &str) -> Result<Values, Refusal> {
    let Members(members) = serde_json::from_str(json).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => FIELD_INVALID.at("/parameters", error.to_string()),
        _ => JSON_INVALID.at("/parameters", error.to_string()),
    })?;
    let mut values = Values::new();
    for (name, given) in members {
        let at = || format!("/parameters{}", crate::http::pointer_step(&name));
        let Some((name, kind)) = types.get_key_value(&*name) else {
            return Err(FIELD_UNKNOWN.at(at(), "the resource declares no such parameter"));
        };
        let value = kind.read(given).map_err(|why| FIELD_INVALID.at(at(), why))?;
        values.insert(Arc::clone(name), value);
    }
    match types.keys().find(|name| !values.contains_key(*name)) {
        None => Ok(values),
        Some(name) => {
            Err(FIELD_MISSING.at(format!("/parameters/{name}"), "the resource needs this parameter"))
        }
    }
}

impl Type {
    fn read(self, given: Json) -> Result<Value, &'static str> {
        match (self, given) {
            (Type::Text, Json::String(text)) if !text.contains('\0') => Ok(Value::Text(text)),
            (Type::Text, _) => Err("must be a text without a zero character"),
            (Type::Integer, Json::Number(number)) => {
                number.as_i64().map(Value::Integer).ok_or("must be a whole number of 64 bits")
            }
            (Type::Integer, _) => Err("must be a whole number"),
            (Type::Decimal, Json::String(text)) if is_decimal(&text) => Ok(Value::Text(text)),
            (Type::Decimal, _) => Err(
                "must be a decimal as text, such as \"12.50\", with at most 35 digits before and 30 behind the point",
            ),
            (Type::Boolean, Json::Bool(flag)) => Ok(Value::Boolean(flag)),
            (Type::Boolean, _) => Err("must be true or false"),
        }
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        None => digits(unsigned, WHOLE_DIGITS),
        Some((whole, fraction)) => digits(whole, WHOLE_DIGITS) && digits(fraction, FRACTION_DIGITS),
    }
}

/// The members of an object, none given twice.
struct Members(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Members, A::Error> {
                let mut members: Vec<(String, Json)> = Vec::new();
                while let Some((name, value)) = given.next_entry()? {
                    if members.iter().any(|(earlier, _)| *earlier == name) {
                        return Err(A::Error::custom("a member is given twice"));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Types {
        let types =
            [("sku", Type::Text), ("n", Type::Integer), ("price", Type::Decimal), ("gift", Type::Boolean)];
        types.into_iter().map(|(name, kind)| (Arc::from(name), kind)).collect()
    }

    #[test]
    fn values_are_read_by_their_types() {
        let values = read(&types(), r#"{"sku":"A'; --","n":-2,"price":"-12.50","gift":true}"#).unwrap();
        let wanted = [
            ("gift", Value::Boolean(true)),
            ("n", Value::Integer(-2)),
            ("price", Value::Text("-12.50".into())),
            ("sku", Value::Text("A'; --".into())),
        ];
        let seen: Vec<_> = values.iter().map(|(name, value)| (&**name, value.clone())).collect();
        assert_eq!(seen, wanted);
    }

    #[test]
    fn everything_else_is_refused_where_it_stands() {
        let whole = r#""sku":"A","n":1,"price":"1","gift":false"#;
        let cases = [
            ("[]".to_owned(), "field_invalid", "/parameters"),
            ("{".to_owned(), "json_invalid", "/parameters"),
            (format!("{{{whole},\"n\":1}}"), "field_invalid", "/parameters"),
            (format!("{{{whole},\"m/1\":1}}"), "field_unknown", "/parameters/m~11"),
            (r#"{"sku":"A","n":1,"price":"1"}"#.into(), "field_missing", "/parameters/gift"),
            ("{}".into(), "field_missing", "/parameters/gift"),
        ];
        for (json, code, at) in cases {
            let refusal = read(&types(), &json).unwrap_err();
            assert_eq!((refusal.kind.code, refusal.at.as_deref()), (code, Some(at)), "{json}");
        }
        let wrong = [
            ("n", "1.0"),
            ("n", "1e2"),
            ("n", "9223372036854775808"),
            ("n", "\"1\""),
            ("n", "null"),
            ("n", "true"),
            ("sku", "1"),
            ("sku", "\"a\\u0000\""),
            ("price", "1"),
            ("price", "\"1.\""),
            ("price", "\"1e5\""),
            ("price", "\"+1\""),
            ("price", "\"\""),
            ("gift", "1"),
            ("gift", "\"true\""),
        ];
        for (name, given) in wrong {
            let kind = types()[name];
            let one: Types = [(Arc::from(name), kind)].into();
            let refusal = read(&one, &format!("{{\"{name}\":{given}}}")).unwrap_err();
            let at = format!("/parameters/{name}");
            assert_eq!((refusal.kind.code, refusal.at), ("field_invalid", Some(at)), "{given}");
        }
    }
}
