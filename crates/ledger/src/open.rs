//! Decides assets and accounts: declaring, opening, changing.

use transaction::Refusal;

use crate::accounts::{Bounds, Keeping};
use crate::amount::{SCALE_MAX, read};
use crate::desk::{Decision, Desk, check_cause, check_id};
use crate::digest::{self, Content};
use crate::refusal as r;
use crate::{Adjust, Amount, Asset, Done, Event, Floor, Known, Open, Outcome, Space, Standing};

impl Desk<'_> {
    /// Declares an asset.
    pub(crate) fn declare_asset(&mut self, asset: &Asset<&str>) -> Decision {
        check_id(asset.code)?;
        if asset.scale > SCALE_MAX {
            let words = format!("an asset has 0 to {SCALE_MAX} decimals, not {}", asset.scale);
            return Err(Box::new(r::AMOUNT_INVALID.because(words)));
        }
        let done = |done| Ok(Outcome { done, amount: None, scale: asset.scale });
        if let Some((_, known)) = self.ledger.assets.find(asset.code) {
            if known.scale == asset.scale {
                return done(Done::Duplicate);
            }
            let words = format!("`{}` is known with {} decimals", asset.code, known.scale);
            return Err(Box::new(r::ASSET_MISMATCH.because(words)));
        }
        let number = self.ledger.assets.len();
        self.keep(0, Event::AssetDeclared { asset: number, code: asset.code, scale: asset.scale });
        done(Done::Declared)
    }

    /// Opens an account.
    pub(crate) fn open(&mut self, open: &Open<&str>) -> Decision {
        check_id(open.id)?;
        check_id(open.asset)?;
        check_cause(&open.cause)?;
        let declared = self.ledger.assets.find(open.asset);
        let Some((asset, scale)) = declared.map(|(number, asset)| (number, asset.scale)) else {
            return Err(Box::new(r::ASSET_UNKNOWN.because(format!("`{}`", open.asset))));
        };
        let floor = read_floor(&open.floor, scale)?;
        let ceiling = open.ceiling.as_ref().map(|ceiling| read(ceiling, scale)).transpose()?;
        let key = digest::account(self.ledger.keys, open.id);
        let content = Content::of(self.ledger.keys, key)
            .and(u64::from(asset))
            .maybe_units(floor_units(floor))
            .maybe_units(ceiling)
            .text(open.lots)
            .value();
        if let Some(slot) = self.ledger.accounts.find_digest(key) {
            if self.ledger.accounts.at(slot).opened == content {
                return Ok(Outcome { done: Done::Duplicate, amount: None, scale });
            }
            return Err(Box::new(r::ID_MISMATCH.because("the account was opened otherwise")));
        }
        let sink = open.lots.map(|sink| self.sink(sink, (asset, floor))).transpose()?;
        let event = Event::AccountOpened {
            account: self.ledger.accounts.len(),
            id: open.id,
            asset,
            floor,
            ceiling,
            sink,
            cause: open.cause,
        };
        self.keep(content, event);
        Ok(Outcome { done: Done::Opened, amount: None, scale })
    }

    /// The slot of a sink for the lots of an account with this asset and floor.
    fn sink(&self, sink: &str, (asset, floor): (u32, Floor<i128>)) -> Result<u32, Refusal> {
        let slot = self.ledger.slot(sink)?;
        let account = self.ledger.accounts.at(slot);
        if account.asset != asset {
            return Err(r::LOTS_INVALID.because(format!("`{sink}` holds another asset")));
        }
        if account.keeping == Keeping::Lots {
            return Err(r::LOTS_INVALID.because(format!("`{sink}` keeps lots itself")));
        }
        check_lots_floor(floor)?;
        Ok(slot)
    }

    /// Changes an account's floor, ceiling or standing.
    pub(crate) fn adjust(&mut self, adjust: &Adjust<&str>) -> Decision {
        check_id(adjust.id)?;
        let slot = self.ledger.slot(adjust.account)?;
        let scale = self.ledger.scale_of(slot);
        let floor = adjust.floor.as_ref().map(|floor| read_floor(floor, scale)).transpose()?;
        let ceiling = read_ceiling(adjust.ceiling.as_ref(), scale)?;
        check_cause(&adjust.cause)?;
        let key = digest::id(self.ledger.keys, Space::Adjust, ("", adjust.id));
        let content = Content::of(self.ledger.keys, key)
            .and(u64::from(slot))
            .and(u64::from(floor.is_some()))
            .maybe_units(floor.and_then(floor_units))
            .and(u64::from(ceiling.is_some()))
            .maybe_units(ceiling.flatten())
            .and(standing_number(adjust.standing))
            .cause(&adjust.cause)
            .value();
        if let Some(known) = self.book.known(key.hash) {
            return self.repeat(known, content, (None, scale));
        }
        let account = self.ledger.accounts.at(slot);
        if account.keeping == Keeping::Lots {
            floor.map_or(Ok(()), check_lots_floor)?;
        }
        let is_empty = account.posted == 0 && account.held == 0 && account.incoming == 0;
        if adjust.standing == Some(Standing::Closed) && !is_empty {
            return Err(Box::new(r::ACCOUNT_NOT_EMPTY.because(format!("`{}`", adjust.account))));
        }
        let bounds: Bounds = self.ledger.accounts.bounds_of(slot);
        let event = Event::AccountChanged {
            id: adjust.id,
            leg: account.leg(slot, (account.posted, account.held)),
            floor: floor.unwrap_or(bounds.floor),
            ceiling: ceiling.unwrap_or(bounds.ceiling),
            standing: adjust.standing.unwrap_or(account.standing),
            cause: adjust.cause,
        };
        let position = self.keep(content, event);
        self.book.learn(key.hash, Known { content, position });
        Ok(Outcome { done: Done::Changed, amount: None, scale })
    }
}

fn read_floor(floor: &Floor<Amount<&str>>, scale: u8) -> Result<Floor<i128>, Refusal> {
    match floor {
        Floor::None => Ok(Floor::None),
        Floor::At(amount) => Ok(Floor::At(read(amount, scale)?)),
    }
}

fn read_ceiling(ceiling: Option<&Option<Amount<&str>>>, scale: u8) -> Result<Option<Option<i128>>, Refusal> {
    let read_one =
        |ceiling: &Option<Amount<&str>>| ceiling.as_ref().map(|amount| read(amount, scale)).transpose();
    ceiling.map(read_one).transpose()
}

fn floor_units(floor: Floor<i128>) -> Option<i128> {
    match floor {
        Floor::None => None,
        Floor::At(units) => Some(units),
    }
}

fn check_lots_floor(floor: Floor<i128>) -> Result<(), Refusal> {
    match floor {
        Floor::At(units) if units >= 0 => Ok(()),
        Floor::At(_) | Floor::None => {
            Err(r::LOTS_INVALID.because("an account with lots needs a floor of zero or above"))
        }
    }
}

fn standing_number(standing: Option<Standing>) -> u64 {
    match standing {
        None => 0,
        Some(Standing::Active) => 1,
        Some(Standing::Frozen) => 2,
        Some(Standing::Closed) => 3,
    }
}
