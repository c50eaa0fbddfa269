//! Which pages of live state have changed since they were last handed out, and, at start-up, how fresh each page is.
//!
//! Pages are handed out a few at a time between batches: no stop-the-world. A page may be newer than its neighbours; an
//! event is folded into a page only if it is not in it yet. What a page looks like is in `page.rs`.

use crate::{Ledger, PageId};

/// Subjects in a page.
pub(crate) const PER_PAGE: u32 = 64;

/// A page of refunds covers so many bytes of history.
pub(crate) const REFUNDS_SHIFT: u32 = 18;

/// The tables of pages; the number is the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Table {
    Assets = 1,
    Accounts = 2,
    Holds = 3,
    Items = 4,
    Machines = 5,
    Counters = 6,
    Refunded = 7,
}

/// In the order of their numbers.
pub(crate) const TABLES: [Table; 7] = [
    Table::Assets,
    Table::Accounts,
    Table::Holds,
    Table::Items,
    Table::Machines,
    Table::Counters,
    Table::Refunded,
];

/// A bit per page.
#[derive(Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, index: u32) {
        let word = index as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index % 64);
    }

    /// The lowest bit from `from` on, taken out.
    fn take_from(&mut self, from: u32) -> Option<u32> {
        let first = from as usize / 64;
        let (word, bits) = (first..).zip(self.0.get_mut(first..)?).find(|(_, bits)| **bits != 0)?;
        let bit = bits.trailing_zeros();
        *bits &= *bits - 1;
        u32::try_from(word).ok()?.checked_mul(64)?.checked_add(bit)
    }
}

/// The state of sweeps, and of loading.
#[derive(Debug)]
pub(crate) struct Pages {
    /// Changed since the sweep began.
    dirty: [Bits; TABLES.len()],
    /// Still to be handed out by this sweep.
    sweep: [Bits; TABLES.len()],
    /// Where the sweep stands: nothing below is left.
    at: (usize, u32),
    /// While loading: the position up to which each page has seen all events.
    fresh: Option<[Vec<u64>; TABLES.len()]>,
}

impl Pages {
    /// Pages of a ledger that is being loaded.
    pub(crate) fn loading() -> Pages {
        Pages {
            dirty: Default::default(),
            sweep: Default::default(),
            at: (0, 0),
            fresh: Some(Default::default()),
        }
    }

    /// A page has changed.
    #[inline]
    pub(crate) fn touch_page(&mut self, table: Table, page: u32) {
        self.dirty[place(table)].set(page);
    }

    /// What lies in this slot has changed.
    #[inline]
    pub(crate) fn touch(&mut self, table: Table, slot: u32) {
        self.touch_page(table, slot / PER_PAGE);
    }

    pub(crate) fn touch_refunded(&mut self, position: u64) {
        self.touch_page(Table::Refunded, refunds_page(position));
    }

    /// Whether an event at `position` is not in this page yet.
    #[inline]
    pub(crate) fn takes_page(&self, (table, page): (Table, u32), position: u64) -> bool {
        match &self.fresh {
            None => true,
            Some(fresh) => fresh[place(table)].get(page as usize).is_none_or(|upto| position >= *upto),
        }
    }

    /// A page was loaded that has seen all events below `position`.
    pub(crate) fn loaded_page(&mut self, (table, page): (Table, u32), position: u64) {
        let Some(fresh) = &mut self.fresh else { return };
        let rows = &mut fresh[place(table)];
        if rows.len() <= page as usize {
            rows.resize(page as usize + 1, 0);
        }
        rows[page as usize] = position;
    }

    /// Loading is over. Answers whether it was still going on.
    pub(crate) fn loaded(&mut self) {
        self.fresh = None;
    }

    /// Begins a sweep over what has changed since the last one began.
    pub(crate) fn begin(&mut self) {
        for (sweep, dirty) in self.sweep.iter_mut().zip(&mut self.dirty) {
            let changed = std::mem::take(dirty);
            // A sweep that was not finished leaves its rest to this one.
            sweep.0.resize(sweep.0.len().max(changed.0.len()), 0);
            for (into, bits) in sweep.0.iter_mut().zip(changed.0) {
                *into |= bits;
            }
        }
        self.at = (0, 0);
    }

    /// The next page of the sweep.
    pub(crate) fn next(&mut self) -> Option<(Table, u32)> {
        while let Some(sweep) = self.sweep.get_mut(self.at.0) {
            if let Some(page) = sweep.take_from(self.at.1) {
                self.at.1 = page;
                return Some((TABLES[self.at.0], page));
            }
            self.at = (self.at.0 + 1, 0);
        }
        None
    }
}

/// The page that tells how much of the event at `position` was given back.
pub(crate) fn refunds_page(position: u64) -> u32 {
    u32::try_from(position >> REFUNDS_SHIFT).unwrap_or(u32::MAX)
}

fn place(table: Table) -> usize {
    table as usize - 1
}

impl Ledger {
    /// Whether an event at `position` must still be folded into what lies in this slot.
    #[inline]
    pub(crate) fn takes(&self, table: Table, slot: u32, position: u64) -> bool {
        self.pages.takes_page((table, slot / PER_PAGE), position)
    }

    pub(crate) fn takes_refunded(&self, original: u64, position: u64) -> bool {
        self.pages.takes_page((Table::Refunded, refunds_page(original)), position)
    }

    /// Begins a sweep: the pages changed since the last one are handed out by [`Ledger::next_page`].
    pub fn begin_sweep(&mut self) {
        self.pages.begin();
    }

    /// Writes the next page of the sweep into `into`; `None`: the sweep is complete.
    pub fn next_page(&mut self, into: &mut Vec<u8>) -> Option<PageId> {
        let (table, index) = self.pages.next()?;
        into.clear();
        self.write_page((table, index), into);
        Some(PageId { table: table as u8, index })
    }

    /// All pages are loaded and all events since are applied: begins normal life.
    pub fn loaded(&mut self) {
        self.pages.loaded();
        self.loaded_items();
    }
}
