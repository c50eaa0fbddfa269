//! The rush: a thousand buyers at the same instant for a hundred units of one product, each over a connection of its own.
//!
//! Each buyer is an initiator of one transaction with one hold branch, asked again under its id until the answer is
//! final. Nobody is told to wait in a line: whose request comes first is decided by the coordinator.
//! Read next: `verdict.rs`, which counts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Barrier;

use super::catalogue::{FREE, TAKEN};
use super::ledger_books::{Account, account};
use super::opening;
use super::orders::final_state;
use super::wire::{Reply, Wire};

/// How many want one.
pub(crate) const BUYERS: usize = 1_000;
/// How many there are.
pub(crate) const UNITS: i64 = 100;

const PRODUCT: &str = "console";
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// How it went.
#[derive(Clone, Debug)]
pub(crate) struct Rush {
    /// Buyers who were told that they have one.
    pub(crate) sold: usize,
    /// Buyers who were told that there is none left.
    pub(crate) turned_away: usize,
    /// Units in the buyers' account by the ledger.
    pub(crate) taken: i128,
    /// Units left, and units under holds, by the ledger.
    pub(crate) left: (i128, i128),
    /// From the first request to the last answer.
    pub(crate) took: Duration,
}

/// Delivers the product and lets the buyers loose.
pub(crate) async fn run(coordinator: SocketAddr) -> anyhow::Result<Rush> {
    opening::supply(coordinator, &[opening::single(PRODUCT, UNITS)]).await?;
    let start = Arc::new(Barrier::new(BUYERS + 1));
    let buyers: Vec<_> =
        (0..BUYERS).map(|number| tokio::spawn(buy(coordinator, number, Arc::clone(&start)))).collect();
    start.wait().await;
    let begun = Instant::now();
    let mut told = Vec::with_capacity(BUYERS);
    for buyer in buyers {
        told.push(buyer.await?);
    }
    let took = begun.elapsed();
    let count = |state: &str| told.iter().filter(|it| it.as_deref() == Some(state)).count();
    let Account { posted: taken, .. } = account(coordinator, &format!("{TAKEN}{PRODUCT}")).await?;
    let Account { posted, held, .. } = account(coordinator, &format!("{FREE}{PRODUCT}")).await?;
    Ok(Rush { sold: count("confirmed"), turned_away: count("cancelled"), taken, left: (posted, held), took })
}

/// What one buyer was told in the end; `None` after a minute without a final answer.
async fn buy(coordinator: SocketAddr, number: usize, start: Arc<Barrier>) -> Option<String> {
    let mut wire = Wire::new(coordinator);
    let request = json!({
        "id": format!("rush-{number}"), "pattern": "tcc", "wait_ms": 10_000, "labels": {"shop": "rush"},
        "branches": [{"id": "stock", "kind": "hold", "amount": "1",
            "from": format!("{FREE}{PRODUCT}"), "to": format!("{TAKEN}{PRODUCT}")}],
    });
    start.wait().await;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        // Whatever is not final, an answer or none, is asked again under the same id.
        if let Ok(Reply { status: 200 | 202, body }) = wire.post("/v1/transactions", &request).await
            && let Some(state) = final_state(&body)
        {
            return Some(state.to_owned());
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}
