//! What is logged of a request: its verb, what it is about, how it ended. Never a body, a header or a token.

use std::time::Duration;

use http::StatusCode;
use transaction::Refusal;

use super::problem::status_of;
use super::router::Route;
use super::trace::{Hex, Subject};

/// One line for each request, for who debugs.
pub(super) fn answered(route: Route, subject: &Subject, (status, took): (StatusCode, Duration)) {
    tracing::debug!(
        route = route.name(),
        status = status.as_u16(),
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        transaction = subject.transaction.as_deref().unwrap_or("-"),
        trace_id = %Hex(subject.trace),
        "answered"
    );
}

/// One line for a request that failed for a reason that an operator should know.
pub(super) fn refused(route: Route, subject: &Subject, refusal: &Refusal) {
    if !status_of(refusal.kind).is_server_error() {
        return;
    }
    tracing::warn!(
        route = route.name(),
        code = refusal.kind.code,
        detail = refusal.detail,
        transaction = subject.transaction.as_deref().unwrap_or("-"),
        trace_id = %Hex(subject.trace),
        "refused"
    );
}
