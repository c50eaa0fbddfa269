//! `tercet demo`: a real coordinator and a shop of real services, orders placed while faults strike, then a verdict.
//!
//! `shop.rs` starts the processes, `orders.rs` places the orders, `participant/faults.rs` and `strikes.rs` do the harm,
//! `verdict.rs` judges by the services' own books. The demo has no way into the coordinator but its HTTP API and
//! signal 9. Every process it starts ends with it.

mod args;
mod books;
mod catalogue;
mod inquiry;
mod orders;
mod participant;
mod process;
mod report;
mod shop;
mod stage;
mod strikes;
mod verdict;
mod wire;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use self::args::{Args, ParticipantArgs};
use self::args::{Rates, Role};
use self::orders::Run;
use self::shop::Shop;
use self::stage::Stage;
use self::strikes::Strikes;
use self::verdict::{Evidence, Verdict};

const TICK: Duration = Duration::from_millis(10);

/// Runs the demo. Exit code 0 when every invariant holds, 1 when one fails; `Err` when a process does not start or
/// come back, or the user interrupts.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("tercet-demo-").tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let interrupted = listen_for_interrupts(&runtime)?;
    let mut stage = Stage::new(args.orders);
    let (mut shop, reports) = Shop::open(args, folder.path())?;
    introduce(args, &shop, &stage);

    let run = Arc::new(Run::new(args, catalogue::orders(args.orders, args.seed), &shop));
    let begun = Instant::now();
    for _ in 0..args.customers {
        runtime.spawn(orders::customer(Arc::clone(&run)));
    }
    let mut story =
        Story { args, run: &run, stage: &mut stage, reports: &reports, interrupted: &interrupted };
    story.play(&mut shop)?;
    let took = begun.elapsed();
    let (verdict, tables) = judge(&mut story, (&runtime, &shop), (folder.path(), took))?;

    stage.print(&tables);
    // The processes go before the folder they work in.
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
        "\n  A shop of five processes: {}\n  {} orders by {} customers, each a transaction over {}\n  \
         Of the calls {lost} % lose their reply, {duplicate} % come twice; of the tries {slow} % are slow, {late} % late\n",
        pids.join(", "),
        args.orders,
        args.customers,
        Role::ALL.map(Role::name).join(", "),
    ));
}

/// The run as it is told: who plays, where it is shown, and what may stop it.
struct Story<'a> {
    args: &'a Args,
    run: &'a Arc<Run>,
    stage: &'a mut Stage,
    reports: &'a Receiver<String>,
    interrupted: &'a AtomicBool,
}

impl Story<'_> {
    /// Until every order has its final answer and everything that was killed is up again.
    fn play(&mut self, shop: &mut Shop) -> anyhow::Result<()> {
        let mut strikes = Strikes::new();
        let all = self.args.orders;
        while self.run.finished.load(Ordering::SeqCst) < all || strikes.is_down() {
            self.tick()?;
            if !self.args.no_kills {
                strikes.step(shop, self.run, self.stage)?;
            }
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        if self.interrupted.load(Ordering::SeqCst) {
            bail!("interrupted; every process of the demo is stopped");
        }
        self.reports.try_iter().for_each(|line| self.stage.hear(&line));
        self.stage.tick(self.run);
        Ok(())
    }
}

fn judge(
    story: &mut Story,
    (runtime, shop): (&Runtime, &Shop),
    (folder, took): (&std::path::Path, Duration),
) -> anyhow::Result<(Verdict, String)> {
    story.stage.say("every customer has an answer; now the books");
    let truths = runtime.block_on(inquiry::ask_all(story.run, shop))?;
    let in_hand = runtime.block_on(inquiry::calm(shop))?;
    story.tick()?;
    story.stage.close();
    let faults: Vec<String> =
        story.stage.faults.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    story.stage.say(&format!("faults injected: {}", faults.join(", ").replace('_', " ")));
    let mut books = Vec::new();
    for role in Role::ALL {
        books.push((role, books::read(&shop::books(folder, role))?));
    }
    let told = story.run.told();
    let surprises = story.run.surprises.lock().expect("no holder of this lock panics").clone();
    let orders = &story.run.orders;
    let verdict = verdict::judge(&Evidence {
        orders,
        told: &told,
        surprises: &surprises,
        truths: &truths,
        books: &books,
        in_hand,
        took,
    });
    surprises.iter().take(10).for_each(|it| story.stage.say(it));
    let tables = report::verdict(&verdict, &books);
    Ok((verdict, tables))
}

fn conclude(args: &Args, verdict: &Verdict, folder: tempfile::TempDir, stage: &Stage) {
    let word = if verdict.passes() { "Every invariant holds." } else { "AN INVARIANT FAILED." };
    stage.print(&format!("  {word}\n"));
    let order = verdict.worth_reading.as_deref().unwrap_or("order-1");
    if args.keep {
        stage.print(&report::next_with(&folder.keep(), order));
    } else {
        stage.print(&report::next_without(order));
    }
}
