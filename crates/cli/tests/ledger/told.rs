//! Histories as support reads them: statements from either end, balances of a past instant, sentences, journal sequence.

use serde_json::{Value, json};

use crate::support::{Tercet, until};

fn statement(server: &Tercet, query: &str) -> Vec<Value> {
    let reply = server.get(&format!("/v1/accounts/ann/entries?{query}"));
    reply.is(200).body["items"].as_array().unwrap().clone()
}

#[test]
fn a_statement_is_read_from_either_end_by_cause_and_by_time() {
    let mut server = Tercet::start();
    server.points(&["ann"]);
    for number in 0..20 {
        let operator = if number % 2 == 0 { "eve" } else { "bob" };
        let entry = json!([{ "id": format!("e-{number}"), "from": "ann", "to": "sink", "amount": "1",
            "cause": { "operator": operator, "reason": "audit" } }]);
        assert_eq!(server.batch("entries", entry), ["posted"]);
    }
    for _ in 0..2 {
        let all = until("the statement to be complete", || {
            Some(statement(&server, "limit=100")).filter(|it| it.len() == 21)
        });
        let posted: Vec<_> =
            all.iter().map(|line| line["posted_after"].as_str().unwrap().to_owned()).collect();
        let wanted: Vec<_> = (980..=1000).rev().map(|units: i64| units.to_string()).collect();
        assert_eq!(posted, wanted);
        let newest = statement(&server, "order=newest&limit=3");
        assert_eq!(newest.iter().map(|line| &line["id"]).collect::<Vec<_>>(), ["e-19", "e-18", "e-17"]);
        assert_eq!(statement(&server, "operator=eve&limit=100").len(), 10);
        let at = all[5]["at"].as_str().unwrap();
        assert!(statement(&server, &format!("until={at}&limit=100")).len() <= 5);
        let then = server.get(&format!("/v1/accounts/ann?at={at}"));
        let posted: i64 = then.is(200).body["posted"].as_str().unwrap().parse().unwrap();
        assert!((980..=995).contains(&posted), "{}", then.text);
        server.restart();
    }
}

#[test]
fn support_asks_one_thing_and_reads_sentences() {
    let server = Tercet::start();
    server.points(&["ann"]);
    server.coupons(&["C-1"]);
    let said = |words: &[&str]| String::from_utf8(server.ledger(words).stdout).unwrap();
    said(&["hold", "place", "--id", "h-1", "--from", "ann", "--to", "sink", "--amount", "30"]);
    said(&["hold", "capture", "h-1", "--amount", "10", "--id", "c-1"]);
    said(&["hold", "release", "h-1", "--reason", "out of fashion"]);
    let told =
        until("the history", || Some(said(&["history", "ann"])).filter(|told| told.lines().count() == 4));
    let wanted = [
        "1000 came in from issuer (entry gift:ann); 1000 posted, 0 held",
        "30 held for sink (hold h-1); 1000 posted, 30 held, by operator eve",
        "10 went out to sink, captured of the hold h-1; 990 posted, 20 held, by operator eve",
        "20 of the hold h-1 is free again: released; 990 posted, 0 held, by operator eve: out of fashion",
    ];
    for (line, wanted) in told.lines().zip(wanted) {
        assert!(line.ends_with(wanted), "{line}\nwanted {wanted}");
    }
    assert!(said(&["history", "h-1"]).contains("10 captured"));
    assert!(said(&["history", "C-1"]).contains("created for ann, issued"));
    let unknown = server.ledger(&["history", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn a_read_after_an_answer_sees_it() {
    let server = Tercet::start();
    server.points(&["ann"]);
    let sequence = |reply: &crate::support::Reply| -> u64 {
        reply.header("tercet-sequence").expect("Tercet-Sequence").parse().unwrap()
    };
    let body = json!({ "entries": [{ "from": "ann", "to": "sink", "amount": "1" }] });
    let mut before = 0;
    for _ in 0..5 {
        let changed = sequence(server.post("/v1/entries", &body).is(200));
        let seen = sequence(server.get("/v1/accounts/ann").is(200));
        assert!(before < changed && changed <= seen, "{before} {changed} {seen}");
        before = seen;
    }
}
