//! Posts entries through an engine, first one after another, then a thousand requests at once: for counting system calls.
//!
//! `post FOLDER LONE`

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use engine::archive::Archive;
use engine::{Answers, Change, Changed, Config, Engine, Heard, Meters, Network, Parts, SystemClock, start};
use journal::{FileJournal, FileOptions, RealDisk};
use ledger::{Amount, Asset, Batch, Cause, Command, Entry, Expiry, Floor, Linked, Open, Run, Take};
use transaction::{Call, Refusal};

/// Requests at once.
const AT_ONCE: usize = 1_000;

struct NoNetwork;

impl Network for NoNetwork {
    fn send(&self, _: Vec<(Call, Heard)>) {}
}

type Told = Receiver<Result<Changed, Refusal>>;

fn submit(engine: &Engine, commands: &[Command<&str>]) -> Told {
    let mut batch = Batch::new();
    commands.iter().for_each(|command| batch.push(command));
    let (tell, told) = channel();
    let respond = Box::new(move |answer| drop(tell.send(answer)));
    engine.change(Change { batch, run: Run::Real, key: None }, respond);
    told
}

fn entry(id: &str) -> Command<&str> {
    let (linked, cause) = (Linked::No, Cause::default());
    let (amount, take, expiry) = (Amount::Units(1), Take::Exactly, Expiry::Never);
    Command::Entry(Entry { id, from: "bank", to: "shop", amount, take, expiry, refunds: None, linked, cause })
}

/// Waits for an answer; everything must have been done.
fn wait(told: &Told) -> Result<(), Box<dyn std::error::Error>> {
    let changed = told.recv()?.map_err(|refusal| refusal.to_string())?;
    for result in changed.results {
        result.map_err(|refusal| refusal.to_string())?;
    }
    Ok(())
}

fn post(folder: &str, lone: usize) -> Result<(), Box<dyn std::error::Error>> {
    let disk = Arc::new(RealDisk::create(folder)?);
    let parts = Parts {
        journal: Box::new(FileJournal::start(disk, FileOptions::default())?),
        archive: Archive::in_memory(),
        network: Box::new(NoNetwork),
        clock: Box::new(|floor| Arc::new(SystemClock::starting_after(floor))),
        meters: Arc::new(Meters::default()),
        deliver: Box::new(Answers::give),
        on_fault: Box::new(|fault| eprintln!("{fault}")),
    };
    let running = start(&Config::default(), parts)?;
    let open = |id| {
        let (floor, linked, cause) = (Floor::None, Linked::No, Cause::default());
        Command::Open(Open { id, asset: "eur", floor, ceiling: None, lots: None, linked, cause })
    };
    let asset = Command::Asset(Asset { code: "eur", scale: 2 });
    wait(&submit(&running.engine, &[asset, open("bank"), open("shop")]))?;
    // The journal makes its spare segment meanwhile, with syncs of its own.
    std::thread::sleep(std::time::Duration::from_secs(2));
    for number in 1..=lone {
        wait(&submit(&running.engine, &[entry(&format!("lone-{number}"))]))?;
        // Says that it was told as durable: the trace shows what came before.
        println!("told {number}");
    }
    let told: Vec<_> =
        (0..AT_ONCE).map(|number| submit(&running.engine, &[entry(&format!("e-{number}"))])).collect();
    told.iter().try_for_each(wait)?;
    println!("told all");
    running.stop();
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (folder, lone) = (arguments.next(), arguments.next().and_then(|text| text.parse().ok()));
    let (Some(folder), Some(lone)) = (folder, lone) else {
        eprintln!("usage: post FOLDER LONE");
        return ExitCode::from(2);
    };
    match post(&folder, lone) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
