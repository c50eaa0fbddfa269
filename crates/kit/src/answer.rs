//! What came back, and what the coordinator would take it for.
//!
//! It judges nothing: whether an answer was the right one is said by a check. Read next: `case.rs`.

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::Value;

/// Evidence shows so much of a body.
const SHOWN: usize = 160;

/// An answer, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A whole answer.
    Heard { status: StatusCode, body: Bytes },
    /// Half an answer, a time-out, no connection.
    None(String),
}

/// What the coordinator takes an answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// 2xx except 202.
    Done,
    /// 409, 422.
    Refused,
    /// 202, 425: asked again.
    InProgress,
    /// A fault or nothing: asked again.
    Fault,
    /// Any other: asked again too, which will not help.
    Useless,
}

impl Answer {
    pub(crate) fn reply(&self) -> Reply {
        let Answer::Heard { status, .. } = self else { return Reply::Fault };
        match status.as_u16() {
            202 | 425 => Reply::InProgress,
            200..=299 => Reply::Done,
            409 | 422 => Reply::Refused,
            429 | 500..=599 => Reply::Fault,
            _ => Reply::Useless,
        }
    }

    /// Whether it is a 4xx: the caller's mistake, said so.
    pub(crate) fn is_callers_mistake(&self) -> bool {
        matches!(self, Answer::Heard { status, .. } if status.is_client_error())
    }

    /// Whether both say the same: the status, and the body as JSON where it is JSON.
    pub(crate) fn is_same(&self, other: &Answer) -> bool {
        match (self, other) {
            (Answer::Heard { status, body }, Answer::Heard { status: status2, body: body2 }) => {
                let json = |body| serde_json::from_slice::<Value>(body).ok();
                status == status2 && (body == body2 || json(body).is_some_and(|one| Some(one) == json(body2)))
            }
            _ => false,
        }
    }

    /// One line for evidence, without control characters.
    pub(crate) fn words(&self) -> String {
        match self {
            Answer::None(why) => format!("no answer ({})", plain(why)),
            Answer::Heard { status, body } if body.is_empty() => status.as_u16().to_string(),
            Answer::Heard { status, body } => {
                format!("{} {}", status.as_u16(), plain(&String::from_utf8_lossy(body)))
            }
        }
    }
}

/// The beginning of a text of somebody else; control characters are shown, not sent to a terminal.
pub(crate) fn plain(text: &str) -> String {
    let mut shown: String =
        text.chars().take(SHOWN).map(|seen| if seen.is_control() { '·' } else { seen }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(status: u16, body: &'static str) -> Answer {
        Answer::Heard { status: StatusCode::from_u16(status).unwrap(), body: Bytes::from(body) }
    }

    #[test]
    fn an_answer_is_taken_as_the_coordinator_takes_it() {
        let table = [200, 201, 202, 204, 301, 400, 404, 409, 422, 425, 429, 500, 503];
        let taken: Vec<_> =
            table.iter().map(|status| format!("{status} {:?}", heard(*status, "").reply())).collect();
        let expected = "200 Done, 201 Done, 202 InProgress, 204 Done, 301 Useless, 400 Useless, 404 Useless, 409 Refused, \
                        422 Refused, 425 InProgress, 429 Fault, 500 Fault, 503 Fault";
        assert_eq!(taken.join(", "), expected);
        assert_eq!(Answer::None("time-out".into()).reply(), Reply::Fault);
    }

    #[test]
    fn json_is_the_same_however_it_is_written() {
        assert!(heard(200, r#"{"a":1,"b":2}"#).is_same(&heard(200, r#"{ "b": 2, "a": 1 }"#)));
        assert!(!heard(200, "yes").is_same(&heard(200, "no")));
        assert!(!heard(200, "").is_same(&heard(204, "")));
    }

    #[test]
    fn evidence_is_short_and_harmless() {
        assert_eq!(heard(409, "a\u{1b}[2J").words(), "409 a·[2J");
        assert_eq!(plain(&"x".repeat(500)).chars().count(), SHOWN + 1);
    }
}
