//! What the books say of one account, hold or item, for whoever compares it with what was told.

use crate::Audit;
use crate::accounts::Account;

/// An account as the books have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// What came in less what went out, in units.
    pub posted: i128,
    /// The sum of its open holds, in units.
    pub held: i128,
    /// How many events it has seen.
    pub version: u64,
}

impl Balance {
    fn of(account: &Account) -> Balance {
        Balance { posted: account.posted, held: account.held, version: account.version }
    }
}

/// A hold that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenHold {
    /// Units captured so far.
    pub captured: i128,
    /// Units still held.
    pub left: i128,
}

impl Audit {
    /// The account with this id, if an event opened it.
    #[must_use]
    pub fn balance(&self, id: &str) -> Option<Balance> {
        self.accounts.all.iter().find(|account| account.id == id).map(Balance::of)
    }

    /// All accounts, in the order of opening.
    pub fn balances(&self) -> impl Iterator<Item = (&str, Balance)> {
        self.accounts.all.iter().map(|account| (account.id.as_str(), Balance::of(account)))
    }

    /// The hold with this id, while it is open.
    #[must_use]
    pub fn open_hold(&self, id: &str) -> Option<OpenHold> {
        let hold = self.holds.open.values().find(|hold| hold.id == id)?;
        Some(OpenHold { captured: hold.captured, left: hold.left })
    }

    /// The ids of the holds that are open.
    pub fn open_holds(&self) -> impl Iterator<Item = &str> {
        self.holds.open.values().map(|hold| hold.id.as_str())
    }

    /// The state of the item with this id, while it can still move.
    #[must_use]
    pub fn item_state(&self, id: &str) -> Option<&str> {
        let item = self.items.live.values().find(|item| item.id == id)?;
        let machine = &self.items.machines.get(item.machine as usize)?.machine;
        machine.states.get(usize::from(item.state)).map(|state| &*state.name)
    }
}
