//! The bytes of every kind of event, and of pages: the format, for ever. A changed line is a broken data folder; a new
//! kind is a new line.

mod support;

use std::fmt::Write;

use ledger::{
    Amount, Cause, Command, Entry, Event, Expiry, Floor, Kept, Leg, LotChange, NONE, Open, Standing, Value,
};
use support::{Desk, open, plain_entry, zero};
use transaction::Time;

const CAUSE: Cause<&str> =
    Cause { transaction: Some("tx-1"), branch: Some("b-1"), operator: Some("eve"), reason: Some("böse") };
const NO_CAUSE: Cause<&str> = Cause { transaction: None, branch: None, operator: None, reason: None };
const FROM: Leg = Leg { account: 3, version: 64, posted: -1250, held: 7, prev: 1_000_000, skip: 4_000 };
const TO: Leg = Leg { account: 300, version: 1, posted: i128::MAX, held: 0, prev: NONE, skip: NONE };

fn lot(expires_at: i64, taken: i128) -> LotChange {
    LotChange { expires_at: Time(expires_at), free: 5, held: 6, taken }
}

fn money() -> Vec<Event<'static>> {
    let (lots, none) = (vec![lot(1_700_000_000_000_000, 9), lot(i64::MAX, -9)], Vec::new());
    vec![
        Event::AssetDeclared { asset: 0, code: "points", scale: 18 },
        Event::AccountOpened {
            account: 0,
            id: "user:42:points",
            asset: 200,
            floor: Floor::At(-100),
            ceiling: Some(i128::MIN),
            sink: Some(9),
            cause: CAUSE,
        },
        Event::AccountOpened {
            account: u32::MAX,
            id: "issuer",
            asset: 0,
            floor: Floor::None,
            ceiling: None,
            sink: None,
            cause: NO_CAUSE,
        },
        Event::AccountChanged {
            id: "adj-1",
            leg: FROM,
            floor: Floor::At(0),
            ceiling: None,
            standing: Standing::Closed,
            cause: NO_CAUSE,
        },
        Event::Posted {
            id: "e-1",
            amount: 1250,
            from: FROM,
            to: TO,
            lots: (none.clone(), none.clone()),
            refunds: None,
            refunded: 0,
            cause: NO_CAUSE,
        },
        Event::Posted {
            id: "e-2",
            amount: 9,
            from: FROM,
            to: TO,
            lots: (lots.clone(), vec![lot(5, -9)]),
            refunds: Some(("e-1", 77)),
            refunded: 10,
            cause: CAUSE,
        },
        Event::LotExpired { lot: Time(5), amount: 9, from: FROM, to: TO, lots: lots.clone() },
    ]
}

fn holds() -> Vec<Event<'static>> {
    let lots = vec![lot(1_700_000_000_000_000, 9)];
    vec![
        Event::Held {
            id: "h-1",
            hold: 1,
            amount: 9,
            from: FROM,
            to: 300,
            incoming: 9,
            expires_at: Some(Time(1_700_000_000_000_001)),
            owned: true,
            lots: lots.clone(),
            cause: CAUSE,
        },
        Event::Captured {
            id: "h-1",
            hold: 1,
            capture: "",
            amount: 4,
            so_far: (4, 5),
            prev: 70_000,
            from: FROM,
            to: TO,
            incoming: 5,
            scale: 2,
            lots: (lots.clone(), Vec::new()),
            cause: NO_CAUSE,
        },
        Event::Released {
            id: "h-1",
            hold: 1,
            expired: true,
            amount: 5,
            captured: 4,
            prev: 70_001,
            from: FROM,
            to: 300,
            incoming: 0,
            scale: 2,
            owned: false,
            lots: lots.clone(),
            cause: NO_CAUSE,
        },
        Event::Reopened {
            id: "h-1",
            hold: 2,
            reopen: "again",
            amount: 5,
            captured: 4,
            prev: 70_002,
            from: FROM,
            to: 300,
            incoming: 5,
            expires_at: None,
            lots,
            cause: CAUSE,
        },
    ]
}

fn items() -> Vec<Event<'static>> {
    let values = vec![("a", Value::Text("x")), ("b", Value::Integer(i64::MIN)), ("c", Value::Flag(true))];
    vec![
        Event::MachineDeclared { machine: 1, version: 2, encoded: &[1, 2, 255], cause: CAUSE },
        Event::ItemCreated {
            id: "coupon:1",
            item: 5,
            machine: 1,
            state: 300,
            owner: Some("user:1"),
            attributes: values.clone(),
            due: Some(Time(1_700_000_000_000_001)),
            cause: CAUSE,
        },
        Event::ItemMoved {
            id: "coupon:1",
            item: 5,
            machine: 1,
            by: Some(2),
            operation: "m-1",
            states: (1, 2),
            held: Some((3, 4)),
            ends: false,
            of: None,
            owner: Some("user:1"),
            arguments: values,
            due: None,
            prev: 80_000,
            version: 3,
            cause: CAUSE,
        },
        Event::ItemMoved {
            id: "coupon:1",
            item: 5,
            machine: 1,
            by: None,
            operation: "",
            states: (2, 63),
            held: None,
            ends: true,
            of: Some("user:1"),
            owner: None,
            arguments: Vec::new(),
            due: None,
            prev: 80_001,
            version: 4,
            cause: NO_CAUSE,
        },
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("into a text");
        hex
    })
}

#[test]
fn every_kind_of_event_is_laid_out_so() {
    let mut lines = String::new();
    let mut kinds = Vec::new();
    for (place, event) in money().into_iter().chain(holds()).chain(items()).enumerate() {
        let at = Time(1_700_000_000_000_000 + i64::try_from(place).expect("few"));
        let kept = Kept { sequence: 1_000 + place as u64, at, content: 0x0123_4567_89ab_cdef, event };
        let mut bytes = Vec::new();
        kept.encode(&mut bytes);
        assert_eq!(Kept::decode(&bytes), Ok(kept.clone()));
        for shorter in 0..bytes.len() {
            assert!(Kept::decode(&bytes[..shorter]).is_err(), "{kept:?} cut to {shorter}");
        }
        bytes.push(0);
        assert!(Kept::decode(&bytes).is_err());
        bytes.pop();
        kinds.push(bytes[0]);
        let words = format!("{:?}", kept.event);
        let name = words.split([' ', '{']).next().expect("a name");
        writeln!(lines, "{name} {}", hex(&bytes)).expect("into a text");
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, (1..=12).collect::<Vec<u8>>());
    insta::assert_snapshot!(lines);
}

#[test]
fn pages_are_laid_out_so() {
    let mut desk = Desk::with_accounts();
    let carl = Open { lots: Some("shop"), floor: zero(), ceiling: Some(Amount::Units(500)), ..open("carl") };
    desk.ok(&Command::Open(carl));
    let fill = Entry { expiry: Expiry::In(1000), ..plain_entry("fill-carl", "issuer", "carl", 40) };
    desk.ok(&Command::Entry(fill));
    desk.ok(&support::hold("h-1", "carl", "bob", 15));
    desk.ok(&support::capture("c-1", "h-1", Some(5)));
    let back = Entry { refunds: Some("fill-carl"), ..plain_entry("back", "carl", "issuer", 3) };
    desk.ok(&Command::Entry(back));
    desk.ledger.begin_sweep();
    let (mut lines, mut page) = (String::new(), Vec::new());
    while let Some(id) = desk.ledger.next_page(&mut page) {
        writeln!(lines, "{} {} {}", id.table, id.index, hex(&page)).expect("into a text");
    }
    insta::assert_snapshot!(lines);
}
