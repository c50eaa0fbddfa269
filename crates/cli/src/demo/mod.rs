//! `tercet demo`: a real coordinator and a shop of real services, orders placed while faults strike, then a verdict.
//!
//! Stock, points and coupons are in the coordinator's ledger; the order book and the payments are services of their own.
//! `opening.rs` fills the ledger, `shop.rs` starts the processes, `orders.rs` places the orders, `participant/faults.rs` and `strikes.rs` do the harm,
//! `rush.rs` is the rush, `verdict.rs` judges by the ledger and the services' own books. The demo has no way into the coordinator but its HTTP API and
//! signal 9. Every process it starts ends with it.

mod args;
mod books;
mod catalogue;
mod inquiry;
mod ledger_books;
mod opening;
mod orders;
mod participant;
mod process;
mod report;
mod rush;
mod shop;
mod stage;
mod strikes;
mod verdict;
mod wire;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::files;

pub(crate) use self::args::{Args, ParticipantArgs};
use self::args::{Rates, Role};
use self::catalogue::Good;
use self::inquiry::Answers;
use self::ledger_books::LedgerBooks;
use self::orders::Run;
use self::rush::Rush;
use self::shop::Shop;
use self::stage::Stage;
use self::strikes::Strikes;
use self::verdict::{Evidence, Verdict};

const TICK: Duration = Duration::from_millis(10);
/// What a shell answers for Ctrl-C.
const INTERRUPTED_CODE: u8 = 130;

/// Runs the demo. Exit code 0 when every invariant holds, 1 when one fails, 130 when the user interrupts; `Err` when a
/// process does not start or come back.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match perform(args) {
        Err(halt) if halt.is::<Interrupted>() => {
            eprintln!("{halt}");
            Ok(ExitCode::from(INTERRUPTED_CODE))
        }
        end => end,
    }
}

/// Why the demo ended before its verdict.
#[derive(Debug)]
struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted; every process of the demo is stopped")
    }
}

impl std::error::Error for Interrupted {}

fn perform(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("tercet-demo-").tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let interrupted = listen_for_interrupts(&runtime)?;
    let (shop, reports) = Shop::open(args, folder.path())?;
    let run = Arc::new(Run::new(args, catalogue::orders(args.orders, args.seed), &shop));
    let stage = Stage::new(args.orders);
    introduce(args, &shop, &stage);
    files::raise();
    runtime.block_on(async {
        opening::supply(shop.coordinator, &catalogue::supplies(args.orders)).await?;
        opening::issue(shop.coordinator, &catalogue::coupons(args.orders)).await
    })?;

    let begun = Instant::now();
    for _ in 0..args.customers {
        runtime.spawn(orders::customer(Arc::clone(&run)));
    }
    let mut story =
        Story { args, runtime: &runtime, folder: folder.path(), shop, run, stage, reports, interrupted };
    story.play()?;
    let took = begun.elapsed();
    let verdict = story.judge(took)?;
    // The processes go before the folder they work in.
    let Story { shop, stage, .. } = story;
    drop(shop);
    conclude(args, &verdict, folder, &stage);
    Ok(if verdict.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one of the shop's services until its standard input closes.
pub(crate) fn participant(args: &ParticipantArgs) -> anyhow::Result<()> {
    participant::run(args)
}

/// Ctrl-C and SIGTERM set a flag, so that the demo leaves by its ordinary way out and takes its children along.
fn listen_for_interrupts(runtime: &Runtime) -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let _context = runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut arrives = signal(kind)?;
        let interrupted = Arc::clone(&interrupted);
        runtime.spawn(async move {
            arrives.recv().await;
            interrupted.store(true, Ordering::SeqCst);
        });
    }
    Ok(interrupted)
}

