//! Gids of which one is the beginning of another, many at a time: nothing of one is taken for another's.

use std::collections::BTreeSet;

use serde_json::json;

use crate::world::{World, saga, tcc, with};

/// Does this for every number up to `count`, eight at a time.
fn each(count: usize, act: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for first in 0..8 {
            let act = &act;
            scope.spawn(move || (first..count).step_by(8).for_each(act));
        }
    });
}

/// Every `id branch.op` that was called.
fn called(world: &World) -> Vec<String> {
    let mut called: Vec<_> =
        world.shop.all_calls().iter().map(|call| format!("{} {}", call.asked("gid"), call.name())).collect();
    called.sort_unstable();
    called
}

#[test]
fn forty_tccs_with_gids_that_begin_alike_confirm_and_cancel_their_own_branches() {
    let world = World::start();
    // p-1, p-10, p-11, …, and p, p-, p-1 followed by digits that could be an index.
    let mut gids: Vec<String> = (1..=36).map(|number| format!("p-{number}")).collect();
    gids.extend(["p", "p-", "p-1001", "p-1000"].map(str::to_owned));
    each(gids.len(), |at| world.prepared_tcc(&gids[at], &["a", "b"]));
    for gid in &gids {
        let rows = world.query(gid)["branches"].as_array().unwrap().clone();
        assert!(rows.len() == 4 && rows.iter().all(|row| row["gid"] == *gid), "{gid}: {rows:?}");
    }
    // Every third is aborted.
    each(gids.len(), |at| world.does(if at % 3 == 0 { "abort" } else { "submit" }, &tcc(&gids[at])));
    let mut wanted = BTreeSet::new();
    for (at, gid) in gids.iter().enumerate() {
        let (status, op) = if at % 3 == 0 { ("failed", "cancel") } else { ("succeed", "confirm") };
        world.wait(gid, status);
        wanted.extend([format!("{gid} 01.{op}"), format!("{gid} 02.{op}")]);
        let other = if op == "confirm" { "cancel" } else { "confirm" };
        for row in world.rows(gid) {
            assert!(
                row.contains(&format!("{op} succeed")) || row.contains(&format!("{other} prepared")),
                "{gid}: {row}"
            );
        }
    }
    assert_eq!(called(&world), Vec::from_iter(wanted));
}

#[test]
fn two_hundred_tccs_at_once_are_confirmed_wholly() {
    let world = World::start();
    let gid = |number: usize| format!("load-{number}");
    each(200, |number| {
        world.prepared_tcc(&gid(number), &["a", "b"]);
        world.does("submit", &tcc(&gid(number)));
    });
    for number in 0..200 {
        world.wait(&gid(number), "succeed");
        let wanted = ["01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed"];
        assert_eq!(world.rows(&gid(number)), wanted, "{number}");
    }
    let wanted: BTreeSet<_> =
        (0..200).flat_map(|number| ["01", "02"].map(|id| format!("load-{number} {id}.confirm"))).collect();
    assert_eq!(called(&world), Vec::from_iter(wanted));
}

#[test]
fn sagas_and_messages_with_gids_that_begin_alike_stay_apart() {
    let world = World::start();
    each(40, |number| {
        let gid = format!("s-{number}");
        let body = saga(&gid, [world.shop.step("a"), world.shop.step("b")]);
        world.does("submit", &with(body, json!({ "payloads": [gid.clone(), gid.clone()] })));
        world.does(
            "submit",
            &with(world.message(&format!("{gid}m"), ["c"]), json!({ "payloads": [format!("{gid}m")] })),
        );
    });
    for number in 0..40 {
        world.wait(&format!("s-{number}"), "succeed");
        world.wait(&format!("s-{number}m"), "succeed");
    }
    let calls = world.shop.all_calls();
    assert_eq!(calls.len(), 120);
    assert!(calls.iter().all(|call| call.text() == call.asked("gid")), "a payload went to another");
}

#[test]
fn the_end_of_one_is_not_the_end_of_another() {
    let world = World::start();
    for gid in ["p-1", "p-10", "p-100"] {
        world.prepared_tcc(gid, &["a"]);
    }
    world.does("submit", &tcc("p-1"));
    world.wait("p-1", "succeed");
    world.does("forceStop", &json!({ "gid": "p-100" }));
    assert_eq!(["p-1", "p-10", "p-100"].map(|gid| world.status(gid)), ["succeed", "prepared", "failed"]);
    world.does("registerBranch", &world.branch("p-10", "02", "b"));
    world.does("submit", &tcc("p-10"));
    world.wait("p-10", "succeed");
    assert_eq!(called(&world), ["p-1 01.confirm", "p-10 01.confirm", "p-10 02.confirm"]);
}
