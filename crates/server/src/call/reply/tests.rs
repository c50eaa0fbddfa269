//! Tables: answer → reply, without a network.

use http_body_util::Full;

use super::*;

const MAX: usize = 64 * 1024;

async fn reply(code: u16, operation: &str, body: impl Into<Bytes>) -> Reply {
    let answer = Response::builder().status(code).body(Full::new(body.into())).unwrap();
    of(answer, Expected { result: Kept::of(operation), max: MAX }).await.unwrap_or_else(Reply::from)
}

fn done(result: Option<&str>) -> Reply {
    Reply::Done { result: result.map(Into::into) }
}

fn unknown(error: &str) -> Reply {
    Reply::Unknown { error: error.into() }
}

#[tokio::test]
async fn every_code_has_one_meaning() {
    for code in 200..=599 {
        let expected = match code {
            202 | 425 => Reply::InProgress,
            200..=299 => done(None),
            409 | 422 => Reply::Refused { detail: format!("HTTP {code}").into() },
            _ => unknown(&format!("HTTP {code}")),
        };
        for operation in ["try", "confirm", "cancel", "action", "compensate", "deliver", "check"] {
            assert_eq!(reply(code, operation, "").await, expected, "{code} to {operation}");
        }
    }
}

#[tokio::test]
async fn json_of_a_try_or_an_action_is_kept_as_it_was_written() {
    let cases = [
        (r#"{"reservation":"r-9"}"#, Some(r#"{"reservation":"r-9"}"#)),
        (" {\"b\" : 1.50,\"a\":\"\\u00e9\"}\r\n", Some("{\"b\" : 1.50,\"a\":\"\\u00e9\"}")),
        ("null", Some("null")),
        ("\"]]]\\\"[[[\"", Some("\"]]]\\\"[[[\"")),
        ("", None),
        ("ok", None),
        ("<html></html>", None),
        (r#"{"a":1"#, None),
        (r#"{"a":1} {"b":2}"#, None),
    ];
    for (body, result) in cases {
        for operation in ["try", "action"] {
            assert_eq!(reply(200, operation, body).await, done(result), "{body} to {operation}");
        }
        for operation in ["confirm", "cancel", "compensate", "deliver", "check"] {
            assert_eq!(reply(200, operation, body).await, done(None), "{body} to {operation}");
        }
    }
    assert_eq!(reply(200, "try", &b"\"\xff\""[..]).await, done(None));
}

#[tokio::test]
async fn an_answer_beyond_a_limit_is_unknown() {
    let text = |len: usize| format!("\"{}\"", "a".repeat(len - 2));
    assert_eq!(reply(200, "try", text(MAX)).await, done(Some(&text(MAX))));
    for code in [200, 409] {
        assert_eq!(reply(code, "try", text(MAX + 1)).await, unknown("answer larger than 65536 bytes"));
    }
    assert_eq!(reply(200, "confirm", text(MAX + 1)).await, done(None), "the code of a confirm says it all");
    assert_eq!(reply(409, "confirm", text(MAX + 1)).await, unknown("answer larger than 65536 bytes"));
    assert_eq!(reply(503, "try", text(MAX + 1)).await, unknown("HTTP 503"));
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(reply(200, "try", nested(32)).await, done(Some(&nested(32))));
    assert_eq!(reply(200, "try", nested(33)).await, unknown("answer nested deeper than 32 levels"));
    assert_eq!(reply(200, "try", nested(MAX / 2)).await, unknown("answer nested deeper than 32 levels"));
}

#[tokio::test]
async fn a_refusal_says_why_in_printable_words() {
    let long = "é".repeat(5_000);
    let cases = [
        ("sold out", "sold out"),
        ("  sold out\n", "sold out"),
        (r#"{"detail":"sold out","message":"no"}"#, "sold out"),
        (r#"{"code":7,"message":"no"}"#, "no"),
        (r#"{"detail":7,"message":"no"}"#, "no"),
        (r#"{"detail":" ","message":"no"}"#, "no"),
        (r#"{"detail":7}"#, r#"{"detail":7}"#),
        (r#"["sold out"]"#, r#"["sold out"]"#),
        (r#"{"detail":"a\nb\u001b[31m"}"#, "a\\nb\\u{1b}[31m"),
        ("a\tb\0c\u{202e}d", "a\\tb\\u{0}c\\u{202e}d"),
        ("Ausverkauft: Größe 42", "Ausverkauft: Größe 42"),
        (" \n", "HTTP 409"),
        (&long, &long[..4_096]),
    ];
    for (body, words) in cases {
        assert_eq!(reply(409, "try", body.to_owned()).await, Reply::Refused { detail: words.into() });
    }
    let lossy = reply(422, "try", &b"\xffno"[..]).await;
    assert_eq!(lossy, Reply::Refused { detail: "\u{fffd}no".into() });
}

#[test]
fn a_body_in_parts_grows_in_place() {
    let whole =
        ["a", "bc", "", "d"].into_iter().fold(Bytes::new(), |whole, part| joined(whole, part.as_bytes()));
    assert_eq!(whole, "abcd");
}
