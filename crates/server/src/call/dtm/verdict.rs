//! What an answer over HTTP means: 409 failed, 425 goes on, 200 whatever its body's `dtm_result` says, anything else unknown.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::body::Body;
use serde_json::value::RawValue;
use transaction::Reply;

use super::super::reply;
use super::super::trouble::Trouble;
use super::DtmVerdict;

/// The largest body of a success: services that speak this protocol may answer with whatever they like.
pub(super) const BODY_BYTES: usize = 1024 * 1024;

/// What a body may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Ongoing,
    Failure,
}

/// What `answer` says.
pub(super) async fn of<B>(answer: Response<B>, (how, max): (DtmVerdict, usize)) -> Result<Reply, Trouble>
where
    B: Body<Data = Bytes> + Unpin,
{
    let code = answer.status();
    let body = answer.into_body();
    match (how, code) {
        (DtmVerdict::Words, _) => meaning(code, &whole(body, max).await?, Said::by_words),
        // A success is looked through to its end.
        (DtmVerdict::Parsed, StatusCode::OK) => meaning(code, &whole(body, max).await?, Said::by_result),
        // A conflict is one whatever else its body says.
        (DtmVerdict::Parsed, StatusCode::CONFLICT) => {
            meaning(code, &reply::beginning(body, max).await, |_| None)
        }
        // The code says it all: nobody waits for the rest.
        (DtmVerdict::Parsed, _) => {
            reply::finish(body, max).await;
            meaning(code, &Bytes::new(), |_| None)
        }
    }
}

fn meaning(code: StatusCode, body: &[u8], said: impl Fn(&[u8]) -> Option<Said>) -> Result<Reply, Trouble> {
    // Some services put a byte order mark first.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match (said(body), code) {
        (Some(Said::Ongoing), _) | (_, StatusCode::TOO_EARLY) => Ok(Reply::InProgress),
        (Some(Said::Failure), _) | (_, StatusCode::CONFLICT) => {
            Ok(Reply::Refused { detail: reply::words_of(body, code).into() })
        }
        (None, StatusCode::OK) => Ok(Reply::Done { result: None }),
        (None, other) => Err(Trouble::Answered(other.as_u16())),
    }
}

/// A body that must be there to its end.
pub(super) async fn whole<B>(body: B, max: usize) -> Result<Bytes, Trouble>
where
    B: Body<Data = Bytes> + Unpin,
{
    reply::read(body, max.max(BODY_BYTES)).await
}

impl Said {
    /// By the words, wherever they stand.
    pub(super) fn by_words(body: &[u8]) -> Option<Self> {
        match () {
            () if holds(body, b"ONGOING") => Some(Said::Ongoing),
            () if holds(body, b"FAILURE") => Some(Said::Failure),
            () => None,
        }
    }

    /// By the `dtm_result` of a JSON object. The rest of the object is skipped, however deep it is and however its text is
    /// encoded: a failure stays one.
    fn by_result(body: &[u8]) -> Option<Self> {
        // Most answers are short and have none.
        if !holds(body, b"dtm_result") {
            return None;
        }
        let text = String::from_utf8_lossy(body);
        let told: BTreeMap<String, &RawValue> = serde_json::from_str(&text).ok()?;
        match serde_json::from_str::<String>(told.get("dtm_result")?.get()).ok()?.as_str() {
            "ONGOING" => Some(Said::Ongoing),
            "FAILURE" => Some(Said::Failure),
            _ => None,
        }
    }
}

fn holds(body: &[u8], word: &[u8]) -> bool {
    body.windows(word.len()).any(|window| window == word)
}
