//! Whether the process lives, and whether it can take work. Needs no token and takes no place, so that an overloaded
//! server is not mistaken for a dead one.

use engine::Health;
use engine::refusal::{STOPPING, STORAGE_FULL};
use http::StatusCode;
use transaction::Refusal;

use super::answer::Answer;
use super::{Asked, problem::ProblemView};

/// Alive: the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses(
    (status = 200, description = "The process lives", body = String, content_type = "text/plain"),
))]
pub(super) fn alive(_: &mut Asked<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::text(StatusCode::OK, "alive\n"))
}

/// Ready: the journal is writable and caught up, new work is taken.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "New work is taken", body = String, content_type = "text/plain"),
    (status = 503, description = "New work is not taken just now", body = ProblemView, content_type = "application/problem+json"),
))]
pub(super) fn ready(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    match asked.serving.engine.health() {
        Health::Ready => Ok(Answer::text(StatusCode::OK, "ready\n")),
        Health::StorageFull => Err(STORAGE_FULL.because("the disk is full: only what is open goes on")),
        Health::Stopping => Err(STOPPING.because("this process is going down")),
    }
}
