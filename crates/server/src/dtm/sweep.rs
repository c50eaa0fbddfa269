//! `resetCronTime`: has many transactions go on at once whose next attempt is far off. Each call looks at a bounded number.

use engine::Filter;
use transaction::{Pattern, Phase, Time, Transaction, wanted};

use super::told::Told;
use super::verbs::Verbs;

/// Pages of open transactions that one call looks at.
const PAGES: usize = 20;
const PAGE: usize = 500;

/// What a sweep did.
pub(super) struct Swept {
    pub(super) has_remaining: bool,
    pub(super) succeed_count: usize,
}

impl Verbs {
    /// Has at most `limit` transactions go on whose next attempt is more than `timeout_ms` away.
    pub(super) async fn sweep(&self, timeout_ms: u64, limit: usize) -> Result<Swept, Told> {
        let open = Phase::ALL.into_iter().filter(|phase| !phase.is_final());
        let any_of: Vec<_> = open.flat_map(|phase| Pattern::ALL.map(|pattern| (pattern, phase))).collect();
        let after = now().plus_ms(timeout_ms);
        let (mut cursor, mut done) = (None, 0);
        for _ in 0..PAGES {
            let filter = Filter { any_of: any_of.clone(), limit: PAGE, cursor, ..Filter::default() };
            let page = self.list(filter).await?;
            for transaction in page.items.iter().filter(|transaction| waits_beyond(transaction, after)) {
                if done == limit {
                    return Ok(Swept { has_remaining: true, succeed_count: done });
                }
                // It may have become final meanwhile: then nothing is left to do.
                if self.retry_now(&transaction.spec.id).await.is_ok() {
                    done += 1;
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(Swept { has_remaining: false, succeed_count: done });
            }
        }
        Ok(Swept { has_remaining: true, succeed_count: done })
    }
}

fn waits_beyond(transaction: &Transaction, after: Time) -> bool {
    wanted(transaction).any(|target| target.at > after)
}

fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
