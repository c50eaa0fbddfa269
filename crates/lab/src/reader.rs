//! Reads back over HTTP, patiently where the server says that it is busy. Judges nothing.

use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::http::Http;

/// Asks for something as it stands; `None`: there is no such thing.
pub(crate) fn read(http: &Http, path: &str) -> anyhow::Result<Option<Value>> {
    for _ in 0..200 {
        match http.try_get(path) {
            Ok(reply) if reply.status == 200 => return Ok(Some(reply.body)),
            Ok(reply) if reply.status == 404 => return Ok(None),
            Ok(reply) if reply.status == 503 => {}
            Ok(reply) => bail!("GET {path}: {}", reply.text),
            Err(error) => return Err(error).with_context(|| format!("GET {path}")),
        }
        thread::sleep(Duration::from_millis(20));
    }
    bail!("GET {path} is answered 503 all the time")
}

/// An account, and the newest lines of its journal up to it, oldest first.
pub(crate) fn newest_lines(http: &Http, id: &str) -> anyhow::Result<(Value, Vec<Value>)> {
    let account = read(http, &format!("/v1/accounts/{id}"))?.unwrap_or_default();
    let page = read(http, &format!("/v1/accounts/{id}/entries?order=newest&limit=1000"))?.unwrap_or_default();
    let mut lines = page["items"].as_array().cloned().unwrap_or_default();
    lines.reverse();
    // What is open goes on meanwhile.
    lines.retain(|line| line["version"].as_u64() <= account["version"].as_u64());
    Ok((account, lines))
}
