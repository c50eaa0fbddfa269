//! `await`: TCC with one `await` branch, begun and signalled at once: requests into the journal, no call out.
//!
//! Beside it an axum handler that reads the same bodies and answers the same bytes (`limit/noop.rs`).
//! Read next: `compare.rs`.

use std::io::Write;
use std::sync::Arc;

use crate::compare::{Gauged, Side};
use crate::load::{Script, Step};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::tercet::Which;
use crate::wire::{self, Answer};
use crate::workload::{Goals, Run, file, judge, sample, side_process};

/// Flags of `await`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// Kept-alive connections, each waiting for its answer before it sends the next
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let machine = Machine::look(folder.path())?;
    let tercet = args.which.serve(&folder.path().join("data"))?;
    let script: Arc<dyn Script> = Arc::new(Payment);
    let answers = sample(tercet.address, script.as_ref())?;
    let begin = file(folder.path(), "begin.json", &answers[0])?;
    let signal = file(folder.path(), "signal.json", &answers[1])?;
    let noop = side_process(folder.path(), &["noop", "--begin", &begin, "--signal", &signal])?;
    let side = |name, peer, gauged, process| Side {
        name,
        peers: vec![peer],
        script: Arc::clone(&script),
        gauged,
        processes: vec![process],
        participant: None,
    };
    let sides = [
        side("tercet", tercet.address, Gauged::Tercet(tercet.address), ("tercet", tercet.process.id())),
        side("no-op handler", noop.ready.parse()?, Gauged::No, ("no-op", noop.id())),
    ];
    let run = Run {
        workload: "await",
        machine,
        connections: usize::from(args.connections),
        pace: &args.pace,
        goals: Goals { ratio: 0.6, peer_ratio: 0.0, p99_ms: Some(15.0), per_second: None },
        entries: 1,
    };
    run.compare(&sides)
}

/// Begin, then the signal that confirms it.
pub(crate) struct Payment;

impl Script for Payment {
    fn steps(&self) -> &'static [Step] {
        &[Step { name: "begin", peer: 0 }, Step { name: "signal", peer: 0 }]
    }

    fn write(&self, step: usize, id: &str, into: &mut Vec<u8>) {
        if step > 0 {
            let path = format!("/v1/transactions/{id}/branches/pay/signal");
            return wire::post(into, &path, br#"{"outcome":"done"}"#);
        }
        let mut json = Vec::with_capacity(160);
        let _ = write!(
            json,
            r#"{{"id":"{id}","pattern":"tcc","mode":"managed","branches":[{{"id":"pay","kind":"await"}}]}}"#
        );
        wire::post(into, "/v1/transactions", &json);
    }

    fn judge(&self, step: usize, answer: &Answer<'_>) -> Result<(), String> {
        match step {
            0 => judge(answer, 202, Some("trying")),
            _ => judge(answer, 200, Some("confirmed")),
        }
    }
}
