//! Machines between the protocol and the ledger, both ways. Declared once and read often, so the generated messages will do.

use ledger::{
    Cause, Compare, Declare, Expires, Guard, Literal, Machine, MachineMove, MachineState, Operand, Quota,
    When,
};
use participant::proto;
use prost::Message;
use transaction::refusal::FIELD_MISSING;

use super::super::fields::{Fields, Read};
use super::cause;
use crate::refusal::FIELD_INVALID;

/// Declares a machine.
pub(super) fn declare(mut fields: Fields<'_>) -> Read<Declare<&str>> {
    let mut machine: Option<proto::Machine> = None;
    let mut why = Cause::default();
    while let Some(field) = fields.next()? {
        match field.number {
            // A second one is laid over the first, as the format has it.
            1 => machine
                .get_or_insert_default()
                .merge(field.bytes()?)
                .map_err(|error| FIELD_INVALID.at("/machine", format!("not a machine: {error}")))?,
            12 => why = cause(field, why)?,
            _ => return Err(field.unknown()),
        }
    }
    let machine = machine.ok_or_else(|| FIELD_MISSING.at("/machine", "this field is needed"))?;
    Ok(Declare { machine: Box::new(read(machine)?), cause: why })
}

fn read(machine: proto::Machine) -> Read<Machine> {
    let states = machine.states.into_iter().map(state).collect::<Read<_>>()?;
    let moves = machine.moves.into_iter().map(step).collect::<Read<_>>()?;
    Ok(Machine { name: machine.name.into(), initial: machine.initial.into(), states, moves })
}

fn state(state: proto::MachineState) -> Read<MachineState> {
    let expires = state.expires.map(expires).transpose()?;
    Ok(MachineState { name: state.name.into(), is_final: state.r#final, expires })
}

fn expires(expires: proto::Expires) -> Read<Expires> {
    let when = match expires.when {
        Some(proto::expires::When::AfterMs(span)) => When::After(span),
        Some(proto::expires::When::AtAttribute(attribute)) => When::At(attribute.into()),
        None => {
            return Err(FIELD_MISSING.at("/machine/states", "a state that expires says when: after or at"));
        }
    };
    Ok(Expires { to: expires.to.into(), lapsed_to: word(expires.lapsed_to), when })
}

fn step(step: proto::MachineMove) -> Read<MachineMove> {
    let guards = step.guards.into_iter().map(guard).collect::<Read<_>>()?;
    Ok(MachineMove {
        name: step.name.into(),
        from: step.from.into_iter().map(Into::into).collect(),
        to: step.to.into(),
        lapsed_to: word(step.lapsed_to),
        guards,
    })
}

fn guard(guard: proto::Guard) -> Read<Guard> {
    use proto::guard::Guard as Given;
    match guard.guard {
        Some(Given::WithinValidity(true)) => Ok(Guard::WithinValidity),
        Some(Given::Owner(true)) => Ok(Guard::Owner),
        Some(Given::Quota(quota)) => Ok(Guard::Quota(Quota {
            states: quota.states.into_iter().map(Into::into).collect(),
            per_owner: quota.per_owner,
            total: quota.total,
        })),
        Some(Given::Attribute(comparison)) => compared(comparison),
        Some(Given::WithinValidity(false) | Given::Owner(false)) | None => {
            Err(FIELD_MISSING.at("/machine/moves", "a guard says what it guards"))
        }
    }
}

fn compared(given: proto::Comparison) -> Read<Guard> {
    use proto::comparison::With;
    let compare = match given.compare() {
        proto::Compare::Unspecified => {
            return Err(FIELD_MISSING.at("/machine/moves", "a comparison says how it compares"));
        }
        proto::Compare::Less => Compare::Less,
        proto::Compare::AtMost => Compare::AtMost,
        proto::Compare::Equal => Compare::Equal,
        proto::Compare::Unequal => Compare::Unequal,
        proto::Compare::AtLeast => Compare::AtLeast,
        proto::Compare::Greater => Compare::Greater,
    };
    let with = match given.with {
        Some(With::Argument(name)) => Operand::Argument(name.into()),
        Some(With::Text(text)) => Operand::Literal(Literal::Text(text.into())),
        Some(With::Integer(value)) => Operand::Literal(Literal::Integer(value)),
        Some(With::Flag(value)) => Operand::Literal(Literal::Flag(value)),
        None => return Err(FIELD_MISSING.at("/machine/moves", "a comparison says with what it compares")),
    };
    Ok(Guard::Attribute { attribute: given.attribute.into(), compare, with })
}

fn word(text: String) -> Option<Box<str>> {
    (!text.is_empty()).then(|| text.into())
}

/// A machine as the protocol shows it.
pub(in crate::grpc) fn message(machine: &Machine) -> proto::Machine {
    let state = |state: &MachineState| proto::MachineState {
        name: state.name.to_string(),
        r#final: state.is_final,
        expires: state.expires.as_ref().map(|expires| proto::Expires {
            to: expires.to.to_string(),
            lapsed_to: expires.lapsed_to.as_deref().unwrap_or_default().to_owned(),
            when: Some(match &expires.when {
                When::After(span) => proto::expires::When::AfterMs(*span),
                When::At(attribute) => proto::expires::When::AtAttribute(attribute.to_string()),
            }),
        }),
    };
    let step = |step: &MachineMove| proto::MachineMove {
        name: step.name.to_string(),
        from: step.from.iter().map(ToString::to_string).collect(),
        to: step.to.to_string(),
        lapsed_to: step.lapsed_to.as_deref().unwrap_or_default().to_owned(),
        guards: step.guards.iter().map(|guard| proto::Guard { guard: Some(shown_guard(guard)) }).collect(),
    };
    proto::Machine {
        name: machine.name.to_string(),
        initial: machine.initial.to_string(),
        states: machine.states.iter().map(state).collect(),
        moves: machine.moves.iter().map(step).collect(),
    }
}

fn shown_guard(guard: &Guard) -> proto::guard::Guard {
    use proto::comparison::With;
    use proto::guard::Guard as Shown;
    match guard {
        Guard::WithinValidity => Shown::WithinValidity(true),
        Guard::Owner => Shown::Owner(true),
        Guard::Quota(quota) => Shown::Quota(proto::Quota {
            states: quota.states.iter().map(ToString::to_string).collect(),
            per_owner: quota.per_owner,
            total: quota.total,
        }),
        Guard::Attribute { attribute, compare, with } => Shown::Attribute(proto::Comparison {
            attribute: attribute.to_string(),
            compare: shown_compare(*compare) as i32,
            with: Some(match with {
                Operand::Argument(name) => With::Argument(name.to_string()),
                Operand::Literal(Literal::Text(text)) => With::Text(text.to_string()),
                Operand::Literal(Literal::Integer(value)) => With::Integer(*value),
                Operand::Literal(Literal::Flag(value)) => With::Flag(*value),
            }),
        }),
    }
}

fn shown_compare(compare: Compare) -> proto::Compare {
    match compare {
        Compare::Less => proto::Compare::Less,
        Compare::AtMost => proto::Compare::AtMost,
        Compare::Equal => proto::Compare::Equal,
        Compare::Unequal => proto::Compare::Unequal,
        Compare::AtLeast => proto::Compare::AtLeast,
        Compare::Greater => proto::Compare::Greater,
    }
}
