//! A thousand repeats at once have one effect, and a dry run none.

use std::thread;

use ledger::{Command, Done, Expiry, Linked, Run};

use super::world::{World, change, changed, done, entry, hold, words};

const THREADS: usize = 8;
const EACH: usize = 125;

#[test]
fn a_thousand_duplicates_from_eight_threads_have_one_effect() {
    let world = World::new();
    world.done(&[entry("first", ("bank", "ann"), 100)]);
    let engine = world.engine();
    let told: Vec<Done> = thread::scope(|scope| {
        let ask = || {
            let ask =
                || changed(engine, change(&[entry("e-1", ("bank", "ann"), 7)], Run::Real, None)).unwrap();
            (0..EACH).flat_map(|_| done(&ask().results)).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(told.len(), THREADS * EACH);
    assert_eq!(told.iter().filter(|done| **done == Done::Posted).count(), 1);
    assert!(told.iter().all(|done| matches!(done, Done::Posted | Done::Duplicate)));
    assert_eq!((world.balance("ann"), world.account("ann").version), ((107, 0), 2));
    let same = [entry("e-2", ("bank", "ann"), 1), entry("e-2", ("bank", "ann"), 1)];
    assert_eq!(world.done(&same), [Done::Posted, Done::Duplicate], "within one batch too");
    world.stop();
}

#[test]
fn a_dry_run_tells_what_would_happen_and_changes_nothing() {
    let world = World::new();
    world.done(&[entry("e-1", ("bank", "ann"), 100)]);
    let before = world.change(&[], Run::Dry).sequence;
    let asked = [
        entry("e-2", ("bank", "ann"), 50),
        hold("h-1", 150, Expiry::Never),
        entry("e-3", ("ann", "bank"), 1),
        entry("e-1", ("bank", "ann"), 100),
    ];
    for _ in 0..3 {
        let dry = world.change(&asked, Run::Dry);
        assert_eq!(words(&dry.results), ["posted", "held", "insufficient", "duplicate"]);
        assert_eq!(dry.sequence, before, "nothing is kept");
    }
    assert_eq!((world.balance("ann"), world.account("ann").version), ((100, 0), 1));
    let real = world.change(&asked, Run::Real);
    assert_eq!(words(&real.results), ["posted", "held", "insufficient", "duplicate"], "the very same");
    let world = world.restarted(None);
    assert_eq!(world.balance("ann"), (150, 150));
    world.stop();
}

#[test]
fn a_chain_that_fails_leaves_no_trace_and_its_ids_are_free() {
    let world = World::new();
    let linked = |command: Command<&'static str>| match command {
        Command::Entry(entry) => Command::Entry(ledger::Entry { linked: Linked::ToNext, ..entry }),
        other => other,
    };
    let first = entry("e-1", ("bank", "ann"), 10);
    let chain = [linked(first.clone()), entry("e-2", ("ann", "bank"), 11), entry("e-3", ("bank", "ann"), 1)];
    let told = world.change(&chain, Run::Real);
    assert_eq!(words(&told.results), ["linked_refused", "insufficient", "posted"]);
    assert_eq!(world.balance("ann"), (1, 0));
    let world = world.restarted(Some(engine::archive::Archive::in_memory()));
    assert_eq!(world.balance("ann"), (1, 0), "what was taken back was never kept");
    assert_eq!(world.done(&[first]), [Done::Posted]);
    world.stop();
}
