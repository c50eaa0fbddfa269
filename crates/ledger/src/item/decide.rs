//! Decides what is asked of machines and items, and what an item's own time demands. Changes nothing.
//!
//! Only declared moves are legal. What a branch's try promises is decided at the try: the moves of confirm and cancel must
//! lead on from there, and the guards of confirm hold now; at confirm and cancel nothing is asked again, for a decision
//! binds. Guards of a cancel do not bind it: giving back is always allowed.

use std::sync::Arc;

use transaction::refusal::ID_INVALID;
use transaction::{Refusal, Time, is_id};

use super::{Facts, Held, Item, Items, VALUE_MAX, VALUES_MAX, branch_of};
use crate::guard::{self, Sight};
use crate::machine::plan::{Plan, Way};
use crate::machine::{Expires, Machine, VALID_FROM, VALID_UNTIL, When};
use crate::refusal::{
    GUARD_REFUSED, ITEM_HELD, ITEM_INVALID, ITEM_UNKNOWN, MACHINE_INVALID, MACHINE_UNKNOWN, MOVE_UNDECLARED,
};
use crate::{Cause, Create, Declare, Event, Move, Origin, Value};

/// What declaring a machine comes to.
#[derive(Debug)]
pub(crate) enum Declared {
    /// Its newest version is the same.
    Known,
    /// It becomes this version, encoded so.
    New { number: u32, version: u32, encoded: Vec<u8> },
}

/// A move that is decided.
#[derive(Debug)]
pub(crate) struct Moved {
    facts: Arc<[u8]>,
    slot: u32,
    machine: u32,
    by: Option<u16>,
    states: (u16, u16),
    held: Option<(u16, u16)>,
    ends: bool,
    due: Option<Time>,
    prev: u64,
    version: u64,
}

impl Items {
    /// Decides the declaration of a machine.
    pub(crate) fn decide_declare(&self, declare: &Declare<&str>) -> Result<Declared, Refusal> {
        let machine: &Machine = &declare.machine;
        machine.check().map_err(first)?;
        if self.machines.named(&machine.name, None).is_some_and(|plan| *plan.machine == *machine) {
            return Ok(Declared::Known);
        }
        let new = self.machines.declaring(machine).map_err(|why| MACHINE_INVALID.at("/states", why))?;
        Ok(Declared::New { number: new.number, version: new.version, encoded: new.encoded })
    }

