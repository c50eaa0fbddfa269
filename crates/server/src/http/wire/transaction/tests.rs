//! The transaction object, held against the shape that is fixed in the API.

use std::sync::Arc;

use transaction::{
    BranchSpec, CallSpec, CheckSpec, Command, Kind, Mode, Order, Pattern, Reply, Retry, Signal, Spec, Time,
    Trace, Urls, begin, carry_out,
};

use super::*;

const BORN: Time = Time(1_767_323_045_000_000);

fn later(ms: u64) -> Time {
    BORN.plus_ms(ms)
}

fn call(id: &str) -> Arc<BranchSpec> {
    let url = |path: &str| Some(Arc::from(format!("http://127.0.0.1:7001/{path}")));
    let urls = Urls { attempt: url("try"), confirm: url("confirm"), cancel: url("cancel") };
    let kind =
        Kind::Call(CallSpec { urls, body: None, headers: Vec::new(), timeout_ms: 3_000, pass_result: false });
    Arc::new(BranchSpec { id: id.into(), after: Vec::new(), kind })
}

fn spec(pattern: Pattern, branches: Vec<Arc<BranchSpec>>) -> Spec {
    Spec {
        id: "order-1001".into(),
        pattern,
        mode: Mode::Managed,
        order: Order::Parallel,
        deadline_ms: Some(30_000),
        cooling_off_ms: 0,
        retry: Retry::default(),
        labels: vec![("order".into(), "1001".into()), ("shop".into(), "1".into())],
        check: None,
        branches,
        terms: None,
    }
}

fn reply(branch: u16, operation: Operation, reply: Reply) -> Command {
    Command::Replied { branch: Some(branch), operation, attempt: 1, reply, seed: 0 }
}

fn done(result: Option<&str>) -> Reply {
    Reply::Done { result: result.map(Arc::from) }
}

/// The transaction after these commands, one a second.
fn after(spec: Spec, commands: &[Command]) -> Transaction {
    let (_, mut transaction) = begin(7, BORN, (&Arc::new(spec), Trace([1; 16])));
    let mut sequence = 7;
    for (second, command) in (1..).zip(commands) {
        let mut keep = |_: &transaction::Event| {
            sequence += 1;
            sequence
        };
        carry_out(&mut transaction, command, later(second * 1_000), &mut keep).unwrap();
    }
    transaction
}

fn written(transaction: &Transaction) -> String {
    serde_json::to_string(&TransactionView::of(transaction)).unwrap()
}

#[test]
fn a_confirmed_tcc_has_the_shape_of_the_api() {
    let branches =
        vec![call("stock"), Arc::new(BranchSpec { id: "pay".into(), after: Vec::new(), kind: Kind::Await })];
    let signal =
        Command::Signal { branch: "pay".into(), signal: Signal::Done, result: Some("[1, 2]".into()) };
    let transaction = after(
        spec(Pattern::Tcc, branches),
        &[
            reply(0, Operation::Try, done(Some(r#"{"reservation": "r-9"}"#))),
            signal,
            reply(0, Operation::Confirm, done(None)),
        ],
    );
    let expected = concat!(
        r#"{"id":"order-1001","pattern":"tcc","mode":"managed","state":"confirmed","decision":"confirm","#,
        r#""reason":null,"needs_attention":false,"labels":{"order":"1001","shop":"1"},"#,
        r#""created_at":"2026-01-02T03:04:05.000000Z","deadline_at":"2026-01-02T03:04:35.000000Z","#,
        r#""cooling_until":null,"finished_at":"2026-01-02T03:04:08.000000Z","branches":["#,
        r#"{"id":"stock","kind":"call","state":"confirmed","attempts":{"try":1,"confirm":1,"cancel":0},"#,
        r#""last_error":null,"next_attempt_at":null,"result":{"reservation": "r-9"}},"#,
        r#"{"id":"pay","kind":"await","state":"confirmed","attempts":{"try":0,"confirm":0,"cancel":0},"#,
        r#""last_error":null,"next_attempt_at":null,"result":[1, 2]}],"seq":12}"#
    );
    assert_eq!(written(&transaction), expected);
}

#[test]
fn a_refused_saga_names_reason_branch_and_next_attempt() {
    let mut first = spec(Pattern::Saga, vec![call("a"), call("b")]);
    first.order = Order::Sequential;
    let transaction = after(
        first,
        &[
            reply(0, Operation::Try, done(None)),
            reply(1, Operation::Try, Reply::Refused { detail: "no \"room\"".into() }),
            reply(1, Operation::Cancel, Reply::Unknown { error: "HTTP 503".into() }),
        ],
    );
    let text = written(&transaction);
    assert!(text.contains(r#""state":"compensating","decision":"cancel""#), "{text}");
    assert!(
        text.contains(r#""reason":{"code":"branch_refused","branch":"b","detail":"no \"room\""}"#),
        "{text}"
    );
    assert!(
        text.contains(
            r#""id":"b","kind":"call","state":"compensating","attempts":{"action":1,"compensate":1}"#
        ),
        "{text}"
    );
    assert!(text.contains(r#""last_error":"HTTP 503","next_attempt_at":"2026-01-02T03:04:08."#), "{text}");
    assert!(
        text.contains(r#""id":"a","kind":"call","state":"done","attempts":{"action":1,"compensate":0}"#),
        "{text}"
    );
}

#[test]
fn a_prepared_message_shows_its_check_back_and_no_deadline() {
    let prepared = Spec {
        mode: Mode::Interactive,
        deadline_ms: None,
        check: Some(CheckSpec { url: "http://a/check".into(), after_ms: 10_000 }),
        ..spec(Pattern::Message, vec![call("a")])
    };
    let text = written(&after(prepared, &[]));
    assert!(text.contains(r#""state":"prepared","decision":null"#), "{text}");
    assert!(text.contains(r#""deadline_at":null"#), "{text}");
    assert!(text.contains(r#""attempts":{"deliver":0}"#), "{text}");
    let check = r#""check":{"attempts":0,"last_error":null,"next_attempt_at":"2026-01-02T03:04:15.000000Z"},"seq":7}"#;
    assert!(text.ends_with(check), "{text}");
}

#[test]
fn a_call_that_is_due_at_once_has_no_next_attempt() {
    let text = written(&after(spec(Pattern::Tcc, vec![call("a")]), &[]));
    assert!(text.contains(r#""state":"trying","attempts":{"try":0,"confirm":0,"cancel":0},"last_error":null,"next_attempt_at":null,"result":null}"#), "{text}");
}
