//! Accounts as they are kept in memory: 128 bytes each, found by slot or by id, never moved once there.
//!
//! What few accounts have (floors and ceilings of their own, lots) lies beside, behind a mark in the account.

use std::collections::BTreeMap;

use crate::digest::{self, Id};
use crate::index::Index;
use crate::texts::{TextAt, Texts};
use crate::{Floor, Keys, Leg, NONE, Standing};

/// Large, so that the system can back it with large memory pages; touched only as far as it is used.
const CHUNK: usize = 1 << 16;

/// Where the bounds of an account are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounded {
    /// No floor, no ceiling.
    No,
    /// Floor zero, no ceiling.
    AtZero,
    /// Beside, in [`Accounts::bounds`].
    Beside,
}

/// Whether an account keeps lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// One sum.
    Plain,
    /// Lots: see `lots.rs`.
    Lots,
}

/// One account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) posted: i128,
    pub(crate) held: i128,
    pub(crate) incoming: i128,
    pub(crate) version: u64,
    /// The position of its latest event.
    pub(crate) last: u64,
    /// The positions of its latest versions that 64, 4,096 and 262,144 divide.
    pub(crate) marks: [u64; 3],
    /// The digest of its id: both halves, so that the text need not be looked at to know the account.
    pub(crate) digest: Id,
    /// Digest of what it was opened with.
    pub(crate) opened: u64,
    pub(crate) id: TextAt,
    pub(crate) asset: u32,
    pub(crate) standing: Standing,
    pub(crate) bounded: Bounded,
    pub(crate) keeping: Keeping,
}

const _: () = assert!(size_of::<Account>() <= 128, "an account fits two cache lines");

/// A floor and a ceiling of an account's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) floor: Floor<i128>,
    pub(crate) ceiling: Option<i128>,
}

/// All accounts.
#[derive(Debug)]
pub(crate) struct Accounts {
    chunks: Vec<Vec<Account>>,
    texts: Texts,
    index: Index,
    /// Of the accounts that are [`Bounded::Beside`].
    pub(crate) bounds: BTreeMap<u32, Bounds>,
}

/// A slot with no account in it yet: only while a data folder is loaded.
pub(crate) const VACANT: Account = Account {
    posted: 0,
    held: 0,
    incoming: 0,
    version: 0,
    last: NONE,
    marks: [NONE; 3],
    digest: Id { hash: 0, check: 0 },
    opened: 0,
    id: TextAt::NOWHERE,
    asset: 0,
    standing: Standing::Active,
    bounded: Bounded::No,
    keeping: Keeping::Plain,
};

impl Account {
    /// The account's leg of its next event, with these balances.
    pub(crate) fn leg(&self, slot: u32, (posted, held): (i128, i128)) -> Leg {
        let version = self.version + 1;
        let skip = match version {
            v if v.is_multiple_of(262_144) => self.marks[2],
            v if v.is_multiple_of(4_096) => self.marks[1],
            _ => self.marks[0],
        };
        Leg { account: slot, version, posted, held, prev: self.last, skip }
    }

    /// Takes over what an event at `position` says of it.
    pub(crate) fn follow(&mut self, leg: &Leg, position: u64) {
        self.posted = leg.posted;
        self.held = leg.held;
        self.version = leg.version;
        self.last = position;
        for (mark, power) in self.marks.iter_mut().zip([64, 4_096, 262_144]) {
            if !leg.version.is_multiple_of(power) {
                break;
            }
            *mark = position;
        }
    }

    pub(crate) fn is_vacant(&self) -> bool {
        self.id.is_nowhere()
    }
}

