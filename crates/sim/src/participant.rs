//! A participant: business rows and barrier rows in one database, changed together, asked over a network that is not kind.
//!
//! It runs the barrier of the participant crate (`participant::barrier::enter`) over rows in memory. Its database is not
//! what is under test: a local transaction happens wholly or not at all, one after another.
//! Read next: `participant/rows.rs`, and `world/traffic.rs`, which brings it calls.

mod rows;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use participant::barrier::{Entry, Hazard, Places, Record, enter, keep, refuse};
use participant::call::{Answer, Branch, Call, Content, Refused};
use transaction::{Operation, Pattern, Reply};

use self::rows::{InMemory, at_once};
use crate::dice::Dice;
use crate::plan::{Fault, Plan};
use crate::sight::{Sight, Sights};

/// How long a record is kept at least, in milliseconds: longer than anything that could still arrive.
pub(crate) const HORIZON_MS: u64 = 200_000;

/// One call as it arrives.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) transaction: Arc<str>,
    pub(crate) branch: Arc<str>,
    pub(crate) operation: &'static str,
}

/// What one branch did here.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pattern: Pattern,
    places: Places,
    since: i64,
    /// How often the business change of try, confirm and cancel ran.
    pub(crate) ran: [u32; 3],
}

/// A participant.
#[derive(Default)]
pub(crate) struct Participant {
    pub(crate) rows: HashMap<(Arc<str>, Arc<str>), Row>,
    /// Branches whose record was removed once it was past its horizon.
    pub(crate) forgotten: HashSet<(Arc<str>, Arc<str>)>,
    /// It is gone until then.
    pub(crate) gone_until: i64,
}

/// What is wrong with a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poison {
    Sound,
    /// Its second phase fails until healing.
    Fails,
    /// Its second phase is refused until healing.
    Refuses,
    /// Its second phase fails for ever: a person must look.
    ForEver,
}

impl Poison {
    /// Drawn for each branch.
    pub(crate) fn of(plan: &Plan, transaction: &str, branch: &str) -> Poison {
        let mut dice = Dice::of(plan.seed, "poison", &[digest(transaction), digest(branch)]);
        if !plan.strikes(Fault::Poison, &mut dice) {
            return Poison::Sound;
        }
        *dice.pick(&[Poison::Fails, Poison::Fails, Poison::Refuses, Poison::ForEver])
    }
}

/// A number that stands for a text.
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// What the business says to a try.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Business {
    Willing,
    Refuses,
}

/// When a call arrives, and whether faults are over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: i64,
    pub(crate) is_healed: bool,
}

impl Participant {
    /// Takes one call; what it answers.
    pub(crate) fn take(
        &mut self,
        delivery: &Delivery,
        (plan, moment): (&Plan, Moment),
        sights: &mut Sights,
    ) -> Reply {
        let Some((pattern, operation)) = Operation::read(delivery.operation) else {
            return unknown("no such operation");
        };
        let poison = Poison::of(plan, &delivery.transaction, &delivery.branch);
        let holds_back = match poison {
            Poison::Sound => false,
            Poison::Fails | Poison::Refuses => !moment.is_healed,
            Poison::ForEver => true,
        };
        if operation != Operation::Try && holds_back {
            return if poison == Poison::Refuses { refused("not today") } else { unknown("500") };
        }
        let key = (Arc::clone(&delivery.transaction), Arc::clone(&delivery.branch));
        let row = self.rows.entry(key).or_insert_with(|| Row {
            pattern,
            places: Places::default(),
            since: moment.now,
            ran: [0; 3],
        });
        let before = row.record();
        let mut dice =
            Dice::of(plan.seed, "business", &[digest(&delivery.transaction), digest(&delivery.branch)]);
        let business = match operation {
            Operation::Try if plan.strikes(Fault::Refuse, &mut dice) => Business::Refuses,
            _ => Business::Willing,
        };
        let entry = row.pass(&call(delivery, (pattern, operation)), business);
        see(&entry, (before, operation), sights);
        if row.record() != before {
            row.since = moment.now;
        }
        reply(&entry)
    }

