//! What is asked has the shape of the HTTP API, to the letter, and its answers are read.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::progress::Decision;
use super::super::verbs::Signal;
use super::super::{Branch, Patience, Pattern, Resource, Transaction};
use super::*;
use crate::proto::attribute::Value as Argument;

fn body(verb: &Verb<'_>) -> (String, String) {
    let (method, path, body) = request(verb).unwrap();
    (format!("{method} {path}"), String::from_utf8(body.to_vec()).unwrap())
}

fn begun<P: Pattern>(transaction: &Transaction<P>) -> Value {
    let Transaction { request, branches, .. } = transaction;
    let (head, body) = body(&Verb::Begin { request, branches, wait_ms: 5 });
    assert_eq!(head, "POST /v1/transactions");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn every_kind_of_branch_has_the_shape_of_the_http_api() {
    let transaction = Transaction::tcc("order-1")
        .deadline(Duration::from_secs(30))
        .cooling_off(Duration::from_mins(5))
        .patience(Patience { attention_after: Some(3), ..Patience::default() })
        .sequential()
        .label("order", "1")
        .branch(
            Branch::call("stock")
                .try_("http://s/try")
                .confirm("http://s/confirm")
                .cancel("http://s/cancel")
                .body(&json!({"n": 2}))
                .unwrap()
                .header("X-Shop", "1")
                .timeout(Duration::from_secs(3))
                .pass_result(),
        )
        .branch(Branch::hold("points", "user:42:points", "sink:points", "300").after("stock"))
        .branch(Branch::hold("two", "a", "b", "1.50").leg("c", "d", "2").up_to())
        .branch(
            Branch::item("coupon", "C-1")
                .try_("lock")
                .confirm("use")
                .cancel("unlock")
                .owner("u:42")
                .argument("total", Argument::Integer(12)),
        )
        .branch(Branch::await_("pay"))
        .branch(Branch::resource("sku", Resource::Sql, "stock", &json!({"n": 2})).unwrap());
    let expected = json!({
        "id": "order-1", "pattern": "tcc", "order": "sequential", "deadline_ms": 30000,
        "cooling_off_ms": 300000, "wait_ms": 5, "retry": {"attention_after": 3}, "labels": {"order": "1"},
        "branches": [
            {"id": "stock", "kind": "call", "try": "http://s/try", "confirm": "http://s/confirm",
             "cancel": "http://s/cancel", "body": {"n": 2}, "headers": {"X-Shop": "1"}, "timeout_ms": 3000,
             "pass_result": true},
            {"id": "points", "after": ["stock"], "kind": "hold", "from": "user:42:points", "to": "sink:points",
             "amount": "300"},
            {"id": "two", "kind": "hold", "holds": [
                {"from": "a", "to": "b", "amount": "1.50"},
                {"from": "c", "to": "d", "amount": "2", "up_to": true}]},
            {"id": "coupon", "kind": "item", "item": "C-1", "try": "lock", "confirm": "use", "cancel": "unlock",
             "owner": "u:42", "arguments": {"total": 12}},
            {"id": "pay", "kind": "await"},
            {"id": "sku", "kind": "sql", "resource": "stock", "parameters": {"n": 2}},
        ],
    });
    assert_eq!(begun(&transaction), expected);
}

#[test]
fn sagas_and_messages_have_operations_of_their_own() {
    let act = Branch::call("a").action("http://a/do").compensate("http://a/undo");
    let expected = json!({"id": "s", "pattern": "saga", "wait_ms": 5, "branches": [
        {"id": "a", "kind": "call", "action": "http://a/do", "compensate": "http://a/undo"}]});
    assert_eq!(begun(&Transaction::saga("s").branch(act)), expected);
    let message = Transaction::message("m")
        .branch(Branch::call("mail").deliver("http://m"))
        .check("http://shop/check")
        .check_after(Duration::from_secs(2));
    let expected = json!({"id": "m", "pattern": "message", "mode": "interactive", "wait_ms": 5,
        "check": "http://shop/check", "check_after_ms": 2000,
        "branches": [{"id": "mail", "kind": "call", "deliver": "http://m"}]});
    assert_eq!(begun(&message.as_interactive()), expected);
}

#[test]
fn a_body_is_sent_byte_for_byte() {
    let digits: Box<RawValue> =
        serde_json::from_str(r#"{"b":123456789012345678901234567890,"a":1.10}"#).unwrap();
    let branch = Branch::call("a").deliver("http://a").body(&digits).unwrap();
    let transaction = Transaction::message("m").branch(branch);
    let Transaction { request, branches, .. } = &transaction;
    let (_, sent) = body(&Verb::Begin { request, branches, wait_ms: 0 });
    assert!(sent.contains(r#""body":{"b":123456789012345678901234567890,"a":1.10}"#), "{sent}");
}

#[test]
fn the_other_verbs_have_their_paths() {
    let id = "shop/order 1";
    let paid = Signal::done(&json!({"paid": 3})).unwrap();
    let refused = Signal::Refused(String::new());
    let at = "/v1/transactions/shop%2Forder%201";
    for (verb, head, sent) in [
        (Verb::Get { id, wait_ms: 7 }, format!("GET {at}?wait_ms=7"), ""),
        (Verb::Confirm { id }, format!("POST {at}/confirm"), "{}"),
        (Verb::Cancel { id, detail: "no" }, format!("POST {at}/cancel"), r#"{"detail":"no"}"#),
        (
            Verb::Signal { id, branch: "pay", signal: &paid },
            format!("POST {at}/branches/pay/signal"),
            r#"{"outcome":"done","result":{"paid":3}}"#,
        ),
        (
            Verb::Signal { id, branch: "pay", signal: &refused },
            format!("POST {at}/branches/pay/signal"),
            r#"{"outcome":"refused"}"#,
        ),
        (Verb::Retry { id }, format!("POST {at}/retry"), "{}"),
    ] {
        assert_eq!(body(&verb), (head, sent.to_owned()));
    }
}

#[test]
fn a_transaction_is_read_and_what_is_none_is_refused() {
    let text = r#"{"id":"t","pattern":"tcc","mode":"managed","state":"cancelled","decision":"cancel",
        "reason":{"code":"branch_refused","branch":"stock","detail":"sold out"},"needs_attention":false,
        "labels":{"order":"1"},"created_at":"1970-01-01T00:00:01.500000Z","deadline_at":null,"cooling_until":null,
        "finished_at":"1970-01-01T00:00:02Z","later":"fields","branches":[{"id":"stock","kind":"call",
        "state":"cancelled","attempts":{"try":1},"last_error":null,"next_attempt_at":null,"result":{"r": 1.10}}],
        "seq":9}"#;
    let progress: Progress = read(text).unwrap();
    assert_eq!((progress.created_at, progress.finished_at), (1_500_000, Some(2_000_000)));
    assert_eq!((progress.decision, progress.sequence), (Some(Decision::Cancel), 9));
    assert!(progress.is_final() && !progress.is_done());
    assert_eq!(progress.reason.as_ref().unwrap().branch.as_deref(), Some("stock"));
    let stock = progress.branch("stock").unwrap();
    assert_eq!(stock.result.as_deref(), Some(r#"{"r": 1.10}"#));
    assert_eq!(stock.read::<Value>().unwrap(), Some(json!({"r": 1.10})));
    assert!(matches!(stock.read::<u32>(), Err(Fault::Misunderstood(_))));
    for odd in ["", "{}", &text.replace("\"cancel\",", "\"perhaps\",")] {
        assert!(matches!(read::<Progress>(odd), Err(Fault::Misunderstood(_))), "{odd}");
    }
}
