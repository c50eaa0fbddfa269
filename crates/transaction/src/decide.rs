//! The rules: what a command does to a transaction, and what a reached state demands by itself.
//!
//! Pure. Refuses or answers events; never changes the transaction, [`carry_out`] apart, which folds as it goes.
//! A duplicate of what was already kept answers no events: the first answer stands.

use std::sync::Arc;

use crate::refusal as r;
use crate::retry::delay_ms;
use crate::turn::was_started;
use crate::{
    Branch, BranchSpec, BranchState, Command, Decision, Event, Kind, Mode, Operation, Pattern, Phase,
    Progress, Protocol, Reason, ReasonCode, Refusal, Reply, Signal, Spec, Time, Trace, Transaction,
    validate_branch,
};

/// Begins a transaction: the state after its first event. `spec` has passed [`crate::validate`].
#[must_use]
pub fn begin(number: u64, at: Time, (spec, trace): (&Arc<Spec>, Trace)) -> (Event, Transaction) {
    let kept = Arc::clone(spec);
    let event = match spec.terms {
        None => Event::Begun { spec: kept, trace },
        Some(_) => Event::BegunWith { spec: kept, trace },
    };
    (event, Transaction::begun(number, at, (spec, trace)))
}

/// What carrying out needs of the one who drives: the journal to be, and the ledger for branches of its own.
pub trait Desk {
    /// Keeps an event of the transaction; answers its sequence.
    fn keep(&mut self, event: &Event) -> u64;
    /// Carries out the try of a local branch: *done* or *refused*, never anything else.
    fn attempt(&mut self, transaction: &Transaction, branch: u16) -> Reply;
    /// A local branch is confirmed or cancelled: does what that means. Cannot be refused: its try has seen to that.
    fn settle(&mut self, transaction: &Transaction, branch: u16, decision: Decision);
}

/// A plain recorder: a world without a ledger, where local branches are refused.
impl<F: FnMut(&Event) -> u64> Desk for F {
    fn keep(&mut self, event: &Event) -> u64 {
        self(event)
    }

    fn attempt(&mut self, _: &Transaction, _: u16) -> Reply {
        Reply::Refused { detail: Arc::from("there is no ledger here") }
    }

    fn settle(&mut self, _: &Transaction, _: u16, _: Decision) {}
}

/// Decides `command`, folds its events and all that follow from them, the ledger's share included.
///
/// # Errors
/// The refusal, in which case nothing was kept and nothing changed.
pub fn carry_out(
    transaction: &mut Transaction,
    command: &Command,
    now: Time,
    desk: &mut dyn Desk,
) -> Result<(), Refusal> {
    for event in decide(transaction, command, now)? {
        fold(transaction, &event, (desk, now));
    }
    unfold(transaction, now, desk);
    Ok(())
}

/// Folds whatever the reached state demands by itself, until nothing is left but to wait.
pub fn unfold(transaction: &mut Transaction, now: Time, desk: &mut dyn Desk) {
    loop {
        // A refusal decides before anything else is tried.
        let event = match (follow(transaction, now), local_try(transaction)) {
            (Some(event), _) => event,
            (None, Some(branch)) => {
                let reply = desk.attempt(transaction, branch);
                Event::Replied { branch, operation: Operation::Try, attempt: 1, reply, next_at: None }
            }
            (None, None) => return,
        };
        fold(transaction, &event, (desk, now));
    }
}

