//! The reading threads of the archive: answer what is not in memory. Bounded: beyond it callers are refused at once.
//!
//! Whoever asks has been told of everything durable, so a list or a timeline waits until the archive has come that far.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use transaction::refusal::{ALREADY_FINAL, TRANSACTION_UNKNOWN};
use transaction::{Refusal, Transaction, decide};

use crate::archive::Archive;
use crate::archiver::{Job, Progress};
use crate::mailbox::Mailbox;
use crate::partition::{
    Asked, Errand, Input, Lookup, Past, Recalled, behind, other_content, same_content, unavailable,
};
use crate::{
    Act, Answer, Begin, Changed, Clock, Fault, Filter, Found, Meters, Page, Respond, Seen, Timeline,
    TimelineQuery, refusal,
};

/// Queries that may wait or be answered at once.
const QUERIES_MAX: usize = 1_000;

/// One question to the archive.
pub(crate) enum Query {
    Lookup(Lookup),
    List(Filter, Respond<Page>),
    Timeline(TimelineQuery, Respond<Timeline>),
    /// One reader ends.
    Stop,
}

/// Where questions are asked; cheap to clone.
#[derive(Clone)]
pub(crate) struct Queries {
    pub queries: Sender<(u64, Query)>,
    pub waiting: Arc<AtomicUsize>,
    /// The latest durable sequence.
    pub durable: Arc<AtomicU64>,
    pub meters: Arc<Meters>,
}

impl Queries {
    pub(crate) fn list(&self, filter: Filter, respond: Respond<Page>) {
        if let Some(respond) = self.counted(respond) {
            self.ask(Query::List(filter, respond));
        }
    }

    pub(crate) fn timeline(&self, query: TimelineQuery, respond: Respond<Timeline>) {
        if let Some(respond) = self.counted(respond) {
            self.ask(Query::Timeline(query, respond));
        }
    }

    pub(crate) fn lookup(&self, lookup: Lookup) {
        let counted = match lookup {
            Lookup::Begin(begin, number, respond) => {
                self.counted(respond).map(|respond| Lookup::Begin(begin, number, respond))
            }
            Lookup::Known(number, respond) => {
                self.counted(respond).map(|respond| Lookup::Known(number, respond))
            }
            Lookup::Act(act, respond) => self.counted(respond).map(|respond| Lookup::Act(act, respond)),
            Lookup::Recall(asked, positions, sequence, respond) => {
                self.counted(respond).map(|respond| Lookup::Recall(asked, positions, sequence, respond))
            }
            Lookup::Errand(errand, sequence, respond) => {
                self.counted(respond).map(|respond| Lookup::Errand(errand, sequence, respond))
            }
        };
        if let Some(lookup) = counted {
            self.ask(Query::Lookup(lookup));
        }
    }

    /// Ends one reader.
    pub(crate) fn stop_one(&self) {
        self.ask(Query::Stop);
    }

    fn ask(&self, query: Query) {
        // When the readers have gone the answer is dropped untold.
        let _ = self.queries.send((self.durable.load(Ordering::Acquire), query));
    }

    /// Counts a query until it is answered; refuses it when too many wait.
    fn counted<T: 'static>(&self, respond: Respond<T>) -> Option<Respond<T>> {
        let place = Place::take(&self.waiting);
        if place.before >= QUERIES_MAX {
            respond(Err(self.meters.shed(&refusal::OVERLOADED, "too many queries wait for the archive")));
            return None;
        }
        Some(Box::new(move |answer| {
            drop(place);
            respond(answer);
        }))
    }
}

