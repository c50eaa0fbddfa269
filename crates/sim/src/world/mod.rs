//! One history: a process, participants, initiators, a network, disks and clocks, all of them under one seed.
//!
//! One thread, true time in a queue; whatever happens is judged at once. First a calm setup, then activity with faults,
//! then healing, and an end at which everything must be settled.
//! Read `happening.rs` (the queue), `lives.rs` (the process), `traffic.rs` (the network), `actors.rs`, `mishaps.rs`.

mod actors;
mod happening;
mod lives;
mod mishaps;
mod probe;
mod traffic;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use engine::Meters;

use crate::auditor::Auditor;
use crate::clock::TrueTime;
use crate::cuts::Cuts;
use crate::dice::Dice;
use crate::log::Watch;
use crate::participant::Participant;
use crate::plan::Plan;
use crate::process::{Ask, Life, Setup, Trays};
use crate::script::{Actor, Script};
use crate::storage::Storage;
use crate::transcript::{BEGINNING, Keep, Transcript};
use crate::violation::{Judged, Must};
use actors::Standing;
use happening::{CallNumber, Happening, Queue};
use mishaps::{Doom, Mishap};
use traffic::{Partition, UnderWay};

/// How long things go wrong after the setup, in microseconds.
const ACTIVITY: i64 = 7_000_000;
/// How long after healing everything must be settled at the latest, in microseconds by the process's own clock: *T* of the
/// promises (the longest retry here is 3 s, a breaker's pause 5 s), and what actors still set out to do.
const SETTLING: i64 = 60_000_000;

/// What a store that failed is left alone for, by the process's own clock: it is asked again after that.
const REST: i64 = 1_500_000;

/// How far a history has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing fails yet.
    Setup,
    /// Faults strike.
    Active,
    /// Nothing fails any more.
    Healed,
    /// It is over.
    Over,
}

/// A world and its history so far.
pub(crate) struct World<'a> {
    plan: &'a Plan,
    actors: Vec<Actor>,
    accounts: Vec<Arc<str>>,
    standings: Vec<Standing>,
    setup: Setup,
    stage: Stage,
    time: TrueTime,
    queue: Queue,
    transcript: Transcript,
    pub(crate) auditor: Auditor,
    dice: Dice,

    storage: Storage,
    life: Option<Life>,
    /// Which life it is, from 1.
    lives: u64,
    trays: Trays,
    watch: Watch,
    meters: Arc<Meters>,
    /// The process stands still until then.
    paused_until: i64,
    /// A sync is under way.
    is_syncing: bool,
    /// When the process next has something due, as it is in the queue.
    due_at: Option<i64>,
    doom: Option<Doom>,
    /// Where the power goes, where that is told.
    cuts: Cuts,
    /// How often the disks had failed a call when this life began.
    struck_before: u64,
    /// The disk was full, and is no longer: new work should be taken again.
    awaits_room: bool,
    is_full: bool,
    /// The archive's tables cannot be written.
    is_archive_sick: bool,
    /// The archive was lost before this start.
    is_archive_lost: bool,

    participants: HashMap<String, Participant>,
    calls: BTreeMap<CallNumber, UnderWay>,
    next_call: CallNumber,
    partition: Option<Partition>,
    /// What had been told when a request was made.
    floors: BTreeMap<Ask, u64>,
    mishaps: Vec<Mishap>,
    healed_at: i64,
}

/// What one history came to.
pub(crate) struct Outcome {
    pub(crate) judged: Judged,
    pub(crate) digest: u64,
    pub(crate) lines: Vec<String>,
    pub(crate) auditor: Auditor,
}

/// What a history is made of.
pub(crate) struct Course<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) script: Script,
    pub(crate) setup: Setup,
    pub(crate) cuts: Cuts,
    pub(crate) keep: Keep,
}

/// Lives one history through.
pub(crate) fn live(course: Course<'_>) -> Outcome {
    let mut world = World::new(course);
    let judged = world.run();
    if let Err(violation) = &judged {
        let now = world.time.now();
        world.transcript.tell(now, 0, || violation.to_string());
    }
    Outcome {
        judged,
        digest: world.transcript.digest(),
        lines: world.transcript.into_lines(),
        auditor: world.auditor,
    }
}

