//! XA, workflows, and transactions on terms of another protocol: raw branches, retry limits, delays, forced stops.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::sync::Arc;

use support::{Driven, call, done, refused, spec};
use transaction::{
    BranchSpec, CheckSpec, Command, Decision, Kind, Limits, Mode, Operation, Order, Pattern, Progress,
    Protocol, RawSpec, Reply, Resume, Signal, Spec, Terms, Urls, is_at_rest, validate,
};

fn raw(id: &str, [attempt, confirm, cancel]: [&str; 3]) -> Arc<BranchSpec> {
    let url = |url: &str| (!url.is_empty()).then(|| Arc::from(url));
    let urls = Urls { attempt: url(attempt), confirm: url(confirm), cancel: url(cancel) };
    let kind = Kind::Raw(RawSpec { urls, body: Arc::from(*b"x") });
    Arc::new(BranchSpec { id: id.into(), after: Vec::new(), kind })
}

fn on(terms: Terms, spec: Spec) -> Spec {
    let terms = Terms { protocol: Protocol::DtmHttp, timeout_ms: 3_000, ..terms };
    Spec { terms: Some(Box::new(terms)), ..spec }
}

fn unknown() -> Reply {
    Reply::Unknown { error: "HTTP 500".into() }
}

fn action(id: &str) -> Arc<BranchSpec> {
    raw(id, ["http://h/a", "", "http://h/c"])
}

/// Asks, and sees that a fresh fold of what was kept is the same.
fn same(driven: &Driven) {
    assert_eq!(driven.folded(), driven.now);
}

#[test]
fn an_xa_settles_its_branches_in_the_order_in_which_they_came_either_way() {
    for (command, word, end) in [
        (Command::Confirm, "commit", "confirmed"),
        (Command::Cancel { detail: None }, "rollback", "cancelled"),
    ] {
        let url = "http://h/2";
        let asked = Spec { order: Order::Sequential, ..spec(Pattern::Xa, Mode::Interactive, Vec::new()) };
        let mut driven = Driven::begin(on(Terms::default(), asked));
        for id in ["01", "02"] {
            driven.ask(Command::Register(raw(id, ["", url, url]))).unwrap();
        }
        driven.ask(command.clone()).unwrap();
        assert_eq!(driven.wanted(), [format!("01.{word}")]);
        let operation = if word == "commit" { Operation::Confirm } else { Operation::Cancel };
        driven.reply("01", operation, done());
        assert_eq!(driven.wanted(), [format!("02.{word}")]);
        driven.reply("02", operation, done());
        assert_eq!(driven.state(), end);
        same(&driven);
    }
}

#[test]
fn a_managed_xa_prepares_and_then_commits() {
    let mut driven = Driven::begin(spec(Pattern::Xa, Mode::Managed, vec![call("a", &[]), call("b", &[])]));
    assert_eq!(driven.wanted(), ["a.prepare", "b.prepare"]);
    driven.reply("a", Operation::Try, done());
    driven.reply("b", Operation::Try, refused());
    assert_eq!(
        (driven.state(), driven.wanted()),
        ("cancelling", vec!["a.rollback".to_owned(), "b.rollback".to_owned()])
    );
}

#[test]
fn an_action_without_a_url_is_done_without_a_call() {
    let branches = vec![raw("01", ["", "", ""]), action("02")];
    let mut driven = Driven::begin(on(Terms::default(), spec(Pattern::Saga, Mode::Managed, branches)));
    assert_eq!(driven.wanted(), ["02.action"]);
    driven.reply("02", Operation::Try, refused());
    assert_eq!(driven.wanted(), ["02.compensate"]);
    driven.reply("02", Operation::Cancel, done());
    assert_eq!(driven.state(), "compensated");
    same(&driven);
}

#[test]
fn a_saga_with_a_retry_limit_repeats_at_once_and_then_gives_up() {
    let terms = Terms { retry_limit: 2, ..Terms::default() };
    let mut driven = Driven::begin(on(terms, spec(Pattern::Saga, Mode::Managed, vec![action("01")])));
    for _ in 0..2 {
        driven.reply("01", Operation::Try, unknown());
        assert_eq!(driven.wanted(), ["01.action"], "the repeat is due at once");
        assert!(!is_at_rest(&driven.now));
    }
    driven.reply("01", Operation::Try, unknown());
    let reason = driven.now.reason.clone().unwrap();
    assert_eq!((driven.state(), reason.code.name()), ("compensating", "retries_exhausted"));
    assert_eq!(driven.wanted(), ["01.compensate"]);
    same(&driven);
}

