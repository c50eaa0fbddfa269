//! Machines that tests use: the coupon of the API's description, and a ticket that knows every guard and timed move.

use ledger::{
    Compare, Expires, Guard, Literal, Machine, MachineMove, MachineState, Operand, Quota, VALID_UNTIL, When,
};

/// A state that lasts.
pub(crate) fn lasting(name: &str) -> MachineState {
    MachineState { name: name.into(), is_final: false, expires: None }
}

/// A state that nothing leads out of.
pub(crate) fn ended(name: &str) -> MachineState {
    MachineState { name: name.into(), is_final: true, expires: None }
}

/// A state that expires.
pub(crate) fn expiring(name: &str, to: &str, when: When) -> MachineState {
    MachineState {
        name: name.into(),
        is_final: false,
        expires: Some(Expires { to: to.into(), lapsed_to: None, when }),
    }
}

/// A move with guards.
pub(crate) fn step(name: &str, (from, to): (&[&str], &str), guards: Vec<Guard>) -> MachineMove {
    MachineMove {
        name: name.into(),
        from: from.iter().map(|from| Box::from(*from)).collect(),
        to: to.into(),
        lapsed_to: None,
        guards,
    }
}

/// A quota.
pub(crate) fn quota(states: &[&str], (per_owner, total): (Option<u32>, Option<u32>)) -> Guard {
    Guard::Quota(Quota { states: states.iter().map(|state| Box::from(*state)).collect(), per_owner, total })
}

/// The coupon of the API's description.
pub(crate) fn coupon() -> Machine {
    Machine {
        name: "coupon".into(),
        initial: "issued".into(),
        states: vec![
            lasting("issued"),
            lasting("active"),
            expiring("locked", "active", When::After(900_000)),
            ended("used"),
            ended("expired"),
            ended("voided"),
        ],
        moves: vec![
            step("activate", (&["issued"], "active"), vec![]),
            step("lock", (&["active"], "locked"), vec![Guard::WithinValidity, Guard::Owner]),
            step("unlock", (&["locked"], "active"), vec![]),
            step("use", (&["locked"], "used"), vec![]),
            step("expire", (&["issued", "active"], "expired"), vec![]),
            step("void", (&["issued", "active"], "voided"), vec![]),
        ],
    }
}

/// A ticket: valid until a time of its own, at most two per owner and three in all, given back even when used, but to
/// `lapsed` when its time has passed meanwhile.
pub(crate) fn ticket() -> Machine {
    let back = |name: &str, from: &[&str]| MachineMove {
        lapsed_to: Some("lapsed".into()),
        ..step(name, (from, "free"), vec![])
    };
    let enough = |compare, with| Guard::Attribute { attribute: "price".into(), compare, with };
    let taking = vec![
        Guard::WithinValidity,
        quota(&["taken", "used"], (Some(2), Some(3))),
        enough(Compare::AtMost, Operand::Argument("offered".into())),
        enough(Compare::AtLeast, Operand::Literal(Literal::Text("0.01".into()))),
    ];
    let taken = MachineState {
        expires: Some(Expires {
            to: "free".into(),
            lapsed_to: Some("lapsed".into()),
            when: When::After(60_000),
        }),
        ..lasting("taken")
    };
    Machine {
        name: "ticket".into(),
        initial: "free".into(),
        states: vec![
            expiring("free", "lapsed", When::At(VALID_UNTIL.into())),
            taken,
            lasting("used"),
            ended("lapsed"),
        ],
        moves: vec![
            step("take", (&["free"], "taken"), taking),
            back("leave", &["taken"]),
            step("use", (&["taken"], "used"), vec![Guard::Owner]),
            back("return", &["used"]),
        ],
    }
}

/// Vouchers of which each owner may use one: used ones have ended.
pub(crate) fn voucher() -> Machine {
    Machine {
        name: "voucher".into(),
        initial: "open".into(),
        states: vec![lasting("open"), lasting("locked"), ended("used")],
        moves: vec![
            step("lock", (&["open"], "locked"), vec![]),
            step("unlock", (&["locked"], "open"), vec![]),
            step("use", (&["locked", "open"], "used"), vec![quota(&["used"], (Some(1), None))]),
        ],
    }
}
