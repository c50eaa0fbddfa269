//! `kill -9` at random instants under load, with one frame in flight and with four. In passing: a second process on the
//! folder is refused.

use std::thread;
use std::time::Duration;

use crate::report::Outcome;
use crate::run::Broken;
use crate::told::Finding;
use crate::world::{Setup, World, in_world};

const KILLS: u32 = 110;
/// One of so many rounds also tries a second process.
const SECOND: u32 = 20;
/// Every other start.
const FOUR: [&str; 2] = ["--journal-frames-in-flight", "4"];

pub(crate) fn run(setup: &Setup) -> Result<Outcome, Broken> {
    in_world((setup, "kills"), None, |world| {
        world.start()?;
        world.prepare()?;
        let flags = world.launch.flags.len();
        for round in 0..KILLS * setup.times {
            world.launch.flags.truncate(flags);
            if round % 2 == 1 {
                world.launch.flags.extend(FOUR.map(str::to_owned));
            }
            if round % SECOND == 0 {
                second(world);
            }
            let pause = Duration::from_millis(world.random.u64(5..150));
            world.work(|server, _| {
                thread::sleep(pause);
                server.kill();
                Ok(())
            })?;
            world.runs += 1;
            world.start()?;
            world.check()?;
        }
        world.settle()
    })
}

/// Another process on the same folder must be refused, and name who has it.
fn second(world: &World) {
    let found = match world.launch.start() {
        Ok(_) => "it serves".to_owned(),
        Err(ended) if ended.code == Some(2) && ended.errors.contains("is in use by pid") => return,
        Err(ended) => format!("{ended:?}"),
    };
    let what = "a second process on the folder was not refused".to_owned();
    world.load.told.found(Finding { promise: "P6", what, told: String::new(), found });
}
