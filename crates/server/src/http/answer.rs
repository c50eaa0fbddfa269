//! What a verb answers, and how it is written as an HTTP response.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http_body_util::Full;
use serde::Serialize;

/// A response with its whole body.
pub(super) type Response = http::Response<Full<Bytes>>;

/// The journal sequence that an answer reflects.
pub(super) const SEQUENCE: HeaderName = HeaderName::from_static("tercet-sequence");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const JSON: &str = "application/json";

/// A 2xx answer, or the 503 of `/readyz`.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) sequence: Option<u64>,
    pub(super) novelty: Novelty,
    pub(super) body: Bytes,
}

/// Whether the request was known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    /// It was not, or it only reads.
    New,
    /// It was: nothing new was kept.
    Replayed,
}

impl Answer {
    /// An answer of JSON text.
    pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
        Answer { status, content_type: JSON, sequence: None, novelty: Novelty::New, body: body.into() }
    }

    /// An answer of plain text.
    pub(super) fn text(status: StatusCode, body: &'static str) -> Answer {
        let body = Bytes::from_static(body.as_bytes());
        Answer { content_type: "text/plain; charset=utf-8", ..Answer::json(status, body) }
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = http::Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(sequence) = self.sequence {
            headers.insert(SEQUENCE, HeaderValue::from(sequence));
        }
        if self.novelty == Novelty::Replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Writes `view` as JSON; `room` is a guess at its size in bytes.
pub(super) fn write(view: &impl Serialize, room: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(room);
    serde_json::to_writer(&mut body, view).expect("a view has string keys only and writes to memory");
    body
}
