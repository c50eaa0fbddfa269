//! A call over HTTP: who it is for goes into the query, the payload is the body, byte for byte.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use transaction::{Call, Pattern, Raw};
use url::Url;

use super::super::request::{extra_headers, target};
use super::super::trouble::Trouble;
use super::{Named, Payload, finished};

/// The request of a call. POST where there is a payload, in the second phase of an XA and to resume a workflow, else GET.
pub(super) fn request(call: &Call, raw: &Raw) -> Result<Request<Full<Bytes>>, Trouble> {
    let is_post = !raw.body.is_empty() || matches!(raw.pattern, Pattern::Xa | Pattern::Workflow);
    let mut url = Url::parse(&call.url).map_err(|_| Trouble::Unsendable("its URL is none"))?;
    url.query_pairs_mut().extend_pairs(Named::of(call, raw).pairs());
    url.set_fragment(None);
    let method = if is_post { Method::POST } else { Method::GET };
    let mut request = Request::builder().method(method).uri(target(url.as_str())?);
    if let Some(headers) = request.headers_mut() {
        *headers = extra_headers(call)?;
    }
    finished(request.body(Full::new(Bytes::from_owner(Payload(Arc::clone(&raw.body))))))
}
