//! What the readers found in the past, and how it gets the names that only the live ledger knows: ids of accounts, names
//! of machines, states and moves. Slots and numbers are never given out twice, so names found later are the right ones.

use ledger::{AccountView, AssetView, HoldView, ItemView, Ledger};
use transaction::Refusal;

use super::ask::Errand;
use super::unavailable;
use crate::history::{
    History, RawHold, RawItem, RawLine, RawOf, RawStatement, RawStep, RawSteps, balances_at, hold_at,
    item_at, statement, steps,
};
use crate::{AccountThen, Balances, Fault, Found, Line, Statement, Step};

/// What was read of the past.
pub(crate) enum Past {
    Balances(Box<AccountView>, Balances),
    Statement(AssetView, RawStatement),
    Steps(RawSteps),
    Hold(RawHold),
    Item(RawItem),
}

impl Past {
    /// Reads what an errand asks for.
    pub(crate) fn read(history: &History, errand: Errand) -> Result<Past, Refusal> {
        let unread = |fault: Fault| unavailable(&fault);
        Ok(match errand {
            Errand::Balances(account, head, at) => {
                Past::Balances(account, balances_at(history, head, at).map_err(unread)?)
            }
            Errand::Statement(head, query, asset) => {
                Past::Statement(asset, statement(history, head, &query).map_err(unread)??)
            }
            Errand::Steps(last, query) => Past::Steps(steps(history, last, &query).map_err(unread)??),
            Errand::Hold(last) => Past::Hold(hold_at(history, last).map_err(unread)?),
            Errand::Item(last) => Past::Item(item_at(history, last).map_err(unread)?),
        })
    }

    /// With names; `sequence` is what it reflects.
    pub(crate) fn named(self, ledger: &Ledger, sequence: u64) -> Result<Found, Refusal> {
        let names = Names(ledger);
        Ok(match self {
            Past::Balances(now, then) => Found::Then(Box::new(AccountThen { now: *now, then })),
            Past::Statement(asset, raw) => {
                let lines = raw.lines.into_iter().map(|line| names.line(line)).collect();
                Found::Statement(Box::new(Statement { asset, lines, next: raw.next, sequence }))
            }
            Past::Steps(raw) => {
                let steps = raw.steps.into_iter().map(|step| names.step(step)).collect::<Result<_, _>>()?;
                Found::History(Box::new(crate::History { steps, next: raw.next, sequence }))
            }
            Past::Hold(raw) => Found::Hold(Box::new(names.hold(raw)?)),
            Past::Item(raw) => Found::Item(Box::new(names.item(raw)?)),
        })
    }
}

struct Names<'a>(&'a Ledger);

impl Names<'_> {
    fn account(&self, slot: u32) -> Option<Box<str>> {
        self.0.account_id(slot).map(Box::from)
    }

    fn asset(&self, slot: u32) -> Result<AssetView, Refusal> {
        let account = self.0.account_id(slot).and_then(|id| self.0.account(id));
        account.map(|account| account.asset).ok_or_else(|| lost("account", slot))
    }

    fn line(&self, raw: RawLine) -> Line {
        Line {
            sequence: raw.sequence,
            at: raw.at,
            version: raw.version,
            event: raw.event,
            id: raw.id,
            capture: raw.capture,
            amount: raw.amount,
            other: raw.other.and_then(|slot| self.account(slot)),
            posted: raw.posted,
            held: raw.held,
            refunds: raw.refunds,
            bounds: raw.bounds,
            cause: raw.cause,
        }
    }

    fn step(&self, raw: RawStep) -> Result<Step, Refusal> {
        let (mut by, mut states, mut amount) = (None, None, None);
        match raw.of {
            RawOf::Hold { amount: units, account } => amount = Some((units, self.asset(account)?)),
            RawOf::Item { machine: number, by: moved, states: (before, after) } => {
                let view = self.0.machine_of(number).ok_or_else(|| lost("machine", number))?;
                let state =
                    |index: u16| view.machine.states.get(usize::from(index)).map(|state| state.name.clone());
                by = moved
                    .and_then(|index| view.machine.moves.get(usize::from(index)))
                    .map(|by| by.name.clone());
                states = state(after).map(|after| (before.and_then(state), after));
            }
        }
        Ok(Step {
            sequence: raw.sequence,
            at: raw.at,
            event: raw.event,
            operation: raw.operation,
            by,
            states,
            amount,
            owner: raw.owner,
            cause: raw.cause,
        })
    }

    fn hold(&self, raw: RawHold) -> Result<HoldView, Refusal> {
        let (from, to) = raw.accounts;
        let name = |slot| self.account(slot).ok_or_else(|| lost("account", slot));
        Ok(HoldView {
            id: raw.id,
            state: raw.state,
            accounts: (name(from)?, name(to)?),
            asset: self.asset(from)?,
            amount: raw.amount,
            captured: raw.captured,
            left: raw.left,
            expires_at: raw.expires_at,
            owned: raw.owned,
            last: raw.last,
        })
    }

    fn item(&self, raw: RawItem) -> Result<ItemView, Refusal> {
        let view = self.0.machine_of(raw.machine).ok_or_else(|| lost("machine", raw.machine))?;
        let state =
            view.machine.states.get(usize::from(raw.state)).ok_or_else(|| lost("state", raw.machine))?;
        Ok(ItemView {
            id: raw.id,
            machine: (view.machine.name.clone().into(), view.version),
            state: state.name.clone(),
            is_final: raw.is_final,
            owner: raw.owner,
            attributes: raw.attributes,
            due: raw.due,
            held: raw.held,
            version: raw.version,
            last: raw.last,
        })
    }
}

/// The history names what the ledger does not have: they do not belong together.
fn lost(what: &str, number: u32) -> Refusal {
    let why =
        format!("the history names {what} {number}, which the ledger lacks: run `tercet journal verify`");
    unavailable(&Fault::Archive(why))
}
