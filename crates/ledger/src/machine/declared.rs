//! All declared machines, found by number and by name.
//!
//! Versions of one name are a family: they live side by side and share the numbers of their states' names, so a quota
//! counts over all of them. Machines are never forgotten; only a roll-back takes the latest away again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::machine::plan::{NAMES_MAX, Plan};
use crate::machine::{Guard, Machine};

/// The most versions of machines in all: their numbers must fit beside a state where the index of ids keeps both.
pub(crate) const MACHINES_MAX: u32 = 1 << 20;

/// What is declared.
#[derive(Debug, Default)]
pub(crate) struct Machines {
    /// By number; holes only while a data folder is loaded.
    plans: Vec<Option<Arc<Plan>>>,
    families: BTreeMap<Box<str>, Family>,
    names: BTreeMap<u32, Box<str>>,
}

/// The versions of one name.
#[derive(Debug, Default)]
struct Family {
    /// The number of each version, the first at 0.
    versions: Vec<u32>,
    /// All names that its states ever had.
    states: Vec<Box<str>>,
    /// Where the first version lies that bounds what one owner may have: from there owners are counted.
    counted_from: Option<u64>,
}

/// What a declaration would be.
#[derive(Debug)]
pub(crate) struct Declaring {
    pub(crate) number: u32,
    pub(crate) version: u32,
    pub(crate) encoded: Vec<u8>,
}

impl Machines {
    pub(crate) fn get(&self, number: u32) -> Option<&Arc<Plan>> {
        self.plans.get(number as usize)?.as_ref()
    }

    /// A version of a name, or its newest.
    pub(crate) fn named(&self, name: &str, version: Option<u32>) -> Option<&Arc<Plan>> {
        let versions = &self.families.get(name)?.versions;
        let number = match version {
            Some(version) => versions.get((version as usize).checked_sub(1)?)?,
            None => versions.last()?,
        };
        self.get(*number)
    }

    /// Where owners of this family are counted from.
    pub(crate) fn counted_from(&self, family: u32) -> Option<u64> {
        self.families.get(self.names.get(&family)?)?.counted_from
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.plans.len()).unwrap_or(u32::MAX)
    }

    /// The newest version of each name.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.families.values().filter_map(|family| self.get(*family.versions.last()?))
    }

    /// What declaring this machine, which was checked, would be; the words say why it cannot be.
    pub(crate) fn declaring(&self, machine: &Machine) -> Result<Declaring, String> {
        if self.len() >= MACHINES_MAX {
            return Err(format!("{MACHINES_MAX} versions of machines are declared: no more are allowed"));
        }
        let family = self.families.get(&machine.name);
        let states = family.map_or(&[][..], |family| &family.states);
        let new = machine.states.iter().filter(|state| !states.contains(&state.name)).count();
        if states.len() + new > NAMES_MAX {
            return Err(format!(
                "all versions of {} would have {} names of states, at most {NAMES_MAX} are allowed: declare it under another name",
                machine.name,
                states.len() + new,
            ));
        }
        let version = family.map_or(0, |family| family.versions.len()) + 1;
        let encoded = postcard::to_stdvec(machine).map_err(|_| "it cannot be kept".to_owned())?;
        Ok(Declaring { number: self.len(), version: u32::try_from(version).unwrap_or(u32::MAX), encoded })
    }

    /// The plan of a machine as it is declared now, at `position`.
    pub(crate) fn plan(&self, machine: Machine, number: u32, position: u64) -> Plan {
        let known = self.families.get(&machine.name);
        let mut states: Vec<&str> =
            known.map_or(Vec::new(), |family| family.states.iter().map(|name| &**name).collect());
        let mut bits = Vec::new();
        for state in &machine.states {
            let bit = states.iter().position(|name| *name == &*state.name).unwrap_or_else(|| {
                states.push(&state.name);
                states.len() - 1
            });
            bits.push(u8::try_from(bit).unwrap_or(u8::MAX));
        }
        let version = known.map_or(0, |family| family.versions.len()) + 1;
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        let family = known.and_then(|family| family.versions.first()).copied().unwrap_or(number);
        Plan::new(Arc::new(machine), [number, version, family], (position, bits))
    }

    /// Puts a plan in its place.
    pub(crate) fn put(&mut self, plan: Plan) -> Arc<Plan> {
        let plan = Arc::new(plan);
        let place = plan.number as usize;
        if self.plans.len() <= place {
            self.plans.resize(place + 1, None);
        }
        self.plans[place] = Some(Arc::clone(&plan));
        self.names.insert(plan.family, plan.machine.name.clone());
        let family = self.families.entry(plan.machine.name.clone()).or_default();
        family.join(&plan);
        plan
    }

    /// Takes back the machine that was put last.
    pub(crate) fn pop(&mut self) -> Option<Arc<Plan>> {
        let gone = self.plans.pop()??;
        self.families.remove(&gone.machine.name);
        if gone.version == 1 {
            self.names.remove(&gone.family);
        }
        for plan in self.plans.iter().flatten().filter(|plan| plan.machine.name == gone.machine.name) {
            self.families.entry(plan.machine.name.clone()).or_default().join(plan);
        }
        Some(gone)
    }
}

impl Family {
    fn join(&mut self, plan: &Plan) {
        let place = (plan.version as usize).saturating_sub(1);
        if self.versions.len() <= place {
            self.versions.resize(place + 1, u32::MAX);
        }
        self.versions[place] = plan.number;
        for (bit, state) in plan.bits.iter().map(|bit| usize::from(*bit)).zip(&plan.machine.states) {
            if self.states.len() <= bit {
                self.states.resize(bit + 1, Box::default());
            }
            self.states[bit] = state.name.clone();
        }
        if bounds_owners(&plan.machine) {
            let from = self.counted_from.map_or(plan.position, |from| from.min(plan.position));
            self.counted_from = Some(from);
        }
    }
}

/// Whether a quota of it bounds what one owner may have.
fn bounds_owners(machine: &Machine) -> bool {
    let mut guards = machine.moves.iter().flat_map(|found| &found.guards);
    guards.any(|guard| matches!(guard, Guard::Quota(quota) if quota.per_owner.is_some()))
}
