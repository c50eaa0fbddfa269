//! What a client of DTM sends for one transaction: to Tercet, to another coordinator of that protocol, or to nobody.
//!
//! A submit is answered before the transaction is final, so the last step asks the participant, which answers when both of its
//! calls have come: that costs a coordinator nothing and leaves out its last write. Read next: `limit/participant.rs`.

use std::io::Write;
use std::net::SocketAddr;

use crate::load::{Script, Step, excerpt};
use crate::wire::{self, Answer};
use crate::workload::http_call::BRANCH_BODY;

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pattern {
    /// prepare, twice register and try, submit; two confirms
    Tcc,
    /// submit; two actions
    Saga,
}

/// Who makes the calls that follow a submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    Coordinator,
    /// The client itself, after the same requests to a handler that does nothing.
    Client,
}

/// One transaction as its client drives it.
#[derive(Debug, Clone)]
pub(crate) struct Booking {
    pub(crate) pattern: Pattern,
    pub(crate) driver: Driver,
    pub(crate) participant: SocketAddr,
    /// Begins every id, so that no id comes twice in the life of a coordinator.
    pub(crate) run: String,
}

const COORDINATOR: usize = 0;
const PARTICIPANT: usize = 1;

const fn asks(name: &'static str) -> Step {
    Step { name, peer: COORDINATOR }
}

const fn calls(name: &'static str) -> Step {
    Step { name, peer: PARTICIPANT }
}

/// As `TCC`, up to its submit.
const TCC_BARE: &[Step] = &[
    asks("prepare"),
    asks("register 1"),
    calls("try 1"),
    asks("register 2"),
    calls("try 2"),
    asks("submit"),
    calls("confirm 2"),
    calls("confirm 1"),
];
const TCC: &[Step] = &[
    asks("prepare"),
    asks("register 1"),
    calls("try 1"),
    asks("register 2"),
    calls("try 2"),
    asks("submit"),
    calls("final"),
];
const SAGA_BARE: &[Step] = &[asks("submit"), calls("action 1"), calls("action 2")];
const SAGA: &[Step] = &[asks("submit"), calls("final")];

impl Script for Booking {
    fn steps(&self) -> &'static [Step] {
        match (self.pattern, self.driver) {
            (Pattern::Tcc, Driver::Coordinator) => TCC,
            (Pattern::Tcc, Driver::Client) => TCC_BARE,
            (Pattern::Saga, Driver::Coordinator) => SAGA,
            (Pattern::Saga, Driver::Client) => SAGA_BARE,
        }
    }

    fn write(&self, step: usize, id: &str, into: &mut Vec<u8>) {
        let id = format!("{}{id}", self.run);
        let name = self.steps()[step].name;
        match name.split(' ').next().unwrap_or(name) {
            "prepare" => wire::post(into, "/api/dtmsvr/prepare", &opened(&id)),
            "register" => wire::post(into, "/api/dtmsvr/registerBranch", &self.branch(&id, number(name))),
            "submit" if self.pattern == Pattern::Tcc => wire::post(into, "/api/dtmsvr/submit", &opened(&id)),
            "submit" => wire::post(into, "/api/dtmsvr/submit", &self.saga(&id)),
            "final" => wire::get(into, &format!("/settled?gid={id}")),
            // As a coordinator calls, or the client its own tries.
            op => {
                let (kind, branch) = (self.name(), number(name));
                // Nobody waits for what the client calls itself: the participant need not remember it.
                let path = if self.driver == Driver::Client { "call" } else { op };
                let named = format!("/{path}?gid={id}&trans_type={kind}&branch_id=0{branch}&op={op}");
                wire::post(into, &named, BRANCH_BODY);
            }
        }
    }

    fn judge(&self, step: usize, answer: &Answer<'_>) -> Result<(), String> {
        const SUCCESS: &[u8] = b"\"SUCCESS\"";
        let told = || answer.body.windows(SUCCESS.len()).any(|window| window == SUCCESS);
        let is_told = self.steps()[step].peer == PARTICIPANT || told();
        if answer.status == 200 && is_told { Ok(()) } else { Err(excerpt(answer)) }
    }
}

impl Booking {
    fn name(&self) -> &'static str {
        match self.pattern {
            Pattern::Tcc => "tcc",
            Pattern::Saga => "saga",
        }
    }

    fn branch(&self, id: &str, number: &str) -> Vec<u8> {
        let called = self.participant;
        let data = text();
        let mut json = Vec::with_capacity(320);
        // Writing into a Vec cannot fail.
        let _ = write!(
            json,
            r#"{{"gid":"{id}","trans_type":"tcc","branch_id":"0{number}","confirm":"http://{called}/confirm","cancel":"http://{called}/cancel","data":"{data}"}}"#
        );
        json
    }

    fn saga(&self, id: &str) -> Vec<u8> {
        let called = self.participant;
        let data = text();
        let step =
            format!(r#"{{"action":"http://{called}/action","compensate":"http://{called}/compensate"}}"#);
        let mut json = Vec::with_capacity(480);
        let _ = write!(
            json,
            r#"{{"gid":"{id}","trans_type":"saga","steps":[{step},{step}],"payloads":["{data}","{data}"]}}"#
        );
        json
    }
}

fn opened(id: &str) -> Vec<u8> {
    format!(r#"{{"gid":"{id}","trans_type":"tcc"}}"#).into_bytes()
}

/// A branch's body as the text that the protocol wants it to be.
fn text() -> String {
    std::str::from_utf8(BRANCH_BODY).unwrap_or("{}").replace('"', "\\\"")
}

/// `1` of `try 1`.
fn number(name: &str) -> &str {
    name.rsplit(' ').next().unwrap_or("")
}
