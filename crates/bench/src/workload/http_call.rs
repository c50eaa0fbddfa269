//! `http-call`: managed TCC with two `call` branches on a trivial participant, request to final answer.
//!
//! Beside it the same five exchanges with no coordinator between them (`limit/relay.rs`). What it does not measure:
//! participants that do something, networks, TLS. Read next: `compare.rs`.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;

use crate::compare::{Gauged, Side};
use crate::load::{Script, Step};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::peer::{Peer, dtmrs};
use crate::tercet::Which;
use crate::wire::{self, Answer};
use crate::workload::{Goals, Run, dtm, file, judge, sample, side_process};

/// The body of each branch.
pub(crate) const BRANCH_BODY: &[u8] = br#"{"sku":"A-1001","quantity":2}"#;

/// Flags of `http-call`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// Initiators, each waiting for its answer before it sends the next
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Runs another coordinator side by side, when it is on this machine
    #[arg(long)]
    peer: Option<Peer>,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let machine = Machine::look(folder.path())?;
    let participant = side_process(folder.path(), &["participant"])?;
    let called: SocketAddr = participant.ready.parse().context("the participant's address")?;
    let tercet = args.which.serve(&folder.path().join("data"))?;
    let script: Arc<dyn Script> = Arc::new(Booking { participant: called });
    let answers = sample(tercet.address, script.as_ref())?;
    let answer = file(folder.path(), "answer.json", &answers[0])?;
    let relay =
        side_process(folder.path(), &["relay", "--participant", &participant.ready, "--answer", &answer])?;
    let side = |name, peer, gauged, process| Side {
        name,
        peers: vec![peer],
        script: Arc::clone(&script),
        gauged,
        processes: vec![process, ("participant", participant.id())],
        participant: Some(called),
    };
    let peer = args.peer.map(|Peer::Dtmrs| dtmrs::start(folder.path())).transpose()?;
    let mut sides = vec![
        side("tercet", tercet.address, Gauged::Tercet(tercet.address), ("tercet", tercet.process.id())),
        side("no coordinator", relay.ready.parse()?, Gauged::No, ("relay", relay.id())),
    ];
    if let Some(peer) = &peer {
        let mut theirs = side("dtmrs", peer.address, Gauged::No, ("dtmrs", peer.process.id()));
        theirs.peers.push(called);
        theirs.script = Arc::new(dtm::Booking {
            pattern: dtm::Pattern::Tcc,
            driver: dtm::Driver::Coordinator,
            participant: called,
            run: String::new(),
        });
        theirs.processes.push(("postgres", peer.store.process.id()));
        sides.push(theirs);
    }
    let run = Run {
        workload: "http-call",
        machine,
        connections: usize::from(args.connections),
        pace: &args.pace,
        goals: Goals { ratio: 0.6, peer_ratio: 5.0, p99_ms: Some(50.0), per_second: None },
        entries: 1,
    };
    run.compare(&sides)
}

/// One request: two branches, answered when the transaction is final.
pub(crate) struct Booking {
    pub(crate) participant: SocketAddr,
}

impl Script for Booking {
    fn steps(&self) -> &'static [Step] {
        &[Step { name: "transaction", peer: 0 }]
    }

    fn write(&self, _step: usize, id: &str, into: &mut Vec<u8>) {
        let called = self.participant;
        let body = std::str::from_utf8(BRANCH_BODY).unwrap_or("{}");
        let mut json = Vec::with_capacity(640);
        let _ =
            write!(json, r#"{{"id":"{id}","pattern":"tcc","mode":"managed","wait_ms":10000,"branches":["#);
        for (separator, branch) in [("", "stock"), (",", "points")] {
            let _ = write!(
                json,
                r#"{separator}{{"id":"{branch}","kind":"call","try":"http://{called}/try","confirm":"http://{called}/confirm","cancel":"http://{called}/cancel","body":{body}}}"#
            );
        }
        json.extend_from_slice(b"]}");
        wire::post(into, "/v1/transactions", &json);
    }

    fn judge(&self, _step: usize, answer: &Answer<'_>) -> Result<(), String> {
        judge(answer, 200, Some("confirmed"))
    }
}
