//! TCC: what each reply, request and passing of time leads to.

mod support;

use std::sync::Arc;

use support::{Driven, awaited, call, done, refused, spec, unknown, with_order};
use transaction::{BranchState, Command, Decision, Mode, Operation, Order, Pattern, ReasonCode, Signal};

fn managed() -> Driven {
    Driven::begin(spec(Pattern::Tcc, Mode::Managed, vec![call("a", &[]), call("b", &[])]))
}

fn withdraw() -> Command {
    Command::Cancel { detail: None }
}

fn signal(branch: &str, signal: Signal) -> Command {
    Command::Signal { branch: Arc::from(branch), signal, result: None }
}

#[test]
fn all_tried_confirms_all() {
    let mut driven = managed();
    assert_eq!(driven.wanted(), ["a.try", "b.try"]);
    driven.reply("a", Operation::Try, done());
    assert_eq!((driven.state(), driven.wanted()), ("trying", vec!["b.try".to_owned()]));
    driven.reply("b", Operation::Try, done());
    assert_eq!(
        (driven.state(), driven.wanted()),
        ("confirming", vec!["a.confirm".to_owned(), "b.confirm".to_owned()])
    );
    driven.reply("b", Operation::Confirm, done());
    driven.reply("a", Operation::Confirm, done());
    assert_eq!((driven.state(), driven.branch_states()), ("confirmed", vec!["confirmed", "confirmed"]));
    assert!(driven.wanted().is_empty());
}

#[test]
fn one_refusal_cancels_every_branch_also_the_untried() {
    let mut driven = managed();
    driven.reply("a", Operation::Try, refused());
    assert_eq!(
        (driven.state(), driven.wanted()),
        ("cancelling", vec!["a.cancel".to_owned(), "b.cancel".to_owned()])
    );
    let reason = driven.now.reason.clone().unwrap();
    assert_eq!(
        (reason.code, reason.branch, &*reason.detail),
        (ReasonCode::BranchRefused, Some(0), "out of stock")
    );
    driven.reply("a", Operation::Cancel, done());
    driven.reply("b", Operation::Cancel, done());
    assert_eq!(driven.state(), "cancelled");
}

#[test]
fn a_try_that_answers_after_the_cancel_changes_nothing() {
    let mut driven = managed();
    driven.reply("a", Operation::Try, refused());
    driven.reply("b", Operation::Try, done());
    assert_eq!(driven.branch_states(), ["cancelling", "cancelling"]);
    assert_eq!(driven.wanted(), ["a.cancel", "b.cancel"], "the try is not repeated");
}

#[test]
fn unknown_decides_nothing_and_is_asked_again_later() {
    let mut driven = managed();
    driven.reply("a", Operation::Try, unknown());
    assert_eq!((driven.state(), driven.wanted()), ("trying", vec!["b.try".to_owned()]));
    driven.wait_ms(100);
    assert_eq!(driven.wanted(), ["a.try", "b.try"]);
    driven.reply("a", Operation::Try, done());
    assert_eq!(driven.now.branches[0].attempts.of(Operation::Try), 2);
}

#[test]
fn the_deadline_cancels_what_is_not_decided() {
    let mut driven = managed();
    driven.reply("a", Operation::Try, done());
    assert_eq!(driven.wait_ms(29_999).ask(Command::Due).unwrap(), 0);
    driven.wait_ms(1).ask(Command::Due).unwrap();
    assert_eq!(driven.state(), "cancelling");
    assert_eq!(driven.now.reason.as_ref().unwrap().code, ReasonCode::DeadlinePassed);
    assert_eq!(driven.ask(Command::Confirm).unwrap_err().kind.code, "already_decided");
}

#[test]
fn a_decision_never_turns() {
    let mut driven = managed();
    driven.reply("a", Operation::Try, done());
    driven.reply("b", Operation::Try, done());
    assert_eq!(driven.ask(withdraw()).unwrap_err().kind.code, "already_decided");
    driven.wait_ms(1_000_000).ask(Command::Due).unwrap();
    driven.reply("a", Operation::Confirm, refused());
    assert_eq!((driven.state(), driven.now.decision), ("confirming", Some(Decision::Confirm)));
}

