//! A closed loop: so many connections, each sending its next transaction when the last one was answered.
//!
//! One thread per core, each with its share of the connections, so that the load is nowhere held to one core and
//! nothing moves between threads. It must never pace, retry or drop anything by itself: what fails is counted.
//! Read next: `compare.rs`, `workload/http_call.rs` for a script.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use tokio::task::LocalSet;

use crate::histogram::Histogram;
use crate::wire::{Answer, Connection};

/// Added to the end of a round: whoever is not answered by then is counted as an error.
const PATIENCE: Duration = Duration::from_secs(30);
/// After an error, so that a dead side is not asked a million times.
const AFTER_ERROR: Duration = Duration::from_millis(20);

/// One request of a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// Whom it is sent to: an index into [`Plan::peers`].
    pub(crate) peer: usize,
}

/// What a connection sends for each transaction.
pub(crate) trait Script: Send + Sync {
    /// The requests of one transaction, in order.
    fn steps(&self) -> &'static [Step];
    /// Writes the request of a step for the transaction `id`.
    fn write(&self, step: usize, id: &str, into: &mut Vec<u8>);
    /// Says what is wrong with the answer to a step.
    fn judge(&self, step: usize, answer: &Answer<'_>) -> Result<(), String>;
}

/// When to stop beginning transactions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    Elapsed(Duration),
    Begun(u64),
}

/// One run of a load.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) peers: Vec<SocketAddr>,
    pub(crate) connections: usize,
    pub(crate) until: Until,
    /// Begins every id, so that no id comes twice.
    pub(crate) prefix: String,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Per step, each answered request.
    pub(crate) steps: Vec<Histogram>,
    /// Each whole transaction, first request to last answer.
    pub(crate) whole: Histogram,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) elapsed: Duration,
}

impl Tally {
    fn new(steps: usize) -> Self {
        Tally {
            steps: vec![Histogram::new(); steps],
            whole: Histogram::new(),
            errors: 0,
            first_error: None,
            elapsed: Duration::ZERO,
        }
    }

    fn fail(&mut self, why: String) {
        self.errors += 1;
        self.first_error.get_or_insert(why);
    }

    fn merge(&mut self, other: Tally) {
        for (mine, theirs) in self.steps.iter_mut().zip(&other.steps) {
            mine.merge(theirs);
        }
        self.whole.merge(&other.whole);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.elapsed = self.elapsed.max(other.elapsed);
    }
}

type Sockets = Vec<std::net::TcpStream>;

/// Runs the load to its end. Fails only when it could not begin.
pub(crate) fn run(plan: &Plan, script: &Arc<dyn Script>) -> anyhow::Result<Tally> {
    ensure!(plan.connections > 0, "a load needs a connection");
    let threads = std::thread::available_parallelism()?.get().min(plan.connections);
    let mut shares: Vec<Vec<Sockets>> = (0..threads).map(|_| Vec::new()).collect();
    for index in 0..plan.connections {
        shares[index % threads].push(connect(&plan.peers)?);
    }
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let threads = shares.into_iter().map(|share| {
        let (plan, script, next) = (plan.clone(), Arc::clone(script), Arc::clone(&next));
        std::thread::spawn(move || drive(share, &Loop { plan, script, next, begun }))
    });
    let threads: Vec<_> = threads.collect();
    let mut whole = Tally::new(script.steps().len());
    for thread in threads {
        whole.merge(thread.join().map_err(|_| anyhow!("a thread of the load panicked"))??);
    }
    Ok(whole)
}

