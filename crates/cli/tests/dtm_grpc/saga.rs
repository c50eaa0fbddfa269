//! Sagas over gRPC: what arrives, what an answer means, what is undone.

use server::dtm::proto::DtmTransOptions;

use crate::service::{done, failure, ongoing, says, slow};
use crate::support::dtm::shop::Shop;
use crate::world::{World, asking, stepped, texts};

/// Neither JSON nor UTF-8, and with the bytes in it that a text would lose.
const BYTES: &[u8] = &[0, 0xff, 0xfe, b'"', b'\n', 0x80, 0];

#[test]
fn a_saga_acts_in_order_and_names_itself_in_the_metadata() {
    let world = World::start();
    world.submit(world.saga("g 1/2", &[BYTES, b"{}"])).unwrap();
    world.tercet.wait("g 1/2", "succeed");
    assert_eq!(world.service.told(), ["A1 action 01", "A2 action 02"]);
    let heard = world.service.heard();
    assert_eq!(heard[0].path, "/shop.Shop/A1");
    assert_eq!(heard[0].payload, BYTES);
    for (name, value) in [
        ("content-type", "application/grpc+dtm_raw"),
        ("te", "trailers"),
        ("dtm-gid", "g 1/2"),
        ("dtm-trans_type", "saga"),
        ("dtm-branch_id", "01"),
        ("dtm-op", "action"),
        ("dtm-dtm", ""),
    ] {
        assert_eq!(heard[0].metadata.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(heard[0].metadata.keys().all(|name| !name.starts_with("tercet") && name != "traceparent"));
}

#[test]
fn a_refused_step_is_undone_with_all_before_it_in_reverse() {
    let world = World::start();
    world.service.answers("A2", [failure()]);
    world.submit(world.saga("s", &[BYTES, b"2", b"3"])).unwrap();
    world.tercet.wait("s", "failed");
    assert_eq!(
        world.service.told(),
        ["A1 action 01", "A2 action 02", "C2 compensate 02", "C1 compensate 01"]
    );
    assert_eq!(world.service.to("C1")[0].payload, BYTES);
    assert_eq!(world.tercet.query("s")["transaction"]["rollback_reason"], "sold out");
}

#[test]
fn a_step_that_goes_on_is_asked_again_however_it_says_so() {
    let world = World::start();
    // The second is how older services say it.
    world.service.answers("A1", [ongoing(), says(10, "ONGOING"), done()]);
    world.submit(world.saga("s", &[BYTES, b"2"])).unwrap();
    world.tercet.wait("s", "succeed");
    assert_eq!((world.service.to("A1").len(), world.service.to("A2").len()), (3, 1));
}

#[test]
fn any_other_status_says_nothing_and_is_asked_again() {
    let world = World::start();
    world.service.answers("A1", [says(2, "FAILURE"), says(14, ""), says(12, ""), says(99, ""), done()]);
    world.service.answers("A2", [failure()]);
    world.service.answers("C1", [says(13, ""), failure(), ongoing(), done()]);
    world.submit(world.saga("s", &[b"1", b"2"])).unwrap();
    world.tercet.wait("s", "failed");
    assert_eq!((world.service.to("A1").len(), world.service.to("C1").len()), (5, 4));
}

#[test]
fn a_step_with_a_scheme_is_called_over_http() {
    let (world, shop) = (World::start(), Shop::start());
    let steps = vec![
        serde_json::json!({ "action": world.service.url("A1"), "compensate": shop.url("/c1") }),
        serde_json::json!({ "action": shop.url("/a2?own=1"), "compensate": "" }),
        serde_json::json!({ "action": world.service.url("A3"), "compensate": "" }),
    ];
    world.service.answers("A3", [failure()]);
    world.submit(stepped(("s", "saga"), steps, &[BYTES, BYTES, b""])).unwrap();
    world.tercet.wait("s", "failed");
    assert_eq!(world.service.told(), ["A1 action 01", "A3 action 03"]);
    assert_eq!(shop.told(), ["/a2 action 02", "/c1 compensate 01"]);
    let called = &shop.calls("/a2")[0];
    assert_eq!((called.method.as_str(), called.body.as_slice()), ("POST", BYTES));
    assert_eq!((called.asked("own"), called.asked("gid")), ("1", "s"));
}

#[test]
fn branch_headers_and_the_time_out_go_along() {
    let world = World::start();
    world.service.answers("A1", [slow(1_500), done()]);
    let options = DtmTransOptions {
        request_timeout: 1,
        branch_headers: texts([("x-shop", "seven"), ("authorization", "Bearer of the shop")]),
        ..DtmTransOptions::default()
    };
    world.submit(asking(world.saga("s", &[b"1"]), options)).unwrap();
    world.tercet.wait("s", "succeed");
    let heard = world.service.to("A1");
    assert_eq!(heard.len(), 2, "a call that takes too long is given up and repeated");
    assert!(heard[1].began.duration_since(heard[0].began).as_millis() >= 950, "not before it was given up");
    for call in heard {
        assert_eq!((call.says("x-shop"), call.says("authorization")), ("seven", "Bearer of the shop"));
        assert_eq!(call.says("grpc-timeout"), "1000m");
    }
}

#[test]
fn a_retry_limit_repeats_at_once_and_then_rolls_back() {
    let world = World::start();
    world.service.answers("A1", [says(2, "")]);
    let options = DtmTransOptions { retry_limit: 2, retry_interval: 60, ..DtmTransOptions::default() };
    world.submit(asking(world.saga("s", &[b"1"]), options)).unwrap();
    world.tercet.wait("s", "failed");
    assert_eq!(world.service.told(), ["A1 action 01", "A1 action 01", "A1 action 01", "C1 compensate 01"]);
}

#[test]
fn a_time_out_rolls_back_what_was_begun() {
    let world = World::start();
    world.service.answers("A2", [ongoing()]);
    let options = DtmTransOptions { timeout_to_fail: 1, ..DtmTransOptions::default() };
    world.submit(asking(world.saga("s", &[b"1", b"2"]), options)).unwrap();
    world.tercet.wait("s", "failed");
    let told = world.service.told();
    assert_eq!(told[told.len() - 2..], ["C2 compensate 02", "C1 compensate 01"]);
}

#[test]
fn bytes_survive_the_servers_death() {
    let mut world = World::start();
    world.service.answers("A1", [ongoing()]);
    world.submit(world.saga("s", &[BYTES, BYTES])).unwrap();
    world.service.wait("A1", 2);
    world.tercet.kill();
    world.service.answers("A1", [done()]);
    world.tercet.restart();
    world.tercet.wait("s", "succeed");
    assert!(world.service.heard().iter().all(|heard| heard.payload == BYTES));
    assert_eq!(world.service.to("A2").len(), 1);
}
