//! Bodies of the ledger's verbs become batches; what is malformed refuses the whole request and says where.

use ledger::{Amount, Cause, Command, Entry, Expiry, Floor, Linked, Standing, Take, Value};
use transaction::{Refusal, Time};

use super::*;
use crate::http::{body, parse};

mod objects;
mod refused;

/// How a list of a verb is read.
type Reader = fn(&str) -> Result<(Gathered<'_>, Option<bool>), Refusal>;

const READERS: [(&str, Reader); 5] = [
    ("entries", |text| parse::object::<EntriesBody<'_>>(checked(text)?)?.gathered()),
    ("holds", |text| parse::object::<HoldsBody<'_>>(checked(text)?)?.gathered()),
    ("accounts", |text| parse::object::<AccountsBody<'_>>(checked(text)?)?.gathered()),
    ("items", |text| parse::object::<ItemsBody<'_>>(checked(text)?)?.gathered()),
    ("members", |text| parse::object::<BatchBody<'_>>(checked(text)?)?.gathered()),
];

fn checked(text: &str) -> Result<&str, Refusal> {
    body::text(text.as_bytes(), 32)
}

/// Reads `members` as the list of its verb.
fn read(list: &str, text: &str) -> Result<(Vec<String>, Batches), (&'static str, String)> {
    let (_, reader) = READERS.iter().find(|(name, _)| *name == list).unwrap();
    let read = reader(text).map_err(|refusal| (refusal.kind.code, refusal.at.unwrap_or_default()))?;
    let ids = read.0.named.iter().map(|(id, _)| id.to_string()).collect();
    Ok((ids, Batches { batch: read.0.batch, is_dry: read.1 == Some(true) }))
}

#[derive(Debug)]
struct Batches {
    batch: ledger::Batch,
    is_dry: bool,
}

fn entry<'a>(id: &'a str, amount: Amount<&'a str>) -> Entry<&'a str> {
    Entry {
        id,
        from: "a",
        to: "b",
        amount,
        take: Take::Exactly,
        expiry: Expiry::Never,
        refunds: None,
        linked: Linked::No,
        cause: Cause::default(),
    }
}

#[test]
fn entries_are_read() {
    let text = r#"{"entries":[
      {"id":"e-1","from":"a","to":"b","amount":"12.50"},
      {"id":"e\u002d2","from":"a","to":"b","amount":300,"up_to":true,"linked":true,"refunds":"e-1","expires_in_ms":5,
       "cause":{"transaction":"t","branch":"x","operator":"anna","reason":"weil \"so\" ist"}},
      {"id":"e-3","from":"a","to":"b","amount":"1","expires_at":"1970-01-01T00:00:01Z","up_to":false,"linked":null}]}"#;
    let (ids, read) = read("entries", text).unwrap();
    assert_eq!(ids, ["e-1", "e-2", "e-3"]);
    assert!(!read.is_dry);
    assert_eq!(read.batch.get(0), Some(Command::Entry(entry("e-1", Amount::Decimal("12.50")))));
    let second = Entry {
        take: Take::UpTo,
        linked: Linked::ToNext,
        refunds: Some("e-1"),
        expiry: Expiry::In(5),
        cause: Cause {
            transaction: Some("t"),
            branch: Some("x"),
            operator: Some("anna"),
            reason: Some("weil \"so\" ist"),
        },
        ..entry("e-2", Amount::Whole(300))
    };
    assert_eq!(read.batch.get(1), Some(Command::Entry(second)));
    let third = Entry { expiry: Expiry::At(Time(1_000_000)), ..entry("e-3", Amount::Decimal("1")) };
    assert_eq!(read.batch.get(2), Some(Command::Entry(third)));
}

#[test]
fn what_has_no_id_gets_one() {
    for (list, member) in [
        ("entries", r#"{"from":"a","to":"b","amount":"1"}"#),
        ("holds", r#"{"from":"a","to":"b","amount":"1"}"#),
        ("items", r#"{"machine":"coupon"}"#),
        ("members", r#"{"kind":"move","item":"C-1","move":"lock"}"#),
    ] {
        let (ids, read) = read(list, &format!(r#"{{"{list}":[{member},{member}],"dry_run":true}}"#)).unwrap();
        assert!(read.is_dry);
        assert_eq!((ids.len(), read.batch.len()), (2, 2), "{list}");
        assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).unwrap().get_version_num() == 7), "{ids:?}");
        assert_ne!(ids[0], ids[1]);
    }
}

#[test]
fn accounts_are_read() {
    let text = r#"{"accounts":[{"id":"a","asset":"eur"},{"id":"b","asset":"eur","floor":"none","ceiling":"9.5"},
      {"id":"c","asset":"points","floor":"-100.00","lots":{"sink":"gone"}},{"id":"d","asset":"points","floor":-5,"ceiling":7},
      {"id":"e","asset":"points","floor":"zero"}]}"#;
    let (ids, read) = read("accounts", text).unwrap();
    assert_eq!(ids, ["a", "b", "c", "d", "e"]);
    let opened: Vec<_> = (0..5)
        .map(|index| match read.batch.get(index) {
            Some(Command::Open(open)) => (open.floor, open.ceiling, open.lots),
            other => panic!("{other:?}"),
        })
        .collect();
    let zero = Floor::At(Amount::Units(0));
    assert_eq!(
        opened,
        [
            (zero, None, None),
            (Floor::None, Some(Amount::Decimal("9.5")), None),
            (Floor::At(Amount::Decimal("-100.00")), None, Some("gone")),
            (Floor::At(Amount::Whole(-5)), Some(Amount::Whole(7)), None),
            (zero, None, None),
        ]
    );
}

#[test]
fn an_adjustment_tells_null_from_absent() {
    let read = |text: &str| {
        let mut gathered = Gathered::default();
        parse::object::<AdjustBody<'_>>(text).unwrap().add("acc", &mut gathered).unwrap();
        match gathered.batch.get(0) {
            Some(Command::Adjust(adjust)) => {
                assert_eq!(adjust.account, "acc");
                let ceiling = adjust.ceiling.map(|ceiling| ceiling.is_some());
                (adjust.floor.is_some(), ceiling, adjust.standing)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(read(r#"{"id":"x"}"#), (false, None, None));
    assert_eq!(read(r#"{"ceiling":null,"floor":null}"#), (false, Some(false), None));
    assert_eq!(read(r#"{"ceiling":"5","floor":"none"}"#), (true, Some(true), None));
    for (name, standing) in
        [("active", Standing::Active), ("frozen", Standing::Frozen), ("closed", Standing::Closed)]
    {
        assert_eq!(read(&format!(r#"{{"standing":"{name}"}}"#)).2, Some(standing));
    }
}

#[test]
fn items_have_their_attributes_sorted() {
    let text = r#"{"items":[{"id":"C-1","machine":"coupon","owner":"user:1",
      "attributes":{"z":"Ä","n":-3,"flag":true,"b\u002d1":"x"}}]}"#;
    let (_, read) = read("items", text).unwrap();
    let Some(Command::Create(create)) = read.batch.get(0) else { panic!("an item is created") };
    let sorted = [
        ("b-1", Value::Text("x")),
        ("flag", Value::Flag(true)),
        ("n", Value::Integer(-3)),
        ("z", Value::Text("Ä")),
    ];
    assert_eq!(create.attributes, sorted);
    assert_eq!((create.id, create.machine, create.owner), ("C-1", "coupon", Some("user:1")));
}

#[test]
fn a_mixed_batch_takes_members_of_every_kind_in_order() {
    let text = r#"{"members":[
      {"kind":"account","id":"a","asset":"eur","linked":true},
      {"kind":"entry","id":"e","from":"a","to":"b","amount":"1"},
      {"id":"h","kind":"hold","from":"a","to":"b","amount":"1","up_to":true},
      {"kind":"capture","id":"c","hold":"h"},
      {"kind":"release","hold":"h","linked":true},
      {"kind":"item","id":"i","machine":"m"},
      {"kind":"move","id":"mv","item":"i","move":"lock","arguments":{"n":1}}]}"#;
    let (ids, read) = read("members", text).unwrap();
    assert_eq!(ids, ["a", "e", "h", "c", "h", "i", "mv"]);
    assert!(matches!(read.batch.get(0), Some(Command::Open(open)) if open.linked == Linked::ToNext));
    assert_eq!(read.batch.get(1), Some(Command::Entry(entry("e", Amount::Decimal("1")))));
    assert!(matches!(read.batch.get(2), Some(Command::Hold(hold)) if hold.take == Take::UpTo));
    assert!(matches!(read.batch.get(3), Some(Command::Capture(it)) if it.hold == "h" && it.amount.is_none()));
    assert!(matches!(read.batch.get(4), Some(Command::Release(it)) if it.linked == Linked::ToNext));
    assert!(matches!(read.batch.get(5), Some(Command::Create(create)) if create.machine == "m"));
    let Some(Command::Move(moved)) = read.batch.get(6) else { panic!("the last is a move") };
    assert_eq!(
        (moved.item, moved.name, &moved.arguments[..]),
        ("i", "lock", &[("n", Value::Integer(1))][..])
    );
}

#[test]
fn a_batch_has_up_to_8000_members() {
    let of = |members: usize| {
        let list = vec![r#"{"from":"a","to":"b","amount":1}"#; members].join(",");
        read("entries", &format!(r#"{{"entries":[{list}]}}"#))
    };
    assert_eq!(of(8_000).unwrap().1.batch.len(), 8_000);
    assert_eq!(of(8_001).unwrap_err(), ("batch_too_large", "/entries".to_owned()));
    assert_eq!(of(0).unwrap_err(), ("field_invalid", "/entries".to_owned()));
}
