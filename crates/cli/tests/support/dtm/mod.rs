//! What clients of DTM ask of the server, and what its replies look like; `shop.rs` is a service as they write them.

pub mod shop;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{PATIENCE, Reply, Tercet};

const API: &str = "/api/dtmsvr/";

impl Tercet {
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
