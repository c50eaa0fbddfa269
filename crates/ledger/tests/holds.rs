//! Holds: each rule and each refusal by itself.

mod support;

use ledger::{
    Adjust, Amount, Capture, Cause, Command, Done, Expiry, Floor, Hold, Linked, Origin, Release, Reopen, Run,
    Standing, Take,
};
use support::{
    Desk, adjust, capture, entry, hold, open, plain_capture, plain_hold, plain_release, release, reopen,
    stand,
};
use transaction::Time;

fn until(id: &str, units: i128, ms: u64) -> Command<&str> {
    Command::Hold(Hold { expiry: Expiry::In(ms), ..plain_hold(id, "ann", "bob", units) })
}

#[test]
fn what_is_held_cannot_be_spent_and_is_captured_in_parts() {
    let mut desk = Desk::with_accounts();
    assert_eq!(desk.ok(&hold("h1", "ann", "bob", 60)), (Done::Held, Some(60)));
    assert_eq!(desk.balance("ann"), (100, 60, 0));
    assert_eq!(desk.balance("bob"), (0, 0, 60));
    assert_eq!(desk.refused(&entry("e1", "ann", "shop", 41)), "insufficient");
    desk.ok(&entry("e1", "ann", "shop", 40));
    assert_eq!(desk.ok(&capture("c1", "h1", Some(25))), (Done::Captured, Some(25)));
    assert_eq!(desk.ok(&capture("c2", "h1", Some(5))), (Done::Captured, Some(5)));
    assert_eq!(desk.refused(&capture("c3", "h1", Some(31))), "capture_exceeds_hold");
    assert_eq!(desk.ok(&capture("c3", "h1", None)), (Done::Captured, Some(30)));
    assert_eq!(desk.balance("ann"), (0, 0, 0));
    assert_eq!(desk.balance("bob"), (60, 0, 0));
    assert_eq!(desk.ledger.hold("h1"), None);
    assert_eq!(desk.refused(&capture("c4", "h1", None)), "hold_closed");
    assert_eq!(desk.refused(&release("h1")), "hold_closed");
    assert_eq!(desk.refused(&reopen("r1", "h1")), "hold_closed");
}

#[test]
fn repeats_are_told_from_mismatches_before_and_after_the_end() {
    let mut desk = Desk::with_accounts();
    desk.ok(&hold("h1", "ann", "bob", 60));
    desk.ok(&capture("c1", "h1", Some(20)));
    for _ in 0..2 {
        assert_eq!(desk.ok(&hold("h1", "ann", "bob", 60)), (Done::Duplicate, Some(60)));
        assert_eq!(desk.refused(&hold("h1", "ann", "bob", 61)), "id_mismatch");
        assert_eq!(desk.ok(&capture("c1", "h1", Some(20))), (Done::Duplicate, Some(20)));
        let text = Capture { amount: Some(Amount::Decimal("20")), ..plain_capture("c1", "h1", None) };
        assert_eq!(desk.ok(&Command::Capture(text)), (Done::Duplicate, Some(20)));
        assert_eq!(desk.refused(&capture("c1", "h1", Some(21))), "id_mismatch");
        assert_eq!(desk.refused(&capture("c1", "h1", None)), "id_mismatch");
        // The second time round the hold is closed.
        assert!(matches!(desk.ok(&release("h1")), (Done::Released, Some(40)) | (Done::Duplicate, None)));
    }
    assert_eq!(desk.ok(&release("h1")), (Done::Duplicate, None));
    assert_eq!(desk.balance("ann"), (80, 0, 0));
    // The hold of another id is another hold; the same capture id means nothing there.
    desk.ok(&hold("h2", "ann", "bob", 5));
    desk.ok(&capture("c1", "h2", Some(1)));
}

