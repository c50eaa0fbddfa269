//! A file system held still for two seconds, as a snapshot does: nothing is told meanwhile, and afterwards all goes on.

use std::thread;
use std::time::{Duration, Instant};

use crate::image::Image;
use crate::patience::within;
use crate::report::Outcome;
use crate::run::Broken;
use crate::told::Finding;
use crate::world::{Setup, World, in_world};

const ROUNDS: u32 = 4;
const MIB: u64 = 300;
/// Answers whose frames were written before may still be on their way, for longer where the machine is busy: so long after the
/// last of them it counts as quiet.
const QUIET: Duration = Duration::from_millis(700);
/// Who is still told things then is told what is not durable.
const QUIET_WITHIN: Duration = Duration::from_secs(10);
const STILL: Duration = Duration::from_millis(1_300);

pub(crate) fn run(setup: &Setup) -> Result<Outcome, Broken> {
    let image = Image::new(MIB).map_err(|fault| (Outcome::default(), fault))?;
    let data = image.path().join("data");
    in_world((setup, "still"), Some(&data), |world| {
        world.start()?;
        world.prepare()?;
        for round in 0..ROUNDS * setup.times {
            hold_still(world, &image)?;
            world.runs += 1;
            if round % 2 == 0 {
                world.server = None;
                world.start()?;
            }
            world.check()?;
        }
        let settled = world.settle();
        world.server = None;
        settled
    })
}

/// Every other time by chance it is killed while held still: it ends once the file system is let go.
fn hold_still(world: &mut World, image: &Image) -> anyhow::Result<()> {
    let (before, during, after) = world.work(|_, load| {
        thread::sleep(Duration::from_millis(300));
        image.hold_still()?;
        let before = quiet(|| load.told.facts());
        thread::sleep(STILL);
        let during = load.told.facts();
        image.let_go()?;
        let after = within(Duration::from_secs(10), || (load.told.facts() > during + 20).then_some(()));
        Ok((before, during, after))
    })?;
    let broken = |promise, what: &str| {
        world.load.told.found(Finding {
            promise,
            what: what.into(),
            told: format!("{before} facts, then {during}"),
            found: String::new(),
        });
    };
    if during > before {
        broken("P2", "something was told while nothing could be written");
    }
    if after.is_none() {
        broken("P16", "it does not go on once writes are taken again");
    }
    Ok(())
}

/// How many facts there are once no more come.
fn quiet(facts: impl Fn() -> u64) -> u64 {
    let end = Instant::now() + QUIET_WITHIN;
    loop {
        let known = facts();
        thread::sleep(QUIET);
        if facts() == known || Instant::now() > end {
            return known;
        }
    }
}
