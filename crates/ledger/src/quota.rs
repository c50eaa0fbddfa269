//! Counts items for quotas: how many of a family are, or may yet come to be, in which states; in all and per owner.
//!
//! An item that a branch holds counts in every state that its confirm and its cancel can lead to, so a quota that was
//! asked at the try stays kept however the transaction ends. Items that ended count on for ever. Owners are counted only
//! from the first version that bounds them; what ended before is not counted for its owner. Never decides: `guard` does.

use std::collections::BTreeMap;

use crate::Keys;
use crate::digest;
use crate::field::{Field, Reader};

/// Owners are spread over so many pages.
pub(crate) const OWNER_PAGES: u32 = 4096;

/// Counts of all families.
#[derive(Debug)]
pub(crate) struct Quotas {
    keys: Keys,
    families: BTreeMap<u32, Counts>,
    owners: Vec<BTreeMap<Box<str>, BTreeMap<u32, Counts>>>,
}

/// How many items can be in which states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Of items in memory, by the set of states that each may be in after what was promised.
    live: BTreeMap<u128, u64>,
    /// Of items that ended, by state.
    ended: BTreeMap<u8, u64>,
}

/// Whose items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    /// The number of the family.
    pub(crate) family: u32,
    /// The owner, where owners are counted.
    pub(crate) owner: Option<&'a str>,
}

/// Which way a count goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// One more.
    Up,
    /// One less.
    Down,
}

impl Quotas {
    pub(crate) fn new(keys: Keys) -> Quotas {
        let owners = (0..OWNER_PAGES).map(|_| BTreeMap::new()).collect();
        Quotas { keys, families: BTreeMap::new(), owners }
    }

    /// Counts an item in memory by the set of states it may be in.
    pub(crate) fn live(&mut self, whose: Whose<'_>, set: u128, step: Step) {
        self.of_family(whose.family, |counts| step.take(counts.live.entry(set)));
        self.live_of_owner(whose, set, step);
    }

    /// The same, only for its owner.
    pub(crate) fn live_of_owner(&mut self, whose: Whose<'_>, set: u128, step: Step) {
        self.of_owner(whose, |counts| step.take(counts.live.entry(set)));
    }

    /// Counts an item that ended in a state.
    pub(crate) fn ended(&mut self, family: u32, state: u8, step: Step) {
        self.of_family(family, |counts| step.take(counts.ended.entry(state)));
    }

    /// The same, for its owner.
    pub(crate) fn ended_of_owner(&mut self, whose: Whose<'_>, state: u8, step: Step) {
        self.of_owner(whose, |counts| step.take(counts.ended.entry(state)));
    }

    fn of_family(&mut self, family: u32, change: impl FnOnce(&mut Counts)) {
        let counts = self.families.entry(family).or_default();
        change(counts);
        if *counts == Counts::default() {
            self.families.remove(&family);
        }
    }

    fn of_owner(&mut self, whose: Whose<'_>, change: impl FnOnce(&mut Counts)) {
        let Some(owner) = whose.owner else { return };
        let bucket = &mut self.owners[place(self.keys, owner)];
        if !bucket.contains_key(owner) {
            bucket.insert(owner.into(), BTreeMap::new());
        }
        let Some(families) = bucket.get_mut(owner) else { return };
        let counts = families.entry(whose.family).or_default();
        change(counts);
        if *counts == Counts::default() {
            families.remove(&whose.family);
        }
        if families.is_empty() {
            bucket.remove(owner);
        }
    }

    /// Forgets what was counted per owner of a family.
    pub(crate) fn forget_owners(&mut self, family: u32) {
        for bucket in &mut self.owners {
            bucket.retain(|_, families| {
                families.remove(&family);
                !families.is_empty()
            });
        }
    }

    /// How many items of a family may be in one of these states.
    pub(crate) fn total(&self, family: u32, set: u128) -> u64 {
        self.families.get(&family).map_or(0, |counts| counts.within(set))
    }

