//! Transactions of every pattern, and those who withdraw, signal, retry, repeat and forge them.

use std::sync::Arc;

use transaction::{BranchSpec, Command, Mode, Pattern, Signal, Spec};

use super::build::{awaited, call, check, foreign, hold_branch, item_branch, spec, vary};
use super::{Actor, Step};
use crate::dice::Dice;

/// When activity begins, in microseconds.
fn start(dice: &mut Dice) -> i64 {
    dice.within(0, 4_000_000)
}

fn think(dice: &mut Dice) -> Step {
    Step::Wait(dice.delay(1_000_000))
}

fn actor(name: &str, at: i64, steps: Vec<Step>) -> Actor {
    Actor { name: name.to_owned(), at, steps }
}

/// A branch of any kind.
fn any_branch(index: u64, dice: &mut Dice) -> BranchSpec {
    let id = format!("b{index}");
    match dice.below(6) {
        0 => awaited(&id),
        1 => hold_branch(&id, dice),
        2 => item_branch(&id, dice.pick::<&str>(&["C-0", "C-1", "C-2"])),
        _ => call(&id, (Pattern::Tcc, Mode::Managed), dice),
    }
}

fn signals(id: &Arc<str>, branches: &[Arc<BranchSpec>], (dice, at): (&mut Dice, i64)) -> Vec<Actor> {
    let waiting = branches.iter().filter(|branch| branch.kind == transaction::Kind::Await);
    let mut actors = Vec::new();
    for branch in waiting {
        let outcome = if dice.one_in(5) { Signal::Refused } else { Signal::Done };
        let signal = |signal| Command::Signal { branch: branch.id.clone(), signal, result: None };
        let mut steps = vec![think(dice), Step::Act(id.clone(), Some(signal(outcome)))];
        if dice.one_in(3) {
            steps.push(Step::Act(id.clone(), Some(signal(*dice.pick(&[Signal::Done, Signal::Refused])))));
        }
        actors.push(actor("payment", at + dice.delay(2_000_000), steps));
    }
    actors
}

/// What may come after a begin: the same again, another content, a look, an operator.
fn afterwards(spec: &Arc<Spec>, dice: &mut Dice) -> Vec<Step> {
    let mut steps = Vec::new();
    let id = spec.id.clone();
    if dice.one_in(3) {
        steps.extend([think(dice), Step::Begin(spec.clone(), 0)]);
    }
    if dice.one_in(4) {
        let mut other = (**spec).clone();
        other.retry.attention_after += 7;
        steps.push(Step::Forge(Arc::new(other)));
    }
    if dice.one_in(3) {
        steps.extend([think(dice), Step::Act(id.clone(), Some(Command::Retry))]);
    }
    if dice.one_in(4) {
        steps.push(Step::Timeline(id.clone()));
    }
    steps.extend([Step::Wait(dice.delay(4_000_000)), Step::Act(id, None)]);
    if dice.one_in(3) {
        steps.extend([Step::Wait(dice.within(3_000_000, 9_000_000)), Step::Begin(spec.clone(), 0)]);
    }
    steps
}

/// A managed TCC transaction of one to four branches.
pub(super) fn managed(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let id = format!("t{number}");
    let mut branches = Vec::new();
    for index in 0..dice.within(1, 4).unsigned_abs() {
        let mut branch = any_branch(index, dice);
        if index > 0 && dice.one_in(4) {
            branch.after = vec![Arc::from(format!("b{}", dice.below(index)))];
        }
        branches.push(Arc::new(branch));
    }
    let spec = Arc::new(vary(spec(&id, (Pattern::Tcc, Mode::Managed), branches), dice));
    let (at, wait_ms) = (start(dice), *dice.pick(&[0, 0, 800]));
    let mut actors = signals(&spec.id, &spec.branches, (dice, at));
    let mut steps = vec![Step::Begin(spec.clone(), wait_ms)];
    steps.extend(afterwards(&spec, dice));
    actors.push(actor("initiator", at, steps));
    if dice.one_in(4) {
        let withdraw = Step::Act(spec.id.clone(), Some(Command::Cancel { detail: None }));
        actors.push(actor("withdrawer", at + dice.delay(1_500_000), vec![withdraw]));
    }
    actors.extend(stopper(&spec, (dice, at)));
    actors
}

