//! Looks after one source: a loop of bounded looks over a connection of its own, so that a pool that is all in use is no
//! sick database. It never writes, and never judges: `standing.rs` does.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::Connection;

use super::choice::Fresh;
use super::locked;
use super::meters::SourceMeters;
use super::plan::{Health, Role};
use super::standing::{Seen, Standing, Turned};
use super::{Behind, Probe};

/// How the connections of a kind of database are made.
pub(super) type Options<D> = <<D as sqlx::Database>::Connection as Connection>::Options;

/// A primary of which this is seen is out at once.
pub(super) const READ_ONLY: &str = "it takes no writes: it is a standby, or set to read only";
const FOLLOWS_NOBODY: &str =
    "it follows no primary: if it was promoted, declare it as the primary and load the plan again";

/// Marks that are kept: far more than any sensible bound on lag needs.
const MARKS: usize = 4_096;
/// After a nudge: at most this often.
const PAUSE: Duration = Duration::from_millis(20);

/// How far a primary's log reached, and when; what a replica has of it tells how old its data is.
#[derive(Debug, Default)]
pub(super) struct Marks {
    wanted: AtomicBool,
    marks: Mutex<VecDeque<(Instant, u64)>>,
}

impl Marks {
    /// There is a replica that needs them.
    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// All that was committed before `at` is not behind this position.
    fn note(&self, at: Instant, position: u64) {
        let mut marks = locked(&self.marks);
        if marks.back().is_some_and(|(_, last)| *last > position) {
            // Another history: the database was replaced.
            marks.clear();
        }
        if marks.len() == MARKS {
            marks.pop_front();
        }
        marks.push_back((at, position));
    }

    /// As of when whoever has all up to this position is complete.
    fn fresh(&self, position: u64) -> Fresh {
        let marks = locked(&self.marks);
        let has = marks.partition_point(|(_, mark)| *mark <= position);
        has.checked_sub(1).and_then(|at| marks.get(at)).map_or(Fresh::Unknown, |(at, _)| Fresh::AsOf(*at))
    }
}

/// What the loop of a source holds.
pub(super) struct Care<D: Probe> {
    pub(super) name: Arc<str>,
    pub(super) role: Role,
    pub(super) options: Options<D>,
    pub(super) standing: Arc<Standing>,
    pub(super) meters: Arc<SourceMeters>,
    /// The primary's: a primary writes them, a replica reads them.
    pub(super) marks: Arc<Marks>,
    pub(super) health: Arc<Mutex<Health>>,
}

impl<D: Probe> Care<D> {
    /// Looks for ever.
    pub(super) async fn run(self) {
        let mut connection: Option<D::Connection> = None;
        loop {
            let health = *locked(&self.health);
            let seen = self.look(&mut connection, health.timeout).await;
            take_in((&self.name, &self.standing, &self.meters), seen, &health);
            tokio::select! {
                () = tokio::time::sleep(health.every) => {}
                () = self.standing.nudge.notified() => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn look(&self, kept: &mut Option<D::Connection>, timeout: Duration) -> Seen {
        let looked = tokio::time::timeout(timeout, async {
            // Taken out: a look that is given up takes its connection along.
            if let Some(mut connection) = kept.take()
                && let Ok(seen) = self.ask(&mut connection).await
            {
                *kept = Some(connection);
                return Ok(seen);
            }
            // None, or it broke: that may be the old connection's fault alone.
            let mut connection = D::Connection::connect_with(&self.options).await?;
            let seen = self.ask(&mut connection).await?;
            *kept = Some(connection);
            Ok(seen)
        });
        match looked.await {
            Ok(Ok(seen)) => seen,
            Ok(Err(fault)) if is_refused(&fault) => Seen::Gone(format!("it can't be reached: {fault}")),
            Ok(Err(fault)) => Seen::Failed(format!("a look at it failed: {fault}")),
            Err(_) => Seen::Failed(format!("it did not answer within {} ms", timeout.as_millis())),
        }
    }

    async fn ask(&self, connection: &mut D::Connection) -> Result<Seen, sqlx::Error> {
        // The clock is read before the database is: whatever is told was true then or later.
        let at = Instant::now();
        if self.role == Role::Primary {
            if D::is_read_only(connection).await? {
                return Ok(Seen::Gone(READ_ONLY.to_owned()));
            }
            if self.marks.wanted.load(Ordering::Relaxed) {
                match D::position(connection).await {
                    Ok(Some(position)) => self.marks.note(at, position),
                    // It has no such thing: then its replicas are within no bound.
                    Ok(None) | Err(sqlx::Error::Database(_)) => {}
                    Err(fault) => return Err(fault),
                }
            }
            return Ok(Seen::Well(Fresh::Always));
        }
        Ok(Seen::Well(match D::behind(connection).await? {
            Behind::Position(position) => self.marks.fresh(position),
            Behind::For(lag) => at.checked_sub(lag).map_or(Fresh::Unknown, Fresh::AsOf),
            Behind::Never => Fresh::Always,
            Behind::Unknown => Fresh::Unknown,
            Behind::FollowsNobody => return Ok(Seen::Gone(FOLLOWS_NOBODY.to_owned())),
        }))
    }
}

/// What was seen of a source, by its loop or by who uses it.
pub(super) fn take_in(
    (name, standing, meters): (&str, &Standing, &SourceMeters),
    seen: Seen,
    health: &Health,
) {
    let why = match &seen {
        Seen::Well(_) => String::new(),
        Seen::Failed(why) | Seen::Gone(why) => why.clone(),
    };
    match standing.see(seen, health) {
        Turned::Not => {}
        Turned::In => tracing::info!(source = name, "the source is in"),
        Turned::Out => {
            meters.went_out();
            tracing::error!(source = name, why, "the source is out");
        }
    }
}

/// Nobody listens there.
pub(super) fn is_refused(fault: &sqlx::Error) -> bool {
    matches!(fault, sqlx::Error::Io(fault) if fault.kind() == ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_as_fresh_as_the_last_mark_that_it_has() {
        let (marks, now) = (Marks::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(marks.fresh(5), Fresh::Unknown);
        // An idle primary: its log stands still while time goes on.
        for (after, position) in [(0, 10), (1, 20), (2, 20), (3, 30)] {
            marks.note(now + after * second, position);
        }
        assert_eq!(marks.fresh(9), Fresh::Unknown);
        assert_eq!(marks.fresh(10), Fresh::AsOf(now));
        assert_eq!(marks.fresh(19), Fresh::AsOf(now));
        assert_eq!(marks.fresh(20), Fresh::AsOf(now + 2 * second));
        assert_eq!(marks.fresh(30), Fresh::AsOf(now + 3 * second));
        assert_eq!(marks.fresh(99), Fresh::AsOf(now + 3 * second));
        // Replaced by a younger database: what an old replica has says nothing of it.
        marks.note(now + 4 * second, 7);
        assert_eq!(marks.fresh(6), Fresh::Unknown);
        assert_eq!(marks.fresh(7), Fresh::AsOf(now + 4 * second));
    }

    #[test]
    fn marks_do_not_grow_for_ever() {
        let (marks, now) = (Marks::default(), Instant::now());
        for position in 0..10_000 {
            marks.note(now, position);
        }
        assert_eq!(locked(&marks.marks).len(), MARKS);
    }
}
