//! How a rule places a key. The first rule whose conditions all hold is the one: nothing behind it is looked at.
//!
//! Conditions are service, tenant, access, and being in one of its lists. Once they hold, what lacks a shard's key or is
//! beyond the ranges is refused: a forgotten shard's key must not fall through to a rule that takes everything.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::key::{Access, Key, Shard};
use super::slot::slot;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) service: Option<String>,
    pub(super) tenants: Option<BTreeSet<String>>,
    pub(super) access: Option<Access>,
    pub(super) shards: Shards,
}

/// Where a rule leads to; places among the plan's sources.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) primary: usize,
    pub(super) replicas: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shards {
    Whole(Target),
    /// A target for each slot.
    Hash {
        targets: Vec<Target>,
        slots: Vec<u16>,
    },
    Numbers(Ranges<i64>),
    Texts(Ranges<String>),
    Lists(BTreeMap<String, Target>),
}

/// Ranges beside each other: each begins where the one before ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranges<T> {
    /// Where the first begins; `None`: it has no beginning.
    pub(super) first: Option<T>,
    /// Each with where it ends, which does not belong to it; only the last may have no end.
    pub(super) parts: Vec<(Option<T>, Target)>,
}

/// What a rule says of a key.
pub(super) enum Placing<'r> {
    At(&'r Target),
    /// It is not this rule's.
    Passes(Cow<'static, str>),
    /// It is this rule's, and nowhere.
    Refuses(Cow<'static, str>),
}

impl Rule {
    pub(super) fn place(&self, key: &Key, access: Access) -> Placing<'_> {
        if self.service.as_ref().is_some_and(|service| *service != key.service) {
            return Placing::Passes("another service".into());
        }
        if let Some(tenants) = &self.tenants
            && !key.tenant.as_ref().is_some_and(|tenant| tenants.contains(tenant))
        {
            return Placing::Passes("another tenant".into());
        }
        if self.access.is_some_and(|own| own != access) {
            return Placing::Passes("another access".into());
        }
        let shard = match (&self.shards, &key.shard) {
            (Shards::Whole(target), _) => return Placing::At(target),
            (_, None) => return Placing::Refuses("it wants a shard's key".into()),
            (_, Some(shard)) => shard,
        };
        self.shards.place(shard)
    }

    /// Everything it can lead to.
    pub(super) fn targets(&self) -> Vec<&Target> {
        match &self.shards {
            Shards::Whole(target) => vec![target],
            Shards::Hash { targets, .. } => targets.iter().collect(),
            Shards::Numbers(ranges) => ranges.parts.iter().map(|(_, target)| target).collect(),
            Shards::Texts(ranges) => ranges.parts.iter().map(|(_, target)| target).collect(),
            Shards::Lists(lists) => lists.values().collect(),
        }
    }

    /// Whether whatever `later` could take is taken here before.
    pub(super) fn hides(&self, later: &Rule) -> bool {
        let service = self.service.is_none() || self.service == later.service;
        let access = self.access.is_none() || self.access == later.access;
        let tenants = match (&self.tenants, &later.tenants) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(later)) => later.is_subset(own),
        };
        let takes_all = match (&self.shards, &later.shards) {
            (Shards::Lists(own), Shards::Lists(later)) => later.keys().all(|key| own.contains_key(key)),
            (Shards::Lists(_), _) => false,
            _ => true,
        };
        service && access && tenants && takes_all
    }
}

impl Shards {
    fn place(&self, shard: &Shard) -> Placing<'_> {
        let found = match (self, shard) {
            (Shards::Whole(target), _) => Some(target),
            (Shards::Hash { targets, slots }, shard) => {
                let of = u32::try_from(slots.len()).unwrap_or(u32::MAX);
                let target = slots.get(slot(&shard.text(), of) as usize);
                target.and_then(|target| targets.get(usize::from(*target)))
            }
            (Shards::Lists(lists), shard) => match lists.get(&*shard.text()) {
                Some(target) => Some(target),
                None => return Placing::Passes("in none of its lists".into()),
            },
            (Shards::Numbers(ranges), Shard::Number(number)) => ranges.place(number),
            (Shards::Texts(ranges), Shard::Text(text)) => ranges.place(text),
            (Shards::Numbers(_), Shard::Text(_)) => {
                return Placing::Refuses("its ranges are of numbers, and the shard's key is a text".into());
            }
            (Shards::Texts(_), Shard::Number(_)) => {
                return Placing::Refuses("its ranges are of texts, and the shard's key is a number".into());
            }
        };
        found.map_or(Placing::Refuses("beyond its ranges".into()), Placing::At)
    }
}

impl<T: Ord> Ranges<T> {
    fn place(&self, key: &T) -> Option<&Target> {
        if self.first.as_ref().is_some_and(|first| key < first) {
            return None;
        }
        let behind = |(end, _): &(Option<T>, Target)| end.as_ref().is_some_and(|end| end <= key);
        let at = self.parts.partition_point(behind);
        self.parts.get(at).map(|(_, target)| target)
    }
}
