//! dtmrs as a peer of `http-call`: TCC over DTM's HTTP protocol, two branches, tries made by the initiator.
//!
//! dtmrs answers a submit before the transaction is final, so the last step asks the participant, which answers when
//! both confirms have come: that costs the peer nothing and leaves out its last write.
//! Read next: `postgres.rs`, `limit/participant.rs`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::load::{Script, Step, excerpt};
use crate::peer::free_address;
use crate::peer::postgres::{self, Postgres};
use crate::process::Process;
use crate::wire::{self, Answer};
use crate::workload::http_call::BRANCH_BODY;

/// The peer and its store.
pub(crate) struct Dtmrs {
    pub(crate) process: Process,
    pub(crate) store: Postgres,
    pub(crate) address: SocketAddr,
}

/// Starts both. Refuses when `dtmrs`, `initdb` or `postgres` is not on PATH.
pub(crate) fn start(folder: &Path) -> anyhow::Result<Dtmrs> {
    let store = postgres::start(folder)?;
    let (address, grpc) = (free_address()?, free_address()?);
    let mut command = Command::new("dtmrs");
    command.env("DTMRS_DB", &store.url).env("DTMRS_ADDR", address.to_string());
    command.env("DTMRS_GRPC_ADDR", grpc.to_string()).env("RUST_LOG", "warn");
    let process = Process::start_at(command, &folder.join("dtmrs.log"), address)
        .context("the peer dtmrs (cargo install dtmrs --version 0.13.0 --locked)")?;
    Ok(Dtmrs { process, store, address })
}

const COORDINATOR: usize = 0;
const PARTICIPANT: usize = 1;

/// One transaction as its initiator drives it.
pub(crate) struct Booking {
    pub(crate) participant: SocketAddr,
}

impl Script for Booking {
    fn steps(&self) -> &'static [Step] {
        &[
            Step { name: "prepare", peer: COORDINATOR },
            Step { name: "register 1", peer: COORDINATOR },
            Step { name: "try 1", peer: PARTICIPANT },
            Step { name: "register 2", peer: COORDINATOR },
            Step { name: "try 2", peer: PARTICIPANT },
            Step { name: "submit", peer: COORDINATOR },
            Step { name: "final", peer: PARTICIPANT },
        ]
    }

    fn write(&self, step: usize, id: &str, into: &mut Vec<u8>) {
        let called = self.participant;
        let mut json = Vec::with_capacity(320);
        // Writing into a Vec cannot fail.
        let path = match step {
            0 | 5 => {
                let _ = write!(json, r#"{{"gid":"{id}","trans_type":"tcc"}}"#);
                if step == 0 { "/api/dtmsvr/prepare" } else { "/api/dtmsvr/submit" }
            }
            1 | 3 => {
                let data = std::str::from_utf8(BRANCH_BODY).unwrap_or("{}").replace('"', "\\\"");
                let _ = write!(
                    json,
                    r#"{{"gid":"{id}","trans_type":"tcc","branch_id":"0{branch}","confirm":"http://{called}/confirm","cancel":"http://{called}/cancel","data":"{data}"}}"#,
                    branch = step.div_ceil(2)
                );
                "/api/dtmsvr/registerBranch"
            }
            2 | 4 => {
                json.extend_from_slice(BRANCH_BODY);
                "/try"
            }
            _ => return wire::get(into, &format!("/confirmed?gid={id}")),
        };
        wire::post(into, path, &json);
    }

    fn judge(&self, step: usize, answer: &Answer<'_>) -> Result<(), String> {
        const SUCCESS: &[u8] = b"\"SUCCESS\"";
        let told = || answer.body.windows(SUCCESS.len()).any(|window| window == SUCCESS);
        let coordinator = matches!(step, 0 | 1 | 3 | 5);
        if answer.status == 200 && (!coordinator || told()) { Ok(()) } else { Err(excerpt(answer)) }
    }
}
