//! Hold and item branches: carried out by the one who drives, in the frame of the transaction's own events.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use support::{T0, awaited, call, done, spec, with_order};
use transaction::{
    BranchSpec, Command, Decision, Desk, Event, HoldLeg, HoldSpec, ItemSpec, Kind, Limits, Mode, Operation,
    Order, Pattern, Quantity, Reply, Signal, Spec, Time, Trace, Transaction, begin, carry_out, unfold,
    validate, validate_branch,
};

fn hold(id: &str, after: &[&str]) -> Arc<BranchSpec> {
    let leg = HoldLeg {
        from: Arc::from("stock:A"),
        to: Arc::from("sold:A"),
        amount: Quantity::Decimal(Arc::from("2")),
        up_to: false,
    };
    let after = after.iter().map(|id| Arc::from(*id)).collect();
    Arc::new(BranchSpec { id: Arc::from(id), after, kind: Kind::Hold(HoldSpec { legs: vec![leg] }) })
}

fn item(id: &str) -> Arc<BranchSpec> {
    let text = |text: &str| Arc::from(text);
    let spec = ItemSpec {
        item: text("C-1"),
        attempt: text("lock"),
        confirm: text("use"),
        cancel: text("unlock"),
        owner: None,
        arguments: Vec::new(),
    };
    Arc::new(BranchSpec { id: Arc::from(id), after: Vec::new(), kind: Kind::Item(spec) })
}

/// A desk with a ledger that refuses the branches it is told to.
#[derive(Default)]
struct Counter {
    refuses: BTreeSet<&'static str>,
    kept: u64,
    done: Vec<String>,
}

impl Counter {
    fn refusing(branch: &'static str) -> Counter {
        Counter { refuses: BTreeSet::from([branch]), ..Counter::default() }
    }

    fn note(&mut self, transaction: &Transaction, branch: u16, what: &str) -> bool {
        let id = &transaction.branches[usize::from(branch)].spec.id;
        self.done.push(format!("{id}.{what}"));
        self.refuses.contains(&**id)
    }

    fn begin(&mut self, spec: Spec) -> Transaction {
        let (_, mut transaction) = begin(1, T0, (&Arc::new(spec), Trace::default()));
        unfold(&mut transaction, T0, self);
        transaction
    }

    fn ask(&mut self, transaction: &mut Transaction, command: &Command) {
        carry_out(transaction, command, T0, self).expect("not refused");
    }

    fn reply(&mut self, transaction: &mut Transaction, branch: u16, operation: Operation) {
        let attempt = transaction.branches[usize::from(branch)].attempts.of(operation) + 1;
        let command = Command::Replied { branch: Some(branch), operation, attempt, reply: done(), seed: 1 };
        self.ask(transaction, &command);
    }
}

impl Desk for Counter {
    fn keep(&mut self, _: &Event) -> u64 {
        self.kept += 1;
        self.kept + 1
    }

    fn attempt(&mut self, transaction: &Transaction, branch: u16) -> Reply {
        if self.note(transaction, branch, "try") {
            Reply::Refused { detail: Arc::from("insufficient: nothing is left") }
        } else {
            done()
        }
    }

    fn settle(&mut self, transaction: &Transaction, branch: u16, decision: Decision) {
        self.note(transaction, branch, decision.name());
    }
}

fn tcc(branches: Vec<Arc<BranchSpec>>) -> Spec {
    spec(Pattern::Tcc, Mode::Managed, branches)
}

#[test]
fn only_local_branches_are_final_at_once() {
    let mut desk = Counter::default();
    let transaction = desk.begin(tcc(vec![hold("stock", &[]), item("coupon")]));
    assert_eq!(transaction.state_name(), "confirmed");
    assert_eq!(desk.done, ["stock.try", "coupon.try", "stock.confirm", "coupon.confirm"]);
}

#[test]
fn one_refusal_cancels_what_was_tried_and_nothing_else() {
    let mut desk = Counter::refusing("coupon");
    let transaction = desk.begin(tcc(vec![hold("stock", &[]), item("coupon"), hold("points", &[])]));
    assert_eq!(transaction.state_name(), "cancelled");
    let reason = transaction.reason.clone().unwrap();
    assert_eq!((reason.branch, &*reason.detail), (Some(1), "insufficient: nothing is left"));
    assert_eq!(desk.done[..2], ["stock.try", "coupon.try"]);
    let settled: BTreeSet<&str> = desk.done[2..].iter().map(String::as_str).collect();
    assert_eq!(settled, BTreeSet::from(["stock.cancel", "coupon.cancel", "points.cancel"]));
    // The desk is told of all; what was never tried it need not undo.
    let tried: Vec<bool> = transaction.branches.iter().map(transaction::Branch::was_tried).collect();
    assert_eq!(tried, [true, false, false]);
}

