//! A participant of XA over HTTP: one address for both phases, as clients of DTM have it.
//!
//! The first phase comes from the initiator: begin, change, register with the coordinator, prepare. The second comes from the
//! coordinator. Nothing is remembered here but who called; what is prepared lies in the database alone.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::database::{Database, End};
use crate::support::{Http, Tercet};

/// A bank that serves.
pub struct Bank {
    pub database: Database,
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// `op branch` of every call of the second phase.
    told: Mutex<Vec<String>>,
    is_down: AtomicBool,
}

impl Bank {
    pub async fn start(database: Database) -> Bank {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        tokio::spawn(serve(listener, (database.clone(), Arc::clone(&shared))));
        Bank { database, address, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}/xa", self.address)
    }

    /// Whoever connects is cut off at once, as if nobody listened.
    pub fn goes_down(&self) {
        self.shared.is_down.store(true, Ordering::SeqCst);
    }

    pub fn comes_back(&self) {
        self.shared.is_down.store(false, Ordering::SeqCst);
    }

    /// The calls of the second phase so far.
    pub fn told(&self) -> Vec<String> {
        self.shared.told.lock().unwrap().clone()
    }

    /// Makes a call here: the first phase as an initiator does, or any as somebody else does. Answers the status.
    pub fn call(&self, (id, branch, op): (&str, &str, &str), (coordinator, body): (&Tercet, &Value)) -> u16 {
        let plain = |text: String| text.replace(':', "%3A").replace('/', "%2F");
        let dtm = plain(format!("http://{}/api/dtmsvr", coordinator.address));
        let named = format!("gid={id}&trans_type=xa&branch_id={branch}&op={op}");
        let target = format!("/xa?{named}&dtm={dtm}&phase2_url={}", plain(self.url()));
        let http = Http { address: self.address, token: None };
        http.send(("POST", &target), &[], body.to_string().as_bytes()).unwrap().status
    }
}

type Parts = (Database, Arc<Shared>);

async fn serve(listener: TcpListener, parts: Parts) {
    while let Ok((stream, _)) = listener.accept().await {
        if parts.1.is_down.load(Ordering::SeqCst) {
            continue;
        }
        let parts = parts.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, parts.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// No answer at all while the bank is down: an error here ends the connection.
async fn answer(
    request: Request<Incoming>,
    (database, shared): Parts,
) -> Result<Response<Full<Bytes>>, &'static str> {
    if shared.is_down.load(Ordering::SeqCst) {
        return Err("down");
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map_err(|_| "cut off")?.to_bytes();
    let op = named(&query, "op");
    let branch = format!("{}-{}", named(&query, "gid"), named(&query, "branch_id"));
    let done = match op.as_str() {
        "action" => first(&database, (&query, &branch), &body).await,
        "commit" | "rollback" => {
            shared.told.lock().unwrap().push(format!("{op} {}", named(&query, "branch_id")));
            let end = if op == "commit" { End::Commit } else { End::Rollback };
            database.end(&branch, end).await.map_err(|words| (500, words))
        }
        other => Err((500, format!("op is {other}"))),
    };
    let (status, words) = match done {
        Ok(()) => (200, json!({ "dtm_result": "SUCCESS" })),
        Err((409, words)) => (409, json!({ "dtm_result": "FAILURE", "message": words })),
        Err((status, words)) => (status, json!({ "message": words })),
    };
    let mut answer = Response::new(Full::new(Bytes::from(words.to_string())));
    *answer.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    Ok(answer)
}

/// The first phase. A refusal and a coordinator that does not want the branch leave nothing behind.
async fn first(database: &Database, (query, branch): (&str, &str), body: &[u8]) -> Result<(), (u16, String)> {
    let fault = |error: sqlx::Error| (500, error.to_string());
    let asked: Value = serde_json::from_slice(body).map_err(|error| (500, error.to_string()))?;
    let (account, amount) = (asked["account"].as_str().unwrap_or_default(), &asked["amount"]);
    let change = format!(
        "UPDATE accounts SET balance = balance + ({amount}) WHERE id = '{account}' AND balance + ({amount}) >= 0"
    );
    let mut local = database.connect().await.map_err(fault)?;
    local.begin(branch).await.map_err(fault)?;
    let changed = local.run(&change).await.map_err(fault)?;
    let wanted = if changed == 1 { register(query).await } else { Err((409, "too little".to_owned())) };
    if wanted.is_ok() {
        local.prepare(branch).await.map_err(fault)?;
    }
    // MariaDB lets nobody else end a branch while the connection that prepared it lives.
    local.close().await;
    wanted
}

/// Tells the coordinator of this branch.
async fn register(query: &str) -> Result<(), (u16, String)> {
    let dtm = named(query, "dtm");
    let address = dtm.trim_start_matches("http://").split('/').next().unwrap_or_default().parse();
    let http = Http { address: address.map_err(|_| (500, format!("dtm is {dtm}")))?, token: None };
    let branch = json!({ "gid": named(query, "gid"), "trans_type": "xa", "branch_id": named(query, "branch_id"),
        "url": named(query, "phase2_url") });
    let asked =
        tokio::task::spawn_blocking(move || http.try_post("/api/dtmsvr/registerBranch", &branch)).await;
    match asked.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        Ok(reply) if reply.status == 200 => Ok(()),
        Ok(reply) => Err((reply.status, reply.text)),
        Err(error) => Err((500, error.to_string())),
    }
}

fn named(query: &str, name: &str) -> String {
    let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    found.map_or(String::new(), |(_, value)| value.replace("%3A", ":").replace("%2F", "/"))
}
