//! The processes of the demo: the coordinator and the services, each startable again where it was.
//!
//! It keeps addresses stable: a killed process comes back on the same port, the coordinator on the same data folder.
//! When and what to kill is `strikes.rs`; what the participants report comes out of `reports`.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::args::{Args, Role};
use super::catalogue;
use super::opening;
use super::participant::holds;
use super::process::{Process, Recipe};

/// How long an order may take to be decided.
pub(crate) const DEADLINE_MS: u64 = 4000;
/// A late try arrives this long after the deadline at the earliest.
const LATE_BY_MS: u64 = 500;
const METER_PATIENCE: Duration = Duration::from_secs(1);

/// One of the processes that can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The coordinator.
    Coordinator,
    /// One of the services.
    Participant(Role),
}

impl Victim {
    /// As it is called in the narration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Victim::Coordinator => "coordinator",
            Victim::Participant(role) => role.name(),
        }
    }
}

struct Post {
    victim: Victim,
    recipe: Recipe,
    process: Option<Process>,
}

/// All processes of one run.
pub(crate) struct Shop {
    posts: Vec<Post>,
    later: mpsc::Sender<String>,
    /// Where the coordinator serves HTTP.
    pub(crate) coordinator: SocketAddr,
    /// Where each service serves.
    pub(crate) services: Vec<(Role, SocketAddr)>,
}

impl Shop {
    /// Fills the books, starts the services, then the coordinator. The services' lines come out of the receiver.
    pub(crate) fn open(args: &Args, folder: &Path) -> anyhow::Result<(Shop, mpsc::Receiver<String>)> {
        let (later, reports) = mpsc::channel();
        let mut posts = Vec::new();
        let mut services = Vec::new();
        for role in Role::ALL {
            let path = books(folder, role);
            let pots = catalogue::pots(role, args.orders);
            let opening: Vec<(&str, i64)> = pots.iter().map(|pot| (pot.id.as_str(), pot.opening)).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(holds::fill(&path, &opening))?;
            let mut recipe = participant(args, role, folder);
            let (process, ready) = Process::start(&recipe, later.clone())?;
            let address: SocketAddr = ready.parse().context("a participant's ready line")?;
            recipe.args.extend([OsString::from("--listen"), address.to_string().into()]);
            services.push((role, address));
            posts.push(Post { victim: Victim::Participant(role), recipe, process: Some(process) });
        }
        std::fs::write(coupon_machine(folder), opening::COUPON_MACHINE)?;
        let serve = |http: &str, grpc: &str| coordinator(folder, http, grpc);
        let (process, ready) = Process::start(&serve("127.0.0.1:0", "127.0.0.1:0"), later.clone())?;
        let (http, grpc) = ready_addresses(&ready).with_context(|| format!("the ready line `{ready}`"))?;
        let recipe = serve(&http.to_string(), &grpc.to_string());
        posts.push(Post { victim: Victim::Coordinator, recipe, process: Some(process) });
        Ok((Shop { posts, later, coordinator: http, services }, reports))
    }

    /// Kills it with SIGKILL. Killing what is down already does nothing.
    pub(crate) fn kill(&mut self, victim: Victim) {
        if let Some(process) = self.post(victim).process.take() {
            process.kill_nine();
        }
    }

    /// Starts it again where it was and says how long it took to be ready.
    pub(crate) fn revive(&mut self, victim: Victim) -> anyhow::Result<Duration> {
        let later = self.later.clone();
        let post = self.post(victim);
        let begun = Instant::now();
        let (process, _) = Process::start(&post.recipe, later)?;
        post.process = Some(process);
        Ok(begun.elapsed())
    }

    /// Kills the coordinator for good and has `tercet journal verify` read its data folder: whether it is sound, and
    /// the verifier's last line.
    pub(crate) fn verify_journal(&mut self, folder: &Path) -> anyhow::Result<(bool, String)> {
        self.kill(Victim::Coordinator);
        let verify = ["journal".into(), "verify".into(), "--data".into(), data(folder).into_os_string()];
        let output = Command::new(std::env::current_exe()?).args(verify).output()?;
        let words = [output.stdout, output.stderr].concat();
        let last = String::from_utf8_lossy(&words).lines().last().unwrap_or_default().to_owned();
        Ok((output.status.success(), last))
    }

    /// How many transactions the coordinator has open, by its own meters; `None` when it does not answer.
    pub(crate) fn open_transactions(&self) -> Option<u64> {
        let mut stream = TcpStream::connect(self.coordinator).ok()?;
        stream.set_read_timeout(Some(METER_PATIENCE)).ok()?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.coordinator)
            .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let open = text.lines().filter(|line| line.starts_with("tercet_transactions_open{"));
        Some(open.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Name and process id of everything that runs.
    pub(crate) fn pids(&self) -> Vec<(&'static str, u32)> {
        let running = |post: &Post| post.process.as_ref().map(|it| (post.victim.name(), it.pid()));
        self.posts.iter().filter_map(running).collect()
    }

    fn post(&mut self, victim: Victim) -> &mut Post {
        self.posts.iter_mut().find(|post| post.victim == victim).expect("every victim has its post")
    }
}

/// The books of one service.
pub(crate) fn books(folder: &Path, role: Role) -> PathBuf {
    folder.join(format!("{}.db", role.name()))
}

/// The coordinator's data folder.
pub(crate) fn data(folder: &Path) -> PathBuf {
    folder.join("tercet")
}

fn coupon_machine(folder: &Path) -> PathBuf {
    folder.join("coupon.toml")
}

fn participant(args: &Args, role: Role, folder: &Path) -> Recipe {
    let mut words: Vec<OsString> = vec!["demo-participant".into(), "--role".into(), role.name().into()];
    words.extend(["--db".into(), books(folder, role).into_os_string()]);
    let numbers = [
        ("--seed", args.seed.to_string()),
        ("--late-ms", (DEADLINE_MS + LATE_BY_MS).to_string()),
        ("--lost", args.rates.lost.to_string()),
        ("--duplicate", args.rates.duplicate.to_string()),
        ("--slow", args.rates.slow.to_string()),
        ("--late", args.rates.late.to_string()),
    ];
    words.extend(numbers.into_iter().flat_map(|(flag, value)| [OsString::from(flag), value.into()]));
    Recipe { name: role.name(), args: words, log: folder.join(format!("{}.log", role.name())) }
}

fn coordinator(folder: &Path, http: &str, grpc: &str) -> Recipe {
    let mut words: Vec<OsString> = vec!["serve".into(), "--data".into(), data(folder).into_os_string()];
    words.extend(["--http", http, "--grpc", grpc].map(OsString::from));
    words.extend(["--machine".into(), coupon_machine(folder).into_os_string()]);
    Recipe { name: "coordinator", args: words, log: folder.join("coordinator.log") }
}

/// Reads `http=HOST:PORT grpc=HOST:PORT`.
fn ready_addresses(rest: &str) -> Option<(SocketAddr, SocketAddr)> {
    let part = |key: &str| rest.split(' ').find_map(|word| word.strip_prefix(key))?.parse().ok();
    Some((part("http=")?, part("grpc=")?))
}
