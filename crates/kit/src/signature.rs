//! The signature of a branch call, as the coordinator writes it.
//!
//! HMAC-SHA256 over time, method, path with query, and body. Read next: `wire.rs`.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use hyper::Uri;
use sha2::Sha256;

/// The time in whole seconds, which a signature begins with.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// `t=SECONDS,v1=HEX` of a POST to `uri`.
pub(crate) fn sign(secret: &[u8], at: i64, (uri, body): (&Uri, &[u8])) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    mac.update(format!("{at}\nPOST\n{path}\n").as_bytes());
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_any_other_tool_makes_of_the_same_text() {
        let uri = "http://127.0.0.1:7001/try?a=1".parse().unwrap();
        assert_eq!(
            sign(b"secret", 1_700_000_000, (&uri, br#"{"n":3}"#)),
            "t=1700000000,v1=4882dcc1d72200b8b12f68bad5027a53b2533f1d33cce3a14a3b129cc223bd1f"
        );
    }
}
