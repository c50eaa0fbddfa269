//! The ledger as it stands after the run, asked over HTTP like anybody would: accounts, the holds of every order, coupons.
//!
//! It judges nothing. What the ledger says of itself is checked once more by `tercet journal verify`.
//! Read next: `verdict.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::catalogue::{Good, Order};
use super::wire::{Reply, Wire, in_path};

const ASKERS: usize = 8;

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Its id.
    pub(crate) id: String,
    /// What it counts.
    pub(crate) asset: String,
    /// What came in less what went out.
    pub(crate) posted: i128,
    /// The sum of its open holds.
    pub(crate) held: i128,
}

/// One order's hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// `held`, `captured`, `released` or `expired`.
    pub(crate) state: String,
    /// Out of which account.
    pub(crate) from: String,
    /// Units captured of it.
    pub(crate) captured: i128,
}

/// A coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Coupon {
    /// Its state.
    pub(crate) state: String,
    /// How often it was ever used.
    pub(crate) uses: usize,
}

/// Everything the verdict needs of the ledger.
pub(crate) struct LedgerBooks {
    /// All of them.
    pub(crate) accounts: Vec<Account>,
    /// By order and good; an order that was refused may have none.
    pub(crate) holds: BTreeMap<(String, Good), Hold>,
    /// Those that an order named, by id.
    pub(crate) coupons: BTreeMap<String, Coupon>,
}

/// Reads all of it. `Err` when the coordinator does not answer, or not as the API promises.
pub(crate) async fn read(coordinator: SocketAddr, orders: &[Order]) -> anyhow::Result<LedgerBooks> {
    Ok(LedgerBooks {
        accounts: accounts(coordinator).await?,
        holds: holds(coordinator, orders).await?,
        coupons: coupons(coordinator, orders).await?,
    })
}

/// One account as it stands.
pub(crate) async fn account(coordinator: SocketAddr, id: &str) -> anyhow::Result<Account> {
    let reply = Wire::new(coordinator).get(&format!("/v1/accounts/{}", in_path(id))).await?;
    ensure!(reply.status == 200, "the account {id}: {} {}", reply.status, reply.body);
    read_account(&reply.body)
}

async fn accounts(coordinator: SocketAddr) -> anyhow::Result<Vec<Account>> {
    let mut wire = Wire::new(coordinator);
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = wire.get(&format!("/v1/accounts?limit=1000{cursor}")).await?;
        ensure!(page.status == 200, "the list of accounts: {} {}", page.status, page.body);
        let items = page.body["items"].as_array().map_or(&[][..], Vec::as_slice);
        for item in items {
            all.push(read_account(item)?);
        }
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", in_path(next)),
            None => return Ok(all),
        }
    }
}

async fn holds(coordinator: SocketAddr, orders: &[Order]) -> anyhow::Result<BTreeMap<(String, Good), Hold>> {
    let keys: Vec<(String, Good)> =
        orders.iter().flat_map(|order| Good::ALL.map(|good| (order.id.clone(), good))).collect();
    let path = |(order, good): &(String, Good)| {
        format!("/v1/holds/{}", in_path(&format!("{order}/{}", good.name())))
    };
    let replies = ask_each(coordinator, keys.iter().map(path).collect()).await?;
    let mut holds = BTreeMap::new();
    for (key, reply) in keys.into_iter().zip(replies) {
        // A try that was refused leaves no hold.
        if reply.status != 404 {
            let hold = Hold {
                state: text(&reply.body, "state")?,
                from: text(&reply.body, "from")?,
                captured: units(&reply.body, "captured")?,
            };
            holds.insert(key, hold);
        }
    }
    Ok(holds)
}

async fn coupons(coordinator: SocketAddr, orders: &[Order]) -> anyhow::Result<BTreeMap<String, Coupon>> {
    let mut ids: Vec<String> = orders.iter().filter_map(|order| order.coupon.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let item = |id: &String| format!("/v1/items/{}", in_path(id));
    let states = ask_each(coordinator, ids.iter().map(item).collect()).await?;
    let history = |id: &String| format!("{}/history?limit=1000", item(id));
    let histories = ask_each(coordinator, ids.iter().map(history).collect()).await?;
    let mut coupons = BTreeMap::new();
    for ((id, item), history) in ids.into_iter().zip(states).zip(histories) {
        let steps = history.body["items"].as_array().context("a coupon's history")?;
        let uses = steps.iter().filter(|step| step["to"] == "used").count();
        coupons.insert(id, Coupon { state: text(&item.body, "state")?, uses });
    }
    Ok(coupons)
}

/// Asks several things at the same time; the answers in order.
async fn ask_each(coordinator: SocketAddr, paths: Vec<String>) -> anyhow::Result<Vec<Reply>> {
    let paths = Arc::new(paths);
    let next = Arc::new(AtomicUsize::new(0));
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| {
            let (paths, next) = (Arc::clone(&paths), Arc::clone(&next));
            tokio::spawn(async move {
                let mut wire = Wire::new(coordinator);
                let mut some = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(path) = paths.get(number) else { return Ok::<_, anyhow::Error>(some) };
                    some.push((number, wire.get(path).await?));
                }
            })
        })
        .collect();
    let mut all = BTreeMap::new();
    for asker in askers {
        all.extend(asker.await??);
    }
    Ok(all.into_values().collect())
}

fn read_account(body: &Value) -> anyhow::Result<Account> {
    Ok(Account {
        id: text(body, "id")?,
        asset: text(body, "asset")?,
        posted: units(body, "posted")?,
        held: units(body, "held")?,
    })
}

fn text(body: &Value, name: &str) -> anyhow::Result<String> {
    Ok(body[name].as_str().with_context(|| format!("{name} of {body}"))?.to_owned())
}

/// Every asset of the shop has no decimals.
fn units(body: &Value, name: &str) -> anyhow::Result<i128> {
    text(body, name)?.parse().with_context(|| format!("{name} of {body}"))
}
