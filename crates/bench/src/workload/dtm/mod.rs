//! `dtm`: what clients of DTM do: a TCC of two branches and a saga of two steps, over DTM's own protocol.
//!
//! Beside it the same requests to a handler that does nothing, with the calls made by the client itself, and, when it is asked
//! for, another coordinator of the same protocol with the very same script. What it does not measure: participants that do
//! something, networks, TLS, gRPC. Read next: `script.rs`.

mod script;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;

use crate::compare::{self, Gauged, Latency, Side, SideFigures};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::peer::dtmrs::Dtmrs;
use crate::peer::{Peer, dtmrs};
use crate::process::Process;
use crate::tercet::{Tercet, Which};
use crate::workload::{Comparison, Form, Goals, Run, file, side_process};

pub(crate) use script::{Booking, Driver, Pattern};

/// Flags of `dtm`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// Clients at once, each waiting for its answer before it sends the next; a run for each number
    #[arg(long, value_delimiter = ',', default_value = "32,100", value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: Vec<u16>,
    /// Measures this pattern only [default: both]
    #[arg(long)]
    pattern: Option<Pattern>,
    /// Runs another coordinator side by side, when it is on this machine
    #[arg(long)]
    peer: Option<Peer>,
}

/// What runs from the first round to the last.
struct Parts {
    tercet: Tercet,
    noop: Process,
    participant: Process,
    called: SocketAddr,
    peer: Option<Dtmrs>,
}

/// One pattern with one number of clients.
#[derive(Serialize)]
struct Part {
    pattern: &'static str,
    #[serde(flatten)]
    comparison: Comparison,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let participant = side_process(folder.path(), &["participant"])?;
    let success = file(folder.path(), "success.json", br#"{"dtm_result":"SUCCESS"}"#)?;
    let parts = Parts {
        tercet: args.which.serve(&folder.path().join("data"))?,
        noop: side_process(folder.path(), &["same", "--answer", &success])?,
        called: participant.ready.parse().context("the participant's address")?,
        participant,
        peer: args.peer.map(|Peer::Dtmrs| dtmrs::start(folder.path())).transpose()?,
    };
    let patterns = args.pattern.map_or_else(|| vec![Pattern::Tcc, Pattern::Saga], |pattern| vec![pattern]);
    let mut measured = Vec::new();
    for pattern in patterns {
        for connections in &args.connections {
            let run = Run {
                workload: "dtm",
                machine: Machine::look(folder.path())?,
                connections: usize::from(*connections),
                pace: &args.pace,
                goals: Goals { ratio: 0.0, peer_ratio: 5.0, p99_ms: None, per_second: None },
                entries: 1,
            };
            eprintln!("{pattern:?}, {connections} clients");
            let comparison = run.measure(&parts.sides(pattern, &format!("{pattern:?}-{connections}-"))?)?;
            measured.push(Part { pattern: name(pattern), comparison });
        }
    }
    print(&measured, Form::of(&args.pace))?;
    measured.iter().try_for_each(|part| compare::ensure_no_errors(&part.comparison.sides))
}

fn name(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Tcc => "tcc",
        Pattern::Saga => "saga",
    }
}

impl Parts {
    /// Ours, the raw limit, and the peer when there is one.
    fn sides(&self, pattern: Pattern, run: &str) -> anyhow::Result<Vec<Side>> {
        let booking = |driver| {
            let run = run.to_lowercase();
            Arc::new(Booking { pattern, driver, participant: self.called, run })
        };
        let side = |name, (address, driver), gauged, process| Side {
            name,
            peers: vec![address, self.called],
            script: booking(driver),
            gauged,
            processes: vec![process, ("participant", self.participant.id())],
            participant: Some(self.called),
        };
        let (ours, noop) = (self.tercet.address, self.noop.ready.parse()?);
        let mut sides = vec![
            side(
                "tercet",
                (ours, Driver::Coordinator),
                Gauged::Tercet(ours),
                ("tercet", self.tercet.process.id()),
            ),
            side("no coordinator", (noop, Driver::Client), Gauged::No, ("no-op", self.noop.id())),
        ];
        if let Some(peer) = &self.peer {
            let process = ("dtmrs", peer.process.id());
            let mut theirs = side("dtmrs", (peer.address, Driver::Coordinator), Gauged::No, process);
            theirs.processes.push(("postgres", peer.store.process.id()));
            sides.push(theirs);
        }
        Ok(sides)
    }
}

