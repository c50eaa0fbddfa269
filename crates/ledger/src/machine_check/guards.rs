//! Decides whether the guards of a move can be evaluated: names, bounds, what can be compared with what.

use std::collections::HashSet;

use transaction::is_id;

use super::{Faults, GUARDS_MAX, TEXT_MAX, brief, of_move, unknown};
use crate::guard::is_decimal;
use crate::machine::{Compare, Guard, Literal, Machine, MachineMove, Operand, Quota};

pub(super) fn check(machine: &Machine, found: &MachineMove, faults: &mut Faults) {
    let at = of_move(&found.name, "/guard");
    if found.guards.len() > GUARDS_MAX {
        let told = format!("{} guards, at most {GUARDS_MAX} are allowed: split the move", found.guards.len());
        faults.add(&at, told);
        return;
    }
    for (index, guard) in found.guards.iter().enumerate() {
        let at = format!("{at}/{index}");
        match guard {
            Guard::WithinValidity | Guard::Owner => {}
            Guard::Quota(quota) => check_quota(machine, quota, (&at, faults)),
            Guard::Attribute { attribute, compare, with } => {
                check_name(attribute, (&format!("{at}/attribute"), faults));
                check_operand(*compare, with, (&at, faults));
            }
        }
        if found.guards[..index].contains(guard) {
            faults.add(&at, format!("{guard} is asked twice: remove one"));
        }
    }
}

fn check_quota(machine: &Machine, quota: &Quota, (at, faults): (&str, &mut Faults)) {
    if quota.states.is_empty() {
        faults
            .add(&format!("{at}/quota/states"), "a quota needs states that count: name at least one".into());
    }
    let mut seen = HashSet::new();
    for (index, state) in quota.states.iter().enumerate() {
        let place = format!("{at}/quota/states/{index}");
        if machine.state(state).is_none() {
            faults.add(&place, unknown(machine, state));
        }
        if !seen.insert(state) {
            faults.add(&place, format!("{} is named twice: remove one", brief(state)));
        }
    }
    if quota.per_owner.is_none() && quota.total.is_none() {
        faults
            .add(&format!("{at}/quota"), "a quota needs a bound: give `per_owner`, `total`, or both".into());
    }
    for (bound, field) in [(quota.per_owner, "per_owner"), (quota.total, "total")] {
        if bound == Some(0) {
            let told = "0 would refuse every move: give at least 1, or remove the move".into();
            faults.add(&format!("{at}/quota/{field}"), told);
        }
    }
}

fn check_operand(compare: Compare, with: &Operand, (at, faults): (&str, &mut Faults)) {
    let place = format!("{at}/value");
    let ordered = !matches!(compare, Compare::Equal | Compare::Unequal);
    match with {
        Operand::Argument(argument) => check_name(argument, (&format!("{at}/argument"), faults)),
        Operand::Literal(Literal::Text(text)) if text.len() > TEXT_MAX => {
            faults.add(&place, format!("{} bytes of text, at most {TEXT_MAX} are allowed", text.len()));
        }
        Operand::Literal(Literal::Text(text)) if ordered && !is_decimal(text) => {
            let told =
                format!("{} is no decimal such as \"12.50\" and has no order: use `==` or `!=`", brief(text));
            faults.add(&place, told);
        }
        Operand::Literal(Literal::Flag(_)) if ordered => {
            faults.add(&place, "a boolean has no order: use `==` or `!=`".into());
        }
        Operand::Literal(_) => {}
    }
}

fn check_name(name: &str, (at, faults): (&str, &mut Faults)) {
    if !is_id(name) {
        let told = format!("{} is no name: use 1 to 128 characters of A-Z a-z 0-9 . _ : / -", brief(name));
        faults.add(at, told);
    }
}
