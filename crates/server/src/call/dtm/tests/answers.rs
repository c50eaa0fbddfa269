//! Tables: answer → meaning, without a network.

use proptest::prelude::*;

use super::*;

const MAX: usize = 4_096;

fn answer(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::new(body.into())).unwrap()
}

async fn heard(how: DtmVerdict, (status, body): (u16, &str)) -> String {
    name(verdict::of(answer(status, body.to_owned()), (how, MAX)).await)
}

async fn heard_rpc(how: DtmVerdict, (status, body): (u16, &str)) -> String {
    name(rpc::reply(answer(status, body.to_owned()), (how, MAX)).await)
}

async fn heard_grpc(status: &[u8], words: &[u8]) -> String {
    let head = Response::builder().header("grpc-status", status).header("grpc-message", words);
    name(grpc::reply(head.body(Full::new(Bytes::new())).unwrap(), 100).await)
}

#[tokio::test]
async fn an_answer_means_what_its_status_and_its_result_say() {
    let deep = format!(r#"{{"x":{}{},"dtm_result":"FAILURE"}}"#, "[".repeat(500), "]".repeat(500));
    let refused_deep = format!("refused {deep}");
    let cases = [
        (200, "", "done"),
        (200, "words about a FAILURE", "done"),
        (200, r#"{"dtm_result":"SUCCESS"}"#, "done"),
        (200, r#"{"dtm_result":"SUCCESS","note":"no FAILURE, no ONGOING"}"#, "done"),
        (200, r#"{"dtm_result":"ONGOING"}"#, "in progress"),
        (200, r#"{"dtm_result":"FAILURE","message":"sold out"}"#, "refused sold out"),
        (200, r#"{"dtm_result":"FAILURE"}"#, r#"refused {"dtm_result":"FAILURE"}"#),
        (200, r#"{"dtm_result":"SUCCESS","dtm_result":"FAILURE","message":"no"}"#, "refused no"),
        (200, "\u{feff} {\"dtm_result\":\"FAILURE\",\"message\":\"no\"}", "refused no"),
        (200, &deep, &refused_deep),
        (200, r#"{"dtm_result":"failure"}"#, "done"),
        (200, r#"{"dtm_result":null}"#, "done"),
        (200, r#"{"dtm_result":{"dtm_result":"FAILURE"}}"#, "done"),
        (200, r#"{"x":{"dtm_result":"FAILURE"}}"#, "done"),
        (200, r#"["dtm_result","FAILURE"]"#, "done"),
        (200, r#"{"dtm_result":"FAILURE""#, "done"),
        (409, "sold out", "refused sold out"),
        (409, "", "refused HTTP 409"),
        (409, r#"{"dtm_result":"SUCCESS","message":"no"}"#, "refused no"),
        (425, "", "in progress"),
        (425, r#"{"dtm_result":"FAILURE"}"#, "in progress"),
        (201, "", "unknown HTTP 201"),
        (204, "", "unknown HTTP 204"),
        (302, "", "unknown HTTP 302"),
        (422, "no", "unknown HTTP 422"),
        (500, "FAILURE", "unknown HTTP 500"),
        (500, r#"{"dtm_result":"FAILURE"}"#, "unknown HTTP 500"),
    ];
    for (status, body, meaning) in cases {
        assert_eq!(heard(DtmVerdict::Parsed, (status, body)).await, meaning, "{status} {body}");
    }
}

#[tokio::test]
async fn where_words_count_they_count_anywhere_and_ongoing_before_failure() {
    let cases = [
        (200, "a FAILURE", "refused a FAILURE"),
        (200, "FAILURE ONGOING", "in progress"),
        (409, "ONGOING", "in progress"),
        (409, "no", "refused no"),
        (425, "FAILURE", "in progress"),
        (500, "FAILURE", "refused FAILURE"),
        (500, "ONGOING", "in progress"),
        (500, "down", "unknown HTTP 500"),
        (200, "a failure", "done"),
        (200, "", "done"),
    ];
    for (status, body, meaning) in cases {
        assert_eq!(heard(DtmVerdict::Words, (status, body)).await, meaning, "{status} {body}");
    }
}

#[tokio::test]
async fn an_answer_however_large_means_what_can_be_told_from_it() {
    let text = "x".repeat(MAX + 1);
    let object = format!("{{\"note\":\"{text}\",\"dtm_result\":\"FAILURE\",\"message\":\"no\"}}");
    let words = format!("refused {}", &text[..MAX]);
    let endless = "x".repeat(verdict::BODY_BYTES + 1);
    let too_large = format!("unknown answer larger than {} bytes", verdict::BODY_BYTES);
    let too_large = &*too_large;
    let cases = [
        (200, &text, "done"),
        (200, &object, "refused no"),
        (200, &endless, too_large),
        (409, &text, &words),
        (409, &endless, &words),
        (425, &endless, "in progress"),
        (500, &endless, "unknown HTTP 500"),
    ];
    for (status, body, meaning) in cases {
        assert_eq!(heard(DtmVerdict::Parsed, (status, body)).await, meaning, "{status}");
    }
    assert_eq!(heard(DtmVerdict::Words, (200, &endless)).await, too_large);
    assert_eq!(heard_rpc(DtmVerdict::Parsed, (200, &endless)).await, too_large);
    let result = format!(r#"{{"result":"{text}"}}"#);
    assert_eq!(heard_rpc(DtmVerdict::Parsed, (200, &result)).await, "done");
}

#[tokio::test]
async fn a_failure_in_another_encoding_is_still_one() {
    let body = &b"{\"dtm_result\":\"FAILURE\",\"message\":\"\xff\"}"[..];
    let told = name(verdict::of(answer(200, body), (DtmVerdict::Parsed, MAX)).await);
    assert!(told.starts_with("refused "), "{told}");
}

#[tokio::test]
async fn long_reasons_survive() {
    let long = "r".repeat(2_000);
    assert_eq!(heard(DtmVerdict::Parsed, (409, &long)).await, format!("refused {long}"));
    assert_eq!(heard_grpc(b"10", long.as_bytes()).await, format!("refused {long}"));
    let body = format!(r#"{{"error":{{"code":-32901,"message":"{long}"}}}}"#);
    assert_eq!(heard_rpc(DtmVerdict::Parsed, (200, &body)).await, format!("refused {long}"));
}

#[tokio::test]
async fn a_grpc_status_says_it_all() {
    let none = "unknown answer has no gRPC status";
    let cases = [
        (&b"0"[..], &b""[..], "done"),
        (b"10", b"sold%20out", "refused sold out"),
        (b"10", b"", "refused gRPC status 10"),
        (b"10", b"%C3%A9 %ff %", "refused \u{e9} \u{fffd} %"),
        (b"10", b"a%0Ab", "refused a\\nb"),
        (b"10", b"ONGOING", "in progress"),
        (b"9", b"", "in progress"),
        (b"9", b"FAILURE", "in progress"),
        (b"13", b"secret words", "unknown gRPC status 13"),
        (b"14", b"FAILURE", "unknown gRPC status 14"),
        (b"999", b"", "unknown gRPC status 999"),
        (b"", b"", none),
        (b"-1", b"", none),
        (b"99999999999999999999", b"", none),
        (b"\xff", b"", none),
    ];
    for (status, words, meaning) in cases {
        assert_eq!(heard_grpc(status, words).await, meaning, "{status:?} {words:?}");
    }
    assert_eq!(name(grpc::reply(answer(200, ""), 100).await), none);
    assert_eq!(name(grpc::reply(answer(503, ""), 100).await), "unknown HTTP 503");
    let large = name(grpc::reply(answer(200, vec![0; 101]), 100).await);
    assert_eq!(large, "unknown answer larger than 100 bytes");
}

#[tokio::test]
async fn json_rpc_codes_are_dtms() {
    let cases = [
        (200, r#"{"jsonrpc":"2.0","id":"1","result":{},"error":null}"#, "done"),
        (200, r#"{"jsonrpc":"2.0","id":"1","result":{"dtm_result":"FAILURE"}}"#, "done"),
        (200, r#"{"error":{"code":-32901,"message":"sold out"}}"#, "refused sold out"),
        (200, r#"{"error":{"code":-32901}}"#, "refused JSON-RPC error -32901"),
        (200, r#"{"error":{"code":-32902,"message":""}}"#, "in progress"),
        (200, r#"{"error":{"code":-32603,"message":"secret"}}"#, "unknown JSON-RPC error -32603"),
        (200, r#"{"error":"secret"}"#, "unknown JSON-RPC error 0"),
        (200, "no json", "unknown answer is not JSON-RPC"),
        (200, "", "unknown answer is not JSON-RPC"),
        (409, "sold out", "refused sold out"),
        (425, "", "in progress"),
        (500, "secret", "unknown HTTP 500"),
    ];
    for (status, body, meaning) in cases {
        assert_eq!(heard_rpc(DtmVerdict::Parsed, (status, body)).await, meaning, "{body}");
    }
    let by_words = [
        (200, r#"{"error":{"code":-32603,"message":"FAILURE: sold out"}}"#, "refused FAILURE: sold out"),
        (200, r#"{"error":{"code":-32603,"message":"ONGOING"}}"#, "in progress"),
        (200, r#"{"error":{"code":-32901,"message":"sold out"}}"#, "refused sold out"),
        (200, r#"{"error":{"code":-32603,"message":"down"}}"#, "unknown JSON-RPC error -32603"),
        (200, r#"{"result":{}}"#, "done"),
        (500, "FAILURE", "refused FAILURE"),
    ];
    for (status, body, meaning) in by_words {
        assert_eq!(heard_rpc(DtmVerdict::Words, (status, body)).await, meaning, "{body}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_as_something(
        status in 200_u16..600,
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            r#"\{?("(dtm_result|error|message|code)":|["\{\[\]},]|FAILURE|ONGOING|-32901|9e999){0,20}"#
                .prop_map(String::into_bytes),
        ],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            for how in [DtmVerdict::Parsed, DtmVerdict::Words] {
                // Small, so that the limit is met too.
                for max in [0, 50, MAX] {
                    let _ = verdict::of(answer(status, body.clone()), (how, max)).await;
                    let _ = rpc::reply(answer(status, body.clone()), (how, max)).await;
                    let _ = grpc::reply(answer(status, body.clone()), max).await;
                }
            }
            let head = Response::builder().header("grpc-status", "10").header("grpc-message", &body[..]);
            if let Ok(answer) = head.body(Full::new(Bytes::new())) {
                let _ = grpc::reply(answer, MAX).await;
            }
        });
    }
}
