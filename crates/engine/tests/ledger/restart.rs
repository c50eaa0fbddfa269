//! Entries, holds and ids survive a stop, with the archive and without.

use std::sync::Arc;

use engine::archive::Archive;
use engine::{Found, Question};
use ledger::{Amount, Capture, Cause, Command, Done, Expiry, HoldState, Linked, Origin, Release, Reopen};

use super::world::{World, entry, hold, until, words};

fn capture<'a>(id: &'a str, of: &'a str, units: i128) -> Command<&'a str> {
    let (linked, origin, cause) = (Linked::No, Origin::Direct, Cause::default());
    Command::Capture(Capture { id, hold: of, amount: Some(Amount::Units(units)), linked, origin, cause })
}

fn release(of: &str) -> Command<&str> {
    Command::Release(Release {
        hold: of,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    })
}

fn state(world: &World, id: &str) -> (HoldState, i128, i128) {
    match world.ask(Question::Hold(Arc::from(id))).unwrap() {
        Found::Hold(hold) => (hold.state, hold.captured, hold.left),
        other => panic!("{other:?}"),
    }
}

#[test]
fn entries_and_holds_survive_a_stop_with_the_archive_and_without() {
    for archive in [None, Some(Archive::in_memory())] {
        let world = World::new();
        world.done(&[entry("e-1", ("bank", "ann"), 500), hold("h-1", 200, Expiry::Never)]);
        world.done(&[capture("c-1", "h-1", 50), hold("h-2", 30, Expiry::Never), release("h-2")]);
        let world = world.restarted(archive);
        assert_eq!(world.balance("ann"), (450, 150));
        assert_eq!(world.account("bank").incoming, 150);
        assert_eq!(state(&world, "h-1"), (HoldState::Held, 50, 150));
        assert_eq!(state(&world, "h-2").0, HoldState::Released);
        let again = [entry("e-1", ("bank", "ann"), 500), capture("c-1", "h-1", 50), release("h-2")];
        assert_eq!(world.done(&again), [Done::Duplicate; 3], "ids are known for ever");
        let other = world.change(&[entry("e-1", ("bank", "ann"), 501)], ledger::Run::Real);
        assert_eq!(words(&other.results), ["id_mismatch"]);
        world.done(&[capture("c-2", "h-1", 150)]);
        let closed = world.change(&[capture("c-3", "h-1", 1), release("h-1")], ledger::Run::Real);
        assert_eq!(words(&closed.results), ["hold_closed", "hold_closed"]);
        assert_eq!((world.balance("ann"), world.sum()), ((300, 0), 0));
        world.stop();
    }
}

#[test]
fn a_hold_expires_across_restarts_and_can_be_reopened() {
    let world = World::new();
    world.done(&[entry("e-1", ("bank", "ann"), 500)]);
    world.done(&[hold("soon", 200, Expiry::In(300)), hold("late", 100, Expiry::In(3_600_000))]);
    let world = world.restarted(None);
    until(|| world.balance("ann") == (500, 100));
    assert_eq!(state(&world, "soon").0, HoldState::Expired);
    let world = world.restarted(Some(Archive::in_memory()));
    assert_eq!((state(&world, "soon").0, state(&world, "late").0), (HoldState::Expired, HoldState::Held));
    let late = world.change(&[capture("c-1", "soon", 1)], ledger::Run::Real);
    assert_eq!(words(&late.results), ["hold_expired"]);
    let reopen = Reopen { id: "r-1", hold: "soon", expiry: Expiry::Never, cause: Cause::default() };
    assert_eq!(world.done(&[Command::Reopen(reopen)]), [Done::Reopened]);
    assert_eq!((state(&world, "soon"), world.balance("ann")), ((HoldState::Held, 0, 200), (500, 300)));
    let world = world.restarted(None);
    assert_eq!((state(&world, "soon"), world.balance("ann")), ((HoldState::Held, 0, 200), (500, 300)));
    world.stop();
}

#[test]
fn an_expiry_that_comes_while_the_engine_is_down_is_decided_at_the_start() {
    let world = World::new();
    world.done(&[entry("e-1", ("bank", "ann"), 500), hold("soon", 200, Expiry::In(100))]);
    let (disk, archive) = world.stop();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let world = World::on(&disk, &archive);
    let spent = world.change(&[entry("e-2", ("ann", "bank"), 500)], ledger::Run::Real);
    assert_eq!(words(&spent.results), ["posted"], "what was held is free before anything is asked");
    world.stop();
}
