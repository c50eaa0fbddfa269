//! Fills the ledger before the shop opens: assets, accounts, what is in them, and the coupons.
//!
//! Everything has its id, so that it could be asked again; here it is asked once, of a calm coordinator, and any other
//! answer than "done" ends the demo. Read next: `catalogue.rs` for what there is, `orders.rs` for who takes it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::bail;
use serde_json::{Value, json};

use super::catalogue::{Coupon, FREE, Pot, SOURCE, Supply, TAKEN};
use super::wire::Wire;

/// The machine of the coupons: the file that the examples give away.
pub(crate) const COUPON_MACHINE: &str = include_str!("../../../../examples/machines/coupon.toml");

/// Members of one batch.
const AT_ONCE: usize = 1_000;

/// Declares the assets, opens three accounts for each (one out of which it comes, one that takes it for good, and those
/// that have some), and fills these.
pub(crate) async fn supply(coordinator: SocketAddr, supplies: &[Supply]) -> anyhow::Result<()> {
    let mut wire = Wire::new(coordinator);
    let assets: BTreeSet<&str> = supplies.iter().map(|it| it.asset.as_str()).collect();
    for asset in &assets {
        let reply = wire.post("/v1/assets", &json!({ "code": asset, "scale": 0 })).await?;
        if reply.status != 200 {
            bail!("the asset {asset} was not declared: {} {}", reply.status, reply.body);
        }
    }
    let open = |id: String, asset: &str, floor: &str| json!({ "id": id, "asset": asset, "floor": floor });
    let bottomless = assets
        .iter()
        .flat_map(|asset| [SOURCE, TAKEN].map(|side| open(format!("{side}{asset}"), asset, "none")));
    let accounts: Vec<Value> =
        bottomless.chain(supplies.iter().map(|it| open(it.pot.id.clone(), &it.asset, "zero"))).collect();
    post_all(&mut wire, ("/v1/accounts", "accounts"), &accounts).await?;
    let filled = supplies.iter().filter(|it| it.pot.opening > 0);
    let entries: Vec<Value> = filled.map(entry).collect();
    post_all(&mut wire, ("/v1/entries", "entries"), &entries).await
}

fn entry(supply: &Supply) -> Value {
    let Pot { id, opening } = &supply.pot;
    json!({
        "id": format!("opening:{id}"), "from": format!("{SOURCE}{}", supply.asset), "to": id,
        "amount": opening.to_string(), "cause": { "operator": "demo", "reason": "what the shop opens with" },
    })
}

/// One supply of a new asset.
pub(crate) fn single(asset: &str, opening: i64) -> Supply {
    Supply { asset: asset.to_owned(), pot: Pot { id: format!("{FREE}{asset}"), opening } }
}

/// Creates the coupons and activates them.
pub(crate) async fn issue(coordinator: SocketAddr, coupons: &[Coupon]) -> anyhow::Result<()> {
    let members: Vec<Value> = coupons
        .iter()
        .flat_map(|Coupon { id, owner }| {
            [
                json!({ "kind": "item", "id": id, "machine": "coupon", "owner": owner, "linked": true }),
                json!({ "kind": "move", "id": "activate", "item": id, "move": "activate" }),
            ]
        })
        .collect();
    post_all(&mut Wire::new(coordinator), ("/v1/batches", "members"), &members).await
}

async fn post_all(wire: &mut Wire, (path, list): (&str, &str), members: &[Value]) -> anyhow::Result<()> {
    for part in members.chunks(AT_ONCE) {
        let reply = wire.post(path, &json!({ list: part })).await?;
        let results = reply.body["results"].as_array().map_or(&[][..], Vec::as_slice);
        let refused = results.iter().find(|result| !result["refusal"].is_null());
        if let Some(refused) = refused {
            bail!("{path}: {refused}");
        }
        if reply.status != 200 || results.len() != part.len() {
            bail!("{path}: answered {} {}", reply.status, reply.body);
        }
    }
    Ok(())
}
