//! `order`: a shop order as one managed transaction over HTTP: two kinds of stock, points and a coupon, all in the ledger.
//!
//! Every branch is a hold or an item, so the transaction is final in the answer, with no call out. Beside it a handler
//! that reads the same bodies and answers the same bytes (`limit/same.rs`), and the journal alone.
//! Read next: `http.rs`.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::compare::{Gauged, Side};
use crate::feed::{Name, Random};
use crate::load::{Script, Step};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::tercet::{self, Which};
use crate::wire::{self, Answer};
use crate::workload::ledger::furnish;
use crate::workload::{Form, Goals, Run, file, judge, sample, side_process};

const USERS: u32 = 10_000;
const SKUS: u32 = 100;
/// Where spent points go.
const SINK: &str = "sink:points";
/// Coupons for each second of ours: more orders than that would find none.
const COUPONS_A_SECOND: u64 = 50_000;

const MACHINE: &str = r#"{"name":"coupon","initial":"active",
 "states":{"active":{},"locked":{"expires_to":"active","after_ms":900000},"used":{"final":true},"voided":{"final":true}},
 "moves":{"lock":{"from":["active"],"to":"locked","guard":["within_validity","owner"]},
  "unlock":{"from":["locked"],"to":"active"},"use":{"from":["locked"],"to":"used"},"void":{"from":["active"],"to":"voided"}}}"#;

/// Flags of `order`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// Kept-alive connections, each waiting for its answer before it sends the next
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Coupons made ahead, one for each order [default: 50,000 for each second of ours]
    #[arg(long, value_name = "N")]
    coupons: Option<u32>,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let machine = Machine::look(folder.path())?;
    let tercet = args.which.serve(&folder.path().join("data"))?;
    let wanted = COUPONS_A_SECOND * (args.pace.seconds * args.pace.rounds + 2);
    let coupons = args.coupons.unwrap_or_else(|| u32::try_from(wanted).unwrap_or(u32::MAX));
    open_shop(tercet.address, coupons)?;
    eprintln!("{coupons} coupons are issued");
    tercet::settle(tercet.address)?;
    let mark = tercet::durable(tercet.address)?;
    let (ours, theirs) = (Arc::new(Order::default()), Arc::new(Order::default()));
    let answers = sample(tercet.address, ours.as_ref())?;
    let answer = file(folder.path(), "answer.json", &answers[0])?;
    let same = side_process(folder.path(), &["same", "--answer", &answer])?;
    let side = |name, peer, script, gauged, process| Side {
        name,
        peers: vec![peer],
        script,
        gauged,
        processes: vec![process],
        participant: None,
    };
    let gauged = Gauged::Tercet(tercet.address);
    let sides = [
        side("tercet", tercet.address, Arc::clone(&ours) as _, gauged, ("tercet", tercet.process.id())),
        side("no-op handler", same.ready.parse()?, theirs as _, Gauged::No, ("no-op", same.id())),
    ];
    let run = Run {
        workload: "order",
        machine,
        connections: usize::from(args.connections),
        pace: &args.pace,
        goals: Goals { ratio: 0.0, peer_ratio: 0.0, p99_ms: None, per_second: Some(25_000.0) },
        entries: 1,
    };
    let mut comparison = run.measure(&sides)?;
    drop(sides);
    tercet.process.kill()?;
    comparison.look_at((folder.path(), mark), ours.begun.load(Ordering::Relaxed), &args.pace)?;
    comparison.report(Form::of(&args.pace))
}

/// Users with points, SKUs with stock, coupons with owners.
fn open_shop(address: SocketAddr, coupons: u32) -> anyhow::Result<()> {
    furnish::users(address, USERS)?;
    furnish::account(address, (SINK, "points"))?;
    for sku in 0..SKUS {
        furnish::post(address, "/v1/assets", &format!(r#"{{"code":"sku:{sku}","scale":0}}"#))?;
    }
    furnish::batches(address, ("/v1/accounts", "accounts"), SKUS * 3, |body, number| {
        let (sku, kind) = (number / 3, number % 3);
        let (name, floor) = [("supplier", "none"), ("stock", "zero"), ("sold", "none")][kind as usize];
        let _ = write!(body, r#"{{"id":"{name}:{sku}","asset":"sku:{sku}","floor":"{floor}"}}"#);
    })?;
    furnish::batches(address, ("/v1/entries", "entries"), SKUS, |body, sku| {
        let _ = write!(
            body,
            r#"{{"id":"delivery:{sku}","from":"supplier:{sku}","to":"stock:{sku}","amount":"1000000000"}}"#
        );
    })?;
    furnish::post(address, "/v1/machines", MACHINE)?;
    furnish::batches(address, ("/v1/items", "items"), coupons, |body, coupon| {
        let owner = Name::account(coupon % USERS);
        let owner = owner.as_str();
        let _ = write!(
            body,
            r#"{{"id":"coupon:{coupon}","machine":"coupon","owner":"{owner}","attributes":{{"valid_until":"2099-01-01T00:00:00Z"}}}}"#
        );
    })
}

/// One order: each takes the next coupon, of whom it belongs to.
#[derive(Default)]
struct Order {
    /// Orders written.
    begun: AtomicU64,
}

impl Script for Order {
    fn steps(&self) -> &'static [Step] {
        &[Step { name: "order", peer: 0 }]
    }

    fn write(&self, _step: usize, id: &str, into: &mut Vec<u8>) {
        let coupon = self.begun.fetch_add(1, Ordering::Relaxed);
        let mut random = Random::new(coupon);
        let owner = Name::account((coupon % u64::from(USERS)) as u32);
        let owner = owner.as_str();
        let first = random.below(SKUS);
        let second = (first + 1 + random.below(SKUS - 1)) % SKUS;
        let mut json = String::with_capacity(640);
        let _ =
            write!(json, r#"{{"id":"{id}","pattern":"tcc","mode":"managed","wait_ms":10000,"branches":["#);
        for (branch, sku) in [("stock-1", first), ("stock-2", second)] {
            let _ = write!(
                json,
                r#"{{"id":"{branch}","kind":"hold","from":"stock:{sku}","to":"sold:{sku}","amount":"1"}},"#
            );
        }
        let _ = write!(
            json,
            r#"{{"id":"points","kind":"hold","from":"{owner}","to":"{SINK}","amount":"300"}},{{"id":"coupon","kind":"item","item":"coupon:{coupon}","try":"lock","confirm":"use","cancel":"unlock","owner":"{owner}"}}]}}"#
        );
        wire::post(into, "/v1/transactions", json.as_bytes());
    }

    fn judge(&self, _step: usize, answer: &Answer<'_>) -> Result<(), String> {
        judge(answer, 200, Some("confirmed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_json_with_four_branches_and_a_coupon_of_its_own() {
        let script = Order::default();
        let order = || {
            let mut request = Vec::new();
            script.write(0, "order-1", &mut request);
            let text = String::from_utf8(request).unwrap();
            serde_json::from_str::<serde_json::Value>(text.split_once("\r\n\r\n").unwrap().1).unwrap()
        };
        let (one, two) = (order(), order());
        for (order, coupon) in [(&one, "coupon:0"), (&two, "coupon:1")] {
            let branches = order["branches"].as_array().unwrap();
            assert_eq!((branches.len(), &branches[3]["item"]), (4, &coupon.into()));
            assert_ne!(branches[0]["from"], branches[1]["from"]);
            assert_eq!(branches[2]["from"], branches[3]["owner"]);
        }
        assert!(serde_json::from_str::<serde_json::Value>(MACHINE).is_ok());
    }
}
