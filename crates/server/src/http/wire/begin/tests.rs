//! Bodies of a begin: what is asked for, and what is refused with which code and where.

use proptest::prelude::*;
use transaction::{Argument, HoldLeg, HoldSpec, ItemSpec, Kind, Limits, Quantity, validate};

use super::*;
use crate::http::{body, parse};
use crate::listen::TargetJudge;

const OPEN: Judge<'static> = Judge { targets: None, resources: None };

fn read(text: &[u8], judge: &Judge<'_>) -> Result<(Spec, u64), Refusal> {
    let body: BeginBody<'_> = parse::object(body::text(text, 32)?)?;
    let wait_ms = body.wait_ms()?;
    let spec = body.into_spec(judge)?;
    validate(&spec, &Limits::default())?;
    Ok((spec, wait_ms))
}

fn asked(text: &str) -> Spec {
    read(text.as_bytes(), &OPEN).unwrap_or_else(|refusal| panic!("{refusal} at {:?}: {text}", refusal.at)).0
}

/// Code and pointer of the refusal.
fn refused(text: &[u8]) -> (&'static str, String) {
    match read(text, &OPEN) {
        Ok(_) => panic!("taken: {}", String::from_utf8_lossy(text)),
        Err(refusal) => (refusal.kind.code, refusal.at.unwrap_or_default()),
    }
}

