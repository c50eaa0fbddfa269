//! `kill -9` just before a certain system call: between a write and its sync, between a sync and a rename, while starting.
//!
//! Where the call was the sync of a frame, that frame was never told and may be torn on the disk: it is torn.

use std::fs;
use std::time::Duration;

use fastrand::Rng;

use crate::frames;
use crate::report::Outcome;
use crate::run::Broken;
use crate::strace::{On, Strike, words};
use crate::world::{Setup, World, in_world};

/// A call, on what, and up to which one of a thread.
type Boundary = (&'static str, On, u32);

/// The sync of a frame: what it would have made durable may be torn.
const SYNC: Boundary = ("fdatasync", On::Segments, 60);
const BOUNDARIES: &[Boundary] = &[
    SYNC,
    ("pwrite64", On::Segments, 60),
    ("fdatasync", On::Everything, 60),
    ("pwrite64", On::Everything, 60),
    ("fsync", On::Everything, 30),
    ("write", On::Everything, 150),
    ("rename", On::Everything, 8),
    ("openat", On::Everything, 150),
    ("ftruncate", On::Everything, 3),
    ("unlink", On::Everything, 6),
];
const RUNS: u32 = 60;
/// A call that does not come within this time is not waited for.
const PATIENCE: Duration = Duration::from_millis(800);

pub(crate) fn run(setup: &Setup) -> Result<Outcome, Broken> {
    in_world((setup, "boundaries"), None, |world| {
        world.start()?;
        world.prepare()?;
        let (mut struck, mut torn) = (0, 0);
        for round in 0..RUNS * setup.times {
            // Every other run is the sync of a frame.
            let chosen = world.random.usize(0..BOUNDARIES.len());
            let boundary = if round % 2 == 0 { SYNC } else { BOUNDARIES[chosen] };
            if strike(world, boundary)? {
                struck += 1;
                if boundary == SYNC {
                    tear(world)?;
                    torn += 1;
                }
            }
            world.runs += 1;
            world.start()?;
            world.check()?;
        }
        world.notes.push(format!("{struck} while serving, {torn} of them with the last frame torn"));
        world.settle()
    })
}

/// Whether it was serving when it was struck. Ends it in any case.
fn strike(world: &mut World, (call, on, most): Boundary) -> anyhow::Result<bool> {
    if let Some(mut server) = world.server.take() {
        server.kill();
    }
    let count = world.random.u32(1..=most);
    let log = world.launch.folder.join("trace");
    let tracer = words(call, (Strike::Kill, count), (on, &world.launch.data), &log);
    if world.start_under(tracer).is_err() {
        return Ok(false);
    }
    world.work(|server, _| {
        let ended = server.wait_end(PATIENCE);
        server.kill();
        Ok(ended.is_some_and(|ended| ended.code.is_none()))
    })
}

/// Tears the last frame: from a random byte on it is as before, or nonsense, or some of its sectors are as before.
fn tear(world: &mut World) -> anyhow::Result<()> {
    let place = frames::last(&world.launch.data)?;
    let mut bytes = fs::read(&place.file)?;
    torn(&mut bytes[place.offset..place.offset + place.size], place.offset, &mut world.random);
    Ok(fs::write(&place.file, bytes)?)
}

const SECTOR: usize = 512;

fn torn(frame: &mut [u8], offset: usize, random: &mut Rng) {
    let at = random.usize(0..frame.len());
    match random.u8(0..3) {
        0 => frame[at..].fill(0),
        1 => random.fill(&mut frame[at..]),
        _ => {
            for (index, byte) in frame.iter_mut().enumerate() {
                if (offset + index) / SECTOR % 2 == at % 2 {
                    *byte = 0;
                }
            }
        }
    }
}
