//! `Idempotency-Key`: reads the header and makes the fingerprint of the request it stands for.
//!
//! Whether key and fingerprint are known is the engine's business.

use engine::Key;
use transaction::Refusal;

use super::Asked;
use super::body::end_of_string;
use crate::refusal::IDEMPOTENCY_KEY_INVALID;

const HEADER: &str = "idempotency-key";

/// The key of a request, if it has one.
pub(super) fn key(asked: &Asked<'_>) -> Result<Option<Key>, Refusal> {
    let Some(value) = asked.head.headers.get(HEADER) else { return Ok(None) };
    let key = read(value.as_bytes()).ok_or_else(|| {
        IDEMPOTENCY_KEY_INVALID
            .because("the key must be 1 to 255 visible ASCII characters, raw or in double quotes")
    })?;
    let head = asked.head;
    let scope = format!("{}:{key}", asked.found.route.name());
    let fingerprint = fingerprint(head.method.as_str(), head.uri.path(), asked.body);
    Ok(Some(Key { scope: scope.into(), fingerprint }))
}

/// The key itself: raw, or an RFC 8941 string.
fn read(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim_ascii();
    let key = match text.strip_prefix('"') {
        Some(rest) => unquoted(rest.strip_suffix('"')?)?,
        None => text.to_owned(),
    };
    let is_key = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    is_key.then_some(key)
}

/// Takes the escapes out of the inside of a quoted string; `None`: a quote or back-slash stands alone.
fn unquoted(inside: &str) -> Option<String> {
    let mut key = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => key.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            other => key.push(other),
        }
    }
    Some(key)
}

/// BLAKE3 of method, path and body, but for the body's `wait_ms`: how long a caller waits is no part of what it asks.
fn fingerprint(method: &str, path: &str, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [method.as_bytes(), path.as_bytes()] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let (from, to) = wait_ms(body).unwrap_or((0, 0));
    hasher.update(&body[..from]).update(&body[to..]);
    hasher.finalize().into()
}

/// Where the member `wait_ms` of a JSON object stands, with the comma and the blanks that part it from its neighbour.
/// The body has been parsed before.
fn wait_ms(body: &[u8]) -> Option<(usize, usize)> {
    let mut depth = 0_usize;
    let mut separator = 0;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = end_of_string(body, at);
                if depth == 1 && body.get(at..=end) == Some(b"\"wait_ms\"") && is_key(body, end) {
                    return Some(span(body, separator, end));
                }
                at = end;
            }
            _ => {}
        }
        if depth == 1 && matches!(byte, b'{' | b',') {
            separator = at;
        }
        at += 1;
    }
    None
}

fn is_key(body: &[u8], end: usize) -> bool {
    body.get(end + 1..).is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b':'))
}

fn span(body: &[u8], separator: usize, key_end: usize) -> (usize, usize) {
    let value_end = |from: usize| {
        body[from..]
            .iter()
            .position(|byte| matches!(byte, b',' | b'}'))
            .map_or(body.len(), |found| from + found)
    };
    let mut end = value_end(key_end);
    if body.get(separator) == Some(&b',') {
        // The blanks before the next comma or brace stay.
        end -= body[key_end..end].iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
        return (separator, end);
    }
    if body.get(end) == Some(&b',') {
        end += 1;
    }
    (separator + 1, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_raw_or_quoted() {
        let long = "k".repeat(255);
        let quoted = format!("\"{long}\"");
        let cases: [(&str, Option<&str>); 12] = [
            ("abc-1", Some("abc-1")),
            ("\"abc-1\"", Some("abc-1")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            (&long, Some(&long)),
            (&quoted, Some(&long)),
            ("", None),
            ("\"\"", None),
            ("\"abc", None),
            (r#""a"b""#, None),
            (r#""a\n""#, None),
            ("a b", None),
            ("ké", None),
        ];
        for (value, key) in cases {
            assert_eq!(read(value.as_bytes()).as_deref(), key, "{value}");
        }
        assert_eq!(read("k".repeat(256).as_bytes()), None);
    }

    #[test]
    fn the_fingerprint_leaves_wait_ms_out() {
        let same = [
            r#"{"a":1,"b":[{"wait_ms":2}]}"#,
            r#"{"wait_ms":5,"a":1,"b":[{"wait_ms":2}]}"#,
            r#"{"a":1,"wait_ms":60000,"b":[{"wait_ms":2}]}"#,
            r#"{"a":1,"b":[{"wait_ms":2}],"wait_ms": null}"#,
            r#"{"a":1,"b":[{"wait_ms":2}],  "wait_ms" : 7}"#,
        ];
        let digest = |body: &str| fingerprint("POST", "/v1/transactions", body.as_bytes());
        for body in same {
            assert_eq!(digest(body), digest(same[0]), "{body}");
        }
        let others = [
            r#"{"a":2,"b":[{"wait_ms":2}]}"#,
            r#"{"a":1,"b":[{"wait_ms":3}]}"#,
            r#"{"a":"wait_ms","b":[{"wait_ms":2}]}"#,
            "",
        ];
        for body in others {
            assert_ne!(digest(body), digest(same[0]), "{body}");
        }
        assert_eq!(digest(r#"{"wait_ms":5}"#), digest("{}"));
        assert_eq!(digest("{\n  \"a\": 1,\n  \"wait_ms\": 5\n}"), digest("{\n  \"a\": 1\n}"));
    }

    #[test]
    fn the_fingerprint_tells_method_and_path_apart() {
        let digest = |method: &str, path: &str| fingerprint(method, path, b"{}");
        assert_ne!(digest("POST", "/v1/a"), digest("POST", "/v1/b"));
        assert_ne!(digest("POST", "/v1/a"), digest("POST/", "v1/a"));
    }
}
