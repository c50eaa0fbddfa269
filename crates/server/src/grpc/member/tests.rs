//! Every kind of member, from the generated message to the command and, for machines, back.

use ledger::{Floor, Guard, Standing, Value, When};
use participant::proto::member::Kind;
use participant::proto::{self, Member};
use proptest::prelude::*;
use prost::Message;

use super::*;

fn bytes(kind: Kind) -> Vec<u8> {
    Member { kind: Some(kind) }.encode_to_vec()
}

fn code(member: &[u8]) -> (&'static str, Option<String>) {
    let refusal = command(member).unwrap_err();
    (refusal.kind.code, refusal.at)
}

fn why() -> Option<proto::Cause> {
    Some(proto::Cause { operator: "ann".into(), reason: "a gift".into(), ..proto::Cause::default() })
}

const WHY: Cause<&str> =
    Cause { transaction: None, branch: None, operator: Some("ann"), reason: Some("a gift") };

#[test]
fn an_entry_is_read_whole() {
    let encoded = bytes(Kind::Entry(proto::Entry {
        id: "e".into(),
        from: "a".into(),
        to: "b".into(),
        amount: Some(proto::entry::Amount::Decimal("12.50".into())),
        up_to: true,
        expiry: Some(proto::entry::Expiry::ExpiresAt(-5)),
        refunds: "f".into(),
        linked: true,
        cause: why(),
    }));
    let expected = Entry {
        id: "e",
        from: "a",
        to: "b",
        amount: Amount::Decimal("12.50"),
        take: Take::UpTo,
        expiry: Expiry::At(Time(-5)),
        refunds: Some("f"),
        linked: Linked::ToNext,
        cause: WHY,
    };
    let read = command(&encoded).unwrap();
    assert!(takes_up_to(&read));
    assert_eq!(read, Command::Entry(expected));
}

#[test]
fn amounts_come_in_three_forms() {
    use proto::entry::Amount as Given;
    let most = i128::MAX.to_string();
    let cases = [
        (Given::Units(-7), Some(Amount::Units(-7))),
        (Given::Units(0), Some(Amount::Units(0))),
        (Given::BigUnits(most), Some(Amount::Units(i128::MAX))),
        (Given::BigUnits("1e3".into()), None),
        (Given::BigUnits("1.0".into()), None),
        (Given::BigUnits("+1".into()), None),
    ];
    for (amount, expected) in cases {
        let (id, from, to) = ("e".into(), "a".into(), "b".into());
        let entry = proto::Entry { id, from, to, amount: Some(amount.clone()), ..proto::Entry::default() };
        let encoded = bytes(Kind::Entry(entry));
        match (command(&encoded), expected) {
            (Ok(Command::Entry(entry)), Some(expected)) => assert_eq!(entry.amount, expected),
            (Err(refusal), None) => assert_eq!(refusal.kind.code, "amount_invalid"),
            (read, _) => panic!("{amount:?} gave {read:?}"),
        }
    }
}

#[test]
fn holds_and_what_becomes_of_them_are_read() {
    let encoded = bytes(Kind::Hold(proto::Hold {
        id: "h".into(),
        from: "a".into(),
        to: "b".into(),
        amount: Some(proto::hold::Amount::Units(3)),
        expiry: Some(proto::hold::Expiry::ExpiresInMs(500)),
        ..proto::Hold::default()
    }));
    let Command::Hold(hold) = command(&encoded).unwrap() else { panic!("a hold") };
    assert_eq!((hold.id, hold.amount, hold.expiry), ("h", Amount::Units(3), Expiry::In(500)));
    assert_eq!((hold.take, hold.linked, hold.origin), (Take::Exactly, Linked::No, Origin::Direct));

    let encoded = bytes(Kind::Capture(proto::Capture {
        id: "c".into(),
        hold: "h".into(),
        amount: Some(proto::capture::Amount::Decimal("1".into())),
        linked: true,
        cause: why(),
    }));
    let Command::Capture(capture) = command(&encoded).unwrap() else { panic!("a capture") };
    assert_eq!((capture.id, capture.hold, capture.amount), ("c", "h", Some(Amount::Decimal("1"))));
    assert_eq!((capture.linked, capture.cause), (Linked::ToNext, WHY));

    let encoded = bytes(Kind::Release(proto::Release { hold: "h".into(), linked: true, cause: None }));
    let Command::Release(release) = command(&encoded).unwrap() else { panic!("a release") };
    assert_eq!((release.hold, release.linked), ("h", Linked::ToNext));

    let expiry = Some(proto::reopen::Expiry::ExpiresAt(9));
    let reopen = proto::Reopen { id: "r".into(), hold: "h".into(), expiry, cause: None };
    let encoded = bytes(Kind::Reopen(reopen));
    let Command::Reopen(reopen) = command(&encoded).unwrap() else { panic!("a reopening") };
    assert_eq!((reopen.id, reopen.hold, reopen.expiry), ("r", "h", Expiry::At(Time(9))));
}

