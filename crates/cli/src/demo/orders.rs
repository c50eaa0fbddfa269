//! The customers: each places one order after another, as an initiator that has to live with lost answers.
//!
//! An initiator that heard nothing asks again with the same id, or asks what became of it; it never makes a second id.
//! Nothing here checks the books: it records what was told, for `verdict.rs` to compare. Read next: `wire.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::args::{Args, Role};
use super::catalogue::{Good, Order, Taking};
use super::shop::DEADLINE_MS;
use super::wire::{Reply, Wire};

/// An order without a final answer after this long is stuck.
const PATIENCE: Duration = Duration::from_secs(90);
const WAIT_MS: u64 = 10_000;
const CALL_TIMEOUT_MS: u64 = 1000;

/// What the initiator of one order was told in the end.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Position in the list of orders.
    pub(crate) number: usize,
    /// `confirmed` or `cancelled`.
    pub(crate) state: String,
    /// From the first request to the final answer.
    pub(crate) latency: Duration,
    /// How often the coordinator was killed meanwhile.
    pub(crate) kills: u32,
}

/// The run as the customers see it; shared by all of them and read by the stage.
///
/// Surprises are answers that the API does not promise, in words.
pub(crate) struct Run {
    /// What is to be ordered.
    pub(crate) orders: Vec<Order>,
    /// Orders with a final answer.
    pub(crate) finished: AtomicU32,
    /// Orders under way.
    pub(crate) open: AtomicU32,
    /// Kills of the coordinator so far; written by `strikes.rs`.
    pub(crate) kills: AtomicU32,
    surprises: Mutex<Vec<String>>,
    told: Mutex<Vec<Told>>,
    next: AtomicUsize,
    coordinator: SocketAddr,
    services: BTreeMap<&'static str, SocketAddr>,
    seed: u64,
    twice: f64,
    withdrawn: f64,
}

impl Run {
    /// Nothing is placed yet.
    pub(crate) fn new(args: &Args, orders: Vec<Order>, shop: &super::shop::Shop) -> Run {
        Run {
            orders,
            finished: AtomicU32::new(0),
            open: AtomicU32::new(0),
            kills: AtomicU32::new(0),
            surprises: Mutex::default(),
            told: Mutex::default(),
            next: AtomicUsize::new(0),
            coordinator: shop.coordinator,
            services: shop.services.iter().map(|(role, address)| (role.name(), *address)).collect(),
            seed: args.seed,
            twice: args.twice,
            withdrawn: args.withdrawn,
        }
    }

    /// What was told, in order of arrival.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.lock().expect("no holder of this lock panics").clone()
    }

    /// The surprises so far.
    pub(crate) fn surprises(&self) -> Vec<String> {
        self.surprises.lock().expect("no holder of this lock panics").clone()
    }

    fn surprise(&self, what: String) {
        self.surprises.lock().expect("no holder of this lock panics").push(what);
    }

    fn request(&self, order: &Order) -> Value {
        let hold = |good: Good| {
            let Taking { from, to, amount } = order.takes(good);
            json!({"id": good.name(), "kind": "hold", "from": from, "to": to, "amount": amount.to_string()})
        };
        let coupon = order.coupon.as_ref().map(|item| {
            json!({"id": "coupon", "kind": "item", "item": item, "try": "lock", "confirm": "use", "cancel": "unlock",
                "owner": order.customer})
        });
        let call = |role: Role| {
            let (pot, amount) = order.asks(role);
            let url = |operation: &str| format!("http://{}/{operation}", self.services[role.name()]);
            json!({
                "id": role.name(), "kind": "call", "timeout_ms": CALL_TIMEOUT_MS,
                "try": url("try"), "confirm": url("confirm"), "cancel": url("cancel"),
                "body": {"pot": pot, "amount": amount},
            })
        };
        let branches: Vec<Value> =
            Good::ALL.into_iter().map(hold).chain(coupon).chain(Role::ALL.into_iter().map(call)).collect();
        json!({
            "id": order.id, "pattern": "tcc", "mode": "managed", "deadline_ms": DEADLINE_MS, "wait_ms": WAIT_MS,
            "retry": {"initial_ms": 50, "max_ms": 1000, "attention_after": 10},
            "labels": {"shop": "demo"},
            "branches": branches,
        })
    }
}

