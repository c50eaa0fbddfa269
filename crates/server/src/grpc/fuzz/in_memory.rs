//! The engine behind the door: journal and archive in memory, participants that do what they are asked at once, and no
//! answer is held.
//!
//! The replay of the corpus has it as a part of this room, the fuzz target by its path: shipped code does not know `journal`.

use std::sync::Arc;

use engine::archive::Archive;
use engine::{Answers, Config, Heard, Meters, Network, Parts, Running, SystemClock};
use transaction::{Call, Reply};

struct Participants;

impl Network for Participants {
    fn send(&self, calls: Vec<(Call, Heard)>) {
        for (_, heard) in calls {
            heard(Reply::Done { result: None });
        }
    }
}

/// Starts one.
pub(crate) fn engine() -> Running {
    let parts = Parts {
        journal: Box::new(journal::Memory::new()),
        archive: Archive::in_memory(),
        network: Box::new(Participants),
        clock: Box::new(|floor| Arc::new(SystemClock::starting_after(floor))),
        meters: Arc::new(Meters::default()),
        deliver: Box::new(Answers::give),
        on_fault: Box::new(|fault| panic!("{fault}")),
    };
    let config = Config { waiters_max: 0, ..Config::default() };
    engine::start(&config, parts).unwrap_or_else(|fault| panic!("the engine does not start: {fault}"))
}