/// Keeps and folds one event, and settles the local branches that it confirmed or cancelled.
fn fold(transaction: &mut Transaction, event: &Event, (desk, now): (&mut dyn Desk, Time)) {
    let is_settled = |branch: &Branch| {
        branch.spec.kind.is_local() && matches!(branch.state, BranchState::Confirmed | BranchState::Cancelled)
    };
    // Nothing is copied for the many transactions without a local branch.
    let has_local = transaction.branches.iter().any(|branch| branch.spec.kind.is_local());
    let known: Vec<bool> = transaction.branches.iter().filter(|_| has_local).map(is_settled).collect();
    let sequence = desk.keep(event);
    transaction.apply(sequence, now, event);
    for (index, was_settled) in known.into_iter().enumerate() {
        let branch = &transaction.branches[index];
        let (Ok(at), false) = (u16::try_from(index), was_settled) else { continue };
        match branch.state {
            BranchState::Confirmed if is_settled(branch) => desk.settle(transaction, at, Decision::Confirm),
            BranchState::Cancelled if is_settled(branch) => desk.settle(transaction, at, Decision::Cancel),
            BranchState::Registered
            | BranchState::Trying
            | BranchState::Tried
            | BranchState::Refused
            | BranchState::Confirming
            | BranchState::Confirmed
            | BranchState::Cancelling
            | BranchState::Cancelled => {}
        }
    }
}

/// The local branch whose try is due.
fn local_try(transaction: &Transaction) -> Option<u16> {
    let is_due = |branch: &Branch| branch.state == BranchState::Trying && branch.spec.kind.is_local();
    let index = transaction.branches.iter().position(is_due).filter(|_| transaction.phase == Phase::Open)?;
    u16::try_from(index).ok()
}

/// The events that `command` causes directly; empty when it changes nothing.
///
/// # Errors
/// The refusal, when the command conflicts with the state or names what is not there.
pub fn decide(transaction: &Transaction, command: &Command, now: Time) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Register(spec) => register(transaction, spec),
        Command::Confirm => confirm(transaction, now),
        Command::Cancel { detail } => cancel(transaction, detail.as_ref()),
        Command::Progress(progress) => told(transaction, progress),
        Command::Conclude { decision, detail, result } => {
            conclude(transaction, (*decision, detail.as_ref(), result.as_ref()), now)
        }
        Command::Stop { detail } => stop(transaction, detail),
        Command::Signal { branch, signal, result } => signal_branch(transaction, branch, (*signal, result)),
        Command::Retry => retry(transaction),
        Command::Replied { branch, operation, attempt, reply, seed } => Ok(match branch {
            Some(index) => replied(
                transaction,
                Asked { index: *index, operation: *operation, attempt: *attempt },
                reply,
                (now, *seed),
            ),
            None => checked(transaction, *attempt, reply, (now, *seed)),
        }),
        Command::Due => Ok(due(transaction, now)),
    }
}

/// What the state demands by itself: the next event that nobody has to ask for.
#[must_use]
pub fn follow(transaction: &Transaction, now: Time) -> Option<Event> {
    let branches = &transaction.branches;
    match transaction.phase {
        Phase::Open => {
            if let Some(index) = branches.iter().position(|branch| branch.state == BranchState::Refused) {
                return Some(refused(transaction, index));
            }
            let decides = transaction.spec.mode == Mode::Managed
                && (transaction.spec.pattern == Pattern::Message
                    || branches.iter().all(|branch| branch.state == BranchState::Tried));
            decides.then(|| all_tried(transaction, now))
        }
        Phase::Cooling | Phase::Confirmed | Phase::Cancelled | Phase::Stopped => None,
        Phase::Confirming => {
            let settled = match transaction.spec.pattern {
                Pattern::Tcc | Pattern::Message | Pattern::Xa | Pattern::Workflow => BranchState::Confirmed,
                Pattern::Saga => BranchState::Tried,
            };
            branches.iter().all(|branch| branch.state == settled).then_some(Event::Finished)
        }
        Phase::Cancelling => {
            let all_undone = branches.iter().all(|branch| match transaction.spec.pattern {
                Pattern::Tcc | Pattern::Xa => branch.state == BranchState::Cancelled,
                Pattern::Saga => branch.state == BranchState::Cancelled || !was_started(transaction, branch),
                Pattern::Message | Pattern::Workflow => true,
            });
            all_undone.then_some(Event::Finished)
        }
    }
}

