//! Two-phase messages over gRPC: delivered, checked back, given up.

use crate::service::{done, failure, ongoing, says};
use server::dtm::proto::DtmRequest;

use crate::support::dtm::shop::Shop;
use crate::world::{World, of, within};

fn two(world: &World, id: &str) -> DtmRequest {
    world.message(id, &[world.service.url("D1"), world.service.url("D2")])
}

#[test]
fn what_was_prepared_and_submitted_is_delivered_without_a_check_back() {
    let world = World::start();
    world.prepare(two(&world, "m")).unwrap();
    assert_eq!(world.tercet.status("m"), "prepared");
    world.submit(two(&world, "m")).unwrap();
    world.tercet.wait("m", "succeed");
    assert_eq!(world.service.told(), ["D1 action 01", "D2 action 02"]);
    assert_eq!(world.service.heard()[0].payload, [0xb1]);
    assert_eq!(world.service.heard()[0].says("dtm-trans_type"), "msg");
}

#[test]
fn what_was_prepared_without_an_address_to_ask_back_is_delivered_once_it_is_submitted() {
    let world = World::start();
    let message = DtmRequest { query_prepared: String::new(), ..two(&world, "m") };
    world.prepare(message.clone()).unwrap();
    assert_eq!(world.tercet.status("m"), "prepared");
    world.submit(message).unwrap();
    world.tercet.wait("m", "succeed");
    assert_eq!(world.service.told(), ["D1 action 01", "D2 action 02"]);
}

#[test]
fn a_message_need_not_be_prepared() {
    let world = World::start();
    world.submit(two(&world, "m")).unwrap();
    world.tercet.wait("m", "succeed");
    assert_eq!(world.service.told(), ["D1 action 01", "D2 action 02"]);
}

#[test]
fn what_was_never_submitted_is_asked_back_over_grpc_until_the_answer_is_clear() {
    let world = World::start();
    world.service.answers("Check", [ongoing(), says(14, ""), done()]);
    world.prepare(within(two(&world, "m"), 1)).unwrap();
    world.tercet.wait("m", "succeed");
    assert_eq!(world.service.told(), [&["Check msg 00"; 3][..], &["D1 action 01", "D2 action 02"]].concat());
    let check = &world.service.to("Check")[0];
    assert_eq!((check.says("dtm-gid"), check.payload.as_slice()), ("m", &b""[..]));
    assert_eq!(check.says("content-type"), "application/grpc+dtm_raw");
}

#[test]
fn a_check_back_that_says_failure_ends_it_undelivered() {
    let world = World::start();
    world.service.answers("Check", [failure()]);
    world.prepare(within(two(&world, "m"), 1)).unwrap();
    world.tercet.wait("m", "failed");
    assert_eq!(world.service.told(), ["Check msg 00"]);
    assert_eq!(world.tercet.query("m")["transaction"]["rollback_reason"], "sold out");
}

#[test]
fn an_abort_while_it_is_prepared_ends_it_at_once() {
    let world = World::start();
    world.prepare(two(&world, "m")).unwrap();
    world.abort(of("m", "msg")).unwrap();
    world.tercet.wait("m", "failed");
    assert!(world.service.told().is_empty());
}

#[test]
fn a_check_back_with_a_scheme_goes_over_http() {
    let (world, shop) = (World::start(), Shop::start());
    let mut message = within(world.message("m", &[shop.url("/d1"), world.service.url("D2")]), 1);
    message.query_prepared = shop.url("/check");
    world.prepare(message).unwrap();
    world.tercet.wait("m", "succeed");
    assert_eq!(shop.told(), ["/check msg 00", "/d1 action 01"]);
    assert_eq!(shop.all_calls()[0].method, "GET");
    assert_eq!(world.service.told(), ["D2 action 02"]);
}

#[test]
fn a_delay_holds_the_delivery_back() {
    let world = World::start();
    let mut message = two(&world, "m");
    message.customed_data = r#"{"delay":1}"#.into();
    let begun = std::time::Instant::now();
    world.submit(message).unwrap();
    world.tercet.wait("m", "succeed");
    assert!(world.service.heard()[0].began.duration_since(begun).as_millis() >= 990);
}
