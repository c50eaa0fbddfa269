//! A call over JSON-RPC: the method stands in the URL's query, who it is for goes among the parameters.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use transaction::{Call, Raw, Reply};
use url::Url;

use super::super::request::{extra_headers, target};
use super::super::trouble::Trouble;
use super::verdict::{self, Said};
use super::{DtmVerdict, Named, finished, refused};

/// DTM's own codes.
const FAILURE: i64 = -32901;
const ONGOING: i64 = -32902;

/// The method that a URL names.
pub(super) fn method(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.query_pairs().find(|(name, _)| name == "method").map(|(_, method)| method.into_owned())
}

#[derive(Serialize)]
struct Asked<'a> {
    jsonrpc: &'static str,
    id: String,
    method: String,
    params: BTreeMap<String, Param<'a>>,
}

/// What a payload says goes on to the letter: no number is rounded.
#[derive(Serialize)]
#[serde(untagged)]
enum Param<'a> {
    Given(&'a RawValue),
    Named(&'a str),
}

/// The request of a call.
pub(super) fn request(call: &Call, raw: &Raw) -> Result<Request<Full<Bytes>>, Trouble> {
    let method = method(&call.url).ok_or(Trouble::Unsendable("its URL names no method"))?;
    let mut params: BTreeMap<_, _> =
        given(&raw.body)?.into_iter().map(|(name, value)| (name, Param::Given(value))).collect();
    let named = Named::of(call, raw);
    params.extend(named.pairs().map(|(name, value)| (name.to_owned(), Param::Named(value))));
    let id = format!("{}-{}-{}-{}", named.gid, named.branch_id, named.op, call.attempt);
    let body = serde_json::to_vec(&Asked { jsonrpc: "2.0", id, method, params })
        .map_err(|_| Trouble::Unsendable("it cannot be written as JSON"))?;
    let mut request = Request::builder().method(Method::POST).uri(target(&call.url)?);
    if let Some(headers) = request.headers_mut() {
        *headers = extra_headers(call)?;
    }
    finished(request.body(Full::new(Bytes::from(body))))
}

/// The fields of a payload. What is no object cannot carry the rest: it goes along whole.
fn given(payload: &[u8]) -> Result<BTreeMap<String, &RawValue>, Trouble> {
    if payload.is_empty() {
        return Ok(BTreeMap::new());
    }
    if let Ok(fields) = serde_json::from_slice::<Option<_>>(payload) {
        return Ok(fields.unwrap_or_default());
    }
    // Never a call that leaves out in silence what it should say.
    let whole = serde_json::from_slice(payload).map_err(|_| Trouble::Unsendable("its payload is no JSON"))?;
    Ok(BTreeMap::from([("payload".to_owned(), whole)]))
}

/// What `answer` says: by the code of its error, where it has one.
pub(super) async fn reply<B>(answer: Response<B>, (how, max): (DtmVerdict, usize)) -> Result<Reply, Trouble>
where
    B: Body<Data = Bytes> + Unpin,
{
    // What is no JSON-RPC means what it means over HTTP.
    if answer.status() != StatusCode::OK {
        return verdict::of(answer, (how, max)).await;
    }
    let body = verdict::whole(answer.into_body(), max).await?;
    let told = serde_json::from_slice::<Value>(&body).ok().filter(Value::is_object);
    let error = told.as_ref().and_then(|told| told.get("error")).filter(|error| !error.is_null());
    let words = || error.and_then(|error| error.get("message")).and_then(Value::as_str);
    let said = match how {
        DtmVerdict::Parsed => None,
        DtmVerdict::Words => Said::by_words(&body),
    };
    match (said, error.map(|error| error.get("code").and_then(Value::as_i64).unwrap_or_default())) {
        (Some(Said::Ongoing), _) | (None, Some(ONGOING)) => Ok(Reply::InProgress),
        (Some(Said::Failure), _) => {
            let whole = String::from_utf8_lossy(&body);
            Ok(refused(words().unwrap_or(&whole), String::new()))
        }
        (None, Some(FAILURE)) => {
            Ok(refused(words().unwrap_or_default(), format!("JSON-RPC error {FAILURE}")))
        }
        (None, Some(other)) => Err(Trouble::RpcError(other)),
        (None, None) if told.is_none() => Err(Trouble::NotJsonRpc),
        (None, None) => Ok(Reply::Done { result: None }),
    }
}
