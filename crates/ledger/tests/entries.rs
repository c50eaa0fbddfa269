//! Entries, accounts and assets: each rule and each refusal by itself.

mod support;

use ledger::{
    Adjust, Amount, Asset, Cause, Command, Done, Entry, Expiry, Floor, Linked, Open, Run, Standing, Take,
};
use support::{Desk, adjust, entry, open, plain_entry, stand, zero};
use transaction::Time;

#[test]
fn an_entry_debits_one_and_credits_the_other() {
    let mut desk = Desk::with_accounts();
    assert_eq!(desk.ok(&entry("e1", "ann", "bob", 30)), (Done::Posted, Some(30)));
    assert_eq!(desk.balance("ann"), (70, 0, 0));
    assert_eq!(desk.balance("bob"), (30, 0, 0));
    assert_eq!(desk.balance("issuer"), (-100, 0, 0));
    let ann = desk.ledger.account("ann").expect("opened");
    assert_eq!((ann.version, ann.available()), (2, 70));
}

#[test]
fn a_repeat_is_a_duplicate_for_ever_and_other_content_a_mismatch() {
    let mut desk = Desk::with_accounts();
    desk.ok(&entry("e1", "ann", "bob", 100));
    desk.ok(&stand("freeze", "ann", Standing::Frozen));
    // Out of an account that is empty and takes no part by now: a repeat changes nothing and is answered as one.
    assert_eq!(desk.ok(&entry("e1", "ann", "bob", 100)), (Done::Duplicate, Some(100)));
    let decimal = Entry { amount: Amount::Decimal("100"), ..plain_entry("e1", "ann", "bob", 1) };
    assert_eq!(desk.ok(&Command::Entry(decimal)), (Done::Duplicate, Some(100)));
    let base = plain_entry("e1", "ann", "bob", 100);
    for other in [
        Entry { amount: Amount::Units(99), ..base },
        Entry { from: "bob", to: "ann", ..base },
        Entry { to: "shop", ..base },
        Entry { take: Take::UpTo, ..base },
        Entry { expiry: Expiry::In(5), ..base },
        Entry { refunds: Some("fill-ann"), ..base },
        Entry { cause: Cause { operator: Some("eve"), ..Cause::default() }, ..base },
        Entry { cause: Cause { reason: Some(""), ..Cause::default() }, ..base },
    ] {
        assert_eq!(desk.refused(&Command::Entry(other)), "id_mismatch", "{other:?}");
    }
    assert_eq!(desk.balance("bob"), (100, 0, 0));
}

#[test]
fn what_an_entry_is_refused_for() {
    let mut desk = Desk::with_accounts();
    desk.ok(&Command::Open(Open { asset: "eur", ..open("till") }));
    let long = "x".repeat(257);
    let base = plain_entry("e1", "ann", "bob", 10);
    for (entry, code) in [
        (Entry { id: "", ..base }, "id_invalid"),
        (Entry { id: "a b", ..base }, "id_invalid"),
        (Entry { from: "ä", ..base }, "id_invalid"),
        (Entry { from: "nobody", ..base }, "account_unknown"),
        (Entry { to: "nobody", ..base }, "account_unknown"),
        (Entry { to: "ann", ..base }, "account_same"),
        (Entry { to: "till", ..base }, "asset_mismatch"),
        (Entry { amount: Amount::Units(0), ..base }, "amount_invalid"),
        (Entry { amount: Amount::Units(-1), ..base }, "amount_invalid"),
        (Entry { amount: Amount::Decimal("1.5"), ..base }, "amount_invalid"),
        (Entry { amount: Amount::Decimal("1e1"), ..base }, "amount_invalid"),
        (Entry { from: "till", to: "till", amount: Amount::Whole(1), ..base }, "amount_invalid"),
        (Entry { amount: Amount::Units(101), ..base }, "insufficient"),
        (Entry { amount: Amount::Units(i128::MAX), from: "issuer", ..base }, "overflow"),
        (Entry { expiry: Expiry::In(5), ..base }, "lots_invalid"),
        (Entry { expiry: Expiry::In(0), ..base }, "expiry_invalid"),
        (Entry { expiry: Expiry::At(Time(999)), ..base }, "expiry_invalid"),
        (Entry { expiry: Expiry::In(u64::MAX), ..base }, "expiry_invalid"),
        (Entry { refunds: Some("e0"), ..base }, "refund_invalid"),
        (Entry { cause: Cause { branch: Some("a b"), ..Cause::default() }, ..base }, "cause_invalid"),
        (Entry { cause: Cause { reason: Some(&long), ..Cause::default() }, ..base }, "cause_invalid"),
    ] {
        assert_eq!(desk.refused(&Command::Entry(entry)), code, "{entry:?}");
    }
    assert_eq!(desk.balance("ann"), (100, 0, 0));
    assert_eq!(desk.ledger.account("ann").expect("opened").version, 1);
}

