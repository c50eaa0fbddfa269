//! A declared machine as it is written, in JSON over the API or in a TOML file: one shape for both.
//!
//! Keeps the order of declaration. Decides nothing about what a machine may be: `Machine::check` of the ledger does.

use std::fmt;
use std::marker::PhantomData;

use ledger::refusal::MACHINE_INVALID;
use ledger::{Compare, Expires, Guard, Literal, Machine, MachineMove, MachineState, Operand, Quota, When};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use transaction::Refusal;
use utoipa::ToSchema;

use super::scalar::{Few, MOST, Object, TOO_MANY};
use crate::http::parse::step;

/// A machine to declare: states by name, moves by name.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Machine)]
pub struct MachineBody {
    /// Its name, an id.
    name: String,
    /// The state in which items begin.
    initial: String,
    /// Its states by name.
    #[schema(value_type = std::collections::BTreeMap<String, StateBody>)]
    states: Ordered<StateBody>,
    /// Its moves by name.
    #[schema(value_type = std::collections::BTreeMap<String, MachineMoveBody>)]
    moves: Ordered<MachineMoveBody>,
}

/// A state of a machine.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MachineStateBody)]
pub(in crate::http) struct StateBody {
    /// Nothing moves an item out of it.
    #[serde(rename = "final")]
    is_final: Option<bool>,
    /// Where it leads by itself, when its time has come.
    expires_to: Option<String>,
    /// Milliseconds after the item came into the state.
    after_ms: Option<u64>,
    /// The attribute that tells the time; instead of `after_ms`.
    at: Option<String>,
    /// Where it leads instead when the item's `valid_until` has passed.
    lapsed_to: Option<String>,
}

/// A move of a machine.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MachineMove)]
pub(in crate::http) struct MachineMoveBody {
    /// The states it leads out of.
    #[schema(value_type = Vec<String>)]
    from: Few<String>,
    /// Where it leads.
    to: String,
    /// Where it leads instead when the item's `valid_until` has passed.
    lapsed_to: Option<String>,
    /// What must hold: `"within_validity"`, `"owner"`, `{"quota":{…}}`, or a comparison of an attribute.
    #[schema(value_type = Option<Vec<GuardTable>>)]
    guard: Option<Few<GuardBody>>,
}

/// A guard: a name alone, or a table.
#[derive(Clone, Debug)]
enum GuardBody {
    Name(String),
    Table(GuardTable),
}

/// A guard with values: a quota, or a comparison of an attribute with an argument or a value.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Guard)]
pub(in crate::http) struct GuardTable {
    /// How many items may be in some states afterwards.
    #[schema(value_type = Option<QuotaBody>)]
    quota: Option<Object<QuotaBody>>,
    /// The attribute that is compared.
    attribute: Option<String>,
    /// `<`, `<=`, `==`, `!=`, `>=` or `>`.
    op: Option<String>,
    /// The argument of the move that it is compared with.
    argument: Option<String>,
    /// The string, whole number or boolean that it is compared with; instead of `argument`.
    #[schema(value_type = Option<Object>)]
    value: Option<LiteralBody>,
}

/// How many items of a machine may be in some states.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Quota)]
pub(in crate::http) struct QuotaBody {
    /// The states that count.
    #[schema(value_type = Vec<String>)]
    states: Few<String>,
    /// The most of one owner.
    per_owner: Option<u32>,
    /// The most in all.
    total: Option<u32>,
}

/// A string, a whole number or a boolean.
#[derive(Clone, Debug)]
struct LiteralBody(Literal);

/// A table of named things, in the order in which they are written.
#[derive(Clone, Debug)]
struct Ordered<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Ordered<T>, A::Error> {
                let mut list: Vec<(String, T)> = Vec::new();
                while let Some((name, Object(value))) = members.next_entry::<String, Object<T>>()? {
                    if list.len() == MOST {
                        return Err(A::Error::custom(format_args!("{TOO_MANY} {MOST} members")));
                    }
                    if list.iter().any(|(earlier, _)| *earlier == name) {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    list.push((name, value));
                }
                Ok(Ordered(list))
            }
        }
        deserializer.deserialize_map(Reads(PhantomData))
    }
}

