//! Any bytes as pages of live state, as a start takes them over: taken or refused with words; what was taken is written
//! as pages that load again and are the same.
//!
//! Each page is judged by itself. Whether pages fit each other (an account's asset, a hold's accounts) is not: they come
//! from one sweep, and the store vouches for each by a checksum.
//! A page's number comes from the key it is stored under, not from its bytes, so it is small here: room for the slots
//! before it is made when it is loaded.

use std::collections::BTreeSet;

use crate::pages::TABLES;
use crate::{Keys, Ledger, PageId};

const KEYS: Keys = Keys(7, 11);
/// Where the history stood when the pages were made.
const POSITION: u64 = 1 << 40;

/// Reads `bytes` as pages, each with its table, number and length before it; panics where a promise is broken.
pub fn pages(bytes: &[u8]) {
    let mut ledger = Ledger::new(KEYS);
    let mut taken = BTreeSet::new();
    let mut rest = bytes;
    while let Some((&[table, index, low, high], after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([low, high])).min(after.len());
        let (page, after) = after.split_at(length);
        rest = after;
        let id = PageId { table, index: u32::from(index) };
        // A store holds each page once.
        if taken.contains(&id) {
            continue;
        }
        if let Err(why) = ledger.load_page(id, POSITION, page) {
            assert!(!why.is_empty() && why.len() < 200, "{why}");
            return;
        }
        taken.insert(id);
    }
    again(&ledger, &taken);
}

/// The pages of a ledger load again, and as the same pages.
fn again(ledger: &Ledger, taken: &BTreeSet<PageId>) {
    let written = |ledger: &Ledger, id: &PageId| {
        let table = TABLES.into_iter().find(|table| *table as u8 == id.table).expect("it was loaded");
        let mut page = Vec::new();
        ledger.write_page((table, id.index), &mut page);
        page
    };
    let mut other = Ledger::new(KEYS);
    for id in taken {
        let page = written(ledger, id);
        other
            .load_page(*id, POSITION, &page)
            .unwrap_or_else(|why| panic!("{id:?} does not load again: {why}"));
    }
    for id in taken {
        assert_eq!(written(ledger, id), written(&other, id), "{id:?} is written otherwise");
    }
}
