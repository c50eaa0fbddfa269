//! Random histories: whatever comes in whatever order, the promises of a transaction hold.

mod support;

use std::sync::Arc;

use proptest::prelude::*;
use support::{Driven, awaited, call, done, refused, spec, unknown, with_order};
use transaction::{
    BranchState, Command, Decision, Event, Kept, Mode, Operation, Order, Pattern, Reply, Signal,
};

#[derive(Clone, Debug)]
enum Step {
    Reply(usize, Operation, Reply),
    Confirm,
    Cancel,
    Signal(Signal),
    Retry,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let reply = prop_oneof![4 => Just(done()), 1 => Just(refused()), 2 => Just(unknown()), 1 => Just(Reply::InProgress)];
    let operation = prop_oneof![
        Just(Operation::Try),
        Just(Operation::Confirm),
        Just(Operation::Cancel),
        Just(Operation::Check)
    ];
    prop_oneof![
        12 => (0..4_usize, operation, reply).prop_map(|(branch, operation, reply)| Step::Reply(branch, operation, reply)),
        1 => Just(Step::Confirm),
        1 => Just(Step::Cancel),
        1 => prop_oneof![Just(Signal::Done), Just(Signal::Refused)].prop_map(Step::Signal),
        1 => Just(Step::Retry),
        2 => (0..20_000_u64).prop_map(Step::Wait),
    ]
}

fn begun() -> impl Strategy<Value = Driven> {
    let pattern = prop_oneof![Just(Pattern::Tcc), Just(Pattern::Saga), Just(Pattern::Message)];
    let mode = prop_oneof![Just(Mode::Managed), Just(Mode::Interactive)];
    let order = prop_oneof![Just(Order::Parallel), Just(Order::Sequential)];
    (pattern, mode, order, 0..2_u64).prop_map(|(pattern, mode, order, cools)| {
        let mut branches = vec![call("a", &[]), call("b", &["a"]), call("c", &[])];
        if pattern != Pattern::Message {
            branches.push(awaited("pay", &[]));
        }
        let mut asked = with_order(spec(pattern, mode, branches), order);
        asked.cooling_off_ms = if pattern == Pattern::Tcc { cools * 5_000 } else { 0 };
        Driven::begin(asked)
    })
}

impl std::fmt::Debug for Driven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.kept)
    }
}

fn take(driven: &mut Driven, step: Step) {
    let outcome = match step {
        Step::Reply(_, Operation::Check, reply) => Ok(driven.check_reply(reply)),
        Step::Reply(branch, operation, reply) => {
            let id = driven.now.branches[branch % driven.now.branches.len()].spec.id.to_string();
            Ok(driven.reply(&id, operation, reply))
        }
        Step::Confirm => driven.ask(Command::Confirm),
        Step::Cancel => driven.ask(Command::Cancel { detail: None }),
        Step::Signal(signal) => {
            driven.ask(Command::Signal { branch: Arc::from("pay"), signal, result: None })
        }
        Step::Retry => driven.ask(Command::Retry),
        Step::Wait(ms) => driven.wait_ms(ms).ask(Command::Due),
    };
    drop(outcome); // a refusal is a legal answer; that it changed nothing is checked by the fold
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_decision_one_outcome_and_the_fold_of_what_was_kept(mut driven in begun(), steps in prop::collection::vec(step(), 0..60)) {
        for step in steps {
            let before = driven.now.clone();
            take(&mut driven, step);
            let now = &driven.now;
            prop_assert!(before.decision.is_none() || before.decision == now.decision, "a decision turned");
            prop_assert!(!before.phase.is_final() || before.phase == now.phase, "a final state changed");
            let some = |state| now.branches.iter().any(|branch| branch.state == state);
            let confirmed = some(BranchState::Confirmed) || some(BranchState::Confirming);
            let cancelled = some(BranchState::Cancelled) || some(BranchState::Cancelling);
            prop_assert!(!(confirmed && cancelled), "confirm and cancel in one transaction");
            prop_assert!(!confirmed || now.decision == Some(Decision::Confirm));
            prop_assert!(!cancelled || now.decision == Some(Decision::Cancel));
            prop_assert!(!now.phase.is_final() || transaction::wanted(now).next().is_none(), "final, yet wants a call");
        }
        prop_assert_eq!(&driven.folded(), &driven.now);
    }

    #[test]
    fn an_open_transaction_always_has_something_to_wait_for(mut driven in begun(), steps in prop::collection::vec(step(), 0..40)) {
        for step in steps {
            take(&mut driven, step);
        }
        let now = &driven.now;
        let waits = now.phase.is_final() || transaction::next_due(now).is_some() || transaction::wanted(now).next().is_some();
        prop_assert!(waits, "nothing would ever move it: {:?}", now);
    }

    #[test]
    fn healthy_participants_bring_every_transaction_to_its_end(mut driven in begun(), steps in prop::collection::vec(step(), 0..40)) {
        for step in steps {
            take(&mut driven, step);
        }
        for _ in 0..50 {
            driven.wait_ms(400_000).ask(Command::Due).unwrap();
            let wanted: Vec<_> = transaction::wanted(&driven.now).collect();
            for target in wanted {
                let command = Command::Replied { branch: target.branch, operation: target.operation, attempt: target.attempt, reply: done(), seed: 1 };
                driven.ask(command).unwrap();
            }
        }
        prop_assert!(driven.now.phase.is_final(), "stuck: {:?}", driven.now);
    }

    #[test]
    fn events_survive_their_encoding(mut driven in begun(), steps in prop::collection::vec(step(), 0..40)) {
        for step in steps {
            take(&mut driven, step);
        }
        for (_, at, event) in &driven.kept {
            let mut bytes = vec![];
            Kept::encode(1, *at, event, &mut bytes);
            let kept = Kept::decode(&bytes);
            prop_assert_eq!(kept, Ok(Kept { number: 1, at: *at, event: event.clone() }));
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _: Result<Kept, _> = Kept::decode(&bytes);
    }
}

#[test]
fn a_damaged_event_is_refused_not_misread() {
    let mut bytes = vec![];
    Kept::encode(1, support::T0, &Event::Finished, &mut bytes);
    bytes.push(0);
    assert!(Kept::decode(&bytes).is_err());
}
