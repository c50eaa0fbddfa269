//! What is read from headers, and what is refused.

use http::{HeaderMap, HeaderName, HeaderValue};
use transaction::{Operation, Pattern};

use super::{Call, CallFault};

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

#[test]
fn every_operation_of_the_wire_is_read_with_its_pattern() {
    let cases = [
        ("try", Pattern::Tcc, Operation::Try),
        ("confirm", Pattern::Tcc, Operation::Confirm),
        ("cancel", Pattern::Tcc, Operation::Cancel),
        ("action", Pattern::Saga, Operation::Try),
        ("compensate", Pattern::Saga, Operation::Cancel),
        ("deliver", Pattern::Message, Operation::Confirm),
        ("check", Pattern::Message, Operation::Check),
    ];
    for (name, pattern, operation) in cases {
        let call = Call::read(
            &headers(&[
                ("tercet-transaction", "order-1"),
                ("tercet-branch", "stock"),
                ("tercet-operation", name),
            ]),
            b"{}",
        )
        .unwrap();
        assert_eq!((call.pattern, call.operation, call.name()), (pattern, operation, name));
        assert_eq!(call.attempt, 1);
    }
}

#[test]
fn a_call_without_identity_is_refused_and_names_the_header() {
    let whole = [("tercet-transaction", "t"), ("tercet-branch", "b"), ("tercet-operation", "try")];
    for missing in 0..3 {
        let rest: Vec<_> =
            whole.iter().enumerate().filter(|(i, _)| *i != missing).map(|(_, pair)| *pair).collect();
        let fault = Call::read(&headers(&rest), b"{}").unwrap_err();
        assert_eq!(fault, CallFault::Identity { header: whole[missing].0 });
    }
    for bad in ["", "white space", "semi;colon"] {
        let said = [("tercet-transaction", bad), whole[1], whole[2]];
        assert_eq!(Call::read(&headers(&said), b"").unwrap_err().code(), "identity_missing", "{bad}");
    }
    let said = [whole[0], whole[1], ("tercet-operation", "submit")];
    assert_eq!(Call::read(&headers(&said), b"").unwrap_err(), CallFault::Operation, "no call submits");
}
