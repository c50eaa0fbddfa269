//! What initiators, operators and readers set out to do in one seed: actors with steps, each asked until it is answered.
//!
//! Drawn once, before anything happens; a shorter history is the same script with actors left out. Nothing here knows
//! how a step ends. Read next: `transactions.rs`, `value.rs` (the ledger), `short.rs` (one that is always the same),
//! `world/actors.rs` (who carries it out).

mod build;
mod short;
mod transactions;
mod value;

use std::sync::Arc;

use ledger::{Batch, Run};
use transaction::{BranchSpec, Command, Spec};

use crate::dice::Dice;
pub(crate) use build::{CHECK_HOST, HOSTS};

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Lets time pass, in microseconds.
    Wait(i64),
    /// Waits until so many microseconds after (or before) the deadline of a transaction, as its process's clock shows it;
    /// the next step arrives there at that very moment.
    UntilDeadline(Arc<str>, i64),
    /// Begins a transaction; holds the answer so long, in milliseconds.
    Begin(Arc<Spec>, u64),
    /// The same id with other content: must be refused.
    Forge(Arc<Spec>),
    /// Registers a branch and asks the participant to try it.
    Join(Arc<str>, Arc<BranchSpec>),
    /// Confirms, or cancels when a try was refused.
    Decide(Arc<str>),
    /// Asks something of a transaction; `None` reads it.
    Act(Arc<str>, Option<Command>),
    /// Changes the ledger.
    Change(Batch, Change),
    /// Reads an account.
    Account(Arc<str>),
    /// Reads a transaction's timeline.
    Timeline(Arc<str>),
    /// Lists transactions.
    List,
}

/// How the ledger is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Plain,
    /// With an idempotency key of its own.
    Keyed,
    Dry,
    /// An id again, with other content: must be refused.
    Forged,
}

impl Change {
    pub(crate) fn run(self) -> Run {
        if self == Change::Dry { Run::Dry } else { Run::Real }
    }
}

/// Somebody with something to do.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// What it is, for transcripts.
    pub(crate) name: String,
    /// When it begins, in microseconds after the setup.
    pub(crate) at: i64,
    pub(crate) steps: Vec<Step>,
}

/// Everything that is set out in one seed.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// Done first, while nothing fails.
    pub(crate) setup: Vec<Step>,
    pub(crate) actors: Vec<Actor>,
    /// Accounts of the ledger.
    pub(crate) accounts: Vec<Arc<str>>,
}

/// The kinds of things that are set out.
type Draw = fn(&mut Dice, u64) -> Vec<Actor>;

/// How often each kind is drawn, in parts.
const DRAWS: &[(u64, Draw)] = &[
    (4, transactions::managed),
    (2, transactions::interactive),
    (2, transactions::saga),
    (2, transactions::xa),
    (1, transactions::message),
    (2, transactions::prepared),
    (2, transactions::race),
    (2, transactions::cooling),
    (3, value::entries),
    (2, value::chain),
    (2, value::holds),
    (2, value::expiring_hold),
    (2, value::lots),
    (2, value::coupon),
    (1, value::refund),
    (2, value::reader),
];

impl Script {
    /// The script of a seed.
    pub(crate) fn of(seed: u64) -> Script {
        let mut dice = Dice::of(seed, "script", &[]);
        let parts: u64 = DRAWS.iter().map(|(parts, _)| parts).sum();
        let mut actors = Vec::new();
        for number in 0..dice.within(33, 43).unsigned_abs() {
            let mut drawn = dice.below(parts);
            let mut own = Dice::of(seed, "actor", &[number]);
            for (parts, draw) in DRAWS {
                if drawn < *parts {
                    actors.extend(draw(&mut own, number));
                    break;
                }
                drawn -= parts;
            }
        }
        Script { setup: value::setup(), actors, accounts: value::accounts() }
    }

    /// The same with only these actors.
    pub(crate) fn only(&self, wanted: &[usize]) -> Script {
        let actors = wanted.iter().filter_map(|index| self.actors.get(*index)).cloned().collect();
        Script { setup: self.setup.clone(), actors, accounts: self.accounts.clone() }
    }
}
