//! What an answer means for a row: by whom it comes from, its status, and the transaction in it.

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
    /// What `Retry-After` says; [`PAUSE`] where it names no seconds.
    pub(super) after: Option<Duration>,
    pub(super) body: &'a str,
    /// What is enough.
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
/// After a refusal that says nothing usable of when to come again.
pub(super) const PAUSE: Duration = Duration::from_secs(2);
/// After a refusal of the relay itself: somebody has to mend it.
const PAUSE_OWN_FAULT: Duration = Duration::from_secs(30);

use Verdict::{Accepted, Busy, Failed, NotYet, Refused};

/// Judges an answer.
pub(super) fn judge(target: &Target, answer: Answer<'_>) -> Verdict {
    match target {
        Target::Server(_) => of_server(answer),
        Target::Destinations => of_destination(answer),
    }
}

fn of_server(answer: Answer<'_>) -> Verdict {
    let why = answer.why();
    match answer.status.as_u16() {
        200..=299 if answer.awaited == Awaited::Delivery => reached(answer),
        200..=299 => Accepted,
        // A row can only be refused for what it is: malformed, too large, another message's id.
        400 | 413 | 422 => Refused(why),
        425 => NotYet(why),
        429 | 503 => Busy(answer.pause(PAUSE), why),
        // No row may become a dead letter of it.
        401 | 403 | 404 | 405 => Busy(
            answer.pause(PAUSE_OWN_FAULT),
            format!("{why}; it is the relay that is told wrong: its server's URL, or its token"),
        ),
        _ => Failed(why),
    }
}

fn of_destination(answer: Answer<'_>) -> Verdict {
    let why = answer.why();
    match (answer.status.as_u16(), answer.after) {
        (202, _) => NotYet("HTTP 202: accepted, not delivered yet".to_owned()),
        (200..=299, _) => Accepted,
        (400 | 409 | 413 | 422, _) => Refused(why),
        (425, _) => NotYet(why),
        (429 | 503, Some(_)) => Busy(answer.pause(PAUSE), why),
        // Also 429 and 503 that name no time: who answers one row so for ever must not keep back the others. And 404:
        // a service that is being replaced says so for a while.
        _ => Failed(why),
    }
}

/// What the transaction in a server's answer says. Its status does not: a transaction that is known already is answered
/// with 200 wherever it stands.
fn reached(answer: Answer<'_>) -> Verdict {
    #[derive(serde::Deserialize)]
    struct Transaction {
        state: String,
    }
    let status = answer.status.as_u16();
    match serde_json::from_str(answer.body).map(|Transaction { state }| state).as_deref() {
        Ok("delivered") => Accepted,
        Ok("aborted") => Refused(format!("HTTP {status}: the transaction was aborted")),
        Ok(state) => {
            NotYet(format!("HTTP {status}: not delivered yet, the transaction is {}", detail(state)))
        }
        Err(_) => NotYet(format!("HTTP {status}: the answer is no transaction: {}", detail(answer.body))),
    }
}

impl Answer<'_> {
    fn why(&self) -> String {
        format!("HTTP {}: {}", self.status.as_u16(), detail(self.body))
    }

    fn pause(&self, unless: Duration) -> Duration {
        self.after.unwrap_or(unless).clamp(Duration::from_millis(10), PAUSE_MOST)
    }
}

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

    fn server() -> Target {
        Target::Server(Server { url: "http://127.0.0.1:1".into(), token: None })
    }

    fn named(verdict: &Verdict) -> &'static str {
        match verdict {
            Accepted => "accepted",
            NotYet(_) => "not yet",
            Busy(..) => "busy",
            Refused(_) => "refused",
            Failed(_) => "failed",
        }
    }

    fn verdict(target: &Target, status: u16, after: Option<u64>) -> &'static str {
        let status = StatusCode::from_u16(status).unwrap();
        let awaited = match target {
            Target::Server(_) => Awaited::Acceptance,
            Target::Destinations => Awaited::Delivery,
        };
        let after = after.map(Duration::from_secs);
        named(&judge(target, Answer { status, after, body: "", awaited }))
    }

    #[test]
    fn every_status_means_one_thing() {
        let table = [
            (200, "accepted", "accepted"),
            (202, "accepted", "not yet"),
            (204, "accepted", "accepted"),
            (302, "failed", "failed"),
            (400, "refused", "refused"),
            (401, "busy", "failed"),
            (403, "busy", "failed"),
            (404, "busy", "failed"),
            (405, "busy", "failed"),
            (408, "failed", "failed"),
            (409, "failed", "refused"),
            (410, "failed", "failed"),
            (413, "refused", "refused"),
            (422, "refused", "refused"),
            (425, "not yet", "not yet"),
            (429, "busy", "failed"),
            (500, "failed", "failed"),
            (502, "failed", "failed"),
            (503, "busy", "failed"),
        ];
        for (status, by_server, by_destination) in table {
            assert_eq!(verdict(&server(), status, None), by_server, "{status}");
            assert_eq!(verdict(&Target::Destinations, status, None), by_destination, "{status}");
        }
        for status in [429, 503] {
            assert_eq!(verdict(&Target::Destinations, status, Some(1)), "busy", "{status}");
        }
    }

    #[test]
    fn delivered_is_what_the_server_says_of_the_transaction_and_not_its_status() {
        let (prepared, submitted) = (r#"{"id":"m-1","state":"prepared"}"#, r#"{"state":"submitted"}"#);
        let table = [
            (200, r#"{"id":"m-1","state":"delivered","branches":[]}"#, "accepted"),
            (202, r#"{"state":"delivered"}"#, "accepted"),
            (200, r#"{"state":"aborted"}"#, "refused"),
            (200, submitted, "not yet"),
            (200, prepared, "not yet"),
            (202, submitted, "not yet"),
            (200, "", "not yet"),
            (200, "<html>delivered</html>", "not yet"),
            (200, r#"{"state":7}"#, "not yet"),
            (503, r#"{"state":"delivered"}"#, "busy"),
        ];
        for (status, body, means) in table {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = Answer { status, after: None, body, awaited: Awaited::Delivery };
            assert_eq!(named(&judge(&server(), answer)), means, "{status} {body}");
        }
    }

    #[test]
    fn a_pause_is_as_long_as_asked_for_within_reason() {
        let busy = |status: StatusCode, after: Option<u64>| {
            let after = after.map(Duration::from_secs);
            match judge(&server(), Answer { status, after, body: "", awaited: Awaited::Acceptance }) {
                Busy(wait, why) => (wait, why.contains("told wrong")),
                other => panic!("{other:?}"),
            }
        };
        let overloaded = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(busy(overloaded, None), (PAUSE, false));
        assert_eq!(busy(overloaded, Some(7)), (Duration::from_secs(7), false));
        assert_eq!(busy(overloaded, Some(86_400)), (PAUSE_MOST, false));
        assert_eq!(busy(StatusCode::NOT_FOUND, None), (PAUSE_OWN_FAULT, true));
    }

    #[test]
    fn a_problem_is_told_in_words() {
        let problem = r#"{"code":"id_mismatch","detail":"other content","status":422}"#;
        assert_eq!(detail(problem), "id_mismatch: other content");
        assert_eq!(detail("<html>\nno\u{1b}"), "<html> no ");
        assert_eq!(detail(&"x".repeat(9_000)).len(), 400);
    }
}
