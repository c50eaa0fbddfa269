//! What an answer over HTTP means: 409 failed, 425 goes on, 200 whatever its body's `dtm_result` says, anything else unknown.

use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::body::Body;
use serde_json::Value;
use transaction::Reply;

use super::super::reply;
use super::super::trouble::Trouble;
use super::DtmVerdict;

/// What `answer` says.
pub(super) async fn of<B>(answer: Response<B>, (how, max): (DtmVerdict, usize)) -> Result<Reply, Trouble>
where
    B: Body<Data = Bytes> + Unpin,
{
    let code = answer.status();
    let body = reply::read(answer.into_body(), max).await?;
    let refused = || Reply::Refused { detail: reply::words_of(&body, code).into() };
    let (is_ongoing, is_failed) = match how {
        DtmVerdict::Parsed => {
            let told = (code == StatusCode::OK).then(|| told(&body)).flatten();
            (told.as_deref() == Some("ONGOING"), told.as_deref() == Some("FAILURE"))
        }
        DtmVerdict::Words => (holds(&body, b"ONGOING"), holds(&body, b"FAILURE")),
    };
    match code {
        _ if is_ongoing => Ok(Reply::InProgress),
        StatusCode::TOO_EARLY => Ok(Reply::InProgress),
        StatusCode::CONFLICT => Ok(refused()),
        _ if is_failed => Ok(refused()),
        StatusCode::OK => Ok(Reply::Done { result: None }),
        other => Err(Trouble::Answered(other.as_u16())),
    }
}

/// The `dtm_result` of a JSON object.
fn told(body: &[u8]) -> Option<String> {
    // Most answers are short and have none.
    if !holds(body, b"dtm_result") {
        return None;
    }
    match serde_json::from_slice::<Value>(body).ok()?.get("dtm_result")? {
        Value::String(told) => Some(told.clone()),
        _ => None,
    }
}

fn holds(body: &[u8], word: &[u8]) -> bool {
    body.windows(word.len()).any(|window| window == word)
}