/// One customer: takes the next order until there is none.
pub(crate) async fn customer(run: Arc<Run>) {
    let mut wire = Wire::new(run.coordinator);
    loop {
        let number = run.next.fetch_add(1, Ordering::SeqCst);
        let Some(order) = run.orders.get(number) else { return };
        run.open.fetch_add(1, Ordering::SeqCst);
        let kills = run.kills.load(Ordering::SeqCst);
        let begun = Instant::now();
        let mut draw = fastrand::Rng::with_seed(run.seed ^ number as u64);
        let echo = (draw.f64() * 100.0 < run.twice)
            .then(|| tokio::spawn(place_again(Arc::clone(&run), order.clone())));
        if draw.f64() * 100.0 < run.withdrawn {
            let pause = Duration::from_millis(draw.u64(1..25));
            tokio::spawn(withdraw(Arc::clone(&run), order.clone(), pause));
        }
        let state = place(&run, &mut wire, order).await;
        if let Some(echo) = echo {
            let other = echo.await.unwrap_or_default();
            if other != state {
                run.surprise(format!("{}: two senders were told `{state:?}` and `{other:?}`", order.id));
            }
        }
        run.open.fetch_sub(1, Ordering::SeqCst);
        if let Some(state) = state {
            let kills = run.kills.load(Ordering::SeqCst) - kills;
            let told = Told { number, state, latency: begun.elapsed(), kills };
            run.told.lock().expect("no holder of this lock panics").push(told);
        }
        run.finished.fetch_add(1, Ordering::SeqCst);
    }
}

async fn place_again(run: Arc<Run>, order: Order) -> Option<String> {
    let mut wire = Wire::new(run.coordinator);
    place(&run, &mut wire, &order).await
}

/// The customer changes their mind: lawful until the decision, a 409 after it.
async fn withdraw(run: Arc<Run>, order: Order, pause: Duration) {
    tokio::time::sleep(pause).await;
    let path = format!("/v1/transactions/{}/cancel", order.id);
    let wish = json!({"detail": "the customer changed their mind"});
    // Without an answer the wish may have come through or not; both are lawful ends of the order.
    if let Ok(reply) = Wire::new(run.coordinator).post(&path, &wish).await
        && ![200, 202, 404, 409, 503].contains(&reply.status)
    {
        run.surprise(format!("{}: a withdrawal was answered {} {}", order.id, reply.status, reply.body));
    }
}

/// What the initiator knows of its order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Sent, if at all, without an answer.
    Nothing,
    /// The coordinator has said that it keeps it.
    Kept,
}

/// Places one order and waits for its final state; `None` when it got none, which is recorded as a surprise.
async fn place(run: &Run, wire: &mut Wire, order: &Order) -> Option<String> {
    let begun = Instant::now();
    let request = run.request(order);
    let inquiry = format!("/v1/transactions/{}?wait_ms={WAIT_MS}", order.id);
    let mut known = Known::Nothing;
    while begun.elapsed() < PATIENCE {
        let reply = match known {
            Known::Nothing => wire.post("/v1/transactions", &request).await,
            Known::Kept => wire.get(&inquiry).await,
        };
        match reply {
            Ok(Reply { status: 200 | 202, body }) => {
                known = Known::Kept;
                match final_state(&body) {
                    Some(state) => return Some(state.to_owned()),
                    None => continue,
                }
            }
            Ok(Reply { status: 429 | 503, .. }) => tokio::time::sleep(Duration::from_millis(100)).await,
            Ok(reply) => {
                run.surprise(format!("{}: answered {} {}", order.id, reply.status, reply.body));
                return None;
            }
            // Killed, or coming up again: the same question with the same id is always safe.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    run.surprise(format!("{}: no final answer in {} s", order.id, PATIENCE.as_secs()));
    None
}

/// The state of a transaction object if it is a final one.
pub(crate) fn final_state(body: &Value) -> Option<&str> {
    body["state"].as_str().filter(|state| ["confirmed", "cancelled"].contains(state))
}
