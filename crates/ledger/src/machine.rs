//! What a machine is: the declared states of an item and the only moves between them.
//!
//! Owned texts: a machine is declared once and read often. Checked by `machine_check.rs` before anything rests on it;
//! drawn by `diagram.rs`. The order of fields and variants is the format in which it is kept, for ever.

pub(crate) mod declared;
pub(crate) mod plan;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The attribute that tells from when an item is valid.
pub const VALID_FROM: &str = "valid_from";
/// The attribute that tells until when an item is valid: the first moment when it no longer is.
pub const VALID_UNTIL: &str = "valid_until";

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

impl Machine {
    /// The position of the state of this name.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<u16> {
        position(self.states.iter().position(|state| *state.name == *name))
    }

    /// The position of the move of this name.
    #[must_use]
    pub fn find_move(&self, name: &str) -> Option<u16> {
        position(self.moves.iter().position(|found| *found.name == *name))
    }

    /// The attributes that must be times where an item has them: the ends of its validity, and what states expire at.
    pub fn times(&self) -> impl Iterator<Item = &str> {
        let named = self.states.iter().filter_map(|state| match &state.expires {
            Some(Expires { when: When::At(attribute), .. }) => Some(&**attribute),
            Some(Expires { when: When::After(_), .. }) | None => None,
        });
        [VALID_FROM, VALID_UNTIL].into_iter().chain(named)
    }
}

fn position(found: Option<usize>) -> Option<u16> {
    found.and_then(|index| u16::try_from(index).ok())
}

impl Compare {
    /// Every comparison.
    pub const ALL: [Compare; 6] = [
        Compare::Less,
        Compare::AtMost,
        Compare::Equal,
        Compare::Unequal,
        Compare::AtLeast,
        Compare::Greater,
    ];

    /// As it is written in a machine: `<=`.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Compare::Less => "<",
            Compare::AtMost => "<=",
            Compare::Equal => "==",
            Compare::Unequal => "!=",
            Compare::AtLeast => ">=",
            Compare::Greater => ">",
        }
    }

    /// The comparison that is written so.
    #[must_use]
    pub fn read(sign: &str) -> Option<Compare> {
        Compare::ALL.into_iter().find(|compare| compare.sign() == sign)
    }
}

/// As a person reads it: a text in quotes.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => write!(f, "{text:?}"),
            Literal::Integer(number) => write!(f, "{number}"),
            Literal::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// Its name on the wire, with what it compares.
impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Guard::WithinValidity => f.write_str("within_validity"),
            Guard::Owner => f.write_str("owner"),
            Guard::Quota(quota) => write!(f, "{quota}"),
            Guard::Attribute { attribute, compare, with: Operand::Argument(argument) } => {
                write!(f, "{attribute} {} {argument}", compare.sign())
            }
            Guard::Attribute { attribute, compare, with: Operand::Literal(value) } => {
                write!(f, "{attribute} {} {value}", compare.sign())
            }
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quota of {}", self.states.join(" + "))?;
        let bounds = [(self.per_owner, "per owner"), (self.total, "in all")];
        let bounds = bounds.into_iter().filter_map(|(bound, whose)| Some((bound?, whose)));
        for (index, (bound, whose)) in bounds.enumerate() {
            write!(f, "{} {bound} {whose}", if index == 0 { " at most" } else { " and" })?;
        }
        Ok(())
    }
}
