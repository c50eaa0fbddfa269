//! A participant: business rows and barrier rows in one database, changed together, asked over a network that is not kind.
//!
//! It follows the barrier rule of `transaction::barrier` and nothing else. Its database is not what is under test: a
//! local transaction happens wholly or not at all. Read next: `world/traffic.rs`, which brings it calls.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use transaction::barrier::{Hazard, Ran, Record, Ruling};
use transaction::{Operation, Pattern, Reply};

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
    pub(crate) record: Record,
    /// What its try was answered.
    answer: Reply,
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

/// What a word on the wire asks for.
pub(crate) fn operation_of(word: &str) -> Option<(Pattern, Operation)> {
    Some(match word {
        "try" => (Pattern::Tcc, Operation::Try),
        "confirm" => (Pattern::Tcc, Operation::Confirm),
        "cancel" => (Pattern::Tcc, Operation::Cancel),
        "action" => (Pattern::Saga, Operation::Try),
        "compensate" => (Pattern::Saga, Operation::Cancel),
        "deliver" => (Pattern::Message, Operation::Confirm),
        _ => return None,
    })
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
        let Some((pattern, operation)) = operation_of(delivery.operation) else {
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
            record: Record::Blank,
            answer: Reply::InProgress,
            since: moment.now,
            ran: [0; 3],
        });
        let ruling = row.record.rule(pattern, operation);
        see(ruling, (row.record, operation), sights);
        match ruling {
            Ruling::Refuse(hazard) => return refused(hazard.name()),
            Ruling::Repeat if operation == Operation::Try => return row.answer.clone(),
            Ruling::Repeat => return done(),
            Ruling::Run | Ruling::Void => {}
        }
        let mut dice =
            Dice::of(plan.seed, "business", &[digest(&delivery.transaction), digest(&delivery.branch)]);
        let refuses = operation == Operation::Try && plan.strikes(Fault::Refuse, &mut dice);
        let ran = if refuses { Ran::Refused } else { Ran::Done };
        if ruling == Ruling::Run && ran == Ran::Done {
            row.ran[slot(operation)] += 1;
        }
        row.record = row.record.after(operation, ran);
        row.since = moment.now;
        let answer = if refuses { refused("sold out") } else { done() };
        if operation == Operation::Try {
            row.answer = answer.clone();
        }
        answer
    }

    /// Removes records that no late call can meet any more.
    pub(crate) fn clean(&mut self, now: i64) {
        let forgotten = &mut self.forgotten;
        self.rows.retain(|key, row| {
            let age_ms = u64::try_from((now - row.since) / 1_000).unwrap_or(0);
            let goes = row.record.may_be_forgotten(age_ms, HORIZON_MS);
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

fn see(ruling: Ruling, (record, operation): (Record, Operation), sights: &mut Sights) {
    match (ruling, record, operation) {
        (Ruling::Void, Record::Blank, _) => sights.see(Sight::CancelBeforeTry),
        (Ruling::Refuse(Hazard::LateTry), ..) => sights.see(Sight::LateTry),
        (Ruling::Refuse(Hazard::ConfirmWithoutTry), ..) => sights.see(Sight::ConfirmWithoutTry),
        (Ruling::Repeat, _, Operation::Try) => sights.see(Sight::DuplicateTry),
        (Ruling::Repeat, _, Operation::Confirm) => sights.see(Sight::DuplicateConfirm),
        (Ruling::Repeat, _, Operation::Cancel) => sights.see(Sight::DuplicateCancel),
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