/// An interactive TCC transaction: its initiator runs the tries and decides.
pub(super) fn interactive(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let id: Arc<str> = Arc::from(format!("i{number}"));
    let spec = Arc::new(vary(spec(&id, (Pattern::Tcc, Mode::Interactive), Vec::new()), dice));
    let mut steps = vec![Step::Begin(spec, 0)];
    for index in 0..dice.within(1, 3) {
        let name = format!("b{index}");
        let branch = if dice.one_in(4) {
            hold_branch(&name, dice)
        } else {
            call(&name, (Pattern::Tcc, Mode::Interactive), dice)
        };
        steps.push(Step::Join(id.clone(), Arc::new(branch)));
    }
    if dice.one_in(5) {
        // Its initiator is gone: the deadline decides.
        return vec![actor("initiator", start(dice), steps)];
    }
    if dice.one_in(8) {
        // A branch that nobody tried is confirmed all the same.
        let untried = Arc::new(call("untried", (Pattern::Tcc, Mode::Interactive), dice));
        steps.push(Step::Act(id.clone(), Some(Command::Register(untried))));
        steps.push(Step::Act(id, Some(Command::Confirm)));
        return vec![actor("initiator", start(dice), steps)];
    }
    steps.extend([think(dice), Step::Decide(id.clone())]);
    if dice.one_in(3) {
        steps.push(Step::Decide(id.clone()));
    }
    if dice.one_in(4) {
        steps.push(Step::Act(id, Some(Command::Cancel { detail: None })));
    }
    vec![actor("initiator", start(dice), steps)]
}

/// Somebody who gives a transaction up by force, now and then.
fn stopper(spec: &Spec, (dice, at): (&mut Dice, i64)) -> Option<Actor> {
    let stop = Command::Stop { detail: Arc::from("by hand") };
    let steps = vec![Step::Act(spec.id.clone(), Some(stop))];
    dice.one_in(6).then(|| actor("stopper", at + dice.delay(3_000_000), steps))
}

/// An XA: its participants prepare, run by us or by its initiator.
pub(super) fn xa(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let mode = *dice.pick(&[Mode::Managed, Mode::Interactive]);
    let shape = (Pattern::Xa, mode);
    let id: Arc<str> = Arc::from(format!("a{number}"));
    let mut branches: Vec<_> =
        (0..dice.within(1, 3)).map(|index| Arc::new(call(&format!("b{index}"), shape, dice))).collect();
    let joined = if mode == Mode::Interactive { std::mem::take(&mut branches) } else { Vec::new() };
    let spec = Arc::new(vary(spec(&id, shape, branches), dice));
    let mut steps = vec![Step::Begin(spec.clone(), 0)];
    steps.extend(joined.into_iter().map(|branch| Step::Join(id.clone(), branch)));
    match mode {
        Mode::Managed => steps.extend(afterwards(&spec, dice)),
        Mode::Interactive if dice.one_in(5) => {}
        Mode::Interactive => steps.extend([think(dice), Step::Decide(id.clone()), Step::Act(id, None)]),
    }
    let at = start(dice);
    let stopper = stopper(&spec, (dice, at));
    std::iter::once(actor("initiator", at, steps)).chain(stopper).collect()
}

/// A saga.
pub(super) fn saga(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let id = format!("s{number}");
    let count = dice.within(1, 4);
    let branches =
        (0..count).map(|index| Arc::new(call(&format!("b{index}"), (Pattern::Saga, Mode::Managed), dice)));
    let branches = branches.collect();
    let spec = vary(spec(&id, (Pattern::Saga, Mode::Managed), branches), dice);
    let spec = Arc::new(if dice.one_in(3) { foreign(spec, dice) } else { spec });
    let mut steps = vec![Step::Begin(spec.clone(), 0)];
    steps.extend(afterwards(&spec, dice));
    let at = start(dice);
    let stopper = stopper(&spec, (dice, at));
    std::iter::once(actor("initiator", at, steps)).chain(stopper).collect()
}

