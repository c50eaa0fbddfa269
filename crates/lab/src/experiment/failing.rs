//! A disk that fails: writes or syncs of the journal that end in an error, from a certain one on.
//!
//! What a failed sync should have made durable is taken away before the restart, as a disk would: if it had been told, it
//! is found missing.

use std::fs;
use std::time::Duration;

use crate::frames;
use crate::report::Outcome;
use crate::run::Broken;
use crate::server::Ended;
use crate::strace::{On, Strike, failed_ago, words};
use crate::told::Finding;
use crate::world::{Setup, World, in_world};

const RUNS: u32 = 32;
const CALLS: &[&str] = &["fdatasync", "pwrite64"];
const ERRORS: &[&str] = &["EIO", "ENOSPC"];
/// P4.
const GONE_WITHIN: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(8);

pub(crate) fn run(setup: &Setup) -> Result<Outcome, Broken> {
    in_world((setup, "failing"), None, |world| {
        world.start()?;
        world.prepare()?;
        let mut slowest = Duration::ZERO;
        for round in 0..RUNS * setup.times {
            let number = usize::try_from(round)?;
            let (call, error) = (CALLS[number % 2], ERRORS[number / 2 % 2]);
            slowest = slowest.max(fail(world, call, error)?);
            world.runs += 1;
            world.start()?;
            world.check()?;
        }
        world.notes.push(format!("gone at most {} ms after the failure", slowest.as_millis()));
        world.settle()
    })
}

/// How long the process outlived the failure.
fn fail(world: &mut World, call: &str, error: &'static str) -> anyhow::Result<Duration> {
    if let Some(mut server) = world.server.take() {
        server.kill();
    }
    let count = world.random.u32(1..80);
    let log = world.launch.folder.join("trace");
    let tracer = words(call, (Strike::Fail(error), count), (On::Segments, &world.launch.data), &log);
    if let Err(ended) = world.start_under(tracer) {
        // The first calls are the start's own.
        judge_start(world, &ended);
        return Ok(Duration::ZERO);
    }
    let (ended, outlived) = world.work(|server, _| {
        let ended = server.wait_end(PATIENCE);
        let outlived = failed_ago(&log).unwrap_or_default();
        server.kill();
        Ok((ended, outlived))
    })?;
    world.server = None;
    let what = format!("{error} from the {count}. {call} on");
    match &ended {
        Some(ended) if ended.code == Some(3) && outlived <= GONE_WITHIN => {}
        // A write that found no room changed nothing, so the process may wait for room instead.
        None if (call, error) == ("pwrite64", "ENOSPC") => return Ok(Duration::ZERO),
        other => world.load.told.found(Finding {
            promise: "P4",
            what: format!("{what}: it does not end with 3 within {GONE_WITHIN:?}"),
            told: String::new(),
            found: format!("{outlived:?} after the failure: {other:?}"),
        }),
    }
    if call == "fdatasync" {
        let place = frames::last(&world.launch.data)?;
        let mut bytes = fs::read(&place.file)?;
        bytes[place.offset..place.offset + place.size].fill(0);
        fs::write(&place.file, bytes)?;
    }
    Ok(outlived)
}

/// A start that cannot write says so and ends; it does not panic.
fn judge_start(world: &World, ended: &Ended) {
    let refused = matches!(ended.code, Some(2 | 3)) && !ended.errors.contains("panicked");
    if !refused {
        world.load.told.found(Finding {
            promise: "P4",
            what: "a start on a failing disk neither serves nor ends in words".into(),
            told: String::new(),
            found: format!("{ended:?}"),
        });
    }
}
