//! How much of a participant's time the coordinator takes: concurrency, rate, breaker; and that a sick one harms no other.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Gate, Participant, Tercet, done, fails, tcc, until, with};

#[test]
fn no_more_calls_at_once_than_allowed() {
    let server = Tercet::with(&["--participant-concurrency", "2"]);
    let shop = Participant::start();
    let gate = Gate::default();
    shop.answers("stock", "try", [done().behind(&gate)]);
    let patient = with(shop.tcc("stock"), json!({ "timeout_ms": 60_000 }));
    for number in 0..6 {
        server
            .begin(&with(tcc(&format!("t-{number}"), [patient.clone()]), json!({ "deadline_ms": 600_000 })));
    }
    shop.wait_calls("stock", "try", 2);
    std::thread::sleep(Duration::from_millis(300)); // time enough for a third call to show itself
    assert_eq!(shop.calls("stock", "try").len(), 2);
    gate.open();
    for number in 0..6 {
        assert_eq!(server.wait_final(&format!("t-{number}"))["state"], "confirmed");
    }
}

#[test]
fn no_more_calls_a_second_than_allowed() {
    let server = Tercet::with(&["--participant-rate", "20"]);
    let shop = Participant::start();
    for number in 0..30 {
        server.begin(&tcc(&format!("t-{number}"), [shop.tcc("stock")]));
    }
    for number in 0..30 {
        server.wait_final(&format!("t-{number}"));
    }
    let times: Vec<Instant> = shop.all_calls().iter().map(|call| call.at).collect();
    assert_eq!(times.len(), 60);
    for (index, first) in times.iter().enumerate() {
        let within = times[index..].iter().filter(|at| **at - *first < Duration::from_secs(1)).count();
        // Twenty a second, and what a full bucket and the clocks of two processes may add.
        assert!(within <= 42, "{within} calls within a second of call {index}");
    }
    let took = times[59] - times[0];
    assert!(took >= Duration::from_secs(1), "60 calls at 20 a second took {took:?}");
}

#[test]
fn a_participant_with_its_own_limits_is_held_to_those() {
    let shop = Participant::start();
    let exception = format!("{} concurrency=1", shop.address);
    let server = Tercet::with(&["--participants", &exception]);
    let gate = Gate::default();
    shop.answers("stock", "try", [done().behind(&gate)]);
    let patient = with(shop.tcc("stock"), json!({ "timeout_ms": 60_000 }));
    for id in ["t", "u"] {
        server.begin(&with(tcc(id, [patient.clone()]), json!({ "deadline_ms": 600_000 })));
    }
    shop.wait_calls("stock", "try", 1);
    std::thread::sleep(Duration::from_millis(300)); // time enough for a second call to show itself
    assert_eq!(shop.calls("stock", "try").len(), 1);
    gate.open();
    server.wait_final("t");
    server.wait_final("u");
}

#[test]
fn a_participant_that_never_answers_delays_no_other() {
    let server = Tercet::with(&["--participant-concurrency", "4"]);
    let (sick, sound) = (Participant::start(), Participant::start());
    let gate = Gate::default();
    sick.answers("stock", "try", [done().behind(&gate)]);
    for number in 0..20 {
        let patient = with(sick.tcc("stock"), json!({ "timeout_ms": 60_000 }));
        server.begin(&with(tcc(&format!("sick-{number}"), [patient]), json!({ "deadline_ms": 600_000 })));
    }
    sick.wait_calls("stock", "try", 4);
    let began = Instant::now();
    for number in 0..20 {
        let spec = with(tcc(&format!("sound-{number}"), [sound.tcc("stock")]), json!({ "wait_ms": 20_000 }));
        assert_eq!(server.post("/v1/transactions", &spec).is(200).body["state"], "confirmed");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "twenty sound ones took {:?}", began.elapsed());
    gate.open();
    for number in 0..20 {
        assert_eq!(server.wait_final(&format!("sick-{number}"))["state"], "confirmed");
    }
}

#[test]
fn a_failing_participant_is_only_probed_until_it_is_back() {
    let server = Tercet::with(&["--participant-breaker-failures", "3", "--participant-breaker-ms", "300"]);
    let shop = Participant::start();
    shop.answers("stock", "confirm", [fails(500)]);
    let breaker = || {
        let metrics = server.get("/metrics").text;
        let line = metrics.lines().find(|line| line.starts_with("tercet_breaker_state{")).map(str::to_owned);
        line.and_then(|line| line.rsplit(' ').next().map(str::to_owned)).unwrap_or_default()
    };
    server.begin(&with(tcc("t", [shop.tcc("stock")]), json!({ "retry": { "initial_ms": 1, "max_ms": 1 } })));
    until("the breaker to open", || (breaker() == "2").then_some(()));
    let before = shop.calls("stock", "confirm").len();
    std::thread::sleep(Duration::from_millis(600));
    let probes = shop.calls("stock", "confirm").len() - before;
    assert!(probes <= 4, "{probes} calls within 600 ms of an open breaker");
    shop.answers("stock", "confirm", [done()]);
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    until("the breaker to close", || (breaker() == "0").then_some(()));
}
