//! XA over gRPC: one address for both ends of the second phase, called in the order of registration.

use crate::service::{done, ongoing, says};
use crate::world::{World, of, registered, within};

fn prepared(world: &World, branches: &[&str]) {
    world.prepare(of("x", "xa")).unwrap();
    for branch in branches {
        world.register(registered(("x", "xa"), branch, [("url", world.service.url("Phase2"))])).unwrap();
    }
}

#[test]
fn a_submit_commits_in_the_order_of_registration() {
    let world = World::start();
    world.service.answers("Phase2", [says(14, ""), done()]);
    prepared(&world, &["01", "02"]);
    world.submit(of("x", "xa")).unwrap();
    world.tercet.wait("x", "succeed");
    assert_eq!(world.service.told(), ["Phase2 commit 01", "Phase2 commit 01", "Phase2 commit 02"]);
    assert_eq!(world.service.heard()[0].says("dtm-trans_type"), "xa");
    assert_eq!(
        world.tercet.rows("x"),
        ["01 rollback prepared", "01 commit succeed", "02 rollback prepared", "02 commit succeed"]
    );
}

#[test]
fn an_abort_rolls_back_in_the_order_of_registration() {
    let world = World::start();
    world.service.answers("Phase2", [ongoing(), done()]);
    prepared(&world, &["01", "02"]);
    world.abort(of("x", "xa")).unwrap();
    world.tercet.wait("x", "failed");
    assert_eq!(world.service.told(), ["Phase2 rollback 01", "Phase2 rollback 01", "Phase2 rollback 02"]);
}

#[test]
fn what_stays_prepared_too_long_is_rolled_back() {
    let world = World::start();
    world.prepare(within(of("y", "xa"), 1)).unwrap();
    world.register(registered(("y", "xa"), "01", [("url", world.service.url("Phase2"))])).unwrap();
    world.tercet.wait("y", "failed");
    assert_eq!(world.service.told(), ["Phase2 rollback 01"]);
}
