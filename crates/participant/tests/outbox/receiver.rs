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
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) at: Instant,
    /// What was answered.
    pub(crate) status: u16,
}

/// What is answered to a message: the statuses in turn, then 200.
type Answers = HashMap<String, Vec<u16>>;

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

    /// Answers these to that message, one after another, and 200 from then on.
    pub(crate) fn answer(&self, id: &str, statuses: &[u16]) {
        self.answers.lock().unwrap().insert(id.to_owned(), statuses.to_vec());
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

async fn take(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    tokio::time::sleep(receiver.takes).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let id = body["id"].as_str().unwrap().to_owned();
    let mut answers = receiver.answers.lock().unwrap();
    let next =
        answers.get_mut(&id).filter(|statuses| !statuses.is_empty()).map(|statuses| statuses.remove(0));
    let status = next.unwrap_or(200);
    let path = uri.path().to_owned();
    let came = Came { id, path, headers, body, at: Instant::now(), status };
    receiver.came.lock().unwrap().push(came);
    let words = json!({"code": "told_so", "detail": "as the test wants it"}).to_string();
    (StatusCode::from_u16(status).unwrap(), [("retry-after", "1")], words).into_response()
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