#[test]
fn a_refused_confirm_needs_attention_at_once_and_is_asked_again() {
    let mut driven = managed();
    driven.reply("a", Operation::Try, done());
    driven.reply("b", Operation::Try, done());
    driven.reply("a", Operation::Confirm, refused());
    assert!(driven.now.needs_attention());
    assert_eq!(driven.now.branches[0].state, BranchState::Confirming);
    driven.wait_ms(1_000);
    assert!(driven.wanted().contains(&"a.confirm".to_owned()));
    driven.reply("a", Operation::Confirm, done());
    assert!(!driven.now.needs_attention(), "it helped itself");
}

#[test]
fn failures_beyond_the_budget_need_attention_and_go_on_slowly() {
    let mut driven = managed();
    driven.reply("a", Operation::Try, done());
    driven.reply("b", Operation::Try, done());
    for n in 1..=3 {
        assert!(!driven.now.needs_attention(), "before failure {n}");
        driven.reply("a", Operation::Confirm, unknown());
    }
    assert!(driven.now.needs_attention());
    driven.reply("a", Operation::Confirm, unknown());
    let wait = driven.clock.ms_until(driven.now.branches[0].pace.next_at);
    assert!((500..=1_000).contains(&wait), "{wait} ms, the cap less its jitter");
    driven.ask(Command::Retry).unwrap();
    assert!(!driven.now.needs_attention());
    assert!(driven.wanted().contains(&"a.confirm".to_owned()), "an operator's retry is due at once");
}

#[test]
fn cooling_off_lets_a_withdraw_cancel_and_then_confirms_by_itself() {
    let mut asked = spec(Pattern::Tcc, Mode::Managed, vec![call("a", &[])]);
    asked.cooling_off_ms = 300_000; // longer than the deadline, which bounds the tries only
    for withdrawn in [true, false] {
        let mut driven = Driven::begin(asked.clone());
        driven.reply("a", Operation::Try, done());
        assert_eq!(driven.state(), "cooling");
        driven.wait_ms(299_999).ask(Command::Due).unwrap();
        assert_eq!(driven.state(), "cooling");
        if withdrawn {
            driven.ask(withdraw()).unwrap();
            assert_eq!(driven.state(), "cancelling");
        } else {
            driven.wait_ms(1).ask(Command::Due).unwrap();
            assert_eq!(driven.state(), "confirming");
            assert_eq!(driven.ask(withdraw()).unwrap_err().kind.code, "already_decided");
        }
    }
}

#[test]
fn sequential_tries_in_order_and_undoes_in_reverse() {
    let branches = || vec![call("a", &[]), call("b", &[]), call("c", &[])];
    let asked = with_order(spec(Pattern::Tcc, Mode::Managed, branches()), Order::Sequential);
    let mut driven = Driven::begin(asked.clone());
    for id in ["a", "b", "c"] {
        assert_eq!(driven.wanted(), [format!("{id}.try")]);
        driven.reply(id, Operation::Try, done());
    }
    for id in ["c", "b", "a"] {
        assert_eq!(driven.wanted(), [format!("{id}.confirm")]);
        driven.reply(id, Operation::Confirm, done());
    }
    let mut driven = Driven::begin(asked);
    driven.reply("a", Operation::Try, done());
    driven.reply("b", Operation::Try, refused());
    for id in ["c", "b", "a"] {
        assert_eq!(driven.wanted(), [format!("{id}.cancel")], "every registered branch, tried or not");
        driven.reply(id, Operation::Cancel, done());
    }
    assert_eq!(driven.state(), "cancelled");
}

#[test]
fn after_holds_a_try_back() {
    let branches = vec![call("c", &["a", "b"]), call("a", &[]), call("b", &[])];
    let mut driven = Driven::begin(spec(Pattern::Tcc, Mode::Managed, branches));
    assert_eq!(driven.wanted(), ["a.try", "b.try"]);
    driven.reply("a", Operation::Try, done());
    assert_eq!(driven.wanted(), ["b.try"]);
    driven.reply("b", Operation::Try, done());
    assert_eq!(driven.wanted(), ["c.try"]);
}

