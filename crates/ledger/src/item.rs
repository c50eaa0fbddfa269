//! Items in memory: unique things, each in a state of its machine, and the machines they live by.
//!
//! `carry.rs` is the way in: it looks the id up, lets the item's own time go first, has `decide.rs` decide, and keeps the
//! event, which `fold.rs` folds. Nothing outside this folder changes an item. Items that end leave memory at once; the counts
//! of `quota.rs` go on counting them, `ended.rs` says what the index of ids keeps. Pages and start-up: `page.rs`.

mod carry;
mod decide;
mod ended;
mod fold;
mod page;
mod slab;

use std::collections::BTreeSet;
use std::sync::Arc;

use transaction::Time;

use crate::digest::{self, Content};
use crate::field::{Field, Reader};
use crate::index::Index;
use crate::live::Due;
use crate::machine::declared::Machines;
use crate::machine::plan::Plan;
use crate::pages::Pages;
use crate::quota::{Quotas, Whose};
use crate::slots::Slots;
use crate::{Create, Declare, ItemView, Keys, Literal, MachineView, Move, Origin, Space, Value};

pub(crate) use decide::Declared;
pub(crate) use ended::Ended;
use slab::Slab;

/// The most attributes of an item, and arguments of a move.
pub(crate) const VALUES_MAX: usize = 32;
/// The longest text among them, in bytes.
pub(crate) const VALUE_MAX: usize = 1024;

/// All items in memory and all machines.
#[derive(Debug)]
pub(crate) struct Items {
    keys: Keys,
    machines: Machines,
    slab: Slab,
    free: Slots,
    index: Index,
    quotas: Quotas,
    phase: Phase,
}

/// What of the ledger around them changes with items.
pub(crate) struct Around<'a> {
    pub(crate) pages: &'a mut Pages,
    pub(crate) due: &'a mut BTreeSet<Due>,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// What never changes: id, owner, attributes; see [`Facts`].
    facts: Arc<[u8]>,
    held: Option<Arc<Held>>,
    due: Option<Time>,
    /// How many moves it made.
    version: u64,
    /// The position of its creation: its age.
    since: u64,
    /// The position of its latest event.
    last: u64,
    hash: u64,
    machine: u32,
    state: u16,
}

/// A branch holds an item: only its confirm and its cancel move it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    /// `transaction/branch`.
    branch: Box<str>,
    /// The moves of confirm and cancel, by position.
    moves: (u16, u16),
}

/// What never changes of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts<'a> {
    pub(crate) id: &'a str,
    pub(crate) owner: Option<&'a str>,
    pub(crate) attributes: Vec<(&'a str, Value<&'a str>)>,
}

/// Where in its life a data folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Pages and the events since are taken in; nothing is found, counted or due yet.
    Loading,
    /// Everything is.
    Running,
}

/// What stood before one event: how it is taken back.
#[derive(Debug)]
pub(crate) enum ItemBefore {
    /// The last machine was not declared.
    NoMachine,
    /// Nothing was in this slot.
    NoItem(u32),
    /// The item in this slot as it was, and the state in which it has ended, where it has.
    Item(u32, Box<Item>, Option<u16>),
}

impl<'a> Facts<'a> {
    fn bytes(&self) -> Arc<[u8]> {
        let mut bytes = Vec::with_capacity(64);
        self.id.put(&mut bytes);
        self.owner.put(&mut bytes);
        self.attributes.put(&mut bytes);
        bytes.into()
    }

    fn read(bytes: &'a [u8]) -> Facts<'a> {
        let mut from = Reader { bytes };
        let facts = (Field::get(&mut from), Field::get(&mut from), Field::get(&mut from));
        let (Ok(id), Ok(owner), Ok(attributes)) = facts else {
            unreachable!("facts are read as they were written")
        };
        Facts { id, owner, attributes }
    }

    /// The value of this attribute.
    pub(crate) fn attribute(&self, key: &str) -> Option<Value<&'a str>> {
        self.attributes.iter().find(|(found, _)| *found == key).map(|(_, value)| *value)
    }
}

impl Item {
    fn facts(&self) -> Facts<'_> {
        Facts::read(&self.facts)
    }

    /// Only its id: what looking for it reads.
    fn id(&self) -> &str {
        <&str>::get(&mut Reader { bytes: &self.facts }).unwrap_or_default()
    }

    /// Only its owner: what counting it reads.
    fn owner(&self) -> Option<&str> {
        let mut from = Reader { bytes: &self.facts };
        let (_, owner) = <(&str, Option<&str>)>::get(&mut from).unwrap_or_default();
        owner
    }

    /// All states that it is in or may come to by what its branch was promised.
    fn reach(&self, plan: &Plan) -> u128 {
        let promised =
            self.held.as_ref().map_or(0, |held| plan.targets(held.moves.0) | plan.targets(held.moves.1));
        plan.set_of(self.state) | promised
    }
}

impl Items {
    /// None, with no machines.
    pub(crate) fn new(keys: Keys) -> Items {
        Items {
            keys,
            machines: Machines::default(),
            slab: Slab::default(),
            free: Slots::default(),
            index: Index::new(),
            quotas: Quotas::new(keys),
            phase: Phase::Loading,
        }
    }

