//! How a request is twisted: types swapped, fields dropped, doubled and renamed, numbers and texts beyond measure, depth
//! without end, bytes that are no text.

use fastrand::Rng;
use serde_json::{Value, json};

/// A value in which one to three things are wrong.
pub(crate) fn value(rng: &mut Rng, text: &str) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return bytes(rng, text.as_bytes()) };
    for _ in 0..rng.usize(1..=3) {
        let places = count(&value);
        let place = rng.usize(..places);
        if let Some(found) = nth(&mut value, &mut { place }) {
            twist(rng, found);
        }
    }
    let mut text = value.to_string();
    match rng.u8(..12) {
        // A field twice, the second one of another kind.
        0 => text = text.replacen('{', r#"{"id":[],"#, 1),
        1 => text = text.replacen('}', r#","id":"again"}"#, 1),
        2 => text = text.chars().take(rng.usize(..400)).collect(),
        3 => text.push_str(" \u{feff}{}"),
        4 => return bytes(rng, text.as_bytes()),
        _ => {}
    }
    text.into_bytes()
}

/// Bytes of which some are changed, taken out, put in or doubled.
pub(crate) fn bytes(rng: &mut Rng, from: &[u8]) -> Vec<u8> {
    const ODD: [&[u8]; 8] = [
        b"\0",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xf0\x9f",
        b"\\ud800",
        b"\\u0000",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f",
        b"1e999999999",
    ];
    let mut bytes = from.to_vec();
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(..=bytes.len());
        let to = (at + rng.usize(..16)).min(bytes.len());
        match rng.u8(..5) {
            0 => drop(bytes.splice(at..to, rng.choice(ODD).unwrap().iter().copied())),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => bytes.truncate(at),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = rng.u8(..);
                }
            }
        }
    }
    bytes
}

/// A path or query with odd steps and odd percent signs.
pub(crate) fn path(rng: &mut Rng, from: &str) -> Vec<u8> {
    const ODD: [&str; 16] = [
        "%",
        "%2",
        "%zz",
        "%00",
        "%ff",
        "%c0%af",
        "%2e%2e",
        "%F0%9F%92%A9",
        "//",
        "/../",
        "?",
        "&&&",
        "=",
        "+",
        "%25%32%35",
        "limit=99999999999999999999",
    ];
    let mut path = from.to_owned();
    match rng.u8(..4) {
        0 => path.insert_str(rng.usize(1..=path.len()), rng.choice(ODD).unwrap()),
        1 => path.push_str(&rng.choice(ODD).unwrap().repeat(rng.usize(1..200))),
        2 => {
            path = format!(
                "/v1/{}",
                rng.choice(["nothing", "transactions/", "holds//capture", "..", ""]).unwrap()
            );
        }
        _ => path.push_str(&format!("?{}", "wait_ms=1&".repeat(rng.usize(1..50)))),
    }
    path.into_bytes()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum::<usize>(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// The value at this place, counted from the outermost.
fn nth<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(list) => list.iter_mut().find_map(|inner| nth(inner, place)),
        Value::Object(map) => map.values_mut().find_map(|inner| nth(inner, place)),
        _ => None,
    }
}

fn twist(rng: &mut Rng, found: &mut Value) {
    if let Value::Object(map) = found {
        let keys: Vec<String> = map.keys().cloned().collect();
        if let Some(key) = rng.choice(&keys) {
            let taken = map.remove(key).unwrap();
            match rng.u8(..4) {
                0 => drop(map.insert(key.to_uppercase(), taken)),
                1 => drop(map.insert(format!("{key}\u{0}"), taken)),
                2 => drop(map.insert(key.clone(), other(rng))),
                _ => {}
            }
            return;
        }
    }
    *found = other(rng);
}

/// Anything else.
fn other(rng: &mut Rng) -> Value {
    match rng.u8(..16) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!([]),
        3 => json!({}),
        4 => json!(i64::MIN),
        5 => json!(u64::MAX),
        6 => json!(1.5),
        7 => json!(-1),
        8 => json!(1e300),
        9 => json!(""),
        10 => json!("\u{0}\u{202e}\u{ffff}💩"),
        11 => json!("x".repeat(rng.usize(..20_000))),
        12 => json!("9".repeat(rng.usize(30..70))),
        13 => json!(vec![0; rng.usize(..5_000)]),
        14 => deep(rng.usize(..150)),
        _ => json!(
            (0..rng.usize(..300)).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>()
        ),
    }
}

fn deep(levels: usize) -> Value {
    (0..levels)
        .fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) })
}
