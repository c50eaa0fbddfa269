//! What a page of live state looks like in bytes, and how it is taken over at start-up.
//!
//! A page is a version byte, then its subjects in order of their slots, each with a mark whether it is there. Deterministic:
//! the same state gives the same bytes. Bytes are read without trust: damage leads to words, never to a panic.

use transaction::Time;

use crate::accounts::{Account, Bounds, Keeping, VACANT};
use crate::digest;
use crate::field::{Field, Reader};
use crate::holds::Hold;
use crate::lots::{AccountLots, Lot};
use crate::pages::{PER_PAGE, REFUNDS_SHIFT, TABLES, Table};
use crate::{Floor, Ledger, PageId, Space, Standing};

/// The version of this layout.
const VERSION: u8 = 1;

/// The most slots that a page may speak of: far more than memory holds.
const SLOTS_MAX: u32 = 1 << 31;

impl Ledger {
    pub(crate) fn write_page(&self, (table, index): (Table, u32), into: &mut Vec<u8>) {
        into.push(VERSION);
        let slots = index * PER_PAGE..(index + 1) * PER_PAGE;
        match table {
            Table::Assets => {
                for asset in slots.map(|slot| self.assets.get(slot)) {
                    asset.map(|asset| (&*asset.code, asset.scale)).put(into);
                }
            }
            Table::Accounts => {
                for slot in slots {
                    let account = self.accounts.get(slot);
                    account.is_some().put(into);
                    if let Some(account) = account {
                        self.write_account((slot, account), into);
                    }
                }
            }
            Table::Holds => {
                for hold in slots.map(|slot| self.holds.get(slot)) {
                    hold.is_some().put(into);
                    if let Some(hold) = hold {
                        write_hold(hold, into);
                    }
                }
            }
            Table::Refunded => {
                let first = u64::from(index) << REFUNDS_SHIFT;
                let of_page = self.refunded.range(first..first + (1 << REFUNDS_SHIFT));
                of_page.map(|(position, units)| (*position, *units)).collect::<Vec<_>>().put(into);
            }
            Table::Items | Table::Machines | Table::Counters => self.write_item_page((table, index), into),
        }
    }

    fn write_account(&self, (slot, account): (u32, &Account), into: &mut Vec<u8>) {
        self.accounts.id_of(account).put(into);
        account.asset.put(into);
        account.standing.put(into);
        self.accounts.floor(slot).put(into);
        self.accounts.ceiling(slot).put(into);
        for units in [account.posted, account.held, account.incoming] {
            units.put(into);
        }
        for position in [account.version, account.last, account.opened] {
            position.put(into);
        }
        for mark in account.marks {
            mark.put(into);
        }
        let lots = self.lots.get(&slot);
        lots.is_some().put(into);
        if let Some(lots) = lots {
            lots.sink.put(into);
            let rows = lots.lots.iter().map(|(expires_at, lot)| (*expires_at, (lot.free, lot.held)));
            rows.collect::<Vec<_>>().put(into);
        }
    }

    /// Takes over a page at start-up, as it stood when all events below `position` were folded.
    ///
    /// # Errors
    /// When the bytes are no page of this version.
    pub fn load_page(&mut self, page: PageId, position: u64, bytes: &[u8]) -> Result<(), String> {
        let found = TABLES.into_iter().find(|table| *table as u8 == page.table);
        let table = found.ok_or_else(|| format!("table {} of pages is unknown", page.table))?;
        let mut from = Reader { bytes };
        let version = from.byte()?;
        if version != VERSION {
            return Err(format!("version {version} of a page of table {} is unknown", page.table));
        }
        if table != Table::Refunded && page.index > SLOTS_MAX / PER_PAGE {
            return Err(format!("page {} is too far", page.index));
        }
        match table {
            Table::Refunded => {
                for (original, units) in <Vec<(u64, i128)>>::get(&mut from)? {
                    self.refunded.insert(original, units);
                }
            }
            Table::Items | Table::Machines | Table::Counters => {
                self.load_item_page((table, page.index), &mut from)?;
            }
            Table::Assets | Table::Accounts | Table::Holds => {
                for slot in page.index * PER_PAGE..(page.index + 1) * PER_PAGE {
                    self.load_slot((table, slot), &mut from)?;
                }
            }
        }
        from.end()?;
        self.pages.loaded_page((table, page.index), position);
        Ok(())
    }

    fn load_slot(&mut self, (table, slot): (Table, u32), from: &mut Reader<'_>) -> Result<(), String> {
        if !bool::get(from)? {
            return Ok(());
        }
        match table {
            Table::Assets => {
                let (code, scale) = Field::get(from)?;
                self.assets.put(slot, (code, scale));
            }
            Table::Accounts => self.load_account(slot, from)?,
            _ => {
                let hold = self.read_hold(from)?;
                self.put_hold(slot, Some(Box::new(hold)));
            }
        }
        Ok(())
    }

    fn load_account(&mut self, slot: u32, from: &mut Reader<'_>) -> Result<(), String> {
        let id: &str = Field::get(from)?;
        if !transaction::is_id(id) {
            return Err("an account without a proper id".to_owned());
        }
        let asset = u32::get(from)?;
        let standing = Standing::get(from)?;
        let bounds = Bounds { floor: <Floor<i128>>::get(from)?, ceiling: Field::get(from)? };
        let [posted, held, incoming] = [i128::get(from)?, i128::get(from)?, i128::get(from)?];
        let [version, last, opened] = [u64::get(from)?, u64::get(from)?, u64::get(from)?];
        let marks = [u64::get(from)?, u64::get(from)?, u64::get(from)?];
        let keeping = if bool::get(from)? { Keeping::Lots } else { Keeping::Plain };
        let account = Account {
            posted,
            held,
            incoming,
            version,
            last,
            marks,
            opened,
            asset,
            standing,
            keeping,
            ..VACANT
        };
        self.accounts.put(slot, (digest::account(self.keys, id), id), account);
        self.accounts.set_bounds(slot, bounds);
        if keeping == Keeping::Lots {
            let sink = u32::get(from)?;
            self.lots.insert(slot, AccountLots { sink, ..AccountLots::default() });
            for (expires_at, (free, held)) in <Vec<(Time, (i128, i128))>>::get(from)? {
                self.put_lot(slot, expires_at, Lot { free, held });
            }
        }
        Ok(())
    }

    fn read_hold(&self, from: &mut Reader<'_>) -> Result<Hold, String> {
        let id: &str = Field::get(from)?;
        Ok(Hold {
            id: id.into(),
            hash: digest::id(self.keys, Space::Hold, ("", id)).hash,
            from: Field::get(from)?,
            to: Field::get(from)?,
            amount: Field::get(from)?,
            captured: Field::get(from)?,
            left: Field::get(from)?,
            expires_at: Field::get(from)?,
            owned: Field::get(from)?,
            since: Field::get(from)?,
            last: Field::get(from)?,
            lots: Field::get(from)?,
        })
    }
}

fn write_hold(hold: &Hold, into: &mut Vec<u8>) {
    (&*hold.id).put(into);
    hold.from.put(into);
    hold.to.put(into);
    for units in [hold.amount, hold.captured, hold.left] {
        units.put(into);
    }
    hold.expires_at.put(into);
    hold.owned.put(into);
    hold.since.put(into);
    hold.last.put(into);
    hold.lots.put(into);
}
