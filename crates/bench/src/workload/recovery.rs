//! `recovery`: start-up time and memory with many open two-branch transactions, after kill -9.
//!
//! The transactions are interactive with a deadline of a day, so nothing is called and all stay open. Beside the
//! start-up, the time to merely read the data folder's files. It starts from files that the kernel still caches.
//! Read next: `tercet.rs`.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::figures::{self, Spread, Table};
use crate::load::{self, Plan, Script, Step, Until};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::tercet::{self, Tercet, Which};
use crate::wire::{self, Answer};
use crate::workload::http_call::BRANCH_BODY;
use crate::workload::{Form, judge};

const GOAL_SECONDS: f64 = 3.0;
const GOAL_BYTES_EACH: f64 = 2048.0;
const BRANCHES: [&str; 2] = ["stock", "points"];

/// Flags of `recovery`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// Open transactions
    #[arg(long, default_value_t = 100_000, conflicts_with = "million")]
    count: u64,
    /// The same as --count 1000000
    #[arg(long)]
    million: bool,
}

#[derive(Debug, Serialize)]
struct Recovery {
    workload: &'static str,
    machine: Machine,
    open: u64,
    body_bytes_each: u64,
    begun_per_second: f64,
    /// Resident bytes of a server on an empty folder, once ready.
    empty_resident: u64,
    /// Killed right after the last answer, when the archive may lag behind the journal.
    at_once: Start,
    /// Killed after the archive had caught up, once per round.
    settled: Vec<Start>,
    settled_start_up_seconds: Spread,
    settled_bytes_each: Spread,
    goal_seconds: f64,
    goal_bytes_each: f64,
}

/// One restart.
#[derive(Debug, Serialize)]
struct Start {
    /// From spawn to the ready line.
    start_up_seconds: f64,
    /// To read every byte of the data folder, before the start.
    read_seconds: f64,
    folder_bytes: u64,
    resident: u64,
    resident_peak: u64,
    /// Resident bytes per open transaction, beyond the empty server and the bodies.
    bytes_each: f64,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let mut machine = Machine::look(folder.path())?;
    let empty = args.which.serve(&folder.path().join("empty"))?;
    let empty_resident = empty.process.resident()?;
    empty.process.kill()?;
    let open = if args.million { 1_000_000 } else { args.count };
    let data = folder.path().join("data");
    let mut run = Run { which: &args.which, data: &data, open, empty_resident };
    let begun_per_second = run.begin()?;
    let (at_once, mut server) = run.restart()?;
    let mut settled = Vec::new();
    for round in 0..args.pace.rounds {
        let caught_up = tercet::settle(server.address)?.context("the archive did not catch up in time")?;
        eprintln!("round {} of {}: caught up after {caught_up:.2?}", round + 1, args.pace.rounds);
        server.process.kill()?;
        let (start, next) = run.restart()?;
        settled.push(start);
        server = next;
    }
    server.process.kill()?;
    machine.look_again()?;
    let recovery = Recovery {
        workload: "recovery",
        machine,
        open,
        body_bytes_each: body_bytes_each(),
        begun_per_second,
        empty_resident,
        at_once,
        settled_start_up_seconds: Spread::of(settled.iter().map(|start| start.start_up_seconds)),
        settled_bytes_each: Spread::of(settled.iter().map(|start| start.bytes_each)),
        settled,
        goal_seconds: GOAL_SECONDS,
        goal_bytes_each: GOAL_BYTES_EACH,
    };
    recovery.report(Form::of(&args.pace))
}

struct Run<'a> {
    which: &'a Which,
    data: &'a Path,
    open: u64,
    empty_resident: u64,
}