#[test]
fn what_a_hold_is_refused_for() {
    let mut desk = Desk::with_accounts();
    let base = plain_hold("h1", "ann", "bob", 10);
    for (hold, code) in [
        (Hold { id: "a b", ..base }, "id_invalid"),
        (Hold { from: "nobody", ..base }, "account_unknown"),
        (Hold { to: "nobody", ..base }, "account_unknown"),
        (Hold { to: "ann", ..base }, "account_same"),
        (Hold { amount: Amount::Units(0), ..base }, "amount_invalid"),
        (Hold { amount: Amount::Units(101), ..base }, "insufficient"),
        (Hold { expiry: Expiry::At(Time(1)), ..base }, "expiry_invalid"),
        (Hold { expiry: Expiry::In(200 * 366 * 86_400_000), ..base }, "expiry_invalid"),
        (Hold { cause: Cause { operator: Some(""), ..Cause::default() }, ..base }, "cause_invalid"),
    ] {
        assert_eq!(desk.refused(&Command::Hold(hold)), code, "{hold:?}");
    }
    assert_eq!(desk.refused(&capture("c1", "h1", None)), "hold_unknown");
    assert_eq!(desk.refused(&release("h1")), "hold_unknown");
    assert_eq!(desk.refused(&reopen("r1", "h1")), "hold_unknown");
    desk.ok(&Command::Hold(base));
    assert_eq!(desk.refused(&capture("", "h1", None)), "id_invalid");
    assert_eq!(desk.refused(&capture("c1", "", None)), "id_invalid");
    assert_eq!(desk.refused(&capture("c1", "h1", Some(0))), "amount_invalid");
    assert_eq!(desk.refused(&reopen("r1", "h1")), "hold_open");
    let long = "x".repeat(257);
    let cause = Cause { reason: Some(long.as_str()), ..Cause::default() };
    let odd = Release { cause, ..plain_release("h1") };
    assert_eq!(desk.refused(&Command::Release(odd)), "cause_invalid");
    assert_eq!(desk.balance("ann"), (100, 10, 0));
}

#[test]
fn a_hold_expires_by_itself_and_late_captures_are_told_so() {
    let mut desk = Desk::with_accounts();
    desk.ok(&until("h1", 60, 10));
    desk.ok(&capture("c1", "h1", Some(20)));
    assert_eq!(desk.ledger.next_due(), Some(desk.now.plus_ms(10)));
    desk.after_ms(10);
    assert_eq!(desk.refused(&capture("c2", "h1", None)), "hold_expired");
    assert_eq!(desk.refused(&release("h1")), "hold_expired");
    assert_eq!(desk.ok(&capture("c1", "h1", Some(20))), (Done::Duplicate, Some(20)));
    assert_eq!(desk.balance("ann"), (80, 0, 0));
    assert_eq!(desk.balance("bob"), (20, 0, 0));
    assert_eq!(desk.ledger.next_due(), None);
}

#[test]
fn what_is_due_falls_due_in_order_and_in_steps() {
    let mut desk = Desk::with_accounts();
    for (id, ms) in [("h1", 30), ("h2", 10), ("h3", 20), ("h4", 20)] {
        desk.ok(&until(id, 1, ms));
    }
    desk.after_ms(25);
    let mut left = Vec::new();
    while desk.ledger.fall_due(1, (&mut desk.shelf, desk.now)) == 1 {
        left.push(["h1", "h2", "h3", "h4"].map(|id| desk.ledger.hold(id).is_some()));
    }
    let (open, closed) = (true, false);
    assert_eq!(
        left,
        [[open, closed, open, open], [open, closed, closed, open], [open, closed, closed, closed]]
    );
    assert_eq!(desk.balance("ann"), (100, 1, 0));
}

