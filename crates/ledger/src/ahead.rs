//! Looks at the accounts of the next few members before they are decided, all together: the processor then waits for
//! memory once for many accounts, not once for each. Decides nothing, and what it finds is only a digest of a text.

use crate::digest::{self, Id};
use crate::{Batch, Keys, Ledger};

/// Members looked at together: enough to wait for together, few enough to stay near.
const WINDOW: usize = 24;

/// The digests of the accounts of some members of a batch.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    first: usize,
    accounts: Vec<Option<(Id, Id)>>,
}

impl Ahead {
    /// The digests of the accounts that a member names, where it names two.
    pub(crate) fn of(&mut self, index: usize, (ledger, batch): (&Ledger, &Batch)) -> Option<(Id, Id)> {
        if index < self.first || index >= self.first + self.accounts.len() {
            self.first = index;
            self.look(ledger, batch);
        }
        self.accounts.get(index - self.first).copied().flatten()
    }

    fn look(&mut self, ledger: &Ledger, batch: &Batch) {
        let keys: Keys = ledger.keys;
        let members = self.first..batch.len().min(self.first + WINDOW);
        self.accounts.clear();
        self.accounts.extend(members.map(|index| {
            let (from, to) = batch.accounts_of(index)?;
            Some((digest::account(keys, from), digest::account(keys, to)))
        }));
        let near = self.accounts.iter().flatten().flat_map(|(from, to)| [from, to]);
        // Two short loops of loads that do not wait for each other: first the cells, then the accounts they lead to.
        let cells = near.clone().fold(0, |sum, id| sum ^ ledger.accounts.touch_cell(*id));
        let rows = near.fold(0, |sum, id| sum ^ ledger.accounts.touch_row(*id));
        std::hint::black_box((cells, rows));
    }
}
