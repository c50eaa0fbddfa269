//! The ledger as tests use it: accounts with something in them, balances, many askers at the same instant.

use std::sync::Barrier;
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use super::tercet::encode;
use super::{Reply, Tercet};

/// A `hold` branch.
pub fn hold(branch: &str, (from, to): (&str, &str), amount: &str) -> Value {
    json!({ "id": branch, "kind": "hold", "from": from, "to": to, "amount": amount })
}

/// An `item` branch of a coupon.
pub fn item(branch: &str, item: &str) -> Value {
    json!({ "id": branch, "kind": "item", "item": item, "try": "lock", "confirm": "use", "cancel": "unlock" })
}

/// A thousand sockets need more files than a process has at first.
pub fn raise_limit() {
    let most = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
}

/// Runs `ask` so many times at the same instant, with its number; the results in the order of the numbers.
pub fn at_once<T: Send>(count: usize, ask: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        let askers: Vec<_> = (0..count)
            .map(|number| {
                let (start, ask) = (&start, &ask);
                thread::Builder::new()
                    .stack_size(256 * 1024)
                    .spawn_scoped(scope, move || {
                        start.wait();
                        ask(number)
                    })
                    .unwrap()
            })
            .collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    })
}

impl Tercet {
    /// Declares the asset `points`, opens `issuer` and `sink`, and each of `accounts` with a thousand in it.
    pub fn points(&self, accounts: &[&str]) {
        self.post("/v1/assets", &json!({ "code": "points", "scale": 0 })).is(200);
        let bottomless = ["issuer", "sink"].map(|id| json!({ "id": id, "asset": "points", "floor": "none" }));
        let ours = accounts.iter().map(|id| json!({ "id": id, "asset": "points" }));
        let opened: Vec<_> = bottomless.into_iter().chain(ours).collect();
        assert_eq!(self.batch("accounts", json!(opened)), vec!["opened"; accounts.len() + 2]);
        let entry =
            |id: &&str| json!({ "id": format!("gift:{id}"), "from": "issuer", "to": id, "amount": "1000" });
        let entries: Vec<_> = accounts.iter().map(entry).collect();
        if !entries.is_empty() {
            assert_eq!(self.batch("entries", json!(entries)), vec!["posted"; accounts.len()]);
        }
    }

    /// Posts a batch of `entries`, `holds`, `accounts`, `items`; of each member its outcome, or the code of its refusal.
    pub fn batch(&self, list: &str, members: Value) -> Vec<String> {
        outcomes(self.post(&format!("/v1/{list}"), &json!({ list: members })).is(200))
    }

    /// What is posted and held in an account.
    pub fn balance(&self, account: &str) -> (i64, i64) {
        let body = self.get(&format!("/v1/accounts/{}", encode(account))).is(200).body.clone();
        let units = |name: &str| body[name].as_str().unwrap().parse().unwrap();
        (units("posted"), units("held"))
    }

    /// A hold's state; empty when there is none.
    pub fn hold_state(&self, id: &str) -> String {
        let reply = self.get(&format!("/v1/holds/{}", encode(id)));
        reply.body["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Declares the coupon of the examples and creates active ones.
    pub fn coupons(&self, ids: &[&str]) {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/machines/coupon.toml");
        assert!(self.ledger(&["machine", "declare", file]).status.success());
        for id in ids {
            assert_eq!(
                self.batch("items", json!([{ "id": id, "machine": "coupon", "owner": "ann" }])),
                ["created"]
            );
            self.move_item(id, ("on", "activate")).is(200);
        }
    }

    /// Asks for a move under this id.
    pub fn move_item(&self, item: &str, (id, name): (&str, &str)) -> Reply {
        let body = json!({ "id": id, "move": name, "owner": "ann" });
        self.post(&format!("/v1/items/{}/moves", encode(item)), &body)
    }

    /// An item's state.
    pub fn item_state(&self, id: &str) -> String {
        let reply = self.get(&format!("/v1/items/{}", encode(id)));
        reply.is(200).body["state"].as_str().unwrap().to_owned()
    }

    /// The sum over every account of what is posted: zero while there is one asset and nothing comes from nowhere.
    pub fn sum_of_all(&self) -> i64 {
        let page = self.get("/v1/accounts?limit=1000");
        let items = page.is(200).body["items"].as_array().unwrap();
        items.iter().map(|item| item["posted"].as_str().unwrap().parse::<i64>().unwrap()).sum()
    }
}

/// Of each member its outcome, or the code of its refusal.
fn outcomes(reply: &Reply) -> Vec<String> {
    let results = reply.body["results"].as_array().unwrap_or_else(|| panic!("{}", reply.text));
    let word = |result: &Value| {
        let code = result["refusal"]["code"].as_str().or(result["outcome"].as_str());
        code.unwrap_or_else(|| panic!("{}", reply.text)).to_owned()
    };
    results.iter().map(word).collect()
}
