//! Lots: spent first expiring first, given back where they came from, expired to a sink; and refunds.

mod support;

use ledger::{Adjust, Amount, Command, Done, Entry, Expiry, Floor, Open, Take};
use support::{Desk, adjust, capture, entry, hold, open, plain_entry, release, zero};

/// `ann` keeps lots that expire into `sink`: 10 in 10 ms, 20 in 20 ms, 30 never.
fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.ok(&Command::Asset(ledger::Asset { code: "points", scale: 0 }));
    for id in ["issuer", "sink", "shop"] {
        desk.ok(&Command::Open(open(id)));
    }
    desk.ok(&Command::Open(Open { lots: Some("sink"), floor: zero(), ..open("ann") }));
    for (id, units, expiry) in
        [("f1", 30, Expiry::Never), ("f2", 10, Expiry::In(10)), ("f3", 20, Expiry::In(20))]
    {
        desk.ok(&Command::Entry(Entry { expiry, ..plain_entry(id, "issuer", "ann", units) }));
    }
    desk
}

/// Free and held units of each lot, first expiring first.
fn lots(desk: &Desk) -> Vec<(i128, i128)> {
    desk.ledger.account("ann").expect("opened").lots.iter().map(|lot| (lot.free, lot.held)).collect()
}

#[test]
fn what_expires_first_is_spent_first() {
    let mut desk = desk();
    assert_eq!(lots(&desk), [(10, 0), (20, 0), (30, 0)]);
    desk.ok(&entry("e1", "ann", "shop", 15));
    assert_eq!(lots(&desk), [(15, 0), (30, 0)]);
    desk.ok(&hold("h1", "ann", "shop", 25));
    assert_eq!(lots(&desk), [(0, 15), (20, 10)]);
    desk.ok(&capture("c1", "h1", Some(12)));
    assert_eq!(lots(&desk), [(0, 3), (20, 10)]);
    desk.ok(&release("h1"));
    assert_eq!(lots(&desk), [(3, 0), (30, 0)]);
    assert_eq!(desk.balance("ann"), (33, 0, 0));
}

#[test]
fn equal_expiries_are_one_lot() {
    let mut desk = desk();
    let expiry = Expiry::At(desk.now.plus_ms(20));
    desk.ok(&Command::Entry(Entry { expiry, ..plain_entry("e1", "issuer", "ann", 5) }));
    assert_eq!(lots(&desk), [(10, 0), (25, 0), (30, 0)]);
}

#[test]
fn an_expired_lot_is_posted_to_the_sink_before_anything_else() {
    let mut desk = desk();
    assert_eq!(desk.ledger.next_due(), Some(desk.now.plus_ms(10)));
    desk.after_ms(10);
    assert_eq!(desk.refused(&entry("e1", "ann", "shop", 51)), "insufficient");
    assert_eq!(desk.balance("sink"), (10, 0, 0));
    desk.ok(&entry("e1", "ann", "shop", 50));
    assert_eq!(desk.balance("ann"), (0, 0, 0));
    assert_eq!(desk.ledger.next_due(), None);
}

#[test]
fn what_a_hold_keeps_stays_valid_until_it_is_given_back() {
    let mut desk = desk();
    desk.ok(&hold("h1", "ann", "shop", 25));
    desk.after_ms(30);
    assert_eq!(desk.ledger.fall_due(99, (&mut desk.shelf, desk.now)), 1);
    assert_eq!(lots(&desk), [(0, 10), (0, 15), (30, 0)]);
    assert_eq!(desk.balance("sink"), (5, 0, 0));
    desk.ok(&capture("c1", "h1", Some(12)));
    assert_eq!(lots(&desk), [(0, 13), (30, 0)]);
    // Given back, it has expired: both in one step.
    desk.ok(&release("h1"));
    assert_eq!(lots(&desk), [(30, 0)]);
    assert_eq!(desk.balance("sink"), (18, 0, 0));
    assert_eq!(desk.balance("shop"), (12, 0, 0));
}

#[test]
fn a_refund_returns_to_the_lots_it_came_from() {
    let mut desk = desk();
    desk.ok(&entry("e1", "ann", "shop", 45));
    assert_eq!(lots(&desk), [(15, 0)]);
    let refund = |id, units| Entry { refunds: Some("e1"), ..plain_entry(id, "shop", "ann", units) };
    // Last expiring first: 15 without an expiry, then the 20.
    desk.ok(&Command::Entry(refund("r1", 18)));
    assert_eq!(lots(&desk), [(3, 0), (30, 0)]);
    assert_eq!(desk.refused(&Command::Entry(refund("r2", 28))), "refund_invalid");
    desk.after_ms(12);
    // The 17 go where they came from, the 10 have expired meanwhile: they come back and go to the sink.
    desk.ok(&Command::Entry(refund("r2", 27)));
    assert_eq!(lots(&desk), [(20, 0), (30, 0)]);
    assert_eq!(desk.balance("sink"), (10, 0, 0));
    let up_to = Entry { take: Take::UpTo, ..refund("r3", 5) };
    assert_eq!(desk.ok(&Command::Entry(up_to)), (Done::Posted, Some(0)));
    assert_eq!(desk.ok(&Command::Entry(refund("r1", 18))), (Done::Duplicate, Some(18)));
}