/// A place among the waiting queries, given back when it is dropped.
struct Place {
    waiting: Arc<AtomicUsize>,
    before: usize,
}

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Place {
        Place { waiting: Arc::clone(waiting), before: waiting.fetch_add(1, Ordering::AcqRel) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One reading thread.
#[derive(Clone)]
pub(crate) struct Reader {
    pub archive: Archive,
    /// How long a query waits for the archive to come as far as it must.
    pub patience: Duration,
    pub queries: Arc<Mutex<Receiver<(u64, Query)>>>,
    pub progress: Arc<Progress>,
    pub archiver: Sender<Job>,
    pub partition: Arc<Mailbox>,
    pub clock: Arc<dyn Clock>,
}

impl Reader {
    /// Answers until it is stopped.
    pub(crate) fn run(self) {
        loop {
            let next = self.queries.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((durable, query)) = next else { return };
            if matches!(query, Query::Stop) {
                return;
            }
            self.answer(durable, query);
        }
    }

    /// The oldest query that waits now.
    pub(crate) fn next_waiting(&self) -> Option<(u64, Query)> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()
    }

    pub(crate) fn answer(&self, durable: u64, query: Query) {
        match query {
            Query::Stop => {}
            Query::Lookup(lookup) => self.look_up(lookup),
            Query::List(filter, respond) => {
                respond(self.caught_up(durable).and_then(|()| flat(self.archive.list(&filter))));
            }
            Query::Timeline(query, respond) => {
                respond(self.caught_up(durable).and_then(|()| flat(self.archive.timeline(&query))));
            }
        }
    }

    /// Waits until the archive holds everything that was durable when the question was asked.
    fn caught_up(&self, durable: u64) -> Result<(), Refusal> {
        if self.archive.applied() >= durable {
            return Ok(());
        }
        let _ = self.archiver.send(Job::Flush);
        if self.progress.wait(durable, self.patience) {
            return Ok(());
        }
        Err(behind())
    }

    /// What is not in memory is in the archive, or nowhere.
    fn look_up(&self, lookup: Lookup) {
        match lookup {
            Lookup::Begin(begin, number, respond) => respond(self.begun_before(&begin, number)),
            Lookup::Known(number, respond) => respond(self.load(number).map(|found| self.found(found))),
            Lookup::Recall(asked, positions, sequence, respond) => {
                self.recall(asked, (positions, sequence), respond);
            }
            Lookup::Errand(errand, sequence, respond) => self.errand(errand, sequence, respond),
            Lookup::Act(act, respond) => match self.find(&act) {
                Err(refusal) => respond(Err(refusal)),
                Ok(found) if found.phase.is_final() => respond(self.act(&act, found)),
                // It was begun while the question was on its way: the partition has it.
                Ok(_) => {
                    self.push_again(Input::Act(act, respond));
                }
            },
        }
    }

    /// Reads events of the past for a request, which then goes back to the partition.
    fn recall(
        &self,
        mut asked: Box<Asked>,
        (positions, sequence): (Vec<u64>, u64),
        respond: Respond<Changed>,
    ) {
        let read = self.caught_up(sequence).and_then(|()| {
            let event = |position| {
                let record = self.archive.history().read(position)?;
                Ok((position, record.event().to_vec()))
            };
            let events: Result<Recalled, Fault> = positions.into_iter().map(event).collect();
            events.map_err(|fault| unavailable(&fault))
        });
        match read {
            Err(refusal) => respond(Err(refusal)),
            Ok(events) => {
                // What was read before stays: the request may have come twice, for something new each time.
                asked.recalled.get_or_insert_default().extend(events);
                self.push_again(Input::Change(asked, respond));
            }
        }
    }

    /// Gives a request back to the partition, which has counted it before.
    fn push_again(&self, input: Input) {
        if let Err(input) = self.partition.push(Input::Again(Box::new(input))) {
            input.refuse(&refusal::STOPPING.because("the engine has stopped"));
        }
    }

    /// Reads the past of the ledger; the partition adds the names.
    fn errand(&self, errand: Errand, sequence: u64, respond: Respond<Seen<Found>>) {
        let past = self.caught_up(sequence).and_then(|()| Past::read(self.archive.history(), errand));
        match past {
            Err(refusal) => respond(Err(refusal)),
            Ok(past) => {
                self.push_again(Input::Read(Box::new(past), sequence, respond));
            }
        }
    }

    /// A begin of an id that is known: the same content is answered with what it began.
    fn begun_before(&self, begin: &Begin, number: u64) -> Result<Answer, Refusal> {
        let transaction = self.load(number)?;
        if transaction.spec == begin.spec {
            Ok(self.found(transaction))
        } else {
            Err(other_content(&begin.spec.id))
        }
    }

    fn find(&self, act: &Act) -> Result<Transaction, Refusal> {
        let number = self.archive.number_of(&act.id).map_err(|fault| unavailable(&fault))?;
        let number = number
            .ok_or_else(|| TRANSACTION_UNKNOWN.because(format!("there is no transaction {}", act.id)))?;
        self.load(number)
    }

    /// A request to a transaction that is final.
    fn act(&self, act: &Act, transaction: Transaction) -> Result<Answer, Refusal> {
        let Some(command) = &act.command else {
            return Ok(Answer { replayed: false, ..self.found(transaction) });
        };
        if let Some(key) = &act.key
            && let Some(row) = self.archive.key(&key.scope).map_err(|fault| unavailable(&fault))?
        {
            same_content(key, &row)?;
            return Ok(self.found(transaction));
        }
        let events = decide(&transaction, command, self.clock.now())?;
        if events.is_empty() {
            return Ok(self.found(transaction));
        }
        Err(ALREADY_FINAL.because(format!("transaction {} is {}", act.id, transaction.state_name())))
    }

    fn load(&self, number: u64) -> Result<Transaction, Refusal> {
        let found = self.archive.load(number).map_err(|fault| unavailable(&fault))?;
        found.ok_or_else(|| TRANSACTION_UNKNOWN.because("the transaction is past its retention"))
    }

    fn found(&self, transaction: Transaction) -> Answer {
        Answer { transaction: Arc::new(transaction), replayed: true, sequence: self.archive.applied() }
    }
}

fn flat<T>(read: Result<Result<T, Refusal>, Fault>) -> Result<T, Refusal> {
    read.unwrap_or_else(|fault| Err(unavailable(&fault)))
}
