//! The auditor's items: every move is one that the item's own machine declares, from the state it is in.
//!
//! Judges moves, owners, promises of branches, and time. Counts of quotas it leaves to the comparison with the ledger.

use std::collections::BTreeMap;

use ledger::{Event, Guard, Machine, MachineMove, Value, When};
use transaction::Time;

use crate::accounts::next_number;
use crate::used::{Space, Used};

/// A declared version of a machine.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) machine: Machine,
    pub(crate) version: u32,
}

/// An item that can still move.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) machine: u32,
    pub(crate) state: u16,
    pub(crate) owner: Option<String>,
    pub(crate) attributes: Vec<(String, Value<String>)>,
    pub(crate) due: Option<Time>,
    pub(crate) held: Option<Promise>,
    pub(crate) version: u64,
    pub(crate) last: u64,
}

/// The branch that holds an item, and the moves of its confirm and cancel.
#[derive(Debug)]
pub(crate) struct Promise {
    branch: String,
    moves: (u16, u16),
}

/// All items that can still move, by slot, and all machines by number.
#[derive(Debug, Default)]
pub(crate) struct Items {
    pub(crate) live: BTreeMap<u32, Item>,
    pub(crate) machines: Vec<Declared>,
}

/// A move as its event tells it.
struct Move<'a> {
    at: Time,
    by: Option<u16>,
    operation: &'a str,
    states: (u16, u16),
    held: Option<(u16, u16)>,
    owner: Option<&'a str>,
}

impl Items {
    pub(crate) fn declare(&mut self, event: &Event<'_>) -> Result<(), String> {
        let Event::MachineDeclared { machine: number, version, encoded, .. } = event else { return Ok(()) };
        next_number("machine", *number, self.machines.len())?;
        let read = postcard::from_bytes(encoded);
        let machine: Machine = read.map_err(|fault| format!("it holds no machine: {fault}"))?;
        let before = self.machines.iter().filter(|found| found.machine.name == machine.name).count();
        if *version as usize != before + 1 {
            return Err(format!("{} is told as version {version} after {before} others", machine.name));
        }
        if let Err(faults) = machine.check() {
            let why = faults.first().map_or("", |fault| &*fault.detail);
            return Err(format!("the machine {} contradicts itself: {why}", machine.name));
        }
        self.machines.push(Declared { machine, version: *version });
        Ok(())
    }

    pub(crate) fn create(
        &mut self,
        event: &Event<'_>,
        (used, at, position): (&mut Used, Time, u64),
    ) -> Result<(), String> {
        let Event::ItemCreated { id, item: slot, machine, state, owner, attributes, due, .. } = event else {
            return Ok(());
        };
        used.once(Space::Item, ("", id))?;
        let declared = self.machine(*machine)?;
        if declared.state(&declared.initial) != Some(*state) {
            return Err(format!("item {id} does not begin in the initial state"));
        }
        let newest = self.machines.iter().rposition(|found| found.machine.name == declared.name);
        if newest != Some(*machine as usize) {
            return Err(format!("item {id} is not of its machine's newest version"));
        }
        let item = Item {
            id: (*id).to_owned(),
            machine: *machine,
            state: *state,
            owner: owner.map(str::to_owned),
            attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), owned(value))).collect(),
            due: *due,
            held: None,
            version: 0,
            last: position,
        };
        check_due(declared, &item, at)?;
        match self.live.insert(*slot, item) {
            None => Ok(()),
            Some(other) => Err(format!("slot {slot} is taken by item {}", other.id)),
        }
    }

    pub(crate) fn step(
        &mut self,
        event: &Event<'_>,
        (used, at, position): (&mut Used, Time, u64),
    ) -> Result<(), String> {
        let &Event::ItemMoved { id, item: slot, by, operation, states, held, owner, due, .. } = event else {
            return Ok(());
        };
        if by.is_some() {
            used.once(Space::OfItem, (id, operation))?;
        }
        let step = Move { at, by, operation, states, held, owner };
        let Some(item) = self.live.get(&slot).filter(|item| item.id == id) else {
            return Err(format!("item {id} is not in slot {slot}"));
        };
        let machine = self.machine(item.machine)?;
        item.follows(event)?;
        allowed(machine, item, &step).map_err(|why| format!("item {id}: {why}"))?;
        let is_final = machine.states.get(usize::from(states.1)).is_some_and(|state| state.is_final);
        let Event::ItemMoved { ends, of, version, .. } = event else { return Ok(()) };
        if is_final != *ends || of.is_some_and(|of| item.owner.as_deref() != Some(of)) {
            return Err(format!("item {id}: its end is told wrongly"));
        }
        if is_final {
            self.live.remove(&slot);
            return Ok(());
        }
        let Some(mut item) = self.live.remove(&slot) else { return Ok(()) };
        (item.state, item.due, item.version, item.last) = (states.1, due, *version, position);
        item.held = held.map(|moves| Promise { branch: branch_of(operation).to_owned(), moves });
        if item.held.is_none() {
            check_due(self.machine(item.machine)?, &item, at)?;
        } else if due.is_some() {
            return Err(format!("item {id}: its time runs while a branch holds it"));
        }
        self.live.insert(slot, item);
        Ok(())
    }

    fn machine(&self, number: u32) -> Result<&Machine, String> {
        let found = self.machines.get(number as usize).map(|found| &found.machine);
        found.ok_or_else(|| format!("it names machine {number}, which was never declared"))
    }
}

