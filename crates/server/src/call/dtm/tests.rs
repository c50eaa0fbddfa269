//! Requests as they go out. What answers mean: `tests/answers.rs`; over real sockets: `tests/wire.rs`.

mod answers;
mod wire;

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

#[tokio::test]
async fn what_a_payload_says_is_said_over_json_rpc_to_the_letter_but_for_who_it_is_for() {
    let who = r#""branch_id":"01","gid":"g 1&2","op":"action","trans_type":"saga""#;
    let cases = [
        (
            r#"{"z":1.50,"a":123456789012345678901234567890}"#,
            r#""a":123456789012345678901234567890,"#,
            r#","z":1.50"#,
        ),
        (r#"{"gid":"other","op":7}"#, "", ""),
        ("", "", ""),
        ("null", "", ""),
    ];
    for (payload, before, after) in cases {
        let (call, raw) = call((Pattern::Saga, "action"), "http://h/rpc?method=Out", payload.as_bytes());
        let body = rpc::request(&call, &raw).unwrap().into_body().collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        let params = format!(r#""params":{{{before}{who}{after}}}"#);
        assert!(text.contains(&params), "{params} in {text}");
    }
    let (listed, raw) = call((Pattern::Saga, "action"), "http://h/rpc?method=Out", b"[1.50]");
    let body = rpc::request(&listed, &raw).unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(std::str::from_utf8(&body).unwrap().contains(r#","payload":[1.50],"#), "{body:?}");
    for payload in [&b"{\"a\":"[..], b"{} {}", b"{\"a\":\"\xff\"}", b" "] {
        let (call, raw) = call((Pattern::Saga, "action"), "http://h/rpc?method=Out", payload);
        let told = rpc::request(&call, &raw).unwrap_err().to_string();
        assert_eq!(told, "request cannot be sent: its payload is no JSON", "{payload:?}");
    }
}

#[test]
fn a_method_of_json_rpc_stands_in_the_query_and_nowhere_else() {
    assert_eq!(rpc::method("http://h/a?x=1&method=Out%2EOf").as_deref(), Some("Out.Of"));
    for none in ["http://h/method?x=1", "http://h/a", "http://h/a#method=x", "method", ""] {
        assert_eq!(rpc::method(none), None, "{none}");
    }
}

#[test]
fn metadata_of_grpc_itself_is_not_a_branchs_to_set() {
    let (mut call, raw) = call((Pattern::Tcc, "confirm"), "h:1/pkg.S/M", b"");
    let header = |name: &str| Header { name: name.into(), value: "x".into() };
    let own = ["grpc-encoding", "grpc-timeout", "dtm-gid", "dtm-dtm", "content-type", "te", "connection"];
    call.headers.extend(own.map(header));
    call.transaction = "g1".into();
    call.timeout_ms = 0;
    let request = grpc::request(&call, &raw).unwrap();
    let headers = request.headers();
    assert!(!headers.contains_key("grpc-encoding") && !headers.contains_key("connection"));
    assert!(headers.values().all(|value| value != "x"), "{headers:?}");
    assert_eq!(headers["grpc-timeout"], "1m");
    // Beyond ASCII an id goes as it is: its bytes are the service's to read.
    call.transaction = "\u{e9}".into();
    call.timeout_ms = u64::MAX;
    assert_eq!(grpc::request(&call, &raw).unwrap().headers()["dtm-gid"].as_bytes(), [0xc3, 0xa9]);
    assert_eq!(grpc::request(&call, &raw).unwrap().headers()["grpc-timeout"], "99999999m");
}

#[test]
fn what_cannot_be_sent_is_unknown() {
    let users = "request cannot be sent: its URL names a user";
    let scheme = "request cannot be sent: its URL is neither http nor https";
    let none = "request cannot be sent: its URL is none";
    let cases = [("http://a:b@h/a?method=m", users), ("ftp://h/a?method=m", scheme), ("h", none), ("", none)];
    for (url, why) in cases {
        let (call, raw) = call((Pattern::Saga, "action"), url, b"{}");
        assert_eq!(plain::request(&call, &raw).unwrap_err().to_string(), why, "{url}");
    }
    for (url, why) in &cases[..2] {
        let (call, raw) = call((Pattern::Saga, "action"), url, b"{}");
        assert_eq!(rpc::request(&call, &raw).unwrap_err().to_string(), *why, "{url}");
    }
    for (url, gid, why) in [
        ("a:b@h:1/pkg.S/M", "g", users),
        ("", "g", none),
        ("h:1/pkg.S/M", "a\nb", "request cannot be sent: its gid or branch does not fit a header"),
    ] {
        let (call, raw) = call((Pattern::Saga, "action"), url, b"{}");
        let call = Call { transaction: gid.into(), ..call };
        assert_eq!(grpc::request(&call, &raw).unwrap_err().to_string(), why, "{url} {gid}");
    }
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