#[test]
fn up_to_takes_what_is_there_and_says_how_much() {
    let mut desk = Desk::with_accounts();
    let up_to =
        |id, units| Command::Entry(Entry { take: Take::UpTo, ..plain_entry(id, "ann", "bob", units) });
    assert_eq!(desk.ok(&up_to("e1", 130)), (Done::Posted, Some(100)));
    assert_eq!(desk.ok(&up_to("e2", 130)), (Done::Posted, Some(0)));
    assert_eq!(desk.ok(&up_to("e1", 130)), (Done::Duplicate, Some(100)));
    desk.ok(&Command::Adjust(Adjust { ceiling: Some(Some(Amount::Units(105))), ..adjust("c", "bob") }));
    desk.ok(&entry("more", "issuer", "ann", 50));
    assert_eq!(desk.ok(&up_to("e3", 50)), (Done::Posted, Some(5)));
}

#[test]
fn floors_and_ceilings_bind_and_can_be_moved() {
    let mut desk = Desk::with_accounts();
    desk.ok(&Command::Adjust(Adjust { floor: Some(Floor::At(Amount::Units(-20))), ..adjust("a1", "ann") }));
    desk.ok(&entry("e1", "ann", "bob", 120));
    assert_eq!(desk.refused(&entry("e2", "ann", "bob", 1)), "insufficient");
    desk.ok(&Command::Adjust(Adjust { floor: Some(zero()), ..adjust("a2", "ann") }));
    assert_eq!(desk.refused(&entry("e2", "ann", "bob", 1)), "insufficient");
    desk.ok(&Command::Adjust(Adjust { floor: Some(Floor::None), ..adjust("a3", "ann") }));
    desk.ok(&entry("e2", "ann", "bob", 1));
    let ceiling = |ceiling| Adjust { ceiling: Some(ceiling), ..adjust("a4", "bob") };
    desk.ok(&Command::Adjust(ceiling(Some(Amount::Decimal("125")))));
    assert_eq!(desk.refused(&entry("e3", "ann", "bob", 5)), "ceiling_exceeded");
    assert_eq!(desk.refused(&Command::Adjust(ceiling(None))), "id_mismatch");
    assert_eq!(desk.ok(&Command::Adjust(ceiling(Some(Amount::Units(125))))), (Done::Duplicate, None));
    desk.ok(&Command::Adjust(Adjust { id: "a5", ..ceiling(None) }));
    desk.ok(&entry("e3", "ann", "bob", 5));
    assert_eq!(desk.refused(&Command::Adjust(adjust("a b", "bob"))), "id_invalid");
    assert_eq!(desk.refused(&Command::Adjust(adjust("a6", "nobody"))), "account_unknown");
}

#[test]
fn an_account_that_is_not_active_takes_nothing_new() {
    let mut desk = Desk::with_accounts();
    desk.ok(&stand("s1", "bob", Standing::Frozen));
    assert_eq!(desk.refused(&entry("e1", "ann", "bob", 1)), "account_frozen");
    assert_eq!(desk.refused(&entry("e1", "bob", "ann", 1)), "account_frozen");
    assert_eq!(desk.refused(&stand("s2", "ann", Standing::Closed)), "account_not_empty");
    desk.ok(&stand("s3", "bob", Standing::Closed));
    assert_eq!(desk.refused(&entry("e1", "ann", "bob", 1)), "account_closed");
    desk.ok(&stand("s4", "bob", Standing::Active));
    desk.ok(&entry("e1", "ann", "bob", 1));
    assert_eq!(desk.ledger.account("bob").expect("opened").standing, Standing::Active);
}

