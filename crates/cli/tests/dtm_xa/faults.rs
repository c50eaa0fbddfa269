//! Whoever dies in the midst: the initiator, a participant, the server, the databases.

use std::sync::Mutex;

use lab::services::{Private, Service};
use serde_json::json;

use crate::database::{Database, End};
use crate::support::until;
use crate::world::World;

#[test]
fn what_its_initiator_forgets_is_rolled_back_in_both_databases() {
    let world = World::start();
    let id = world.prepared(json!({ "timeout_to_fail": 2 }));
    world.ends(&id, "failed");
    assert_eq!(world.balances(), (100, 100));
}

#[test]
fn a_first_phase_that_is_repeated_after_the_roll_back_leaves_nothing_behind() {
    let world = World::start();
    let id = world.prepared(json!({}));
    world.abort(&id);
    world.ends(&id, "failed");
    // It registers the very branch that is registered already; nobody would ever end what it prepares now.
    let again = world.gives(&id, "bert");
    let held = world.held(&id);
    world.runtime.block_on(world.mariadb.database.end(&format!("{id}-02"), End::Rollback)).unwrap();
    assert_eq!((again, held), (409, (vec![], vec![])));
}

#[test]
fn a_participant_that_is_down_commits_when_it_is_back() {
    let world = World::start();
    let id = world.prepared(json!({}));
    world.mariadb.goes_down();
    world.submit(&id);
    until("PostgreSQL has committed", || (world.balances().0 == 70).then_some(()));
    let shown = world.tercet.wait_until(&id, |shown| shown["needs_attention"] == true);
    assert_eq!(shown["state"], "confirming", "{shown:#}");
    assert_eq!((world.tercet.status(&id), world.balances()), ("submitted".into(), (70, 100)));
    assert_eq!(world.held(&id), (vec![], vec![format!("{id}-02")]));
    world.mariadb.comes_back();
    world.ends(&id, "succeed");
    assert_eq!(world.balances(), (70, 130));
}

#[test]
fn a_participant_that_is_down_rolls_back_when_it_is_back() {
    let world = World::start();
    let id = world.prepared(json!({}));
    world.postgres.goes_down();
    world.abort(&id);
    world.tercet.wait_until(&id, |shown| shown["needs_attention"] == true);
    assert_eq!(world.held(&id).0, [format!("{id}-01")]);
    world.postgres.comes_back();
    world.ends(&id, "failed");
    assert_eq!(world.balances(), (100, 100));
}

#[test]
fn a_server_that_is_killed_commits_after_its_start_what_was_submitted() {
    let mut world = World::start();
    let (submitted, open) = (world.prepared(json!({})), world.open(json!({ "timeout_to_fail": 3 })));
    assert_eq!(world.gives(&open, "anna"), 200);
    world.mariadb.goes_down();
    world.submit(&submitted);
    world.tercet.kill();
    world.mariadb.comes_back();
    world.tercet.restart();
    world.ends(&submitted, "succeed");
    world.ends(&open, "failed");
    assert_eq!(world.balances(), (70, 130));
}

#[test]
fn what_is_prepared_survives_its_databases_death_and_is_committed_after_it() {
    let servers = Mutex::new(Vec::new());
    let world = World::over(async |service: Service| {
        let server = Private::start(service);
        let url = server.url();
        servers.lock().unwrap().push(server);
        Database::at(service, url).await
    });
    let id = world.prepared(json!({}));
    let mut servers = servers.into_inner().unwrap();
    servers.iter_mut().for_each(Private::kill9);
    world.submit(&id);
    world.tercet.wait_until(&id, |shown| shown["needs_attention"] == true);
    servers.iter_mut().for_each(Private::restart);
    world.ends(&id, "succeed");
    assert_eq!(world.balances(), (70, 130));
}
