//! One service of the shop: an HTTP server in front of its own books.
//!
//! A call goes: connection, front (`faults.rs`), one thread that owns the books, barrier (`barrier.rs`), business
//! (`holds.rs`), each call in its own local transaction. hyper is used bare, because a lost reply must cut the
//! connection after the effect. It never talks to the coordinator and knows nothing of transactions but their ids.

pub(crate) mod barrier;
pub(crate) mod faults;
pub(crate) mod holds;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use self::barrier::{Answer, Call, Operation};
use self::faults::{Fault, Front};
use super::args::{ParticipantArgs, Role};

const BODY_LIMIT: usize = 64 * 1024;
/// After a `kill -9` the old sockets of the port may linger for a moment.
const BIND_PATIENCE: Duration = Duration::from_secs(5);

type Job = (Call, oneshot::Sender<Answer>);

/// Serves until standard input closes, so that it cannot outlive the demo. Prints `ready HOST:PORT` first, then one
/// line `fault KIND TRANSACTION OPERATION` for each fault. `Err` when the books or the port cannot be opened.
pub(crate) fn run(args: &ParticipantArgs) -> anyhow::Result<()> {
    let jobs = keep_books(args)?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let front = Front { seed: args.seed, rates: args.rates, late: Duration::from_millis(args.late_ms) };
    let service = Arc::new(Service { front, jobs, in_hand: AtomicU64::new(0) });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = bind(args.listen).await?;
        say(&format!("ready {}", listener.local_addr()?));
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(converse(Arc::clone(&service), stream));
        }
    })
}

/// The thread that owns the books: one connection, one local transaction per call, in order of arrival.
fn keep_books(args: &ParticipantArgs) -> anyhow::Result<mpsc::Sender<Job>> {
    let mut books = holds::open(&args.db).with_context(|| format!("cannot open {}", args.db.display()))?;
    let (sender, jobs) = mpsc::channel::<Job>();
    let role: Role = args.role;
    std::thread::Builder::new().name("books".to_owned()).spawn(move || {
        for (call, reply) in jobs {
            let answer = holds::serve(&mut books, role, &call).unwrap_or_else(|fault| {
                eprintln!("{} {} {}: {fault}", role.name(), call.transaction, call.operation.word());
                plain(500, "fault")
            });
            // Nobody waits any more when the caller gave up; the effect stands all the same.
            let _ = reply.send(answer);
        }
    })?;
    Ok(sender)
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(_) if begun.elapsed() < BIND_PATIENCE => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(fault) => return Err(fault).with_context(|| format!("cannot listen on {address}")),
        }
    }
}

async fn converse(service: Arc<Service>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let handler = hyper::service::service_fn(|request| Arc::clone(&service).answer(request));
    // Ends with an error when a reply is lost on purpose, or the caller went away: both are everyday here.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), handler).await;
}

/// Makes hyper cut the connection without a word.
#[derive(Debug)]
struct ReplyLost;

impl std::fmt::Display for ReplyLost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the reply is lost on purpose")
    }
}

impl std::error::Error for ReplyLost {}

struct Service {
    front: Front,
    jobs: mpsc::Sender<Job>,
    /// Calls received and not yet through the barrier; the demo waits for 0 before it judges.
    in_hand: AtomicU64,
}

impl Service {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, ReplyLost> {
        let (head, body) = request.into_parts();
        if head.uri.path() == "/in-hand" {
            return Ok(respond(plain_count(self.in_hand.load(Ordering::SeqCst))));
        }
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return Ok(respond(plain(413, "body_too_large")));
        };
        let Some(call) = read_call(&head.headers, head.uri.path(), body.to_bytes().to_vec()) else {
            return Ok(respond(plain(404, "not_a_branch_call")));
        };
        let fault = self.front.fault(&call, header(&head.headers, "tercet-attempt").unwrap_or("1"));
        if let Some(fault) = fault {
            say(&format!("fault {} {} {}", fault.name(), call.transaction, call.operation.word()));
        }
        // In a task of its own: hyper drops this future when the caller hangs up, and the effect must come even so.
        self.in_hand.fetch_add(1, Ordering::SeqCst);
        let service = Arc::clone(&self);
        let handled = tokio::spawn(async move {
            let answer = service.suffer(call, fault).await;
            service.in_hand.fetch_sub(1, Ordering::SeqCst);
            answer
        });
        let answer = handled.await.map_err(|_| ReplyLost)?;
        if fault == Some(Fault::ReplyLost) { Err(ReplyLost) } else { Ok(respond(answer)) }
    }

    async fn suffer(&self, call: Call, fault: Option<Fault>) -> Answer {
        match fault {
            Some(Fault::Duplicate) => {
                let (first, _) = tokio::join!(self.settle(call.clone()), self.settle(call));
                first
            }
            Some(Fault::Slow(pause) | Fault::Late(pause)) => {
                tokio::time::sleep(pause).await;
                self.settle(call).await
            }
            Some(Fault::ReplyLost) | None => self.settle(call).await,
        }
    }

    async fn settle(&self, call: Call) -> Answer {
        let (reply, answer) = oneshot::channel();
        if self.jobs.send((call, reply)).is_err() {
            return plain(500, "books_closed");
        }
        answer.await.unwrap_or_else(|_| plain(500, "books_closed"))
    }
}

fn read_call(headers: &HeaderMap, path: &str, body: Vec<u8>) -> Option<Call> {
    let operation = Operation::of(path.strip_prefix('/')?)?;
    let said = Operation::of(header(headers, "tercet-operation")?)?;
    let transaction = header(headers, "tercet-transaction")?.to_owned();
    let branch = header(headers, "tercet-branch")?.to_owned();
    (operation == said).then_some(Call { transaction, branch, operation, body })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn plain(status: u16, refused: &str) -> Answer {
    Answer { status, body: format!(r#"{{"refused":"{refused}"}}"#) }
}

fn plain_count(in_hand: u64) -> Answer {
    Answer { status: 200, body: format!(r#"{{"in_hand":{in_hand}}}"#) }
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() =
        hyper::StatusCode::from_u16(answer.status).unwrap_or(hyper::StatusCode::BAD_GATEWAY);
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

/// A line to the demo. If it is gone there is nobody to tell, and this process ends by its closed input.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