impl<'de> Deserialize<'de> for GuardBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = GuardBody;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a guard, or an object")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<GuardBody, E> {
                Ok(GuardBody::Name(name.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<GuardBody, A::Error> {
                GuardTable::deserialize(MapAccessDeserializer::new(members)).map(GuardBody::Table)
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

impl<'de> Deserialize<'de> for LiteralBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = LiteralBody;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a whole number of 64 bits or a boolean")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<LiteralBody, E> {
                Ok(LiteralBody(Literal::Text(text.into())))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<LiteralBody, E> {
                Ok(LiteralBody(Literal::Integer(value)))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<LiteralBody, E> {
                let value = i64::try_from(value).map_err(|_| E::custom("does not fit into 64 bits"))?;
                Ok(LiteralBody(Literal::Integer(value)))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<LiteralBody, E> {
                Ok(LiteralBody(Literal::Flag(value)))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

impl MachineBody {
    /// The machine that is meant.
    ///
    /// # Errors
    /// `machine_invalid` with a pointer, where fields contradict each other; whether the machine makes sense is for
    /// `Machine::check` to say.
    pub fn into_machine(self) -> Result<Machine, Refusal> {
        let mut states = Vec::with_capacity(self.states.0.len());
        for (name, body) in self.states.0 {
            let at = format!("/states{}", step(&name));
            states.push(body.into_state(name).map_err(|refusal| inside(&at, refusal))?);
        }
        let mut moves = Vec::with_capacity(self.moves.0.len());
        for (name, body) in self.moves.0 {
            let at = format!("/moves{}", step(&name));
            moves.push(body.into_move(name).map_err(|refusal| inside(&at, refusal))?);
        }
        Ok(Machine { name: self.name.into(), initial: self.initial.into(), states, moves })
    }
}

fn inside(outer: &str, refusal: Refusal) -> Refusal {
    let at = format!("{outer}{}", refusal.at.as_deref().unwrap_or_default());
    Refusal { at: Some(at), ..refusal }
}

impl StateBody {
    fn into_state(self, name: String) -> Result<MachineState, Refusal> {
        let when = match (self.after_ms, self.at) {
            (Some(ms), None) => Some(When::After(ms)),
            (None, Some(attribute)) => Some(When::At(attribute.into())),
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(MACHINE_INVALID.at("/at", "a state expires `after_ms` or `at`, not both"));
            }
        };
        let lapsed_to = self.lapsed_to.map(Box::from);
        let expires = match (self.expires_to, when) {
            (Some(to), Some(when)) => Some(Expires { to: to.into(), lapsed_to, when }),
            (None, None) if lapsed_to.is_none() => None,
            (Some(_), None) => {
                return Err(MACHINE_INVALID.at("/expires_to", "say when: `after_ms` or `at`"));
            }
            (None, _) => return Err(MACHINE_INVALID.at("", "say where it expires to: `expires_to`")),
        };
        Ok(MachineState { name: name.into(), is_final: self.is_final == Some(true), expires })
    }
}

impl MachineMoveBody {
    fn into_move(self, name: String) -> Result<MachineMove, Refusal> {
        let mut guards = Vec::new();
        for (index, body) in self.guard.map_or_else(Vec::new, |few| few.0).into_iter().enumerate() {
            guards.push(body.into_guard().map_err(|refusal| inside(&format!("/guard/{index}"), refusal))?);
        }
        Ok(MachineMove {
            name: name.into(),
            from: self.from.0.into_iter().map(Box::from).collect(),
            to: self.to.into(),
            lapsed_to: self.lapsed_to.map(Box::from),
            guards,
        })
    }
}

/// The signs of comparisons.
static SIGNS: [(&str, Compare); 6] = [
    ("<", Compare::Less),
    ("<=", Compare::AtMost),
    ("==", Compare::Equal),
    ("!=", Compare::Unequal),
    (">=", Compare::AtLeast),
    (">", Compare::Greater),
];

impl GuardBody {
    fn into_guard(self) -> Result<Guard, Refusal> {
        match self {
            GuardBody::Name(name) => match &*name {
                "within_validity" => Ok(Guard::WithinValidity),
                "owner" => Ok(Guard::Owner),
                _ => Err(MACHINE_INVALID.at("", "a guard by name is `within_validity` or `owner`")),
            },
            GuardBody::Table(table) => table.into_guard(),
        }
    }
}

impl GuardTable {
    fn into_guard(self) -> Result<Guard, Refusal> {
        let operand = match (self.argument, self.value) {
            (Some(argument), None) => Some(Operand::Argument(argument.into())),
            (None, Some(LiteralBody(literal))) => Some(Operand::Literal(literal)),
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(MACHINE_INVALID.at("/value", "compare with `argument` or `value`, not both"));
            }
        };
        match (self.quota, self.attribute, self.op, operand) {
            (Some(Object(quota)), None, None, None) => Ok(Guard::Quota(Quota {
                states: quota.states.0.into_iter().map(Box::from).collect(),
                per_owner: quota.per_owner,
                total: quota.total,
            })),
            (None, Some(attribute), Some(op), Some(with)) => {
                let sign = SIGNS.iter().find(|(sign, _)| *sign == op);
                let (_, compare) =
                    sign.ok_or_else(|| MACHINE_INVALID.at("/op", "use <, <=, ==, !=, >= or >"))?;
                Ok(Guard::Attribute { attribute: attribute.into(), compare: *compare, with })
            }
            _ => Err(MACHINE_INVALID
                .at("", "give `quota` alone, or `attribute`, `op` and one of `argument` and `value`")),
        }
    }
}

/// The sign of a comparison.
pub(in crate::http) fn sign(compare: Compare) -> &'static str {
    SIGNS.iter().find(|(_, known)| *known == compare).map_or("", |(sign, _)| sign)
}

#[cfg(test)]
mod tests;
