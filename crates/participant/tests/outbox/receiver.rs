//! Whom a test sends to: a server that writes down what came, and answers what it was told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use participant::database::Dialect;
use participant::outbox::relay::{Order, Relay, Retry, Settings, Target};
use participant::outbox::{Message, Outbox};
use serde_json::{Value, json};

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    pub(crate) id: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: Bytes,
    pub(crate) body: Value,
    pub(crate) at: Instant,
    /// What was answered.
    pub(crate) status: u16,
}

/// One answer.
#[derive(Clone)]
struct Told {
    status: u16,
    body: Value,
    /// With `Retry-After: 1`.
    is_busy: bool,
}

/// What is answered to a message: these in turn, then [`Told::usual`].
type Answers = HashMap<String, Vec<Told>>;

#[derive(Clone, Default)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    came: Arc<Mutex<Vec<Came>>>,
    answers: Arc<Mutex<Answers>>,
    takes: Duration,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        Receiver::slow(Duration::ZERO).await
    }

    /// One that takes its time for each answer.
    pub(crate) async fn slow(takes: Duration) -> Receiver {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Receiver { url, takes, ..Receiver::default() };
        let app = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    /// Answers these to that message, one after another, and that it is taken from then on.
    pub(crate) fn answer(&self, id: &str, statuses: &[u16]) {
        self.tell(id, statuses.iter().map(|status| Told::problem(*status)));
    }

    /// The same, and wants to be left alone for a second after each.
    pub(crate) fn busy(&self, id: &str, statuses: &[u16]) {
        self.tell(id, statuses.iter().map(|status| Told { is_busy: true, ..Told::problem(*status) }));
    }

    /// Answers that the message's transaction stands so, one after another, and that it is delivered from then on.
    pub(crate) fn stands(&self, id: &str, stands: &[(u16, &str)]) {
        self.tell(id, stands.iter().map(|(status, state)| Told::transaction(*status, id, state)));
    }

    fn tell(&self, id: &str, told: impl Iterator<Item = Told>) {
        self.answers.lock().unwrap().insert(id.to_owned(), told.collect());
    }

    pub(crate) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.came.lock().unwrap().len()
    }

    /// The ids of what was accepted, in order.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.came().into_iter().filter(|came| came.status == 200).map(|came| came.id).collect()
    }

    pub(crate) fn message(&self, id: &str) -> Message {
        Message::new(id, format!("{}/deliver", self.url), &json!({ "id": id })).unwrap()
    }
}

impl Told {
    fn problem(status: u16) -> Told {
        Told { status, body: json!({"code": "told_so", "detail": "as the test wants it"}), is_busy: false }
    }

    /// As `POST /v1/transactions` answers; a known transaction is answered with 200 wherever it stands.
    fn transaction(status: u16, id: &str, state: &str) -> Told {
        let branch = json!({"id": "deliver", "kind": "call", "attempts": {"deliver": 1}});
        let body = json!({"id": id, "pattern": "message", "state": state, "branches": [branch]});
        Told { status, body, is_busy: false }
    }

    /// What a coordinator answers, and a destination, which may say what it likes.
    fn usual(id: &str, asked: &Value) -> Told {
        match asked["wait_ms"].as_u64() {
            Some(0) => Told::transaction(202, id, "submitted"),
            _ => Told::transaction(200, id, "delivered"),
        }
    }
}

async fn take(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, text: Bytes) -> Response {
    tokio::time::sleep(receiver.takes).await;
    let body: Value = serde_json::from_slice(&text).unwrap();
    let id = body["id"].as_str().unwrap().to_owned();
    let mut answers = receiver.answers.lock().unwrap();
    let next = answers.get_mut(&id).filter(|told| !told.is_empty()).map(|told| told.remove(0));
    let told = next.unwrap_or_else(|| Told::usual(&id, &body));
    let (status, path) = (told.status, uri.path_and_query().unwrap().to_string());
    let came = Came { id, path, headers, text, body, at: Instant::now(), status };
    receiver.came.lock().unwrap().push(came);
    let answer = (StatusCode::from_u16(status).unwrap(), told.body.to_string());
    if told.is_busy { ([("retry-after", "1")], answer).into_response() } else { answer.into_response() }
}

/// To the destinations themselves, in a hurry.
pub(crate) fn hasty() -> Settings {
    Settings {
        timeout: Duration::from_millis(900),
        lease: Duration::from_secs(2),
        poll: Duration::from_millis(20),
        retry: Retry { budget: 3, initial: Duration::from_millis(20), most: Duration::from_millis(50) },
        order: Order::Delivered,
        ..Settings::new(Target::Destinations)
    }
}

/// Enqueues them in one local transaction.
pub(crate) async fn enqueue<D: Dialect>(outbox: &Outbox<D>, messages: &[Message]) {
    let mut connection = outbox.pool().acquire().await.unwrap();
    let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
    for message in messages {
        outbox.enqueue(&mut local, message).await.unwrap();
    }
    local.commit().await.unwrap();
}

pub(crate) fn relay<D: Dialect>(outbox: &Outbox<D>, settings: Settings) -> Relay<D> {
    Relay::new(outbox.clone(), settings).unwrap()
}

/// Runs a relay until `done` holds.
pub(crate) async fn run_until<D: Dialect>(
    outbox: &Outbox<D>,
    settings: Settings,
    done: impl AsyncFn() -> bool,
) {
    relay(outbox, settings).run(until(done)).await;
}

/// Waits until `done` holds, and not for ever.
pub(crate) async fn until(done: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(120), "it takes too long");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Nothing waits any more.
pub(crate) async fn is_drained<D: Dialect>(outbox: &Outbox<D>) -> bool {
    outbox.backlog().await.unwrap().waiting == 0
}
