//! The server under load, killed at random instants and started again on the same folder: what it told is there, what it
//! holds is driven on, and nothing has two outcomes. The same for an orderly end under load.
//!
//! A *told* fact is an object that a caller received whole with a 2xx. Whatever the caller did not receive whole it asks
//! again under the same id, as an initiator would. Read next: `kills/load.rs` (who asks), the crate `lab`, whose judge says what must hold and whose experiments go further.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]

#[path = "support/mod.rs"]
mod support;

#[path = "kills/holds.rs"]
mod holds;
#[path = "kills/load.rs"]
mod load;
#[path = "kills/many.rs"]
mod many;

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::load::{Load, Random};
use crate::support::{Participant, Tercet, tercet, until};

/// How a round ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Kill,
    Term,
}

struct StopAtEnd<'a>(&'a Load<'a>);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[test]
fn what_was_told_survives_sixty_kills_and_everything_becomes_final() {
    run(60, Ending::Kill, 7);
}

#[test]
fn what_was_told_survives_orderly_ends_under_load() {
    run(8, Ending::Term, 11);
}

fn run(rounds: u32, ending: Ending, seed: u64) {
    let mut server = Tercet::start();
    let shop = Participant::start();
    let load = Load::new(&shop, server.address);
    let mut random = Random(seed);
    thread::scope(|scope| {
        // Also when this test fails: the initiators would ask for ever.
        let _stop = StopAtEnd(&load);
        for lane in 0..6 {
            let load = &load;
            scope.spawn(move || load.run(lane, Random(seed * 1000 + lane)));
        }
        for round in 0..rounds {
            thread::sleep(Duration::from_millis(20 + random.below(200)));
            match ending {
                Ending::Kill => server.kill(),
                Ending::Term => {
                    server.signal("TERM");
                    let ended = server.wait_end();
                    assert_eq!(ended.code, Some(0), "round {round}: {}", ended.errors);
                }
            }
            server.restart();
            load.moved_to(server.address);
            for fact in load.recent(40) {
                judge(&fact, &server.show(fact["id"].as_str().unwrap()));
            }
        }
    });

    let facts = load.facts();
    assert!(facts.len() > 20 * rounds as usize, "only {} facts were told in {rounds} rounds", facts.len());
    load.settle_all();
    let now = until("everything to become final", || {
        let now = everything(&server);
        now.values().all(|body| body["finished_at"].is_string()).then_some(now)
    });
    for fact in &facts {
        let id = fact["id"].as_str().unwrap();
        judge(fact, now.get(id).unwrap_or_else(|| panic!("{id} was told and is gone: {fact:#}")));
    }
    no_branch_was_both_confirmed_and_cancelled(&shop);

    server.signal("TERM");
    assert_eq!(server.wait_end().code, Some(0));
    let verified = tercet(&["journal", "verify", "--data"]).arg(server.data()).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    println!("{} facts about {} transactions, {rounds} x {ending:?}", facts.len(), now.len());
}

/// Fails unless `now` can follow `fact`.
fn judge(fact: &Value, now: &Value) {
    assert_eq!(lab::contradicts(fact, now), None);
}

/// Every transaction that the server lists, by id.
fn everything(server: &Tercet) -> HashMap<String, Value> {
    let (mut all, mut cursor) = (HashMap::new(), String::new());
    loop {
        let page = server.get(&format!("/v1/transactions?limit=1000{cursor}"));
        for item in page.is(200).body["items"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap().to_owned();
            assert!(all.insert(id.clone(), item.clone()).is_none(), "{id} is listed twice");
        }
        let Some(next) = page.body["next"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

fn no_branch_was_both_confirmed_and_cancelled(shop: &Participant) {
    let mut decided: HashMap<(String, String), String> = HashMap::new();
    for call in shop.all_calls() {
        if matches!(call.operation.as_str(), "confirm" | "cancel") {
            let first = decided
                .entry((call.transaction.clone(), call.branch.clone()))
                .or_insert_with(|| call.operation.clone());
            assert_eq!(*first, call.operation, "{} of {} has two outcomes", call.branch, call.transaction);
        }
    }
}
