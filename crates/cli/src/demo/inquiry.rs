//! After the run: asks the coordinator for every order, by id and by its list, and the services for calls in hand.
//!
//! It waits, but never for ever; what is not final by then is reported as it is. Read next: `verdict.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::orders::{Run, final_state};
use super::shop::Shop;
use super::wire::{Wire, in_path};

/// How long everything may take to become final after the last order.
const PATIENCE: Duration = Duration::from_secs(60);
/// The list is served by an index that is written behind.
const LIST_PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
const ASKERS: usize = 8;

/// What the coordinator says of one order.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    /// The transaction's state, `unknown` when the coordinator does not know the id.
    pub(crate) state: String,
    /// Whether the state is a final one.
    pub(crate) is_final: bool,
    /// Why it was cancelled: the code and, where one branch is meant, its id.
    pub(crate) reason: Option<(String, Option<String>)>,
    /// Whether a person is asked to look.
    pub(crate) needs_attention: bool,
    /// Calls to all branches together.
    pub(crate) attempts: u64,
}

/// All that was answered.
pub(crate) struct Answers {
    /// By id, in the order of the run's orders.
    pub(crate) truths: Vec<Truth>,
    /// By the list: id and state, each as often as it was shown.
    pub(crate) listed: Vec<(String, String)>,
    /// Calls that services still had in hand at the end.
    pub(crate) in_hand: u64,
}

/// Waits for final states and for the services' last calls, then takes everything down.
pub(crate) async fn ask_everybody(run: &Arc<Run>, shop: &Shop) -> anyhow::Result<Answers> {
    let truths = ask_all(run, shop).await?;
    let in_hand = calm(shop).await?;
    let listed = list(run, shop.coordinator).await?;
    Ok(Answers { truths, listed, in_hand })
}

async fn ask_all(run: &Arc<Run>, shop: &Shop) -> anyhow::Result<Vec<Truth>> {
    let until = Instant::now() + PATIENCE;
    let next = Arc::new(AtomicUsize::new(0));
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| Asker {
            run: Arc::clone(run),
            next: Arc::clone(&next),
            wire: Wire::new(shop.coordinator),
            until,
        })
        .map(|asker| tokio::spawn(asker.ask()))
        .collect();
    let mut all = BTreeMap::new();
    for asker in askers {
        all.extend(asker.await??);
    }
    Ok(all.into_values().collect())
}

/// One of those who share the questions.
struct Asker {
    run: Arc<Run>,
    next: Arc<AtomicUsize>,
    wire: Wire,
    until: Instant,
}

impl Asker {
    async fn ask(mut self) -> anyhow::Result<Vec<(usize, Truth)>> {
        let mut some = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let Some(order) = self.run.orders.get(number) else { return Ok(some) };
            let truth = loop {
                let reply = self.wire.get(&format!("/v1/transactions/{}?wait_ms=1000", order.id)).await?;
                let truth = read(&reply.body);
                if truth.is_final || reply.status == 404 || Instant::now() >= self.until {
                    break truth;
                }
            };
            some.push((number, truth));
        }
    }
}

fn read(body: &Value) -> Truth {
    let attempts = |branch: &Value| -> u64 {
        ["try", "confirm", "cancel"].iter().filter_map(|it| branch["attempts"][it].as_u64()).sum()
    };
    let reason = &body["reason"];
    Truth {
        state: body["state"].as_str().filter(|_| body["branches"].is_array()).unwrap_or("unknown").to_owned(),
        is_final: final_state(body).is_some(),
        reason: reason["code"]
            .as_str()
            .map(|code| (code.to_owned(), reason["branch"].as_str().map(str::to_owned))),
        needs_attention: body["needs_attention"].as_bool().unwrap_or(false),
        attempts: body["branches"].as_array().map_or(0, |branches| branches.iter().map(attempts).sum()),
    }
}

/// Waits until no service has a call in hand, late tries above all; the calls that remain after a minute.
async fn calm(shop: &Shop) -> anyhow::Result<u64> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut in_hand = 0;
        for (_, address) in &shop.services {
            in_hand += Wire::new(*address).get("/in-hand").await?.body["in_hand"].as_u64().unwrap_or(0);
        }
        if in_hand == 0 || Instant::now() >= until {
            return Ok(in_hand);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The list of final orders, asked again for a while as long as it is shorter than the run.
async fn list(run: &Run, coordinator: SocketAddr) -> anyhow::Result<Vec<(String, String)>> {
    let until = Instant::now() + LIST_PATIENCE;
    loop {
        let listed = walk_list(coordinator).await?;
        let finals =
            listed.iter().filter(|(_, state)| ["confirmed", "cancelled"].contains(&state.as_str())).count();
        if finals >= run.orders.len() || Instant::now() >= until {
            return Ok(listed);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn walk_list(coordinator: SocketAddr) -> anyhow::Result<Vec<(String, String)>> {
    let mut wire = Wire::new(coordinator);
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = wire.get(&format!("/v1/transactions?label.shop=demo&limit=500{cursor}")).await?;
        let items = page.body["items"].as_array().cloned().unwrap_or_default();
        let word = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
        listed.extend(items.iter().map(|item| (word(item, "id"), word(item, "state"))));
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", in_path(next)),
            None => return Ok(listed),
        }
    }
}
