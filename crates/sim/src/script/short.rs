//! A short script, the same every time: a bit of everything that moves the disks, for cutting the power at every call.
//!
//! Read next: `every_cut.rs`.

use std::sync::Arc;

use ledger::Command as Change;
use transaction::{Command, Mode, Pattern, Spec};

use super::build::{awaited, batch, call, capture, entry, hold, hold_branch, item_branch, release, spec};
use super::value::{accounts, setup};
use super::{Actor, Change as How, Script, Step};
use crate::dice::Dice;

impl Script {
    /// The short script.
    pub(crate) fn short() -> Script {
        let actors = vec![confirmed(), cancelled(), compensated(), holder(), cashier(), giver()];
        Script { setup: setup(), actors, accounts: accounts() }
    }
}

fn actor(name: &str, at_ms: i64, steps: Vec<Step>) -> Actor {
    Actor { name: name.to_owned(), at: at_ms * 1_000, steps }
}

fn dice() -> Dice {
    Dice::of(0, "short", &[])
}

fn pause(ms: i64) -> Step {
    Step::Wait(ms * 1_000)
}

fn plain(commands: &[Change<&str>]) -> Step {
    Step::Change(batch(commands), How::Plain)
}

fn tcc(id: &str, last: transaction::BranchSpec) -> Arc<Spec> {
    let shape = (Pattern::Tcc, Mode::Managed);
    let branches = vec![hold_branch("hold", &mut dice()), call("call", shape, &mut dice()), last];
    Arc::new(spec(id, shape, branches.into_iter().map(Arc::new).collect()))
}

/// A hold, a call and an item: confirmed.
fn confirmed() -> Actor {
    let spec = tcc("confirmed", item_branch("item", "C-0"));
    let id = spec.id.clone();
    actor("initiator", 0, vec![Step::Begin(spec, 0), pause(400), Step::Act(id, None)])
}

/// Waits for a payment that never comes, and is withdrawn.
fn cancelled() -> Actor {
    let spec = tcc("cancelled", awaited("payment"));
    let withdraw = Step::Act(spec.id.clone(), Some(Command::Cancel { detail: None }));
    actor("withdrawer", 200, vec![Step::Begin(spec, 0), pause(500), withdraw])
}

/// A saga of two steps.
fn compensated() -> Actor {
    let shape = (Pattern::Saga, Mode::Managed);
    let steps = ["first", "second"].map(|id| Arc::new(call(id, shape, &mut dice())));
    let spec = Arc::new(spec("saga", shape, steps.to_vec()));
    actor("initiator", 1_100, vec![Step::Begin(spec, 0)])
}

/// A hold that is captured in part and released.
fn holder() -> Actor {
    let held = plain(&[Change::Hold(hold("h", "eve", 20))]);
    let steps =
        vec![held, pause(300), plain(&[capture("part", "h", Some(7))]), pause(300), plain(&[release("h")])];
    actor("holder", 1_500, steps)
}

/// An entry with a key, asked for again when the archive has made it durable.
fn cashier() -> Actor {
    let entry = Step::Change(batch(&[Change::Entry(entry("e", ("ann", "shop"), 3))]), How::Keyed);
    actor("cashier", 1_800, vec![entry.clone(), pause(1_300), entry])
}

/// Gifts that fill segments, before and after the archive was made durable: some are given up then, and recycled.
fn giver() -> Actor {
    let (mut steps, reason) = (Vec::new(), "g".repeat(240));
    for round in 0..10 {
        let ids: Vec<String> = (0..5).map(|index| format!("gift-{round}-{index}")).collect();
        let gifts = ids.iter().map(|id| {
            let mut gift = entry(id, ("bank", "bob"), 1);
            gift.cause.reason = Some(&reason);
            Change::Entry(gift)
        });
        steps.extend([plain(&gifts.collect::<Vec<_>>()), pause(600)]);
    }
    steps.push(Step::Account(Arc::from("bob")));
    actor("giver", 900, steps)
}
