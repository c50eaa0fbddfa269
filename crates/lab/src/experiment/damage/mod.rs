//! Damaged copies of a data folder. A start serves all that was told, or refuses and names the file; nothing else.
//!
//! Two folders are damaged. In the one *told*, everything was told, is durable, and the archive knows it: nothing of it may
//! be cut. In the one *untold*, the last frame was written and its sync never ended: it may be torn anywhere, is cut, and
//! all else is served. Read next: `damage/blow.rs` (what is done to a copy), `damage/verdict.rs`.

mod blow;
mod verdict;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};

use self::blow::{Blow, Pattern};
use self::verdict::Verdict;
use crate::report::Outcome;
use crate::run::Broken;
use crate::server::Launch;
use crate::strace::{On, Strike, words};
use crate::told::Told;
use crate::world::{Setup, World, in_world};

/// The archive makes durable what it took in every two seconds.
const ARCHIVED: Duration = Duration::from_millis(4_500);
const SIDE_BY_SIDE: usize = 2;

/// A folder to be damaged, and what was told of it.
struct Base {
    /// What is done to it, each time to a copy.
    blows: Vec<Blow>,
    pattern: Pattern,
    told: Told,
}

pub(crate) fn run(setup: &Setup) -> Result<Outcome, Broken> {
    in_world((setup, "damage"), None, |world| {
        let bases = [told(world, setup.times)?, untold(world, setup.times)?];
        let count: usize = bases.iter().map(|base| base.blows.len()).sum();
        ensure!(count >= 500, "only {count} copies");
        strike_all(world, &bases)
    })
}

/// A folder in which all that was told is durable in the archive too.
fn told(world: &mut World, times: u32) -> anyhow::Result<Base> {
    world.start()?;
    world.prepare()?;
    let before = archived(world)?;
    world.start()?;
    let pattern = archived(world)?;
    let data = &world.launch.data;
    let mut blows = Vec::new();
    for _ in 0..times {
        blows.extend(blow::on_told(data, (&pattern, &before), &mut world.random)?);
    }
    Ok(Base { blows, pattern, told: world.load.told.copy() })
}

/// Works for a moment, lets the archive catch up, kills.
fn archived(world: &mut World) -> anyhow::Result<Pattern> {
    world.work(|_, _| {
        thread::sleep(Duration::from_millis(1_000));
        Ok(())
    })?;
    thread::sleep(ARCHIVED);
    world.server = None;
    Pattern::of(&world.launch.data)
}

/// The same a little later, killed between the write and the sync of a frame.
fn untold(world: &mut World, times: u32) -> anyhow::Result<Base> {
    let log = world.launch.folder.join("trace");
    let tracer = words("fdatasync", (Strike::Kill, 40), (On::Segments, &world.launch.data), &log);
    world.start_under(tracer).ok().context("not started under the tracer")?;
    let ended = world.work(|server, _| Ok(server.wait_end(Duration::from_secs(20))))?;
    ensure!(ended.is_some_and(|ended| ended.code.is_none()), "the tracer did not kill it");
    world.server = None;
    let data = &world.launch.data;
    let mut blows = Vec::new();
    for _ in 0..times {
        blows.extend(blow::on_untold(data, &mut world.random)?);
    }
    Ok(Base { blows, pattern: Pattern::of(data)?, told: world.load.told.copy() })
}

fn strike_all(world: &mut World, bases: &[Base]) -> anyhow::Result<()> {
    let waiting = Mutex::new(bases.iter().flat_map(|base| base.blows.iter().map(move |blow| (base, blow))));
    let verdicts = Mutex::new(Vec::new());
    let launch = &world.launch;
    thread::scope(|scope| {
        let strikers: Vec<_> = (0..SIDE_BY_SIDE)
            .map(|_| {
                scope.spawn(|| {
                    let folder = tempfile::tempdir()?;
                    loop {
                        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((base, blow)) = next else { return anyhow::Ok(()) };
                        let verdict = strike(launch, (base, blow), folder.path())?;
                        verdicts.lock().unwrap_or_else(PoisonError::into_inner).push(verdict);
                    }
                })
            })
            .collect();
        strikers.into_iter().try_for_each(|striker| striker.join().ok().context("a striker panicked")?)
    })?;
    gather(world, verdicts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn gather(world: &mut World, verdicts: Vec<Verdict>) -> anyhow::Result<()> {
    world.runs += u32::try_from(verdicts.len())?;
    let (mut served, mut refused, mut late) = (0, 0, Vec::new());
    for verdict in verdicts {
        match verdict {
            Verdict::Served { checked, after } => {
                served += 1;
                world.checked += checked;
                world.restarts.push(after);
            }
            Verdict::Refused => refused += 1,
            Verdict::Late(said) => late.push(said),
            Verdict::Broken(finding) => world.load.told.found(*finding),
        }
    }
    let late_ones = late.len();
    world.notes.push(format!(
        "{served} served all that was told, {refused} refused to start, {late_ones} said so when asked"
    ));
    world.notes.extend(late.into_iter().take(3));
    Ok(())
}

/// Damages a copy, starts it, and looks.
fn strike(launch: &Launch, (base, blow): (&Base, &Blow), folder: &Path) -> anyhow::Result<Verdict> {
    let data = folder.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    base.pattern.write(&data)?;
    blow.fall(&data)?;
    let launch = Launch { folder: folder.to_owned(), data, ..launch.clone() };
    Ok(verdict::of(&launch, &base.told, blow))
}
