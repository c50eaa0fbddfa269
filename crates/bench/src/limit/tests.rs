//! The helping processes with each other, in one process: what they answer and how often they call.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::compare::calls_seen;
use crate::limit::{noop, participant, relay};
use crate::load::{self, Plan, Script, Until};
use crate::wire;
use crate::workload::await_branch::Payment;
use crate::workload::http_call::Booking;

const CONFIRMED: &[u8] = br#"{"id":"a","state":"confirmed"}"#;

fn listen(runtime: &Runtime) -> (TcpListener, SocketAddr) {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn plan(peer: SocketAddr) -> Plan {
    Plan { peers: vec![peer], connections: 4, until: Until::Begun(25), prefix: "p".to_owned() }
}

#[test]
fn the_relay_makes_four_calls_for_each_request() {
    let runtime = Runtime::new().unwrap();
    let (listener, called) = listen(&runtime);
    runtime.spawn(participant::serve(listener));
    let (listener, address) = listen(&runtime);
    runtime.spawn(relay::serve(listener, called, CONFIRMED.into()));
    let script: Arc<dyn Script> = Arc::new(Booking { participant: called });
    let tally = load::run(&plan(address), &script).unwrap();
    assert_eq!((tally.errors, tally.whole.count()), (0, 25), "{:?}", tally.first_error);
    assert_eq!(calls_seen(called).unwrap(), 100);
}

#[test]
fn the_relay_says_when_the_participant_is_gone() {
    let runtime = Runtime::new().unwrap();
    let (listener, called) = listen(&runtime);
    drop(listener);
    let (listener, address) = listen(&runtime);
    runtime.spawn(relay::serve(listener, called, CONFIRMED.into()));
    let script: Arc<dyn Script> = Arc::new(Booking { participant: called });
    let tally = load::run(&plan(address), &script).unwrap();
    assert_eq!((tally.errors, tally.whole.count()), (25, 0));
    assert!(tally.first_error.unwrap().contains("502"));
}

#[test]
fn the_noop_handler_answers_what_it_was_given() {
    let runtime = Runtime::new().unwrap();
    let (listener, address) = listen(&runtime);
    let begin: &[u8] = br#"{"id":"a","state":"trying"}"#;
    runtime.spawn(noop::serve(listener, begin.into(), CONFIRMED.into()));
    let script: Arc<dyn Script> = Arc::new(Payment);
    let tally = load::run(&plan(address), &script).unwrap();
    assert_eq!((tally.errors, tally.steps[1].count()), (0, 25), "{:?}", tally.first_error);
}

#[test]
fn requests_are_json_that_names_the_transaction() {
    let called = SocketAddr::from(([127, 0, 0, 1], 9));
    let scripts: [Box<dyn Script>; 2] = [Box::new(Booking { participant: called }), Box::new(Payment)];
    for script in scripts {
        let mut request = Vec::new();
        script.write(0, "order-1", &mut request);
        let text = String::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())));
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(json["id"], "order-1");
        assert!(json["branches"].as_array().is_some_and(|branches| !branches.is_empty()));
    }
}

#[test]
fn the_participant_tells_when_both_confirms_have_come() {
    let runtime = Runtime::new().unwrap();
    let (listener, called) = listen(&runtime);
    runtime.spawn(participant::serve(listener));
    let confirm = |id: &str| {
        let mut request = Vec::new();
        wire::post(&mut request, &format!("/confirm?x=1&gid={id}"), b"{}");
        wire::once(called, &request).unwrap().0
    };
    let mut ask = Vec::new();
    wire::get(&mut ask, "/settled?gid=early");
    assert_eq!([confirm("early"), confirm("early")], [200, 200]);
    assert_eq!(wire::once(called, &ask).unwrap().0, 200);
    let mut ask = Vec::new();
    wire::get(&mut ask, "/settled?gid=late");
    let waiting = std::thread::spawn(move || wire::once(called, &ask).unwrap().0);
    assert_eq!([confirm("late"), confirm("other")], [200, 200]);
    assert!(!waiting.is_finished(), "answered before the second confirm");
    assert_eq!(confirm("late"), 200);
    assert_eq!(waiting.join().unwrap(), 200);
}