/// A TCC of one `call` branch with `more` fields in it.
fn call(more: &str) -> String {
    let urls = r#""try":"http://a/t","confirm":"http://a/c","cancel":"http://a/x""#;
    format!(r#"{{"pattern":"tcc","branches":[{{"id":"b","kind":"call",{urls}{more}}}]}}"#)
}

/// A TCC of one `await` branch with `more` fields beside it.
fn tcc(more: &str) -> String {
    format!(r#"{{"pattern":"tcc","branches":[{{"id":"b","kind":"await"}}]{more}}}"#)
}

#[test]
fn the_example_of_the_api_is_read() {
    let (spec, wait_ms) = read(
        br#"{"id":"order-1001","pattern":"tcc","mode":"managed","order":"parallel","deadline_ms":20000,
            "cooling_off_ms":5,"wait_ms":7,"retry":{"initial_ms":100,"max_ms":5000,"attention_after":3},
            "labels":{"shop":"1","order":"1001"},
            "branches":[
              {"id":"stock","kind":"call","try":"http://127.0.0.1:7001/try","confirm":"http://127.0.0.1:7001/confirm",
               "cancel":"http://127.0.0.1:7001/cancel","body":{"sku": "A",  "n":2},"headers":{"X-Shop":"1"},
               "timeout_ms":2000,"after":[],"pass_result":true},
              {"id":"pay","kind":"await","after":["stock"]}]}"#,
        &OPEN,
    )
    .unwrap();
    assert_eq!(
        (&*spec.id, wait_ms, spec.deadline_ms, spec.cooling_off_ms),
        ("order-1001", 7, Some(20_000), 5)
    );
    assert_eq!((spec.pattern, spec.mode, spec.order), (Pattern::Tcc, Mode::Managed, Order::Parallel));
    assert_eq!(spec.retry, Retry { initial_ms: 100, max_ms: 5_000, attention_after: 3 });
    let labels: Vec<(&str, &str)> = spec.labels.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(labels, [("order", "1001"), ("shop", "1")], "sorted by key");
    let Kind::Call(call) = &spec.branches[0].kind else { panic!("stock is a call") };
    assert_eq!(call.urls.attempt.as_deref(), Some("http://127.0.0.1:7001/try"));
    assert_eq!(call.urls.confirm.as_deref(), Some("http://127.0.0.1:7001/confirm"));
    assert_eq!(call.urls.cancel.as_deref(), Some("http://127.0.0.1:7001/cancel"));
    assert_eq!(call.body.as_deref(), Some(r#"{"sku": "A",  "n":2}"#), "byte for byte");
    assert_eq!((&*call.headers[0].name, &*call.headers[0].value), ("X-Shop", "1"));
    assert_eq!((call.timeout_ms, call.pass_result), (2_000, true));
    assert_eq!(spec.branches[1].kind, Kind::Await);
    assert_eq!(&*spec.branches[1].after[0], "stock");
}

#[test]
fn what_is_left_out_has_its_default() {
    let spec = asked(&call(""));
    assert_eq!((spec.mode, spec.order, spec.deadline_ms), (Mode::Managed, Order::Parallel, Some(30_000)));
    assert_eq!((spec.cooling_off_ms, spec.retry, &spec.check), (0, Retry::default(), &None));
    let Kind::Call(branch) = &spec.branches[0].kind else { panic!("b is a call") };
    assert_eq!((branch.timeout_ms, branch.pass_result, branch.body.as_deref()), (3_000, false, None));
    let id: uuid::Uuid = spec.id.parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_ne!(asked(&call("")).id, spec.id);

    let saga = asked(r#"{"pattern":"saga","branches":[{"id":"b","kind":"call","action":"http://a"}]}"#);
    assert_eq!((saga.order, saga.deadline_ms), (Order::Sequential, Some(30_000)));
    let message = r#"{"pattern":"message","branches":[{"id":"b","kind":"call","deliver":"http://a"}]"#;
    assert_eq!(asked(&format!("{message}}}")).deadline_ms, None);
    let prepared = asked(&format!(r#"{message},"mode":"interactive","check":"http://a/check"}}"#));
    assert_eq!(prepared.check, Some(CheckSpec { url: "http://a/check".into(), after_ms: 10_000 }));
    assert_eq!(asked(&tcc(r#","retry":{"initial_ms":90000}"#)).retry.max_ms, 90_000);
}

#[test]
fn null_is_the_same_as_absent() {
    let nulls = concat!(
        r#","id":null,"mode":null,"order":null,"deadline_ms":null,"cooling_off_ms":null,"wait_ms":null,"#,
        r#""retry":null,"labels":null,"check":null,"check_after_ms":null"#
    );
    let (with, without) = (asked(&tcc(nulls)), asked(&tcc("")));
    assert_eq!(Spec { id: without.id.clone(), ..with }, without);
    let nulls =
        r#","action":null,"body":null,"headers":null,"timeout_ms":null,"after":null,"pass_result":null"#;
    assert_eq!(asked(&call(nulls)).branches, asked(&call("")).branches);
}

#[test]
fn what_is_not_json_is_refused() {
    let cases: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"null",
        b"[]",
        b"\"tcc\"",
        b"{} {}",
        b"{\"pattern\":\"tcc\",}",
        b"{'pattern':'tcc'}",
        b"{\"id\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{\"deadline_ms\":01}",
    ];
    for body in cases {
        assert_eq!(refused(body).0, "json_invalid", "{}", String::from_utf8_lossy(body));
    }
    let deep = format!(r#"{{"labels":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    assert_eq!(refused(deep.as_bytes()).0, "json_too_deep");
    let array = format!("[{}]", ["null"; 12].join(","));
    assert_eq!(refused(array.as_bytes()).0, "json_invalid", "fields by position");
}

#[test]
fn fields_are_refused_by_name() {
    let cases: [(String, &str, &str); 25] = [
        (tcc(r#","deadline":1"#), "field_unknown", "/deadline"),
        (tcc(r#","a/b~c":1"#), "field_unknown", "/a~1b~0c"),
        (tcc(r#","x`, expected y":1"#), "field_unknown", "/x`, expected y"),
        (tcc(r#","retry":{"attempts":1}"#), "field_unknown", "/retry/attempts"),
        (call(r#","url":"x""#), "field_unknown", "/branches/0/url"),
        (tcc(r#","pattern":"tcc""#), "json_invalid", "/pattern"),
        (call(r#","id":"c""#), "json_invalid", "/branches/0/id"),
        (tcc(r#","labels":{"a":"1","a":"2"}"#), "json_invalid", "/labels/a"),
        (call(r#","headers":{"a":"1","a":"1"}"#), "json_invalid", "/branches/0/headers/a"),
        (tcc(r#","id":7"#), "field_invalid", "/id"),
        (tcc(r#","id":"\ud800""#), "field_invalid", "/id"),
        (tcc(r#","mode":"auto""#), "field_invalid", "/mode"),
        (tcc(r#","order":1"#), "field_invalid", "/order"),
        (tcc(r#","labels":[]"#), "field_invalid", "/labels"),
        (tcc(r#","labels":{"a":1}"#), "field_invalid", "/labels/a"),
        (tcc(r#","retry":[1,2,3]"#), "field_invalid", "/retry"),
        (call(r#","pass_result":"yes""#), "field_invalid", "/branches/0/pass_result"),
        (call(r#","after":"b""#), "field_invalid", "/branches/0/after"),
        (call(r#","after":[1]"#), "field_invalid", "/branches/0/after/0"),
        (r#"{"pattern":"tcc","branches":{}}"#.into(), "field_invalid", "/branches"),
        (r#"{"pattern":"tcc","branches":[[]]}"#.into(), "field_invalid", "/branches/0"),
        (r#"{"pattern":"2pc","branches":[]}"#.into(), "field_invalid", "/pattern"),
        (r#"{"branches":[]}"#.into(), "field_missing", "/pattern"),
        (r#"{"pattern":"tcc","branches":[{"kind":"await"}]}"#.into(), "field_missing", "/branches/0/id"),
        (r#"{"pattern":"tcc","branches":[{"id":"b"}]}"#.into(), "field_missing", "/branches/0/kind"),
    ];
    for (body, code, at) in cases {
        assert_eq!(refused(body.as_bytes()), (code, at.to_owned()), "{body}");
    }
}

#[test]
fn spans_are_whole_and_within_range() {
    let fields = ["deadline_ms", "cooling_off_ms", "wait_ms"];
    for field in fields {
        for value in [
            "-1",
            "1.5",
            "1e3",
            "0.0",
            "-0.0",
            "\"5\"",
            "true",
            "1e400",
            "99999999999999999999999",
            "18446744073709551615",
        ] {
            let body = tcc(&format!(r#","{field}":{value}"#));
            assert_eq!(refused(body.as_bytes()), ("span_invalid", format!("/{field}")), "{body}");
        }
    }
    let cases = [
        (tcc(r#","deadline_ms":0"#), "/deadline_ms"),
        (tcc(r#","wait_ms":60001"#), "/wait_ms"),
        (tcc(r#","retry":{"initial_ms":0}"#), "/retry/initial_ms"),
        (tcc(r#","retry":{"initial_ms":5,"max_ms":4}"#), "/retry/max_ms"),
        (tcc(r#","retry":{"attention_after":0}"#), "/retry/attention_after"),
        (tcc(r#","retry":{"attention_after":4294967296}"#), "/retry/attention_after"),
        (tcc(r#","retry":{"attention_after":-3}"#), "/retry/attention_after"),
        (call(r#","timeout_ms":0"#), "/branches/0/timeout_ms"),
        (call(r#","timeout_ms":2.0"#), "/branches/0/timeout_ms"),
    ];
    for (body, at) in cases {
        assert_eq!(refused(body.as_bytes()), ("span_invalid", at.to_owned()), "{body}");
    }
}

#[test]
fn fields_of_other_patterns_and_kinds_are_refused() {
    let branch = |pattern: &str, fields: &str| {
        format!(r#"{{"pattern":"{pattern}","branches":[{{"id":"b",{fields}}}]}}"#)
    };
    let cases: [(String, &str, &str); 19] = [
        (call(r#","action":"http://a""#), "field_unexpected", "/branches/0/action"),
        (call(r#","deliver":"http://a""#), "field_unexpected", "/branches/0/deliver"),
        (branch("saga", r#""kind":"call","try":"http://a""#), "field_unexpected", "/branches/0/try"),
        (branch("saga", r#""kind":"call","compensate":"http://a""#), "field_missing", "/branches/0/action"),
        (branch("message", r#""kind":"call","action":"http://a""#), "field_unexpected", "/branches/0/action"),
        (branch("message", r#""kind":"call""#), "field_missing", "/branches/0/deliver"),
        (branch("tcc", r#""kind":"await","try":"http://a""#), "field_unexpected", "/branches/0/try"),
        (branch("tcc", r#""kind":"await","body":1"#), "field_unexpected", "/branches/0/body"),
        (branch("tcc", r#""kind":"await","timeout_ms":1"#), "field_unexpected", "/branches/0/timeout_ms"),
        (call(r#","amount":"1""#), "field_unexpected", "/branches/0/amount"),
        (branch("tcc", r#""kind":"hold","from":"a","amount":"3""#), "field_missing", "/branches/0/to"),
        (branch("tcc", r#""kind":"hold","from":"a","holds":[]"#), "field_unexpected", "/branches/0/from"),
        (branch("tcc", r#""kind":"hold","try":"lock""#), "field_unexpected", "/branches/0/try"),
        (branch("tcc", r#""kind":"item","item":"c","try":"lock""#), "field_missing", "/branches/0/confirm"),
        (branch("tcc", r#""kind":"item","item":"c","body":1"#), "field_unexpected", "/branches/0/body"),
        (branch("tcc", r#""kind":"await","holds":[]"#), "field_unexpected", "/branches/0/holds"),
        (branch("tcc", r#""kind":"magic""#), "kind_unsupported", "/branches/0/kind"),
        (tcc(r#","check":"http://a""#), "field_unexpected", "/check"),
        (tcc(r#","check_after_ms":5"#), "field_unexpected", "/check_after_ms"),
    ];
    for (body, code, at) in cases {
        assert_eq!(refused(body.as_bytes()), (code, at.to_owned()), "{body}");
    }
}

#[test]
fn branches_of_the_ledger_are_read() {
    let spec = asked(
        r#"{"pattern":"tcc","branches":[
          {"id":"one","kind":"hold","from":"user:1","to":"shop","amount":"12.50","up_to":true},
          {"id":"many","kind":"hold","holds":[{"from":"a","to":"b","amount":3},{"from":"c","to":"d","amount":"0.1"}]},
          {"id":"coupon","kind":"item","item":"C-1","try":"lock","confirm":"use","cancel":"unlock","owner":"user:1",
           "arguments":{"total":"9.90","n":3,"gift":false},"after":["one"]}]}"#,
    );
    let leg =
        |from: &str, to: &str, amount, up_to| HoldLeg { from: from.into(), to: to.into(), amount, up_to };
    let decimal = |text: &str| Quantity::Decimal(text.into());
    let legs = vec![leg("user:1", "shop", decimal("12.50"), true)];
    assert_eq!(spec.branches[0].kind, Kind::Hold(HoldSpec { legs }));
    let legs = vec![leg("a", "b", Quantity::Whole(3), false), leg("c", "d", decimal("0.1"), false)];
    assert_eq!(spec.branches[1].kind, Kind::Hold(HoldSpec { legs }));
    let item = ItemSpec {
        item: "C-1".into(),
        attempt: "lock".into(),
        confirm: "use".into(),
        cancel: "unlock".into(),
        owner: Some("user:1".into()),
        arguments: vec![
            ("gift".into(), Argument::Flag(false)),
            ("n".into(), Argument::Integer(3)),
            ("total".into(), Argument::Text("9.90".into())),
        ],
    };
    assert_eq!(spec.branches[2].kind, Kind::Item(item));
    assert_eq!(&*spec.branches[2].after[0], "one");
}

#[test]
fn amounts_and_arguments_of_branches_are_strict() {
    let hold = |amount: &str| {
        format!(
            r#"{{"pattern":"tcc","branches":[{{"id":"b","kind":"hold","from":"a","to":"b","amount":{amount}}}]}}"#
        )
    };
    for amount in ["1.0", "1e3", "true", "{}"] {
        let at = "/branches/0/amount".to_owned();
        assert_eq!(refused(hold(amount).as_bytes()), ("amount_invalid", at), "{amount}");
    }
    let legs = r#"{"pattern":"tcc","branches":[{"id":"b","kind":"hold","holds":[{"from":"a","to":"b","amount":1.5}]}]}"#;
    assert_eq!(refused(legs.as_bytes()), ("amount_invalid", "/branches/0/holds/0/amount".to_owned()));
    let item = |arguments: &str| {
        format!(
            r#"{{"pattern":"tcc","branches":[{{"id":"b","kind":"item","item":"i","try":"a","confirm":"b","cancel":"c",
            "arguments":{arguments}}}]}}"#
        )
    };
    for (arguments, at) in [
        (r#"{"n":1.5}"#, "/branches/0/arguments/n"),
        (r#"{"n":null}"#, "/branches/0/arguments/n"),
        (r#"{"a b":1}"#, "/branches/0/arguments/a b"),
    ] {
        assert_eq!(refused(item(arguments).as_bytes()), ("item_invalid", at.to_owned()), "{arguments}");
    }
}

#[test]
fn only_urls_that_can_be_called_are_kept() {
    let with = |url: &str| {
        format!(r#"{{"pattern":"saga","branches":[{{"id":"b","kind":"call","action":"{url}"}}]}}"#)
    };
    let long = format!("http://a/{}", "x".repeat(2048));
    let bad = [
        "",
        "a",
        "/try",
        "a:80/try",
        "ftp://a/",
        "file:///etc/passwd",
        "javascript:1",
        "http://",
        "http:///x",
        "http:\\\\\\\\a/t",
        "http:a",
        "http://?a",
        "http://u@a/",
        "http://u:p@a/",
        "http://a/#f",
        "http://a b/",
        "http://a/\u{e9}",
        "http://a/\\n",
        "http://a:99999/",
        "http://a:0/",
        "http://[::1/",
        &long,
    ];
    for url in bad {
        assert_eq!(refused(with(url).as_bytes()), ("url_invalid", "/branches/0/action".into()), "{url}");
    }
    let good = [
        ("http://a", "http://a/"),
        ("HTTPS://Stock.Example:443/Try?x=%20", "https://stock.example/Try?x=%20"),
        ("http://[::1]:7001/t", "http://[::1]:7001/t"),
        ("http://0x7f.1/t", "http://127.0.0.1/t"),
    ];
    for (given, kept) in good {
        let spec = asked(&with(given));
        let Kind::Call(call) = &spec.branches[0].kind else { panic!("b is a call") };
        assert_eq!(call.urls.attempt.as_deref(), Some(kept), "{given}");
    }
}

#[test]
fn the_operators_rules_are_asked_early() {
    let no_privates: TargetJudge = Arc::new(|url| match url.host_str() {
        Some("10.0.0.1") => Err("10.0.0.1 is a private address".to_owned()),
        _ => Ok(()),
    });
    let judge = Judge { targets: Some(&no_privates), resources: None };
    let body = r#"{"pattern":"saga","branches":[{"id":"a","kind":"call","action":"http://b"},
        {"id":"b","kind":"call","action":"http://b","compensate":"http://10.0.0.1/"}]}"#;
    let refusal = read(body.as_bytes(), &judge).unwrap_err();
    assert_eq!((refusal.kind.code, refusal.at.as_deref()), ("target_denied", Some("/branches/1/compensate")));
    assert_eq!(refusal.detail, "10.0.0.1 is a private address");
}

#[test]
fn lists_are_bounded_while_they_are_read() {
    let many =
        |element: &str| format!(r#"{{"pattern":"tcc","branches":[{}]}}"#, vec![element; 1_001].join(","));
    assert_eq!(refused(many("{}").as_bytes()), ("branches_invalid", "/branches".into()));
    let some = format!(
        r#"{{"pattern":"tcc","branches":[{}]}}"#,
        vec![r#"{"id":"b","kind":"await"}"#; 101].join(",")
    );
    assert_eq!(refused(some.as_bytes()), ("branches_invalid", "/branches".into()));
    assert_eq!(refused(br#"{"pattern":"tcc","branches":[]}"#), ("branches_invalid", "/branches".into()));
    let after = format!(r#","after":[{}]"#, vec!["\"b\""; 1_001].join(","));
    assert_eq!(refused(call(&after).as_bytes()), ("field_invalid", "/branches/0/after".into()));
    let labels: Vec<String> = (0..1_001).map(|number| format!(r#""l{number}":"1""#)).collect();
    let labels = tcc(&format!(r#","labels":{{{}}}"#, labels.join(",")));
    assert_eq!(refused(labels.as_bytes()), ("field_invalid", "/labels".into()));
}

#[test]
fn the_graph_is_checked_with_pointers() {
    let twice = r#"{"pattern":"tcc","branches":[{"id":"b","kind":"await"},{"id":"b","kind":"await"}]}"#;
    assert_eq!(refused(twice.as_bytes()), ("branch_duplicate", "/branches/1/id".into()));
    let cycle = r#"{"pattern":"tcc","branches":[{"id":"a","kind":"await","after":["b"]},{"id":"b","kind":"await","after":["a"]}]}"#;
    assert_eq!(refused(cycle.as_bytes()), ("after_cycle", "/branches/0/after".into()));
    assert_eq!(
        refused(call(r#","headers":{"Host":"x"}"#).as_bytes()),
        ("header_invalid", "/branches/0/headers".into())
    );
    assert_eq!(refused(tcc(r#","id":"a b""#).as_bytes()), ("id_invalid", "/id".into()));
}

#[test]
fn a_refusal_repeats_only_a_little_of_what_was_sent() {
    let body = tcc(&format!(r#","{}":1"#, "x".repeat(500_000)));
    let refusal = read(body.as_bytes(), &OPEN).unwrap_err();
    assert_eq!(refusal.kind.code, "field_unknown");
    assert!(refusal.detail.len() < 1_000 && refusal.at.is_some_and(|at| at.len() < 1_000));
}

proptest! {
    #[test]
    fn no_bytes_upset_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, &OPEN);
    }

    /// What looks nearly right goes deeper into the parser than noise does.
    #[test]
    fn no_mutation_upsets_the_parser(at in 0_usize..300, bytes in prop::collection::vec(any::<u8>(), 0..4), cut in 0_usize..4) {
        let more = r#","body":{"a":[1,"x"]},"headers":{"X-A":"1"},"timeout_ms":20,"after":[],"pass_result":true"#;
        let mut body = call(more).into_bytes();
        let at = at.min(body.len());
        let end = (at + cut).min(body.len());
        body.splice(at..end, bytes);
        if let Err(refusal) = read(&body, &OPEN) {
            prop_assert!(refusal.kind.number > 100);
            prop_assert!(!refusal.detail.is_empty());
        }
    }
}
