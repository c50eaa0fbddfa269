//! Initiators, operators and readers: each does its steps one after another and asks again until it is answered.
//!
//! Read next: `script/`, which says what they set out to do.

use std::sync::Arc;

use engine::{Act, Begin, Filter, Key, Question, TimelineQuery};
use transaction::{Command, Kind, Operation, Refusal, Reply, Trace, Transaction};

use super::happening::Happening;
use super::{Stage, World};
use crate::auditor::{Asked, Told, host_of};
use crate::dice::Dice;
use crate::participant::{Delivery, digest};
use crate::plan::Fault;
use crate::process::Ask;
use crate::script::{Change, Step};
use crate::sight::Sight;
use crate::violation::{Judged, Must};

/// How long an actor waits before it asks again, in microseconds.
const PATIENCE: i64 = 1_500_000;

/// Where an actor stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    step: usize,
    attempt: u32,
    /// The step has come to the participant's part.
    is_trying: bool,
    /// A try was refused, or a branch was not taken.
    is_refused: bool,
    /// The last step was told as done.
    is_sure: bool,
    /// The next request is not under way: it is there.
    is_at_once: bool,
    pub(crate) is_done: bool,
}

impl World<'_> {
    fn step_of(&self, actor: usize) -> Option<&Step> {
        self.actors[actor].steps.get(self.standings[actor].step)
    }

    /// An actor goes on with its next step.
    pub(super) fn acts(&mut self, actor: usize, step: usize) -> Judged {
        if self.standings[actor].step != step {
            return Ok(());
        }
        let now = self.now();
        let Some(step) = self.step_of(actor).cloned() else {
            self.standings[actor].is_done = true;
            if actor == 0 && self.stage == Stage::Setup {
                self.begin_activity();
            }
            return Ok(());
        };
        match step {
            Step::Wait(micros) => self.next_step(actor, now + micros),
            Step::UntilDeadline(id, offset) => {
                let at = self.deadline_of(&id).map_or(now, |deadline| (deadline + offset).max(now));
                self.standings[actor].is_at_once = true;
                self.next_step(actor, at);
            }
            // What may not have come the first time is not forged.
            Step::Forge(_) | Step::Change(_, Change::Forged) if !self.standings[actor].is_sure => {
                self.next_step(actor, now);
            }
            _ => self.ask(actor)?,
        }
        Ok(())
    }

    fn next_step(&mut self, actor: usize, at: i64) {
        let standing = &mut self.standings[actor];
        standing.step += 1;
        (standing.attempt, standing.is_trying) = (0, false);
        let step = standing.step;
        self.queue.put(at, Happening::Act(actor, step));
    }

    /// When the deadline of a transaction comes, in true time.
    fn deadline_of(&self, id: &str) -> Option<i64> {
        let book = self.auditor.books.transaction_of(id)?;
        let at = book.begun.at.plus_ms(book.spec.deadline_ms?);
        Some(self.life.as_ref()?.clock.when(at))
    }

    fn ask(&mut self, actor: usize) -> Judged {
        let standing = &mut self.standings[actor];
        standing.attempt += 1;
        let ask: Ask = (actor, standing.step, standing.attempt);
        let is_at_once = std::mem::take(&mut standing.is_at_once);
        self.floors.insert(ask, self.auditor.told_up_to());
        self.queue.put(self.now() + PATIENCE, Happening::Impatience(ask));
        if is_at_once {
            return self.requested(ask);
        }
        if self.standings[actor].is_trying
            && let Some(own) = self.own_delivery(actor)
        {
            self.send_own_try(ask, own);
        } else {
            self.send_request(ask);
        }
        Ok(())
    }

    /// The participant's part of joining a branch.
    fn own_delivery(&self, actor: usize) -> Option<(String, Delivery)> {
        let Some(Step::Join(transaction, branch)) = self.step_of(actor) else { return None };
        let Kind::Call(call) = &branch.kind else { return None };
        let host = host_of(call.urls.confirm.as_ref()?).to_owned();
        let pattern = self.auditor.books.transaction_of(transaction)?.spec.pattern;
        let delivery = Delivery {
            transaction: transaction.clone(),
            branch: branch.id.clone(),
            operation: Operation::Try.name(pattern),
        };
        Some((host, delivery))
    }

    /// An actor has waited long enough.
    pub(super) fn impatient(&mut self, ask: Ask) -> Judged {
        let (actor, step, attempt) = ask;
        let standing = &mut self.standings[actor];
        if standing.is_done || (standing.step, standing.attempt) != (step, attempt) {
            return Ok(());
        }
        let key = [actor as u64, step as u64, u64::from(attempt)];
        let mut dice = Dice::of(self.plan.seed, "patience", &key);
        if self.stage == Stage::Active && self.plan.strikes(Fault::Careless, &mut dice) {
            standing.is_sure = false;
            // Who does not know whether a branch was tried must not confirm.
            standing.is_refused |= matches!(self.actors[actor].steps.get(step), Some(Step::Join(..)));
            self.next_step(actor, self.now());
            return Ok(());
        }
        self.ask(actor)
    }

    /// An answer reaches the actor who asked.
    pub(super) fn answered(&mut self, ask: Ask, told: &Told) -> Judged {
        let (actor, step, _) = ask;
        let standing = &self.standings[actor];
        let is_own = matches!(told, Told::Tried(_));
        if standing.is_done || standing.step != step || standing.is_trying != is_own {
            return Ok(());
        }
        let now = self.now();
        if told.is_not_now() || matches!(told, Told::Tried(Reply::Unknown { .. } | Reply::InProgress)) {
            let mut dice = Dice::of(self.plan.seed, "again", &[actor as u64, now.cast_unsigned()]);
            self.queue.put(now + dice.within(50_000, 400_000), Happening::Act(actor, step));
            // Whoever is impatient meanwhile asks too: that is how people are.
            return Ok(());
        }
        let Some(step) = self.step_of(actor).cloned() else { return Ok(()) };
        self.standings[actor].is_sure = is_done(told);
        match (&step, told) {
            (Step::Forge(spec), Told::Transaction(Ok(_))) => {
                return false.must("P20", || format!("{} was taken with other content", spec.id));
            }
            (Step::Change(_, Change::Forged), Told::Changed(Ok(changed))) => {
                changed.results.iter().any(Result::is_err).must("P20", || {
                    format!("a known id was taken with other content: {:?}", changed.results)
                })?;
            }
            (Step::Join(_, branch), Told::Transaction(Ok(_))) if matches!(branch.kind, Kind::Call(_)) => {
                self.standings[actor].is_trying = true;
                return self.ask(actor);
            }
            (Step::Join(..), Told::Transaction(Err(_)) | Told::Tried(Reply::Refused { .. })) => {
                self.standings[actor].is_refused = true;
            }
            _ => {}
        }
        self.next_step(actor, now);
        Ok(())
    }

    /// A request reaches the process.
    pub(super) fn requested(&mut self, ask: Ask) -> Judged {
        if self.is_paused_for(|| Happening::Request(ask)) {
            return Ok(());
        }
        let (actor, index, _) = ask;
        let Some(step) = self.actors[actor].steps.get(index) else { return Ok(()) };
        let is_refused = self.standings[actor].is_refused;
        let Some(life) = &self.life else { return Ok(()) };
        self.transcript.tell(self.time.now(), actor as u64 ^ (index as u64) << 8, || {
            format!("ask    {} {}", self.actors[actor].name, said(step))
        });
        submit(life.stepped.engine(), (step, is_refused), (ask, &self.trays));
        self.drive()
    }

    /// An answer that left the process, judged and sent on.
    pub(super) fn tells(&mut self, ask: Ask, told: Told) -> Judged {
        let asked = asked(&self.actors[ask.0].steps, ask);
        let floor = self.floors.get(&ask).copied().unwrap_or(0);
        self.transcript.tell(self.time.now(), digest(code(&told)), || {
            format!("told   {} {}", self.actors[ask.0].name, shown(&told))
        });
        if matches!(&told, Told::Transaction(Ok(answer)) if answer.transaction.phase.is_final())
            && matches!(self.actors[ask.0].steps.get(ask.1), Some(Step::Begin(_, wait)) if *wait > 0)
        {
            self.auditor.sights.see(Sight::HeldAnswer);
        }
        self.auditor.tells(&asked, &told, floor)?;
        let is_new = matches!(asked, Asked::Begin(_) | Asked::Change(..)) && told.refusal().is_none();
        if is_new && std::mem::take(&mut self.awaits_room) {
            self.auditor.sights.see(Sight::FullWentOn);
        }
        self.send_answer(ask, told);
        Ok(())
    }
}

