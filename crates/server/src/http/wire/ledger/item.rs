//! Items: to create and move, and as they stand.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use ledger::refusal::ITEM_INVALID;
use ledger::{Command, Create, Literal, Move, Origin, Value};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use transaction::{Argument, Refusal, is_id};
use utoipa::ToSchema;

use super::cause::{CauseBody, Given, cause};
use super::members::{Gathered, Member, Members, Tells};
use super::scalar::{Word, linked, optional};
use crate::http::parse::step;
use crate::http::time::Stamp;

/// Items to create, decided in order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Items)]
pub(in crate::http) struct ItemsBody<'a> {
    /// 1 to 8000.
    #[schema(value_type = Vec<ItemBody>, min_items = 1, max_items = 8000)]
    items: Members<'a, ItemBody<'a>>,
    /// Only see what would happen; nothing is kept.
    dry_run: Option<bool>,
}

/// An item to create, in the initial state of its machine's newest version.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Item)]
pub(in crate::http) struct ItemBody<'a> {
    /// Its id; without one the server makes a UUIDv7.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) id: Option<Word<'a>>,
    /// The name of its machine.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) machine: Word<'a>,
    /// Whose it is, an id.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) owner: Option<Word<'a>>,
    /// Strings, whole numbers and booleans by key, at most 32.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    pub(super) attributes: Option<ValuesBody<'a>>,
    /// Succeeds or fails together with the next one.
    pub(super) linked: Option<bool>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    pub(super) cause: Given<'a>,
}

/// A move of an item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Move)]
pub(in crate::http) struct MoveBody<'a> {
    /// The id of this operation, unique for its item; without one the server makes a UUIDv7.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) id: Option<Word<'a>>,
    /// The declared move.
    #[serde(borrow, rename = "move")]
    #[schema(value_type = String)]
    pub(super) name: Word<'a>,
    /// On whose behalf: the `owner` guard compares it.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) owner: Option<Word<'a>>,
    /// What guards compare attributes with.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    pub(super) arguments: Option<ValuesBody<'a>>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    pub(super) cause: Given<'a>,
}

/// Strings, whole numbers and booleans by key, in the order of the body.
#[derive(Clone, Debug)]
pub(in crate::http) struct ValuesBody<'a>(Vec<(Cow<'a, str>, ValueBody<'a>)>);

/// One of them.
#[derive(Clone, Debug)]
enum ValueBody<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Flag(bool),
}

/// The most attributes of an item, and arguments of a move.
const VALUES_MOST: usize = 32;

