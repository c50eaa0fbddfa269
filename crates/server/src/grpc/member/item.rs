//! Members about items: their creation and their moves.

use ledger::{Cause, Create, Linked, Move, Origin, Value};
use transaction::refusal::FIELD_MISSING;

use super::super::fields::{Field, Fields, Read};
use super::{cause, linked, there};
use crate::refusal::FIELD_INVALID;

/// Creates an item.
pub(super) fn create(mut fields: Fields<'_>) -> Read<Create<&str>> {
    let mut create = Create {
        id: "",
        machine: "",
        owner: None,
        attributes: Vec::new(),
        linked: Linked::No,
        cause: Cause::default(),
    };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => create.id = field.text()?,
            2 => create.machine = field.text()?,
            3 => create.owner = field.word()?,
            4 => create.attributes.push(attribute(field)?),
            11 => create.linked = linked(field)?,
            12 => create.cause = cause(field, create.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/id", create.id), ("/machine", create.machine)])?;
    sort(&mut create.attributes, "/attributes")?;
    Ok(create)
}

/// Moves an item.
pub(super) fn moved(mut fields: Fields<'_>) -> Read<Move<&str>> {
    let mut step = Move {
        id: "",
        item: "",
        name: "",
        owner: None,
        arguments: Vec::new(),
        then: None,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => step.id = field.text()?,
            2 => step.item = field.text()?,
            3 => step.name = field.text()?,
            4 => step.owner = field.word()?,
            5 => step.arguments.push(attribute(field)?),
            11 => step.linked = linked(field)?,
            12 => step.cause = cause(field, step.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/id", step.id), ("/item", step.item), ("/name", step.name)])?;
    sort(&mut step.arguments, "/arguments")?;
    Ok(step)
}

fn attribute(field: Field<'_>) -> Read<(&str, Value<&str>)> {
    let mut fields = field.message()?;
    let (mut key, mut value) = ("", None);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => key = field.text()?,
            2 => value = Some(Value::Text(field.text()?)),
            3 => value = Some(Value::Integer(field.signed()?)),
            4 => value = Some(Value::Flag(field.flag()?)),
            _ => return Err(field.unknown()),
        }
    }
    match value {
        Some(value) if !key.is_empty() => Ok((key, value)),
        _ => Err(FIELD_MISSING.because("an attribute or argument has a key and a value")),
    }
}

/// The ledger wants them by key, each once.
fn sort(pairs: &mut [(&str, Value<&str>)], at: &'static str) -> Read<()> {
    pairs.sort_unstable_by_key(|(key, _)| *key);
    match pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        None => Ok(()),
        Some(pair) => Err(FIELD_INVALID.at(at, format!("`{}` is given twice", pair[0].0))),
    }
}