/// What an answer to this request is judged as.
fn asked(steps: &[Step], (actor, step, _): Ask) -> Asked<'_> {
    match steps.get(step) {
        Some(Step::Begin(spec, _)) => Asked::Begin(spec),
        Some(Step::Forge(_) | Step::Change(_, Change::Forged)) => Asked::Forged,
        // Whether to confirm or to cancel depends on how the tries went.
        Some(Step::Join(id, _) | Step::Decide(id)) => Asked::Act(id, None),
        Some(Step::Act(id, command)) => Asked::Act(id, command.as_ref()),
        Some(Step::Change(batch, change)) => {
            let key = (*change == Change::Keyed).then(|| scope_of((actor, step)));
            Asked::Change(batch, change.run(), key)
        }
        _ => Asked::Other,
    }
}

/// Hands a step to the engine; what it answers lies in the tray.
fn submit(
    engine: &engine::Engine,
    (step, is_refused): (&Step, bool),
    (ask, trays): (Ask, &crate::process::Trays),
) {
    let tray = trays.told.clone();
    let answer = move |told: Result<engine::Answer, Refusal>| tray.put((ask, Told::Transaction(told)));
    let act = |id: &Arc<str>, command| Act {
        id: id.clone(),
        command,
        key: None,
        wait_ms: 0,
        until: engine::Until::Final,
    };
    match step {
        Step::Wait(_) | Step::UntilDeadline(..) => {}
        Step::Begin(spec, wait_ms) => {
            let begin = Begin {
                spec: spec.clone(),
                trace: Trace::default(),
                key: None,
                wait_ms: *wait_ms,
                until: engine::Until::Final,
            };
            engine.begin(begin, Box::new(answer));
        }
        Step::Forge(spec) => {
            let begin = Begin {
                spec: spec.clone(),
                trace: Trace::default(),
                key: None,
                wait_ms: 0,
                until: engine::Until::Final,
            };
            engine.begin(begin, Box::new(answer));
        }
        Step::Join(id, branch) => {
            engine.act(act(id, Some(Command::Register(branch.clone()))), Box::new(answer));
        }
        Step::Decide(id) => {
            let cancel = Command::Cancel { detail: None };
            let command = if is_refused { cancel } else { Command::Confirm };
            engine.act(act(id, Some(command)), Box::new(answer));
        }
        Step::Act(id, command) => engine.act(act(id, command.clone()), Box::new(answer)),
        Step::Change(batch, how) => {
            let tray = trays.told.clone();
            let key = Key { scope: scope_of((ask.0, ask.1)), fingerprint: [1; 32] };
            let key = (*how == Change::Keyed).then_some(key);
            let change = engine::Change { batch: batch.clone(), run: how.run(), key };
            engine.change(change, Box::new(move |told| tray.put((ask, Told::Changed(told)))));
        }
        Step::Account(id) => {
            let tray = trays.told.clone();
            let question = Question::Account(id.clone(), None);
            engine.ask(question, Box::new(move |told| tray.put((ask, Told::Seen(told)))));
        }
        Step::Timeline(id) => {
            let tray = trays.told.clone();
            let query = TimelineQuery { id: id.clone(), limit: 50, cursor: None };
            let listed = move |told: Result<engine::Timeline, Refusal>| {
                tray.put((ask, Told::Listed(told.map(|timeline| timeline.sequence))));
            };
            engine.timeline(query, Box::new(listed));
        }
        Step::List => {
            let tray = trays.told.clone();
            let filter = Filter { limit: 20, ..Filter::default() };
            let listed = move |told: Result<engine::Page, Refusal>| {
                tray.put((ask, Told::Listed(told.map(|page| page.sequence))));
            };
            engine.list(filter, Box::new(listed));
        }
    }
}