impl<'a> World<'a> {
    fn new(course: Course<'a>) -> World<'a> {
        let Course { plan, script, setup, cuts, keep } = course;
        let first = Actor { name: "setup".to_owned(), at: 0, steps: script.setup };
        let actors: Vec<Actor> = std::iter::once(first).chain(script.actors).collect();
        let standings = actors.iter().map(|_| Standing::default()).collect();
        let time = TrueTime::default();
        time.set(BEGINNING);
        World {
            plan,
            standings,
            actors,
            accounts: script.accounts,
            setup,
            stage: Stage::Setup,
            time,
            queue: Queue::default(),
            transcript: Transcript::new(keep),
            auditor: Auditor::default(),
            dice: Dice::of(plan.seed, "world", &[]),
            storage: Storage::default(),
            life: None,
            lives: 0,
            trays: Trays::default(),
            watch: Watch::default(),
            meters: Arc::default(),
            paused_until: 0,
            is_syncing: false,
            due_at: None,
            doom: None,
            cuts,
            struck_before: 0,
            awaits_room: false,
            is_full: false,
            is_archive_sick: false,
            is_archive_lost: false,
            participants: HashMap::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            partition: None,
            floors: BTreeMap::new(),
            mishaps: Vec::new(),
            healed_at: i64::MAX,
        }
    }

    fn now(&self) -> i64 {
        self.time.now()
    }

    /// Whether faults strike now.
    fn is_active(&self) -> bool {
        self.stage == Stage::Active
    }

    fn run(&mut self) -> Judged {
        self.start_process()?;
        self.queue.put(self.now(), Happening::Act(0, 0));
        while self.stage != Stage::Over {
            let Some((at, happening)) = self.queue.take() else { break };
            self.time.set(at.max(self.now()));
            self.happens(happening)?;
        }
        self.end()
    }

    fn happens(&mut self, happening: Happening) -> Judged {
        match happening {
            Happening::Act(actor, step) => self.acts(actor, step),
            Happening::Request(ask) => self.requested(ask),
            Happening::Answer(ask, told) => self.answered(ask, &told),
            Happening::Impatience(ask) => self.impatient(ask),
            Happening::Call(number, delivery) => self.call_arrives(number, &delivery),
            Happening::Reply(number, reply) => self.reply_arrives(number, reply),
            Happening::TimeOut(number) => self.timed_out(number),
            Happening::OwnTry(ask, own) => self.own_try(ask, &own),
            Happening::Due(life) => self.due(life),
            Happening::Synced(life) => self.synced(life),
            Happening::Behind(life) => self.behind(life),
            Happening::Mishap(index) => self.mishap(index),
            Happening::Over(index) => self.mishap_over(index),
            Happening::Start => self.start_process(),
            Happening::Heal => self.heal(),
            Happening::Look => self.look(),
        }
    }

    /// The setup is done: actors begin, faults strike.
    fn begin_activity(&mut self) {
        self.stage = Stage::Active;
        let now = self.now();
        for (index, actor) in self.actors.iter().enumerate().skip(1) {
            self.queue.put(now + actor.at, Happening::Act(index, 0));
        }
        self.mishaps = mishaps::drawn(self.plan, ACTIVITY);
        for (index, mishap) in self.mishaps.iter().enumerate() {
            self.queue.put(now + mishap.at, Happening::Mishap(index));
        }
        self.healed_at = now + ACTIVITY;
        self.queue.put(self.healed_at, Happening::Heal);
    }

    /// Looks whether everything is settled.
    fn look(&mut self) -> Judged {
        let now = self.now();
        self.participants.values_mut().for_each(|participant| participant.clean(now));
        let is_done = self.standings.iter().all(|standing| standing.is_done);
        let slowness = self.life.as_ref().map_or(1, |life| life.clock.slowness());
        let is_up = self.life.is_some() && self.paused_until <= now;
        let is_rested = now > self.healed_at + REST * slowness;
        if is_done && is_up && is_rested && self.auditor.is_settled(self.plan) {
            self.stage = Stage::Over;
            return Ok(());
        }
        if now > self.healed_at + SETTLING * slowness {
            self.auditor.all_settled(self.plan)?;
            let waiting = self.standings.iter().position(|standing| !standing.is_done);
            return waiting.is_none().must("P16", || {
                let actor = waiting.map(|index| self.actors[index].name.clone());
                format!("faults are long over, and {actor:?} still waits for an answer")
            });
        }
        self.queue.put(now + 400_000, Happening::Look);
        Ok(())
    }
}