    /// Decides the creation of an item whose id is new.
    pub(crate) fn decide_create<'a>(
        &mut self,
        create: &Create<&'a str>,
        now: Time,
    ) -> Result<Event<'a>, Refusal> {
        check_id("/id", create.id)?;
        create.owner.map_or(Ok(()), |owner| check_id("/owner", owner))?;
        check_values("/attributes", &create.attributes)?;
        let plan = self.machines.named(create.machine, None);
        let plan = plan.ok_or_else(|| {
            MACHINE_UNKNOWN.at("/machine", format!("there is no machine {:?}", create.machine))
        })?;
        let facts = Facts { id: create.id, owner: create.owner, attributes: create.attributes.clone() };
        check_times(&plan.machine, &facts)?;
        let state = plan.machine.state(&plan.machine.initial).unwrap_or(0);
        Ok(Event::ItemCreated {
            id: create.id,
            item: self.free.free(),
            machine: plan.number,
            state,
            owner: create.owner,
            due: due(plan, (state, &facts), now),
            attributes: facts.attributes,
            cause: create.cause,
        })
    }

    /// Decides a move, whose id is new for the item. The item's own time went first: see [`Items::overdue`].
    pub(crate) fn decide_move(&self, step: &Move<&str>, now: Time) -> Result<Moved, Refusal> {
        if step.origin == Origin::Direct {
            check_id("/id", step.id)?;
        }
        check_id("/item", step.item)?;
        step.owner.map_or(Ok(()), |owner| check_id("/owner", owner))?;
        check_values("/arguments", &step.arguments)?;
        if step.then.is_some() && step.origin == Origin::Direct {
            return Err(ITEM_INVALID.at("/then", "only a branch of a transaction can hold an item"));
        }
        let slot = self.find(step.item);
        let found = slot.and_then(|slot| self.slab.get(slot).map(|item| (slot, item)));
        let (slot, item) =
            found.ok_or_else(|| ITEM_UNKNOWN.at("/item", format!("there is no item {}", step.item)))?;
        let plan = self.plan_of(item);
        match &item.held {
            None => self.begin(step, (slot, item), now),
            #[cfg(feature = "planted")]
            Some(_) if planted::is(planted::Bug::HeldItemMoves) && step.origin == Origin::Direct => {
                self.begin(step, (slot, item), now)
            }
            Some(held) if is_holder(held, step) => finish((plan, held), (slot, item, step), now),
            Some(held) => Err(ITEM_HELD
                .at("/item", format!("branch {} holds it in {}", held.branch, plan.state_name(item.state)))),
        }
    }

    /// Whether this is the confirm or cancel of the branch that holds the item.
    pub(crate) fn is_held_for(&self, step: &Move<&str>) -> bool {
        let item = || self.slab.get(self.find(step.item)?);
        step.origin == Origin::Branch
            && item().and_then(|item| item.held.as_ref()).is_some_and(|held| is_holder(held, step))
    }

    /// Decides what an item's own time demands, which has come.
    pub(crate) fn decide_timed(&self, slot: u32, now: Time) -> Option<Moved> {
        let item = self.slab.get(slot)?;
        let plan = self.plan_of(item);
        let Expires { to, lapsed_to, .. } =
            plan.machine.states.get(usize::from(item.state))?.expires.as_ref()?;
        let facts = item.facts();
        let lapsed_to = lapsed_to.as_deref().and_then(|name| plan.machine.state(name));
        let way = Way::timed(plan.machine.state(to)?, lapsed_to);
        let state = way.target(guard::validity(&facts, now));
        Some(moved((plan, &facts), (slot, item), Target { by: None, state, held: None, now }))
    }

    fn plan_of(&self, item: &Item) -> &Plan {
        self.machines.get(item.machine).expect("items are created by machines that are declared")
    }

    /// A move of an item that nobody holds.
    fn begin(&self, step: &Move<&str>, (slot, item): (u32, &Item), now: Time) -> Result<Moved, Refusal> {
        let plan = self.plan_of(item);
        let facts = item.facts();
        let validity = guard::validity(&facts, now);
        let (by, way) = declared(plan, step.name, item.state)?;
        let state = way.target(validity);
        let mut sight = Sight {
            facts: &facts,
            step,
            now,
            plan,
            quotas: &self.quotas,
            before: item.reach(plan),
            after: plan.set_of(state),
        };
        guard::ask(by, &sight).map_err(|why| GUARD_REFUSED.because(why))?;
        let held = match step.then {
            None => None,
            Some((confirm, cancel)) => {
                let (confirm, confirmed) = declared(plan, confirm, state)?;
                let (cancel, _) = declared(plan, cancel, state)?;
                sight.after = plan.set_of(confirmed.target(validity));
                guard::ask(confirm, &sight).map_err(|why| GUARD_REFUSED.because(why))?;
                Some((confirm, cancel))
            }
        };
        Ok(moved((plan, &facts), (slot, item), Target { by: Some(by), state, held, now }))
    }
}

/// The confirm or cancel of the branch that holds the item.
fn finish(
    (plan, held): (&Plan, &Held),
    (slot, item, step): (u32, &Item, &Move<&str>),
    now: Time,
) -> Result<Moved, Refusal> {
    let (by, way) = declared(plan, step.name, item.state)?;
    if by != held.moves.0 && by != held.moves.1 {
        let told =
            format!("{} is neither the confirm nor the cancel that branch {} named", step.name, held.branch);
        return Err(MOVE_UNDECLARED.at("/move", told));
    }
    let facts = item.facts();
    let state = way.target(guard::validity(&facts, now));
    Ok(moved((plan, &facts), (slot, item), Target { by: Some(by), state, held: None, now }))
}

/// Whether this is the confirm or cancel of the branch that holds the item.
fn is_holder(held: &Held, step: &Move<&str>) -> bool {
    step.origin == Origin::Branch && step.then.is_none() && *held.branch == *branch_of(step.id)
}

/// Where a move leads.
#[derive(Clone, Copy)]
struct Target {
    by: Option<u16>,
    state: u16,
    held: Option<(u16, u16)>,
    now: Time,
}

fn moved((plan, facts): (&Plan, &Facts<'_>), (slot, item): (u32, &Item), target: Target) -> Moved {
    let Target { by, state, held, now } = target;
    Moved {
        facts: Arc::clone(&item.facts),
        slot,
        machine: item.machine,
        by,
        states: (item.state, state),
        held,
        ends: plan.is_final(state),
        // While a branch holds it, its own time stands still.
        due: if held.is_some() { None } else { due(plan, (state, facts), now) },
        prev: item.last,
        version: item.version + 1,
    }
}

impl Moved {
    /// The event of a move that was asked for.
    pub(crate) fn event<'a>(&'a self, step: &Move<&'a str>) -> Event<'a> {
        let said = (step.id, step.owner, step.arguments.clone(), step.cause);
        self.with(said)
    }

    /// The event of a move that happens by itself.
    pub(crate) fn timed(&self) -> Event<'_> {
        self.with(("", None, Vec::new(), Cause::default()))
    }

    fn with<'a>(&'a self, (operation, owner, arguments, cause): Said<'a>) -> Event<'a> {
        let facts = Facts::read(&self.facts);
        Event::ItemMoved {
            id: facts.id,
            item: self.slot,
            machine: self.machine,
            by: self.by,
            operation,
            states: self.states,
            held: self.held,
            ends: self.ends,
            of: facts.owner.filter(|_| self.ends),
            owner,
            arguments,
            due: self.due,
            prev: self.prev,
            version: self.version,
            cause,
        }
    }
}

