//! One server on one folder, its callers and their participant: what every experiment is made of.
//!
//! `work` lets the callers work until something strikes; `check` reads back after a restart; `settle.rs` brings all to
//! its end and judges all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use fastrand::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::caller::{Caller, Load, Mode};
use crate::calls;
use crate::judge::{self, Extent};
use crate::reader;
use crate::report::Outcome;
use crate::run::Broken;
use crate::server::{Ended, Launch, Running};
use crate::told::{Finding, Key, Kind};

/// Runs an experiment in one world; what was gathered is told also when it cannot go on.
pub(crate) fn in_world(
    (setup, name): (&Setup, &str),
    data: Option<&Path>,
    body: impl FnOnce(&mut World) -> anyhow::Result<()>,
) -> Result<Outcome, Broken> {
    let mut world = World::new(setup, name, data).map_err(|fault| (Outcome::default(), fault))?;
    match body(&mut world) {
        Ok(()) => Ok(world.outcome()),
        Err(fault) => {
            let errors = world.server.as_ref().map_or_else(String::new, Running::errors);
            Err((world.outcome(), fault.context(errors)))
        }
    }
}

/// What all experiments are given.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The binary under test.
    pub(crate) tercet: PathBuf,
    pub(crate) seed: u64,
    /// How many times the gate's slice.
    pub(crate) times: u32,
}

impl Setup {
    /// Random choices of this name, the same for the same seed.
    pub(crate) fn random(&self, name: &str) -> Rng {
        let hash =
            name.bytes().fold(self.seed, |hash, byte| hash.rotate_left(9).wrapping_mul(31) ^ u64::from(byte));
        Rng::with_seed(hash)
    }
}

const CALLERS: u32 = 6;
/// Objects and calls that are read back after each restart; all of them at the end.
const FRESH: usize = 40;
const OLDER: usize = 10;
/// Lines of an account's journal looked at after each restart.
pub(crate) const LINES: usize = 100;

pub(crate) struct World {
    pub(crate) launch: Launch,
    pub(crate) server: Option<Running>,
    pub(crate) load: Load,
    pub(crate) callers: Vec<Caller>,
    pub(crate) random: Rng,
    pub(crate) restarts: Vec<Duration>,
    /// Facts that were read back and judged.
    pub(crate) checked: u64,
    /// Kills, cuts: whatever this world was struck by.
    pub(crate) runs: u32,
    pub(crate) notes: Vec<String>,
    calls_seen: usize,
    /// Removed at the end.
    _folder: TempDir,
}

