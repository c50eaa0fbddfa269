//! The small shapes that bodies are made of: texts, spans, lists and maps with a bound, objects that are no arrays.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use transaction::refusal::SPAN_INVALID;

/// The most elements of a list or a map in a body, whatever the limits say: reading must not take more memory than the
/// body by more than a factor.
pub const MOST: usize = 1_000;

/// How the complaint about a list or a map beyond that begins.
pub(in crate::http) const TOO_MANY: &str = "more than";

/// A text.
#[derive(Clone, Debug)]
pub(super) struct Text(pub(super) Arc<str>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Arc::from(text)))
            }
        }
        deserializer.deserialize_str(Reads)
    }
}

/// Whole milliseconds (or a whole count), not negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) u64);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        fn wrong<E: Error>(what: impl fmt::Display) -> E {
            E::custom(format_args!(
                "{}: {what} is not a whole number that is not negative",
                SPAN_INVALID.code
            ))
        }
        impl Visitor<'_> for Reads {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number that is not negative")
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Span, E> {
                Ok(Span(value))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Span, E> {
                Err(wrong(value))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Span, E> {
                Err(wrong(value))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Span, E> {
                Err(wrong(format_args!("the string {value:?}")))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Span, E> {
                Err(wrong(value))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

/// A list of at most [`MOST`] elements.
#[derive(Clone, Debug)]
pub(super) struct Few<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<T> {
            type Value = Few<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Few<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = elements.next_element()? {
                    if list.len() == MOST {
                        return Err(too_many());
                    }
                    list.push(element);
                }
                Ok(Few(list))
            }
        }
        deserializer.deserialize_seq(Reads(PhantomData))
    }
}

fn too_many<E: Error>() -> E {
    E::custom(format_args!("{TOO_MANY} {MOST} elements"))
}

/// A map of texts, at most [`MOST`], in the order of the body; whoever uses it looks for keys given twice.
#[derive(Clone, Debug)]
pub(super) struct Pairs(pub(super) Vec<Pair>);

/// A key and its text.
pub(super) type Pair = (Arc<str>, Arc<str>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Pairs, A::Error> {
                let mut pairs: Vec<Pair> = Vec::new();
                while let Some((Text(key), Text(value))) = members.next_entry()? {
                    if pairs.len() == MOST {
                        return Err(A::Error::custom(format_args!("{TOO_MANY} {MOST} members")));
                    }
                    if pairs.iter().any(|(earlier, _)| *earlier == key) {
                        return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
                    }
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reads)
    }
}

/// A JSON object, and not an array of its fields' values, which serde would take too.
#[derive(Clone, Debug)]
pub(in crate::http) struct Object<T>(pub(in crate::http) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }
        deserializer.deserialize_map(Reads(PhantomData))
    }
}