impl<'de: 'a, 'a> Deserialize<'de> for ValuesBody<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = ValuesBody<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings, whole numbers and booleans")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ValuesBody<'de>, A::Error> {
                let mut values: Vec<(Cow<'de, str>, ValueBody<'de>)> = Vec::new();
                while let Some((Word(key), value)) = members.next_entry()? {
                    if values.len() == VALUES_MOST {
                        let code = ITEM_INVALID.code;
                        return Err(A::Error::custom(format_args!(
                            "{code}: more than {VALUES_MOST} members"
                        )));
                    }
                    if values.iter().any(|(earlier, _)| *earlier == key) {
                        return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
                    }
                    values.push((key, value));
                }
                Ok(ValuesBody(values))
            }
        }
        deserializer.deserialize_map(Reads)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ValueBody<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        fn wrong<E: Error>(what: impl fmt::Display) -> E {
            let code = ITEM_INVALID.code;
            E::custom(format_args!("{code}: {what} is not a string, a whole number of 64 bits or a boolean"))
        }
        impl<'de> Visitor<'de> for Reads {
            type Value = ValueBody<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a whole number or a boolean")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<ValueBody<'de>, E> {
                Ok(ValueBody::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ValueBody<'de>, E> {
                Ok(ValueBody::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<ValueBody<'de>, E> {
                Ok(ValueBody::Integer(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<ValueBody<'de>, E> {
                i64::try_from(value).map(ValueBody::Integer).map_err(|_| wrong(value))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<ValueBody<'de>, E> {
                Ok(ValueBody::Flag(value))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<ValueBody<'de>, E> {
                Err(wrong(value))
            }
            fn visit_unit<E: Error>(self) -> Result<ValueBody<'de>, E> {
                Err(wrong("null"))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

impl<'a> ValuesBody<'a> {
    /// The keys, all ids, with their values, sorted by key.
    fn sorted(&self, at: &str) -> Result<Vec<(&str, &ValueBody<'a>)>, Refusal> {
        let mut sorted = Vec::with_capacity(self.0.len());
        for (key, value) in &self.0 {
            if !is_id(key) {
                return Err(ITEM_INVALID.at(format!("{at}{}", step(key)), "the key is not an id"));
            }
            sorted.push((&**key, value));
        }
        sorted.sort_unstable_by_key(|(key, _)| *key);
        Ok(sorted)
    }

    /// As a branch of a transaction keeps them.
    pub(in crate::http) fn arguments(given: Option<&Self>) -> Result<Vec<(Arc<str>, Argument)>, Refusal> {
        let Some(body) = given else { return Ok(Vec::new()) };
        let kept = |value: &ValueBody<'_>| match value {
            ValueBody::Text(text) => Argument::Text(Arc::from(&**text)),
            ValueBody::Integer(integer) => Argument::Integer(*integer),
            ValueBody::Flag(flag) => Argument::Flag(*flag),
        };
        Ok(body.sorted("/arguments")?.into_iter().map(|(key, value)| (key.into(), kept(value))).collect())
    }
}

impl<'a> ItemsBody<'a> {
    /// The batch, and whether it is a dry run.
    pub(in crate::http) fn gathered(self) -> Result<(Gathered<'a>, Option<bool>), Refusal> {
        Ok((self.items.gathered()?, self.dry_run))
    }
}

impl<'a> Member<'a> for ItemBody<'a> {
    const LIST: &'static str = "items";

    fn add(self, into: &mut Gathered<'a>) -> Result<(), Refusal> {
        let id = Gathered::id(self.id)?;
        into.batch.push(&Command::Create(Create {
            id: &id,
            machine: self.machine.id("/machine")?,
            owner: optional(self.owner.as_ref(), "/owner")?,
            attributes: values(self.attributes.as_ref(), "/attributes")?,
            linked: linked(self.linked),
            cause: cause(&self.cause)?,
        }));
        into.named.push((id, Tells::Nothing));
        Ok(())
    }
}

/// As the ledger takes them: sorted by key.
fn values<'t>(
    given: Option<&'t ValuesBody<'_>>,
    at: &str,
) -> Result<Vec<(&'t str, Value<&'t str>)>, Refusal> {
    let Some(body) = given else { return Ok(Vec::new()) };
    let value = |body: &'t ValueBody<'_>| match body {
        ValueBody::Text(text) => Value::Text(&**text),
        ValueBody::Integer(integer) => Value::Integer(*integer),
        ValueBody::Flag(flag) => Value::Flag(*flag),
    };
    Ok(body.sorted(at)?.into_iter().map(|(key, body)| (key, value(body))).collect())
}

impl<'a> MoveBody<'a> {
    /// Adds the move of `item`.
    pub(in crate::http) fn add(
        self,
        (item, with_next): (&str, Option<bool>),
        into: &mut Gathered<'a>,
    ) -> Result<(), Refusal> {
        let id = Gathered::id(self.id)?;
        into.batch.push(&Command::Move(Move {
            id: &id,
            item,
            name: self.name.id("/move")?,
            owner: optional(self.owner.as_ref(), "/owner")?,
            arguments: values(self.arguments.as_ref(), "/arguments")?,
            then: None,
            linked: linked(with_next),
            origin: Origin::Direct,
            cause: cause(&self.cause)?,
        }));
        into.named.push((id, Tells::Nothing));
        Ok(())
    }
}

/// An item as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = ItemState)]
pub(in crate::http) struct ItemObject<'a> {
    /// Its id.
    id: &'a str,
    /// The name of its machine.
    machine: &'a str,
    /// Which version of the machine it lives under.
    version_of_machine: u32,
    /// Its state.
    state: &'a str,
    /// Nothing moves it any more.
    #[serde(rename = "final")]
    is_final: bool,
    /// Whose it is.
    owner: Option<&'a str>,
    /// Its attributes.
    #[schema(value_type = Object)]
    attributes: Attributes<'a>,
    /// When its state expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Stamp>,
    /// A branch of a transaction holds it.
    held: bool,
    /// How many moves it made.
    version: u64,
}

struct Attributes<'a>(&'a [(Box<str>, Literal)]);

/// A value as it is written.
struct Written<'a>(&'a Literal);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (&**key, Written(value))))
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Literal::Text(text) => serializer.serialize_str(text),
            Literal::Integer(integer) => serializer.serialize_i64(*integer),
            Literal::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}

impl<'a> ItemObject<'a> {
    /// The object of `item`.
    pub(in crate::http) fn of(item: &'a ledger::ItemView) -> ItemObject<'a> {
        ItemObject {
            id: &item.id,
            machine: &item.machine.0,
            version_of_machine: item.machine.1,
            state: &item.state,
            is_final: item.is_final,
            owner: item.owner.as_deref(),
            attributes: Attributes(&item.attributes),
            due_at: item.due.map(Stamp),
            held: item.held,
            version: item.version,
        }
    }
}
