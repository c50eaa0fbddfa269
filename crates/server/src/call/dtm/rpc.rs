//! A call over JSON-RPC: the method stands in the URL's query, who it is for goes among the parameters.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body;
use serde_json::{Map, Value, json};
use transaction::{Call, Raw, Reply};
use url::Url;

use super::super::reply;
use super::super::request::extra_headers;
use super::super::trouble::Trouble;
use super::{Named, finished};

/// DTM's own codes.
const FAILURE: i64 = -32901;
const ONGOING: i64 = -32902;

/// The method that a URL names.
pub(super) fn method(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.query_pairs().find(|(name, _)| name == "method").map(|(_, method)| method.into_owned())
}

/// The request of a call.
pub(super) fn request(call: &Call, raw: &Raw) -> Result<Request<Full<Bytes>>, Trouble> {
    let method = method(&call.url).ok_or(Trouble::Unsendable("its URL names no method"))?;
    let mut params = match serde_json::from_slice(&raw.body) {
        Ok(Value::Object(fields)) => fields,
        // What is no object cannot carry the rest; it goes along whole.
        Ok(Value::Null) | Err(_) => Map::new(),
        Ok(other) => Map::from_iter([("payload".to_owned(), other)]),
    };
    let named = Named::of(call, raw);
    params.extend(named.pairs().map(|(name, value)| (name.to_owned(), Value::from(value))));
    let id = format!("{}-{}-{}-{}", named.gid, named.branch_id, named.op, call.attempt);
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let mut request = Request::builder().method(Method::POST).uri(&*call.url);
    if let Some(headers) = request.headers_mut() {
        *headers = extra_headers(call)?;
    }
    finished(request.body(Full::new(Bytes::from(body.to_string()))))
}

/// What `answer` says: by the code of its error, where it has one.
pub(super) async fn reply<B>(answer: Response<B>, max: usize) -> Result<Reply, Trouble>
where
    B: Body<Data = Bytes> + Unpin,
{
    let code = answer.status();
    let body = reply::read(answer.into_body(), max).await?;
    if code != StatusCode::OK {
        return match code {
            StatusCode::TOO_EARLY => Ok(Reply::InProgress),
            StatusCode::CONFLICT => Ok(Reply::Refused { detail: reply::words_of(&body, code).into() }),
            other => Err(Trouble::Answered(other.as_u16())),
        };
    }
    let Ok(Value::Object(told)) = serde_json::from_slice(&body) else { return Err(Trouble::NotJsonRpc) };
    let Some(error) = told.get("error").filter(|error| !error.is_null()) else {
        return Ok(Reply::Done { result: None });
    };
    match error.get("code").and_then(Value::as_i64) {
        Some(FAILURE) => {
            let words = error.get("message").and_then(Value::as_str).unwrap_or_default();
            Ok(Reply::Refused { detail: reply::words_of(words.as_bytes(), code).into() })
        }
        Some(ONGOING) => Ok(Reply::InProgress),
        other => Err(Trouble::RpcError(other.unwrap_or_default())),
    }
}
