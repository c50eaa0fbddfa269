//! What can be seen of the live state: copies of accounts, holds and assets, for answers. Changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::accounts::Account;
use crate::holds::Hold;
use crate::lots::NEVER;
use crate::{AccountView, AssetView, HoldState, HoldView, Ledger, LotView, Space};

impl Ledger {
    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<AccountView> {
        let slot = self.accounts.find(self.keys, id)?;
        Some(self.account_view(slot, self.accounts.get(slot)?))
    }

    /// The accounts whose ids begin so, sorted by id, after `after`, at most `limit`; walks all accounts.
    #[must_use]
    pub fn accounts(&self, prefix: &str, after: &str, limit: usize) -> Vec<AccountView> {
        let mut found = BTreeSet::new();
        for slot in 0..self.accounts.len() {
            let Some(id) = self.account_id(slot) else { continue };
            if id > after && id.starts_with(prefix) {
                found.insert((id, slot));
                if found.len() > limit {
                    found.pop_last();
                }
            }
        }
        let view = |(_, slot)| Some(self.account_view(slot, self.accounts.get(slot)?));
        found.into_iter().filter_map(view).collect()
    }

    /// The id of the account in this slot.
    #[must_use]
    pub fn account_id(&self, slot: u32) -> Option<&str> {
        self.accounts.get(slot).map(|account| self.accounts.id_of(account))
    }

    /// The open hold with this id.
    #[must_use]
    pub fn hold(&self, id: &str) -> Option<HoldView> {
        let (_, hold) = self.holds.find(self.hash(Space::Hold, "", id), id)?;
        Some(self.hold_view(hold))
    }

    /// All assets, in the order of declaration.
    #[must_use]
    pub fn assets(&self) -> Vec<AssetView> {
        self.assets
            .iter()
            .map(|asset| AssetView { code: Arc::clone(&asset.code), scale: asset.scale })
            .collect()
    }

    pub(crate) fn asset_view(&self, number: u32) -> AssetView {
        match self.assets.get(number) {
            Some(asset) => AssetView { code: Arc::clone(&asset.code), scale: asset.scale },
            None => AssetView { code: Arc::from(""), scale: 0 },
        }
    }

    pub(crate) fn account_view(&self, slot: u32, account: &Account) -> AccountView {
        let kept = self.lots.get(&slot);
        let lots = kept.iter().flat_map(|kept| &kept.lots).map(|(expires_at, lot)| LotView {
            expires_at: (*expires_at != NEVER).then_some(*expires_at),
            free: lot.free,
            held: lot.held,
        });
        AccountView {
            id: self.accounts.id_of(account).into(),
            slot,
            asset: self.asset_view(account.asset),
            floor: self.accounts.floor(slot),
            ceiling: self.accounts.ceiling(slot),
            standing: account.standing,
            sink: kept.and_then(|kept| self.account_id(kept.sink)).map(Into::into),
            posted: account.posted,
            held: account.held,
            incoming: account.incoming,
            version: account.version,
            last: account.last,
            lots: lots.collect(),
        }
    }

    pub(crate) fn hold_view(&self, hold: &Hold) -> HoldView {
        let id = |slot| self.account_id(slot).unwrap_or_default().into();
        let asset = self.accounts.get(hold.from).map_or(u32::MAX, |account| account.asset);
        HoldView {
            id: hold.id.clone(),
            state: HoldState::Held,
            accounts: (id(hold.from), id(hold.to)),
            asset: self.asset_view(asset),
            amount: hold.amount,
            captured: hold.captured,
            left: hold.left,
            expires_at: hold.expires_at,
            owned: hold.owned,
            last: hold.last,
        }
    }
}