fn all_tried(transaction: &Transaction, now: Time) -> Event {
    if transaction.spec.cooling_off_ms > 0 && transaction.spec.pattern == Pattern::Tcc {
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::CoolingCutShort) {
            return Event::Decided { decision: Decision::Confirm, reason: None };
        }
        Event::Cooled { until: now.plus_ms(transaction.spec.cooling_off_ms) }
    } else {
        Event::Decided { decision: Decision::Confirm, reason: None }
    }
}

fn refused(transaction: &Transaction, index: usize) -> Event {
    let branch = &transaction.branches[index];
    let detail = branch.pace.last_error.clone().unwrap_or_else(|| Arc::from("signalled as refused"));
    cancelled_because(ReasonCode::BranchRefused, u16::try_from(index).ok(), detail)
}

fn cancelled_because(code: ReasonCode, branch: Option<u16>, detail: Arc<str>) -> Event {
    Event::Decided { decision: Decision::Cancel, reason: Some(Reason { code, branch, detail }) }
}

fn register(transaction: &Transaction, spec: &Arc<BranchSpec>) -> Result<Vec<Event>, Refusal> {
    if let Some(index) = transaction.branch_index(&spec.id) {
        return if transaction.branches[usize::from(index)].spec == *spec {
            Ok(Vec::new())
        } else {
            Err(r::BRANCH_MISMATCH.because(format!("branch {} is registered with other content", spec.id)))
        };
    }
    if transaction.spec.mode == Mode::Managed {
        return Err(
            r::NOT_INTERACTIVE.because("a managed transaction names all its branches when it is begun")
        );
    }
    if transaction.phase != Phase::Open {
        return Err(decided_already(transaction));
    }
    let asked = &transaction.spec;
    validate_branch((asked.pattern, asked.mode, asked.protocol()), spec)?;
    if let Some(unknown) = spec.after.iter().find(|id| transaction.branch_index(id).is_none()) {
        return Err(r::AFTER_UNKNOWN
            .at("/after", format!("there is no branch {}", unknown.chars().take(64).collect::<String>())));
    }
    Ok(vec![Event::Registered(Arc::clone(spec))])
}

fn confirm(transaction: &Transaction, now: Time) -> Result<Vec<Event>, Refusal> {
    if transaction.phase == Phase::Stopped {
        return Err(decided_already(transaction));
    }
    match (transaction.decision, transaction.spec.mode) {
        (Some(Decision::Confirm), _) => return Ok(Vec::new()),
        (Some(Decision::Cancel), _) => return Err(decided_already(transaction)),
        (None, Mode::Managed) => {
            return Err(r::NOT_INTERACTIVE
                .because("the coordinator confirms a managed transaction when all its tries are done"));
        }
        (None, Mode::Interactive) => {}
    }
    if transaction.phase == Phase::Cooling {
        return Ok(Vec::new());
    }
    let unsignalled =
        |branch: &&Branch| branch.spec.kind == Kind::Await && branch.state != BranchState::Tried;
    if let Some(branch) = transaction.branches.iter().find(unsignalled) {
        return Err(r::NOT_ALL_TRIED.because(format!("branch {} has not been signalled", branch.spec.id)));
    }
    Ok(vec![all_tried(transaction, now)])
}

fn cancel(transaction: &Transaction, detail: Option<&Arc<str>>) -> Result<Vec<Event>, Refusal> {
    if transaction.phase == Phase::Stopped {
        return Err(decided_already(transaction));
    }
    let decision = transaction.decision;
    #[cfg(feature = "planted")]
    let decision = decision.filter(|_| !planted::is(planted::Bug::DecisionTurns));
    match decision {
        Some(Decision::Cancel) => Ok(Vec::new()),
        Some(Decision::Confirm) => Err(decided_already(transaction)),
        None => {
            let detail = detail.map_or_else(|| Arc::from("cancelled by request"), Arc::clone);
            Ok(vec![cancelled_because(ReasonCode::Withdrawn, None, detail)])
        }
    }
}

