//! A crowd of mixed operations on few branches: tries, confirms and cancels of the same transactions at once, on rows
//! that all of them want. Counts deadlocks, and ends by comparing the stock with the barrier's rows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::ensure;
use participant::barrier::Counted;
use serde::Serialize;
use transaction::Operation;

use super::CONNECTIONS;
use super::store::{Books, Step, Store, call};

#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) store: &'static str,
    pub(super) operations: u64,
    pub(super) per_second: u64,
    /// As the server counts them.
    pub(super) deadlocks: u64,
    /// Local transactions that were run again because of others.
    pub(super) again: u64,
    pub(super) faults: u64,
}

/// Runs so many operations.
pub(super) async fn run<D: Store>(
    store: &'static str,
    books: &Books<D>,
    operations: u64,
) -> anyhow::Result<Figures> {
    let deadlocks = || async {
        let mut connection = books.barrier.pool().acquire().await?;
        D::deadlocks(&mut connection).await
    };
    let before = deadlocks().await?;
    let meters = books.barrier.meters();
    let (again, faults) = (meters.get(Counted::Contention), meters.get(Counted::Fault));
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    let workers = (0..CONNECTIONS).map(|worker| work(books, &next, operations, u64::from(worker)));
    futures::future::try_join_all(workers).await?;
    let elapsed = begun.elapsed().as_secs_f64();
    Ok(Figures {
        store,
        operations,
        per_second: (operations as f64 / elapsed) as u64,
        deadlocks: deadlocks().await?.saturating_sub(before),
        again: meters.get(Counted::Contention) - again,
        faults: meters.get(Counted::Fault) - faults,
    })
}

/// Each operation is drawn by its number: a transaction among those of the last two hundred numbers, ten rows for all.
async fn work<D: Store>(
    books: &Books<D>,
    next: &AtomicU64,
    operations: u64,
    worker: u64,
) -> anyhow::Result<()> {
    const KINDS: [Operation; 4] = [Operation::Try, Operation::Try, Operation::Confirm, Operation::Cancel];
    let mut state = worker.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= operations {
            return Ok(());
        }
        // xorshift64 (Marsaglia, 2003): nothing here needs better chance.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let transaction = (number / 200) * 50 + state % 50;
        let operation = KINDS[(state >> 32) as usize % KINDS.len()];
        let row = i64::try_from(transaction % 10)?;
        let call = call(format!("crowd-{transaction:09}"), operation);
        let answer = books.barrier.run(&call, &Step { operation, row }).await?;
        ensure!([200, 409].contains(&answer.status.as_u16()), "answered {}", answer.status);
    }
}
