//! Spells a call out as an HTTP request. Runs once per call: nothing is parsed twice, bodies are not copied.
//!
//! The coordinator's own headers win over a branch's, and headers that would shape the connection are left out: what
//! a branch may set was judged when it began, but a branch may be older than today's rules. Read next: `reply.rs`.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Scheme;
use http::{Method, Request, Uri};
use http_body_util::Full;
use participant::call::{self, Signature};
use transaction::{Call, Trace};
use url::Url;

use super::trouble::Trouble;

const TRANSACTION: HeaderName = HeaderName::from_static(call::TRANSACTION);
const BRANCH: HeaderName = HeaderName::from_static(call::BRANCH);
const OPERATION: HeaderName = HeaderName::from_static(call::OPERATION);
const ATTEMPT: HeaderName = HeaderName::from_static(call::ATTEMPT);
const SIGNATURE: HeaderName = HeaderName::from_static(call::SIGNATURE);
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("tercet/", env!("CARGO_PKG_VERSION")));

/// Never a branch's to set: they shape the connection or the framing, name another host, or ask for a packed answer.
const LEFT_OUT: [HeaderName; 13] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::ACCEPT_ENCODING,
    HeaderName::from_static("http2-settings"),
];

/// The request of a call, signed where there is a secret.
pub(super) fn of(call: &Call, signature: Option<&Signature>) -> Result<Request<Full<Bytes>>, Trouble> {
    let body = body(call);
    let uri = target(&call.url)?;
    let mut headers = headers(call)?;
    if let Some(signature) = signature {
        let signed = signature.of_post((&uri, &headers), &body).map_err(Trouble::Unsendable)?;
        headers.insert(SIGNATURE, signed);
    }
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Where a call goes, by today's rules for an address.
pub(super) fn target(url: &str) -> Result<Uri, Trouble> {
    // What only the wider URL grammar knows (a name in other letters, a space in the path) is written plainly by `Url`.
    let plain = || Url::parse(url).ok()?.as_str().parse().ok();
    let uri = Uri::try_from(url).ok().or_else(plain).ok_or(Trouble::Unsendable("its URL is none"))?;
    let is_http = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
    match uri.authority() {
        Some(authority) if is_http && !authority.as_str().contains('@') => Ok(uri),
        Some(_) if is_http => Err(Trouble::Unsendable("its URL names a user")),
        Some(_) | None => Err(Trouble::Unsendable("its URL is neither http nor https")),
    }
}

fn headers(call: &Call) -> Result<HeaderMap, Trouble> {
    let text = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Trouble::Unsendable("its id does not fit a header"))
    };
    let mut headers = extra_headers(call)?;
    headers.insert(TRANSACTION, text(&call.transaction)?);
    headers.insert(BRANCH, text(&call.branch)?);
    headers.insert(OPERATION, HeaderValue::from_static(call.operation));
    headers.insert(ATTEMPT, HeaderValue::from(call.attempt));
    headers.insert(TRACEPARENT, text(&traceparent(call.trace))?);
    Ok(headers)
}

/// What a branch adds to every call, less what is not its to set, and what every call has.
pub(super) fn extra_headers(call: &Call) -> Result<HeaderMap, Trouble> {
    let unsendable = Trouble::Unsendable;
    let mut headers = HeaderMap::with_capacity(16);
    for own in &call.headers {
        let name = own.name.parse::<HeaderName>().map_err(|_| unsendable("a header has no name"))?;
        let value =
            own.value.parse::<HeaderValue>().map_err(|_| unsendable("a header has no plain value"))?;
        if !LEFT_OUT.contains(&name) {
            headers.try_append(name, value).map_err(|_| unsendable("it has too many headers"))?;
        }
    }
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.entry(header::USER_AGENT).or_insert(AGENT);
    Ok(headers)
}

/// W3C trace context, version 00, sampled, with a span id of this call's own.
fn traceparent(trace: Trace) -> String {
    // All zeros would mean that there is no span.
    let span = fastrand::u64(1..);
    format!("00-{}-{span:016x}-01", TraceId(trace))
}

/// A trace id as it is written: 32 hex digits in lower case.
pub(super) struct TraceId(pub(super) Trace);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0.0))
    }
}

/// The branch's body byte for byte, `{}` where it has none; with the try's result beside it where that was asked for.
fn body(call: &Call) -> Bytes {
    if call.pass_result {
        let body = call.body.as_deref().unwrap_or("null");
        let result = call.result.as_deref().unwrap_or("null");
        return Bytes::from(format!(r#"{{"body":{body},"result":{result}}}"#));
    }
    call.body.as_ref().map_or(Bytes::from_static(b"{}"), |body| Bytes::from_owner(Shared(Arc::clone(body))))
}

/// The text that the transaction holds anyway, sent without a copy.
struct Shared(Arc<str>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests;