    /// The slot of the item with this id, while it is in memory.
    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        let hash = digest::id(self.keys, Space::Item, ("", id)).hash;
        self.index
            .find(hash, |slot| self.slab.get(slot).is_some_and(|item| item.hash == hash && item.id() == id))
    }

    /// Whether this item moves by itself before anything else is done with it at `now`.
    pub(crate) fn overdue(&self, slot: u32, now: Time) -> bool {
        self.slab.get(slot).and_then(|item| item.due).is_some_and(|due| due <= now)
    }

    /// The item with this id.
    pub(crate) fn view(&self, id: &str) -> Option<ItemView> {
        let item = self.slab.get(self.find(id)?)?;
        let plan = self.machines.get(item.machine)?;
        let facts = item.facts();
        Some(ItemView {
            id: facts.id.into(),
            machine: (plan.machine.name.as_ref().into(), plan.version),
            state: plan.state_name(item.state).into(),
            is_final: plan.is_final(item.state),
            owner: facts.owner.map(Into::into),
            attributes: facts
                .attributes
                .iter()
                .map(|(key, value)| ((*key).into(), literal(*value)))
                .collect(),
            due: item.due,
            held: item.held.is_some(),
            version: item.version,
            last: item.last,
        })
    }

    /// A machine, in this version or its newest.
    pub(crate) fn machine(&self, name: &str, version: Option<u32>) -> Option<MachineView> {
        self.machines.named(name, version).map(machine_view)
    }

    /// The machine with this number.
    pub(crate) fn machine_of(&self, number: u32) -> Option<MachineView> {
        self.machines.get(number).map(machine_view)
    }

    /// The newest version of every machine, sorted by name.
    pub(crate) fn machines(&self) -> Vec<MachineView> {
        self.machines.newest().map(machine_view).collect()
    }

    /// Why an item that ended does not move.
    pub(crate) fn ended_words(&self, ended: Ended, name: &str) -> String {
        match self.machines.get(ended.machine) {
            Some(plan) => decide::undeclared(plan, name, ended.state),
            None => "the item has ended".into(),
        }
    }

    /// Where differences of two lie, in words.
    pub(crate) fn differences(&self, other: &Items, into: &mut Vec<String>) {
        let machines = self.machines.len().max(other.machines.len());
        for number in (0..machines).filter(|number| self.machines.get(*number) != other.machines.get(*number))
        {
            into.push(format!("machine {number} differs"));
        }
        for slot in 0..self.slab.len().max(other.slab.len()) {
            let (one, other) = (self.slab.get(slot), other.slab.get(slot));
            if one != other {
                let id = one.or(other).map_or("", Item::id);
                into.push(format!("item {id} in slot {slot}: {one:?} and {other:?}"));
            }
        }
        self.quotas.differences(&other.quotas, into);
    }

    /// Whose counts an item belongs to.
    fn whose<'a>(&self, plan: &Plan, owner: Option<&'a str>) -> Whose<'a> {
        let counted = self.machines.counted_from(plan.family).is_some();
        Whose { family: plan.family, owner: owner.filter(|_| counted) }
    }
}

fn machine_view(plan: &Arc<Plan>) -> MachineView {
    MachineView { machine: Arc::clone(&plan.machine), version: plan.version }
}

fn literal(value: Value<&str>) -> Literal {
    match value {
        Value::Text(text) => Literal::Text(text.into()),
        Value::Integer(number) => Literal::Integer(number),
        Value::Flag(flag) => Literal::Flag(flag),
    }
}

/// The branch that an operation's id names: `transaction/branch/operation`.
fn branch_of(operation: &str) -> &str {
    operation.rsplit_once('/').map_or(operation, |(branch, _)| branch)
}

/// Digest of all that was said to create an item, and the hash under which it is known.
pub(crate) fn create_content(keys: Keys, create: &Create<&str>) -> (u64, u64) {
    let id = digest::id(keys, Space::Item, ("", create.id));
    let content =
        Content::of(keys, id).text(Some(create.machine)).text(create.owner).values(&create.attributes);
    (id.hash, content.cause(&create.cause).value())
}

/// Digest of all that was said to move an item, and the hash under which it is known.
pub(crate) fn move_content(keys: Keys, step: &Move<&str>) -> (u64, u64) {
    let id = digest::id(keys, Space::Move, (step.item, step.id));
    let then = step.then.unzip();
    let content = Content::of(keys, id).text(Some(step.name)).text(step.owner).values(&step.arguments);
    let content = content.text(then.0).text(then.1).and(u64::from(step.origin == Origin::Branch));
    (id.hash, content.cause(&step.cause).value())
}

/// Digest of a machine's declaration: what its event is kept with.
pub(crate) fn declare_content(keys: Keys, (declare, encoded): (&Declare<&str>, &[u8])) -> u64 {
    let id = digest::id(keys, Space::Item, ("machine", &declare.machine.name));
    let hash = siphasher::sip128::SipHasher13::new_with_keys(keys.0, keys.1).hash(encoded);
    Content::of(keys, id).and(hash.h1).and(hash.h2).cause(&declare.cause).value()
}
