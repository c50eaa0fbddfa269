//! Folds kept events into the items, and takes them back. Cannot fail; decides nothing.
//!
//! While a data folder is loaded an event changes only what the pages have not seen of it; see `page.rs`.

use std::sync::Arc;

use super::{Around, Facts, Held, Item, ItemBefore, Items, Phase, branch_of};
use crate::digest;
use crate::live::{Due, DueKind};
use crate::machine::Machine;
use crate::pages::{PER_PAGE, Table};
use crate::quota::{Step, Whose};
use crate::{Event, Space};

impl Items {
    /// Folds an event that lies at `position`; answers what stood before, where something changed. Events that are not of
    /// items and machines are none of its business.
    pub(crate) fn apply(
        &mut self,
        (event, position): (&Event<'_>, u64),
        around: &mut Around<'_>,
    ) -> Option<ItemBefore> {
        match event {
            Event::MachineDeclared { machine, encoded, .. } => {
                self.declared(*machine, (encoded, position), around)
            }
            Event::ItemCreated { item, .. } if takes_item(around, *item, position) => {
                self.created(event, position, around)
            }
            Event::ItemMoved { .. } => self.moved(event, position, around),
            _ => None,
        }
    }

    fn declared(
        &mut self,
        number: u32,
        (encoded, position): (&[u8], u64),
        around: &mut Around<'_>,
    ) -> Option<ItemBefore> {
        if self.machines.get(number).is_some() {
            return None; // Its page was loaded, and machines never change.
        }
        let machine: Machine = postcard::from_bytes(encoded).expect("a machine is kept as it was checked");
        let plan = self.machines.plan(machine, number, position);
        let counted = self.machines.counted_from(plan.family).is_some();
        let plan = self.machines.put(plan);
        around.pages.touch_page(Table::Machines, number);
        let counts = self.machines.counted_from(plan.family).is_some();
        if self.phase == Phase::Running && counts && !counted {
            self.count_owners(plan.family);
        }
        Some(ItemBefore::NoMachine)
    }

    /// Counts the family's items in memory for their owners: nobody did before.
    fn count_owners(&mut self, family: u32) {
        for (_, item) in self.slab.iter() {
            let plan = self.machines.get(item.machine).filter(|plan| plan.family == family);
            let Some(plan) = plan else { continue };
            let whose = Whose { family, owner: item.owner() };
            self.quotas.live_of_owner(whose, item.reach(plan), Step::Up);
        }
    }

    fn created(&mut self, event: &Event<'_>, position: u64, around: &mut Around<'_>) -> Option<ItemBefore> {
        let Event::ItemCreated { id, item: slot, machine, state, owner, attributes, due, .. } = event else {
            return None;
        };
        let facts = Facts { id, owner: *owner, attributes: attributes.clone() };
        let item = Item {
            facts: facts.bytes(),
            held: None,
            due: *due,
            version: 0,
            since: position,
            last: position,
            hash: digest::id(self.keys, Space::Item, ("", id)).hash,
            machine: *machine,
            state: *state,
        };
        self.put(*slot, item, around);
        Some(ItemBefore::NoItem(*slot))
    }

    fn moved(&mut self, event: &Event<'_>, position: u64, around: &mut Around<'_>) -> Option<ItemBefore> {
        let Event::ItemMoved { item: slot, machine, operation, states, held, ends, of, due, version, .. } =
            event
        else {
            return None;
        };
        if *ends {
            self.count_ended((*machine, states.1, *of), position, around);
        }
        if !takes_item(around, *slot, position) {
            return None;
        }
        let before = self.take(*slot, around)?;
        if *ends {
            return Some(ItemBefore::Item(*slot, Box::new(before), Some(states.1)));
        }
        let held = held.map(|moves| Arc::new(Held { branch: branch_of(operation).into(), moves }));
        let facts = Arc::clone(&before.facts);
        let after =
            Item { facts, held, due: *due, version: *version, last: position, state: states.1, ..before };
        self.put(*slot, after, around);
        Some(ItemBefore::Item(*slot, Box::new(before), None))
    }

    /// Counts an item that leaves memory, for ever.
    fn count_ended(
        &mut self,
        (machine, state, owner): (u32, u16, Option<&str>),
        position: u64,
        around: &mut Around<'_>,
    ) {
        let Some(plan) = self.machines.get(machine) else { return };
        let (family, bit) = (plan.family, plan.bit_of(state));
        if around.pages.takes_page((Table::Counters, 0), position) {
            self.quotas.ended(family, bit, Step::Up);
            around.pages.touch_page(Table::Counters, 0);
        }
        let counted = self.machines.counted_from(family).is_some_and(|from| position >= from);
        let Some(owner) = owner.filter(|_| counted) else { return };
        let page = self.quotas.page_of(owner);
        if around.pages.takes_page((Table::Counters, page), position) {
            self.quotas.ended_of_owner(Whose { family, owner: Some(owner) }, bit, Step::Up);
            around.pages.touch_page(Table::Counters, page);
        }
    }

    /// Puts an item into a free slot.
    fn put(&mut self, slot: u32, item: Item, around: &mut Around<'_>) {
        around.pages.touch(Table::Items, slot);
        if self.phase == Phase::Running {
            self.attach(slot, &item, around);
        }
        self.slab.put(slot, Some(item));
    }

    /// Makes an item findable, counted and due.
    fn attach(&mut self, slot: u32, item: &Item, around: &mut Around<'_>) {
        self.free.take(slot);
        self.index.insert(item.hash, slot);
        around.due.extend(due_of(item, slot));
        self.count(item, Step::Up);
    }

    /// Takes an item out of its slot.
    fn take(&mut self, slot: u32, around: &mut Around<'_>) -> Option<Item> {
        around.pages.touch(Table::Items, slot);
        let item = self.slab.take(slot)?;
        if self.phase == Phase::Running {
            self.free.give(slot);
            self.index.remove(item.hash, slot);
            if let Some(due) = due_of(&item, slot) {
                around.due.remove(&due);
            }
            self.count(&item, Step::Down);
        }
        Some(item)
    }

    fn count(&mut self, item: &Item, step: Step) {
        let Some(plan) = self.machines.get(item.machine) else { return };
        let whose = self.whose(plan, item.owner());
        self.quotas.live(whose, item.reach(plan), step);
    }

    /// All pages are loaded and all events since are folded: items are findable, counted and due from here on.
    pub(crate) fn loaded(&mut self, around: &mut Around<'_>) {
        if self.phase == Phase::Running {
            return;
        }
        self.phase = Phase::Running;
        for slot in 0..self.slab.len() {
            if let Some(item) = self.slab.get(slot).cloned() {
                self.attach(slot, &item, around);
            }
        }
    }

    /// Takes back the latest event.
    pub(crate) fn take_back(&mut self, before: ItemBefore, around: &mut Around<'_>) {
        match before {
            ItemBefore::NoMachine => {
                let Some(gone) = self.machines.pop() else { return };
                if self.machines.counted_from(gone.family).is_none() {
                    self.quotas.forget_owners(gone.family);
                }
            }
            ItemBefore::NoItem(slot) => drop(self.take(slot, around)),
            ItemBefore::Item(slot, before, ended) => {
                drop(self.take(slot, around));
                if let Some(state) = ended {
                    self.uncount_ended(&before, state);
                }
                self.put(slot, *before, around);
            }
        }
    }

    fn uncount_ended(&mut self, before: &Item, state: u16) {
        let Some(plan) = self.machines.get(before.machine) else { return };
        let (family, bit) = (plan.family, plan.bit_of(state));
        let whose = self.whose(plan, before.owner());
        self.quotas.ended(family, bit, Step::Down);
        self.quotas.ended_of_owner(whose, bit, Step::Down);
    }
}

fn takes_item(around: &Around<'_>, slot: u32, position: u64) -> bool {
    around.pages.takes_page((Table::Items, slot / PER_PAGE), position)
}

fn due_of(item: &Item, slot: u32) -> Option<Due> {
    item.due.map(|at| Due { at, kind: DueKind::Item, age: item.since, slot })
}
