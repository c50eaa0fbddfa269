//! Saga and message: order, compensation, delivery and check-back.

mod support;

use support::{Driven, awaited, call, done, refused, spec, unknown, with_order};
use transaction::{Command, Mode, Operation, Order, Pattern, ReasonCode, Reply};

#[test]
fn a_saga_acts_in_order_and_completes() {
    let mut driven = Driven::begin(spec(Pattern::Saga, Mode::Managed, vec![call("a", &[]), call("b", &[])]));
    assert_eq!((driven.state(), driven.wanted()), ("running", vec!["a.action".to_owned()]));
    driven.reply("a", Operation::Try, done());
    assert_eq!(driven.wanted(), ["b.action"]);
    driven.reply("b", Operation::Try, done());
    assert_eq!((driven.state(), driven.branch_states()), ("completed", vec!["done", "done"]));
}

#[test]
fn a_saga_compensates_the_started_in_reverse_the_refused_one_included() {
    let branches = vec![call("a", &[]), call("b", &[]), call("c", &[])];
    let mut driven = Driven::begin(spec(Pattern::Saga, Mode::Managed, branches));
    driven.reply("a", Operation::Try, done());
    driven.reply("b", Operation::Try, refused());
    assert_eq!((driven.state(), driven.wanted()), ("compensating", vec!["b.compensate".to_owned()]));
    driven.reply("b", Operation::Cancel, done());
    assert_eq!(driven.wanted(), ["a.compensate"]);
    driven.reply("a", Operation::Cancel, done());
    assert_eq!(
        (driven.state(), driven.branch_states()),
        ("compensated", vec!["compensated", "compensated", "registered"])
    );
}

#[test]
fn a_saga_graph_compensates_a_branch_after_all_that_came_after_it() {
    let branches = || vec![call("a", &[]), call("b", &["a"]), call("c", &["a"]), call("d", &["b", "c"])];
    let asked = with_order(spec(Pattern::Saga, Mode::Managed, branches()), Order::Parallel);
    let mut driven = Driven::begin(asked);
    driven.reply("a", Operation::Try, done());
    assert_eq!(driven.wanted(), ["b.action", "c.action"]);
    driven.reply("b", Operation::Try, done());
    driven.reply("c", Operation::Try, done());
    driven.reply("d", Operation::Try, refused());
    assert_eq!(driven.wanted(), ["d.compensate"]);
    driven.reply("d", Operation::Cancel, done());
    assert_eq!(driven.wanted(), ["b.compensate", "c.compensate"]);
    driven.reply("c", Operation::Cancel, done());
    assert_eq!(driven.wanted(), ["b.compensate"]);
    driven.reply("b", Operation::Cancel, done());
    assert_eq!(driven.wanted(), ["a.compensate"]);
    driven.reply("a", Operation::Cancel, done());
    assert_eq!(driven.state(), "compensated");
}

#[test]
fn a_saga_past_its_deadline_compensates() {
    let mut driven =
        Driven::begin(spec(Pattern::Saga, Mode::Managed, vec![call("a", &[]), awaited("b", &[])]));
    driven.reply("a", Operation::Try, done());
    driven.wait_ms(30_000).ask(Command::Due).unwrap();
    assert_eq!((driven.state(), driven.wanted()), ("compensating", vec!["a.compensate".to_owned()]));
}

#[test]
fn an_interactive_saga_is_decided_by_its_initiator() {
    let asked = spec(Pattern::Saga, Mode::Interactive, vec![call("a", &[]), call("b", &[])]);
    let mut driven = Driven::begin(asked.clone());
    driven.ask(Command::Confirm).unwrap();
    assert_eq!((driven.state(), driven.branch_states()), ("completed", vec!["done", "done"]));
    let mut driven = Driven::begin(asked);
    driven.ask(Command::Cancel { detail: None }).unwrap();
    assert_eq!(driven.wanted(), ["b.compensate"]);
}

#[test]
fn a_message_submitted_at_once_is_delivered_until_done() {
    let mut driven =
        Driven::begin(spec(Pattern::Message, Mode::Managed, vec![call("a", &[]), call("b", &["a"])]));
    assert_eq!((driven.state(), driven.wanted()), ("submitted", vec!["a.deliver".to_owned()]));
    driven.reply("a", Operation::Confirm, unknown());
    driven.wait_ms(100).reply("a", Operation::Confirm, refused());
    assert!(driven.now.needs_attention(), "a refused delivery is a person's affair");
    driven.reply("a", Operation::Confirm, done());
    assert_eq!(driven.wanted(), ["b.deliver"]);
    driven.reply("b", Operation::Confirm, done());
    assert_eq!(driven.state(), "delivered");
}

#[test]
fn a_prepared_message_is_checked_back() {
    let asked = spec(Pattern::Message, Mode::Interactive, vec![call("a", &[])]);
    let outcomes = [(done(), "submitted", None), (refused(), "aborted", Some(ReasonCode::CheckRefused))];
    for (reply, state, reason) in outcomes {
        let mut driven = Driven::begin(asked.clone());
        assert_eq!((driven.state(), driven.wanted().len()), ("prepared", 0));
        driven.wait_ms(10_000);
        assert_eq!(driven.wanted(), ["-.check"]);
        driven.check_reply(Reply::InProgress);
        assert!(driven.wanted().is_empty());
        driven.wait_ms(100).check_reply(unknown());
        driven.wait_ms(100).check_reply(reply);
        assert_eq!((driven.state(), driven.now.reason.as_ref().map(|reason| reason.code)), (state, reason));
    }
}

#[test]
fn submit_and_abort_end_the_check_back() {
    let asked = spec(Pattern::Message, Mode::Interactive, vec![call("a", &[])]);
    let mut driven = Driven::begin(asked.clone());
    driven.ask(Command::Confirm).unwrap();
    driven.wait_ms(10_000);
    assert_eq!((driven.state(), driven.wanted()), ("submitted", vec!["a.deliver".to_owned()]));
    let mut driven = Driven::begin(asked);
    driven.ask(Command::Cancel { detail: None }).unwrap();
    driven.wait_ms(10_000);
    assert_eq!(
        (driven.state(), driven.wanted().len(), driven.branch_states()),
        ("aborted", 0, vec!["registered"])
    );
}
