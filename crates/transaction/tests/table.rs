//! The allow-lists and the table state × command, printed for a person to read and compared with what was agreed.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::fmt::Write as _;
use std::sync::Arc;

use support::{Driven, awaited, call, done, refused, spec};
use transaction::barrier::{Ran, Record, Ruling};
use transaction::{Command, Event, Mode, Operation, Pattern, Signal, TRANSITIONS};

#[test]
fn the_allow_list_of_moves() {
    let mut table = String::new();
    for (from, by, to) in TRANSITIONS.phases {
        writeln!(table, "transaction  {:<11} {:<14} -> {to:?}", format!("{from:?}"), format!("{by:?}"))
            .unwrap();
    }
    for (from, by, to) in TRANSITIONS.branches {
        writeln!(table, "branch       {:<11} {:<14} -> {to:?}", format!("{from:?}"), format!("{by:?}"))
            .unwrap();
    }
    insta::assert_snapshot!(table);
}

/// A transaction in each state that a request can meet.
fn met(mode: Mode, state: &str) -> Driven {
    let mut asked = spec(Pattern::Tcc, mode, vec![call("a", &[]), awaited("pay", &[])]);
    if state == "cooling" {
        asked.cooling_off_ms = 1_000;
    }
    let mut driven = Driven::begin(asked);
    let paid = Command::Signal { branch: Arc::from("pay"), signal: Signal::Done, result: None };
    if state != "trying" && !state.starts_with("cancel") {
        driven.ask(paid).unwrap();
        match mode {
            Mode::Managed => drop(driven.reply("a", Operation::Try, done())),
            Mode::Interactive => drop(driven.ask(Command::Confirm).unwrap()),
        }
    }
    match state {
        "confirmed" => drop(driven.reply("a", Operation::Confirm, done())),
        "cancelling" | "cancelled" => drop(driven.ask(Command::Cancel { detail: None }).unwrap()),
        _ => {}
    }
    if state == "cancelled" {
        driven.reply("a", Operation::Cancel, done());
    }
    assert_eq!(driven.state(), state);
    driven
}

#[test]
fn every_request_in_every_state() {
    let signal = |signal| Command::Signal { branch: Arc::from("pay"), signal, result: None };
    let replied =
        |operation, reply| Command::Replied { branch: Some(0), operation, attempt: 9, reply, seed: 0 };
    let requests = [
        ("register a new branch", Command::Register(call("new", &[]))),
        ("confirm", Command::Confirm),
        ("cancel", Command::Cancel { detail: None }),
        ("signal done", signal(Signal::Done)),
        ("signal refused", signal(Signal::Refused)),
        ("retry", Command::Retry),
        ("stop", Command::Stop { detail: Arc::from("x") }),
        (
            "conclude",
            Command::Conclude { decision: transaction::Decision::Confirm, detail: None, result: None },
        ),
        ("try done", replied(Operation::Try, done())),
        ("try refused", replied(Operation::Try, refused())),
        ("confirm done", replied(Operation::Confirm, done())),
        ("confirm refused", replied(Operation::Confirm, refused())),
        ("cancel done", replied(Operation::Cancel, done())),
        ("cancel refused", replied(Operation::Cancel, refused())),
        ("a day later", Command::Due),
    ];
    let mut table = String::new();
    for mode in [Mode::Managed, Mode::Interactive] {
        for state in ["trying", "cooling", "confirming", "confirmed", "cancelling", "cancelled"] {
            for (name, request) in &requests {
                let mut driven = met(mode, state);
                driven.wait_ms(if *name == "a day later" { 86_400_000 } else { 0 });
                let before = driven.kept.len();
                let outcome = match driven.ask(request.clone()) {
                    Err(refusal) => format!("refused: {}", refusal.kind.code),
                    Ok(0) => "nothing".to_owned(),
                    Ok(_) => {
                        let events: Vec<&str> =
                            driven.kept[before..].iter().map(|(_, _, event)| name_of(event)).collect();
                        format!("{} -> {}", events.join(", "), driven.state())
                    }
                };
                writeln!(table, "{:<11} {state:<10} {name:<21} {outcome}", mode.name()).unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

fn name_of(event: &Event) -> &'static str {
    match event {
        Event::Begun { .. } | Event::BegunWith { .. } => "begun",
        Event::Registered(_) => "registered",
        Event::Replied { .. } => "replied",
        Event::Checked { .. } => "checked",
        Event::Signalled { .. } => "signalled",
        Event::Cooled { .. } => "cooled",
        Event::Decided { .. } => "decided",
        Event::Finished => "finished",
        Event::AttentionRaised { .. } => "attention raised",
        Event::Retried => "retried",
        Event::Progressed(_) => "progressed",
        Event::Resulted { .. } => "resulted",
        Event::Stopped { .. } => "stopped",
    }
}

#[test]
fn every_operation_on_every_record() {
    let mut table = String::new();
    for pattern in Pattern::ALL {
        for record in Record::ALL {
            for operation in [Operation::Try, Operation::Confirm, Operation::Cancel, Operation::Check] {
                let ruling = record.rule(pattern, operation);
                let then = match ruling {
                    Ruling::Run | Ruling::Void => format!("-> {:?}", record.after(operation, Ran::Done)),
                    Ruling::Repeat | Ruling::Refuse(_) => String::new(),
                };
                let name = operation.name(pattern);
                writeln!(
                    table,
                    "{:<8} {:<9} {name:<10} {:<28} {then}",
                    pattern.name(),
                    format!("{record:?}"),
                    format!("{ruling:?}")
                )
                .unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_holds_something_is_never_forgotten_and_nothing_before_its_horizon() {
    for record in Record::ALL {
        assert!(!record.may_be_forgotten(1_000, 1_000), "{record:?}");
    }
    let forgotten = Record::ALL.into_iter().filter(|record| record.may_be_forgotten(u64::MAX, 1_000));
    assert!(!forgotten.clone().any(|record| matches!(record, Record::Blank | Record::Tried)));
    assert_eq!(forgotten.count(), 4);
}