fn print(measured: &[Part], form: Form) -> anyhow::Result<()> {
    if let Form::Json = form {
        println!("{}", serde_json::json!({ "workload": "dtm", "parts": measured }));
        return Ok(());
    }
    for part in measured {
        println!("== {}\n", part.pattern);
        part.comparison.print(form)?;
        println!();
    }
    // Each part beside the one with fewer clients: a fall here is a cliff.
    for (fewer, more) in
        measured.iter().zip(measured.iter().skip(1)).filter(|(fewer, more)| fewer.pattern == more.pattern)
    {
        for (before, after) in fewer.comparison.sides.iter().zip(&more.comparison.sides) {
            println!("{}", grown((part_name(fewer), before), (part_name(more), after)));
        }
    }
    Ok(())
}

fn part_name(part: &Part) -> String {
    format!("{} with {} clients", part.pattern, part.comparison.connections)
}

/// What became of throughput and of the slowest when the clients grew in number.
fn grown((fewer, before): (String, &SideFigures), (more, after): (String, &SideFigures)) -> String {
    let rate = after.transactions_per_second.median / before.transactions_per_second.median;
    let whole = |side: &SideFigures| side.latencies.first().map_or((0.0, 0.0), slowest);
    let ((p99, max), (p99_after, max_after)) = (whole(before), whole(after));
    format!(
        "{}: {more} {rate:.2} of the transactions/s of {fewer}; p99 {p99:.1} ms before, {p99_after:.1} ms after; max {max:.0} ms before, {max_after:.0} ms after",
        after.side
    )
}

fn slowest(latency: &Latency) -> (f64, f64) {
    (latency.p99_ms.median, latency.max_ms.median)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Script;
    use crate::workload::http_call::BRANCH_BODY;

    fn booking(pattern: Pattern, driver: Driver) -> Booking {
        Booking { pattern, driver, participant: SocketAddr::from(([127, 0, 0, 1], 9)), run: "r-".into() }
    }

    fn written(booking: &Booking, step: &str) -> (String, String) {
        let index = booking.steps().iter().position(|known| known.name == step).unwrap();
        let mut request = Vec::new();
        booking.write(index, "order-1", &mut request);
        let text = String::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    #[test]
    fn requests_are_json_with_the_body_as_text() {
        let tcc = booking(Pattern::Tcc, Driver::Coordinator);
        let (line, body) = written(&tcc, "register 2");
        assert_eq!(line, "POST /api/dtmsvr/registerBranch HTTP/1.1");
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!([&json["gid"], &json["branch_id"]], ["r-order-1", "02"]);
        assert_eq!(json["data"].as_str().unwrap().as_bytes(), BRANCH_BODY);
        let (_, body) = written(&booking(Pattern::Saga, Driver::Coordinator), "submit");
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (json["steps"].as_array().unwrap().len(), json["payloads"].as_array().unwrap().len()),
            (2, 2)
        );
        assert_eq!(json["payloads"][1].as_str().unwrap().as_bytes(), BRANCH_BODY);
    }

    #[test]
    fn without_a_coordinator_the_client_makes_the_same_calls_itself() {
        for (pattern, calls) in [(Pattern::Tcc, 4), (Pattern::Saga, 2)] {
            let bare = booking(pattern, Driver::Client);
            assert_eq!(bare.steps().iter().filter(|step| step.peer == 1).count(), calls);
        }
        let (line, body) = written(&booking(Pattern::Tcc, Driver::Client), "confirm 2");
        assert_eq!(line, "POST /call?gid=r-order-1&trans_type=tcc&branch_id=02&op=confirm HTTP/1.1");
        assert_eq!(body.as_bytes(), BRANCH_BODY);
        let (line, _) = written(&booking(Pattern::Tcc, Driver::Coordinator), "final");
        assert_eq!(line, "GET /settled?gid=r-order-1 HTTP/1.1");
    }
}
