//! What reading a participant's answer promises about any bytes at all.
//!
//! Built for tests and fuzzing only; `http/fuzz.rs` chooses which bytes come here. Read next: `reply.rs`.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::value::RawValue;
use transaction::{Call, Reply};

use super::reply::{self, Expected, Kept};
use super::request;
use super::trouble::Trouble;

/// The largest answer that is read here: smaller than what comes, so that the limit is met too.
const MAX: usize = 16 * 1024;

/// Reads `body` as the answer of a participant with this code, and panics where a promise is broken.
pub(crate) fn answered(code: StatusCode, body: &[u8]) {
    let answer = || {
        let mut response = Response::new(Full::new(Bytes::copy_from_slice(body)));
        *response.status_mut() = code;
        response
    };
    let expected = Expected { result: Kept::AsResult, max: MAX };
    let read = pin!(reply::of(answer(), expected));
    // A body that is all there never waits.
    let Poll::Ready(read) = read.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("a whole body was waited for");
    };
    match read {
        Ok(Reply::Done { result: Some(result) }) => {
            assert!(result.len() <= body.len(), "a result is a part of the body");
            serde_json::from_str::<&RawValue>(&result).expect("a result is JSON");
        }
        Ok(Reply::Refused { detail }) => {
            assert!(!detail.is_empty() && detail.len() <= 4 * 1024, "words are there, and short");
            assert!(!detail.contains(char::is_control), "words are printable");
        }
        Ok(Reply::Done { result: None } | Reply::InProgress) => {}
        Ok(Reply::Unknown { .. }) => panic!("an answer is unknown as a trouble, never as a reply"),
        Err(Trouble::TooLarge(_)) => assert!(body.len() > MAX, "a body within the limit is read"),
        Err(Trouble::TooDeep(deepest)) => {
            let brackets = body.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
            assert!(brackets > deepest, "{brackets} brackets are no more than {deepest} levels");
        }
        Err(other) => panic!("a whole answer was read as {other}"),
    }
}

/// Spells out a call that a request asked for, and panics where it cannot be sent.
pub(crate) fn sendable(call: &Call) {
    let request = request::of(call, None).unwrap_or_else(|trouble| panic!("{}: {trouble}", call.url));
    assert!(request.uri().host().is_some_and(|host| !host.is_empty()), "{}", call.url);
    assert_eq!(request.headers()["tercet-transaction"].as_bytes(), call.transaction.as_bytes());
}
