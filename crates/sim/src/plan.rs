//! What goes wrong in one seed: each kind of fault is absent in about half of the seeds, and its rate is drawn.
//!
//! A history in which everything fails at once hides what only shows when one thing fails (swarm testing: Groce and
//! others, 2012). Nothing here acts; `world/` and its actors ask. To add a fault: a kind here, and the place that asks.

use crate::dice::Dice;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Requests, calls and answers are lost.
    Loss,
    /// They come twice.
    Duplicates,
    /// They come late: beyond time-outs and deadlines.
    Delay,
    /// Participants' answers mean nothing.
    Garbage,
    /// For a while nothing passes between two places, in one direction.
    Partition,
    /// The process is killed.
    Kill,
    /// The power goes: what was not synced is kept or lost sector by sector.
    PowerCut,
    /// The process stands still for a while.
    Pause,
    /// The wall clock is somewhere else after a restart.
    ClockJump,
    /// The monotonic clock runs too fast or too slowly.
    ClockRate,
    /// A write, sync or read of the journal fails, or is done and answered as failed.
    DiskError,
    /// The disk is full for a while.
    DiskFull,
    /// The archive's tables cannot be written for a while.
    ArchiveError,
    /// Bits of durable files flip, and sectors are stale, while the process is down.
    Damage,
    /// The archive is lost while the process is down.
    ArchiveLoss,
    /// Participants refuse for business reasons.
    Refuse,
    /// Participants do not answer.
    Hang,
    /// Participants say that they are at it.
    InProgress,
    /// Some branches fail until healing; a few for ever.
    Poison,
    /// A participant is gone for a while.
    Outage,
    /// Initiators do not ask again.
    Careless,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Fault; 21] = [
        Fault::Loss,
        Fault::Duplicates,
        Fault::Delay,
        Fault::Garbage,
        Fault::Partition,
        Fault::Kill,
        Fault::PowerCut,
        Fault::Pause,
        Fault::ClockJump,
        Fault::ClockRate,
        Fault::DiskError,
        Fault::DiskFull,
        Fault::ArchiveError,
        Fault::Damage,
        Fault::ArchiveLoss,
        Fault::Refuse,
        Fault::Hang,
        Fault::InProgress,
        Fault::Poison,
        Fault::Outage,
        Fault::Careless,
    ];

    /// Rates per mille that it is drawn from, where it has a rate.
    fn rates(self) -> (u32, u32) {
        match self {
            Fault::Loss | Fault::Garbage | Fault::Hang | Fault::InProgress => (10, 250),
            Fault::Duplicates => (20, 300),
            Fault::Delay => (10, 150),
            Fault::Refuse => (30, 300),
            Fault::Poison => (50, 300),
            Fault::Careless => (50, 400),
            Fault::Partition
            | Fault::Kill
            | Fault::PowerCut
            | Fault::Pause
            | Fault::ClockJump
            | Fault::ClockRate
            | Fault::DiskError
            | Fault::DiskFull
            | Fault::ArchiveError
            | Fault::Damage
            | Fault::ArchiveLoss
            | Fault::Outage => (1_000, 1_000),
        }
    }
}

/// What goes wrong, and how often.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of everything.
    pub seed: u64,
    /// Per mille by kind; 0: never.
    rates: [u32; Fault::ALL.len()],
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Plan {
        let mut rates = [0; Fault::ALL.len()];
        for (kind, rate) in Fault::ALL.into_iter().zip(&mut rates) {
            let mut dice = Dice::of(seed, "plan", &[kind as u64]);
            let (least, most) = kind.rates();
            let drawn = dice.within(i64::from(least), i64::from(most));
            if dice.one_in(2) {
                *rate = u32::try_from(drawn).unwrap_or(0);
            }
        }
        Plan { seed, rates }
    }

    /// Nothing goes wrong.
    #[must_use]
    pub fn calm(seed: u64) -> Plan {
        Plan { seed, rates: [0; Fault::ALL.len()] }
    }

    /// Whether nothing goes wrong.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.kinds().next().is_none()
    }

    /// The same without this kind.
    #[must_use]
    pub fn without(&self, kind: Fault) -> Plan {
        let mut plan = self.clone();
        plan.rates[kind as usize] = 0;
        plan
    }

    /// Whether this kind happens at all.
    #[must_use]
    pub fn has(&self, kind: Fault) -> bool {
        self.rates[kind as usize] > 0
    }

    /// The kinds that happen.
    pub fn kinds(&self) -> impl Iterator<Item = Fault> + '_ {
        Fault::ALL.into_iter().filter(|kind| self.has(*kind))
    }

    /// Whether it strikes now.
    pub(crate) fn strikes(&self, kind: Fault, dice: &mut Dice) -> bool {
        dice.per_mille(self.rates[kind as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_absent_in_about_half_of_the_seeds() {
        for kind in Fault::ALL {
            let with = (0..2_000).filter(|seed| Plan::of(*seed).has(kind)).count();
            assert!((850..1_150).contains(&with), "{kind:?} in {with} of 2000");
        }
    }
}
