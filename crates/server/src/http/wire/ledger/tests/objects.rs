//! Objects and results as they are written.

use std::sync::Arc;

use engine::{AccountThen, Balances, CauseText, Changed, History, Line, Statement, Step};
use ledger::refusal::{INSUFFICIENT, LINKED_REFUSED};
use ledger::{
    AccountView, AssetView, Done, HoldState, HoldView, ItemView, Literal, LotView, MachineView, Outcome, Run,
};

use super::*;

fn written(view: &impl serde::Serialize) -> String {
    serde_json::to_string(view).unwrap()
}

fn eur() -> AssetView {
    AssetView { code: Arc::from("eur"), scale: 2 }
}

fn changed(results: ledger::Results) -> Changed {
    Changed { results, ids: None, replayed: false, sequence: 7 }
}

#[test]
fn results_are_short_and_in_order() {
    let text = r#"{"entries":[{"id":"a","from":"x","to":"y","amount":"1"},{"id":"b","from":"x","to":"y","amount":"9","up_to":true},
      {"id":"c","from":"x","to":"y","amount":"1"},{"id":"d","from":"x","to":"y","amount":"1"}]}"#;
    let (gathered, _) = parse::object::<EntriesBody<'_>>(text).unwrap().gathered().unwrap();
    let outcome = |done, amount| Ok(Outcome { done, amount: Some(amount), scale: 2 });
    let results = vec![
        outcome(Done::Posted, 100),
        outcome(Done::Posted, 0),
        Err(Box::new(INSUFFICIENT.because("only \"3\" left"))),
        Err(Box::new(LINKED_REFUSED.at("/linked", "c"))),
    ];
    let told = super::super::results(&gathered, &changed(results), Run::Real);
    let expected = concat!(
        r#"{"results":[{"id":"a","outcome":"posted","refusal":null},"#,
        r#"{"id":"b","outcome":"posted","amount":"0.00","refusal":null},"#,
        r#"{"id":"c","outcome":"refused","refusal":{"code":"insufficient","detail":"only \"3\" left"}},"#,
        r#"{"id":"d","outcome":"refused","refusal":{"code":"linked_refused","detail":"c","at":"/linked"}}]}"#
    );
    assert_eq!(String::from_utf8(told).unwrap(), expected);
}

#[test]
fn a_replay_tells_the_first_ids_and_a_dry_run_says_so() {
    let text = r#"{"members":[{"kind":"entry","from":"x","to":"y","amount":"1"}]}"#;
    let (gathered, _) = parse::object::<BatchBody<'_>>(text).unwrap().gathered().unwrap();
    let results = vec![Ok(Outcome { done: Done::Posted, amount: None, scale: 0 })];
    let replayed = Changed { ids: Some(vec!["first".into()]), replayed: true, ..changed(results) };
    let told = super::super::results(&gathered, &replayed, Run::Dry);
    let expected = r#"{"results":[{"id":"first","outcome":"posted","refusal":null}],"dry_run":true}"#;
    assert_eq!(String::from_utf8(told).unwrap(), expected);
}

fn account() -> AccountView {
    AccountView {
        id: "user:1".into(),
        slot: 3,
        asset: eur(),
        floor: Floor::At(0),
        ceiling: None,
        standing: Standing::Active,
        sink: None,
        posted: 1_250,
        held: 300,
        incoming: 5,
        version: 4,
        last: 99,
        lots: Vec::new(),
    }
}

