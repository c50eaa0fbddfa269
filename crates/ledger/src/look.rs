//! What can be seen of the live state: copies of accounts, holds and assets, for answers. Changes nothing.

use std::sync::Arc;

use crate::accounts::Account;
use crate::holds::Hold;
use crate::lots::NEVER;
use crate::{AccountView, AssetView, HoldState, HoldView, Ledger, LotView, Space};

/// Lots that are shown of one account, first expiring first.
const LOTS_SHOWN: usize = 1_000;
/// Accounts that one question looks at: some 2 ms.
const LOOKED_AT: u32 = 50_000;

impl Ledger {
    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<AccountView> {
        let slot = self.accounts.find(self.keys, id)?;
        Some(self.account_view(slot, self.accounts.get(slot)?))
    }

    /// The accounts whose ids begin so, in the order of opening, after the account `after` (empty: from the first), at
    /// most `limit`; and the id after which to go on, `None` at the end. Looks at a bounded number of accounts, so a page
    /// may be short, or empty, and still have a next. Lots are left out.
    #[must_use]
    pub fn accounts(&self, prefix: &str, after: &str, limit: usize) -> (Vec<AccountView>, Option<&str>) {
        let first = self.accounts.find(self.keys, after).map_or(0, |slot| slot + 1);
        let last = self.accounts.len().min(first.saturating_add(LOOKED_AT));
        let mut found = Vec::new();
        for slot in first..last {
            let Some(account) = self.accounts.get(slot) else { continue };
            if self.accounts.id_of(account).starts_with(prefix) {
                found.push(AccountView { lots: Vec::new(), ..self.account_view(slot, account) });
                if found.len() == limit && slot + 1 < self.accounts.len() {
                    return (found, self.account_id(slot));
                }
            }
        }
        let next = (last < self.accounts.len()).then(|| self.account_id(last - 1)).flatten();
        (found, next)
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
            lots: lots.take(LOTS_SHOWN).collect(),
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
