//! Pages of items, machines and quota counts, inside the frame of `page.rs` of the ledger.
//!
//! Counts of items in memory are in no page: they follow from the items when all is loaded. Bytes are read without trust.

use std::sync::Arc;

use super::{Facts, Held, Item, Items};
use crate::digest;
use crate::field::{Field, Reader};
use crate::machine::Machine;
use crate::machine::declared::MACHINES_MAX;
use crate::machine::plan::{NAMES_MAX, Plan};
use crate::pages::{PER_PAGE, Table};
use crate::{Keys, Space};

impl Items {
    /// Writes a page as it is now. A page of machines has one.
    pub(crate) fn write_page(&self, (table, page): (Table, u32), into: &mut Vec<u8>) {
        match table {
            Table::Items => {
                for slot in page * PER_PAGE..(page + 1) * PER_PAGE {
                    put_item(self.slab.get(slot), into);
                }
            }
            Table::Machines => {
                let plan = self.machines.get(page);
                plan.is_some().put(into);
                if let Some(plan) = plan {
                    put_plan(plan, into);
                }
            }
            _ => self.quotas.write_page(page, into),
        }
    }

    /// Takes over a page at start-up.
    pub(crate) fn load_page(
        &mut self,
        (table, page): (Table, u32),
        from: &mut Reader<'_>,
    ) -> Result<(), String> {
        match table {
            Table::Items => {
                for slot in page * PER_PAGE..(page + 1) * PER_PAGE {
                    let item = get_item(from, self.keys)?;
                    self.slab.put(slot, item);
                }
            }
            Table::Machines => {
                if page >= MACHINES_MAX {
                    return Err(format!("machine {page} is too far"));
                }
                // A roll-back leaves the page of a machine that was not declared after all.
                if bool::get(from)? {
                    let plan = get_plan(from, page)?;
                    self.machines.put(plan);
                }
            }
            _ => self.quotas.load_page(page, from)?,
        }
        Ok(())
    }
}

fn put_item(item: Option<&Item>, into: &mut Vec<u8>) {
    item.is_some().put(into);
    let Some(item) = item else { return };
    (&*item.facts).put(into);
    item.held.as_ref().map(|held| (&*held.branch, held.moves)).put(into);
    item.due.put(into);
    item.version.put(into);
    item.since.put(into);
    item.last.put(into);
    item.machine.put(into);
    item.state.put(into);
}

fn get_item(from: &mut Reader<'_>, keys: Keys) -> Result<Option<Item>, String> {
    if !bool::get(from)? {
        return Ok(None);
    }
    let facts = <&[u8]>::get(from)?;
    let mut inside = Reader { bytes: facts };
    let (id, owner, attributes) =
        (Field::get(&mut inside)?, Field::get(&mut inside)?, Field::get(&mut inside)?);
    inside.end()?;
    let facts = Facts { id, owner, attributes };
    let held = Option::<(&str, (u16, u16))>::get(from)?;
    Ok(Some(Item {
        hash: digest::id(keys, Space::Item, ("", facts.id)).hash,
        facts: facts.bytes(),
        held: held.map(|(branch, moves)| Arc::new(Held { branch: branch.into(), moves })),
        due: Field::get(from)?,
        version: Field::get(from)?,
        since: Field::get(from)?,
        last: Field::get(from)?,
        machine: Field::get(from)?,
        state: Field::get(from)?,
    }))
}

fn put_plan(plan: &Plan, into: &mut Vec<u8>) {
    plan.version.put(into);
    plan.family.put(into);
    plan.position.put(into);
    plan.bits.as_slice().put(into);
    let encoded = postcard::to_stdvec(&*plan.machine).expect("it was encoded when it was declared");
    encoded.as_slice().put(into);
}

fn get_plan(from: &mut Reader<'_>, number: u32) -> Result<Plan, String> {
    let (version, family) = (u32::get(from)?, u32::get(from)?);
    let (position, bits) = (u64::get(from)?, <&[u8]>::get(from)?.to_vec());
    let machine: Machine =
        postcard::from_bytes(<&[u8]>::get(from)?).map_err(|fault| format!("no machine: {fault}"))?;
    if bits.len() != machine.states.len()
        || bits.iter().any(|bit| usize::from(*bit) >= NAMES_MAX)
        // There are no more versions than machines; room for those before it is made when it is put.
        || !(1..=MACHINES_MAX).contains(&version)
    {
        return Err(format!(
            "machine {number} in version {version} has {} states and {} numbers",
            machine.states.len(),
            bits.len()
        ));
    }
    Ok(Plan::new(Arc::new(machine), [number, version, family], (position, bits)))
}