fn connect(peers: &[SocketAddr]) -> anyhow::Result<Sockets> {
    let sockets = peers.iter().map(|peer| {
        let socket =
            std::net::TcpStream::connect(peer).with_context(|| format!("cannot connect to {peer}"))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    sockets.collect()
}

#[derive(Clone)]
struct Loop {
    plan: Plan,
    script: Arc<dyn Script>,
    next: Arc<AtomicU64>,
    begun: Instant,
}

/// One thread's share.
fn drive(share: Vec<Sockets>, work: &Loop) -> anyhow::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = Rc::new(RefCell::new(Tally::new(work.script.steps().len())));
    LocalSet::new().block_on(&runtime, async {
        let mut tasks = Vec::new();
        for sockets in share {
            let (work, tally) = (work.clone(), Rc::clone(&tally));
            tasks.push(tokio::task::spawn_local(async move {
                let bound = work.bound();
                if tokio::time::timeout(bound, converse(sockets, work, Rc::clone(&tally))).await.is_err() {
                    tally.borrow_mut().fail("an answer did not come in time".to_owned());
                }
            }));
        }
        for task in tasks {
            task.await?;
        }
        anyhow::Ok(())
    })?;
    let mut tally = Rc::try_unwrap(tally).map_err(|_| anyhow!("a connection still runs"))?.into_inner();
    tally.elapsed = work.begun.elapsed();
    Ok(tally)
}

impl Loop {
    fn bound(&self) -> Duration {
        match self.plan.until {
            Until::Elapsed(round) => round + PATIENCE,
            Until::Begun(_) => 20 * PATIENCE,
        }
    }

    /// The next transaction's number, or `None` at the end.
    fn next(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let goes_on = match self.plan.until {
            Until::Elapsed(round) => self.begun.elapsed() < round,
            Until::Begun(count) => number < count,
        };
        goes_on.then_some(number)
    }
}

/// One connection's loop.
async fn converse(sockets: Sockets, work: Loop, tally: Rc<RefCell<Tally>>) {
    let mut connections = match adopt(sockets) {
        Ok(connections) => connections,
        Err(error) => return tally.borrow_mut().fail(format!("{error:#}")),
    };
    let mut request = Vec::new();
    while let Some(number) = work.next() {
        let id = format!("{}-{number}", work.plan.prefix);
        let Err(error) = transact(&mut connections, &work, (&id, &mut request, &tally)).await else {
            continue;
        };
        tally.borrow_mut().fail(format!("{id}: {error:#}"));
        tokio::time::sleep(AFTER_ERROR).await;
        connections = match reconnect(&work.plan.peers).await {
            Ok(connections) => connections,
            Err(error) => return tally.borrow_mut().fail(format!("{error:#}")),
        };
    }
}

/// One transaction.
async fn transact(
    connections: &mut [Connection],
    work: &Loop,
    (id, request, tally): (&str, &mut Vec<u8>, &RefCell<Tally>),
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut step_begun = begun;
    for (index, step) in work.script.steps().iter().enumerate() {
        request.clear();
        work.script.write(index, id, request);
        let answer = connections[step.peer].exchange(request).await?;
        let judged = work.script.judge(index, &answer);
        let now = Instant::now();
        judged.map_err(|why| anyhow!("{}: {why}", step.name))?;
        tally.borrow_mut().steps[index].record(now - step_begun);
        step_begun = now;
    }
    tally.borrow_mut().whole.record(step_begun - begun);
    Ok(())
}

fn adopt(sockets: Sockets) -> anyhow::Result<Vec<Connection>> {
    sockets.into_iter().map(|socket| Connection::over(tokio::net::TcpStream::from_std(socket)?)).collect()
}

async fn reconnect(peers: &[SocketAddr]) -> anyhow::Result<Vec<Connection>> {
    let mut connections = Vec::new();
    for peer in peers {
        connections.push(Connection::connect(*peer).await?);
    }
    Ok(connections)
}

/// What an answer says its transaction's state is: the first `state` of the object.
pub(crate) fn state(body: &[u8]) -> &str {
    const FIELD: &[u8] = b"\"state\":\"";
    let at = body.windows(FIELD.len()).position(|window| window == FIELD).map(|at| at + FIELD.len());
    let rest = at.map_or(&b""[..], |at| &body[at..]);
    let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(0);
    std::str::from_utf8(&rest[..end]).unwrap_or("")
}

/// The start of an answer, for messages.
pub(crate) fn excerpt(answer: &Answer<'_>) -> String {
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]);
    format!("{} {text}", answer.status)
}

#[cfg(test)]
mod tests;