#[test]
fn a_failed_call_that_waits_is_at_rest() {
    let mut driven =
        Driven::begin(on(Terms::default(), spec(Pattern::Saga, Mode::Managed, vec![action("01")])));
    assert!(!is_at_rest(&driven.now));
    driven.reply("01", Operation::Try, unknown());
    assert!(is_at_rest(&driven.now));
}

#[test]
fn a_message_with_a_delay_is_delivered_after_it_and_at_once_when_retried() {
    let deliver = raw("01", ["", "http://h/d", ""]);
    let terms = || Terms { delay_ms: 5_000, ..Terms::default() };
    let begun = || Driven::begin(on(terms(), spec(Pattern::Message, Mode::Managed, vec![deliver.clone()])));
    let mut driven = begun();
    assert!(driven.wanted().is_empty() && is_at_rest(&driven.now));
    driven.wait_ms(4_999);
    assert!(driven.wanted().is_empty());
    driven.wait_ms(1);
    assert_eq!(driven.wanted(), ["01.deliver"]);
    let mut hurried = begun();
    hurried.ask(Command::Retry).unwrap();
    assert_eq!(hurried.wanted(), ["01.deliver"]);
    same(&hurried);
}

#[test]
fn a_prepared_message_that_nobody_can_be_asked_about_counts_as_submitted_when_its_time_is_over() {
    let branches = vec![raw("01", ["", "http://h/d", ""])];
    let asked = Spec { check: None, ..spec(Pattern::Message, Mode::Interactive, branches) };
    let timed = |spec: Spec| Spec { deadline_ms: Some(1_000), ..spec };
    let asked = Spec { deadline_ms: None, ..asked };
    assert!(
        validate(&timed(asked.clone()), &Limits::default()).is_err(),
        "a message of our own says whom to ask"
    );
    assert!(validate(&on(Terms::default(), asked.clone()), &Limits::default()).is_err(), "it has no end");
    let mut driven = Driven::begin(on(Terms::default(), timed(asked)));
    driven.wait_ms(999).ask(Command::Due).unwrap();
    assert_eq!((driven.state(), driven.wanted().len()), ("prepared", 0));
    driven.wait_ms(1).ask(Command::Due).unwrap();
    assert_eq!((driven.state(), driven.wanted()), ("submitted", vec!["01.deliver".to_owned()]));
    same(&driven);
}

fn workflow() -> Driven {
    let check = Some(CheckSpec { url: "http://h/resume".into(), after_ms: 1_000 });
    let resume = Some(Resume { name: "pay".into(), body: Arc::from(*b"in") });
    let asked = Spec { check, ..spec(Pattern::Workflow, Mode::Interactive, Vec::new()) };
    Driven::begin(on(Terms { resume, ..Terms::default() }, asked))
}

fn step(step: &str, data: &[u8]) -> Command {
    let progress = Progress {
        step: step.into(),
        operation: "action".into(),
        outcome: Signal::Done,
        data: Arc::from(data),
    };
    Command::Progress(Arc::new(progress))
}

#[test]
fn a_workflow_keeps_its_progress_once_and_ends_as_its_initiator_says() {
    let mut driven = workflow();
    driven.ask(step("01", b"a")).unwrap();
    assert_eq!(driven.ask(step("01", b"a")).unwrap(), 0, "the same again changes nothing");
    assert_eq!(driven.ask(step("01", b"b")).unwrap_err().kind.code, "branch_mismatch");
    driven
        .ask(Command::Conclude { decision: Decision::Confirm, detail: None, result: Some("cg==".into()) })
        .unwrap();
    assert_eq!((driven.state(), driven.now.result.as_deref()), ("completed", Some("cg==")));
    assert_eq!(driven.ask(step("02", b"")).unwrap_err().kind.code, "already_decided");
    same(&driven);
    let mut failed = workflow();
    let detail = Some(Arc::from("sold out"));
    failed.ask(Command::Conclude { decision: Decision::Cancel, detail, result: None }).unwrap();
    assert_eq!((failed.state(), &*failed.now.reason.clone().unwrap().detail), ("failed", "sold out"));
}

