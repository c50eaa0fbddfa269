//! Believes only calls that the coordinator signed: a layer in front of the routes.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::call::{Answer, Identity, SIGNATURE, Signature, SignatureFault, Signed};

const BODY_MAX: usize = 2 * 1024 * 1024;

/// Puts the check in front of every route of `router`: 401 `signature_invalid` for what is not signed, too old or altered.
pub fn signed(router: Router, signature: Signature) -> Router {
    router.layer(from_fn_with_state(signature, check))
}

async fn check(State(signature): State<Signature>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        return Answer::problem(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too long")
            .into_response();
    };
    // As it came: under `Router::nest` the head's own has lost its beginning.
    let uri = head.extensions.get().map_or(&head.uri, |OriginalUri(uri)| uri);
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let identity = Identity::of(&head.headers);
    let signed = Signed { method: head.method.as_str(), path, identity, body: &body };
    let header = head.headers.get(SIGNATURE).map(|value| value.to_str().unwrap_or_default());
    match signature.check(header, now(), signed) {
        Ok(()) => next.run(Request::from_parts(head, Body::from(body))).await,
        Err(fault) => refuse(fault),
    }
}

fn refuse(fault: SignatureFault) -> Response {
    tracing::warn!("a call is not believed: {fault}");
    Answer::problem(StatusCode::UNAUTHORIZED, "signature_invalid", &fault.to_string()).into_response()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
