//! The server under test and a service beside it, what DTM's clients send to it, and what its replies must look like.
//!
//! Failed calls are repeated quickly here (`--dtm-retry-interval-ms`) unless a test starts the server in its own way.
//! Read next: `support/dtm`.

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use crate::support::Tercet;
use crate::support::dtm::shop::{Shop, ongoing};

pub use crate::support::dtm::{encoded, is_failure, is_fault, is_ongoing, is_success, keys};
pub use crate::support::with;

/// Milliseconds until the first repeat.
pub const QUICK_MS: u64 = 100;

/// A server and a service.
pub struct World {
    server: Tercet,
    pub shop: Shop,
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
        World { server: Tercet::with(flags), shop: Shop::start() }
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
        self.shop
            .answers(&path, [ongoing(), ongoing(), ongoing(), ongoing(), crate::support::dtm::shop::ok()]);
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
