//! What a call looks like on the wire, without a network.

use http_body_util::BodyExt;
use participant::call::{Identity, SignatureFault, Signed};
use transaction::Header;

use super::*;

fn call() -> Call {
    Call {
        transaction: "order-1001".into(),
        trace: Trace([0x0a; 16]),
        branch: "stock".into(),
        operation: "try",
        attempt: 2,
        url: "http://stock.example:7001/try?shop=1".into(),
        body: Some(r#"{ "sku":"A" }"#.into()),
        result: Some(r#"{"r":9}"#.into()),
        pass_result: false,
        headers: Vec::new(),
        timeout_ms: 3_000,
        raw: None,
    }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}

async fn sent(call: &Call) -> (HeaderMap, String) {
    let (head, body) = of(call, None).unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_call_says_which_one_it_is() {
    let (headers, body) = sent(&call()).await;
    let agent = concat!("tercet/", env!("CARGO_PKG_VERSION"));
    let expected = [
        ("tercet-transaction", "order-1001"),
        ("tercet-branch", "stock"),
        ("tercet-operation", "try"),
        ("tercet-attempt", "2"),
        ("content-type", "application/json"),
        ("user-agent", agent),
    ];
    for (name, value) in expected {
        assert_eq!(headers[name], value, "{name}");
    }
    assert_eq!(body, r#"{ "sku":"A" }"#);
    assert_eq!(headers.len(), expected.len() + 1);
}

#[test]
fn every_call_is_a_span_of_its_own_in_the_transactions_trace() {
    let (one, two) = (traceparent(Trace([0x0a; 16])), traceparent(Trace([0x0a; 16])));
    for text in [&one, &two] {
        assert!(text.starts_with(&format!("00-{}-", "0a".repeat(16))) && text.ends_with("-01"), "{text}");
        assert_eq!(text.len(), 55);
    }
    assert_ne!(one, two);
}

#[tokio::test]
async fn the_body_and_the_result() {
    let cases = [
        (Some("[1]"), None, false, "[1]"),
        (None, Some("7"), false, "{}"),
        (Some("[1]"), Some("7"), true, r#"{"body":[1],"result":7}"#),
        (Some("[1]"), None, true, r#"{"body":[1],"result":null}"#),
        (None, None, true, r#"{"body":null,"result":null}"#),
    ];
    for (body, result, pass_result, expected) in cases {
        let call = Call { body: body.map(Arc::from), result: result.map(Arc::from), pass_result, ..call() };
        assert_eq!(sent(&call).await.1, expected);
    }
}

#[tokio::test]
async fn a_branchs_headers_are_sent_but_those_that_are_not_its_own() {
    let own = [("X-Shop", "1"), ("x-shop", "2"), ("Authorization", "Bearer s"), ("User-Agent", "shop")];
    let not = [
        ("Host", "evil"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Accept-Encoding", "gzip"),
        ("Tercet-Transaction", "other"),
        ("traceparent", "other"),
        ("content-type", "text/plain"),
    ];
    let headers = own.iter().chain(&not).map(|(name, value)| header(name, value)).collect();
    let (headers, _) = sent(&Call { headers, ..call() }).await;
    assert_eq!(headers.get_all("x-shop").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(headers["authorization"], "Bearer s");
    assert_eq!(headers["user-agent"], "shop");
    assert_eq!(headers["tercet-transaction"], "order-1001");
    assert_eq!(headers["content-type"], "application/json");
    for name in ["host", "content-length", "transfer-encoding", "connection", "accept-encoding"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert_eq!(headers.get_all("traceparent").iter().count(), 1);
    assert_ne!(headers["traceparent"], "other");
}

#[test]
fn what_cannot_be_sent_is_unknown() {
    let url =
        |url: &str| of(&Call { url: url.into(), ..call() }, None).map(|request| request.uri().to_string());
    assert_eq!(url("http://stock.example/a b"), Ok("http://stock.example/a%20b".to_owned()));
    assert_eq!(url("http://bücher.example/"), Ok("http://xn--bcher-kva.example/".to_owned()));
    assert_eq!(url("http://ok.example\\@evil.example/"), Ok("http://ok.example/@evil.example/".to_owned()));
    assert_eq!(url("http:///stock/try"), Ok("http://stock/try".to_owned()));
    for none in ["", "stock", "/try", "http://"] {
        assert!(matches!(url(none), Err(Trouble::Unsendable(_))), "{none}");
    }
    assert_eq!(url("ftp://stock.example/"), Err(Trouble::Unsendable("its URL is neither http nor https")));
    assert_eq!(url("http://a:b@stock.example/"), Err(Trouble::Unsendable("its URL names a user")));
    for bad in [header("", "1"), header("a b", "1"), header("a", "1\r\nb: 2")] {
        assert!(of(&Call { headers: vec![bad], ..call() }, None).is_err());
    }
    assert!(of(&Call { transaction: "a\nb".into(), ..call() }, None).is_err());
}

#[tokio::test]
async fn a_signature_fits_what_is_sent_and_a_branch_cannot_forge_one() {
    let ours = Signature::new("a secret of 16 bytes");
    for (url, path) in [
        ("http://stock.example:7001/try?shop=1", "/try?shop=1"),
        ("http://stock.example", "/"),
        ("http://stock.example?x=1", "/?x=1"),
        ("http://stock.example/a b", "/a%20b"),
    ] {
        let forged = vec![header("Tercet-Signature", "t=1,v1=00")];
        let spoken = Call { url: url.into(), headers: forged, ..call() };
        let (head, body) = of(&spoken, Some(&ours)).unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut given = head.headers.get_all(call::SIGNATURE).iter();
        let text = given.next().unwrap().to_str().unwrap();
        assert!(given.next().is_none(), "{url}");
        let time: u64 = text.strip_prefix("t=").unwrap().split_once(',').unwrap().0.parse().unwrap();
        let identity = Identity::of(&head.headers);
        let signed = Signed { method: "POST", path, identity, body: &body };
        assert_eq!(ours.clone().strict().check(Some(text), time, signed), Ok(()), "{url}");
        for other in [
            Identity { transaction: "order-1002", ..identity },
            Identity { branch: "stocks", ..identity },
            Identity { operation: "cancel", ..identity },
        ] {
            let forged = Signed { identity: other, ..signed };
            assert_eq!(ours.check(Some(text), time, forged), Err(SignatureFault::Wrong), "{other:?}");
        }
        // Whoever knows v1 only believes it too.
        let v1 = text.split_once(",v2=").unwrap().0;
        assert_eq!(ours.check(Some(v1), time, signed), Ok(()), "{url}");
    }
}