#[test]
fn an_expired_hold_is_reopened_if_the_value_is_still_there() {
    let mut desk = Desk::with_accounts();
    desk.ok(&until("h1", 60, 10));
    desk.ok(&capture("c1", "h1", Some(20)));
    desk.after_ms(10);
    desk.ok(&entry("e1", "ann", "shop", 50));
    assert_eq!(desk.refused(&reopen("r1", "h1")), "insufficient");
    desk.ok(&entry("e2", "shop", "ann", 10));
    assert_eq!(desk.ok(&reopen("r1", "h1")), (Done::Reopened, Some(40)));
    assert_eq!(desk.ok(&reopen("r1", "h1")), (Done::Duplicate, Some(40)));
    let other = Reopen { id: "r1", hold: "h1", expiry: Expiry::In(9), cause: Cause::default() };
    assert_eq!(desk.refused(&Command::Reopen(other)), "id_mismatch");
    assert_eq!(desk.refused(&reopen("c1", "h1")), "id_mismatch");
    assert_eq!(desk.refused(&reopen("r2", "h1")), "hold_open");
    let view = desk.ledger.hold("h1").expect("open again");
    assert_eq!((view.amount, view.captured, view.left, view.expires_at), (60, 20, 40, None));
    assert_eq!(desk.ok(&capture("c2", "h1", None)), (Done::Captured, Some(40)));
    assert_eq!(desk.balance("ann"), (0, 0, 0));
    assert_eq!(desk.refused(&reopen("r3", "h1")), "hold_closed");
}

#[test]
fn a_capture_cannot_fail_for_what_happened_since() {
    let mut desk = Desk::with_accounts();
    desk.ok(&Command::Adjust(Adjust { ceiling: Some(Some(Amount::Units(60))), ..adjust("a0", "bob") }));
    desk.ok(&hold("h1", "ann", "bob", 60));
    assert_eq!(desk.refused(&entry("e1", "issuer", "bob", 1)), "ceiling_exceeded");
    desk.ok(&Command::Adjust(Adjust { ceiling: Some(Some(Amount::Units(0))), ..adjust("a1", "bob") }));
    desk.ok(&Command::Adjust(Adjust { floor: Some(Floor::At(Amount::Units(1000))), ..adjust("a2", "ann") }));
    desk.ok(&stand("s1", "ann", Standing::Frozen));
    assert_eq!(desk.refused(&stand("s2", "bob", Standing::Closed)), "account_not_empty");
    desk.ok(&stand("s3", "bob", Standing::Frozen));
    desk.ok(&capture("c1", "h1", Some(50)));
    desk.ok(&release("h1"));
    assert_eq!(desk.balance("bob"), (50, 0, 0));
}

#[test]
fn sums_that_would_not_fit_are_refused_at_the_hold() {
    let mut desk = Desk::with_accounts();
    let huge = i128::MAX - 200;
    desk.ok(&Command::Open(open("bank")));
    desk.ok(&hold("h1", "issuer", "shop", huge));
    assert_eq!(desk.refused(&hold("h2", "issuer", "bob", 102)), "overflow");
    assert_eq!(desk.refused(&hold("h2", "bank", "shop", 201)), "overflow");
    assert_eq!(desk.refused(&entry("e1", "bank", "shop", 201)), "overflow");
    let up_to = Hold { take: Take::UpTo, ..plain_hold("h3", "issuer", "bob", i128::MAX) };
    assert_eq!(desk.ok(&Command::Hold(up_to)), (Done::Held, Some(101)));
    desk.ok(&capture("c1", "h1", None));
    assert_eq!(desk.balance("shop"), (huge, 0, 0));
    assert_eq!(desk.balance("issuer"), (-100 - huge, 101, 0));
    // What is posted below zero leaves room that the sum of holds alone has not.
    desk.ok(&hold("h4", "bank", "issuer", i128::MAX));
    assert_eq!(desk.refused(&hold("h5", "bank", "issuer", 5)), "overflow");
}

