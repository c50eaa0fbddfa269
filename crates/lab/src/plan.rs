//! What a caller does: one small piece of business after another, as requests that are each asked until answered.
//!
//! Every id begins with the caller's name, so no two callers speak of the same thing. The seed decides what comes.

use std::collections::VecDeque;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::participant::Participant;
use crate::spec::{awaited, message, saga, tcc, with};
use crate::told::{Kind, encode};

/// One request, and what its answer tells.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) tells: Tells,
}

/// What an answer tells.
#[derive(Debug, Clone)]
pub(crate) enum Tells {
    /// An object as it stands; with a capture's id and amount where it is the answer to one.
    Object(Kind, Option<(String, String)>),
    /// What became of each member of a batch of this list.
    Members(&'static str),
}

/// Longer than any experiment.
const DEADLINE_MS: u64 = 3_600_000;
const OWNER: &str = "ann";

/// Requests for now, and those that wait until all is brought to its end.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) now: VecDeque<Ask>,
    pub(crate) later: Vec<Ask>,
}

/// Makes plans for one caller.
pub(crate) struct Planner<'a> {
    pub(crate) account: &'a str,
    pub(crate) shop: &'a Participant,
}

impl Planner<'_> {
    /// The next piece of business, under this id.
    pub(crate) fn next(&self, id: &str, random: &mut Rng) -> Plan {
        let mut plan = Plan::default();
        match random.u8(0..10) {
            0 => self.entries(id, random, &mut plan),
            1 | 2 => self.hold(id, random, &mut plan),
            3 => self.called(id, random, &mut plan),
            4 => self.awaiting(id, random, &mut plan),
            5 => self.mixed(id, random, &mut plan),
            6 => self.item(id, random, &mut plan),
            7 => {
                let second = if random.u8(0..3) == 0 { "sold-out" } else { "slow" };
                plan.begin(saga(id, [self.shop.saga("a"), self.shop.saga(second)]));
            }
            8 => plan.begin(message(id, [self.shop.deliver("mail")])),
            _ => self.interactive(id, random, &mut plan),
        }
        plan
    }

    fn entries(&self, id: &str, random: &mut Rng, plan: &mut Plan) {
        let entry = |number: u8| json!({ "id": format!("{id}:{number}"), "from": self.account, "to": "sink", "amount": "3" });
        plan.members("entries", &(0..random.u8(1..5)).map(entry).collect::<Vec<_>>());
    }

    fn hold(&self, id: &str, random: &mut Rng, plan: &mut Plan) {
        plan.members("holds", &[json!({ "id": id, "from": self.account, "to": "sink", "amount": "5" })]);
        let path = format!("/v1/holds/{}", encode(id));
        let capture = |name: &str, amount: &str| Ask {
            path: format!("{path}/capture"),
            body: json!({ "id": name, "amount": amount }),
            tells: Tells::Object(Kind::Hold, Some((name.to_owned(), format!("-{amount}")))),
        };
        let release =
            Ask { path: format!("{path}/release"), body: json!({}), tells: Tells::Object(Kind::Hold, None) };
        match random.u8(0..4) {
            0 => plan.later.push(release),
            1 => plan.now.push_back(release),
            2 => plan.now.extend([capture("part", "2"), release]),
            _ => plan.now.extend([capture("part", "1"), capture("rest", "4")]),
        }
    }

    fn called(&self, id: &str, random: &mut Rng, plan: &mut Plan) {
        let second = ["points", "slow", "sold-out", "points"][random.usize(0..4)];
        let spec = tcc(id, [self.shop.tcc("stock"), self.shop.tcc(second)]);
        plan.begin(with(spec, json!({ "wait_ms": random.u32(0..2) * 300, "labels": { "kind": "called" } })));
    }

    fn awaiting(&self, id: &str, random: &mut Rng, plan: &mut Plan) {
        plan.begin(tcc(id, [awaited("pay"), self.held("h", "4")]));
        let outcome = if random.u8(0..4) == 0 { "refused" } else { "done" };
        let signal = verb(id, "branches/pay/signal", json!({ "outcome": outcome, "result": { "for": id } }));
        if random.u8(0..3) == 0 { plan.later.push(signal) } else { plan.now.push_back(signal) }
    }

    fn mixed(&self, id: &str, random: &mut Rng, plan: &mut Plan) {
        let call = if random.u8(0..3) == 0 { "sold-out" } else { "stock" };
        plan.begin(tcc(id, [self.held("h", "2"), self.shop.tcc(call)]));
    }

    fn item(&self, id: &str, random: &mut Rng, plan: &mut Plan) {
        let item = format!("{id}:coupon");
        plan.members("items", &[json!({ "id": item, "machine": "coupon", "owner": OWNER })]);
        let move_ = |name: &str| Ask {
            path: format!("/v1/items/{}/moves", encode(&item)),
            body: json!({ "id": name, "move": name, "owner": OWNER }),
            tells: Tells::Object(Kind::Item, None),
        };
        if random.bool() {
            plan.now.extend([move_("lock"), move_("use")]);
        } else {
            let call = if random.bool() { "sold-out" } else { "slow" };
            let branch = json!({
                "id": "coupon", "kind": "item", "item": item, "owner": OWNER,
                "try": "lock", "confirm": "use", "cancel": "unlock",
            });
            plan.begin(tcc(id, [branch, self.shop.tcc(call)]));
        }
    }

    fn interactive(&self, id: &str, random: &mut Rng, plan: &mut Plan) {
        plan.begin(with(tcc(id, []), json!({ "mode": "interactive" })));
        plan.now.push_back(verb(id, "branches", self.shop.tcc("stock")));
        plan.now.push_back(verb(id, "branches", self.held("h", "1")));
        let decide = if random.bool() { "confirm" } else { "cancel" };
        plan.now.push_back(verb(id, decide, json!({})));
    }

    fn held(&self, branch: &str, amount: &str) -> Value {
        json!({ "id": branch, "kind": "hold", "from": self.account, "to": "sink", "amount": amount })
    }
}

impl Plan {
    fn begin(&mut self, spec: Value) {
        let body = if spec["pattern"] == "message" {
            spec
        } else {
            with(spec, json!({ "deadline_ms": DEADLINE_MS }))
        };
        let tells = Tells::Object(Kind::Transaction, None);
        self.now.push_back(Ask { path: "/v1/transactions".into(), body, tells });
    }

    fn members(&mut self, list: &'static str, members: &[Value]) {
        self.now.push_back(Ask {
            path: format!("/v1/{list}"),
            body: json!({ list: members }),
            tells: Tells::Members(list),
        });
    }
}

fn verb(id: &str, verb: &str, body: Value) -> Ask {
    Ask {
        path: format!("/v1/transactions/{}/{verb}", encode(id)),
        body,
        tells: Tells::Object(Kind::Transaction, None),
    }
}
