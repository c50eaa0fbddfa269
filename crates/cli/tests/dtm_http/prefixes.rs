//! Gids of which one is a prefix of another never mix, alone or under load.

use std::collections::BTreeMap;

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, of};

#[test]
fn gids_that_begin_alike_each_get_their_own_confirms() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let gids: Vec<String> = (1..=40).map(|at| format!("p-{at}")).collect();
    for gid in &gids {
        tercet.ok("prepare", &of(gid, "tcc"));
        for branch in ["01", "02"] {
            tercet.ok("registerBranch", &shop.branch(gid, branch));
        }
    }
    for gid in &gids {
        assert_eq!(tercet.rows(gid).len(), 4, "{gid} shows its own branches, and all of them");
        tercet.ok("submit", &of(gid, "tcc"));
    }
    confirmed(&shop, &tercet, &gids);
}

#[test]
fn under_load_every_transaction_that_succeeds_has_had_both_confirms() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let gids: Vec<String> = (0..200).map(|at| format!("load-{at}")).collect();
    std::thread::scope(|scope| {
        for share in gids.chunks(25) {
            let (shop, tercet) = (&shop, &tercet);
            scope.spawn(move || {
                for gid in share {
                    tercet.ok("prepare", &and(of(gid, "tcc"), serde_json::json!({"retry_interval": 1})));
                    for branch in ["01", "02"] {
                        tercet.ok("registerBranch", &shop.branch(gid, branch));
                    }
                    tercet.ok("submit", &of(gid, "tcc"));
                }
            });
        }
    });
    confirmed(&shop, &tercet, &gids);
}

fn confirmed(shop: &Shop, tercet: &Tercet, gids: &[String]) {
    for gid in gids {
        tercet.wait_status(gid, "succeed");
    }
    let mut confirms: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for heard in shop.heard() {
        assert_eq!(heard.path, "/confirm");
        confirms.entry(heard.parameter("gid")).or_default().push(heard.parameter("branch_id"));
    }
    for gid in gids {
        assert_eq!(confirms[gid], ["02", "01"], "{gid}");
    }
    assert_eq!(confirms.len(), gids.len());
}

#[test]
fn gids_may_hold_what_our_ids_may_not() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let gid = "Bestellung 7 – größer & 1";
    tercet.ok("submit", &shop.saga(gid, 1));
    let encoded: String = gid.bytes().map(|byte| format!("%{byte:02X}")).collect();
    tercet.wait_status(&encoded, "succeed");
    let shown = tercet.get(&format!("/v1/transactions/{encoded}")).is(200).body.clone();
    assert_eq!(shown["id"], gid);
    tercet.ok("submit", &shop.saga("a;b\nc", 1));
    tercet.wait_status("abc", "succeed");
    tercet.no("submit", &shop.saga(&"g".repeat(129), 1), 500);
}
