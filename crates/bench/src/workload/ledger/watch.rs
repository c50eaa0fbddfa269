//! Reads while others write: asks for the statement of an account whose entry was answered just now, until it is there.
//!
//! An answer promises that the entry is durable, and that whoever asks next finds it; the watcher measures how long that
//! takes. Read next: `drive.rs`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use engine::{Direction, Engine, Found, Question, Statement, StatementQuery};

use crate::feed::Posting;
use crate::histogram::Histogram;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(100);
/// An entry that cannot be read by then is lost to its readers.
const WITHIN: Duration = Duration::from_secs(30);
/// Lines of a page: other entries of the account have come meanwhile.
const LINES: usize = 1_000;

/// The entry that was answered last.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    latest: Mutex<Option<(Posting, Instant)>>,
    ended: AtomicBool,
}

impl Recent {
    /// This one was answered then.
    pub(crate) fn told(&self, posting: Posting, at: Instant) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some((posting, at));
    }

    /// The watcher ends.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn take(&self) -> Option<(Posting, Instant)> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the watcher saw.
#[derive(Debug)]
pub(crate) struct Lag {
    /// From the answer of the entry to the statement that shows it.
    pub(crate) visible: Histogram,
    /// Of the statements alone.
    pub(crate) asked: Histogram,
}

/// Watches until it is ended.
pub(crate) fn watch(engine: &Engine, recent: &Recent) -> anyhow::Result<Lag> {
    let mut lag = Lag { visible: Histogram::new(), asked: Histogram::new() };
    while !recent.ended.load(Ordering::Acquire) {
        std::thread::sleep(PAUSE);
        if let Some((posting, at)) = recent.take() {
            find(engine, &posting, &mut lag)?;
            lag.visible.record(at.elapsed());
        }
    }
    Ok(lag)
}

fn find(engine: &Engine, posting: &Posting, lag: &mut Lag) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut cursor = None;
    while begun.elapsed() < WITHIN {
        let asked = Instant::now();
        let statement = ask(engine, posting, cursor.take())?;
        lag.asked.record(asked.elapsed());
        if statement.lines.iter().any(|line| &*line.id == posting.id.as_str()) {
            return Ok(());
        }
        // At the end of the history it begins anew: the entry may have come since.
        cursor = statement.next;
    }
    bail!("the entry {} was answered and is not in the statement after {WITHIN:?}", posting.id.as_str())
}

/// One page of the account's statement, newest first.
fn ask(engine: &Engine, posting: &Posting, cursor: Option<String>) -> anyhow::Result<Statement> {
    let query = StatementQuery {
        account: posting.from.as_str().into(),
        direction: Direction::NewestFirst,
        limit: LINES,
        cursor,
        ..StatementQuery::default()
    };
    let (told, answer) = mpsc::channel();
    engine.ask(Question::Statement(query), Box::new(move |found| drop(told.send(found))));
    let found = answer.recv_timeout(WITHIN).context("a statement did not come in time")?;
    let found = found.map_err(|refusal| anyhow!("a statement was refused: {}", refusal.detail))?;
    match found.value {
        Found::Statement(statement) => Ok(*statement),
        other => bail!("asked for a statement, got {other:?}"),
    }
}
