//! A full disk and kills on top: new work is refused in one word, nothing told is lost, and room brings the service back
//! without hand work, also when it is started while there is none.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::Context;

use crate::caller::Load;
use crate::image::Image;
use crate::patience::within;
use crate::report::Outcome;
use crate::run::Broken;
use crate::told::Finding;
use crate::world::{Setup, World, in_world};

const ROUNDS: u32 = 4;
const MIB: u64 = 256;

pub(crate) fn run(setup: &Setup) -> Result<Outcome, Broken> {
    let image = Image::new(MIB).map_err(|fault| (Outcome::default(), fault))?;
    let data = image.path().join("data");
    in_world((setup, "full"), Some(&data), |world| {
        world.start()?;
        world.prepare()?;
        for _ in 0..ROUNDS * setup.times {
            let filler = kill_while_full(world, &image)?;
            world.runs += 1;
            start_while_full(world, filler)?;
            serves_again(world)?;
            world.check()?;
        }
        let refused = world.load.full.load(std::sync::atomic::Ordering::Acquire);
        world.notes.push(format!("{refused} requests were refused with storage_full"));
        let settled = world.settle();
        world.server = None;
        settled
    })
}

/// Fills the disk under load; the file to remove.
fn kill_while_full(world: &mut World, image: &Image) -> anyhow::Result<PathBuf> {
    let pause = Duration::from_millis(world.random.u64(200..1_500));
    let filler = world.work(|server, _| {
        thread::sleep(Duration::from_millis(300));
        let filler = image.fill();
        thread::sleep(pause);
        server.kill();
        filler
    })?;
    world.server = None;
    Ok(filler)
}

/// It may wait for room at its start, but nobody has to start it again.
fn start_while_full(world: &mut World, filler: PathBuf) -> anyhow::Result<()> {
    let remover = thread::spawn(move || {
        thread::sleep(Duration::from_millis(1_500));
        fs::remove_file(filler)
    });
    let started = world.launch.start();
    remover.join().ok().context("the remover panicked")??;
    match started {
        Ok(running) => world.moved_to(running),
        Err(ended) => {
            let told = format!("{} facts", world.load.told.facts());
            let what = "started while the disk was full it does not come back once there is room".into();
            world.load.told.found(Finding { promise: "P5", what, told, found: format!("{ended:?}") });
            world.start()?;
        }
    }
    Ok(())
}

/// New work is taken again, by itself.
fn serves_again(world: &mut World) -> anyhow::Result<()> {
    let before = world.load.told.facts();
    let more = |load: &Load| (load.told.facts() > before + 20).then_some(());
    let taken = world.work(|_, load| Ok(within(Duration::from_secs(20), || more(load))))?;
    if taken.is_none() {
        let what = "there is room and new work is not taken".to_owned();
        world.load.told.found(Finding { promise: "P5", what, told: String::new(), found: String::new() });
    }
    Ok(())
}
