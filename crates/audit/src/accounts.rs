//! The auditor's accounts: each event must tell of an account exactly what follows from the event before.
//!
//! Judges versions, the threads of positions, balances, floors and ceilings, and the sum of each asset. Shares no code
//! with the ledger's fold: it adds and compares where the fold takes over. Read next: `lots.rs`.

use std::collections::BTreeMap;

use ledger::{Event, Floor, Leg, NONE, Standing};

use crate::lots::Lots;
use crate::used::{Space, Used};

/// An asset, with the sum of what is posted in it.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) code: String,
    pub(crate) scale: u8,
    sum: i128,
}

/// An account, as all events so far tell it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) asset: u32,
    pub(crate) floor: Floor<i128>,
    pub(crate) ceiling: Option<i128>,
    pub(crate) standing: Standing,
    pub(crate) posted: i128,
    pub(crate) held: i128,
    pub(crate) incoming: i128,
    pub(crate) version: u64,
    pub(crate) last: u64,
    /// The positions of versions 64, 128, 192, …: where a skip may lead to.
    milestones: Vec<u64>,
    /// Where the account keeps lots.
    pub(crate) lots: Option<Lots>,
}

/// All accounts by slot, all assets by number.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) all: Vec<Account>,
    pub(crate) assets: Vec<Asset>,
}

/// By how much an event changes what is posted and what is held.
pub(crate) type Change = (i128, i128);