/// What the mover said: the operation's id, an owner, arguments, why.
type Said<'a> = (&'a str, Option<&'a str>, Vec<(&'a str, Value<&'a str>)>, Cause<&'a str>);

/// When a state expires that an item comes to now.
fn due(plan: &Plan, (state, facts): (u16, &Facts<'_>), now: Time) -> Option<Time> {
    match &plan.machine.states.get(usize::from(state))?.expires.as_ref()?.when {
        When::After(ms) => Some(now.plus_ms(*ms)),
        When::At(attribute) => guard::time_of(facts, attribute),
    }
}

fn declared(plan: &Plan, name: &str, state: u16) -> Result<(u16, Way), Refusal> {
    plan.way(name, state).ok_or_else(|| MOVE_UNDECLARED.at("/move", undeclared(plan, name, state)))
}

/// Why a move is refused, with what would be legal.
pub(super) fn undeclared(plan: &Plan, name: &str, state: u16) -> String {
    let from = plan.state_name(state);
    let machine = format!("{} version {}", plan.machine.name, plan.version);
    let legal = plan.machine.moves.iter().filter(|found| found.from.iter().any(|name| **name == *from));
    let legal: Vec<&str> = legal.map(|found| &*found.name).collect();
    let name: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    if plan.is_final(state) {
        return format!("{machine} has no move {name} from {from}: that state is final");
    }
    if legal.is_empty() {
        return format!("{machine} has no move {name} from {from}: nothing but time leads out of it");
    }
    format!("{machine} has no move {name} from {from}; from there it has {}", legal.join(", "))
}

fn first(mut faults: Vec<Refusal>) -> Refusal {
    let more = faults.len() - 1;
    let mut first = faults.swap_remove(0);
    if more > 0 {
        first.detail = format!("{} (and {more} more)", first.detail);
    }
    first
}

fn check_id(at: &str, id: &str) -> Result<(), Refusal> {
    if is_id(id) {
        Ok(())
    } else {
        Err(ID_INVALID.at(at, "ids have 1 to 128 characters of A-Z a-z 0-9 . _ : / -"))
    }
}

fn check_values(at: &str, values: &[(&str, Value<&str>)]) -> Result<(), Refusal> {
    if values.len() > VALUES_MAX {
        return Err(
            ITEM_INVALID.at(at, format!("{} of them, at most {VALUES_MAX} are allowed", values.len()))
        );
    }
    for (index, (key, value)) in values.iter().enumerate() {
        if !is_id(key) {
            return Err(ITEM_INVALID.at(at, "each key has 1 to 128 characters of A-Z a-z 0-9 . _ : / -"));
        }
        let place = || format!("{at}/{}", key.replace('/', "~1"));
        if index > 0 && values[index - 1].0 >= *key {
            return Err(ITEM_INVALID.at(place(), "keys are unique and sorted"));
        }
        if let Value::Text(text) = value
            && text.len() > VALUE_MAX
        {
            let told = format!("{} bytes of text, at most {VALUE_MAX} are allowed", text.len());
            return Err(ITEM_INVALID.at(place(), told));
        }
    }
    Ok(())
}

/// Attributes that this machine takes for times must be times.
fn check_times(machine: &Machine, facts: &Facts<'_>) -> Result<(), Refusal> {
    for attribute in machine.times() {
        if facts.attribute(attribute).is_some() && guard::time_of(facts, attribute).is_none() {
            let place = format!("/attributes/{}", attribute.replace('/', "~1"));
            return Err(
                ITEM_INVALID.at(place, "it must be a time such as \"2026-12-31T23:59:59Z\" (RFC 3339)")
            );
        }
    }
    match (guard::time_of(facts, VALID_FROM), guard::time_of(facts, VALID_UNTIL)) {
        (Some(from), Some(until)) if until <= from => {
            Err(ITEM_INVALID.at("/attributes/valid_until", "it must be later than valid_from"))
        }
        _ => Ok(()),
    }
}