fn deliveries(dice: &mut Dice, mode: Mode) -> Vec<Arc<BranchSpec>> {
    let count = dice.within(1, 2);
    (0..count).map(|index| Arc::new(call(&format!("b{index}"), (Pattern::Message, mode), dice))).collect()
}

/// A message that is submitted at once.
pub(super) fn message(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let branches = deliveries(dice, Mode::Managed);
    let spec = vary(spec(&format!("m{number}"), (Pattern::Message, Mode::Managed), branches), dice);
    let spec = Arc::new(if dice.one_in(2) { foreign(spec, dice) } else { spec });
    vec![actor("initiator", start(dice), vec![Step::Begin(spec.clone(), 0), Step::Begin(spec, 0)])]
}

/// A prepared message: submitted, aborted, or left to its check-back, or to its time where nobody can be asked.
pub(super) fn prepared(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let branches = deliveries(dice, Mode::Interactive);
    let spec = vary(spec(&format!("p{number}"), (Pattern::Message, Mode::Interactive), branches), dice);
    let after_ms = *dice.pick(&[100, 600, 2_000]);
    let spec = Arc::new(match dice.below(4) {
        0 => Spec { deadline_ms: Some(after_ms), ..foreign(spec, dice) },
        1 => check(foreign(spec, dice), after_ms),
        _ => check(spec, after_ms),
    });
    let mut steps = vec![Step::Begin(spec.clone(), 0), think(dice)];
    match dice.below(4) {
        0 => steps.push(Step::Act(spec.id.clone(), Some(Command::Confirm))),
        1 => steps.push(Step::Act(spec.id.clone(), Some(Command::Cancel { detail: None }))),
        _ => {}
    }
    steps.push(Step::Act(spec.id.clone(), None));
    vec![actor("initiator", start(dice), steps)]
}

/// A signal, or a confirm, that meets the deadline within a millisecond.
pub(super) fn race(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let id: Arc<str> = Arc::from(format!("r{number}"));
    let is_managed = dice.one_in(2);
    let (mode, branches) = if is_managed {
        (Mode::Managed, vec![Arc::new(awaited("pay")), Arc::new(hold_branch("points", dice))])
    } else {
        (Mode::Interactive, vec![Arc::new(hold_branch("points", dice))])
    };
    let mut spec = spec(&id, (Pattern::Tcc, mode), branches);
    spec.deadline_ms = Some(*dice.pick(&[200, 700, 1_500]));
    let at_last = if is_managed {
        Command::Signal { branch: Arc::from("pay"), signal: Signal::Done, result: None }
    } else {
        Command::Confirm
    };
    let steps = vec![
        Step::Begin(Arc::new(spec), 0),
        Step::UntilDeadline(id.clone(), dice.within(-900, 900)),
        Step::Act(id.clone(), Some(at_last)),
        Step::Act(id, None),
    ];
    vec![actor("racer", start(dice), steps)]
}

/// A transaction with a cooling-off window, and perhaps somebody who withdraws in it.
pub(super) fn cooling(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let id: Arc<str> = Arc::from(format!("c{number}"));
    let branches = vec![Arc::new(hold_branch("points", dice)), Arc::new(any_branch(1, dice))];
    let mut spec = vary(spec(&id, (Pattern::Tcc, Mode::Managed), branches), dice);
    spec.cooling_off_ms = *dice.pick(&[200, 1_000, 3_000]);
    let (spec, at) = (Arc::new(spec), start(dice));
    let mut actors = signals(&id, &spec.branches, (dice, at));
    actors.push(actor("initiator", at, vec![Step::Begin(spec, 0), think(dice), Step::Act(id.clone(), None)]));
    if dice.one_in(2) {
        let withdraw = Step::Act(id.clone(), Some(Command::Cancel { detail: None }));
        let twice = vec![withdraw.clone(), think(dice), withdraw];
        actors.push(actor("withdrawer", at + dice.within(0, 3_500_000), twice));
    }
    actors
}
