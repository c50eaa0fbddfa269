//! Requests as they go out, and what answers mean.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use transaction::{Call, Header, Pattern, Protocol, Raw, Reply, Trace};

use super::{DtmVerdict, grpc, http as plain, rpc, verdict};

fn call((pattern, operation): (Pattern, &'static str), url: &str, body: &[u8]) -> (Call, Raw) {
    let header = Header { name: "x-shop".into(), value: "7".into() };
    let raw = Raw { protocol: Protocol::DtmHttp, pattern, body: Arc::from(body), name: "wf 1".into() };
    let call = Call {
        transaction: "g 1&2".into(),
        trace: Trace::default(),
        branch: "01".into(),
        operation,
        attempt: 3,
        url: url.into(),
        body: None,
        result: None,
        pass_result: false,
        headers: vec![header],
        timeout_ms: 1_500,
        raw: Some(raw.clone()),
    };
    (call, raw)
}

#[tokio::test]
async fn a_call_over_http_names_itself_in_the_query_and_carries_the_payload_as_it_is() {
    let (call, raw) = call((Pattern::Saga, "compensate"), "http://h:1/a?own=1", b"{\"x\": 1}\n");
    let request = plain::request(&call, &raw).unwrap();
    assert_eq!(request.method(), "POST");
    let expected = "http://h:1/a?own=1&gid=g+1%262&trans_type=saga&branch_id=01&op=compensate";
    assert_eq!(request.uri().to_string(), expected);
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.headers()["x-shop"], "7");
    assert!(request.headers().keys().all(|name| !name.as_str().starts_with("tercet")));
    let body = request.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, Bytes::from_static(b"{\"x\": 1}\n"));
}

#[test]
fn post_and_get_and_the_names_of_operations_are_dtms() {
    let cases = [
        (Pattern::Tcc, "confirm", &b""[..], "GET", "branch_id=01&op=confirm"),
        (Pattern::Tcc, "cancel", b"x", "POST", "branch_id=01&op=cancel"),
        (Pattern::Message, "deliver", b"null", "POST", "branch_id=01&op=action"),
        (Pattern::Message, "check", b"", "GET", "branch_id=00&op=msg"),
        (Pattern::Xa, "commit", b"", "POST", "branch_id=01&op=commit"),
        (Pattern::Workflow, "resume", b"", "POST", "branch_id=00&op=wf+1"),
    ];
    for (pattern, operation, body, method, query) in cases {
        let (call, raw) = call((pattern, operation), "http://h/a", body);
        let request = plain::request(&call, &raw).unwrap();
        assert_eq!(request.method(), method, "{operation}");
        assert!(request.uri().query().unwrap().ends_with(query), "{}", request.uri());
    }
}

#[tokio::test]
async fn a_call_over_grpc_is_one_message_of_raw_bytes() {
    let (mut call, raw) = call((Pattern::Tcc, "confirm"), "h:1/pkg.S/M", &[0, 255, 7]);
    call.transaction = "g1".into();
    let request = grpc::request(&call, &raw).unwrap();
    assert_eq!(request.uri(), "http://h:1/pkg.S/M");
    for (name, value) in [
        ("content-type", "application/grpc+dtm_raw"),
        ("te", "trailers"),
        ("grpc-timeout", "1500m"),
        ("dtm-gid", "g1"),
        ("dtm-trans_type", "tcc"),
        ("dtm-branch_id", "01"),
        ("dtm-op", "confirm"),
        ("dtm-dtm", ""),
        ("x-shop", "7"),
    ] {
        assert_eq!(request.headers()[name], value, "{name}");
    }
    let body = request.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], [0, 0, 0, 0, 3, 0, 255, 7]);
}

