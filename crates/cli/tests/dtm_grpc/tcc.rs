//! TCC over gRPC: registered branches, raw payloads, the order of confirms and cancels.

use tonic::Code;

use crate::service::{done, failure, ongoing};
use crate::support::dtm::shop::Shop;
use crate::world::{World, of, refused, registered, within};

const BYTES: &[u8] = &[0xc3, 0x28, 0, 0xff];

#[test]
fn branches_are_confirmed_in_the_reverse_of_their_registration_with_their_bytes() {
    let world = World::start();
    world.prepare(of("t", "tcc")).unwrap();
    for (branch, payload) in [("01", BYTES), ("0101", b""), ("02", &[2])] {
        world.register(world.branch("t", branch, payload)).unwrap();
    }
    assert_eq!(world.tercet.status("t"), "prepared");
    world.submit(of("t", "tcc")).unwrap();
    world.tercet.wait("t", "succeed");
    assert_eq!(world.service.told(), ["Confirm confirm 02", "Confirm confirm 0101", "Confirm confirm 01"]);
    let payloads: Vec<_> = world.service.heard().into_iter().map(|heard| heard.payload).collect();
    assert_eq!(payloads, [&[2][..], b"", BYTES]);
    assert!(world.service.heard().iter().all(|heard| heard.says("dtm-trans_type") == "tcc"));
    assert_eq!(world.tercet.rows("t").len(), 6);
}

#[test]
fn an_abort_cancels_in_reverse_and_keeps_its_reason() {
    let world = World::start();
    world.prepare(of("t", "tcc")).unwrap();
    for branch in ["01", "02"] {
        world.register(world.branch("t", branch, BYTES)).unwrap();
    }
    let mut abort = of("t", "tcc");
    abort.rollback_reason = "the try failed".into();
    world.abort(abort).unwrap();
    world.tercet.wait("t", "failed");
    assert_eq!(world.service.told(), ["Cancel cancel 02", "Cancel cancel 01"]);
    assert_eq!(world.service.heard()[0].payload, BYTES);
    assert_eq!(world.tercet.query("t")["transaction"]["rollback_reason"], "the try failed");
}

#[test]
fn what_stays_prepared_too_long_is_rolled_back() {
    let world = World::start();
    world.prepare(within(of("t", "tcc"), 1)).unwrap();
    world.register(world.branch("t", "01", BYTES)).unwrap();
    world.tercet.wait("t", "failed");
    assert_eq!(world.service.told(), ["Cancel cancel 01"]);
}

#[test]
fn a_branch_registered_again_alike_is_a_success_and_otherwise_a_conflict() {
    let world = World::start();
    world.prepare(of("t", "tcc")).unwrap();
    world.register(world.branch("t", "01", BYTES)).unwrap();
    world.register(world.branch("t", "01", BYTES)).unwrap();
    refused(world.register(world.branch("t", "01", b"other")), Code::Aborted);
    world.submit(of("t", "tcc")).unwrap();
    world.tercet.wait("t", "succeed");
    assert_eq!(world.service.to("Confirm").len(), 1);
    let words = refused(world.register(world.branch("nobody", "01", b"")), Code::Aborted);
    assert_eq!(words, "no trans with gid: nobody status: prepared found");
}

#[test]
fn a_confirm_that_is_refused_raises_attention_and_is_repeated() {
    let world = World::start();
    world.service.answers("Confirm", [failure(), failure(), failure(), ongoing(), done()]);
    world.prepare(of("t", "tcc")).unwrap();
    world.register(world.branch("t", "01", BYTES)).unwrap();
    world.submit(of("t", "tcc")).unwrap();
    let shown = world.tercet.wait_until("t", |shown| shown["needs_attention"] == true);
    assert_eq!(shown["branches"][0]["last_error"], "sold out");
    world.tercet.wait("t", "succeed");
    assert_eq!(world.service.to("Confirm").len(), 5);
}

#[test]
fn a_branch_with_a_scheme_is_confirmed_over_http() {
    let (world, shop) = (World::start(), Shop::start());
    world.prepare(of("t", "tcc")).unwrap();
    let urls = [("confirm", shop.url("/confirm")), ("cancel", shop.url("/cancel"))];
    let mut branch = registered(("t", "tcc"), "01", urls);
    branch.busi_payload = BYTES.to_vec();
    world.register(branch).unwrap();
    world.submit(of("t", "tcc")).unwrap();
    world.tercet.wait("t", "succeed");
    assert_eq!(
        (shop.told(), shop.all_calls()[0].body.as_slice()),
        (vec!["/confirm confirm 01".to_owned()], BYTES)
    );
}