/// Keeps a step of a workflow; the same again changes nothing.
fn told(transaction: &Transaction, progress: &Arc<Progress>) -> Result<Vec<Event>, Refusal> {
    if transaction.spec.pattern != Pattern::Workflow {
        return Err(r::NOT_A_WORKFLOW.because(format!(
            "transaction {} is of pattern {}",
            transaction.spec.id,
            transaction.spec.pattern.name()
        )));
    }
    let is_it = |kept: &&Arc<Progress>| kept.step == progress.step && kept.operation == progress.operation;
    match transaction.progress.iter().find(is_it) {
        Some(kept) if kept == progress => Ok(Vec::new()),
        Some(_) => Err(r::BRANCH_MISMATCH
            .because(format!("step {} of this workflow was told of with other content", progress.step))),
        None if transaction.phase != Phase::Open => Err(decided_already(transaction)),
        None => Ok(vec![Event::Progressed(Arc::clone(progress))]),
    }
}

/// The end of a workflow, as its initiator tells it.
fn conclude(
    transaction: &Transaction,
    (decision, detail, result): (Decision, Option<&Arc<str>>, Option<&Arc<str>>),
    now: Time,
) -> Result<Vec<Event>, Refusal> {
    if transaction.spec.pattern != Pattern::Workflow {
        return Err(r::NOT_A_WORKFLOW.because(format!(
            "transaction {} is of pattern {}",
            transaction.spec.id,
            transaction.spec.pattern.name()
        )));
    }
    let decided = match decision {
        Decision::Confirm => confirm(transaction, now)?,
        Decision::Cancel => cancel(transaction, detail)?,
    };
    let resulted =
        result.filter(|_| !decided.is_empty()).map(|result| Event::Resulted { result: Arc::clone(result) });
    Ok(resulted.into_iter().chain(decided).collect())
}

/// Whatever has been done stays done; nothing more is called.
fn stop(transaction: &Transaction, detail: &Arc<str>) -> Result<Vec<Event>, Refusal> {
    if transaction.phase.is_final() {
        return Err(r::ALREADY_FINAL.because(format!("the transaction is {}", transaction.state_name())));
    }
    if transaction.branches.iter().any(|branch| branch.spec.kind.is_local()) {
        return Err(r::HOLDS_VALUE
            .because("what a branch holds in the ledger would stay held: cancel the transaction instead"));
    }
    Ok(vec![Event::Stopped { detail: Arc::clone(detail) }])
}

fn signal_branch(
    transaction: &Transaction,
    id: &str,
    (signal, result): (Signal, &Option<Arc<str>>),
) -> Result<Vec<Event>, Refusal> {
    let Some(index) = transaction.branch_index(id) else {
        return Err(
            r::BRANCH_UNKNOWN.because(format!("transaction {} has no branch {id}", transaction.spec.id))
        );
    };
    let branch = &transaction.branches[usize::from(index)];
    if branch.spec.kind != Kind::Await {
        return Err(r::NOT_AWAITED.because(format!("branch {id} is of kind {}", branch.spec.kind.name())));
    }
    match branch.signal {
        Some(first) if first == signal => Ok(Vec::new()),
        Some(_) => {
            Err(r::ALREADY_SIGNALLED
                .because(format!("branch {id} was signalled before, with the other outcome")))
        }
        None if transaction.phase != Phase::Open => Err(decided_already(transaction)),
        None => Ok(vec![Event::Signalled { branch: index, signal, result: result.clone() }]),
    }
}

fn retry(transaction: &Transaction) -> Result<Vec<Event>, Refusal> {
    if transaction.phase.is_final() {
        return Err(r::ALREADY_FINAL.because(format!("the transaction is {}", transaction.state_name())));
    }
    Ok(vec![Event::Retried])
}