impl Accounts {
    pub(crate) fn new() -> Accounts {
        Accounts { chunks: Vec::new(), texts: Texts::default(), index: Index::new(), bounds: BTreeMap::new() }
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> u32 {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        let slots = full + self.chunks.last().map_or(0, Vec::len);
        u32::try_from(slots).expect("fewer than four billion accounts")
    }

    /// The account in a slot that is known to exist.
    #[inline]
    pub(crate) fn at(&self, slot: u32) -> &Account {
        &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut Account {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    /// The account in a slot that may be beyond the end or vacant.
    pub(crate) fn get(&self, slot: u32) -> Option<&Account> {
        let account = self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?;
        (!account.is_vacant()).then_some(account)
    }

    /// The slot of the account with this id.
    #[inline]
    pub(crate) fn find(&self, keys: Keys, id: &str) -> Option<u32> {
        self.find_digest(digest::account(keys, id))
    }

    #[inline]
    pub(crate) fn find_digest(&self, digest: Id) -> Option<u32> {
        self.index.find(digest.hash, |slot| self.at(slot).digest == digest)
    }

    /// Reads the cell by which an account is found, so that it is near.
    #[inline]
    pub(crate) fn touch_cell(&self, digest: Id) -> u64 {
        self.index.touch(digest.hash)
    }

    /// Reads both lines of an account that is perhaps the one meant, so that they are near.
    #[inline]
    pub(crate) fn touch_row(&self, digest: Id) -> u64 {
        let Some(slot) = self.index.find(digest.hash, |_| true) else { return 0 };
        let account = self.at(slot);
        account.digest.check ^ u64::from(account.asset) ^ u64::from(account.posted.is_negative())
    }

    pub(crate) fn id_of(&self, account: &Account) -> &str {
        self.texts.get(account.id)
    }

    /// Makes slots up to this one exist.
    pub(crate) fn reach(&mut self, slot: u32) {
        while self.len() <= slot {
            if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
                self.chunks.push(Vec::with_capacity(CHUNK));
            }
            let last = self.chunks.len() - 1;
            self.chunks[last].push(VACANT);
        }
    }

    /// Puts an account into a slot, vacant until now, and makes it findable.
    pub(crate) fn put(&mut self, slot: u32, (digest, id): (Id, &str), account: Account) {
        self.reach(slot);
        if !self.at(slot).is_vacant() {
            self.index.remove(self.at(slot).digest.hash, slot);
        }
        let at = self.texts.push(id);
        *self.at_mut(slot) = Account { digest, id: at, ..account };
        self.index.insert(digest.hash, slot);
    }

    /// Takes back the account that was put last.
    pub(crate) fn pop(&mut self) {
        let Some(chunk) = self.chunks.last_mut() else { return };
        let Some(account) = chunk.pop() else { return };
        if chunk.is_empty() {
            self.chunks.pop();
        }
        self.texts.pop(account.id);
        let slot = self.len();
        self.index.remove(account.digest.hash, slot);
        self.bounds.remove(&slot);
    }

    pub(crate) fn floor(&self, slot: u32) -> Floor<i128> {
        match self.at(slot).bounded {
            Bounded::No => Floor::None,
            Bounded::AtZero => Floor::At(0),
            Bounded::Beside => self.bounds.get(&slot).map_or(Floor::None, |bounds| bounds.floor),
        }
    }

    pub(crate) fn ceiling(&self, slot: u32) -> Option<i128> {
        match self.at(slot).bounded {
            Bounded::No | Bounded::AtZero => None,
            Bounded::Beside => self.bounds.get(&slot).and_then(|bounds| bounds.ceiling),
        }
    }

    /// Sets floor and ceiling; beside only where they are not the common ones.
    pub(crate) fn set_bounds(&mut self, slot: u32, bounds: Bounds) {
        let bounded = match bounds {
            Bounds { floor: Floor::None, ceiling: None } => Bounded::No,
            Bounds { floor: Floor::At(0), ceiling: None } => Bounded::AtZero,
            Bounds { .. } => Bounded::Beside,
        };
        self.at_mut(slot).bounded = bounded;
        if bounded == Bounded::Beside {
            self.bounds.insert(slot, bounds);
        } else {
            self.bounds.remove(&slot);
        }
    }

    pub(crate) fn bounds_of(&self, slot: u32) -> Bounds {
        Bounds { floor: self.floor(slot), ceiling: self.ceiling(slot) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skip_version;

    #[test]
    fn the_way_back_is_where_the_rule_says() {
        let mut account = VACANT;
        for version in 1..600_000_u64 {
            let leg = account.leg(7, (0, 0));
            assert_eq!(leg.version, version);
            assert_eq!(leg.prev, if version == 1 { NONE } else { (version - 1) * 10 });
            assert_eq!(leg.skip, skip_version(version).map_or(NONE, |target| target * 10), "{version}");
            account.follow(&leg, version * 10);
        }
    }
}