fn introduce(args: &Args, shop: &Shop, stage: &Stage) {
    let Rates { lost, duplicate, slow, late } = args.rates;
    let pids: Vec<String> = shop.pids().into_iter().map(|(name, pid)| format!("{name} {pid}")).collect();
    stage.print(&format!(
        "\n  A shop of three processes: {}\n  {} orders by {} customers, each a transaction over {}\n  \
         Of the calls {lost} % lose their reply, {duplicate} % come twice; of the tries {slow} % are slow, {late} % late\n",
        pids.join(", "),
        args.orders,
        args.customers,
        [Good::ALL.map(Good::name).join(", "), Role::ALL.map(Role::name).join(", ")].join(", coupon, "),
    ));
}

/// The run as it is told: who plays, where it is shown, and what may stop it. Dropping it ends every process.
struct Story<'a> {
    args: &'a Args,
    runtime: &'a Runtime,
    folder: &'a Path,
    shop: Shop,
    run: Arc<Run>,
    stage: Stage,
    reports: Receiver<String>,
    interrupted: Arc<AtomicBool>,
}

impl Story<'_> {
    /// Until every order has its final answer and everything that was killed is up again.
    fn play(&mut self) -> anyhow::Result<()> {
        let mut strikes = Strikes::new();
        while self.run.finished.load(Ordering::SeqCst) < self.args.orders || strikes.is_down() {
            if self.interrupted.load(Ordering::SeqCst) {
                bail!(Interrupted);
            }
            self.listen();
            self.stage.tick(&self.run);
            if !self.args.no_kills {
                strikes.step(&mut self.shop, &self.run, &self.stage)?;
            }
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    fn listen(&mut self) {
        self.reports.try_iter().for_each(|line| self.stage.hear(&line));
    }

    /// Asks the coordinator and the services, and lets the rush loose once they are calm.
    async fn ask(&self) -> anyhow::Result<Found> {
        let answers = inquiry::ask_everybody(&self.run, &self.shop).await?;
        self.stage.say(&format!("the rush: {} buyers at once for {} units", rush::BUYERS, rush::UNITS));
        let rush = rush::run(self.shop.coordinator).await?;
        let ledger = ledger_books::read(self.shop.coordinator, &self.run.orders).await?;
        Ok((answers, ledger, rush))
    }

    /// Asks everybody, reads the books, shows the tables.
    fn judge(&mut self, took: Duration) -> anyhow::Result<Verdict> {
        self.stage.say("every customer has an answer; now the late calls, and then the books");
        let (answers, ledger, rush) = self.runtime.block_on(async {
            tokio::select! {
                found = self.ask() => found,
                () = flagged(&self.interrupted) => bail!(Interrupted),
            }
        })?;
        self.listen();
        self.stage.close();
        let journal = self.shop.verify_journal(self.folder)?;
        let books = Role::ALL
            .into_iter()
            .map(|role| Ok((role, books::read(&shop::books(self.folder, role))?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let surprises = self.run.surprises();
        surprises.iter().take(10).for_each(|it| self.stage.say(it));
        let (orders, told) = (&self.run.orders[..], &self.run.told()[..]);
        let verdict = verdict::judge(&Evidence {
            orders,
            told,
            surprises: &surprises,
            answers: &answers,
            journal: &journal,
            books: &books,
            ledger: &ledger,
            rush: &rush,
            took,
        });
        self.stage.print(&report::verdict(&verdict, &self.stage.faults));
        Ok(verdict)
    }
}

/// What the coordinator said of orders, of its ledger, and how the rush went.
type Found = (Answers, LedgerBooks, Rush);

async fn flagged(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        tokio::time::sleep(TICK).await;
    }
}

fn conclude(args: &Args, verdict: &Verdict, folder: tempfile::TempDir, stage: &Stage) {
    let word = if verdict.passes() { "Every invariant holds." } else { "AN INVARIANT FAILED." };
    stage.print(&format!("  {word}\n"));
    let order = verdict.worth_reading.as_deref().unwrap_or("order-1");
    // What failed is evidence, and stays.
    let folder = (args.keep || !verdict.passes()).then(|| folder.keep());
    stage.print(&report::what_next(folder.as_deref(), order));
}
