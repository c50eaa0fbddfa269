//! What an answer means for a row: by whom it comes from, and its status.

use std::time::Duration;

use http::StatusCode;

use super::Target;

/// What became of sending a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is taken over, or delivered.
    Accepted,
    /// It is under way; ask again. Counts as no failure.
    NotYet(String),
    /// Whoever was asked wants to be left alone for so long: all their rows wait. Counts as no failure of the row.
    Busy(Duration, String),
    /// It will never be taken: a dead letter at once.
    Refused(String),
    /// Nobody knows; it is repeated within the budget.
    Failed(String),
}

/// What is read of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: StatusCode,
    /// What `Retry-After` says.
    pub(super) after: Option<Duration>,
    pub(super) body: &'a str,
    /// Whether 202 is not enough.
    pub(super) awaited: Awaited,
}

/// What has to have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// It was kept, or taken in.
    Acceptance,
    /// It has reached its destination.
    Delivery,
}

/// The longest pause that an answer may ask for.
const PAUSE_MOST: Duration = Duration::from_secs(300);
/// After a refusal that says nothing of when to come again.
const PAUSE: Duration = Duration::from_secs(2);
/// After a refusal of the token: somebody has to mend it.
const PAUSE_UNKNOWN_CALLER: Duration = Duration::from_secs(30);

/// Judges an answer.
pub(super) fn judge(target: &Target, answer: Answer<'_>) -> Verdict {
    let why = || format!("HTTP {}: {}", answer.status.as_u16(), detail(answer.body));
    let pause =
        |unless: Duration| answer.after.unwrap_or(unless).clamp(Duration::from_millis(10), PAUSE_MOST);
    match (answer.status.as_u16(), target) {
        (202, _) if answer.awaited == Awaited::Delivery => {
            NotYet(format!("HTTP {}: accepted, not delivered yet", answer.status.as_u16()))
        }
        (200..=299, _) => Accepted,
        (425, _) => NotYet(why()),
        (429 | 503, _) => Busy(pause(PAUSE), why()),
        // The relay's fault, not the row's: no row may become a dead letter of it.
        (401 | 403, Target::Server(_)) => Busy(pause(PAUSE_UNKNOWN_CALLER), why()),
        (401 | 403 | 408, _) => Failed(why()),
        (400..=499, _) => Refused(why()),
        _ => Failed(why()),
    }
}

use Verdict::{Accepted, Busy, Failed, NotYet, Refused};

/// Code and detail of a problem (RFC 9457), or the beginning of whatever it is, without control characters.
fn detail(body: &str) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let text = |name: &str| problem.as_ref()?.get(name)?.as_str().map(ToOwned::to_owned);
    let said = match (text("code"), text("detail")) {
        (Some(code), Some(detail)) => format!("{code}: {detail}"),
        (None, Some(detail)) => detail,
        _ => body.trim().to_owned(),
    };
    said.chars().take(400).map(|seen| if seen.is_control() { ' ' } else { seen }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Server;
    use super::*;

    fn verdict(target: &Target, status: u16, awaited: Awaited) -> &'static str {
        let status = StatusCode::from_u16(status).unwrap();
        match judge(target, Answer { status, after: None, body: "", awaited }) {
            Accepted => "accepted",
            NotYet(_) => "not yet",
            Busy(..) => "busy",
            Refused(_) => "refused",
            Failed(_) => "failed",
        }
    }

    #[test]
    fn every_status_means_one_thing() {
        let server = Target::Server(Server { url: "http://127.0.0.1:1".into(), token: None });
        let direct = Target::Destinations;
        let table = [
            (200, "accepted", "accepted"),
            (202, "accepted", "not yet"),
            (204, "accepted", "accepted"),
            (302, "failed", "failed"),
            (400, "refused", "refused"),
            (401, "busy", "failed"),
            (403, "busy", "failed"),
            (404, "refused", "refused"),
            (408, "failed", "failed"),
            (409, "refused", "refused"),
            (422, "refused", "refused"),
            (425, "not yet", "not yet"),
            (429, "busy", "busy"),
            (500, "failed", "failed"),
            (502, "failed", "failed"),
            (503, "busy", "busy"),
        ];
        for (status, by_server, by_destination) in table {
            assert_eq!(verdict(&server, status, Awaited::Acceptance), by_server, "{status}");
            assert_eq!(verdict(&direct, status, Awaited::Delivery), by_destination, "{status}");
        }
        assert_eq!(verdict(&server, 202, Awaited::Delivery), "not yet");
    }

    #[test]
    fn a_pause_is_as_long_as_asked_for_within_reason() {
        let busy = |after: Option<u64>| {
            let after = after.map(Duration::from_secs);
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let answer = Answer { status, after, body: "", awaited: Awaited::Acceptance };
            match judge(&Target::Destinations, answer) {
                Busy(wait, _) => wait,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            (busy(None), busy(Some(7)), busy(Some(86_400))),
            (PAUSE, Duration::from_secs(7), PAUSE_MOST)
        );
    }

    #[test]
    fn a_problem_is_told_in_words() {
        let problem = r#"{"code":"id_mismatch","detail":"other content","status":422}"#;
        assert_eq!(detail(problem), "id_mismatch: other content");
        assert_eq!(detail("<html>\nno\u{1b}"), "<html> no ");
        assert_eq!(detail(&"x".repeat(9_000)).len(), 400);
    }
}
