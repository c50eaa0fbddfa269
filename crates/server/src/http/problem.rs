//! A refusal on the wire: `application/problem+json` (RFC 9457) with its status and headers.

use bytes::Bytes;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http_body_util::Full;
use serde::Serialize;
use transaction::{Refusal, RefusalClass, RefusalKind};
use utoipa::ToSchema;

use super::answer::{Response, SEQUENCE, write};
use crate::refusal as r;

/// A refusal with what its headers need.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) refusal: Refusal,
    /// The methods that the path knows.
    pub(super) allow: Option<String>,
    /// Seconds after which to ask again, where it is not simply one.
    pub(super) retry_after: Option<u64>,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem { refusal, allow: None, retry_after: None }
    }
}

/// Why a request was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemView<'a> {
    /// `urn:tercet:refusal:` and the code.
    #[serde(rename = "type")]
    urn: String,
    /// What sort of refusal it is.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What exactly was wrong.
    detail: &'a str,
    /// The stable code, see the reference of refusals.
    code: &'a str,
    /// JSON pointer to the field that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
}

/// Kinds whose status is not the one of their class.
static EXCEPTIONS: &[(&RefusalKind, StatusCode)] = &[
    (&r::BODY_LATE, StatusCode::REQUEST_TIMEOUT),
    (&r::METHOD_NOT_ALLOWED, StatusCode::METHOD_NOT_ALLOWED),
    (&r::ORIGIN_DENIED, StatusCode::FORBIDDEN),
    (&r::RATE_LIMITED, StatusCode::TOO_MANY_REQUESTS),
];

/// The HTTP status of a kind of refusal.
pub(crate) fn status_of(kind: &RefusalKind) -> StatusCode {
    if let Some((_, status)) = EXCEPTIONS.iter().find(|(exception, _)| exception.number == kind.number) {
        return *status;
    }
    match kind.class {
        RefusalClass::Malformed => StatusCode::BAD_REQUEST,
        RefusalClass::Unknown => StatusCode::NOT_FOUND,
        RefusalClass::Conflict => StatusCode::CONFLICT,
        RefusalClass::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalClass::Mismatch => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalClass::NotNow => StatusCode::SERVICE_UNAVAILABLE,
        RefusalClass::NotAllowed => StatusCode::UNAUTHORIZED,
    }
}

impl Problem {
    /// The response, with the journal sequence that it reflects, where the ledger's state is what refused.
    pub(super) fn into_response_after(self, sequence: Option<u64>) -> Response {
        let mut response = self.into_response();
        if let Some(sequence) = sequence {
            response.headers_mut().insert(SEQUENCE, HeaderValue::from(sequence));
        }
        response
    }

    pub(super) fn into_response(self) -> Response {
        let kind = self.refusal.kind;
        let status = status_of(kind);
        let view = ProblemView {
            urn: format!("urn:tercet:refusal:{}", kind.code),
            title: kind.title,
            status: status.as_u16(),
            detail: &self.refusal.detail,
            code: kind.code,
            at: self.refusal.at.as_deref(),
        };
        let mut response = http::Response::new(Full::new(Bytes::from(write(&view, 512))));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if kind.class == RefusalClass::NotNow {
            headers.insert(RETRY_AFTER, HeaderValue::from(self.retry_after.unwrap_or(1)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn headers_of(problem: Problem) -> Vec<(String, String)> {
        let response = problem.into_response();
        let pair = |(name, value): (&http::HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        response.headers().iter().map(pair).filter(|(name, _)| name != "content-type").collect()
    }

    #[tokio::test]
    async fn a_refusal_has_the_shape_of_the_api() {
        let refusal = r::FIELD_UNKNOWN.at("/deadline", "there is no field `deadline`");
        let response = Problem::from(refusal).into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let expected = concat!(
            r#"{"type":"urn:tercet:refusal:field_unknown","title":"A field or query parameter does not exist","#,
            r#""status":400,"detail":"there is no field `deadline`","code":"field_unknown","at":"/deadline"}"#
        );
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
    }

    #[test]
    fn headers_say_what_to_do() {
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let plain = |kind: &'static RefusalKind| Problem::from(kind.because("x"));
        assert_eq!(headers_of(plain(&r::JSON_INVALID)), []);
        assert_eq!(headers_of(plain(&engine::refusal::OVERLOADED)), pair("retry-after", "1"));
        let paced = Problem { retry_after: Some(7), ..plain(&r::RATE_LIMITED) };
        assert_eq!(headers_of(paced), pair("retry-after", "7"));
        assert_eq!(headers_of(plain(&r::UNAUTHENTICATED)), pair("www-authenticate", "Bearer"));
        assert_eq!(headers_of(plain(&r::ORIGIN_DENIED)), []);
    }

    #[test]
    fn classes_have_the_status_of_the_api() {
        let cases: [(&RefusalKind, u16); 11] = [
            (&r::JSON_INVALID, 400),
            (&r::UNAUTHENTICATED, 401),
            (&r::ORIGIN_DENIED, 403),
            (&transaction::refusal::TRANSACTION_UNKNOWN, 404),
            (&r::METHOD_NOT_ALLOWED, 405),
            (&r::BODY_LATE, 408),
            (&transaction::refusal::ALREADY_DECIDED, 409),
            (&r::BODY_TOO_LARGE, 413),
            (&engine::refusal::IDEMPOTENCY_MISMATCH, 422),
            (&r::RATE_LIMITED, 429),
            (&engine::refusal::STORAGE_FULL, 503),
        ];
        for (kind, status) in cases {
            assert_eq!(status_of(kind).as_u16(), status, "{}", kind.code);
        }
    }
}
