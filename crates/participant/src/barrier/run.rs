//! Runs a business change behind the barrier: one local transaction, begun and ended here, again when others were in
//! its way.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use transaction::{Operation, Pattern};

use super::enter::warn;
use super::{Counted, Entry, Fault, Meters, Standing, enter, keep, refuse};
use crate::call::{ANSWER_MAX, Answer, Branch, Call, Content, Outcome, Refused};
use crate::database::{Commit, Dialect, Isolation, Local, Origin, inside};

/// How a barrier runs local transactions.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How far they are kept apart.
    pub isolation: Isolation,
    /// How often one is begun before others in its way become a fault; 1 or more.
    pub attempts: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { isolation: Isolation::default(), attempts: 10 }
    }
}

/// What a business change is: it gets the open local transaction, which already holds the barrier's row. It may run
/// more than once, each time after a roll-back, so it must do nothing outside that transaction.
pub trait Business<D: Dialect>: Send + Sync {
    /// Makes the change.
    fn change<'t>(&'t self, local: Local<'t, D>) -> Pending<'t>;
}

/// A business change under way.
pub type Pending<'t> = Pin<Box<dyn Future<Output = Result<Outcome, Fault>> + Send + 't>>;

impl<D: Dialect, F> Business<D> for F
where
    F: for<'t> Fn(Local<'t, D>) -> Pending<'t> + Send + Sync,
{
    fn change<'t>(&'t self, local: Local<'t, D>) -> Pending<'t> {
        self(local)
    }
}

/// The barrier in front of one database: the one that holds the business data. Cheap to clone.
#[derive(Debug)]
pub struct Barrier<D: Dialect> {
    pool: Pool<D>,
    settings: Settings,
    meters: Arc<Meters>,
    /// Who is to be asked for the pool's connections, and told how they did.
    origin: Option<Arc<dyn Origin<D>>>,
}

impl<D: Dialect> Clone for Barrier<D> {
    fn clone(&self) -> Self {
        let Barrier { pool, settings, meters, origin } = self;
        Barrier {
            pool: pool.clone(),
            settings: *settings,
            meters: Arc::clone(meters),
            origin: origin.clone(),
        }
    }
}

/// How one local transaction ended.
enum Ended {
    Answer(Answer),
    /// The business refused; rolled back.
    Refused(Refused),
    Again,
}

impl<D: Dialect> Barrier<D> {
    /// In front of the database of this pool.
    #[must_use]
    pub fn new(pool: Pool<D>) -> Barrier<D> {
        Barrier { pool, settings: Settings::default(), meters: Arc::default(), origin: None }
    }

    /// In front of the database of this pool, whose connections are `origin`'s to give.
    #[cfg(feature = "sources")]
    pub(crate) fn by(pool: Pool<D>, origin: Arc<dyn Origin<D>>) -> Barrier<D> {
        Barrier { origin: Some(origin), ..Barrier::new(pool) }
    }

    /// With other settings.
    #[must_use]
    pub fn with(self, settings: Settings) -> Barrier<D> {
        Barrier { settings, ..self }
    }

    /// Counting into these meters, which several barriers may share.
    #[must_use]
    pub fn counting(self, meters: Arc<Meters>) -> Barrier<D> {
        Barrier { meters, ..self }
    }

    /// What it had to deal with so far.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// The pool it takes connections from.
    #[must_use]
    pub fn pool(&self) -> &Pool<D> {
        &self.pool
    }

    /// Does what `call` asks, once: `business` runs when it is the first of its kind and lawful, in the local
    /// transaction that also writes the barrier's row. Whatever else is due is answered without it.
    ///
    /// # Errors
    /// A [`Fault`] is no answer: tell the coordinator 500 or 503 ([`Fault::answer`]), and it asks again.
    pub async fn run(&self, call: &Call, business: &impl Business<D>) -> Result<Answer, Fault> {
        let answer = self.until_settled(call, business).await;
        if answer.is_err() {
            self.meters.count(Counted::Fault);
        }
        answer
    }

