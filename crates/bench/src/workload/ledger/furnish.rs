//! Prepares a server for a workload over HTTP: assets, accounts with funds, a machine and its items, in large batches.
//!
//! Nothing here is measured. Read next: `http.rs`, `order.rs`.

use std::fmt::Write;
use std::net::SocketAddr;

use anyhow::ensure;

use crate::feed::{ASSET, ISSUER, Name};
use crate::wire;

/// Members of a batch over HTTP.
const MOST: u32 = 8_000;
/// What each account of a user has at first.
const FUNDS: &str = "1000000000000";

/// Posts one body and wants all of it done.
pub(super) fn post(address: SocketAddr, path: &str, body: &str) -> anyhow::Result<()> {
    let mut request = Vec::with_capacity(body.len() + 256);
    wire::post(&mut request, path, body.as_bytes());
    let (status, answer) = wire::once(address, &request)?;
    let answer = String::from_utf8_lossy(&answer);
    let at = answer.find("\"refused\"");
    let shown: String = answer.chars().skip(at.unwrap_or(0).saturating_sub(60)).take(300).collect();
    ensure!(matches!(status, 200 | 201) && at.is_none(), "{path} answered {status} {shown}");
    Ok(())
}

/// Posts `{"name":[…]}` with what `each` writes for every number below `count`, in as many batches as it takes.
pub(super) fn batches(
    address: SocketAddr,
    (path, name): (&str, &str),
    count: u32,
    each: impl Fn(&mut String, u32),
) -> anyhow::Result<()> {
    for first in (0..count).step_by(MOST as usize) {
        let last = first.saturating_add(MOST).min(count);
        let mut body = String::with_capacity((last - first) as usize * 128);
        let _ = write!(body, r#"{{"{name}":["#);
        for number in first..last {
            if number > first {
                body.push(',');
            }
            each(&mut body, number);
        }
        body.push_str("]}");
        post(address, path, &body)?;
    }
    Ok(())
}

/// Declares the asset, opens the issuer and so many users' accounts, and gives each its funds.
pub(super) fn users(address: SocketAddr, count: u32) -> anyhow::Result<()> {
    post(address, "/v1/assets", &format!(r#"{{"code":"{ASSET}","scale":0}}"#))?;
    account(address, (ISSUER, ASSET))?;
    batches(address, ("/v1/accounts", "accounts"), count, |body, number| {
        let account = Name::account(number);
        let id = account.as_str();
        let _ = write!(body, r#"{{"id":"{id}","asset":"{ASSET}","floor":"zero"}}"#);
    })?;
    batches(address, ("/v1/entries", "entries"), count, |body, number| {
        let account = Name::account(number);
        let to = account.as_str();
        let _ = write!(body, r#"{{"id":"fund:{number}","from":"{ISSUER}","to":"{to}","amount":"{FUNDS}"}}"#);
    })
}

/// Opens one account without a floor.
pub(super) fn account(address: SocketAddr, (id, asset): (&str, &str)) -> anyhow::Result<()> {
    let body = format!(r#"{{"accounts":[{{"id":"{id}","asset":"{asset}","floor":"none"}}]}}"#);
    post(address, "/v1/accounts", &body)
}
