//! The relay: takes committed rows under a lease, sends them, marks what became of them. Any number run beside each other.
//!
//! At least once: a row counts as sent only after it was accepted, and what a relay held when it died is taken by another
//! once the lease has run out. In order per key: whoever takes a key's first waiting row takes the run behind it, and sends
//! one after another. It never holds a connection of the database while it waits for an answer, and never sends a row whose
//! lease may have run out.
//!
//! Read next: `claim.rs` (what is taken), `lane.rs` (how it is sent), `verdict.rs` (what an answer means), `mark.rs`.

mod claim;
mod connect;
mod lane;
mod mark;
mod meters;
mod post;
mod settings;
mod verdict;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Sender};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

pub use meters::{Counted, Meters};
pub use settings::{Order, Retry, Server, Settings, SettingsFault, Target};

use super::Outbox;
use crate::database::Dialect;
use claim::Cursor;
use mark::Mark;
use post::Post;

/// After the database failed.
const PAUSE_AFTER_FAULT: Duration = Duration::from_millis(500);

/// A relay of one outbox.
#[derive(Debug)]
pub struct Relay<D: Dialect> {
    office: Arc<Office<D>>,
}

/// What all parts of a relay share.
#[derive(Debug)]
struct Office<D: Dialect> {
    outbox: Outbox<D>,
    settings: Settings,
    /// Who holds the leases: the relay's name and something that no other start of it has.
    holder: String,
    post: Post,
    meters: Arc<Meters>,
    /// Calls that may be under way.
    places: Semaphore,
    /// Rows taken and not marked yet.
    held: AtomicUsize,
    /// Some were marked.
    freed: Notify,
    /// Take nothing new, and send no more of what is held.
    ending: AtomicBool,
}

/// When a relay ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Never.
    Never,
    /// When nothing is due.
    Drained,
}

impl<D: Dialect> Relay<D> {
    /// Of this outbox.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn new(outbox: Outbox<D>, settings: Settings) -> Result<Relay<D>, SettingsFault> {
        settings.check()?;
        let office = Office {
            holder: format!("{}#{:08x}", settings.name, fastrand::u32(..)),
            post: Post::new(&settings)?,
            meters: Arc::default(),
            places: Semaphore::new(settings.parallel),
            held: AtomicUsize::new(0),
            freed: Notify::new(),
            ending: AtomicBool::new(false),
            outbox,
            settings,
        };
        Ok(Relay { office: Arc::new(office) })
    }

    /// What it did so far.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.office.meters
    }

    /// Relays until `cancel` is ready, then finishes the calls that are under way, gives the other rows back, and ends. The
    /// database may fail meanwhile: it goes on when that is back.
    pub async fn run(self, cancel: impl Future<Output = ()>) {
        let mut round = Round::new(Arc::clone(&self.office));
        let work = async {
            while let Err(fault) = round.relay(End::Never).await {
                tracing::warn!("the outbox's database: {fault}");
                self.office.meters.count(Counted::Fault, 1);
                tokio::time::sleep(PAUSE_AFTER_FAULT).await;
            }
        };
        self.until(cancel, work).await;
        round.finish().await;
    }

    /// Relays until nothing is due, or `cancel` is ready; what waits for its next attempt is left.
    ///
    /// # Errors
    /// The database. What was held is given back first, as far as that goes.
    pub async fn drain(self, cancel: impl Future<Output = ()>) -> Result<(), sqlx::Error> {
        let mut round = Round::new(Arc::clone(&self.office));
        let ended = self.until(cancel, round.relay(End::Drained)).await;
        round.finish().await;
        ended
    }

    /// The work, told to end when `cancel` is ready. It is never dropped: what it takes just then would be held by nobody.
    async fn until<T>(&self, cancel: impl Future<Output = ()>, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        tokio::select! {
            ended = &mut work => ended,
            () = cancel => {
                self.office.ending.store(true, Ordering::Release);
                self.office.freed.notify_one();
                work.await
            }
        }
    }
}

/// The tasks of a relay that runs. Dropping it ends them, as a crash would: what they held is sent again after the lease.
struct Round<D: Dialect> {
    office: Arc<Office<D>>,
    lanes: JoinSet<()>,
    marks: Sender<Mark>,
    marker: JoinHandle<()>,
    cursor: Cursor,
}

impl<D: Dialect> Round<D> {
    fn new(office: Arc<Office<D>>) -> Round<D> {
        let (marks, marked) = mpsc::channel(office.settings.batch as usize);
        let marker = tokio::spawn(mark::keep(Arc::clone(&office), marked));
        Round { office, lanes: JoinSet::new(), marks, marker, cursor: Cursor::default() }
    }

    async fn relay(&mut self, end: End) -> Result<(), sqlx::Error> {
        let office = Arc::clone(&self.office);
        let batch = office.settings.batch as usize;
        while !office.ending.load(Ordering::Acquire) {
            while self.lanes.try_join_next().is_some() {}
            let mut wait = office.settings.poll;
            // What is marked after this was seen by no claim.
            let held = office.held.load(Ordering::Acquire);
            if held * 2 <= batch && office.post.pause().is_none() {
                let taken_at = Instant::now();
                let room = u32::try_from(batch - held).unwrap_or(u32::MAX);
                let runs = office.claim(&mut self.cursor, room).await?;
                if !runs.is_empty() {
                    self.send(runs, taken_at + office.settings.lease);
                    continue;
                }
                if held == 0 && end == End::Drained {
                    return Ok(());
                }
                // Where many keys wait for their next attempt, looking through them takes its time.
                wait = wait.max(taken_at.elapsed() * 4);
            }
            let _ = tokio::time::timeout(wait, office.freed.notified()).await;
        }
        Ok(())
    }

    fn send(&mut self, runs: Vec<claim::Run>, until: Instant) {
        for run in runs {
            let lane = lane::send(Arc::clone(&self.office), run, (until, self.marks.clone()));
            self.lanes.spawn(lane);
        }
    }

    async fn finish(mut self) {
        self.office.ending.store(true, Ordering::Release);
        while self.lanes.join_next().await.is_some() {}
        drop(self.marks);
        // It gives up once the leases have run out: a database that is away keeps nobody from ending.
        let _ = tokio::time::timeout(self.office.settings.lease, &mut self.marker).await;
        self.marker.abort();
    }
}
