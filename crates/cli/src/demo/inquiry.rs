//! After the run: asks the coordinator for every order by id, and the services whether they still have calls in hand.
//!
//! It waits, but never for ever; what is not final by then is reported as it is. Read next: `verdict.rs`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::orders::{Run, final_state};
use super::shop::Shop;
use super::wire::Wire;

/// How long everything may take to become final after the last order.
const PATIENCE: Duration = Duration::from_secs(60);
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

/// Asks for every order, waiting up to a minute for final states. The order of the answers is that of the orders.
pub(crate) async fn ask_all(run: &Arc<Run>, shop: &Shop) -> anyhow::Result<Vec<Truth>> {
    let until = Instant::now() + PATIENCE;
    let next = Arc::new(AtomicUsize::new(0));
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| tokio::spawn(ask_some(Arc::clone(run), Arc::clone(&next), (shop.coordinator, until))))
        .collect();
    let mut all = Vec::with_capacity(run.orders.len());
    for asker in askers {
        all.extend(asker.await??);
    }
    all.sort_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, truth)| truth).collect())
}

async fn ask_some(
    run: Arc<Run>,
    next: Arc<AtomicUsize>,
    (coordinator, until): (SocketAddr, Instant),
) -> anyhow::Result<Vec<(usize, Truth)>> {
    let mut wire = Wire::new(coordinator);
    let mut some = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let Some(order) = run.orders.get(number) else { return Ok(some) };
        let truth = loop {
            let reply = wire.get(&format!("/v1/transactions/{}?wait_ms=1000", order.id)).await?;
            let truth = read(&reply.body);
            if truth.is_final || reply.status == 404 || Instant::now() >= until {
                break truth;
            }
        };
        some.push((number, truth));
    }
}

fn read(body: &Value) -> Truth {
    let attempts = |branch: &Value| -> u64 {
        ["try", "confirm", "cancel"].iter().filter_map(|it| branch["attempts"][it].as_u64()).sum()
    };
    let reason = &body["reason"];
    Truth {
        state: body["state"].as_str().unwrap_or("unknown").to_owned(),
        is_final: final_state(body).is_some(),
        reason: reason["code"]
            .as_str()
            .map(|code| (code.to_owned(), reason["branch"].as_str().map(str::to_owned))),
        needs_attention: body["needs_attention"].as_bool().unwrap_or(false),
        attempts: body["branches"].as_array().map_or(0, |branches| branches.iter().map(attempts).sum()),
    }
}

/// Waits until no service has a call in hand, late tries above all; the calls that remain after a minute.
pub(crate) async fn calm(shop: &Shop) -> anyhow::Result<u64> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut in_hand = 0;
        for (_, address) in &shop.services {
            in_hand += Wire::new(*address).get("/in-hand").await?.body["in_hand"].as_u64().unwrap_or(0);
        }
        if in_hand == 0 || Instant::now() >= until {
            return Ok(in_hand);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