#[test]
fn a_refund_with_an_expiry_of_its_own_makes_one_lot() {
    let mut desk = desk();
    desk.ok(&entry("e1", "ann", "shop", 60));
    desk.after_ms(50);
    let expiry = Expiry::In(100);
    let refund = Entry { refunds: Some("e1"), expiry, ..plain_entry("r1", "shop", "ann", 60) };
    desk.ok(&Command::Entry(refund));
    assert_eq!(lots(&desk), [(60, 0)]);
    assert_eq!(desk.ledger.next_due(), Some(desk.now.plus_ms(100)));
}

#[test]
fn a_captured_hold_is_refunded_by_its_id() {
    let mut desk = desk();
    desk.ok(&hold("h1", "ann", "shop", 25));
    let refund = Entry { refunds: Some("h1"), ..plain_entry("r1", "shop", "ann", 20) };
    assert_eq!(desk.refused(&Command::Entry(refund)), "refund_invalid");
    desk.ok(&capture("c1", "h1", None));
    desk.ok(&Command::Entry(refund));
    assert_eq!(lots(&desk), [(5, 0), (20, 0), (30, 0)]);
    let more = Entry { id: "r2", amount: Amount::Units(6), ..refund };
    assert_eq!(desk.refused(&Command::Entry(more)), "refund_invalid");
    for odd in [
        Entry { from: "sink", ..more },
        Entry { refunds: Some("nothing"), ..more },
        Entry { refunds: Some("r1"), ..more },
    ] {
        assert_eq!(desk.refused(&Command::Entry(odd)), "refund_invalid", "{odd:?}");
    }
}

#[test]
fn each_capture_is_refunded_by_itself_also_when_the_rest_was_released() {
    let mut desk = desk();
    desk.ok(&hold("h/1", "ann", "shop", 25));
    desk.ok(&capture("c1", "h/1", Some(10)));
    desk.ok(&capture("c2", "h/1", Some(5)));
    desk.ok(&release("h/1"));
    let refund = Entry { refunds: Some("h/1/c1"), ..plain_entry("r1", "shop", "ann", 10) };
    assert_eq!(desk.refused(&Command::Entry(Entry { refunds: Some("h/1"), ..refund })), "refund_invalid");
    desk.ok(&Command::Entry(refund));
    let again = Entry { id: "r2", amount: Amount::Units(1), ..refund };
    assert_eq!(desk.refused(&Command::Entry(again)), "refund_invalid");
    let other = Entry { id: "r3", refunds: Some("h/1/c2"), amount: Amount::Units(5), ..refund };
    desk.ok(&Command::Entry(other));
    assert_eq!(lots(&desk), [(10, 0), (20, 0), (30, 0)], "all is back where it came from");
}

#[test]
fn lots_do_not_fit_everywhere() {
    let mut desk = desk();
    let lots = Open { lots: Some("sink"), floor: zero(), ..open("bob") };
    for (open, code) in [
        (Open { lots: Some("ann"), ..lots }, "lots_invalid"),
        (Open { floor: Floor::None, ..lots }, "lots_invalid"),
        (Open { floor: Floor::At(Amount::Units(-1)), ..lots }, "lots_invalid"),
        (Open { lots: Some("nobody"), ..lots }, "account_unknown"),
    ] {
        assert_eq!(desk.refused(&Command::Open(open)), code, "{open:?}");
    }
    let below = Adjust { floor: Some(Floor::None), ..adjust("a1", "ann") };
    assert_eq!(desk.refused(&Command::Adjust(below)), "lots_invalid");
    let expiring = Entry { expiry: Expiry::In(5), ..plain_entry("e1", "ann", "shop", 1) };
    assert_eq!(desk.refused(&Command::Entry(expiring)), "lots_invalid");
}

#[test]
fn a_sink_that_is_full_to_the_brim_loses_nothing() {
    let mut desk = desk();
    desk.ok(&entry("brim", "shop", "sink", i128::MAX - 4));
    desk.after_ms(10);
    assert_eq!(desk.ledger.fall_due(99, (&mut desk.shelf, desk.now)), 1);
    assert_eq!(desk.balance("sink"), (i128::MAX, 0, 0));
    assert_eq!(lots(&desk), [(6, 0), (20, 0), (30, 0)]);
    assert_eq!(desk.ledger.fall_due(99, (&mut desk.shelf, desk.now)), 0);
}

#[test]
fn an_account_has_so_many_lots_and_no_more() {
    let mut desk = desk();
    let id = |number: u64| format!("l-{number}");
    for number in 0..4096 - 3 {
        desk.ok(&credit(&id(number), number));
    }
    assert_eq!(desk.refused(&credit("one-more", 5_000)), "lots_invalid");
    desk.ok(&credit("same", 7));
    desk.ok(&Command::Entry(plain_entry("never", "issuer", "ann", 1)));
    // Spending is never refused for it, and makes room.
    desk.ok(&entry("spend", "ann", "shop", 10));
    desk.ok(&credit("one-more", 5_000));
    assert_eq!(desk.refused(&credit("two-more", 5_001)), "lots_invalid");
}

fn credit(id: &str, number: u64) -> Command<&str> {
    let expiry = Expiry::In(1_000_000 + number);
    Command::Entry(Entry { expiry, ..plain_entry(id, "issuer", "ann", 1) })
}
