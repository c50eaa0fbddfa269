//! What a client is told over gRPC: DTM's two codes, the outcome where it waits for one, and what it sees elsewhere.

use serde_json::json;
use tonic::Code;

use crate::service::{failure, ongoing, slow};
use crate::world::{World, of, refused, stepped, waiting};

#[test]
fn an_id_has_22_characters_and_never_comes_twice() {
    let world = World::start();
    let ids = [(); 3].map(|()| world.ask(async |mut dtm| dtm.new_gid(()).await).unwrap().gid);
    assert!(ids.iter().all(|id| id.len() == 22), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
}

#[test]
fn a_conflict_is_aborted_with_the_words_that_clients_look_for() {
    let world = World::start();
    world.submit(world.saga("s", &[b"1"])).unwrap();
    world.tercet.wait("s", "succeed");
    let words = refused(world.submit(world.saga("s", &[b"1"])), Code::Aborted);
    assert_eq!(words, "current status 'succeed', cannot sumbmit");
    assert_eq!(
        refused(world.abort(of("s", "saga")), Code::Aborted),
        "current status 'succeed', cannot abort"
    );
    world.prepare(of("t", "tcc")).unwrap();
    world.abort(of("t", "tcc")).unwrap();
    world.tercet.wait("t", "failed");
    assert_eq!(
        refused(world.prepare(of("t", "tcc")), Code::Aborted),
        "current status 'failed', cannot prepare"
    );
    let words = refused(world.register(world.branch("t", "01", b"")), Code::Aborted);
    assert_eq!(words, "no trans with gid: t status: prepared found");
}

#[test]
fn what_cannot_be_carried_out_is_unknown_with_words() {
    let world = World::start();
    let payloads: &[&[u8]] = &[b"1"];
    let steps = |steps: &str| server::dtm::proto::DtmRequest { steps: steps.into(), ..of("s", "saga") };
    for (request, words) in [
        (of("", "saga"), "no gid"),
        (of("s", "2pc"), "unknown trans_type '2pc'"),
        (steps("{"), "Steps"),
        (steps(r#"[{"action":1}]"#), "Steps"),
        (steps(r#"[{"action":"127.0.0.1:1/a.B/C"}]"#), "index out of range"),
        (stepped(("s", "saga"), vec![json!({"action": "127.0.0.1:1"})], payloads), "host:port"),
        (stepped(("s", "saga"), vec![json!({"action": "ftp://x/y"})], payloads), "url_invalid"),
    ] {
        let told = refused(world.submit(request), Code::Unknown);
        assert!(told.contains(words), "{told}");
    }
    refused(world.abort(of("nobody", "tcc")), Code::Unknown);
    refused(world.prepare(of("s", "saga")), Code::Unknown);
    assert_eq!(world.tercet.query("s")["transaction"], json!(null), "nothing was kept");
}

#[test]
fn who_waits_for_the_result_is_told_which_it_is() {
    let world = World::start();
    world.service.answers("A1", [slow(300)]);
    world.submit(waiting(world.saga("well", &[b"1"]))).unwrap();
    assert_eq!(world.tercet.status("well"), "succeed");
    world.service.answers("A1", [failure()]);
    assert_eq!(refused(world.submit(waiting(world.saga("refused", &[b"1"]))), Code::Aborted), "sold out");
    assert_eq!(world.tercet.status("refused"), "failed");
    world.service.answers("A1", [ongoing()]);
    let words = refused(world.submit(waiting(world.saga("open", &[b"1"]))), Code::FailedPrecondition);
    assert!(words.contains("submitted"), "{words}");
    assert_eq!(world.tercet.status("open"), "submitted", "it may still succeed");
}

#[test]
fn long_words_come_back_as_a_part_of_them() {
    let world = World::start();
    let words = refused(world.submit(of("s", &"x".repeat(10_000))), Code::Unknown);
    assert!(words.len() < 5_000);
    let id = "i".repeat(128);
    world.submit(world.saga(&id, &[b"1"])).unwrap();
    world.tercet.wait(&id, "succeed");
    refused(world.submit(world.saga(&"i".repeat(129), &[b"1"])), Code::Unknown);
}

#[test]
fn a_transaction_over_grpc_is_one_for_everybody() {
    let world = World::start();
    world.submit(world.saga("s", &[&[0xff], b"{}"])).unwrap();
    world.tercet.wait("s", "succeed");
    let query = world.tercet.query("s");
    let transaction = &query["transaction"];
    assert_eq!((&transaction["protocol"], &transaction["trans_type"]), (&json!("grpc"), &json!("saga")));
    assert_eq!(
        world.tercet.rows("s"),
        ["01 compensate prepared", "01 action succeed", "02 compensate prepared", "02 action succeed"]
    );
    let first = &query["branches"][0];
    assert_eq!((&first["url"], &first["bin_data"]), (&json!(world.service.url("C1")), &json!("/w==")));
    let all = world.tercet.ask("all", &[("transType", "saga"), ("status", "succeed")]).body.clone();
    assert_eq!(all["transactions"][0]["gid"], "s");
    let native = world.tercet.show("s");
    assert_eq!((&native["pattern"], &native["state"]), (&json!("saga"), &json!("completed")));
    assert_eq!(native["branches"][0]["kind"], "dtm");
}

#[test]
fn a_transaction_goes_on_over_http_that_was_begun_over_grpc_and_back() {
    let world = World::start();
    world.prepare(of("t", "tcc")).unwrap();
    world.register(world.branch("t", "01", &[0xff])).unwrap();
    world.tercet.does("submit", &json!({"gid": "t", "trans_type": "tcc"}));
    world.tercet.wait("t", "succeed");
    assert_eq!(world.service.to("Confirm")[0].payload, [0xff]);
    let step = json!({"action": world.service.url("A1"), "compensate": ""});
    let saga =
        json!({"gid": "s", "trans_type": "saga", "protocol": "grpc", "steps": [step], "payloads": ["{}"]});
    world.tercet.does("submit", &saga);
    world.tercet.wait("s", "succeed");
    assert_eq!(world.service.to("A1")[0].payload, b"{}", "who says grpc over HTTP has branches over gRPC");
}

#[test]
fn a_branch_that_is_registered_over_grpc_is_called_over_grpc_whatever_began_the_transaction() {
    let world = World::start();
    world.tercet.does("prepare", &json!({"gid": "t", "trans_type": "tcc"}));
    world.register(world.branch("t", "01", &[0xff])).unwrap();
    world.abort(of("t", "tcc")).unwrap();
    world.tercet.wait("t", "failed");
    assert_eq!(world.service.told(), ["Cancel cancel 01"]);
    assert_eq!(world.service.heard()[0].payload, [0xff]);
}
