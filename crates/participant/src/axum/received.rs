//! The extractor: a call's identity and its body, or the refusal of a request that is no call.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::call::{Answer, Call};

/// A call as it was received. As an extractor it refuses what carries no identity with 400 `identity_missing`.
#[derive(Clone, Debug)]
pub struct Received {
    /// Who it is about and what it asks.
    pub call: Call,
    /// The body's bytes.
    pub body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Received {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Received, Response> {
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        match Call::read(&headers, &body) {
            Ok(call) => Ok(Received { call, body }),
            Err(fault) => {
                let answer = Answer::problem(StatusCode::BAD_REQUEST, fault.code(), &fault.to_string());
                Err(answer.into_response())
            }
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let kind = if self.is_problem() { "application/problem+json" } else { "application/json" };
        let typed = (!self.body.is_empty()).then(|| (header::CONTENT_TYPE, HeaderValue::from_static(kind)));
        let mut response = (self.status, self.body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().extend(typed);
        response
    }
}
