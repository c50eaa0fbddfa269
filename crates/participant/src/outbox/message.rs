//! What is sent: a message as the business gives it, and what it may not be.
//!
//! All of it is checked when it is enqueued, where the business can still be told; the relay meets nobody to tell.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use transaction::{HEADERS_MAX as HEADERS, JSON_DEPTH, is_header, is_id};

/// The longest payload, in bytes: what a coordinator takes as it comes, with room for the rest of the request.
pub const PAYLOAD_MAX: usize = 1_000_000;
/// The longest destination, in bytes.
pub const DESTINATION_MAX: usize = 2048;
/// The longest headers, in bytes of JSON.
pub const HEADERS_MAX: usize = 8 * 1024;
/// Levels of nested arrays and objects in a payload: a coordinator takes [`JSON_DEPTH`], and the request around the payload
/// has three.
pub const DEPTH_MAX: usize = JSON_DEPTH - 3;

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
                "the destination is no topic and no http:// or https:// URL of at most 2 KiB without user name and fragment",
            ),
            (self.payload.len() <= PAYLOAD_MAX, "the payload is longer than 1,000,000 bytes"),
            (is_payload_json(), "the payload is not JSON"),
            (depth(&self.payload) <= DEPTH_MAX, "the payload is nested deeper than 29 levels"),
            (self.headers.len() <= HEADERS, "there are more than 64 headers"),
            (self.headers.iter().all(is_own), "a header can't be sent, or is not the business's to set"),
            (self.headers_json().len() <= HEADERS_MAX, "the headers are longer than 8 KiB"),
        ];
        flaws.into_iter().find(|(is_kept, _)| !is_kept).map(|(_, flaw)| flaw)
    }
}

/// What a coordinator takes as a URL, or an id.
fn is_destination(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return is_id(text) };
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\".contains(&byte));
    let is_place = || {
        let uri: Option<http::Uri> = text.parse().ok();
        uri.is_some_and(|uri| uri.authority().is_some_and(is_authority))
    };
    text.len() <= DESTINATION_MAX && is_http && is_plain && !rest.starts_with(['/', '?']) && is_place()
}

fn is_authority(place: &http::uri::Authority) -> bool {
    !place.host().is_empty() && !place.as_str().contains('@') && place.port_u16() != Some(0)
}

/// What a branch may set, but for the authorization: no secret belongs in the table.
fn is_own((name, value): (&String, &String)) -> bool {
    is_header(name, value) && !name.eq_ignore_ascii_case("authorization")
}

/// The levels of arrays and objects in JSON.
fn depth(json: &[u8]) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            b'"' => skip_text(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// To the end of a text whose opening quote was read.
fn skip_text(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
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
        for destination in [
            "",
            "http://",
            "not a url://x",
            "a topic",
            "ftp://h/x",
            "http:///x",
            "http://ann:secret@h/x",
            "http://h/x#part",
            "http://h:0/x",
            "http://h/a b",
            "http://h\\x",
        ] {
            let message = Message { destination: destination.into(), ..plain() };
            assert!(flaw(message).contains("destination"), "{destination}");
        }
        assert!(flaw(Message { payload: b"{".to_vec(), ..plain() }).contains("not JSON"));
        assert!(flaw(Message { payload: vec![b'1'; PAYLOAD_MAX + 1], ..plain() }).contains("longer"));
        let long = "x".repeat(257);
        for name in
            ["Tercet-Branch", "Authorization", "a b", "", "TraceParent", "Upgrade", "TE", "expect", &long]
        {
            assert!(flaw(plain().header(name, "x")).contains("header"), "{name}");
        }
        for value in ["a\nb", "é"] {
            assert!(flaw(plain().header("X-A", value)).contains("header"), "{value}");
        }
        assert!(flaw(plain().header("X-A", "a".repeat(HEADERS_MAX))).contains("8 KiB"));
        let many = (0..65).fold(plain(), |message, at| message.header(format!("X-{at}"), "x"));
        assert!(flaw(many).contains("64 headers"));
    }

    #[test]
    fn a_payload_is_nested_no_deeper_than_a_coordinator_takes() {
        let nested = |levels: usize| {
            let text = format!("{}{}{}", "[".repeat(levels), r#""[{\"[""#, "]".repeat(levels));
            Message { payload: text.into_bytes(), ..plain() }
        };
        assert_eq!(nested(DEPTH_MAX).flaw(), None);
        assert_eq!(nested(DEPTH_MAX + 1).flaw(), Some("the payload is nested deeper than 29 levels"));
        assert_eq!(DEPTH_MAX, 29);
    }
}
