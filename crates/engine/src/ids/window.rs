//! The newest rows, in memory: a list in the order of arrival, and a table of fixed size that finds them by hash.
//!
//! A slot is four bytes: a row's number and as many bits of its hash as there is room for, so that the whole table is
//! small and looking for what is not there touches one cache line of it. Linear probing, never more than 60 % full.
//! Taking back the newest rows empties the slots in the opposite order, which gives exactly the table of before.
//!
//! It must never grow, move or clear a table: all memory is asked for at once, zeroed, and mapped as it is touched.
//! Read next: `mod.rs` for who seals it, `runs.rs` for who writes it down.

use super::{Found, Row};

/// How large a window is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Rows after which it counts as full.
    pub(crate) rows: usize,
    /// Rows that may still come until somebody looks: those of the largest batches.
    pub(crate) surplus: usize,
}

impl Size {
    /// A window of so many rows, and room for the largest batches: 65,536 more where it has a million.
    pub(crate) fn of(rows: usize) -> Size {
        Size { rows, surplus: (rows / 16).max(SURPLUS_LEAST) }
    }
}

const SURPLUS_LEAST: usize = 2_048;

/// One generation of rows.
pub(crate) struct Window {
    /// `hash bits << number_bits | row number + 1`; 0 is free.
    slots: Vec<u32>,
    rows: Vec<Row>,
    number_bits: u32,
    limit: usize,
    from: u64,
}

impl Window {
    /// An empty window for rows whose positions are `from` or higher.
    pub(crate) fn new(size: Size, from: u64) -> Window {
        let limit = size.rows + size.surplus;
        assert!(limit < 1 << 30, "a row's number and some bits of its hash fit in a slot");
        Window {
            slots: vec![0; limit / 3 * 5 + 8],
            rows: Vec::with_capacity(limit),
            number_bits: usize::BITS - limit.leading_zeros(),
            limit,
            from,
        }
    }

    /// Rows in it.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// One above the highest position; where it began, when it is empty.
    pub(crate) fn upto(&self) -> u64 {
        self.rows.last().map_or(self.from, |row| row.position + 1)
    }

    /// The newest row of this hash.
    pub(crate) fn find(&self, hash: u64) -> Option<Found> {
        let (mask, tag) = (self.mask(), self.tag(hash));
        let mut newest = None;
        let mut at = self.home(hash);
        while self.slots[at] != 0 {
            let slot = self.slots[at];
            if slot & !mask == tag {
                let row = &self.rows[(slot & mask) as usize - 1];
                if row.hash == hash {
                    // A later one lies further on: it found this slot taken.
                    newest = Some(Found { check: row.check, position: row.position });
                }
            }
            at = self.after(at);
        }
        newest
    }

    /// Takes in a row that is no older than all others.
    pub(crate) fn insert(&mut self, row: Row) {
        assert!(self.rows.len() < self.limit, "a full window was not sealed between batches");
        let before = self.rows.last().map_or(self.from, |last| last.position);
        assert!(row.position >= before, "rows come in the order of their events");
        let mut at = self.home(row.hash);
        while self.slots[at] != 0 {
            at = self.after(at);
        }
        self.rows.push(row);
        let number = u32::try_from(self.rows.len()).expect("below the limit");
        self.slots[at] = self.tag(row.hash) | number;
    }

    /// Takes back all rows but the oldest `keep`.
    pub(crate) fn shorten(&mut self, keep: usize) {
        let mask = self.mask();
        while self.rows.len() > keep {
            let number = self.rows.len();
            let row = self.rows[number - 1];
            let mut at = self.home(row.hash);
            while (self.slots[at] & mask) as usize != number {
                assert!(self.slots[at] != 0, "every row has its slot");
                at = self.after(at);
            }
            self.slots[at] = 0;
            self.rows.pop();
        }
    }

    fn mask(&self) -> u32 {
        (1 << self.number_bits) - 1
    }

    /// The low bits of the hash, since the high ones chose the slot.
    fn tag(&self, hash: u64) -> u32 {
        (hash as u32) << self.number_bits
    }

