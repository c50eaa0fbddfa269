//! Decides whether the guards of a move hold for an item now: validity, owner, quotas, comparisons.
//!
//! A guard that does not hold is answered in words with the values it saw. Compares decimals exactly (`guard/decimal.rs`)
//! and texts by equality; never a float, never anything but the item, the mover's words and the counts it is given.

mod decimal;

use std::cmp::Ordering;

use transaction::Time;

use crate::item::Facts;
use crate::machine::plan::{Plan, Validity};
use crate::machine::{Compare, Guard, Literal, Operand, Quota, VALID_FROM, VALID_UNTIL};
use crate::quota::Quotas;
use crate::{Move, Value};

use decimal::Decimal;
pub(crate) use decimal::is_decimal;

/// What guards look at.
pub(crate) struct Sight<'a> {
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) step: &'a Move<&'a str>,
    pub(crate) now: Time,
    pub(crate) plan: &'a Plan,
    pub(crate) quotas: &'a Quotas,
    /// The states that the item counts in now.
    pub(crate) before: u128,
    /// The state that the move leads to.
    pub(crate) after: u128,
}

/// Asks all guards of the move at this position.
pub(crate) fn ask(by: u16, sight: &Sight<'_>) -> Result<(), String> {
    let Some(found) = sight.plan.machine.moves.get(usize::from(by)) else { return Ok(()) };
    found.guards.iter().try_for_each(|guard| {
        let holds = match guard {
            Guard::WithinValidity => within_validity(sight),
            Guard::Owner => owner(sight),
            Guard::Quota(quota) => within(quota, sight),
            Guard::Attribute { attribute, compare, with } => compares(attribute, (*compare, with), sight),
        };
        holds.map_err(|why| format!("{}: {guard}: {why}", found.name))
    })
}

/// The time that an attribute tells, in any form of RFC 3339.
pub(crate) fn read_time(text: &str) -> Option<Time> {
    text.parse::<jiff::Timestamp>().ok().map(|stamp| Time(stamp.as_microsecond()))
}

/// The time that this attribute of the item tells, if it has it.
pub(crate) fn time_of(facts: &Facts<'_>, attribute: &str) -> Option<Time> {
    match facts.attribute(attribute)? {
        Value::Text(text) => read_time(text),
        Value::Integer(_) | Value::Flag(_) => None,
    }
}

/// Whether the item's `valid_until` has passed.
pub(crate) fn validity(facts: &Facts<'_>, now: Time) -> Validity {
    match time_of(facts, VALID_UNTIL) {
        Some(until) if until <= now => Validity::Lapsed,
        Some(_) | None => Validity::Running,
    }
}

fn within_validity(sight: &Sight<'_>) -> Result<(), String> {
    let told = |attribute| shown(sight.facts.attribute(attribute));
    if time_of(sight.facts, VALID_FROM).is_some_and(|from| sight.now < from) {
        return Err(format!("the item is not valid before {}", told(VALID_FROM)));
    }
    match validity(sight.facts, sight.now) {
        Validity::Running => Ok(()),
        Validity::Lapsed => Err(format!("the item was valid until {}", told(VALID_UNTIL))),
    }
}

fn owner(sight: &Sight<'_>) -> Result<(), String> {
    match (sight.facts.owner, sight.step.owner) {
        (Some(owner), Some(mover)) if owner == mover => Ok(()),
        (Some(owner), Some(mover)) => Err(format!("the item belongs to {owner}, not to {mover}")),
        (Some(owner), None) => Err(format!("the item belongs to {owner}, the move names no owner")),
        (None, _) => Err("the item has no owner".into()),
    }
}

fn within(quota: &Quota, sight: &Sight<'_>) -> Result<(), String> {
    let set = sight.plan.counted(quota);
    let family = sight.plan.family;
    // The item itself counts where it comes to, not where it is.
    let itself = |count: u64| count - u64::from(sight.before & set != 0) + u64::from(sight.after & set != 0);
    if let Some(bound) = quota.per_owner {
        let Some(owner) = sight.facts.owner else { return Err("the item has no owner".into()) };
        let count = itself(sight.quotas.per_owner(family, owner, set));
        if count > u64::from(bound) {
            return Err(format!("{owner} would have {count}"));
        }
    }
    if let Some(bound) = quota.total {
        let count = itself(sight.quotas.total(family, set));
        if count > u64::from(bound) {
            return Err(format!("there would be {count}"));
        }
    }
    Ok(())
}

fn compares(attribute: &str, (compare, with): (Compare, &Operand), sight: &Sight<'_>) -> Result<(), String> {
    let left =
        sight.facts.attribute(attribute).ok_or_else(|| format!("the item has no attribute {attribute}"))?;
    let right = match with {
        Operand::Literal(Literal::Text(text)) => Value::Text(&**text),
        Operand::Literal(Literal::Integer(number)) => Value::Integer(*number),
        Operand::Literal(Literal::Flag(flag)) => Value::Flag(*flag),
        Operand::Argument(name) => {
            let found = sight.step.arguments.iter().find(|(key, _)| *key == &**name).map(|(_, value)| *value);
            found.ok_or_else(|| format!("the move has no argument {name}"))?
        }
    };
    let order = order(&left, &right);
    let holds = match compare {
        Compare::Equal => order == Some(Ordering::Equal) || (order.is_none() && left == right),
        Compare::Unequal => order.map_or(left != right, Ordering::is_ne),
        Compare::Less => order == Some(Ordering::Less),
        Compare::AtMost => order.is_some_and(Ordering::is_le),
        Compare::AtLeast => order.is_some_and(Ordering::is_ge),
        Compare::Greater => order == Some(Ordering::Greater),
    };
    if holds {
        return Ok(());
    }
    let why = format!("{attribute} is {}, compared with {}", shown(Some(left)), shown(Some(right)));
    let ordered = !matches!(compare, Compare::Equal | Compare::Unequal);
    Err(if ordered && order.is_none() { format!("{why}: only decimals have an order") } else { why })
}

/// How two decimals are ordered; `None`: one of them is none.
fn order(left: &Value<&str>, right: &Value<&str>) -> Option<Ordering> {
    let digits = |value: &Value<&str>| match value {
        Value::Text(text) => Some((*text).to_owned()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Flag(_) => None,
    };
    let (left, right) = (digits(left)?, digits(right)?);
    Some(Decimal::read(&left)?.compare(&Decimal::read(&right)?))
}

fn shown(value: Option<Value<&str>>) -> String {
    match value {
        Some(Value::Text(text)) => format!("{text:?}"),
        Some(Value::Integer(number)) => number.to_string(),
        Some(Value::Flag(flag)) => flag.to_string(),
        None => "nothing".into(),
    }
}