impl Item {
    /// The event follows the item's previous one.
    fn follows(&self, event: &Event<'_>) -> Result<(), String> {
        let Event::ItemMoved { machine, states, prev, version, .. } = event else { return Ok(()) };
        let said = (*machine, states.0, *prev, *version);
        if said == (self.machine, self.state, self.last, self.version + 1) {
            return Ok(());
        }
        Err(format!(
            "item {} was in state {} at version {}, its last event at {}: another state, version or event is told before",
            self.id, self.state, self.version, self.last
        ))
    }
}

/// Whether an item may move so.
fn allowed(machine: &Machine, item: &Item, step: &Move<'_>) -> Result<(), String> {
    let Some(by) = step.by else { return timed(machine, item, step) };
    let found = way(machine, by, (step.states.0, step.states.1))?;
    if let Some(promise) = &item.held {
        let is_promised = by == promise.moves.0 || by == promise.moves.1;
        if !is_promised || branch_of(step.operation) != promise.branch || step.held.is_some() {
            return Err(format!("branch {} holds it", promise.branch));
        }
        return Ok(());
    }
    if found.guards.contains(&Guard::Owner) && (step.owner.is_none() || step.owner != item.owner.as_deref()) {
        return Err("it is moved by another than its owner".to_owned());
    }
    let Some((confirm, cancel)) = step.held else { return Ok(()) };
    let name = |state: u16| machine.states.get(usize::from(state)).map(|state| &state.name);
    for promised in [confirm, cancel] {
        let leads = machine.moves.get(usize::from(promised));
        let leads = leads.zip(name(step.states.1)).is_some_and(|(found, state)| found.from.contains(state));
        if !leads {
            return Err("a move is promised that does not lead on".to_owned());
        }
    }
    Ok(())
}

/// The declared move at this position, which must lead from the one state to the other.
fn way(machine: &Machine, by: u16, (from, to): (u16, u16)) -> Result<&MachineMove, String> {
    let name = |state: u16| machine.states.get(usize::from(state)).map(|state| &state.name);
    let found = machine.moves.get(usize::from(by));
    let (Some(found), Some(from), Some(to)) = (found, name(from), name(to)) else {
        return Err("a move or state is told that its machine does not have".to_owned());
    };
    if found.from.contains(from) && (found.to == *to || found.lapsed_to.as_ref() == Some(to)) {
        return Ok(found);
    }
    Err(format!("{} does not lead from {from} to {to}", found.name))
}

/// Whether an item's own time may move it so.
fn timed(machine: &Machine, item: &Item, step: &Move<'_>) -> Result<(), String> {
    let state = |state: u16| machine.states.get(usize::from(state));
    let expires = state(step.states.0).and_then(|state| state.expires.as_ref());
    let to = state(step.states.1).map(|state| &state.name);
    let (Some(expires), Some(to)) = (expires, to) else {
        return Err("nothing happens to it by itself".to_owned());
    };
    if expires.to != *to && expires.lapsed_to.as_ref() != Some(to) {
        return Err(format!("its time does not lead to {to}"));
    }
    if item.due.is_none_or(|due| due > step.at) || step.held.is_some() {
        return Err("its time has not come".to_owned());
    }
    Ok(())
}

/// When an item's state expires is what its machine says, as far as that can be told without reading times from texts.
fn check_due(machine: &Machine, item: &Item, at: Time) -> Result<(), String> {
    let state = machine.states.get(usize::from(item.state));
    let expires = state.and_then(|state| state.expires.as_ref()).map(|expires| &expires.when);
    let is_right = match expires {
        None => item.due.is_none(),
        Some(When::After(ms)) => item.due == Some(at.plus_ms(*ms)),
        Some(When::At(key)) => {
            item.due.is_none() || item.attributes.iter().any(|(found, _)| **found == **key)
        }
    };
    if is_right {
        Ok(())
    } else {
        Err(format!("item {} expires at another time than its machine says", item.id))
    }
}

/// The branch that an operation's id names: `transaction/branch/operation`.
fn branch_of(operation: &str) -> &str {
    operation.rsplit_once('/').map_or(operation, |(branch, _)| branch)
}

fn owned(value: &Value<&str>) -> Value<String> {
    match value {
        Value::Text(text) => Value::Text((*text).to_owned()),
        Value::Integer(number) => Value::Integer(*number),
        Value::Flag(flag) => Value::Flag(*flag),
    }
}