    fn home(&self, hash: u64) -> usize {
        super::filter::place(hash, self.slots.len())
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }
}

/// A full window that no longer changes.
pub(crate) struct Sealed(Window);

impl Sealed {
    pub(crate) fn new(window: Window) -> Sealed {
        Sealed(window)
    }

    /// The lowest position that it may hold.
    pub(crate) fn from(&self) -> u64 {
        self.0.from
    }

    /// One above the highest position.
    pub(crate) fn upto(&self) -> u64 {
        self.0.upto()
    }

    /// The newest row of this hash.
    pub(crate) fn find(&self, hash: u64) -> Option<Found> {
        self.0.find(hash)
    }

    /// A copy of its rows by hash, those of one hash in the order of arrival.
    pub(crate) fn sorted(&self) -> Vec<Row> {
        let window = &self.0;
        let mask = window.mask();
        let mut rows: Vec<Row> = Vec::with_capacity(window.len());
        let mut came_around = Vec::new();
        // Slots are in the order of hashes but for neighbours, so each row has a few steps to go at most.
        for (at, slot) in window.slots.iter().enumerate().filter(|(_, slot)| **slot != 0) {
            let row = window.rows[(slot & mask) as usize - 1];
            if window.home(row.hash) > at {
                came_around.push(row);
            } else {
                put_in_order(&mut rows, row);
            }
        }
        came_around.into_iter().for_each(|row| put_in_order(&mut rows, row));
        rows
    }
}

/// Appends a row and moves it before all of higher hashes.
fn put_in_order(rows: &mut Vec<Row>, row: Row) {
    let mut at = rows.len();
    rows.push(row);
    while at > 0 && rows[at - 1].hash > row.hash {
        rows[at] = rows[at - 1];
        at -= 1;
    }
    rows[at] = row;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size { rows: 6, surplus: 4 };

    fn row(hash: u64, position: u64) -> Row {
        Row { hash, check: hash ^ position, position }
    }

    #[test]
    fn the_newest_row_of_a_hash_is_found_also_around_the_end() {
        let mut window = Window::new(SMALL, 0);
        for position in 0..5 {
            window.insert(row(u64::MAX, position));
        }
        window.insert(row(u64::MAX - 1, 9));
        assert_eq!(window.find(u64::MAX), Some(Found { check: u64::MAX ^ 4, position: 4 }));
        assert_eq!(window.find(u64::MAX - 1).map(|found| found.position), Some(9));
        assert_eq!(
            window.find(0),
            None,
            "its slot is taken by a row that came around, and it is not that row"
        );
        assert_eq!(window.upto(), 10);
    }

    #[test]
    fn taking_back_gives_exactly_the_table_of_before() {
        let mut window = Window::new(SMALL, 0);
        for position in 0..4 {
            window.insert(row(position % 2, position));
        }
        let before = window.slots.clone();
        for position in 4..10 {
            window.insert(row(position % 3, position));
        }
        window.shorten(4);
        assert_eq!(window.slots, before);
        assert_eq!(window.find(1).map(|found| found.position), Some(3));
        assert_eq!(window.find(2), None);
    }

    #[test]
    fn a_sealed_window_gives_its_rows_by_hash_and_then_by_age() {
        let mut dice = fastrand::Rng::with_seed(3);
        for round in 0..200 {
            let mut window = Window::new(Size { rows: 40, surplus: 40 }, 0);
            let rows: Vec<Row> = (0..80)
                .map(|position| {
                    let near_the_end = u64::MAX - dice.u64(..3);
                    row(if dice.u64(..100) < round { near_the_end } else { dice.u64(..) }, position / 2)
                })
                .collect();
            rows.iter().for_each(|row| window.insert(*row));
            let mut expected = rows.clone();
            expected.sort_by_key(|row| row.hash);
            assert_eq!(Sealed::new(window).sorted(), expected);
        }
    }

    #[test]
    #[should_panic(expected = "not sealed")]
    fn more_than_the_surplus_is_a_bug_of_the_caller() {
        let mut window = Window::new(SMALL, 0);
        (0..11).for_each(|position| window.insert(row(position, position)));
    }
}