#[test]
fn assets_and_accounts_are_declared_once() {
    let mut desk = Desk::with_accounts();
    let asset = |code, scale| Command::Asset(Asset { code, scale });
    assert_eq!(desk.ok(&asset("eur", 2)), (Done::Duplicate, None));
    assert_eq!(desk.refused(&asset("eur", 3)), "asset_mismatch");
    assert_eq!(desk.refused(&asset("btc", 19)), "amount_invalid");
    assert_eq!(desk.refused(&asset("€", 2)), "id_invalid");
    let ann = Open { floor: zero(), ..open("ann") };
    assert_eq!(desk.ok(&Command::Open(ann)), (Done::Duplicate, None));
    let same = Open { floor: Floor::At(Amount::Decimal("0")), ..ann };
    assert_eq!(desk.ok(&Command::Open(same)), (Done::Duplicate, None));
    for (open, code) in [
        (Open { floor: Floor::None, ..ann }, "id_mismatch"),
        (Open { asset: "eur", ..ann }, "id_mismatch"),
        (Open { ceiling: Some(Amount::Units(5)), ..ann }, "id_mismatch"),
        (Open { lots: Some("shop"), ..ann }, "id_mismatch"),
        (Open { asset: "usd", ..ann }, "asset_unknown"),
        (Open { id: "a b", ..ann }, "id_invalid"),
        (Open { id: "carl", floor: Floor::At(Amount::Decimal("x")), ..ann }, "amount_invalid"),
        (Open { id: "carl", lots: Some("nobody"), ..ann }, "account_unknown"),
        (Open { id: "carl", lots: Some("shop"), floor: Floor::None, ..ann }, "lots_invalid"),
        (Open { id: "carl", lots: Some("shop"), asset: "eur", ..ann }, "lots_invalid"),
    ] {
        assert_eq!(desk.refused(&Command::Open(open)), code, "{open:?}");
    }
    // An account whose floor was moved is still the one that was opened so.
    desk.ok(&Command::Adjust(Adjust { floor: Some(Floor::None), ..adjust("a1", "ann") }));
    assert_eq!(desk.ok(&Command::Open(ann)), (Done::Duplicate, None));
}

#[test]
fn a_chain_succeeds_or_fails_as_one() {
    let mut desk = Desk::with_accounts();
    let tied =
        |id, units| Command::Entry(Entry { linked: Linked::ToNext, ..plain_entry(id, "ann", "bob", units) });
    let told = desk.all(&[
        entry("e0", "ann", "bob", 1),
        tied("e1", 10),
        tied("e2", 1000),
        tied("e3", 10),
        entry("e4", "ann", "bob", 1),
        entry("e5", "ann", "bob", 1),
    ]);
    let others = Err("linked_refused");
    let posted = Ok((Done::Posted, Some(1)));
    assert_eq!(told, [posted, others, Err("insufficient"), others, others, posted]);
    assert_eq!(desk.balance("bob"), (2, 0, 0));
    // Nothing of the chain was used up: the same ids go through now, and a duplicate in a chain is a success.
    let told = desk.all(&[tied("e0", 1), tied("e1", 10), entry("e2", "ann", "bob", 20)]);
    assert_eq!(told[0], Ok((Done::Duplicate, Some(1))));
    assert_eq!(told[2], Ok((Done::Posted, Some(20))));
    assert_eq!(desk.balance("bob"), (32, 0, 0));
    let told = desk.all(&[entry("e6", "ann", "bob", 1), tied("e7", 1), tied("e8", 1)]);
    assert_eq!(told, [posted, Err("linked_open"), Err("linked_open")]);
    assert_eq!(desk.balance("bob"), (33, 0, 0));
}

#[test]
fn a_chain_takes_back_accounts_that_it_opened() {
    let mut desk = Desk::with_accounts();
    let carl = Command::Open(Open { linked: Linked::ToNext, ..open("carl") });
    let told = desk.all(&[carl.clone(), entry("e1", "ann", "carl", 1000)]);
    assert_eq!(told, [Err("linked_refused"), Err("insufficient")]);
    assert_eq!(desk.ledger.account("carl"), None);
    let told = desk.all(&[carl, entry("e1", "ann", "carl", 10)]);
    assert_eq!(told, [Ok((Done::Opened, None)), Ok((Done::Posted, Some(10)))]);
    assert_eq!(desk.ledger.account("carl").expect("opened").slot, 4);
}

#[test]
fn a_dry_run_decides_the_same_and_changes_nothing() {
    let mut desk = Desk::with_accounts();
    let batch = [
        Command::Open(open("carl")),
        Command::Asset(Asset { code: "usd", scale: 2 }),
        entry("e1", "ann", "carl", 60),
        Command::Entry(Entry { linked: Linked::ToNext, ..plain_entry("e2", "ann", "carl", 10) }),
        entry("e3", "ann", "carl", 60),
        entry("e4", "ann", "bob", 60),
    ];
    let before = desk.shelf.history.clone();
    let dry = desk.run(&batch, Run::Dry);
    assert_eq!(desk.shelf.history, before);
    assert_eq!(desk.ledger.account("carl"), None);
    assert_eq!(desk.balance("ann"), (100, 0, 0));
    assert_eq!(desk.ledger.assets().len(), 2);
    assert_eq!(desk.run(&batch, Run::Real), dry);
    assert_eq!(dry[3..], [Err("linked_refused"), Err("insufficient"), Err("insufficient")]);
}