#[test]
fn accounts_are_opened_and_adjusted() {
    let open = |floor, ceiling| {
        bytes(Kind::Open(proto::Open {
            id: "a".into(),
            asset: "points".into(),
            floor,
            ceiling,
            lots_sink: "sink".into(),
            ..proto::Open::default()
        }))
    };
    let floors = [
        (None, Floor::At(Amount::Units(0))),
        (Some(proto::open::Floor::NoFloor(true)), Floor::None),
        (Some(proto::open::Floor::FloorDecimal("-9.5".into())), Floor::At(Amount::Decimal("-9.5"))),
        (Some(proto::open::Floor::FloorUnits(-9)), Floor::At(Amount::Units(-9))),
    ];
    for (floor, expected) in floors {
        let encoded = open(floor, Some(proto::open::Ceiling::CeilingUnits(8)));
        let Command::Open(read) = command(&encoded).unwrap() else { panic!("an opening") };
        assert_eq!((read.floor, read.ceiling, read.lots), (expected, Some(Amount::Units(8)), Some("sink")));
    }
    let adjust = |standing: i32| {
        let (id, account) = ("x".into(), "a".into());
        let ceiling = Some(proto::adjust::Ceiling::NoCeiling(true));
        bytes(Kind::Adjust(proto::Adjust { id, account, floor: None, ceiling, standing, cause: None }))
    };
    let encoded = adjust(proto::Standing::Frozen as i32);
    let Command::Adjust(read) = command(&encoded).unwrap() else { panic!("an adjustment") };
    assert_eq!((read.floor, read.ceiling, read.standing), (None, Some(None), Some(Standing::Frozen)));
    assert_eq!(code(&adjust(77)), ("field_invalid", Some("/standing".into())));
    let nothing = proto::Adjust { id: "x".into(), account: "a".into(), ..proto::Adjust::default() };
    assert_eq!(code(&bytes(Kind::Adjust(nothing))).0, "field_missing");
    let asset = |scale| bytes(Kind::Asset(proto::Asset { code: "points".into(), scale }));
    assert_eq!(command(&asset(2)).unwrap(), Command::Asset(ledger::Asset { code: "points", scale: 2 }));
    assert_eq!(code(&asset(256)), ("field_invalid", Some("/scale".into())));
}

#[test]
fn items_have_their_attributes_by_key() {
    use proto::attribute::Value as Given;
    let attribute = |key: &str, value| proto::Attribute { key: key.into(), value: Some(value) };
    let given = vec![attribute("b", Given::Integer(-2)), attribute("a", Given::Text("x".into()))];
    let create = |attributes| {
        let (id, machine) = ("i".into(), "coupon".into());
        bytes(Kind::Create(proto::Create { id, machine, attributes, ..proto::Create::default() }))
    };
    let encoded = create(given.clone());
    let Command::Create(read) = command(&encoded).unwrap() else { panic!("a creation") };
    assert_eq!(read.attributes, [("a", Value::Text("x")), ("b", Value::Integer(-2))]);
    let twice = vec![attribute("a", Given::Flag(true)), attribute("a", Given::Flag(false))];
    assert_eq!(code(&create(twice)), ("field_invalid", Some("/attributes".into())));
    let empty = vec![proto::Attribute { key: "a".into(), value: None }];
    assert_eq!(code(&create(empty)).0, "field_missing");
    let encoded = bytes(Kind::Move(proto::Move {
        id: "m".into(),
        item: "i".into(),
        name: "lock".into(),
        owner: "ann".into(),
        arguments: given,
        ..proto::Move::default()
    }));
    let Command::Move(read) = command(&encoded).unwrap() else { panic!("a move") };
    assert_eq!((read.id, read.item, read.name, read.owner), ("m", "i", "lock", Some("ann")));
    assert_eq!((read.then, read.arguments.len()), (None, 2));
}

