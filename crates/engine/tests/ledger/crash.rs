//! The power is cut at any moment: what was told is there, what was not told is there whole or not at all, sums are zero.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ledger::{Done, Expiry, Run};

use super::world::{World, change, done, entry, hold, submit};

/// Sends entries, each of one unit, until nothing comes back any more; answers which were told as done, and how many were
/// sent.
fn pour(world: &World, name: usize, is_over: &AtomicBool) -> (Vec<String>, usize) {
    let mut told = Vec::new();
    for n in 0.. {
        let ids: Vec<String> = (0..1 + n % 7).map(|part| format!("{name}-{n}-{part}")).collect();
        let entries: Vec<_> = ids.iter().map(|id| entry(id, ("bank", "ann"), 1)).collect();
        let answer = submit(world.engine(), change(&entries, Run::Real, None));
        loop {
            match answer.recv_timeout(Duration::from_millis(10)) {
                Ok(Ok(changed)) => {
                    assert_eq!(done(&changed.results), vec![Done::Posted; entries.len()]);
                    told.extend(ids);
                    break;
                }
                Ok(Err(_)) => return (told, n + 1),
                Err(_) if is_over.load(Ordering::Acquire) => return (told, n + 1),
                Err(_) => {}
            }
        }
    }
    unreachable!("the loop has no end of its own")
}

#[test]
fn what_was_told_survives_a_power_cut_and_nothing_counts_twice() {
    for seed in 0..12_u64 {
        let world = World::new();
        world.done(&[entry("first", ("bank", "ann"), 1_000), hold("h-1", 300, Expiry::Never)]);
        let is_over = AtomicBool::new(false);
        let poured: Vec<_> = thread::scope(|scope| {
            let (world, is_over) = (&world, &is_over);
            let threads: Vec<_> =
                (0..4).map(|name| scope.spawn(move || pour(world, name, is_over))).collect();
            thread::sleep(Duration::from_millis(3 + seed * 7));
            world.disk.crash(seed);
            thread::sleep(Duration::from_millis(30));
            is_over.store(true, Ordering::Release);
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let world = world.cut(seed);
        assert_eq!(world.sum(), 0, "seed {seed}");
        assert_eq!(world.balance("ann").1, 300, "the hold is there");
        let mut sent = 0;
        for (name, (told, batches)) in poured.into_iter().enumerate() {
            for id in &told {
                let again = world.done(&[entry(id, ("bank", "ann"), 1)]);
                assert_eq!(again, [Done::Duplicate], "seed {seed}: {id} was told and is lost");
            }
            // Whoever was not told asks again with the same ids: each counts once, whatever was kept before.
            for n in 0..batches {
                let ids: Vec<String> = (0..1 + n % 7).map(|part| format!("{name}-{n}-{part}")).collect();
                let entries: Vec<_> = ids.iter().map(|id| entry(id, ("bank", "ann"), 1)).collect();
                let again = world.done(&entries);
                assert!(
                    again.windows(2).all(|pair| pair[0] == pair[1]),
                    "a batch is kept whole or not at all"
                );
                sent += entries.len();
            }
        }
        assert_eq!(world.balance("ann"), (1_000 + sent as i128, 300), "seed {seed}");
        assert_eq!(world.sum(), 0);
        world.stop();
    }
}
