//! The signature of a branch call, as the coordinator writes it.
//!
//! HMAC-SHA256 over time, method, path with query, and body (v1), and over the identity too (v2). Read next: `wire.rs`.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::identity::{BRANCH, OPERATION, TRANSACTION};
use crate::wire::Post;

/// The time in whole seconds, which a signature begins with.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// `t=SECONDS,v1=HEX,v2=HEX` of this POST.
pub(crate) fn sign(secret: &[u8], at: i64, post: &Post) -> String {
    let path = post.uri.path_and_query().map_or("/", |path| path.as_str());
    let head = format!("{at}\nPOST\n{path}\n").into_bytes();
    let named = |name: &str| {
        let found = post.headers.iter().find(|(own, _)| *own == name);
        found.map_or(&b""[..], |(_, value)| value.as_bytes())
    };
    let identity = [TRANSACTION, BRANCH, OPERATION].map(named).map(|value| [value, b"\n"].concat()).concat();
    let (v1, v2) = (code(secret, &[&head, &post.body]), code(secret, &[&head, &identity, &post.body]));
    format!("t={at},v1={v1},v2={v2}")
}

fn code(secret: &[u8], parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_signature_is_what_any_other_tool_makes_of_the_same_text() {
        let header = |name, value| (name, HeaderValue::from_static(value));
        let post = Post {
            uri: "http://127.0.0.1:7001/try?a=1".parse().unwrap(),
            headers: vec![header(OPERATION, "try"), header(TRANSACTION, "t-1"), header(BRANCH, "kit")],
            body: r#"{"n":3}"#.into(),
        };
        // printf '1700000000\nPOST\n/try?a=1\nt-1\nkit\ntry\n{"n":3}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            sign(b"secret", 1_700_000_000, &post),
            "t=1700000000,v1=4882dcc1d72200b8b12f68bad5027a53b2533f1d33cce3a14a3b129cc223bd1f,\
             v2=38e7f55a940f10380806c732aa57c24870210417f0e27f7c5ba08ec7d8460c2f"
        );
    }
}
