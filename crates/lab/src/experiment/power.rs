//! Power cuts: an ext4 of our own is cut from its disk under load, unmounted, mounted again.
//!
//! Only what was heard before the cut counts as told. That the cut cuts is proved by files that nobody synced;
//! that a loss would be seen, once before, by a server whose syncs do nothing.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::image::Image;
use crate::report::Outcome;
use crate::run::Broken;
use crate::strace::{On, Strike, words};
use crate::world::{Setup, World, in_world};

const CUTS: u32 = 34;
const MIB: u64 = 400;
const UNSYNCED: &[u8] = b"nobody synced this";

/// A server whose syncs do nothing has lost something after so many cuts.
const BLIND: u32 = 5;

pub(crate) fn run(setup: &Setup) -> Result<Outcome, Broken> {
    let seen = sees_a_loss(setup).map_err(|fault| (Outcome::default(), fault))?;
    let image = Image::new(MIB).map_err(|fault| (Outcome::default(), fault))?;
    let data = image.path().join("data");
    in_world((setup, "power"), Some(&data), |world| {
        world.notes.push(format!("a server whose syncs do nothing was found out after {seen} cuts"));
        world.start()?;
        world.prepare()?;
        let mut lost = 0;
        for _ in 0..CUTS * setup.times {
            lost += u32::from(cut(world, &image)?);
            world.runs += 1;
            world.start()?;
            world.check()?;
        }
        ensure!(lost * 2 > world.runs, "only {lost} cuts lost what nobody had synced: they are no cuts");
        world.notes.push(format!("{lost} cuts lost a file that nobody had synced"));
        let settled = world.settle();
        world.server = None;
        settled
    })
}

/// Whether a file was lost that nobody synced.
fn cut(world: &mut World, image: &Image) -> anyhow::Result<bool> {
    let cutter = image.cutter()?;
    let pause = Duration::from_millis(world.random.u64(5..200));
    // A new name for each: ext4 writes a file that was truncated and written anew out as soon as it is closed.
    let unsynced = image.path().join(format!("unsynced-{}", world.runs));
    world.work(|server, load| {
        thread::sleep(pause);
        fs::write(&unsynced, UNSYNCED)?;
        load.hear_nothing();
        cutter.cut()?;
        // It notices by itself, at its next sync; a moment for that, as a lamp goes on burning for one.
        server.wait_end(Duration::from_millis(30));
        server.kill();
        Ok(())
    })?;
    world.server = None;
    image.unmount()?;
    image.mount().context("after a cut")?;
    // Its name may be there, since the server's own syncs take it along; all of it only when somebody synced everything.
    Ok(fs::read(&unsynced).unwrap_or_default() != UNSYNCED)
}

/// Proves that the experiment is not blind; after how many cuts it saw something.
fn sees_a_loss(setup: &Setup) -> anyhow::Result<u32> {
    let image = Image::new(MIB)?;
    let mut world = World::new(setup, "lying", Some(&image.path().join("data")))?;
    for cuts in 1..=BLIND {
        let lie = (Strike::Lie, 1);
        let log = world.launch.folder.join("trace");
        let tracer = words("fdatasync,fsync", lie, (On::Everything, &world.launch.data), &log);
        if world.start_under(tracer).is_err() {
            return Ok(cuts);
        }
        world.prepare()?;
        cut(&mut world, &image)?;
        // Not to start, or to find nothing to read, is to see it too.
        let is_seen =
            world.start().is_err() || world.check().is_err() || !world.load.told.findings().is_empty();
        world.server = None;
        if is_seen {
            return Ok(cuts);
        }
    }
    bail!("syncs that do nothing lost nothing in {BLIND} cuts: the experiment is blind")
}