fn due(transaction: &Transaction, now: Time) -> Vec<Event> {
    #[cfg(feature = "planted")]
    let now = if planted::is(planted::Bug::DeadlineLate) { Time(now.0 - 1_000_000) } else { now };
    let is_over = |end: Option<Time>| end.is_some_and(|end| end <= now);
    match transaction.phase {
        #[cfg(feature = "planted")]
        Phase::Cooling
            if planted::is(planted::Bug::DeadlineInCooling) && is_over(transaction.deadline_at()) =>
        {
            vec![cancelled_because(ReasonCode::DeadlinePassed, None, Arc::from("planted"))]
        }
        // Where nobody can be asked back, another protocol has silence as consent.
        Phase::Open
            if transaction.spec.pattern == Pattern::Message
                && transaction.spec.check.is_none()
                && is_over(transaction.deadline_at()) =>
        {
            vec![Event::Decided { decision: Decision::Confirm, reason: None }]
        }
        Phase::Open if is_over(transaction.deadline_at()) => {
            let ms = transaction.spec.deadline_ms.unwrap_or_default();
            let waiting = transaction.branches.iter().find(|branch| branch.state == BranchState::Trying);
            let on = waiting
                .map_or_else(String::new, |branch| format!(", branch {} had not answered", branch.spec.id));
            let detail = Arc::from(format!("not decided within {ms} ms{on}"));
            vec![cancelled_because(ReasonCode::DeadlinePassed, None, detail)]
        }
        Phase::Cooling if is_over(transaction.cooling_until) => {
            vec![Event::Decided { decision: Decision::Confirm, reason: None }]
        }
        Phase::Open
        | Phase::Cooling
        | Phase::Confirming
        | Phase::Cancelling
        | Phase::Confirmed
        | Phase::Cancelled
        | Phase::Stopped => Vec::new(),
    }
}

/// The call that a reply answers.
#[derive(Clone, Copy)]
struct Asked {
    index: u16,
    operation: Operation,
    attempt: u32,
}

fn replied(transaction: &Transaction, asked: Asked, reply: &Reply, (now, seed): (Time, u64)) -> Vec<Event> {
    let Asked { index, operation, attempt } = asked;
    let Some(branch) = transaction.branches.get(usize::from(index)) else { return Vec::new() };
    if attempt <= branch.attempts.of(operation) || branch.url(operation).is_none() {
        return Vec::new(); // this attempt has been answered, or was never made
    }
    let event = |next_at| Event::Replied { branch: index, operation, attempt, reply: reply.clone(), next_at };
    let is_under_way = branch.operation() == Some(operation)
        && transaction.phase != Phase::Stopped
        && (operation != Operation::Try || transaction.phase == Phase::Open);
    if !is_under_way {
        return vec![event(None)]; // kept for the timeline; decides nothing any more
    }
    #[cfg(feature = "planted")]
    let reply = &planted_reply(operation, reply);
    let outcome = Outcome::of(operation, reply);
    let failures = branch.pace.failures.saturating_add(1);
    let limit = transaction.spec.terms.as_ref().map_or(0, |terms| terms.retry_limit);
    if let (Outcome::Unknown(error), Operation::Try, 1..) = (&outcome, operation, limit) {
        if failures <= limit {
            return vec![event(None)]; // asked again at once
        }
        let detail = Arc::from(format!("failed {failures} times, {limit} repeats are allowed: {error}"));
        return vec![event(None), cancelled_because(ReasonCode::RetriesExhausted, Some(index), detail)];
    }
    let Some(delay) = outcome.delay(transaction, (failures, branch.pace.needs_attention), seed) else {
        return vec![event(None)];
    };
    let mut events = vec![event(Some(now.plus_ms(delay)))];
    if let Some(why) = outcome.attention(transaction, failures).filter(|_| !branch.pace.needs_attention) {
        events.push(Event::AttentionRaised { branch: Some(index), operation, why });
    }
    events
}

