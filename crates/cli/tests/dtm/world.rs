//! The server under test and a service beside it, what DTM's clients send to it, and what its replies must look like.
//!
//! Failed calls are repeated quickly here (`--dtm-retry-interval-ms`) unless a test starts the server in its own way.
//! Read next: `service.rs`.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::{Service, ongoing};
use crate::support::{PATIENCE, Reply, Tercet};

pub use crate::support::with;

const API: &str = "/api/dtmsvr/";
/// Milliseconds until the first repeat.
pub const QUICK_MS: u64 = 100;

/// A server and a service.
pub struct World {
    server: Tercet,
    pub shop: Service,
}

impl Deref for World {
    type Target = Tercet;

    fn deref(&self) -> &Tercet {
        &self.server
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Tercet {
        &mut self.server
    }
}

impl World {
    /// With quick repeats.
    pub fn start() -> World {
        World::with(&["--dtm-retry-interval-ms", &QUICK_MS.to_string()])
    }

    /// With these flags only.
    pub fn with(flags: &[&str]) -> World {
        World { server: Tercet::with(flags), shop: Service::start() }
    }

    /// POST of a verb.
    pub fn verb(&self, verb: &str, body: &Value) -> Reply {
        self.post(&format!("{API}{verb}"), body)
    }

    /// POST of a verb, byte for byte.
    pub fn verb_raw(&self, verb: &str, body: &str) -> Reply {
        self.send(("POST", &format!("{API}{verb}")), &[], body.as_bytes()).unwrap()
    }

    /// GET of a verb with its parameters.
    pub fn ask(&self, verb: &str, parameters: &[(&str, &str)]) -> Reply {
        let pairs: Vec<_> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.get(&format!("{API}{verb}?{}", pairs.join("&")))
    }

    /// POST of a verb, which must be a success.
    pub fn does(&self, verb: &str, body: &Value) {
        is_success(&self.verb(verb, body));
    }

    /// `query`, with both of its members.
    pub fn query(&self, gid: &str) -> Value {
        let body = self.ask("query", &[("gid", gid)]).is(200).body.clone();
        assert_eq!(keys(&body), ["branches", "transaction"], "{body}");
        assert!(body["branches"].is_array(), "{body}");
        body
    }

    /// The status of a transaction that is known.
    pub fn status(&self, gid: &str) -> String {
        let body = self.query(gid);
        body["transaction"]["status"].as_str().unwrap_or_else(|| panic!("{gid}: {body}")).to_owned()
    }

