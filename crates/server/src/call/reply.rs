//! Reads an answer as a reply: done, refused, in progress or unknown. Bounded in memory; the caller bounds the time.
//!
//! The code says what the answer means, the body only what goes with it. An answer that breaks a limit is *unknown*:
//! half an answer is not one. Read next: `trouble.rs`.

mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body;
use serde_json::value::RawValue;
use tokio::time::timeout;
use transaction::Reply;

use super::trouble::Trouble;

/// How deep a kept result may be nested, as a request's body may.
const DEPTH_MAX: usize = 32;
/// How long to wait for the rest of a body that nobody reads, so that its connection can serve the next call.
const COURTESY: Duration = Duration::from_millis(20);

/// What is expected of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// Whether a body is kept.
    pub(super) result: Kept,
    /// The largest body, in bytes.
    pub(super) max: usize,
}

/// Whether the body of an answer that says *done* is kept as the branch's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is, where it is JSON.
    AsResult,
    /// Nobody asks for it.
    Not,
}

impl Kept {
    /// By the operation's name on the wire.
    pub(super) fn of(operation: &str) -> Self {
        match operation {
            "try" | "action" => Kept::AsResult,
            _ => Kept::Not,
        }
    }
}

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Done,
    Refused,
    InProgress,
    Unknown,
}

fn meaning(code: StatusCode) -> Meaning {
    match code.as_u16() {
        202 | 425 => Meaning::InProgress,
        200..=299 => Meaning::Done,
        409 | 422 => Meaning::Refused,
        _ => Meaning::Unknown,
    }
}

/// What `answer` says.
pub(super) async fn of<B>(answer: Response<B>, expected: Expected) -> Result<Reply, Trouble>
where
    B: Body<Data = Bytes> + Unpin,
{
    let code = answer.status();
    let body = answer.into_body();
    match (meaning(code), expected.result) {
        // The code says it all: a body that nobody keeps cannot make a done confirm unknown.
        (Meaning::Done, Kept::Not) => {
            finish(body, expected.max).await;
            Ok(Reply::Done { result: None })
        }
        (Meaning::Done, Kept::AsResult) => done(&read(body, expected.max).await?),
        (Meaning::Refused, _) => {
            let body = read(body, expected.max).await?;
            Ok(Reply::Refused { detail: words::of(&body, code).into() })
        }
        (Meaning::InProgress, _) => {
            finish(body, expected.max).await;
            Ok(Reply::InProgress)
        }
        (Meaning::Unknown, _) => {
            finish(body, expected.max).await;
            Err(Trouble::Answered(code.as_u16()))
        }
    }
}

/// The words of a refusal, out of an answer's body.
pub(super) fn words_of(body: &[u8], code: StatusCode) -> String {
    words::of(body, code)
}

/// What an answer that did not come over the network says.
#[cfg(feature = "resources")]
pub(crate) fn answered(code: StatusCode, body: &[u8]) -> Reply {
    match meaning(code) {
        Meaning::Done => done(body).unwrap_or_else(Reply::from),
        Meaning::Refused => Reply::Refused { detail: words::of(body, code).into() },
        Meaning::InProgress => Reply::InProgress,
        Meaning::Unknown => Trouble::Answered(code.as_u16()).into(),
    }
}

fn done(body: &[u8]) -> Result<Reply, Trouble> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let Ok(json) = serde_json::from_str::<&RawValue>(text) else {
        return Ok(Reply::Done { result: None });
    };
    if depth(json.get()) > DEPTH_MAX {
        return Err(Trouble::TooDeep(DEPTH_MAX));
    }
    Ok(Reply::Done { result: Some(json.get().into()) })
}

/// How deep a JSON text is nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let mut is_escaped = false;
                let _ = bytes.find(|byte| {
                    let is_end = *byte == b'"' && !is_escaped;
                    is_escaped = *byte == b'\\' && !is_escaped;
                    is_end
                });
            }
            _ => (),
        }
    }
    deepest
}

/// The whole body. One that announces more than `max` bytes is not read at all.
pub(super) async fn read<B>(mut body: B, max: usize) -> Result<Bytes, Trouble>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > u64::try_from(max).unwrap_or(u64::MAX) {
        return Err(Trouble::TooLarge(max));
    }
    let mut whole = Bytes::new();
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(|_| Trouble::BrokenOff)?.into_data() else { continue };
        if whole.len() + part.len() > max {
            return Err(Trouble::TooLarge(max));
        }
        whole = if whole.is_empty() { part } else { joined(whole, &part) };
    }
    Ok(whole)
}

/// The beginning of a body, `max` bytes at most: enough for words, where the code says what counts.
pub(super) async fn beginning<B>(mut body: B, max: usize) -> Bytes
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut whole = Bytes::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(part) = frame.into_data() else { continue };
        let room = max.saturating_sub(whole.len());
        let part = part.slice(..part.len().min(room));
        whole = if whole.is_empty() { part } else { joined(whole, &part) };
        if whole.len() >= max {
            break;
        }
    }
    whole
}

/// Nearly every body comes in one part and is never copied; one in many parts grows in place.
fn joined(whole: Bytes, part: &[u8]) -> Bytes {
    let mut grown = whole.try_into_mut().unwrap_or_else(|whole| BytesMut::from(&whole[..]));
    grown.extend_from_slice(part);
    grown.freeze()
}

/// Reads to the end what nobody needs, if that is short and there soon; else the connection is closed.
pub(super) async fn finish<B>(body: B, max: usize)
where
    B: Body<Data = Bytes> + Unpin,
{
    if !body.is_end_stream() {
        let _ = timeout(COURTESY, read(body, max)).await;
    }
}