#[test]
fn up_to_holds_what_is_there() {
    let mut desk = Desk::with_accounts();
    let up_to = |id| Command::Hold(Hold { take: Take::UpTo, ..plain_hold(id, "ann", "bob", 130) });
    assert_eq!(desk.ok(&up_to("h1")), (Done::Held, Some(100)));
    assert_eq!(desk.ok(&up_to("h2")), (Done::Held, Some(0)));
    assert_eq!(desk.ok(&up_to("h1")), (Done::Duplicate, Some(100)));
    assert_eq!(desk.ok(&capture("c1", "h2", None)), (Done::Captured, Some(0)));
    assert_eq!(desk.ledger.hold("h2"), None);
}

#[test]
fn a_hold_of_a_branch_answers_to_the_branch_alone() {
    let mut desk = Desk::with_accounts();
    let owned = |id| {
        Command::Hold(Hold {
            origin: Origin::Branch,
            expiry: Expiry::In(10),
            ..plain_hold(id, "ann", "bob", 10)
        })
    };
    let own_capture =
        |hold| Command::Capture(Capture { origin: Origin::Branch, ..plain_capture("", hold, None) });
    let own_release = |hold| Command::Release(Release { origin: Origin::Branch, ..plain_release(hold) });
    for id in ["tx/1", "tx/2", "tx/3"] {
        desk.ok(&owned(id));
    }
    assert_eq!(desk.refused(&capture("c1", "tx/1", None)), "hold_owned");
    assert_eq!(desk.refused(&release("tx/1")), "hold_owned");
    assert_eq!(desk.refused(&reopen("r1", "tx/1")), "hold_owned");
    desk.ok(&own_capture("tx/1"));
    assert_eq!(desk.ok(&own_capture("tx/1")).0, Done::Duplicate);
    assert_eq!(desk.refused(&own_release("tx/1")), "hold_closed");
    desk.ok(&own_release("tx/2"));
    assert_eq!(desk.ok(&own_release("tx/2")).0, Done::Duplicate);
    assert_eq!(desk.refused(&own_capture("tx/2")), "hold_closed");
    // A transaction of the same id, when the first is long forgotten, must not take that for held.
    assert_eq!(desk.refused(&owned("tx/2")), "id_mismatch");
    desk.after_ms(10);
    assert_eq!(desk.refused(&own_capture("tx/3")), "hold_expired");
    assert_eq!(desk.refused(&reopen("r1", "tx/3")), "hold_owned");
    assert_eq!(desk.balance("ann"), (90, 0, 0));
}

#[test]
fn chains_mix_kinds_and_are_taken_back_whole() {
    let mut desk = Desk::with_accounts();
    desk.ok(&hold("h1", "ann", "bob", 10));
    let batch = [
        Command::Hold(Hold { linked: Linked::ToNext, ..plain_hold("h2", "ann", "bob", 20) }),
        Command::Capture(Capture { linked: Linked::ToNext, ..plain_capture("c1", "h2", Some(5)) }),
        Command::Capture(Capture { linked: Linked::ToNext, ..plain_capture("c1", "h1", None) }),
        Command::Release(Release { linked: Linked::ToNext, ..plain_release("h2") }),
        entry("e1", "ann", "shop", 1000),
    ];
    let before = (desk.balance("ann"), desk.balance("bob"), desk.ledger.hold("h1"), desk.shelf.newest());
    let told = desk.all(&batch);
    let others = Err("linked_refused");
    assert_eq!(told, [others, others, others, others, Err("insufficient")]);
    let after = (desk.balance("ann"), desk.balance("bob"), desk.ledger.hold("h1"), desk.shelf.newest());
    assert_eq!(before, after);
    assert_eq!(desk.ledger.hold("h2"), None);
    assert_eq!(desk.run(&batch, Run::Dry), told);
    desk.ok(&entry("fill", "issuer", "ann", 1000));
    let dry = desk.run(&batch, Run::Dry);
    assert!(desk.ledger.hold("h1").is_some());
    assert_eq!(desk.all(&batch), dry);
    assert!(dry.iter().all(Result::is_ok));
    assert_eq!(desk.balance("bob"), (15, 0, 0));
}