#[test]
fn a_workflow_that_does_not_end_is_resumed_again_and_again() {
    let mut driven = workflow();
    assert!(driven.wanted().is_empty());
    driven.wait_ms(1_000);
    assert_eq!(driven.wanted(), ["-.resume"]);
    for reply in [done(), refused(), Reply::InProgress, unknown()] {
        driven.check_reply(reply);
        assert_eq!(driven.state(), "running", "an answer alone decides nothing");
        driven.wait_ms(120_000);
        assert_eq!(driven.wanted(), ["-.resume"]);
    }
    let call = driven.now.call(transaction::wanted(&driven.now).next().unwrap(), driven.clock).unwrap();
    let raw = call.raw.unwrap();
    assert_eq!((call.operation, &*raw.name, &*raw.body), ("resume", "pay", &b"in"[..]));
}

#[test]
fn a_forced_stop_is_final_and_wants_nothing_more() {
    let branches = vec![action("01"), action("02")];
    let mut driven = Driven::begin(on(Terms::default(), spec(Pattern::Saga, Mode::Managed, branches)));
    let stop = Command::Stop { detail: "by hand".into() };
    driven.ask(stop.clone()).unwrap();
    assert_eq!((driven.state(), driven.wanted().len()), ("stopped", 0));
    assert_eq!(driven.ask(stop).unwrap_err().kind.code, "already_final");
    for command in [Command::Confirm, Command::Cancel { detail: None }, Command::Register(action("03"))] {
        assert!(driven.ask(command).is_err(), "nothing moves it any more");
    }
    driven.wait_ms(86_400_000);
    assert_eq!(driven.ask(Command::Due).unwrap(), 0);
    // The call that was under way is answered: kept, and nothing follows.
    driven.reply("01", Operation::Try, done());
    assert_eq!((driven.state(), driven.wanted().len()), ("stopped", 0));
    same(&driven);
}

#[test]
fn terms_survive_being_kept() {
    let asked = on(
        Terms { retry_limit: 7, note: Some("{}".into()), ..Terms::default() },
        spec(Pattern::Saga, Mode::Managed, vec![action("01")]),
    );
    let driven = Driven::begin(asked.clone());
    let mut bytes = Vec::new();
    transaction::Kept::encode(1, driven.clock, &driven.kept[0].2, &mut bytes);
    let kept = transaction::Kept::decode(&bytes).unwrap();
    assert_eq!(**kept.event.begun().unwrap().0, asked);
}

#[test]
fn what_does_not_fit_is_refused() {
    let limits = Limits::default();
    let code = |spec: Spec| validate(&spec, &limits).unwrap_err().kind.code;
    let saga = || spec(Pattern::Saga, Mode::Managed, vec![action("01")]);
    assert_eq!(code(saga()), "kind_unsupported", "a raw branch needs its protocol");
    assert!(validate(&on(Terms::default(), Spec { deadline_ms: None, ..saga() }), &limits).is_ok());
    assert_eq!(
        code(Spec { id: "ä b".into(), ..spec(Pattern::Tcc, Mode::Interactive, Vec::new()) }),
        "id_invalid"
    );
    let foreign = |id: &str| {
        on(Terms::default(), Spec { id: id.into(), ..spec(Pattern::Tcc, Mode::Interactive, Vec::new()) })
    };
    assert!(validate(&foreign("ä b"), &limits).is_ok());
    assert_eq!(code(foreign("a\nb")), "id_invalid");
    assert_eq!(code(spec(Pattern::Workflow, Mode::Interactive, Vec::new())), "field_missing");
    assert_eq!(
        code(spec(
            Pattern::Xa,
            Mode::Managed,
            vec![Arc::new(BranchSpec { id: "a".into(), after: Vec::new(), kind: Kind::Await })]
        )),
        "kind_unsupported"
    );
}
