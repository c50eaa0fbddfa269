//! Callers that never give up: whatever was not answered is asked again under the same id, as an initiator would.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;

use crate::answer::{done, refused};
use crate::http::{Http, Reply};
use crate::participant::Participant;
use crate::plan::{Ask, Planner, Tells};
use crate::told::{Finding, Kind, Row, Told};

/// What callers do at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Begin new business all the time.
    Work,
    /// Bring to its end what was begun, then stop.
    Drain,
    /// Stop as soon as the request under way is answered or not.
    Stop,
}

/// What all callers share.
pub(crate) struct Load {
    pub(crate) told: Told,
    pub(crate) shop: Participant,
    address: Mutex<Option<SocketAddr>>,
    mode: AtomicU8,
    /// From here on nothing that is heard counts, and no call that comes.
    deaf_since: Mutex<Option<Instant>>,
    /// Answers that said `storage_full`.
    pub(crate) full: AtomicU64,
}

impl Load {
    pub(crate) fn new() -> Load {
        let shop = Participant::start();
        for operation in ["try", "action"] {
            shop.answers("sold-out", operation, [refused("sold out")]);
            shop.answers("slow", operation, [done().after_ms(25)]);
        }
        Load {
            told: Told::default(),
            shop,
            address: Mutex::default(),
            mode: AtomicU8::new(Mode::Stop as u8),
            deaf_since: Mutex::default(),
            full: AtomicU64::new(0),
        }
    }

    pub(crate) fn moved_to(&self, address: SocketAddr) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    pub(crate) fn turn(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::Release);
    }

    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::Acquire) == mode as u8
    }

    /// What comes from now on was perhaps told after a cut, and binds nobody.
    pub(crate) fn hear_nothing(&self) {
        *self.deaf_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(crate) fn hear_again(&self) {
        *self.deaf_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn deaf_since(&self) -> Option<Instant> {
        *self.deaf_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server as it can be asked now.
    pub(crate) fn http(&self) -> Http {
        let address = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        Http { address: address.unwrap_or_else(|| ([127, 0, 0, 1], 1).into()), token: None }
    }

    /// Asks once; whether it was answered.
    fn ask(&self, ask: &Ask, account: &str) -> bool {
        let Ok(reply) = self.http().try_post(&ask.path, &ask.body) else { return false };
        if self.deaf_since().is_some() {
            return false;
        }
        match reply.status {
            200 | 202 => self.note(ask, &reply, account),
            503 => {
                let is_full = u64::from(reply.code() == "storage_full");
                self.full.fetch_add(is_full, Ordering::AcqRel);
                return false;
            }
            _ => self.told.found(Finding {
                promise: "P15",
                what: "an answer that contradicts what was asked and told before".into(),
                told: format!("{} {}", ask.path, ask.body),
                found: reply.text,
            }),
        }
        true
    }

    fn note(&self, ask: &Ask, reply: &Reply, account: &str) {
        if let Some(sequence) = reply.header("tercet-sequence").and_then(|text| text.parse().ok()) {
            self.told.sequence(sequence);
        }
        match &ask.tells {
            Tells::Object(kind, capture) => {
                self.told.object(*kind, &reply.body);
                if let (Some((name, amount)), Some(hold)) = (capture, reply.body["id"].as_str()) {
                    self.told.row(
                        account,
                        Row {
                            event: "captured".into(),
                            id: hold.into(),
                            capture: Some(name.clone()),
                            amount: amount.clone(),
                        },
                    );
                }
            }
            Tells::Members(list) => {
                let asked = ask.body[*list].as_array().into_iter().flatten();
                let results = reply.body["results"].as_array().into_iter().flatten();
                for (member, result) in asked.zip(results) {
                    self.member(list, (member, result), account);
                }
            }
        }
    }

    fn member(&self, list: &str, (member, result): (&Value, &Value), account: &str) {
        if !result["refusal"].is_null() {
            return self.told.found(Finding {
                promise: "P15",
                what: "a member was refused that nothing speaks against".into(),
                told: member.to_string(),
                found: result.to_string(),
            });
        }
        let id = member["id"].as_str().unwrap_or_default().to_owned();
        let amount = member["amount"].as_str().unwrap_or_default();
        match list {
            "entries" => {
                let amount = format!("-{amount}");
                self.told.row(account, Row { event: "posted".into(), id, capture: None, amount });
            }
            "holds" => {
                let row = Row { event: "held".into(), id, capture: None, amount: "0".into() };
                self.told.row(account, row);
                let mut hold = member.clone();
                hold["asset"] = "points".into();
                hold["captured"] = "0".into();
                hold["state"] = "held".into();
                self.told.object(Kind::Hold, &hold);
            }
            _ => {
                let mut item = member.clone();
                item["version"] = 0.into();
                item["state"] = "issued".into();
                self.told.object(Kind::Item, &item);
            }
        }
    }
}

/// One caller, with an account of its own.
pub(crate) struct Caller {
    pub(crate) account: String,
    name: String,
    number: u64,
    queue: VecDeque<Ask>,
    later: Vec<Ask>,
    random: Rng,
}

impl Caller {
    pub(crate) fn new(name: String, random: Rng) -> Caller {
        let account = format!("of:{name}");
        Caller { account, name, number: 0, queue: VecDeque::new(), later: Vec::new(), random }
    }

    /// Works until the mode says otherwise.
    pub(crate) fn work(&mut self, load: &Load) {
        while !load.is(Mode::Stop) {
            if self.queue.is_empty() && !self.plan(load) {
                return;
            }
            let Some(ask) = self.queue.front() else { return };
            if load.ask(ask, &self.account) {
                self.queue.pop_front();
            } else {
                thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// Finds something to do; `false`: all is done.
    fn plan(&mut self, load: &Load) -> bool {
        if load.is(Mode::Drain) {
            self.queue.extend(self.later.drain(..));
        } else {
            self.number += 1;
            let id = format!("{}/{}", self.name, self.number);
            let plan = Planner { account: &self.account, shop: &load.shop }.next(&id, &mut self.random);
            self.queue = plan.now;
            self.later.extend(plan.later);
        }
        !self.queue.is_empty()
    }
}