impl Run<'_> {
    /// Begins the transactions and kills the server with the last answer.
    fn begin(&mut self) -> anyhow::Result<f64> {
        let server = self.which.serve(self.data)?;
        let plan = Plan {
            peers: vec![server.address],
            connections: 128,
            until: Until::Begun(self.open),
            prefix: "open".to_owned(),
        };
        let script: Arc<dyn Script> = Arc::new(Opening);
        let tally = load::run(&plan, &script)?;
        server.process.kill()?;
        let first = tally.first_error.as_deref().unwrap_or("");
        ensure!(tally.errors == 0, "{} begins failed; the first: {first}", tally.errors);
        Ok(tally.whole.count() as f64 / tally.elapsed.as_secs_f64())
    }

    /// Starts the server again and looks whether all is there.
    fn restart(&self) -> anyhow::Result<(Start, Tercet)> {
        let begun = Instant::now();
        let folder_bytes = read_all(self.data)?;
        let read_seconds = begun.elapsed().as_secs_f64();
        let server = self.which.serve(self.data)?;
        let (resident, resident_peak) = (server.process.resident()?, server.process.resident_peak()?);
        let open = server.open_transactions()?;
        ensure!(open == self.open, "{} transactions were told as begun, {open} are open", self.open);
        let beyond = resident as f64 - self.empty_resident as f64 - (self.open * body_bytes_each()) as f64;
        let start = Start {
            start_up_seconds: server.process.start_up.as_secs_f64(),
            read_seconds,
            folder_bytes,
            resident,
            resident_peak,
            bytes_each: beyond / self.open.max(1) as f64,
        };
        Ok((start, server))
    }
}

impl Recovery {
    fn report(&self, form: Form) -> anyhow::Result<()> {
        if let Form::Json = form {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        figures::print_head(self.workload, &self.machine);
        println!(
            "{} open transactions, {} body bytes each, begun at {:.0}/s; an empty server has {:.1} MiB resident\n",
            self.open,
            self.body_bytes_each,
            self.begun_per_second,
            mib(self.empty_resident)
        );
        let head =
            ["killed", "start-up s", "plain read s", "folder MiB", "resident MiB", "peak MiB", "bytes each"];
        let mut table = Table::new(&head);
        let rows = self.settled.iter().map(|start| ("archive caught up", start));
        for (name, start) in std::iter::once(("at once", &self.at_once)).chain(rows) {
            table.row(&[
                name.to_owned(),
                format!("{:.3}", start.start_up_seconds),
                format!("{:.3}", start.read_seconds),
                format!("{:.1}", mib(start.folder_bytes)),
                format!("{:.1}", mib(start.resident)),
                format!("{:.1}", mib(start.resident_peak)),
                format!("{:.0}", start.bytes_each),
            ]);
        }
        println!("{}", table.text());
        println!(
            "goals at 100,000: start-up ≤ {GOAL_SECONDS} s, ≤ {GOAL_BYTES_EACH} bytes each beyond the bodies"
        );
        Ok(())
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

fn body_bytes_each() -> u64 {
    (BRANCHES.len() * BRANCH_BODY.len()) as u64
}

/// Reads every file below `folder` and answers the bytes.
fn read_all(folder: &Path) -> anyhow::Result<u64> {
    let (mut bytes, mut buffer) = (0, vec![0; 1 << 20]);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            bytes += read_all(&entry.path())?;
            continue;
        }
        let mut file = File::open(entry.path())?;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                got => bytes += got as u64,
            }
        }
    }
    Ok(bytes)
}

/// One begin of a transaction that stays open.
struct Opening;

impl Script for Opening {
    fn steps(&self) -> &'static [Step] {
        &[Step { name: "begin", peer: 0 }]
    }

    fn write(&self, _step: usize, id: &str, into: &mut Vec<u8>) {
        let body = std::str::from_utf8(BRANCH_BODY).unwrap_or("{}");
        let mut json = Vec::with_capacity(640);
        let _ = write!(
            json,
            r#"{{"id":"{id}","pattern":"tcc","mode":"interactive","deadline_ms":86400000,"branches":["#
        );
        for (index, branch) in BRANCHES.iter().enumerate() {
            let separator = if index > 0 { "," } else { "" };
            let _ = write!(
                json,
                r#"{separator}{{"id":"{branch}","kind":"call","try":"http://127.0.0.1:7001/try","confirm":"http://127.0.0.1:7001/confirm","cancel":"http://127.0.0.1:7001/cancel","body":{body}}}"#
            );
        }
        json.extend_from_slice(b"]}");
        wire::post(into, "/v1/transactions", &json);
    }

    fn judge(&self, _step: usize, answer: &Answer<'_>) -> Result<(), String> {
        judge(answer, 202, Some("trying"))
    }
}