#[test]
fn an_await_branch_is_tried_by_its_signal() {
    let asked = spec(Pattern::Tcc, Mode::Managed, vec![awaited("pay", &[])]);
    let mut driven = Driven::begin(asked.clone());
    assert!(driven.wanted().is_empty());
    driven.ask(signal("pay", Signal::Done)).unwrap();
    assert_eq!((driven.state(), driven.branch_states()), ("confirmed", vec!["confirmed"]));
    assert_eq!(driven.ask(signal("pay", Signal::Done)).unwrap(), 0, "a repeat changes nothing");
    assert_eq!(driven.ask(signal("pay", Signal::Refused)).unwrap_err().kind.code, "already_signalled");
    let mut driven = Driven::begin(asked);
    driven.ask(signal("pay", Signal::Refused)).unwrap();
    assert_eq!(driven.state(), "cancelled");
    assert_eq!(driven.ask(signal("nobody", Signal::Done)).unwrap_err().kind.code, "branch_unknown");
}

#[test]
fn a_signal_after_the_deadline_meets_the_decision() {
    let mut driven = Driven::begin(spec(Pattern::Tcc, Mode::Managed, vec![awaited("pay", &[])]));
    driven.wait_ms(30_000).ask(Command::Due).unwrap();
    assert_eq!(driven.ask(signal("pay", Signal::Done)).unwrap_err().kind.code, "already_decided");
    assert_eq!(driven.state(), "cancelled");
}

#[test]
fn an_initiator_registers_tries_and_decides() {
    let mut driven = Driven::begin(spec(Pattern::Tcc, Mode::Interactive, vec![]));
    driven.ask(Command::Register(call("a", &[]))).unwrap();
    assert_eq!(driven.ask(Command::Register(call("a", &[]))).unwrap(), 0, "the same again");
    let other = driven.ask(Command::Register(awaited("a", &[]))).unwrap_err();
    assert_eq!(other.kind.code, "branch_mismatch");
    assert!(driven.wanted().is_empty(), "the initiator tries");
    driven.ask(Command::Register(awaited("pay", &[]))).unwrap();
    assert_eq!(driven.ask(Command::Confirm).unwrap_err().kind.code, "not_all_tried");
    driven.ask(signal("pay", Signal::Done)).unwrap();
    driven.ask(Command::Confirm).unwrap();
    assert_eq!((driven.state(), driven.wanted()), ("confirming", vec!["a.confirm".to_owned()]));
    assert_eq!(driven.ask(Command::Confirm).unwrap(), 0);
    assert_eq!(driven.ask(withdraw()).unwrap_err().kind.code, "already_decided");
    assert_eq!(driven.ask(Command::Register(call("late", &[]))).unwrap_err().kind.code, "already_decided");
    driven.reply("a", Operation::Confirm, done());
    assert_eq!(driven.state(), "confirmed");
    assert_eq!(driven.ask(Command::Retry).unwrap_err().kind.code, "already_final");
}

#[test]
fn a_managed_one_is_not_confirmed_by_hand() {
    let mut driven = managed();
    assert_eq!(driven.ask(Command::Confirm).unwrap_err().kind.code, "not_interactive");
    assert_eq!(driven.ask(Command::Register(call("c", &[]))).unwrap_err().kind.code, "not_interactive");
    driven.ask(withdraw()).unwrap();
    assert_eq!(driven.now.reason.as_ref().unwrap().code, ReasonCode::Withdrawn);
}

#[test]
fn an_answered_attempt_is_not_answered_twice() {
    let mut driven = managed();
    let replied = |attempt| Command::Replied {
        branch: Some(0),
        operation: Operation::Try,
        attempt,
        reply: done(),
        seed: 0,
    };
    assert_eq!(driven.ask(replied(1)).unwrap(), 1);
    assert_eq!(driven.ask(replied(1)).unwrap(), 0);
}
