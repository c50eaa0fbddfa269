//! A request with an idempotency key is answered with its first results, however the world has changed since.

use std::sync::Arc;

use engine::{Key, archive::Archive};
use ledger::Run;

use super::world::{World, entry, words};

fn key(name: &str, content: u8) -> Key {
    Key { scope: Arc::from(name), fingerprint: [content; 32] }
}

#[test]
fn a_repeat_by_key_gets_the_first_results() {
    let mut world = World::new();
    world.done(&[entry("e-1", ("bank", "ann"), 100)]);
    let asked = [entry("e-2", ("ann", "bank"), 60), entry("e-3", ("ann", "bank"), 60)];
    let first = world.with_key(&asked, key("k-1", 1)).unwrap();
    assert_eq!((words(&first.results), first.replayed), (vec!["posted", "insufficient"], false));
    // Now the second one could be paid; the answer is still the first one.
    world.done(&[entry("e-4", ("bank", "ann"), 500)]);
    for archive in [None, None, Some(Archive::in_memory())] {
        let again = world.with_key(&asked, key("k-1", 1)).unwrap();
        assert_eq!((again.results, again.replayed), (first.results.clone(), true));
        assert_eq!(again.ids, Some(vec!["e-2".into(), "e-3".into()]));
        let other = world.with_key(&asked, key("k-1", 2)).unwrap_err();
        assert_eq!(other.kind.code, "idempotency_mismatch");
        world = world.restarted(archive);
    }
    assert_eq!(world.balance("ann"), (540, 0));
    world.stop();
}

#[test]
fn the_key_of_a_dry_run_is_not_used_up() {
    let world = World::new();
    let asked = [entry("e-1", ("bank", "ann"), 1)];
    let dry = world.change(&asked, Run::Dry);
    assert_eq!(words(&dry.results), ["posted"]);
    let real = world.with_key(&asked, key("k", 1)).unwrap();
    assert_eq!((words(&real.results), real.replayed), (vec!["posted"], false));
    world.stop();
}