fn coupon() -> proto::Machine {
    let state = |name: &str, expires| proto::MachineState { name: name.into(), r#final: false, expires };
    let expires = proto::Expires {
        to: "active".into(),
        lapsed_to: "expired".into(),
        when: Some(proto::expires::When::AfterMs(900_000)),
    };
    let guard = |guard| proto::Guard { guard: Some(guard) };
    let quota = proto::Quota { states: vec!["used".into()], per_owner: Some(2), total: None };
    let comparison = proto::Comparison {
        attribute: "min_order".into(),
        compare: proto::Compare::AtMost as i32,
        with: Some(proto::comparison::With::Argument("total".into())),
    };
    let guards = vec![
        guard(proto::guard::Guard::WithinValidity(true)),
        guard(proto::guard::Guard::Owner(true)),
        guard(proto::guard::Guard::Quota(quota)),
        guard(proto::guard::Guard::Attribute(comparison)),
    ];
    let lock = proto::MachineMove {
        name: "lock".into(),
        from: vec!["active".into()],
        to: "locked".into(),
        lapsed_to: String::new(),
        guards,
    };
    proto::Machine {
        name: "coupon".into(),
        initial: "active".into(),
        states: vec![state("active", None), state("locked", Some(expires))],
        moves: vec![lock],
    }
}

#[test]
fn a_machine_goes_to_the_ledger_and_back() {
    let encoded = bytes(Kind::Declare(proto::Declare { machine: Some(coupon()), cause: why() }));
    let Command::Declare(read) = command(&encoded).unwrap() else { panic!("a declaration") };
    assert_eq!(read.cause, WHY);
    assert_eq!(read.machine.states[1].expires.as_ref().unwrap().when, When::After(900_000));
    assert_eq!(read.machine.moves[0].guards[..2], [Guard::WithinValidity, Guard::Owner]);
    assert_eq!(machine_message(&read.machine), coupon());
}

#[test]
fn a_machine_with_a_hole_is_refused() {
    let mut blank = coupon();
    blank.moves[0].guards[0].guard = None;
    let mut timeless = coupon();
    timeless.states[1].expires.as_mut().unwrap().when = None;
    for (machine, at) in [(blank, "/machine/moves"), (timeless, "/machine/states")] {
        let encoded = bytes(Kind::Declare(proto::Declare { machine: Some(machine), cause: None }));
        assert_eq!(code(&encoded), ("field_missing", Some(at.into())));
    }
    let encoded = bytes(Kind::Declare(proto::Declare::default()));
    assert_eq!(code(&encoded), ("field_missing", Some("/machine".into())));
}

#[test]
fn what_is_no_member_is_refused() {
    assert_eq!(code(&[]).0, "field_missing");
    assert_eq!(code(&[0x08, 0x01]).0, "field_invalid", "a number where a message belongs");
    let entry = bytes(Kind::Entry(proto::Entry { id: "e".into(), ..proto::Entry::default() }));
    assert_eq!(code(&entry), ("field_missing", Some("/from".into())));
    let twice = [entry.clone(), entry].concat();
    assert_eq!(code(&twice).0, "field_invalid", "two things at once");
    let newer = [0xfa, 0x01, 0x00];
    assert_eq!(code(&newer).0, "field_unknown", "a kind of a newer protocol");
    let release = bytes(Kind::Release(proto::Release { hold: "h".into(), ..proto::Release::default() }));
    let mut newer = release.clone();
    newer.extend([0xa0, 0x06, 0x01]);
    newer[1] += 3;
    assert_eq!(code(&newer).0, "field_unknown", "a field of a newer protocol");
}

/// The member of this kind whose content is both messages, one behind the other.
fn both(kind: u32, (first, second): (&impl Message, &impl Message)) -> Vec<u8> {
    let content = [first.encode_to_vec(), second.encode_to_vec()].concat();
    let mut members = proto::Members::default();
    members.push_kind(kind, &content);
    members.each().next().unwrap().to_vec()
}

#[test]
fn what_comes_twice_means_what_the_format_says() {
    let cause = |operator: &str, reason: &str| {
        let cause = Some(proto::Cause {
            operator: operator.into(),
            reason: reason.into(),
            ..proto::Cause::default()
        });
        proto::Release { hold: "h".into(), linked: false, cause }
    };
    let encoded = both(4, (&cause("ann", ""), &cause("", "a gift")));
    let Command::Release(read) = command(&encoded).unwrap() else { panic!("a release") };
    assert_eq!(read.cause, WHY, "a second cause is laid over the first");

    let open = |floor| proto::Open { id: "a".into(), asset: "p".into(), floor, ..proto::Open::default() };
    let decimal = open(Some(proto::open::Floor::FloorDecimal("-5".into())));
    let encoded = both(5, (&decimal, &open(Some(proto::open::Floor::NoFloor(false)))));
    let Command::Open(read) = command(&encoded).unwrap() else { panic!("an opening") };
    assert_eq!(read.floor, Floor::At(Amount::Units(0)), "of several floors the last one counts");

    let declare = |machine| proto::Declare { machine: Some(machine), cause: None };
    let more = proto::Machine { initial: "locked".into(), ..proto::Machine::default() };
    let encoded = both(9, (&declare(coupon()), &declare(more)));
    let Command::Declare(read) = command(&encoded).unwrap() else { panic!("a declaration") };
    assert_eq!((&*read.machine.initial, read.machine.states.len()), ("locked", 2));
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail_badly(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        let _ = command(&bytes);
    }
}
