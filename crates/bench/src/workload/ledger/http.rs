//! `ledger-http`: entries over HTTP and JSON, one in each request, or many.
//!
//! Beside it a handler that reads the same bodies and answers the same bytes (`limit/same.rs`), and the journal alone.
//! Read next: `order.rs`, the same with a whole order in each request.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::compare::{Gauged, Side};
use crate::feed::{Name, Random};
use crate::load::{Script, Step, excerpt};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::tercet::{self, Which};
use crate::wire::{self, Answer};
use crate::workload::ledger::furnish;
use crate::workload::{Form, Goals, Run, file, sample, side_process};

/// Flags of `ledger-http`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// Kept-alive connections, each waiting for its answer before it sends the next
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Entries in each request
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=8000))]
    batch: u16,
    /// Accounts that take part
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    accounts: u32,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let machine = Machine::look(folder.path())?;
    let tercet = args.which.serve(&folder.path().join("data"))?;
    furnish::users(tercet.address, args.accounts)?;
    let mark = tercet::durable(tercet.address)?;
    let script =
        || Arc::new(Entries { batch: args.batch, accounts: args.accounts, begun: AtomicU64::new(0) });
    let (ours, theirs) = (script(), script());
    let answers = sample(tercet.address, ours.as_ref())?;
    let answer = file(folder.path(), "answer.json", &answers[0])?;
    let same = side_process(folder.path(), &["same", "--answer", &answer])?;
    let side = |name, peer, script, gauged, process| Side {
        name,
        peers: vec![peer],
        script,
        gauged,
        processes: vec![process],
        participant: None,
    };
    let gauged = Gauged::Tercet(tercet.address);
    let sides = [
        side("tercet", tercet.address, Arc::clone(&ours) as _, gauged, ("tercet", tercet.process.id())),
        side("no-op handler", same.ready.parse()?, theirs as _, Gauged::No, ("no-op", same.id())),
    ];
    let single = args.batch == 1;
    let run = Run {
        workload: "ledger-http",
        machine,
        connections: usize::from(args.connections),
        pace: &args.pace,
        goals: Goals {
            ratio: if single { 0.55 } else { 0.0 },
            peer_ratio: 0.0,
            p99_ms: None,
            per_second: (!single).then_some(100_000.0),
        },
        entries: u64::from(args.batch),
    };
    let mut comparison = run.measure(&sides)?;
    drop(sides);
    tercet.process.kill()?;
    comparison.look_at((folder.path(), mark), ours.begun.load(Ordering::Relaxed), &args.pace)?;
    comparison.report(Form::of(&args.pace))
}

/// One request with one or many entries between random accounts.
pub(super) struct Entries {
    pub(super) batch: u16,
    pub(super) accounts: u32,
    /// Requests written.
    pub(super) begun: AtomicU64,
}

impl Script for Entries {
    fn steps(&self) -> &'static [Step] {
        &[Step { name: "entries", peer: 0 }]
    }

    fn write(&self, _step: usize, id: &str, into: &mut Vec<u8>) {
        let mut random = Random::new(self.begun.fetch_add(1, Ordering::Relaxed));
        let mut json = String::with_capacity(usize::from(self.batch) * 120 + 32);
        json.push_str(r#"{"entries":["#);
        for number in 0..self.batch {
            let from = random.below(self.accounts);
            let to = (from + 1 + random.below(self.accounts - 1)) % self.accounts;
            let (from, to) = (Name::account(from), Name::account(to));
            let separator = if number > 0 { "," } else { "" };
            let (from, to, units) = (from.as_str(), to.as_str(), random.below(100) + 1);
            let _ = write!(
                json,
                r#"{separator}{{"id":"{id}.{number}","from":"{from}","to":"{to}","amount":"{units}"}}"#
            );
        }
        json.push_str("]}");
        wire::post(into, "/v1/entries", json.as_bytes());
    }

    fn judge(&self, _step: usize, answer: &Answer<'_>) -> Result<(), String> {
        const REFUSED: &[u8] = b"\"refused\"";
        let refused = answer.body.windows(REFUSED.len()).any(|window| window == REFUSED);
        if answer.status == 200 && !refused { Ok(()) } else { Err(excerpt(answer)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_json_with_as_many_entries_as_asked_for() {
        let script = Entries { batch: 3, accounts: 5, begun: AtomicU64::new(0) };
        let mut request = Vec::new();
        script.write(0, "r0-1", &mut request);
        let text = String::from_utf8(request).unwrap();
        let json: serde_json::Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
        let entries = json["entries"].as_array().unwrap();
        assert_eq!((entries.len(), &entries[2]["id"]), (3, &"r0-1.2".into()));
        assert!(entries.iter().all(|entry| entry["from"] != entry["to"]));
        let answer = |status, body| script.judge(0, &Answer { status, body });
        assert!(answer(200, br#"{"results":[{"outcome":"posted","refusal":null}]}"#).is_ok());
        assert!(answer(200, br#"{"results":[{"outcome":"refused"}]}"#).is_err());
        assert!(answer(503, b"{}").is_err());
    }
}
