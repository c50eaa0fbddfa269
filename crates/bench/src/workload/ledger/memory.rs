//! `ledger-memory`: memory of idle accounts, and the time to start with them from the archive.
//!
//! The ledger runs in a process of its own, which opens the accounts and stops in good order; a second one starts from
//! what the first one left. Both tell their resident memory, from which that of an empty ledger is taken away.
//! Read next: `house.rs`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use engine::{Found, Question};
use ledger::Batch;
use serde::Serialize;

use crate::feed::{self, Name};
use crate::figures::{self, Table};
use crate::house::{House, PATIENCE};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::process::{self, Process};
use crate::workload::Form;

const GOAL_SECONDS: f64 = 30.0;
const GOAL_BYTES: f64 = 200.0;
const MEMBERS: usize = 8_000;
/// Every so many accounts one has a balance, which must be there after the start.
const FUNDED_EACH: u32 = 1_000;
/// Time for the last pages and for memory to be given back, after everything is archived.
const REST: Duration = Duration::from_secs(2);
const MIB: f64 = (1 << 20) as f64;

/// Flags of `ledger-memory`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    /// Accounts to open
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(1_000..=50_000_000))]
    accounts: u32,
}

/// Flags of the process that holds the accounts.
#[derive(Debug, clap::Args)]
pub(crate) struct IdleArgs {
    /// The data folder
    #[arg(long)]
    data: PathBuf,
    /// Accounts to open; without it as many are looked at as `--held` says
    #[arg(long)]
    open: Option<u32>,
    /// Accounts that are there already
    #[arg(long)]
    held: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Report {
    workload: &'static str,
    machine: Machine,
    accounts: u32,
    id_bytes: usize,
    empty: Held,
    opened: Held,
    restarted: Held,
    opened_per_second: f64,
    /// Beyond the empty ledger and the ids.
    bytes_each_opened: f64,
    bytes_each_restarted: f64,
    goal_seconds: f64,
    goal_bytes_each: f64,
}

/// What a process that holds a ledger told.
#[derive(Debug, Clone, Copy, Serialize)]
struct Held {
    /// From the first look at the folder until the ledger took work.
    start_seconds: f64,
    /// To open accounts, where it did.
    open_seconds: f64,
    resident: u64,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let mut machine = Machine::look(folder.path())?;
    let empty = held(folder.path(), "empty", &[])?;
    let count = args.accounts.to_string();
    let opened = held(folder.path(), "data", &["--open", &count])?;
    eprintln!("{count} accounts are open after {:.1} s", opened.open_seconds);
    let restarted = held(folder.path(), "data", &["--held", &count])?;
    machine.look_again()?;
    let id_bytes = Name::account(0).as_str().len();
    let each = |held: Held| {
        (held.resident as f64 - empty.resident as f64) / f64::from(args.accounts) - id_bytes as f64
    };
    let report = Report {
        workload: "ledger-memory",
        machine,
        accounts: args.accounts,
        id_bytes,
        empty,
        opened,
        restarted,
        opened_per_second: f64::from(args.accounts) / opened.open_seconds,
        bytes_each_opened: each(opened),
        bytes_each_restarted: each(restarted),
        goal_seconds: GOAL_SECONDS,
        goal_bytes_each: GOAL_BYTES,
    };
    report.print(Form::of(&args.pace))
}

/// Has a process of its own hold the ledger in `name`, and ends it in good order.
fn held(folder: &Path, name: &str, more: &[&str]) -> anyhow::Result<Held> {
    let mut command = Command::new(process::this_program()?);
    command.args(["bench", "idle", "--data"]).arg(folder.join(name)).args(more);
    let process = Process::start(command, &folder.join(format!("{name}.log")))?;
    let words: Vec<f64> = process.ready.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [start_seconds, open_seconds] = words[..] else { bail!("not two figures: {}", process.ready) };
    let resident = process.resident()?;
    process.finish()?;
    Ok(Held { start_seconds, open_seconds, resident })
}

/// Holds a ledger as a process of its own: opens accounts, or looks whether they are there; says so; stops when its
/// input closes.
pub(crate) fn idle(args: &IdleArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    let house = House::open(&args.data, 1)?;
    let started = begun.elapsed();
    let opening = Instant::now();
    if let Some(count) = args.open {
        open(&house, count)?;
    }
    let opened = opening.elapsed();
    if let Some(count) = args.held {
        look(&house, count)?;
    }
    house.settle()?;
    std::thread::sleep(REST);
    println!("ready {:.3} {:.3}", started.as_secs_f64(), opened.as_secs_f64());
    // Its end is the sign; what comes before means nothing.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    house.stop();
    Ok(())
}

fn open(house: &House, count: u32) -> anyhow::Result<()> {
    house.furnish(0, MEMBERS)?;
    house.prepare(feed::opening(0..count, MEMBERS, None))?;
    let funded = (0..count).step_by(FUNDED_EACH as usize).map(|number| {
        let (account, id) = (Name::account(number), format!("fund:{number}"));
        let mut batch = Batch::new();
        batch.push(&feed::fund((&id, account.as_str()), funds(number)));
        batch
    });
    house.prepare(funded)
}

fn funds(number: u32) -> i64 {
    i64::from(number) + 1
}

/// Fails when a balance is not what it was.
fn look(house: &House, count: u32) -> anyhow::Result<()> {
    let funded = (0..count).step_by(FUNDED_EACH as usize).map(|number| (number, funds(number)));
    let idle = (1..count).step_by(FUNDED_EACH as usize).map(|number| (number, 0));
    for (number, wanted) in funded.chain(idle) {
        let name = Name::account(number);
        let (told, answer) = mpsc::channel();
        let question = Question::Account(name.as_str().into(), None);
        house.engine().ask(question, Box::new(move |found| drop(told.send(found))));
        let found = answer.recv_timeout(PATIENCE).context("an account did not come in time")?;
        let Ok(Found::Account(account)) = found.map(|seen| seen.value) else {
            bail!("the account {} is not there any more", name.as_str());
        };
        ensure!(
            account.posted == i128::from(wanted),
            "{} has {}, not {wanted}",
            name.as_str(),
            account.posted
        );
    }
    Ok(())
}

impl Report {
    fn print(&self, form: Form) -> anyhow::Result<()> {
        if let Form::Json = form {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        figures::print_head(self.workload, &self.machine);
        println!(
            "{} accounts with ids of {} bytes, opened at {:.0}/s; an empty ledger has {:.1} MiB resident\n",
            self.accounts,
            self.id_bytes,
            self.opened_per_second,
            self.empty.resident as f64 / MIB
        );
        let mut table = Table::new(&["accounts", "start s", "resident MiB", "bytes each beyond the id"]);
        for (name, held, each) in [
            ("opened by this process", &self.opened, self.bytes_each_opened),
            ("from the archive", &self.restarted, self.bytes_each_restarted),
        ] {
            table.row(&[
                name.to_owned(),
                format!("{:.2}", held.start_seconds),
                format!("{:.1}", held.resident as f64 / MIB),
                format!("{each:.0}"),
            ]);
        }
        println!("{}", table.text());
        println!("goals: ≤ {GOAL_BYTES} bytes each; at 10,000,000 a start in ≤ {GOAL_SECONDS} s");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances_are_there_after_a_stop_and_a_start() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let house = House::open(folder.path(), 1).unwrap();
        open(&house, 2_500).unwrap();
        house.stop();
        let house = House::open(folder.path(), 1).unwrap();
        look(&house, 2_500).unwrap();
        assert!(look(&house, 2_600).is_ok() && look(&house, 3_001).is_err());
        house.stop();
    }
}
