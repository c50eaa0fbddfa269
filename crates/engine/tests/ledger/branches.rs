//! Transactions of `hold` and `item` branches alone: begun, decided and final in one frame, all or nothing.

use std::sync::Arc;
use std::sync::mpsc::channel;

use engine::{Answer, Begin, Found, Question};
use journal::{FileJournal, FileOptions, Journal};
use ledger::{Cause, Command, Create, Declare, Linked, Machine, MachineMove, MachineState};
use transaction::{
    BranchSpec, HoldLeg, HoldSpec, ItemSpec, Kind, Mode, Order, Pattern, Quantity, Retry, Spec, Trace,
};

use super::world::{PATIENCE, World, entry};

fn coupon() -> Machine {
    let state = |name: &str, is_final| MachineState { name: name.into(), is_final, expires: None };
    let step = |name: &str, from: &str, to: &str| MachineMove {
        name: name.into(),
        from: vec![from.into()],
        to: to.into(),
        lapsed_to: None,
        guards: Vec::new(),
    };
    Machine {
        name: "coupon".into(),
        initial: "active".into(),
        states: vec![state("active", false), state("locked", false), state("used", true)],
        moves: vec![
            step("lock", "active", "locked"),
            step("unlock", "locked", "active"),
            step("use", "locked", "used"),
        ],
    }
}

fn leg(from: &str, to: &str, units: i128) -> HoldLeg {
    let amount = Quantity::Decimal(Arc::from(ledger::format_units(units, 2)));
    HoldLeg { from: Arc::from(from), to: Arc::from(to), amount, up_to: false }
}

fn order(id: &str, legs: Vec<HoldLeg>) -> Begin {
    let text = |text: &str| -> Arc<str> { Arc::from(text) };
    let item = ItemSpec {
        item: text("c-1"),
        attempt: text("lock"),
        confirm: text("use"),
        cancel: text("unlock"),
        owner: None,
        arguments: Vec::new(),
    };
    let branch = |id: &str, kind| Arc::new(BranchSpec { id: Arc::from(id), after: Vec::new(), kind });
    let spec = Spec {
        id: text(id),
        pattern: Pattern::Tcc,
        mode: Mode::Managed,
        order: Order::Parallel,
        deadline_ms: Some(60_000),
        cooling_off_ms: 0,
        retry: Retry::default(),
        labels: Vec::new(),
        check: None,
        branches: vec![branch("coupon", Kind::Item(item)), branch("pay", Kind::Hold(HoldSpec { legs }))],
        terms: None,
    };
    Begin {
        spec: Arc::new(spec),
        trace: Trace::default(),
        key: None,
        wait_ms: 0,
        until: engine::Until::Final,
    }
}

fn begun(world: &World, begin: Begin) -> Answer {
    let (tell, told) = channel();
    world.engine().begin(begin, Box::new(move |answer| drop(tell.send(answer))));
    told.recv_timeout(PATIENCE).unwrap().unwrap()
}

fn coupon_state(world: &World) -> String {
    match world.ask(Question::Item(Arc::from("c-1"))).unwrap() {
        Found::Item(item) => item.state.into(),
        other => panic!("{other:?}"),
    }
}

fn with_coupon() -> World {
    let world = World::new();
    let cause = Cause::default();
    let create = Create {
        id: "c-1",
        machine: "coupon",
        owner: Some("ann"),
        attributes: Vec::new(),
        linked: Linked::No,
        cause,
    };
    world.done(&[
        Command::Declare(Declare { machine: Box::new(coupon()), cause }),
        Command::Create(create),
        entry("e-1", ("bank", "ann"), 1_000),
    ]);
    world
}

/// The frames of a stopped world's journal: first and last sequence of each.
fn frames(world: World) -> Vec<(u64, u64)> {
    let (disk, _) = world.stop();
    let mut journal = FileJournal::open(Arc::new(disk), FileOptions::default()).unwrap();
    let mut frames = Vec::new();
    let read = journal.read(0, &mut |frame| {
        frames.push((frame.sequence, frame.last()));
        Ok(())
    });
    read.unwrap();
    frames
}

#[test]
fn an_order_of_holds_and_items_is_final_in_one_frame() {
    let world = with_coupon();
    let before = world.change(&[], ledger::Run::Dry).sequence;
    let answer = begun(&world, order("o-1", vec![leg("ann", "bank", 300), leg("ann", "bank", 200)]));
    assert_eq!(answer.transaction.state_name(), "confirmed", "at once, without waiting");
    assert_eq!((world.balance("ann"), &*coupon_state(&world)), ((500, 0), "used"));
    assert_eq!(world.sum(), 0);
    let of_order: Vec<_> = frames(world).into_iter().filter(|(first, _)| *first > before).collect();
    assert_eq!(of_order, [(before + 1, answer.sequence)], "begun, tried, decided, settled and final");
}

#[test]
fn an_order_that_cannot_be_paid_gives_everything_back_in_one_frame() {
    let world = with_coupon();
    let before = world.change(&[], ledger::Run::Dry).sequence;
    // The second leg asks for more than the first one left.
    let answer = begun(&world, order("o-1", vec![leg("ann", "bank", 600), leg("ann", "bank", 600)]));
    assert_eq!(answer.transaction.state_name(), "cancelled");
    assert_eq!((world.balance("ann"), &*coupon_state(&world)), ((1_000, 0), "active"));
    let of_order: Vec<_> = frames(world).into_iter().filter(|(first, _)| *first > before).collect();
    assert_eq!(of_order, [(before + 1, answer.sequence)]);
}

#[test]
fn what_an_order_did_is_there_after_a_restart() {
    let world = with_coupon();
    begun(&world, order("o-1", vec![leg("ann", "bank", 300)]));
    let world = world.restarted(Some(engine::archive::Archive::in_memory()));
    assert_eq!((world.balance("ann"), &*coupon_state(&world)), ((700, 0), "used"));
    let again = begun(&world, order("o-1", vec![leg("ann", "bank", 300)]));
    assert!(again.replayed, "the same order is the same transaction");
    let second = begun(&world, order("o-2", vec![leg("ann", "bank", 300)]));
    assert_eq!(second.transaction.state_name(), "cancelled", "a coupon is used once");
    assert_eq!(world.balance("ann"), (700, 0));
    world.stop();
}
