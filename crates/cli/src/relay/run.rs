//! The relay as a process: flags, a line per interval on standard error, a graceful end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueEnum;
use participant::call::Signature;
use participant::database::Dialect;
use participant::outbox::relay::{Counted, Meters, Order, Relay, Retry, Server, Settings, Target};
use participant::outbox::{OnDead, Outbox};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::log;
use crate::settings::LogFormat;

/// How often rows that were sent long ago are removed.
const PURGE_EVERY: Duration = Duration::from_secs(600);

/// Flags of the relay.
#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// Send each row to this server, as a message transaction that calls the row's destination
    #[arg(long, value_name = "URL", conflicts_with = "direct")]
    server: Option<String>,
    /// Send each row to its destination itself, as a deliver call
    #[arg(long)]
    direct: bool,
    /// A file with the server's bearer token [variable: TERCET_TOKEN holds the token itself]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// With --direct: a file with the secret that signs the calls, in the form of the server's call_secret_file; the
    /// first one signs
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    call_secret_file: Option<PathBuf>,
    /// Who this is, in leases and logs [default: relay-PID]
    #[arg(long)]
    name: Option<String>,
    /// Where a topic goes; may be given several times
    #[arg(long = "route", value_name = "TOPIC=URL", value_parser = route)]
    routes: Vec<(String, String)>,
    /// Rows held at most
    #[arg(long, default_value_t = 256)]
    batch: u32,
    /// Calls under way at most
    #[arg(long, default_value_t = 64)]
    parallel: usize,
    /// How long rows are taken for; what a killed relay held is sent after that
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    lease_ms: u64,
    /// How long an answer is waited for; less than half of the lease
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    timeout_ms: u64,
    /// Failed attempts before a row is a dead letter
    #[arg(long, value_name = "ATTEMPTS", default_value_t = Retry::default().budget)]
    budget: u32,
    /// What a dead letter means for the rows behind it with the same key
    #[arg(long, value_enum, default_value_t = Dead::Block)]
    on_dead: Dead,
    /// What a row with a key is waited for before the next one of its key
    #[arg(long, value_enum, default_value_t = Until::Delivered)]
    order: Until,
    /// Remove rows that were sent or dropped so long ago; 0: never
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    keep_days: u64,
    /// Seconds between two lines of figures
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    interval_s: u64,
    /// End when nothing is due
    #[arg(long)]
    once: bool,
}

/// As a flag.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dead {
    /// They wait until it is replayed or dropped
    Block,
    /// They go on without it
    Skip,
}

/// As a flag.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Until {
    /// They are applied in order
    Delivered,
    /// They are accepted in order, and may be delivered in another; faster
    Accepted,
}

fn route(text: &str) -> Result<(String, String), String> {
    let (topic, url) = text.split_once('=').ok_or("not TOPIC=URL")?;
    Ok((topic.to_owned(), url.to_owned()))
}

impl Flags {
    fn target(&self) -> anyhow::Result<Target> {
        let Some(url) = &self.server else {
            return if self.direct {
                Ok(Target::Destinations)
            } else {
                bail!("whom to send to? --server URL, or --direct")
            };
        };
        let token = match &self.token_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
                Some(text.trim().to_owned())
            }
            None => std::env::var("TERCET_TOKEN").ok(),
        };
        Ok(Target::Server(Server { url: url.clone(), token }))
    }

    fn signature(&self) -> anyhow::Result<Option<Signature>> {
        let Some(file) = &self.call_secret_file else { return Ok(None) };
        let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        // It names the line, never what it holds.
        Ok(Some(Signature::of_lines(&text).with_context(|| format!("{}", file.display()))?))
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let plain = Settings::new(self.target()?);
        Ok(Settings {
            name: self.name.clone().unwrap_or(plain.name),
            signature: self.signature()?,
            routes: self.routes.iter().cloned().collect::<BTreeMap<_, _>>(),
            order: match self.order {
                Until::Delivered => Order::Delivered,
                Until::Accepted => Order::Accepted,
            },
            on_dead: match self.on_dead {
                Dead::Block => OnDead::Block,
                Dead::Skip => OnDead::Skip,
            },
            batch: self.batch,
            parallel: self.parallel,
            lease: Duration::from_millis(self.lease_ms),
            timeout: Duration::from_millis(self.timeout_ms),
            retry: Retry { budget: self.budget, ..plain.retry },
            ..plain
        })
    }
}

/// Relays until a signal, or with `--once` until nothing is due.
pub(super) async fn run<D: Dialect>(outbox: Outbox<D>, args: &Flags) -> anyhow::Result<ExitCode> {
    log::start(LogFormat::Text, "info");
    let settings = args.settings()?;
    let name = settings.name.clone();
    let relay = Relay::new(outbox.clone(), settings)?;
    let meters = Arc::clone(relay.meters());
    let told = tokio::spawn(tell(outbox.clone(), (name.clone(), Arc::clone(&meters)), args.interval_s));
    let purged = tokio::spawn(purge(outbox.clone(), Duration::from_hours(24 * args.keep_days)));
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ended = async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    };
    let drained = if args.once {
        relay.drain(ended).await
    } else {
        relay.run(ended).await;
        Ok(())
    };
    told.abort();
    purged.abort();
    eprintln!("{}", line(&outbox, &name, &meters).await);
    drained.context("the outbox's database")?;
    Ok(Exit::Done.into())
}

/// A line of figures per interval.
async fn tell<D: Dialect>(outbox: Outbox<D>, (name, meters): (String, Arc<Meters>), every_s: u64) {
    loop {
        tokio::time::sleep(Duration::from_secs(every_s)).await;
        eprintln!("{}", line(&outbox, &name, &meters).await);
    }
}

async fn line<D: Dialect>(outbox: &Outbox<D>, name: &str, meters: &Meters) -> String {
    let [sent, failed, dead] =
        [Counted::Sent, Counted::Failed, Counted::Dead].map(|counted| meters.get(counted));
    let did = format!("{sent} sent, {failed} attempts failed, {dead} became dead letters");
    match outbox.backlog().await {
        Ok(backlog) => {
            let oldest = backlog.oldest_ms as f64 / 1000.0;
            let (waiting, dead) = (backlog.waiting, backlog.dead);
            format!("{name}: {did}; {waiting} waiting, the oldest for {oldest:.1} s, {dead} dead letters")
        }
        Err(fault) => format!("{name}: {did}; the database: {fault}"),
    }
}

/// Removes what was settled long ago.
async fn purge<D: Dialect>(outbox: Outbox<D>, age: Duration) {
    while !age.is_zero() {
        match outbox.purge(age).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "purged"),
            Err(fault) => tracing::warn!("purging: {fault}"),
        }
        tokio::time::sleep(PURGE_EVERY).await;
    }
}