/// The idempotency key of a step.
fn scope_of((actor, step): (usize, usize)) -> Arc<str> {
    Arc::from(format!("change:{actor}:{step}"))
}

/// What was asked has been done.
fn is_done(told: &Told) -> bool {
    match told {
        Told::Changed(Ok(changed)) => changed.results.iter().all(Result::is_ok),
        other => other.refusal().is_none(),
    }
}

fn said(step: &Step) -> String {
    match step {
        Step::Begin(spec, _) => format!("begins {} ({} branches)", spec.id, spec.branches.len()),
        Step::Forge(spec) => format!("begins {} with other content", spec.id),
        Step::Join(id, branch) => format!("joins {}/{}", id, branch.id),
        Step::Decide(id) => format!("decides {id}"),
        Step::Act(id, Some(command)) => format!("asks {command:?} of {id}"),
        Step::Act(id, None) => format!("reads {id}"),
        Step::Change(batch, how) => {
            let members: Vec<_> =
                (0..batch.len()).filter_map(|index| batch.get(index)).map(|c| brief(&c)).collect();
            format!("changes ({how:?}) {}", members.join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// A member of a batch in few words.
fn brief(command: &ledger::Command<&str>) -> String {
    use ledger::Command as C;
    match command {
        C::Asset(asset) => format!("asset {}", asset.code),
        C::Open(open) => format!("open {}", open.id),
        C::Adjust(adjust) => format!("adjust {}", adjust.account),
        C::Entry(e) => {
            format!("entry {} of {:?} {}->{} {:?} {:?}", e.id, e.amount, e.from, e.to, e.expiry, e.linked)
        }
        C::Hold(h) => format!("hold {} of {:?} in {} {:?}", h.id, h.amount, h.from, h.expiry),
        C::Capture(capture) => format!("capture {} {:?} of {}", capture.id, capture.amount, capture.hold),
        C::Release(release) => format!("release {}", release.hold),
        C::Reopen(reopen) => format!("reopen {}", reopen.hold),
        C::Declare(declare) => format!("declare {}", declare.machine.name),
        C::Create(create) => format!("create {}", create.id),
        C::Move(moved) => format!("move {} {} as {}", moved.item, moved.name, moved.id),
    }
}

fn code(told: &Told) -> &'static str {
    match told {
        Told::Transaction(Ok(answer)) => answer.transaction.state_name(),
        other => other.refusal().map_or("done", |refusal| refusal.kind.code),
    }
}

fn shown(told: &Told) -> String {
    let state = |transaction: &Transaction| transaction.state_name();
    match told {
        Told::Transaction(Ok(answer)) => format!(
            "{} {} at event {}",
            answer.transaction.spec.id,
            state(&answer.transaction),
            answer.sequence
        ),
        Told::Changed(Ok(changed)) => {
            let words = changed.results.iter().map(|result| match result {
                Ok(outcome) => outcome.done.name(),
                Err(refusal) => refusal.kind.code,
            });
            format!("{:?} at event {}", words.collect::<Vec<_>>(), changed.sequence)
        }
        Told::Seen(Ok(seen)) => format!("{:?} at event {}", seen.value, seen.sequence),
        Told::Listed(Ok(sequence)) => format!("as of event {sequence}"),
        Told::Tried(reply) => format!("{reply:?}"),
        refused => refused.refusal().map_or_else(String::new, ToString::to_string),
    }
}
