//! One service of the shop: an HTTP server in front of its own books.
//!
//! A call goes: connection, front (`faults.rs`), the participant crate's barrier, business (`holds.rs`), each call in its
//! own local transaction. hyper is used bare, because a lost reply must cut the connection after the effect. It never
//! talks to the coordinator and knows nothing of transactions but their ids.

pub(crate) mod faults;
pub(crate) mod holds;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use participant::barrier::{Barrier, Meters};
use participant::call::{Answer, Call};
use sqlx::Sqlite;
use tokio::net::{TcpListener, TcpStream};

use self::faults::{Fault, Front};
use self::holds::Step;
use super::args::{ParticipantArgs, Role};

const BODY_LIMIT: usize = 64 * 1024;
/// After a `kill -9` the old sockets of the port may linger for a moment.
const BIND_PATIENCE: Duration = Duration::from_secs(5);

/// Serves until standard input closes, so that it cannot outlive the demo. Prints `ready HOST:PORT` first, then one
/// line `fault KIND TRANSACTION OPERATION` for each fault. `Err` when the books or the port cannot be opened.
pub(crate) fn run(args: &ParticipantArgs) -> anyhow::Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let front = Front { seed: args.seed, rates: args.rates, late: Duration::from_millis(args.late_ms) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let books =
            holds::open(&args.db).await.with_context(|| format!("cannot open {}", args.db.display()))?;
        let barrier = Barrier::new(books);
        barrier.create_schema().await?;
        barrier.check_schema(&["pots", "holds"]).await?;
        let service = Arc::new(Service { front, role: args.role, barrier, in_hand: AtomicU64::new(0) });
        let listener = bind(args.listen).await?;
        say(&format!("ready {}", listener.local_addr()?));
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(converse(Arc::clone(&service), stream));
        }
    })
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
    role: Role,
    barrier: Barrier<Sqlite>,
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
        let body = body.to_bytes();
        let call = match Call::read(&head.headers, &body) {
            Ok(call) if head.uri.path().strip_prefix('/') == Some(call.name()) => call,
            Ok(_) | Err(_) => return Ok(respond(plain(404, "not_a_branch_call"))),
        };
        let fault = self.front.fault(&call);
        if let Some(fault) = fault {
            say(&format!("fault {} {} {}", fault.name(), call.branch.transaction, call.name()));
        }
        // In a task of its own: hyper drops this future when the caller hangs up, and the effect must come even so.
        self.in_hand.fetch_add(1, Ordering::SeqCst);
        let service = Arc::clone(&self);
        let handled = tokio::spawn(async move {
            let answer = service.suffer(&call, &body, fault).await;
            service.in_hand.fetch_sub(1, Ordering::SeqCst);
            answer
        });
        let answer = handled.await.map_err(|_| ReplyLost)?;
        if fault == Some(Fault::ReplyLost) { Err(ReplyLost) } else { Ok(respond(answer)) }
    }

    async fn suffer(&self, call: &Call, body: &[u8], fault: Option<Fault>) -> Answer {
        match fault {
            Some(Fault::Duplicate) => {
                let (first, _) = tokio::join!(self.settle(call, body), self.settle(call, body));
                first
            }
            Some(Fault::Slow(pause) | Fault::Late(pause)) => {
                tokio::time::sleep(pause).await;
                self.settle(call, body).await
            }
            Some(Fault::ReplyLost) | None => self.settle(call, body).await,
        }
    }

    async fn settle(&self, call: &Call, body: &[u8]) -> Answer {
        let seen = Arc::new(Meters::default());
        let barrier = self.barrier.clone().counting(Arc::clone(&seen));
        let answer = barrier.run(call, &Step { role: self.role, call, body }).await;
        let counted = holds::count(self.barrier.pool(), &seen).await;
        if let Err(fault) = counted {
            eprintln!("{} cannot count: {fault}", self.role.name());
        }
        answer.unwrap_or_else(|fault| {
            eprintln!("{} {} {}: {fault}", self.role.name(), call.branch.transaction, call.name());
            fault.answer()
        })
    }
}

fn plain(status: u16, refused: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer::problem(status, refused, "see the front of the demo's services")
}

fn plain_count(in_hand: u64) -> Answer {
    Answer::done(format!(r#"{{"in_hand":{in_hand}}}"#).into_bytes())
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

/// A line to the demo. If it is gone there is nobody to tell, and this process ends by its closed input.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