    /// Removes records that no late call can meet any more.
    pub(crate) fn clean(&mut self, now: i64) {
        let forgotten = &mut self.forgotten;
        self.rows.retain(|key, row| {
            let age_ms = u64::try_from((now - row.since) / 1_000).unwrap_or(0);
            let goes = row.record().may_be_forgotten(age_ms, HORIZON_MS);
            if goes {
                forgotten.insert(key.clone());
            }
            !goes
        });
    }
}

fn slot(operation: Operation) -> usize {
    match operation {
        Operation::Try | Operation::Check => 0,
        Operation::Confirm => 1,
        Operation::Cancel => 2,
    }
}

/// A call as the participant crate reads it. The body of an operation is always the same here.
fn call(delivery: &Delivery, (pattern, operation): (Pattern, Operation)) -> Call {
    let branch =
        Branch { transaction: delivery.transaction.to_string(), branch: delivery.branch.to_string() };
    Call { branch, pattern, operation, attempt: 1, content: Content::of(b"{}") }
}

impl Row {
    /// What the branch's rows say.
    pub(crate) fn record(&self) -> Record {
        self.places.record(self.pattern)
    }

    /// Takes a call through the barrier to the business, in one local transaction.
    fn pass(&mut self, call: &Call, business: Business) -> Entry {
        let before = self.places.clone();
        let entry = at_once(enter(&mut InMemory(&mut self.places), call));
        if entry == Entry::Run && business == Business::Refuses {
            self.places = before;
            let refused = Refused { code: "sold_out".to_owned(), detail: "sold out".to_owned() };
            return at_once(refuse(&mut InMemory(&mut self.places), call, &refused));
        }
        match entry {
            Entry::Run => {
                self.ran[slot(call.operation)] += 1;
                at_once(keep(&mut InMemory(&mut self.places), call, b"{}"));
            }
            Entry::Refuse(_) | Entry::Contended => self.places = before,
            Entry::Void(_) | Entry::Repeat(_) | Entry::Mismatch(_) => {}
        }
        entry
    }
}

fn reply(entry: &Entry) -> Reply {
    match entry {
        Entry::Run => done(),
        Entry::Void(answer) | Entry::Repeat(answer) => told(answer),
        Entry::Mismatch(_) => refused("content_mismatch"),
        Entry::Refuse(hazard) => refused(hazard.name()),
        Entry::Contended => unknown("contended"),
    }
}

fn told(answer: &Answer) -> Reply {
    if answer.status.is_success() { done() } else { refused("sold out") }
}

fn see(entry: &Entry, (record, operation): (Record, Operation), sights: &mut Sights) {
    match (entry, record, operation) {
        (Entry::Void(_), Record::Blank, Operation::Cancel) => sights.see(Sight::CancelBeforeTry),
        (Entry::Refuse(Hazard::LateTry), ..) => sights.see(Sight::LateTry),
        (Entry::Refuse(Hazard::ConfirmWithoutTry), ..) => sights.see(Sight::ConfirmWithoutTry),
        (Entry::Repeat(_), _, Operation::Try) => sights.see(Sight::DuplicateTry),
        (Entry::Repeat(_), _, Operation::Confirm) => sights.see(Sight::DuplicateConfirm),
        (Entry::Repeat(_), _, Operation::Cancel) => sights.see(Sight::DuplicateCancel),
        _ => {}
    }
}

pub(crate) fn done() -> Reply {
    Reply::Done { result: None }
}

pub(crate) fn refused(why: &str) -> Reply {
    Reply::Refused { detail: Arc::from(why) }
}

pub(crate) fn unknown(why: &str) -> Reply {
    Reply::Unknown { error: Arc::from(why) }
}
