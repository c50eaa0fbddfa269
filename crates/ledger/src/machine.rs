//! What a machine is: the declared states of an item and the only moves between them.
//!
//! Owned texts: a machine is declared once and read often. Checked by `machine_check.rs` before anything rests on it.

use serde::{Deserialize, Serialize};

/// A declared machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name, an id.
    pub name: Box<str>,
    /// The state in which items begin.
    pub initial: Box<str>,
    /// Its states, in the order of declaration.
    pub states: Vec<MachineState>,
    /// Its moves, in the order of declaration.
    pub moves: Vec<MachineMove>,
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineState {
    /// Its name.
    pub name: Box<str>,
    /// Nothing moves an item out of it.
    pub is_final: bool,
    /// The move that happens by itself.
    pub expires: Option<Expires>,
}

/// A move that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expires {
    /// Where it leads.
    pub to: Box<str>,
    /// Where it leads instead when the item's `valid_until` has passed.
    pub lapsed_to: Option<Box<str>>,
    /// When it happens.
    pub when: When,
}

/// When a state expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// So many milliseconds after the item came into the state.
    After(u64),
    /// At the time that this attribute of the item tells; never when the item has none.
    At(Box<str>),
}

/// One legal move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineMove {
    /// Its name.
    pub name: Box<str>,
    /// The states it leads out of.
    pub from: Vec<Box<str>>,
    /// Where it leads.
    pub to: Box<str>,
    /// Where it leads instead when the item's `valid_until` has passed.
    pub lapsed_to: Option<Box<str>>,
    /// What must hold for it.
    pub guards: Vec<Guard>,
}

/// What must hold for a move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    /// `valid_from` has come and `valid_until` has not; an absent one does not bind.
    WithinValidity,
    /// The mover names the item's owner.
    Owner,
    /// Not more items than that are in these states afterwards.
    Quota(Quota),
    /// An attribute compares so with an argument or a literal.
    Attribute {
        /// The item's attribute.
        attribute: Box<str>,
        /// How.
        compare: Compare,
        /// With what.
        with: Operand,
    },
}

/// How many items of one machine (all its versions) may be in some states after the move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The states that count.
    pub states: Vec<Box<str>>,
    /// The most of one owner.
    pub per_owner: Option<u32>,
    /// The most in all.
    pub total: Option<u32>,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compare {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}

/// What an attribute is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operand {
    /// An argument of the move.
    Argument(Box<str>),
    /// A literal text (decimals are texts), whole number or flag.
    Literal(Literal),
}

/// A literal value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Literal {
    /// A text.
    Text(Box<str>),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Flag(bool),
}
