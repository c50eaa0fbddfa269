//! The signature as an honest participant checks it, and as its twins do.
//!
//! Written from the guide, not from the kit: no mistake is on both sides. Read next: `mod.rs`.

use axum::http::{HeaderMap, Uri};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{OPERATIONS, Said, Twin, refuse};

/// How far clocks may differ, in seconds.
const TOLERANCE: u64 = 300;

/// What the header says.
struct Given<'a> {
    at: &'a str,
    v1: &'a str,
    v2: &'a str,
}

/// 401 unless the call is signed.
pub(super) fn check(
    (twin, secret): (Twin, &[u8]),
    (headers, uri): (&HeaderMap, &Uri),
    body: &[u8],
) -> Result<(), Said> {
    let wrong = || refuse(if twin == Twin::UnsignedIsARefusal { 409 } else { 401 }, "signature_invalid");
    let is_try = header(headers, "tercet-operation") == "try";
    if twin == Twin::BlindToSignature || (twin == Twin::SignedTryOnly && !is_try) {
        return Ok(());
    }
    let given = read(headers).ok_or_else(wrong)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let is_recent = given.at.parse::<u64>().is_ok_and(|at| at.abs_diff(now) <= TOLERANCE);
    if !is_recent && twin != Twin::SignedEver {
        return Err(wrong());
    }
    let v1 =
        |path: &str, body: &[u8]| code(secret, &format!("{}\nPOST\n{path}\n", given.at), body) == given.v1;
    let is_believed = match twin {
        Twin::SignedTimeOnly => true,
        Twin::SignedContentOnly => v1(uri.path(), body),
        Twin::SignedAnywhere => OPERATIONS.iter().any(|operation| v1(&format!("/{operation}"), body)),
        Twin::SignedAsWritten => v1(uri.path(), &as_written(body)),
        _ => {
            let named = ["tercet-transaction", "tercet-branch", "tercet-operation"];
            let identity = named.map(|name| header(headers, name)).join("\n");
            code(secret, &format!("{}\nPOST\n{}\n{identity}\n", given.at, uri.path()), body) == given.v2
        }
    };
    if is_believed { Ok(()) } else { Err(wrong()) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn read(headers: &HeaderMap) -> Option<Given<'_>> {
    let field =
        |name: &str| header(headers, "tercet-signature").split(',').find_map(|it| it.strip_prefix(name));
    Some(Given { at: field("t=")?, v1: field("v1=")?, v2: field("v2=")? })
}

fn as_written(body: &[u8]) -> Vec<u8> {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    format!(r#"{{"n": {}}}"#, body["n"]).into_bytes()
}

fn code(secret: &[u8], head: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(head.as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
