//! What is sent: a message as the business gives it, and what it may not be.
//!
//! All of it is checked when it is enqueued, where the business can still be told; the relay meets nobody to tell.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use transaction::is_id;

/// The longest payload, in bytes: what a coordinator takes as it comes, with room for the rest of the request.
pub const PAYLOAD_MAX: usize = 1_000_000;
/// The longest destination, in bytes.
pub const DESTINATION_MAX: usize = 2048;
/// The longest headers, in bytes of JSON.
pub const HEADERS_MAX: usize = 8 * 1024;

/// Headers that are the relay's or the coordinator's to say.
const RESERVED: [&str; 6] =
    ["authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"];

/// A message to be sent once the local transaction is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The caller's id, for ever: of the form of a transaction's id, which it becomes.
    pub id: String,
    /// Messages with the same key are sent one after another, in the order of their rows; `None`: in no order. Of the
    /// form of an id.
    pub key: Option<String>,
    /// Where it goes: a URL, or a topic that the relay has a URL for.
    pub destination: String,
    /// JSON.
    pub payload: Vec<u8>,
    /// Sent along.
    pub headers: BTreeMap<String, String>,
}

impl Message {
    /// A message without key and headers.
    ///
    /// # Errors
    /// When the payload can't be written as JSON.
    pub fn new(
        id: impl Into<String>,
        destination: impl Into<String>,
        payload: &impl Serialize,
    ) -> Result<Message, serde_json::Error> {
        let payload = serde_json::to_vec(payload)?;
        let (id, destination) = (id.into(), destination.into());
        Ok(Message { id, key: None, destination, payload, headers: BTreeMap::new() })
    }

    /// In order with the other messages of this key, say of one account.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Message {
        Message { key: Some(key.into()), ..self }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Message {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// The headers as they are kept.
    pub(super) fn headers_json(&self) -> String {
        serde_json::json!(self.headers).to_string()
    }

    /// What makes it a message that can't be sent, if anything does.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        let is_payload_json = || serde_json::from_slice::<&RawValue>(&self.payload).is_ok();
        let flaws = [
            (is_id(&self.id), "the id is not 1 to 128 characters of A–Z a–z 0–9 . _ : / -"),
            (
                self.key.as_deref().is_none_or(is_id),
                "the key is not 1 to 128 characters of A–Z a–z 0–9 . _ : / -",
            ),
            (
                is_destination(&self.destination),
                "the destination is no URL and no topic, or longer than 2 KiB",
            ),
            (self.payload.len() <= PAYLOAD_MAX, "the payload is longer than 1,000,000 bytes"),
            (is_payload_json(), "the payload is not JSON"),
            (self.headers.iter().all(is_header), "a header can't be sent, or is not the business's to set"),
            (self.headers_json().len() <= HEADERS_MAX, "the headers are longer than 8 KiB"),
        ];
        flaws.into_iter().find(|(is_kept, _)| !is_kept).map(|(_, flaw)| flaw)
    }
}

fn is_destination(text: &str) -> bool {
    match text.split_once("://") {
        Some(_) => {
            text.len() <= DESTINATION_MAX && text.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some())
        }
        None => is_id(text),
    }
}

fn is_header((name, value): (&String, &String)) -> bool {
    let is_free =
        |name: &HeaderName| !name.as_str().starts_with("tercet-") && !RESERVED.contains(&name.as_str());
    let is_value = value.is_ascii() && HeaderValue::try_from(value).is_ok();
    HeaderName::try_from(name).is_ok_and(|name| is_free(&name)) && is_value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Message {
        Message::new("m-1", "http://127.0.0.1:7/deliver", &serde_json::json!({"n": 1})).unwrap()
    }

    #[test]
    fn what_can_be_sent_has_no_flaw() {
        assert_eq!(plain().flaw(), None);
        assert_eq!(plain().key("user:42").header("X-Shop", "1").flaw(), None);
        assert_eq!(Message { destination: "orders.paid".into(), ..plain() }.flaw(), None);
    }

    #[test]
    fn what_can_not_be_sent_is_named() {
        let flaw = |message: Message| message.flaw().unwrap_or_default();
        assert!(flaw(Message { id: "a b".into(), ..plain() }).contains("the id"));
        assert!(flaw(plain().key("")).contains("the key"));
        for destination in ["", "http://", "not a url://x", "a topic"] {
            let message = Message { destination: destination.into(), ..plain() };
            assert!(flaw(message).contains("destination"), "{destination}");
        }
        assert!(flaw(Message { payload: b"{".to_vec(), ..plain() }).contains("not JSON"));
        assert!(flaw(Message { payload: vec![b'1'; PAYLOAD_MAX + 1], ..plain() }).contains("longer"));
        for name in ["Tercet-Branch", "Authorization", "a b", ""] {
            assert!(flaw(plain().header(name, "x")).contains("header"), "{name}");
        }
        for value in ["a\nb", "é"] {
            assert!(flaw(plain().header("X-A", value)).contains("header"), "{value}");
        }
        assert!(flaw(plain().header("X-A", "a".repeat(HEADERS_MAX))).contains("8 KiB"));
    }
}