#[test]
fn mixed_with_calls_and_awaits_it_waits_for_them() {
    let mut desk = Counter::default();
    let mut transaction =
        desk.begin(tcc(vec![call("pay", &[]), hold("stock", &["pay"]), awaited("approve", &[])]));
    assert_eq!((transaction.state_name(), desk.done.len()), ("trying", 0), "stock comes after pay");
    desk.reply(&mut transaction, 0, Operation::Try);
    assert_eq!(desk.done, ["stock.try"]);
    let signal = Command::Signal { branch: Arc::from("approve"), signal: Signal::Done, result: None };
    desk.ask(&mut transaction, &signal);
    assert_eq!(transaction.state_name(), "confirming");
    assert_eq!(desk.done, ["stock.try", "stock.confirm"]);
    desk.reply(&mut transaction, 0, Operation::Confirm);
    assert_eq!(transaction.state_name(), "confirmed");
}

#[test]
fn a_deadline_or_a_withdraw_releases_it_once() {
    for command in [Command::Due, Command::Cancel { detail: None }] {
        let mut desk = Counter::default();
        let mut transaction = desk.begin(tcc(vec![hold("stock", &[]), awaited("pay", &[])]));
        let later = Time(T0.0 + 60_000_000);
        carry_out(&mut transaction, &command, later, &mut desk).unwrap();
        carry_out(&mut transaction, &Command::Retry, later, &mut desk).unwrap_err();
        assert_eq!(
            (transaction.state_name(), &*desk.done),
            ("cancelled", &["stock.try".into(), "stock.cancel".into()][..])
        );
    }
}

#[test]
fn in_order_a_later_hold_is_confirmed_before_an_earlier_call() {
    let mut desk = Counter::default();
    let spec = with_order(tcc(vec![call("pay", &[]), hold("stock", &[])]), Order::Sequential);
    let mut transaction = desk.begin(spec);
    assert!(desk.done.is_empty());
    desk.reply(&mut transaction, 0, Operation::Try);
    assert_eq!(desk.done, ["stock.try", "stock.confirm"]);
    assert_eq!(transaction.state_name(), "confirming");
}

#[test]
fn registered_in_an_interactive_one_it_is_tried_at_once_and_its_refusal_cancels() {
    for (mut desk, state) in [(Counter::default(), "trying"), (Counter::refusing("stock"), "cancelled")] {
        let mut transaction = desk.begin(spec(Pattern::Tcc, Mode::Interactive, Vec::new()));
        desk.ask(&mut transaction, &Command::Register(hold("stock", &[])));
        assert_eq!((transaction.state_name(), desk.done[0].as_str()), (state, "stock.try"));
        if state == "trying" {
            desk.ask(&mut transaction, &Command::Confirm);
            assert_eq!((transaction.state_name(), desk.done[1].as_str()), ("confirmed", "stock.confirm"));
        }
    }
}

#[test]
fn a_saga_and_a_message_have_no_hold_to_confirm() {
    for pattern in [Pattern::Saga, Pattern::Message] {
        for branch in [hold("stock", &[]), item("coupon")] {
            let refusal = validate_branch((pattern, Mode::Managed, transaction::Protocol::Tercet), &branch)
                .unwrap_err();
            assert_eq!(refusal.kind.code, "kind_unsupported");
        }
    }
}

#[test]
fn what_can_be_seen_without_the_ledger_is_checked() {
    let asked = |legs: Vec<HoldLeg>| {
        let kind = Kind::Hold(HoldSpec { legs });
        let branch = Arc::new(BranchSpec { id: Arc::from("stock"), after: Vec::new(), kind });
        validate(&tcc(vec![branch]), &Limits::default()).map_err(|refusal| refusal.at)
    };
    let leg = |from: &str| HoldLeg {
        from: Arc::from(from),
        to: Arc::from("b"),
        amount: Quantity::Whole(1),
        up_to: false,
    };
    assert_eq!(asked(vec![leg("a")]), Ok(()));
    assert_eq!(asked(vec![leg("a b")]), Err(Some("/branches/0/from".to_owned())));
    assert_eq!(asked(vec![leg("a"), leg("")]), Err(Some("/branches/0/holds/1/from".to_owned())));
    assert_eq!(asked(Vec::new()), Err(Some("/branches/0/holds".to_owned())));
    assert_eq!(asked(vec![leg("a"); 33]), Err(Some("/branches/0/holds".to_owned())));
}