fn checked(transaction: &Transaction, attempt: u32, reply: &Reply, (now, seed): (Time, u64)) -> Vec<Event> {
    let Some(check) = &transaction.check else { return Vec::new() };
    if attempt <= check.attempts {
        return Vec::new();
    }
    let event = |next_at| Event::Checked { attempt, reply: reply.clone(), next_at };
    let failures = check.failures.saturating_add(1);
    let outcome = match (reply, transaction.spec.pattern) {
        // Who resumes a workflow tells its end itself: an answer alone decides nothing.
        (Reply::Done { .. }, Pattern::Workflow) => Outcome::AskAgain,
        (Reply::Refused { detail }, Pattern::Workflow) => Outcome::Unknown(detail),
        _ => Outcome::of(Operation::Check, reply),
    };
    if let Some(delay) = outcome.delay(transaction, (failures, check.needs_attention), seed) {
        let mut events = vec![event(Some(now.plus_ms(delay)))];
        if let Some(why) = outcome.attention(transaction, failures).filter(|_| !check.needs_attention) {
            events.push(Event::AttentionRaised { branch: None, operation: Operation::Check, why });
        }
        return events;
    }
    let decided = match reply {
        Reply::Refused { detail } => cancelled_because(ReasonCode::CheckRefused, None, Arc::clone(detail)),
        Reply::Done { .. } | Reply::InProgress | Reply::Unknown { .. } => {
            Event::Decided { decision: Decision::Confirm, reason: None }
        }
    };
    vec![event(None), decided]
}

#[cfg(feature = "planted")]
fn planted_reply(operation: Operation, reply: &Reply) -> Reply {
    match (operation, reply) {
        (Operation::Try, Reply::Unknown { error }) if planted::is(planted::Bug::UnknownIsRefused) => {
            Reply::Refused { detail: Arc::clone(error) }
        }
        (Operation::Confirm, Reply::Refused { .. }) if planted::is(planted::Bug::RefusedConfirmIsDone) => {
            Reply::Done { result: None }
        }
        _ => reply.clone(),
    }
}

/// What a reply means for the operation that was asked.
enum Outcome<'a> {
    /// It settles the operation.
    Settled,
    /// Ask again at the same pace.
    AskAgain,
    /// Ask again with back-off; decides nothing.
    Unknown(&'a Arc<str>),
    /// A refusal where none is possible: unknown, and a person should look at once.
    Impossible(&'a Arc<str>),
}

impl<'a> Outcome<'a> {
    fn of(operation: Operation, reply: &'a Reply) -> Outcome<'a> {
        match (reply, operation) {
            (Reply::Done { .. }, _) | (Reply::Refused { .. }, Operation::Try | Operation::Check) => {
                Outcome::Settled
            }
            (Reply::Refused { detail }, Operation::Confirm | Operation::Cancel) => {
                Outcome::Impossible(detail)
            }
            (Reply::InProgress, _) => Outcome::AskAgain,
            (Reply::Unknown { error }, _) => Outcome::Unknown(error),
        }
    }

    /// Milliseconds until the operation is asked again; `None` when it is settled.
    fn delay(&self, transaction: &Transaction, (failures, attended): (u32, bool), seed: u64) -> Option<u64> {
        let retry = &transaction.spec.retry;
        match self {
            Outcome::Settled => None,
            Outcome::AskAgain => Some(delay_ms(retry, 1, seed)),
            // Who speaks another protocol expects its back-off, attention or not.
            Outcome::Unknown(_) | Outcome::Impossible(_) => {
                let waits_long = attended && transaction.spec.protocol() == Protocol::Tercet;
                Some(delay_ms(retry, if waits_long { u32::MAX } else { failures }, seed))
            }
        }
    }

    fn attention(&self, transaction: &Transaction, failures: u32) -> Option<Arc<str>> {
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::AttentionNeverRaised) {
            return None;
        }
        match self {
            Outcome::Settled | Outcome::AskAgain => None,
            Outcome::Unknown(error) => {
                (failures >= transaction.spec.retry.attention_after).then(|| Arc::clone(error))
            }
            Outcome::Impossible(detail) => Some(Arc::clone(detail)),
        }
    }
}

fn decided_already(transaction: &Transaction) -> Refusal {
    let decision = match (transaction.decision, transaction.phase) {
        (Some(decision), _) => decision.name(),
        (None, Phase::Stopped) => "none, it was given up by force",
        (None, _) => "confirm, cooling off",
    };
    r::ALREADY_DECIDED.because(format!(
        "transaction {} is {}: the decision is {decision}",
        transaction.spec.id,
        transaction.state_name()
    ))
}