    /// How many of them belong to this owner.
    pub(crate) fn per_owner(&self, family: u32, owner: &str, set: u128) -> u64 {
        let families = self.owners[place(self.keys, owner)].get(owner);
        families.and_then(|families| families.get(&family)).map_or(0, |counts| counts.within(set))
    }

    /// The page of an owner's counts; page 0 is that of the families.
    pub(crate) fn page_of(&self, owner: &str) -> u32 {
        u32::try_from(place(self.keys, owner)).unwrap_or(0) + 1
    }

    /// Writes what ended; what lives is counted again when all is loaded.
    pub(crate) fn write_page(&self, page: u32, into: &mut Vec<u8>) {
        match (page as usize).checked_sub(1) {
            None => rows(&self.families).put(into),
            Some(place) => {
                let owners = self.owners[place].iter();
                let owners = owners.map(|(owner, families)| (&**owner, rows(families)));
                owners.filter(|(_, rows)| !rows.is_empty()).collect::<Vec<_>>().put(into);
            }
        }
    }

    pub(crate) fn load_page(&mut self, page: u32, from: &mut Reader<'_>) -> Result<(), String> {
        let Some(place) = (page as usize).checked_sub(1) else {
            self.families = counts(Vec::get(from)?);
            return Ok(());
        };
        let owners = Vec::<(&str, Vec<Row>)>::get(from)?;
        let bucket =
            self.owners.get_mut(place).ok_or_else(|| format!("there is no page {page} of owners"))?;
        *bucket = owners.into_iter().map(|(owner, rows)| (owner.into(), counts(rows))).collect();
        Ok(())
    }

    /// Where two counts differ, in words.
    pub(crate) fn differences(&self, other: &Quotas, into: &mut Vec<String>) {
        if self.families != other.families {
            into.push(format!("quota counts: {:?} and {:?}", self.families, other.families));
        }
        let owners = self.owners.iter().zip(&other.owners).filter(|(one, other)| one != other);
        into.extend(owners.map(|(one, other)| format!("quota counts of owners: {one:?} and {other:?}")));
    }
}

/// What a page says of one family: how many ended in which state.
type Row = (u32, Vec<(u8, u64)>);

fn rows(families: &BTreeMap<u32, Counts>) -> Vec<Row> {
    let rows = families
        .iter()
        .map(|(family, counts)| (*family, counts.ended.clone().into_iter().collect::<Vec<_>>()));
    rows.filter(|(_, ended)| !ended.is_empty()).collect()
}

fn counts(rows: Vec<Row>) -> BTreeMap<u32, Counts> {
    let row =
        |(family, ended): Row| (family, Counts { live: BTreeMap::new(), ended: ended.into_iter().collect() });
    rows.into_iter().map(row).collect()
}

fn place(keys: Keys, owner: &str) -> usize {
    let hash = digest::account(keys, owner).hash % u64::from(OWNER_PAGES);
    usize::try_from(hash).unwrap_or(0)
}

impl Counts {
    fn within(&self, set: u128) -> u64 {
        let live = self.live.iter().filter(|(states, _)| **states & set != 0).map(|(_, count)| count);
        let ended =
            self.ended.iter().filter(|(state, _)| set & (1 << (**state % 128)) != 0).map(|(_, count)| count);
        live.chain(ended).sum()
    }
}

impl Step {
    fn take<K: Ord>(self, entry: std::collections::btree_map::Entry<'_, K, u64>) {
        use std::collections::btree_map::Entry;
        match (self, entry) {
            (Step::Up, entry) => *entry.or_insert(0) += 1,
            (Step::Down, Entry::Occupied(mut entry)) => {
                *entry.get_mut() -= 1;
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
            (Step::Down, Entry::Vacant(_)) => unreachable!("what is taken back was counted"),
        }
    }
}