    async fn until_settled(&self, call: &Call, business: &impl Business<D>) -> Result<Answer, Fault> {
        let mut refused: Option<Refused> = None;
        for attempt in 0..self.settings.attempts.max(1) {
            if attempt > 0 {
                self.meters.count(Counted::Contention);
                pause(attempt).await;
            }
            let ended = match &refused {
                None => self.once(call, business).await,
                Some(refused) => self.keep_refusal(call, refused).await,
            };
            match ended {
                Ok(Ended::Answer(answer)) => return Ok(answer),
                Ok(Ended::Refused(by_business)) if call.operation == Operation::Try => {
                    let kept = self.keep_refusal(call, &by_business).await;
                    if let Some(answer) = settled::<D>(kept)? {
                        return Ok(answer);
                    }
                    refused = Some(by_business);
                }
                // Only a try may be refused: nothing is kept, and the coordinator raises attention and asks again.
                Ok(Ended::Refused(by_business)) => return Ok(Answer::from(&by_business)),
                Ok(Ended::Again) => {}
                Err(Fault::Database(fault)) if D::is_contention(&fault) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(Fault::Contended { attempts: self.settings.attempts })
    }

    async fn acquire(&self) -> Result<PoolConnection<D>, sqlx::Error> {
        match &self.origin {
            Some(origin) => origin.acquire().await,
            None => self.pool.acquire().await,
        }
    }

    async fn once(&self, call: &Call, business: &impl Business<D>) -> Result<Ended, Fault> {
        let connection = self.acquire().await?;
        let began = Instant::now();
        let ended = self.once_on(connection, call, business).await;
        if let Some(origin) = &self.origin {
            let fault = match &ended {
                Err(Fault::Database(fault)) => Some(fault),
                _ => None,
            };
            origin.ended(began.elapsed(), fault);
        }
        ended
    }

    async fn once_on(
        &self,
        mut connection: PoolConnection<D>,
        call: &Call,
        business: &impl Business<D>,
    ) -> Result<Ended, Fault> {
        let mut local = D::begin(&mut connection, self.settings.isolation).await?;
        let entry = enter(&mut *local, call).await?;
        let counted = Counted::entry(&entry);
        let answer = match entry {
            Entry::Run => match inside(business.change(Local::new(&mut *local))).await? {
                Outcome::Done(result) => {
                    let body = body_of(result)?;
                    let looks = D::COMMIT == Commit::Silent || !body.is_empty();
                    if looks && keep(&mut *local, call, &body).await? == Standing::Lost {
                        return Err(Fault::GivenUp);
                    }
                    Answer::done(body)
                }
                Outcome::Refused(refused) => {
                    local.rollback().await?;
                    self.meters.count(Counted::Refused);
                    return Ok(Ended::Refused(refused));
                }
                Outcome::InProgress => {
                    local.rollback().await?;
                    return Ok(Ended::Answer(Answer::in_progress()));
                }
            },
            Entry::Void(answer) => answer,
            Entry::Repeat(answer) | Entry::Mismatch(answer) => {
                return self.without_change(local, counted, answer).await;
            }
            Entry::Refuse(hazard) => {
                warn(call, hazard);
                return self.without_change(local, counted, Answer::hazard(hazard)).await;
            }
            Entry::Contended => {
                local.rollback().await?;
                return Ok(Ended::Again);
            }
        };
        D::commit(local).await?;
        self.meters.count(counted.unwrap_or(Counted::Run));
        Ok(Ended::Answer(answer))
    }

    async fn without_change(
        &self,
        local: sqlx::Transaction<'_, D>,
        counted: Option<Counted>,
        answer: Answer,
    ) -> Result<Ended, Fault> {
        local.rollback().await?;
        if let Some(counted) = counted {
            self.meters.count(counted);
        }
        Ok(Ended::Answer(answer))
    }

    async fn keep_refusal(&self, call: &Call, refused: &Refused) -> Result<Ended, Fault> {
        let mut connection = self.acquire().await?;
        let mut local = D::begin(&mut connection, self.settings.isolation).await?;
        let ended = match refuse(&mut *local, call, refused).await? {
            Entry::Void(answer) | Entry::Repeat(answer) | Entry::Mismatch(answer) => Ended::Answer(answer),
            Entry::Refuse(hazard) => Ended::Answer(Answer::hazard(hazard)),
            Entry::Run | Entry::Contended => Ended::Again,
        };
        D::commit(local).await?;
        Ok(ended)
    }

    /// For the initiator of a prepared message: writes, in its own open local transaction, that the message is to be
    /// submitted. A check-back then answers *done* once that is committed, and *refused for good* when it comes first.
    ///
    /// # Errors
    /// [`Fault::Business`] when a check-back came first (roll back: the message will never be delivered); the database.
    pub async fn submit(local: &mut D::Connection, transaction: &str) -> Result<(), Fault> {
        let branch = Branch { transaction: transaction.to_owned(), branch: "check".to_owned() };
        let call = Call {
            branch,
            pattern: Pattern::Message,
            operation: Operation::Try,
            attempt: 1,
            content: Content::of(b""),
        };
        match enter(local, &call).await? {
            Entry::Run | Entry::Repeat(_) | Entry::Mismatch(_) => Ok(()),
            Entry::Refuse(hazard) => Err(Fault::of(hazard.detail())),
            Entry::Void(_) | Entry::Contended => Err(Fault::Contended { attempts: 1 }),
        }
    }

    /// Answers a check-back: whether [`Barrier::submit`] was committed for this transaction. If not, it never will be.
    ///
    /// # Errors
    /// The database; the coordinator asks again.
    pub async fn check(&self, call: &Call) -> Result<Answer, Fault> {
        self.run(call, &Nothing).await
    }
}

/// A check-back has no business change: the barrier's rows are the answer.
struct Nothing;

impl<D: Dialect> Business<D> for Nothing {
    fn change<'t>(&'t self, _: Local<'t, D>) -> Pending<'t> {
        Box::pin(async { Ok(Outcome::done()) })
    }
}

/// A kept refusal, if it could be kept; contention is for the caller's loop.
fn settled<D: Dialect>(kept: Result<Ended, Fault>) -> Result<Option<Answer>, Fault> {
    match kept {
        Ok(Ended::Answer(answer)) => Ok(Some(answer)),
        Ok(Ended::Again | Ended::Refused(_)) => Ok(None),
        Err(Fault::Database(fault)) if D::is_contention(&fault) => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn body_of(result: Option<Value>) -> Result<Vec<u8>, Fault> {
    let body = match result {
        Some(value) => serde_json::to_vec(&value)?,
        None => Vec::new(),
    };
    if body.len() > ANSWER_MAX { Err(Fault::AnswerTooLong { bytes: body.len() }) } else { Ok(body) }
}

/// Up to 2, 4, 8 … 128 ms, by chance: those who were in each other's way part.
async fn pause(attempt: u32) {
    let most = 1_u64 << attempt.min(7);
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=most))).await;
}
