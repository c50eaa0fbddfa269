//! A ledger in this process: the engine on the file journal and the archive on disk, as `tercet serve` has it, without a
//! network.
//!
//! It must keep exactly what a server keeps, with every sync. Read next: `limit/frames.rs` (what it notes of its
//! journal), `workload/ledger/drive.rs` (what is asked of it).

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use engine::archive::Archive;
use engine::{Change, Changed, Config, Engine, Heard, Meters, Network, Running, SystemClock};
use journal::{FileJournal, FileOptions, RealDisk};
use ledger::{Asset, Batch, Command, Floor, Run};
use transaction::{Call, Refusal};

use crate::feed;
use crate::limit::frames::{Recorded, Sizes};

/// How long the archive may take to catch up after a round.
const SETTLE_WITHIN: Duration = Duration::from_secs(120);
/// How long one answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Batches of a preparation under way at once.
const PREPARING: usize = 4;

/// A running ledger.
pub(crate) struct House {
    running: Running,
    /// The frames of its journal.
    pub(crate) sizes: Sizes,
}

/// There are no participants.
struct Nobody;

impl Network for Nobody {
    fn send(&self, _calls: Vec<(Call, Heard)>) {}
}

impl House {
    /// Opens it on a folder, which may hold one already.
    pub(crate) fn open(data: &Path, frames_in_flight: usize) -> anyhow::Result<House> {
        std::fs::create_dir_all(data)?;
        let archive = Archive::open(&data.join("archive"))?;
        let disk = Arc::new(RealDisk::create(data.join("journal"))?);
        let options = FileOptions { need: archive.persisted(), ..FileOptions::default() };
        let sizes = Sizes::default();
        let recorded = Recorded { journal: FileJournal::start(disk, options)?, sizes: sizes.clone() };
        let parts = engine::Parts {
            journal: Box::new(recorded),
            archive,
            network: Box::new(Nobody),
            clock: Box::new(|floor| Arc::new(SystemClock::starting_after(floor))),
            meters: Arc::new(Meters::default()),
            deliver: Box::new(engine::Answers::give),
            on_fault: Box::new(|fault| {
                eprintln!("the engine stopped: {fault}");
                std::process::exit(3);
            }),
        };
        let config = Config { frames_in_flight, seed: 1, ..Config::default() };
        Ok(House { running: engine::start(&config, parts)?, sizes })
    }

    /// Its handle.
    pub(crate) fn engine(&self) -> &Engine {
        &self.running.engine
    }

    /// Hands over a batch; `answer` is called with what became of it, on a thread that must not wait.
    pub(crate) fn change(
        &self,
        batch: Batch,
        answer: impl FnOnce(Result<Changed, Refusal>) + Send + 'static,
    ) {
        let change = Change { batch, run: Run::Real, key: None };
        self.running.engine.change(change, Box::new(answer));
    }

    /// Has batches decided to the last, some at once; fails with the first refusal.
    pub(crate) fn prepare(&self, batches: impl Iterator<Item = Batch>) -> anyhow::Result<()> {
        let (told, answers) = mpsc::channel();
        let (mut batches, mut under_way) = (batches.fuse(), 0);
        loop {
            while under_way < PREPARING
                && let Some(batch) = batches.next()
            {
                let told = told.clone();
                // Nobody listens any more after a refusal.
                self.change(batch, move |answer| drop(told.send(answer)));
                under_way += 1;
            }
            if under_way == 0 {
                return Ok(());
            }
            let changed = answers.recv_timeout(PATIENCE).context("an answer did not come in time")?;
            ensure_done(&changed)?;
            under_way -= 1;
        }
    }

    /// Declares the asset and opens the issuer, the hot account, and so many accounts with funds.
    pub(crate) fn furnish(&self, accounts: u32, members: usize) -> anyhow::Result<()> {
        let mut first = Batch::new();
        first.push(&Command::Asset(Asset { code: feed::ASSET, scale: 0 }));
        first.push(&feed::open(feed::ISSUER, Floor::None));
        first.push(&feed::open(feed::HOT, Floor::None));
        self.prepare(std::iter::once(first))?;
        self.prepare(feed::opening(0..accounts, members, Some(feed::FUNDS)))
    }

    /// Waits until the archive holds what the journal holds; answers how long that took.
    pub(crate) fn settle(&self) -> anyhow::Result<Duration> {
        let (begun, meters) = (Instant::now(), self.running.engine.meters());
        while meters.archived.get() < meters.durable.get() {
            ensure!(begun.elapsed() < SETTLE_WITHIN, "the archive did not catch up in time");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(begun.elapsed())
    }

    /// Stops it in good order.
    pub(crate) fn stop(self) {
        self.running.stop();
    }
}

/// Fails when the batch or one of its members was refused.
pub(crate) fn ensure_done(answer: &Result<Changed, Refusal>) -> anyhow::Result<()> {
    let changed = match answer {
        Ok(changed) => changed,
        Err(refusal) => bail!("a batch was refused: {}: {}", refusal.kind.code, refusal.detail),
    };
    let refused =
        changed.results.iter().enumerate().find_map(|(index, result)| Some((index, result.as_ref().err()?)));
    if let Some((index, refusal)) = refused {
        bail!("member {index} of a batch was refused: {}: {}", refusal.kind.code, refusal.detail);
    }
    Ok(())
}
