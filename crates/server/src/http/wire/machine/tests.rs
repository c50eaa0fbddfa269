//! One machine, in JSON and in TOML; and what contradicts itself.

use super::*;
use crate::http::parse;

const JSON: &str = r#"{"name":"coupon","initial":"issued",
 "states":{"issued":{},"active":{},"locked":{"expires_to":"active","lapsed_to":"expired","after_ms":900000},
   "used":{"final":true},"expired":{"final":true},"booked":{"expires_to":"used","at":"due"}},
 "moves":{"lock":{"from":["active"],"to":"locked","guard":["within_validity","owner",
     {"quota":{"states":["locked","used"],"per_owner":2,"total":1000}},
     {"attribute":"min_order","op":"<=","argument":"order_total"},{"attribute":"vip","op":"==","value":true}]},
   "activate":{"from":["issued"],"to":"active"},"unlock":{"from":["locked"],"to":"active","lapsed_to":"expired"}}}"#;

const TOML: &str = r#"
name = "coupon"
initial = "issued"
[states]
issued = {}
active = {}
locked = { expires_to = "active", lapsed_to = "expired", after_ms = 900000 }
used = { final = true }
expired = { final = true }
booked = { expires_to = "used", at = "due" }
[moves]
lock = { from = ["active"], to = "locked", guard = [
  "within_validity", "owner", { quota = { states = ["locked", "used"], per_owner = 2, total = 1000 } },
  { attribute = "min_order", op = "<=", argument = "order_total" }, { attribute = "vip", op = "==", value = true } ] }
activate = { from = ["issued"], to = "active" }
unlock = { from = ["locked"], to = "active", lapsed_to = "expired" }
"#;

fn read(text: &str) -> Result<Machine, (&'static str, String)> {
    let body = parse::object::<MachineBody>(text).and_then(MachineBody::into_machine);
    body.map_err(|refusal| (refusal.kind.code, refusal.at.unwrap_or_default()))
}

#[test]
fn json_and_toml_are_one_shape_in_the_order_of_declaration() {
    let machine = read(JSON).unwrap();
    let names: Vec<&str> = machine.states.iter().map(|state| &*state.name).collect();
    assert_eq!(names, ["issued", "active", "locked", "used", "expired", "booked"]);
    let names: Vec<&str> = machine.moves.iter().map(|found| &*found.name).collect();
    assert_eq!(names, ["lock", "activate", "unlock"]);
    let expires = machine.states[2].expires.as_ref().unwrap();
    assert_eq!((&*expires.to, expires.lapsed_to.as_deref()), ("active", Some("expired")));
    assert_eq!(expires.when, When::After(900_000));
    assert_eq!(machine.states[5].expires.as_ref().unwrap().when, When::At("due".into()));
    assert!(machine.states[3].is_final && !machine.states[0].is_final);
    let guards = &machine.moves[0].guards;
    assert_eq!((&guards[0], &guards[1], guards.len()), (&Guard::WithinValidity, &Guard::Owner, 5));
    let quota = Quota { states: vec!["locked".into(), "used".into()], per_owner: Some(2), total: Some(1000) };
    assert_eq!(guards[2], Guard::Quota(quota));
    let compared =
        |attribute: &str, compare, with| Guard::Attribute { attribute: attribute.into(), compare, with };
    assert_eq!(guards[3], compared("min_order", Compare::AtMost, Operand::Argument("order_total".into())));
    assert_eq!(guards[4], compared("vip", Compare::Equal, Operand::Literal(Literal::Flag(true))));
    let body: MachineBody = toml::from_str(TOML).unwrap();
    assert_eq!(body.into_machine().unwrap(), machine);
}

#[test]
fn what_is_no_machine_is_refused_where_it_stands() {
    let with = |from: &str, to: &str| {
        assert!(JSON.contains(from), "{from}");
        JSON.replacen(from, to, 1)
    };
    let cases = [
        (with(r#""name":"coupon","#, ""), "field_missing", "/name"),
        (with(r#""issued":{}"#, r#""issued":{"finale":true}"#), "field_unknown", "/states/issued/finale"),
        (with(r#""issued":{}"#, r#""issued":[]"#), "field_invalid", "/states/issued"),
        (with(r#""active":{}"#, r#""issued":{}"#), "json_invalid", "/states/issued"),
        (with(r#""at":"due""#, r#""at":"due","after_ms":1"#), "machine_invalid", "/states/booked/at"),
        (with(r#","at":"due""#, ""), "machine_invalid", "/states/booked/expires_to"),
        (with(r#""expires_to":"used","#, ""), "machine_invalid", "/states/booked"),
        (with("900000", "-1"), "field_invalid", "/states/locked/after_ms"),
        (with(r#""owner","#, r#""owned","#), "machine_invalid", "/moves/lock/guard/1"),
        (with(r#""op":"==""#, r#""op":"=""#), "machine_invalid", "/moves/lock/guard/4/op"),
        (
            with(r#""value":true"#, r#""value":true,"argument":"x""#),
            "machine_invalid",
            "/moves/lock/guard/4/value",
        ),
        (with(r#","value":true"#, ""), "machine_invalid", "/moves/lock/guard/4"),
        (with(r#""value":true"#, r#""value":1.5"#), "field_invalid", "/moves/lock/guard/4/value"),
        (with(r#""total":1000"#, r#""totals":1"#), "field_unknown", "/moves/lock/guard/2/quota/totals"),
    ];
    for (text, code, at) in cases {
        assert_eq!(read(&text).unwrap_err(), (code, at.to_owned()), "{text}");
    }
}
