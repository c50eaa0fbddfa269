//! What differs between two ledgers that should be the same, in words: the verifier's question.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crate::{AccountView, HoldView, Ledger};

/// What was found, up to a number.
struct Found {
    words: Vec<String>,
    at_most: usize,
}

impl Found {
    fn is_full(&self) -> bool {
        self.words.len() >= self.at_most
    }

    fn note(&mut self, words: String) {
        if !self.is_full() {
            self.words.push(words);
        }
    }

    fn compare<T: PartialEq + Debug>(&mut self, what: &str, (ours, theirs): (&T, &T)) {
        if ours != theirs {
            self.note(format!("{what}: {ours:?} here, {theirs:?} there"));
        }
    }
}

impl Ledger {
    /// Everything in this ledger that differs from `other`, in words, at most `at_most`: for the verifier.
    #[must_use]
    pub fn differences(&self, other: &Ledger, at_most: usize) -> Vec<String> {
        let mut found = Found { words: Vec::new(), at_most };
        found.compare("assets", (&self.assets(), &other.assets()));
        self.differing_accounts(other, &mut found);
        self.differing_holds(other, &mut found);
        found.compare("refunds", (&self.refunded, &other.refunded));
        let mut items = Vec::new();
        self.items.differences(&other.items, &mut items);
        let room = found.at_most - found.words.len();
        found.words.extend(items.into_iter().take(room));
        found.words
    }

    fn differing_accounts(&self, other: &Ledger, found: &mut Found) {
        found.compare("number of accounts", (&self.accounts.len(), &other.accounts.len()));
        for slot in 0..self.accounts.len().max(other.accounts.len()) {
            if found.is_full() {
                return;
            }
            let view = |ledger: &Ledger| {
                let account = ledger.accounts.get(slot)?;
                Some((ledger.account_view(slot, account), (account.opened, account.marks)))
            };
            match (view(self), view(other)) {
                (Some((ours, our_row)), Some((theirs, their_row))) => {
                    compare_accounts((&ours, &theirs), found);
                    found.compare(&format!("account {}: way back", ours.id), (&our_row, &their_row));
                    // A view shows the first lots only.
                    if ours == theirs && self.lots.get(&slot) != other.lots.get(&slot) {
                        let count =
                            |ledger: &Ledger| ledger.lots.get(&slot).map_or(0, |kept| kept.lots.len());
                        found.note(format!(
                            "account {}: later lots, of {} here, of {} there",
                            ours.id,
                            count(self),
                            count(other)
                        ));
                    }
                }
                (ours, theirs) => {
                    let id = |view: Option<(AccountView, _)>| view.map(|(view, _)| view.id);
                    found.compare(&format!("account in slot {slot}"), (&id(ours), &id(theirs)));
                }
            }
        }
    }

    fn differing_holds(&self, other: &Ledger, found: &mut Found) {
        let ids: BTreeSet<&str> = self.holds.iter().chain(other.holds.iter()).map(|hold| &*hold.id).collect();
        for id in ids {
            if found.is_full() {
                return;
            }
            let what = format!("hold {id}");
            match (self.hold(id), other.hold(id)) {
                (Some(ours), Some(theirs)) => {
                    compare_holds(&what, (&ours, &theirs), found);
                    let lots = |ledger: &Ledger| {
                        let hash = ledger.hash(crate::Space::Hold, "", id);
                        ledger.holds.find(hash, id).map(|(_, hold)| (hold.lots.clone(), hold.since))
                    };
                    found.compare(&format!("{what}: lots"), (&lots(self), &lots(other)));
                }
                (ours, theirs) => {
                    found.compare(&format!("{what} is open"), (&ours.is_some(), &theirs.is_some()));
                }
            }
        }
    }
}

/// Compares the named fields of two views.
macro_rules! compare_fields {
    ($what:expr, ($ours:expr, $theirs:expr), $found:expr, [$($field:ident),*]) => {
        $($found.compare(&format!("{}: {}", $what, stringify!($field)), (&$ours.$field, &$theirs.$field));)*
    };
}

fn compare_accounts((ours, theirs): (&AccountView, &AccountView), found: &mut Found) {
    if ours == theirs {
        return;
    }
    let what = format!("account {}", ours.id);
    compare_fields!(
        what,
        (ours, theirs),
        found,
        [id, asset, floor, ceiling, standing, sink, posted, held, incoming, version, last, lots]
    );
}

fn compare_holds(what: &str, (ours, theirs): (&HoldView, &HoldView), found: &mut Found) {
    compare_fields!(
        what,
        (ours, theirs),
        found,
        [accounts, asset, amount, captured, left, expires_at, owned, last]
    );
}