    /// Waits until the transaction has this status; answers its `query`.
    pub fn wait(&self, gid: &str, status: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let body = self.query(gid);
            if body["transaction"]["status"] == status {
                return body;
            }
            assert!(Instant::now() < end, "waited {PATIENCE:?} in vain; {gid} is not {status}: {body:#}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The rows of a transaction as `branch op status`.
    pub fn rows(&self, gid: &str) -> Vec<String> {
        let body = self.query(gid);
        let part = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let words = |row: &Value| ["branch_id", "op", "status"].map(|name| part(row, name)).join(" ");
        body["branches"].as_array().unwrap().iter().map(words).collect()
    }

    /// What registers a branch of a TCC, whose confirm and cancel are `/NAME/confirm` and `/NAME/cancel`.
    pub fn branch(&self, gid: &str, id: &str, name: &str) -> Value {
        let url = |op: &str| self.shop.url(&format!("/{name}/{op}"));
        json!({
            "gid": gid, "trans_type": "tcc", "branch_id": id, "confirm": url("confirm"), "cancel": url("cancel"),
            "data": format!("{{\"for\":\"{name}\"}}"),
        })
    }

    /// Prepares a TCC with branches `01`, `02`, …, named as given.
    pub fn prepared_tcc(&self, gid: &str, names: &[&str]) {
        self.does("prepare", &tcc(gid));
        for (number, name) in (1..).zip(names) {
            self.does("registerBranch", &self.branch(gid, &format!("{number:02}"), name));
        }
    }

    /// What a message to `/NAME` of each of these looks like.
    pub fn message<const N: usize>(&self, gid: &str, names: [&str; N]) -> Value {
        let steps: Vec<_> =
            names.iter().map(|name| json!({ "action": self.shop.url(&format!("/{name}")) })).collect();
        json!({ "gid": gid, "trans_type": "msg", "steps": steps, "payloads": payloads(N) })
    }

    /// The same, to be prepared: checked back at `/check`.
    pub fn checked<const N: usize>(&self, gid: &str, names: [&str; N]) -> Value {
        with(self.message(gid, names), json!({ "query_prepared": self.shop.url("/check") }))
    }

    /// Lets at least as much time pass as a quick repeat may take, and the server do its work meanwhile.
    pub fn passes_time(&self, gid: &str) {
        let path = format!("/{gid}/action");
        self.shop.answers(&path, [ongoing(), ongoing(), ongoing(), ongoing(), crate::service::ok()]);
        self.does("submit", &saga(gid, [self.shop.step(gid)]));
        self.wait(gid, "succeed");
    }
}

/// A saga of these steps.
pub fn saga<const N: usize>(gid: &str, steps: [Value; N]) -> Value {
    json!({ "gid": gid, "trans_type": "saga", "steps": steps.to_vec(), "payloads": payloads(N) })
}

/// A TCC without its branches.
pub fn tcc(gid: &str) -> Value {
    json!({ "gid": gid, "trans_type": "tcc" })
}

/// `{"n":1}`, `{"n":2}`, …
fn payloads(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{{\"n\":{number}}}")).collect()
}

/// The keys of an object, sorted.
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> =
        value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Nothing but the success that clients look for, and no words of anybody.
pub fn is_success(reply: &Reply) {
    assert_eq!((reply.status, &reply.body), (200, &json!({ "dtm_result": "SUCCESS" })), "{}", reply.text);
}

/// 409 with these words in its message.
pub fn is_failure(reply: &Reply, words: &str) {
    is_told(reply, (409, "FAILURE"), words);
}

/// 425, saying why.
pub fn is_ongoing(reply: &Reply) {
    is_told(reply, (425, "ONGOING"), "");
}

/// 500 with these words in its message, and no verdict.
pub fn is_fault(reply: &Reply, words: &str) {
    assert_eq!((reply.status, keys(&reply.body)), (500, vec!["message"]), "{}", reply.text);
    has_words(reply, words);
}

fn is_told(reply: &Reply, (status, verdict): (u16, &str), words: &str) {
    assert_eq!((reply.status, keys(&reply.body)), (status, vec!["dtm_result", "message"]), "{}", reply.text);
    assert_eq!(reply.body["dtm_result"], verdict, "{}", reply.text);
    has_words(reply, words);
}

fn has_words(reply: &Reply, words: &str) {
    let message = reply.body["message"].as_str().unwrap_or_else(|| panic!("{}", reply.text));
    assert!(!message.is_empty() && message.contains(words), "{words:?} is not in {}", reply.text);
}

/// A value as it stands in a query.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Microseconds since 1970 of an RFC 3339 time in UTC (days as in Hinnant: "chrono-compatible low-level date
/// algorithms", `days_from_civil`).
pub fn micros(time: &Value) -> i64 {
    let text = time.as_str().unwrap_or_else(|| panic!("{time} is no time"));
    let part = |from: usize, to: usize| -> i64 {
        text.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no time: {text}"))
    };
    let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    let is_marked = marks.iter().all(|(at, mark)| text.get(*at..=*at) == Some(*mark));
    assert!(is_marked && text.ends_with('Z'), "no time in UTC: {text}");
    let (month, day) = (part(5, 7), part(8, 10));
    let year = part(0, 4) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let seconds = days * 86_400 + part(11, 13) * 3_600 + part(14, 16) * 60 + part(17, 19);
    let fraction = text[19..].trim_end_matches('Z').trim_start_matches('.');
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    seconds * 1_000_000 + digits.parse::<i64>().unwrap()
}
