//! The kills: who dies when, and how long it stays down.
//!
//! The schedule goes by the share of orders finished, so that a slow machine sees the same story as a fast one.
//! It decides nothing about single calls; those faults are `participant/faults.rs`. Read next: `shop.rs`.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::args::Role;
use super::orders::Run;
use super::shop::{Shop, Victim};
use super::stage::Stage;

/// One blow: at this share of the orders, these die together.
struct Strike {
    at_per_cent: u32,
    victims: &'static [Victim],
    down_ms: u64,
}

const SCHEDULE: &[Strike] = &[
    Strike { at_per_cent: 10, victims: &[Victim::Coordinator], down_ms: 0 },
    Strike { at_per_cent: 22, victims: &[Victim::Participant(Role::Order)], down_ms: 700 },
    Strike { at_per_cent: 35, victims: &[Victim::Coordinator], down_ms: 0 },
    Strike { at_per_cent: 47, victims: &[Victim::Participant(Role::Payment)], down_ms: 600 },
    Strike { at_per_cent: 58, victims: &[Victim::Coordinator], down_ms: 400 },
    Strike { at_per_cent: 70, victims: &[Victim::Participant(Role::Payment)], down_ms: 300 },
    Strike { at_per_cent: 80, victims: &[Victim::Participant(Role::Order)], down_ms: 500 },
    Strike {
        at_per_cent: 90,
        victims: &[Victim::Coordinator, Victim::Participant(Role::Payment)],
        down_ms: 300,
    },
];

/// Walks through the schedule as the run goes on.
pub(crate) struct Strikes {
    next: usize,
    up_at: Option<Instant>,
}

impl Strikes {
    /// Before the first blow.
    pub(crate) fn new() -> Strikes {
        Strikes { next: 0, up_at: None }
    }

    /// Does what is due now: a blow, or the revival after it. `Err` when a process does not come back.
    pub(crate) fn step(&mut self, shop: &mut Shop, run: &Run, stage: &Stage) -> anyhow::Result<()> {
        let Some(strike) = SCHEDULE.get(self.next) else { return Ok(()) };
        match self.up_at {
            None => {
                let finished = u64::from(run.finished.load(Ordering::SeqCst)) * 100;
                if finished >= u64::from(strike.at_per_cent) * run.orders.len() as u64 {
                    for victim in strike.victims {
                        hit(*victim, shop, run, stage);
                    }
                    self.up_at = Some(Instant::now() + Duration::from_millis(strike.down_ms));
                }
            }
            Some(up_at) if Instant::now() >= up_at => {
                for victim in strike.victims {
                    let took = shop.revive(*victim)?;
                    let after = match *victim {
                        Victim::Coordinator => {
                            let open =
                                shop.open_transactions().map_or("?".to_owned(), |open| open.to_string());
                            format!("ready in {} ms, {open} open transactions recovered", took.as_millis())
                        }
                        Victim::Participant(_) => {
                            format!("on its old port, after {} ms down", strike.down_ms)
                        }
                    };
                    stage.say(&format!("{:<11} restarted, {after}", victim.name()));
                }
                self.next += 1;
                self.up_at = None;
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Whether something is down that must come back.
    pub(crate) fn is_down(&self) -> bool {
        self.up_at.is_some()
    }
}

fn hit(victim: Victim, shop: &mut Shop, run: &Run, stage: &Stage) {
    let open = run.open.load(Ordering::SeqCst);
    shop.kill(victim);
    if victim == Victim::Coordinator {
        run.kills.fetch_add(1, Ordering::SeqCst);
    }
    stage.say(&format!("{:<11} killed (-9) with {open} orders under way", victim.name()));
}
