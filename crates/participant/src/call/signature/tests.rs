//! What is believed and what is not; the codes of another implementation.

use super::*;

const IDENTITY: Identity<'static> = Identity { transaction: "order-1", branch: "stock", operation: "try" };
const CALL: Signed<'static> = Signed { method: "POST", path: "/try?x=1", identity: IDENTITY, body: b"{}" };

/// The header without what comes after its v1.
fn v1_only(header: &str) -> String {
    header.split_once(",v2=").unwrap().0.to_owned()
}

#[test]
fn a_signed_call_is_believed_and_nothing_else_is() {
    let ours = Signature::new("a secret");
    let header = ours.sign(1_000, CALL);
    assert_eq!(ours.check(Some(&header), 1_000, CALL), Ok(()));
    assert_eq!(ours.check(Some(&header), 1_300, CALL), Ok(()));
    assert_eq!(ours.check(Some(&header), 1_301, CALL), Err(SignatureFault::Expired));
    assert_eq!(ours.check(Some(&header), 699, CALL), Err(SignatureFault::Expired));
    assert_eq!(ours.check(None, 1_000, CALL), Err(SignatureFault::Missing));
    for other in [
        Signed { method: "GET", ..CALL },
        Signed { path: "/try?x=2", ..CALL },
        Signed { body: b"{ }", ..CALL },
    ] {
        assert_eq!(ours.check(Some(&header), 1_000, other), Err(SignatureFault::Wrong));
    }
    let theirs = Signature::new("another").sign(1_000, CALL);
    assert_eq!(ours.check(Some(&theirs), 1_000, CALL), Err(SignatureFault::Wrong));
    let moved = header.replace("t=1000", "t=1001");
    assert_eq!(ours.check(Some(&moved), 1_000, CALL), Err(SignatureFault::Wrong));
}

#[test]
fn what_is_no_signature_is_malformed_and_never_panics() {
    let ours = Signature::new("");
    for header in
        ["", "t=1", "t=,v1=", "t=1,v1=zz", "v1=00,t=1", "t=99999999999999999999999,v1=00", "t=1,v1=é"]
    {
        assert_eq!(ours.check(Some(header), 1, CALL), Err(SignatureFault::Malformed), "{header}");
    }
}

#[test]
fn while_a_secret_is_replaced_the_new_one_signs_and_both_are_believed() {
    let (old, new) = ("the old secret of 2025", "the new secret of 2026");
    let both = Signature::of_lines(&format!("# replaced in June\n\n  {new} \n{old}\n")).unwrap();
    let header = both.sign(7, CALL);
    assert_eq!(header, Signature::new(new).sign(7, CALL));
    assert_eq!(both.check(Some(&header), 7, CALL), Ok(()));
    assert_eq!(both.check(Some(&Signature::new(old).sign(7, CALL)), 7, CALL), Ok(()));
    assert_eq!(both.check(Some(&Signature::new("else").sign(7, CALL)), 7, CALL), Err(SignatureFault::Wrong));
    assert!(!format!("{both:?}").contains("secret of"), "{both:?}");
    for (text, fault) in [
        ("", SecretFault::None),
        ("# only words\n \n", SecretFault::None),
        ("0123456789abcde\n", SecretFault::Short { line: 1 }),
        ("0123456789abcdef\n# old\n0123\n", SecretFault::Short { line: 3 }),
    ] {
        assert_eq!(Signature::of_lines(text).err(), Some(fault), "{text:?}");
    }
}

#[test]
fn a_signed_call_under_other_headers_is_not_believed() {
    let ours = Signature::new("a secret");
    let header = ours.sign(1_000, CALL);
    for identity in [
        Identity { transaction: "order-2", ..IDENTITY },
        Identity { branch: "stocks", ..IDENTITY },
        Identity { operation: "cancel", ..IDENTITY },
        Identity { transaction: "", ..IDENTITY },
    ] {
        let forged = Signed { identity, ..CALL };
        assert_eq!(ours.check(Some(&header), 1_000, forged), Err(SignatureFault::Wrong), "{identity:?}");
        let weak = v1_only(&header);
        assert_eq!(ours.check(Some(&weak), 1_000, forged), Ok(()), "v1 says nothing of {identity:?}");
        assert_eq!(ours.clone().strict().check(Some(&weak), 1_000, forged), Err(SignatureFault::Weak));
    }
}

#[test]
fn v2_counts_where_it_is_and_v1_will_do_where_it_is_not() {
    let ours = Signature::new("a secret");
    let header = ours.sign(1_000, CALL);
    let (v1, v2) = (v1_only(&header), header.split_once(",v2=").unwrap().1);
    let zeros = "0".repeat(64);
    let table = [
        (v1.clone(), Ok(()), Err(SignatureFault::Weak)),
        (format!("t=1000,v2={v2}"), Ok(()), Ok(())),
        (format!("t=1000,v2={v2},v1={zeros}"), Ok(()), Ok(())),
        (format!("{header},v3=later"), Ok(()), Ok(())),
        (format!("{v1},v2={zeros}"), Err(SignatureFault::Wrong), Err(SignatureFault::Wrong)),
        (format!("{v1},v2="), Err(SignatureFault::Malformed), Err(SignatureFault::Malformed)),
        (format!("{header},v2={zeros}"), Err(SignatureFault::Malformed), Err(SignatureFault::Malformed)),
        (format!("{header},t=1000"), Err(SignatureFault::Malformed), Err(SignatureFault::Malformed)),
    ];
    for (header, lenient, strict) in table {
        assert_eq!(ours.check(Some(&header), 1_000, CALL), lenient, "{header}");
        assert_eq!(ours.clone().strict().check(Some(&header), 1_000, CALL), strict, "strict: {header}");
    }
}

#[test]
fn the_identity_is_what_the_headers_say() {
    let mut headers = HeaderMap::new();
    assert_eq!(Identity::of(&headers), Identity { transaction: "", branch: "", operation: "" });
    for (name, value) in [(TRANSACTION, "order-1"), (BRANCH, "stock"), (OPERATION, "try")] {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    assert_eq!(Identity::of(&headers), IDENTITY);
}

#[test]
fn a_secret_that_is_guessed_is_refused() {
    assert_eq!(Signature::of_secret("").err(), Some(SecretFault::None));
    let short = Signature::of_secret("0123456789abcde").unwrap_err();
    assert_eq!(short, SecretFault::TooShort { bytes: 15 });
    assert_eq!(short.to_string(), "a secret of 15 bytes; it must have 16 or more");
    let ours = Signature::of_secret("0123456789abcdef").unwrap();
    assert_eq!(ours.sign(1, CALL), Signature::new("0123456789abcdef").sign(1, CALL));
}

#[test]
fn the_codes_are_hmac_sha256_of_what_is_said() {
    // Computed with another implementation:
    // printf '1\nPOST\n/try?x=1\n{}' | openssl dgst -sha256 -hmac key
    // printf '1\nPOST\n/try?x=1\norder-1\nstock\ntry\n{}' | openssl dgst -sha256 -hmac key
    let header = Signature::new("key").sign(1, CALL);
    assert_eq!(header, format!("t=1,v1={V1},v2={V2}"));
}

const V1: &str = "dca98070e9a6baf462808d7a420ccac44816583ae74bb1452049062606e2aa44";
const V2: &str = "63c06c5225dfac1e708ac620fb711cacc08d51a9cce7f0540ab29789272193c9";
