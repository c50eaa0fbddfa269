//! Machines over the API: what is answered to a declaration, and a machine as it stands.

use ledger::{Expires, Guard, Literal, Machine, MachineMove, MachineState, MachineView, Operand, When};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::http::wire::machine::sign;

/// A machine that was declared.
#[derive(Serialize, ToSchema)]
#[schema(as = MachineDeclared)]
pub(in crate::http) struct MachineDeclaredView<'a> {
    /// Its name.
    pub(in crate::http) name: &'a str,
    /// Its version, from 1.
    pub(in crate::http) version: u32,
    /// `declared`, or `duplicate` where it was known.
    pub(in crate::http) outcome: &'static str,
}

/// A version of a machine.
#[derive(Serialize, ToSchema)]
#[schema(as = MachineState)]
pub(in crate::http) struct MachineObject<'a> {
    /// Its name.
    name: &'a str,
    /// Its version, from 1.
    version: u32,
    /// The state in which items begin.
    initial: &'a str,
    /// Its states by name, in the order of declaration.
    #[schema(value_type = std::collections::BTreeMap<String, crate::http::wire::machine::StateBody>)]
    states: States<'a>,
    /// Its moves by name, in the order of declaration.
    #[schema(value_type = std::collections::BTreeMap<String, crate::http::wire::machine::MachineMoveBody>)]
    moves: Moves<'a>,
    /// The machine as a diagram, in Mermaid.
    diagram: String,
}

impl<'a> MachineObject<'a> {
    /// The object of `view`.
    pub(in crate::http) fn of(view: &'a MachineView) -> MachineObject<'a> {
        let machine = &*view.machine;
        MachineObject {
            name: &machine.name,
            version: view.version,
            initial: &machine.initial,
            states: States(machine),
            moves: Moves(machine),
            diagram: machine.mermaid(),
        }
    }
}

struct States<'a>(&'a Machine);

struct Moves<'a>(&'a Machine);

struct StateWritten<'a>(&'a MachineState);

struct MoveWritten<'a>(&'a MachineMove);

struct GuardWritten<'a>(&'a Guard);

impl Serialize for States<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.states.iter().map(|state| (&*state.name, StateWritten(state))))
    }
}

impl Serialize for Moves<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.moves.iter().map(|found| (&*found.name, MoveWritten(found))))
    }
}

impl Serialize for StateWritten<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.0.is_final {
            map.serialize_entry("final", &true)?;
        }
        if let Some(Expires { to, lapsed_to, when }) = &self.0.expires {
            map.serialize_entry("expires_to", to)?;
            match when {
                When::After(ms) => map.serialize_entry("after_ms", ms)?,
                When::At(attribute) => map.serialize_entry("at", attribute)?,
            }
            if let Some(lapsed_to) = lapsed_to {
                map.serialize_entry("lapsed_to", lapsed_to)?;
            }
        }
        map.end()
    }
}

impl Serialize for MoveWritten<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("from", &self.0.from)?;
        map.serialize_entry("to", &self.0.to)?;
        if let Some(lapsed_to) = &self.0.lapsed_to {
            map.serialize_entry("lapsed_to", lapsed_to)?;
        }
        if !self.0.guards.is_empty() {
            map.serialize_entry("guard", &self.0.guards.iter().map(GuardWritten).collect::<Vec<_>>())?;
        }
        map.end()
    }
}

/// A quota as it is written.
#[derive(Serialize)]
struct QuotaWritten<'a> {
    states: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    per_owner: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u32>,
}

impl Serialize for GuardWritten<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Guard::WithinValidity => serializer.serialize_str("within_validity"),
            Guard::Owner => serializer.serialize_str("owner"),
            Guard::Quota(quota) => {
                let (per_owner, total) = (quota.per_owner, quota.total);
                let written = QuotaWritten { states: &quota.states, per_owner, total };
                serializer.collect_map([("quota", written)])
            }
            Guard::Attribute { attribute, compare, with } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("attribute", attribute)?;
                map.serialize_entry("op", sign(*compare))?;
                match with {
                    Operand::Argument(name) => map.serialize_entry("argument", name)?,
                    Operand::Literal(Literal::Text(text)) => map.serialize_entry("value", text)?,
                    Operand::Literal(Literal::Integer(integer)) => map.serialize_entry("value", integer)?,
                    Operand::Literal(Literal::Flag(flag)) => map.serialize_entry("value", flag)?,
                }
                map.end()
            }
        }
    }
}
