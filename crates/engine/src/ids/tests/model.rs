//! Random lives of the index: batches, marks, writes, merges, failing disks, power cuts.

use journal::disk::fake::{Call, Trouble};
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    /// Inserts this many ids from here on.
    Insert(u64, u64),
    /// A batch that keeps the first part, and takes back an inner and an outer mark.
    TakeBack {
        first: u64,
        kept: u64,
        inner: u64,
        outer: u64,
    },
    Seal,
    /// Writes what is durable up to this many events before the end.
    Write(usize),
    Merge(usize),
    Trouble(Trouble),
    /// A power cut that loses this many events of the history.
    Crash {
        seed: u64,
        lost: usize,
    },
    Kill,
}

fn act() -> impl Strategy<Value = Act> {
    let call = prop::sample::select(vec![Call::Create, Call::Rename, Call::Write, Call::Sync, Call::SyncDir]);
    let trouble = prop_oneof![
        (call, 0..6u32).prop_map(|(call, after)| Trouble::Fail { call, after }),
        (0..4u32, 1..5000usize).prop_map(|(after, taken)| Trouble::Tear { after, taken }),
        (1000..5000usize).prop_map(Trouble::Bites),
    ];
    prop_oneof![
        8 => (0..POOL, 1..20u64).prop_map(|(first, many)| Act::Insert(first, many)),
        3 => (0..POOL, 0..6u64, 0..8u64, 0..8u64)
            .prop_map(|(first, kept, inner, outer)| Act::TakeBack { first, kept, inner, outer }),
        6 => Just(Act::Seal),
        4 => (0..30usize).prop_map(Act::Write),
        6 => (1..200usize).prop_map(Act::Merge),
        1 => trouble.prop_map(Act::Trouble),
        1 => (any::<u64>(), 0..30usize).prop_map(|(seed, lost)| Act::Crash { seed, lost }),
        1 => Just(Act::Kill),
    ]
}

impl World {
    fn durable(&self, behind: usize) -> u64 {
        let at = self.rows.len().saturating_sub(behind);
        self.rows.get(at).map_or(self.end(), |row| row.position)
    }

    fn act(&mut self, act: &Act, written: &mut u64) {
        match *act {
            Act::Insert(first, many) => {
                self.ids.seal_if_full();
                self.insert(first..first + many);
            }
            Act::TakeBack { first, kept, inner, outer } => {
                self.ids.seal_if_full();
                self.insert(first..first + kept);
                let (mark, keep) = (self.ids.mark(), self.rows.len());
                self.insert(first..first + outer);
                let (within, middle) = (self.ids.mark(), self.rows.len());
                self.insert(first + 3..first + 3 + inner);
                self.ids.roll_back(within);
                self.rows.truncate(middle);
                self.insert(first..first + inner / 2);
                self.agree();
                self.ids.roll_back(mark);
                self.rows.truncate(keep);
            }
            Act::Seal => self.ids.seal_if_full(),
            Act::Write(behind) => {
                // Once durable, always durable.
                *written = self.durable(behind).max(*written);
                self.write(*written).unwrap_or_else(|_| self.disk.disarm());
            }
            Act::Merge(budget) => {
                self.merge(budget).map_or_else(|_| self.disk.disarm(), |_| ());
            }
            Act::Trouble(trouble) => self.disk.arm(trouble),
            Act::Crash { seed, lost } => {
                let upto = self.durable(lost).max(*written);
                self.disk.crash(seed);
                self.restart(upto);
            }
            Act::Kill => {
                self.disk.kill();
                self.restart(u64::MAX);
            }
        }
    }

    /// Starts again with the history below `upto`.
    fn restart(&mut self, upto: u64) {
        self.disk.disarm();
        let rows = self.rows.iter().filter(|row| row.position < upto).copied().collect();
        *self = World::over(self.disk.clone(), rows).expect("it opens after any end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_knows_what_a_plain_list_knows(acts in prop::collection::vec(act(), 1..160)) {
        let mut world = World::new(FakeDisk::new());
        let mut written = 0;
        for act in &acts {
            world.act(act, &mut written);
            world.agree();
        }
        world.disk.disarm();
        world.write(u64::MAX).unwrap();
        while world.merge(1_000).unwrap() == Went::On {}
        world.restart(u64::MAX);
        world.agree();
    }
}