impl World {
    /// A world whose data folder is in the temporary folder, or here.
    pub(crate) fn new(setup: &Setup, name: &str, data: Option<&Path>) -> anyhow::Result<World> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let launch = Launch {
            binary: setup.tercet.clone(),
            under: Vec::new(),
            // The smallest: spares are made again after each start.
            flags: ["--journal-segment-bytes", "33554432", "--log-level", "warn"].map(str::to_owned).into(),
            folder: folder.path().to_owned(),
            data: data.map_or_else(|| folder.path().join("data"), Path::to_owned),
        };
        let mut random = setup.random(name);
        let callers =
            (0..CALLERS).map(|number| Caller::new(format!("{name}-{number}"), random.fork())).collect();
        Ok(World {
            launch,
            server: None,
            load: Load::new(),
            callers,
            random,
            restarts: Vec::new(),
            checked: 0,
            runs: 0,
            notes: Vec::new(),
            calls_seen: 0,
            _folder: folder,
        })
    }

    /// Starts the server where it must start.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        match self.launch.start() {
            Ok(running) => {
                self.restarts.push(running.ready_after);
                self.moved_to(running);
                Ok(())
            }
            Err(ended) => {
                self.load.told.found(Finding {
                    promise: "P3",
                    what: "the server does not start again".into(),
                    told: format!("{} facts", self.load.told.facts()),
                    found: format!("{:?} after {:?}: {}", ended.code, ended.took, ended.errors),
                });
                bail!("the server does not start again")
            }
        }
    }

    /// The same, under a tracer; an error is how it ended before it was ready.
    pub(crate) fn start_under(&mut self, tracer: Vec<String>) -> Result<(), Ended> {
        self.launch.under = tracer;
        let started = self.launch.start();
        self.launch.under.clear();
        self.moved_to(started?);
        Ok(())
    }

    pub(crate) fn moved_to(&mut self, running: Running) {
        self.load.moved_to(running.http);
        self.server = Some(running);
    }

    /// Declares what the callers need. Asking again changes nothing.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        let http = self.load.http();
        let names = self.callers.iter().map(|caller| caller.account.as_str()).chain(["sink"]);
        let accounts: Vec<Value> =
            names.map(|id| json!({ "id": id, "asset": "points", "floor": "none" })).collect();
        let coupon = json!({
            "name": "coupon", "initial": "issued",
            "states": { "issued": {}, "locked": {}, "used": { "final": true } },
            "moves": {
                "lock": { "from": ["issued"], "to": "locked" }, "unlock": { "from": ["locked"], "to": "issued" },
                "use": { "from": ["locked"], "to": "used" },
            },
        });
        for (path, body) in [
            ("/v1/assets", json!({ "code": "points", "scale": 0 })),
            ("/v1/accounts", json!({ "accounts": accounts })),
            ("/v1/machines", coupon),
        ] {
            let reply = http.try_post(path, &body)?;
            ensure!(reply.status == 200, "{path}: {}", reply.text);
        }
        Ok(())
    }

    /// Lets the callers work until `strike` has done its worst, then waits for them.
    pub(crate) fn work<T>(
        &mut self,
        strike: impl FnOnce(&mut Running, &Load) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let server = self.server.as_mut().context("no server")?;
        let load = &self.load;
        load.turn(Mode::Work);
        thread::scope(|scope| {
            for caller in &mut self.callers {
                scope.spawn(move || caller.work(load));
            }
            let struck = strike(server, load);
            load.turn(Mode::Stop);
            struck
        })
    }

    /// Reads back a part of what was told since the last look, and of what was told before it.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let mut keys: BTreeSet<Key> = self.chosen(self.load.told.take_fresh(), FRESH);
        keys.extend(self.chosen(self.load.told.all(), OLDER));
        for key in &keys {
            self.look(key)?;
        }
        let mut calls = self.load.shop.calls_after(self.calls_seen);
        self.calls_seen += calls.len();
        if let Some(cut) = self.load.deaf_since() {
            calls.retain(|call| call.at < cut);
        }
        self.random.shuffle(&mut calls);
        calls.truncate(FRESH);
        let mut found = BTreeMap::new();
        for call in &calls {
            let path = Kind::Transaction.path(&call.transaction);
            found.insert(call.transaction.clone(), self.read(&path)?);
        }
        self.checked += calls.len() as u64;
        for finding in calls::judge(&calls, &found) {
            self.load.told.found(finding);
        }
        self.load.hear_again();
        for (account, rows) in self.load.told.rows() {
            let told = &rows[rows.len().saturating_sub(LINES)..];
            let (account, lines) = reader::newest_lines(&self.load.http(), &account)?;
            self.judged(judge::journal(told, (&account, &lines), Extent::Newest), told.len());
        }
        Ok(())
    }

    /// So many of them, by chance.
    fn chosen(&mut self, mut keys: Vec<Key>, count: usize) -> BTreeSet<Key> {
        self.random.shuffle(&mut keys);
        keys.truncate(count);
        keys.into_iter().collect()
    }

    /// Reads one object and judges it.
    pub(crate) fn look(&mut self, (kind, id): &Key) -> anyhow::Result<()> {
        let now = self.read(&kind.path(id))?;
        let told = self.load.told.last(&(*kind, id.clone())).unwrap_or_default();
        let found = judge::follows(*kind, &told, now.as_ref());
        if let (None, Some(now)) = (&found, &now) {
            self.load.told.seen(*kind, now);
        }
        self.judged(found, 1);
        Ok(())
    }

    pub(crate) fn judged(&mut self, found: impl IntoIterator<Item = Finding>, facts: usize) {
        self.checked += facts as u64;
        for finding in found {
            self.load.told.found(finding);
        }
    }

    /// `None`: there is no such thing.
    pub(crate) fn read(&self, path: &str) -> anyhow::Result<Option<Value>> {
        reader::read(&self.load.http(), path)
    }

    /// What came of it.
    fn outcome(&self) -> Outcome {
        Outcome {
            runs: self.runs,
            facts: self.load.told.facts(),
            checked: self.checked,
            findings: self.load.told.findings(),
            restarts: self.restarts.clone(),
            notes: self.notes.clone(),
        }
    }
}
