//! Questions about the ledger: what is live is answered here; the past is read by the archive's readers, and comes back
//! for the names that only the live ledger knows.

use std::sync::Arc;

use ledger::Space;
use ledger::refusal::{ACCOUNT_UNKNOWN, HOLD_UNKNOWN, ITEM_UNKNOWN, MACHINE_UNKNOWN};
use transaction::Refusal;

use super::named::Past;
use super::{Lookup, Partition, unavailable};
use crate::batch::Release;
use crate::history::Head;
use crate::{Found, Question, Respond, Seen, refusal};

/// What the readers are asked about the past.
pub(crate) enum Errand {
    /// An account's balances at a time.
    Balances(Box<ledger::AccountView>, Head, transaction::Time),
    /// An account's history.
    Statement(Head, Box<crate::StatementQuery>, ledger::AssetView),
    /// The history of a hold or an item, whose latest event lies there.
    Steps(u64, crate::HistoryQuery),
    /// A closed hold, whose last event lies there.
    Hold(u64),
    /// A final item, whose last event lies there.
    Item(u64),
}

impl Partition {
    /// Answers a question, or hands it to the readers.
    pub(super) fn ask(&mut self, question: Question, respond: Respond<Seen<Found>>) {
        match self.look(question) {
            Ok(Looked::Here(found)) => {
                let seen = Seen { value: found, sequence: self.batch.last };
                self.release_any(Release::Seen(respond, Ok(seen)));
            }
            Ok(Looked::Past(errand)) => {
                (self.ports.lookup)(Lookup::Errand(errand, self.batch.last, respond));
            }
            Err(refusal) => self.release_any(Release::Seen(respond, Err(refusal))),
        }
    }

    /// Gives what the readers found its names, and answers.
    pub(super) fn name(&mut self, past: Past, sequence: u64, respond: Respond<Seen<Found>>) {
        let found = past.named(&self.vault.ledger, sequence);
        respond(found.map(|value| Seen { value, sequence }));
    }

    fn look(&self, question: Question) -> Result<Looked, Refusal> {
        let ledger = &self.vault.ledger;
        Ok(match question {
            Question::Account(id, None) => Looked::Here(Found::Account(Box::new(self.account(&id)?))),
            Question::Account(id, Some(at)) => {
                let account = self.account(&id)?;
                let head = head(&account);
                Looked::Past(Errand::Balances(Box::new(account), head, at))
            }
            Question::Accounts(prefix, after, limit) => {
                let (accounts, next) = ledger.accounts(&prefix, &after, limit);
                Looked::Here(Found::Accounts((accounts, next.map(Box::from))))
            }
            Question::Hold(id) => match ledger.hold(&id) {
                Some(hold) => Looked::Here(Found::Hold(Box::new(hold))),
                None => Looked::Past(Errand::Hold(self.end((Space::HoldEnd, &id), &HOLD_UNKNOWN)?)),
            },
            Question::Item(id) => match ledger.item(&id) {
                Some(item) => Looked::Here(Found::Item(Box::new(item))),
                None => Looked::Past(Errand::Item(self.end((Space::ItemEnd, &id), &ITEM_UNKNOWN)?)),
            },
            Question::Machine(name, version) => {
                let unknown =
                    || MACHINE_UNKNOWN.because(format!("there is no machine {name}, or not this version"));
                Looked::Here(Found::Machine(ledger.machine(&name, version).ok_or_else(unknown)?))
            }
            Question::Assets => Looked::Here(Found::Assets(ledger.assets())),
            Question::Statement(query) => {
                let account = self.account(&query.account)?;
                let head = head(&account);
                Looked::Past(Errand::Statement(head, Box::new(query), account.asset))
            }
            Question::HoldHistory(query) => {
                let last = match ledger.hold(&query.id) {
                    Some(hold) => hold.last,
                    None => self.end((Space::HoldEnd, &query.id), &HOLD_UNKNOWN)?,
                };
                Looked::Past(Errand::Steps(last, query))
            }
            Question::ItemHistory(query) => {
                let last = match ledger.item(&query.id) {
                    Some(item) => item.last,
                    None => self.end((Space::ItemEnd, &query.id), &ITEM_UNKNOWN)?,
                };
                Looked::Past(Errand::Steps(last, query))
            }
        })
    }

    fn account(&self, id: &Arc<str>) -> Result<ledger::AccountView, Refusal> {
        let unknown = || ACCOUNT_UNKNOWN.because(format!("there is no account {id}"));
        self.vault.ledger.account(id).ok_or_else(unknown)
    }

    /// Where the last event lies of a hold or item that left memory.
    fn end(
        &self,
        (space, id): (Space, &str),
        unknown: &'static transaction::RefusalKind,
    ) -> Result<u64, Refusal> {
        let found = self.vault.find(space, ("", id)).map_err(|fault| unavailable(&fault))?;
        found.ok_or_else(|| unknown.because(format!("there is no {id}")))
    }
}

/// Where an account's history begins to be read.
fn head(account: &ledger::AccountView) -> Head {
    Head { account: account.slot, last: account.last, version: account.version }
}

/// Where an answer is to be found.
enum Looked {
    Here(Found),
    Past(Errand),
}

/// What a question that cannot be answered just now is told.
pub(crate) fn behind() -> Refusal {
    refusal::ARCHIVE_UNAVAILABLE.because("the archive is behind the journal")
}