impl Accounts {
    pub(crate) fn get(&self, slot: u32) -> Result<&Account, String> {
        self.all.get(slot as usize).ok_or_else(|| format!("it names account {slot}, which was never opened"))
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Result<&mut Account, String> {
        let unknown = || format!("it names account {slot}, which was never opened");
        self.all.get_mut(slot as usize).ok_or_else(unknown)
    }

    pub(crate) fn scale_of(&self, slot: u32) -> Result<u8, String> {
        let asset = self.get(slot)?.asset;
        self.assets
            .get(asset as usize)
            .map(|asset| asset.scale)
            .ok_or_else(|| "its asset is unknown".to_owned())
    }

    pub(crate) fn declare(&mut self, event: &Event<'_>, used: &mut Used) -> Result<(), String> {
        let Event::AssetDeclared { asset, code, scale } = event else { return Ok(()) };
        next_number("asset", *asset, self.assets.len())?;
        used.once(Space::Asset, ("", code))?;
        if *scale > 18 {
            return Err(format!("an asset cannot have {scale} decimals"));
        }
        self.assets.push(Asset { code: (*code).to_owned(), scale: *scale, sum: 0 });
        Ok(())
    }

    pub(crate) fn open(&mut self, event: &Event<'_>, used: &mut Used) -> Result<(), String> {
        let Event::AccountOpened { account, id, asset, floor, ceiling, sink, .. } = event else {
            return Ok(());
        };
        next_number("account", *account, self.all.len())?;
        used.once(Space::Account, ("", id))?;
        if self.assets.get(*asset as usize).is_none() {
            return Err(format!("account {id} is of asset {asset}, which was never declared"));
        }
        if let Some(sink) = sink {
            let sink = self.get(*sink)?;
            if sink.asset != *asset || sink.lots.is_some() {
                return Err(format!("{} cannot take in the lots of {id}", sink.id));
            }
        }
        self.all.push(Account {
            id: (*id).to_owned(),
            asset: *asset,
            floor: *floor,
            ceiling: *ceiling,
            standing: Standing::Active,
            posted: 0,
            held: 0,
            incoming: 0,
            version: 0,
            last: NONE,
            milestones: Vec::new(),
            lots: sink.map(Lots::into_sink),
        });
        Ok(())
    }

    pub(crate) fn change(
        &mut self,
        event: &Event<'_>,
        (used, position): (&mut Used, u64),
    ) -> Result<(), String> {
        let Event::AccountChanged { id, leg, floor, ceiling, standing, .. } = event else { return Ok(()) };
        used.once(Space::Adjust, ("", id))?;
        self.step(leg, (0, 0), position)?;
        let account = self.get_mut(leg.account)?;
        if *standing == Standing::Closed && (account.posted, account.held, account.incoming) != (0, 0, 0) {
            return Err(format!("it closes {}, which is not empty", account.id));
        }
        (account.floor, account.ceiling, account.standing) = (*floor, *ceiling, *standing);
        Ok(())
    }

    /// The next event of an account, which changes its balances so.
    pub(crate) fn step(&mut self, leg: &Leg, change: Change, position: u64) -> Result<(), String> {
        let account = self.get_mut(leg.account)?;
        account.thread(leg)?;
        let differs = |what: &str, before: i128, by: i128, said: i128| {
            Err(format!("{} of {} was {before} and changes by {by}, but {said} is told", what, account.id))
        };
        if account.posted.checked_add(change.0) != Some(leg.posted) {
            return differs("posted", account.posted, change.0, leg.posted);
        }
        if account.held.checked_add(change.1) != Some(leg.held) {
            return differs("held", account.held, change.1, leg.held);
        }
        if leg.held < 0 {
            return Err(format!("held of {} is below zero", account.id));
        }
        // Exact modulo 2^128, so that a sum of zero is one.
        let by = leg.posted.wrapping_sub(account.posted);
        (account.posted, account.held) = (leg.posted, leg.held);
        (account.version, account.last) = (leg.version, position);
        if leg.version.is_multiple_of(64) {
            account.milestones.push(position);
        }
        let asset = account.asset as usize;
        let asset = self.assets.get_mut(asset).ok_or_else(|| "its asset is unknown".to_owned())?;
        asset.sum = asset.sum.wrapping_add(by);
        Ok(())
    }

    /// What is incoming to an account changes by so much.
    pub(crate) fn incoming(&mut self, slot: u32, (by, said): (i128, i128)) -> Result<(), String> {
        let account = self.get_mut(slot)?;
        if account.incoming.checked_add(by) != Some(said) || said < 0 {
            let before = account.incoming;
            return Err(format!(
                "incoming of {} was {before} and changes by {by}, but {said} is told",
                account.id
            ));
        }
        account.incoming = said;
        Ok(())
    }

    /// Two accounts that may exchange value.
    pub(crate) fn pair(&self, from: u32, to: u32) -> Result<(), String> {
        let (one, other) = (self.get(from)?, self.get(to)?);
        if from == to || one.asset != other.asset {
            return Err(format!("{} and {} cannot exchange value", one.id, other.id));
        }
        Ok(())
    }

    /// After units were drawn for an entry or a hold: both accounts are active, and their bounds hold.
    pub(crate) fn drawn(&self, from: u32, to: u32, units: i128) -> Result<(), String> {
        let (from, to) = (self.get(from)?, self.get(to)?);
        for account in [from, to] {
            if account.standing != Standing::Active {
                return Err(format!("{} is not active", account.id));
            }
        }
        if units == 0 {
            return Ok(());
        }
        let available = from.posted.checked_sub(from.held);
        if let Floor::At(floor) = from.floor
            && available.is_none_or(|available| available < floor)
        {
            return Err(format!("{} falls below its floor of {floor}", from.id));
        }
        let coming = to.posted.checked_add(to.incoming);
        if coming.is_none_or(|coming| to.ceiling.is_some_and(|ceiling| coming > ceiling)) {
            return Err(format!("{} rises above what it may hold", to.id));
        }
        Ok(())
    }

    /// After an event that touched this account: what is posted in its asset sums up to zero.
    pub(crate) fn balanced(&self, slot: u32) -> Result<(), String> {
        let asset = &self.assets[self.get(slot)?.asset as usize];
        if asset.sum == 0 {
            return Ok(());
        }
        Err(format!("the sum of {} is {} and not zero", asset.code, asset.sum))
    }

    /// Per asset what its accounts above zero hold: what was ever issued and is still out.
    pub(crate) fn issued(&self) -> Vec<(&Asset, i128, i128)> {
        let mut sums = BTreeMap::new();
        for account in &self.all {
            let (sum, issued) = sums.entry(account.asset).or_insert((0_i128, 0_i128));
            *sum = sum.wrapping_add(account.posted);
            *issued = issued.saturating_add(account.posted.max(0));
        }
        let row = |(number, asset)| {
            let (sum, issued) = sums.get(&number).copied().unwrap_or_default();
            (asset, sum, issued)
        };
        (0..).zip(&self.assets).map(row).collect()
    }
}

impl Account {
    /// The event follows the account's previous one, and leads back to where the rule of skips says.
    fn thread(&self, leg: &Leg) -> Result<(), String> {
        let id = &self.id;
        if leg.version != self.version + 1 {
            return Err(format!("{id} was at version {}, but {} is told", self.version, leg.version));
        }
        if leg.prev != self.last {
            return Err(format!("the event of {id} before it is not at {}", leg.prev));
        }
        let expected = milestone(leg.version).map_or(NONE, |number| self.milestones[number]);
        if leg.skip != expected {
            return Err(format!("version {} of {id} skips to {}, not to {expected}", leg.version, leg.skip));
        }
        Ok(())
    }
}

/// Which multiple of 64 (counted from 0 for version 64) an event with this version skips to.
fn milestone(version: u64) -> Option<usize> {
    let target = if version.is_multiple_of(262_144) {
        version - 262_144
    } else if version.is_multiple_of(4_096) {
        version - 4_096
    } else if version.is_multiple_of(64) {
        version - 64
    } else {
        version - version % 64
    };
    usize::try_from((target / 64).checked_sub(1)?).ok()
}

/// Numbers are given out in order, without gaps.
pub(crate) fn next_number(what: &str, said: u32, so_far: usize) -> Result<(), String> {
    if said as usize == so_far {
        return Ok(());
    }
    Err(format!("the {what} is told as number {said}, but {so_far} came before"))
}
