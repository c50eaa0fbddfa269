//! `tercet serve`: puts the rooms together, says that it serves, and takes them apart again on a signal.
//!
//! Order of a start: lock the folder, archive, journal, engine, machines, listeners, the ready line. It never
//! touches the folder before it has the lock, and never says `ready` before a request could be answered.
//! Read next: `folder.rs` (the data folder), `settings/mod.rs`, then `engine/src/run.rs`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use engine::{Meters, Running, SystemClock};
use journal::Journal as _;
use prometheus_client::registry::Registry;
#[cfg(feature = "databases")]
use server::Around;
use server::call::{HttpCaller, Loopback};
use server::{Resources, Server};
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Exit, words};
use crate::folder::Folder;
use crate::settings::{Flags, Settings};
use crate::{files, log, machine, space};

/// Arguments of `tercet serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
}

/// How long a fault may take to be told before the process ends all the same.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs `tercet serve` until a signal or a fault ends it.
pub(crate) fn run(args: Args) -> ExitCode {
    match serve(args) {
        Ok(()) => Exit::Done.into(),
        Err(fault) => {
            eprintln!("tercet: {}", words(&fault));
            Exit::NotStarted.into()
        }
    }
}

fn serve(args: Args) -> anyhow::Result<()> {
    let settings = Settings::gather(args.flags)?;
    log::start(settings.log_format, &settings.log_level);
    files::raise_limit(&settings);
    // Kept until the end: dropping it lets the next process in.
    let folder = Folder::lock(&settings.data)?;
    let runtime = Runtime::new()?;
    let (running, server) = start(settings, &folder, &runtime)?;
    let mut signals = runtime.block_on(async { Signals::new() })?;
    say_ready(&server)?;
    runtime.block_on(async {
        let name = signals.next().await;
        tracing::info!("{name}: taking no new work");
        tokio::spawn(async move {
            let name = signals.next().await;
            tracing::warn!("{name} again: ending at once; what was told is kept");
            std::process::exit(Exit::Fault.code().into());
        });
        // Both at once: the engine answers those who wait, and the listeners have their handles of it.
        let engine = tokio::task::spawn_blocking(move || running.stop());
        server.stop().await;
        engine.await
    })?;
    tracing::info!("stopped; everything is kept");
    Ok(())
}

fn start(settings: Settings, folder: &Folder, runtime: &Runtime) -> anyhow::Result<(Running, Server)> {
    let Settings { data, server: mut listeners, mut call, mut engine, journal, machines, resources, .. } =
        settings;
    let archive = folder.archive()?;
    let journal = folder.journal(&journal, archive.persisted())?;
    runtime.spawn(space::watch(journal.gauge()));
    if listeners.http.ip().is_loopback() && listeners.grpc.ip().is_loopback() {
        call.policy.loopback = Loopback::Allowed;
    }
    // A result up to the limit must fit into an answer.
    call.max_response = call.max_response.max(engine.limits.result_bytes);
    let resources = declared(resources.as_deref(), &data.join("resources"), runtime.handle())?;
    call.resources = resources.clone();
    listeners.resources = resources.clone();
    let policy = call.policy.clone();
    listeners.targets = Some(Arc::new(move |url| policy.judge_url(url)));
    listeners.transaction = engine.limits;
    engine.seed = fastrand::u64(..);

    let meters = Arc::new(Meters::default());
    let parts = engine::Parts {
        journal: Box::new(journal),
        archive,
        network: Box::new(HttpCaller::new(call, Handle::clone(runtime.handle()))?),
        clock: Box::new(|floor| Arc::new(SystemClock::starting_after(floor))),
        meters,
        deliver: deliver_on(runtime.handle().clone()),
        on_fault: Box::new(|fault| end_with(&fault)),
    };
    let running = engine::start(&engine, parts)?;
    tracing::info!(open = running.restored, "the journal is replayed");
    machine::declare(&running.engine, &machines)?;
    runtime.block_on(async { resources.begin(&running.engine) });
    let server = runtime.block_on(server::listen(listeners, running.engine.clone(), Registry::default()))?;
    Ok((running, server))
}

/// The resources of the file; what is wrong with it keeps the server from starting, a source that is away does not.
#[cfg(feature = "databases")]
fn declared(path: Option<&Path>, folder: &Path, runtime: &Handle) -> anyhow::Result<Resources> {
    let Some(path) = path else { return Ok(Resources::default()) };
    let json = machine::file::read(path)?.into_json()?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let around = Around { folder, beside, secret: &|name| std::env::var(name).ok() };
    Resources::declared(&json, around, runtime)
        .map_err(|fault| anyhow::anyhow!("{}: {fault}", path.display()))
}

/// A build that knows no databases has no resources.
#[cfg(not(feature = "databases"))]
fn declared(path: Option<&Path>, _: &Path, _: &Handle) -> anyhow::Result<Resources> {
    match path {
        None => Ok(Resources::default()),
        Some(path) => {
            anyhow::bail!("{}: this binary is built without the feature `databases`", path.display())
        }
    }
}

/// Lets the answers of a frame go from within the runtime: one wake of a worker for all of them.
fn deliver_on(runtime: Handle) -> engine::Deliver {
    Box::new(move |answers| {
        runtime.spawn(async move { answers.give() });
    })
}

/// The one line of standard output: whoever started this process waits for it.
fn say_ready(server: &Server) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready http={} grpc={}", server.http_addr(), server.grpc_addr())?;
    out.flush()?;
    tracing::info!(http = %server.http_addr(), grpc = %server.grpc_addr(), "serving");
    Ok(())
}

/// Nothing more may be told as done, so the process ends here and now; a restart replays the journal.
fn end_with(fault: &engine::Fault) {
    let code = Exit::Fault.code().into();
    // Standard error may be a pipe that nobody reads.
    let _ = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(LAST_WORDS);
        std::process::exit(code);
    });
    tracing::error!(%fault, "a fault: ending, nothing more is told as done");
    eprintln!("tercet: {fault}");
    std::process::exit(code);
}

/// The signals that ask for an end.
struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}