#[test]
fn an_account_has_the_shape_of_the_api() {
    let expected = concat!(
        r#"{"id":"user:1","asset":"eur","floor":"zero","posted":"12.50","held":"3.00","available":"9.50","version":4,"#,
        r#""incoming":"0.05","ceiling":null,"standing":"active","lots":null}"#
    );
    assert_eq!(written(&AccountObject::of(&account())), expected);
    let lot = LotView { expires_at: Some(Time(0)), free: 1, held: 0 };
    let other = AccountView {
        floor: Floor::At(-10_000),
        ceiling: Some(500),
        standing: Standing::Frozen,
        sink: Some("gone".into()),
        lots: vec![lot, LotView { expires_at: None, ..lot }],
        ..account()
    };
    let text = written(&AccountObject::of(&other));
    assert!(text.contains(r#""floor":"-100.00""#), "{text}");
    let end = concat!(
        r#""ceiling":"5.00","standing":"frozen","lots":{"sink":"gone","open":["#,
        r#"{"expires_at":"1970-01-01T00:00:00.000000Z","free":"0.01","held":"0.00"},"#,
        r#"{"expires_at":null,"free":"0.01","held":"0.00"}]}}"#
    );
    assert!(text.ends_with(end), "{text}");
    let none = AccountView { floor: Floor::None, ..account() };
    assert!(written(&AccountObject::of(&none)).contains(r#""floor":"none""#));
    let accounts = [account()];
    let list = written(&AccountListView::of(&accounts, Some("61".into())));
    assert_eq!(list, format!(r#"{{"items":[{expected}],"next":"61"}}"#));
}

#[test]
fn an_account_of_the_past_has_its_balances_of_then() {
    let then = AccountThen { now: account(), then: Balances { posted: -100, held: 0, version: 1 } };
    let expected = concat!(
        r#"{"id":"user:1","asset":"eur","floor":"zero","posted":"-1.00","held":"0.00","available":"-1.00","version":1,"#,
        r#""at":"1970-01-01T00:00:01.000000Z"}"#
    );
    assert_eq!(written(&AccountThenObject::of(&then, Time(1_000_000))), expected);
}

#[test]
fn a_hold_has_the_shape_of_the_api() {
    let hold = HoldView {
        id: "t/points".into(),
        state: HoldState::Held,
        accounts: ("user:1".into(), "shop".into()),
        asset: eur(),
        amount: 500,
        captured: 200,
        left: 300,
        expires_at: Some(Time(0)),
        owned: true,
        last: 1,
    };
    let expected = concat!(
        r#"{"id":"t/points","state":"held","from":"user:1","to":"shop","asset":"eur","amount":"5.00","captured":"2.00","#,
        r#""left":"3.00","expires_at":"1970-01-01T00:00:00.000000Z","owned":true}"#
    );
    assert_eq!(written(&HoldObject::of(&hold)), expected);
    for (state, name) in [
        (HoldState::Captured, "captured"),
        (HoldState::Released, "released"),
        (HoldState::Expired, "expired"),
    ] {
        let closed = HoldView { state, expires_at: None, owned: false, ..hold.clone() };
        let text = written(&HoldObject::of(&closed));
        assert!(
            text.contains(&format!(r#""state":"{name}""#)) && text.contains(r#""expires_at":null"#),
            "{text}"
        );
    }
}

#[test]
fn an_item_has_the_shape_of_the_api() {
    let item = ItemView {
        id: "C-1".into(),
        machine: (Arc::from("coupon"), 2),
        state: "issued".into(),
        is_final: false,
        owner: Some("user:1".into()),
        attributes: vec![
            ("flag".into(), Literal::Flag(true)),
            ("min".into(), Literal::Text("9.90".into())),
            ("n".into(), Literal::Integer(-3)),
        ],
        due: None,
        held: false,
        version: 0,
        last: 5,
    };
    let expected = concat!(
        r#"{"id":"C-1","machine":"coupon","version_of_machine":2,"state":"issued","final":false,"owner":"user:1","#,
        r#""attributes":{"flag":true,"min":"9.90","n":-3},"due_at":null,"held":false,"version":0}"#
    );
    assert_eq!(written(&ItemObject::of(&item)), expected);
}

#[test]
fn a_statement_has_the_shape_of_the_api() {
    let line = Line {
        sequence: 12,
        at: Time(0),
        version: 3,
        event: "captured",
        id: "h".into(),
        capture: Some("c".into()),
        amount: -150,
        other: Some("shop".into()),
        posted: 850,
        held: 0,
        refunds: None,
        bounds: None,
        cause: CauseText { transaction: Some("t".into()), ..CauseText::default() },
    };
    let bare = Line { capture: None, other: None, cause: CauseText::default(), ..line.clone() };
    let page = Statement { asset: eur(), lines: vec![line, bare], next: Some("x".into()), sequence: 12 };
    let start = concat!(
        r#"{"id":"h","seq":12,"at":"1970-01-01T00:00:00.000000Z","event":"captured","amount":"-1.50","#,
        r#""posted_after":"8.50","held_after":"0.00","#
    );
    let expected = format!(
        concat!(
            r#"{{"items":[{start}"other":"shop","capture":"c","version":3,"#,
            r#""cause":{{"transaction":"t","branch":null,"operator":null,"reason":null}}}},"#,
            r#"{start}"other":null,"capture":null,"version":3,"cause":null}}],"next":"x"}}"#
        ),
        start = start
    );
    assert_eq!(written(&StatementView::of(&page)), expected);
}

#[test]
fn a_line_says_what_it_gives_back_and_what_a_change_led_to() {
    let line = Line {
        sequence: 1,
        at: Time(0),
        version: 1,
        event: "posted",
        id: "r".into(),
        capture: None,
        amount: 100,
        other: None,
        posted: 100,
        held: 0,
        refunds: Some("h/c".into()),
        bounds: None,
        cause: CauseText::default(),
    };
    let bounds = engine::AccountBounds {
        floor: ledger::Floor::At(-500),
        ceiling: Some(100_000),
        standing: ledger::Standing::Frozen,
    };
    let change = Line { event: "changed", refunds: None, bounds: Some(bounds), ..line.clone() };
    let page = Statement { asset: eur(), lines: vec![line, change], next: None, sequence: 1 };
    let text = written(&StatementView::of(&page));
    assert!(text.contains(r#""capture":null,"refunds":"h/c","version":1"#), "{text}");
    let after =
        r#""capture":null,"after":{"floor":"-5.00","ceiling":"1000.00","standing":"frozen"},"version":1"#;
    assert!(text.contains(after), "{text}");
}

#[test]
fn histories_of_holds_and_items_have_their_own_fields() {
    let step = Step {
        sequence: 3,
        at: Time(0),
        event: "captured",
        operation: Some("c".into()),
        by: None,
        states: None,
        amount: Some((150, eur())),
        owner: None,
        cause: CauseText::default(),
    };
    let moved = Step {
        event: "moved",
        operation: Some("m-1".into()),
        by: Some("lock".into()),
        states: Some((Some("active".into()), "locked".into())),
        amount: None,
        owner: Some("user:1".into()),
        ..step.clone()
    };
    let page = History { steps: vec![step, moved], next: None, sequence: 3 };
    let expected = concat!(
        r#"{"items":[{"seq":3,"at":"1970-01-01T00:00:00.000000Z","event":"captured","operation":"c","amount":"1.50","cause":null},"#,
        r#"{"seq":3,"at":"1970-01-01T00:00:00.000000Z","event":"moved","operation":"m-1","move":"lock","from":"active","#,
        r#""to":"locked","owner":"user:1","cause":null}],"next":null}"#
    );
    assert_eq!(written(&HistoryView::of(&page)), expected);
}

#[test]
fn a_machine_is_written_as_it_was_declared() {
    let declared = concat!(
        r#"{"name":"coupon","initial":"issued","states":{"issued":{},"active":{},"locked":{"expires_to":"active","#,
        r#""after_ms":900000,"lapsed_to":"used"},"used":{"final":true},"booked":{"expires_to":"used","at":"due"}},"#,
        r#""moves":{"lock":{"from":["active"],"to":"locked","lapsed_to":"used","guard":["within_validity","owner","#,
        r#"{"quota":{"states":["locked"],"per_owner":2}},{"attribute":"min","op":"<=","argument":"total"},"#,
        r#"{"attribute":"n","op":"!=","value":3}]},"activate":{"from":["issued","booked"],"to":"active"}}}"#
    );
    let body: crate::http::wire::MachineBody = parse::object(declared).unwrap();
    let machine = Arc::new(body.into_machine().unwrap());
    let text = written(&MachineObject::of(&MachineView { machine: Arc::clone(&machine), version: 2 }));
    let (shape, diagram) = text.split_once(r#","diagram":"stateDiagram-v2"#).unwrap();
    let again = format!("{}}}", shape.replace(r#""version":2,"#, ""));
    assert_eq!(again, declared);
    assert!(diagram.contains("[*] --> issued"), "{diagram}");
}