#[tokio::test]
async fn a_call_over_json_rpc_has_who_it_is_for_among_its_parameters() {
    let (call, raw) = call((Pattern::Saga, "action"), "http://h/rpc?method=Out", br#"{"amount":3}"#);
    let body = rpc::request(&call, &raw).unwrap().into_body().collect().await.unwrap().to_bytes();
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected =
        serde_json::json!({"amount":3,"gid":"g 1&2","trans_type":"saga","branch_id":"01","op":"action"});
    assert_eq!((&told["method"], &told["params"]), (&serde_json::json!("Out"), &expected));
}

fn name(reply: Result<Reply, impl std::fmt::Display>) -> String {
    match reply {
        Ok(Reply::Done { .. }) => "done".to_owned(),
        Ok(Reply::Refused { detail }) => format!("refused {detail}"),
        Ok(Reply::InProgress) => "in progress".to_owned(),
        Ok(Reply::Unknown { error }) => format!("unknown {error}"),
        Err(trouble) => format!("unknown {trouble}"),
    }
}

async fn heard(how: DtmVerdict, (status, body): (u16, &'static str)) -> String {
    let answer =
        Response::builder().status(status).body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap();
    name(verdict::of(answer, (how, 4_096)).await)
}

#[tokio::test]
async fn an_answer_means_what_its_status_and_its_result_say() {
    let cases = [
        (200, "", "done"),
        (200, "words about a FAILURE", "done"),
        (200, r#"{"dtm_result":"SUCCESS"}"#, "done"),
        (200, r#"{"dtm_result":"ONGOING"}"#, "in progress"),
        (200, r#"{"dtm_result":"FAILURE","message":"sold out"}"#, "refused sold out"),
        (200, r#"{"x":{"dtm_result":"FAILURE"}}"#, "done"),
        (409, "sold out", "refused sold out"),
        (425, "", "in progress"),
        (201, "", "unknown HTTP 201"),
        (500, "FAILURE", "unknown HTTP 500"),
    ];
    for (status, body, meaning) in cases {
        assert_eq!(heard(DtmVerdict::Parsed, (status, body)).await, meaning, "{status} {body}");
    }
    let by_words = [
        (200, "a FAILURE", "refused a FAILURE"),
        (200, "ONGOING FAILURE", "in progress"),
        (500, "FAILURE", "refused FAILURE"),
        (200, "fine", "done"),
    ];
    for (status, body, meaning) in by_words {
        assert_eq!(heard(DtmVerdict::Words, (status, body)).await, meaning, "{status} {body}");
    }
}

#[tokio::test]
async fn long_reasons_survive() {
    let long: &'static str = Box::leak("r".repeat(2_000).into_boxed_str());
    assert_eq!(heard(DtmVerdict::Parsed, (409, long)).await, format!("refused {long}"));
}

#[tokio::test]
async fn a_grpc_status_says_it_all() {
    let cases = [
        ("0", "", "done"),
        ("10", "sold%20out", "refused sold out"),
        ("10", "ONGOING", "in progress"),
        ("9", "", "in progress"),
        ("13", "secret words", "unknown gRPC status 13"),
    ];
    for (status, words, meaning) in cases {
        let answer = Response::builder()
            .header("grpc-status", status)
            .header("grpc-message", words)
            .body(Full::new(Bytes::new()))
            .unwrap();
        assert_eq!(name(grpc::reply(answer, 100).await), meaning, "{status} {words}");
    }
    let without = Response::new(Full::new(Bytes::new()));
    assert_eq!(name(grpc::reply(without, 100).await), "unknown answer has no gRPC status");
}

#[tokio::test]
async fn json_rpc_codes_are_dtms() {
    let cases = [
        (r#"{"jsonrpc":"2.0","id":"1","result":{},"error":null}"#, "done"),
        (r#"{"error":{"code":-32901,"message":"sold out"}}"#, "refused sold out"),
        (r#"{"error":{"code":-32902,"message":""}}"#, "in progress"),
        (r#"{"error":{"code":-32603,"message":"secret"}}"#, "unknown JSON-RPC error -32603"),
        ("no json", "unknown answer is not JSON-RPC"),
    ];
    for (body, meaning) in cases {
        let answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
        assert_eq!(name(rpc::reply(answer, 1_000).await), meaning, "{body}");
    }
}
