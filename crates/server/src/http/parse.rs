//! JSON into a wire type: once, straight; and only when that fails a second time, to name what is wrong and where.
//!
//! Decides which refusal a parser's complaint is. Never guesses: a complaint it does not know is `field_invalid`
//! where the text is JSON, `json_invalid` where it is not.

use ledger::refusal::{AMOUNT_INVALID, BATCH_TOO_LARGE, ITEM_INVALID};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;
use transaction::refusal::{BRANCHES_INVALID, FIELD_MISSING, SPAN_INVALID};
use transaction::{Refusal, RefusalKind};

use super::wire::{Object, TOO_MANY};
use crate::refusal::{FIELD_INVALID, FIELD_UNKNOWN, JSON_INVALID};

/// Reads one JSON object.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refusal> {
    match serde_json::from_str::<Object<T>>(text) {
        Ok(Object(value)) => Ok(value),
        Err(error) => Err(explain::<Object<T>>(text, &error)),
    }
}

/// Reads one JSON object; nothing at all stands for `{}`.
pub(super) fn object_or_nothing<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refusal> {
    object(if text.trim_ascii().is_empty() { "{}" } else { text })
}

/// How serde's own complaints about a field begin.
static ABOUT_FIELD: [(&str, &RefusalKind, &str); 3] = [
    ("unknown field `", &FIELD_UNKNOWN, "there is no field"),
    ("duplicate field `", &JSON_INVALID, "the object names a field twice:"),
    ("missing field `", &FIELD_MISSING, "the object needs a field"),
];

/// The kinds that our own shapes name in front of their complaint.
static NAMED: [&RefusalKind; 4] = [&SPAN_INVALID, &AMOUNT_INVALID, &ITEM_INVALID, &BATCH_TOO_LARGE];

fn explain<'a, T: Deserialize<'a>>(text: &'a str, first: &serde_json::Error) -> Refusal {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        // What was wrong came after the value.
        Ok(_) => JSON_INVALID.because(first.to_string()),
        Err(error) => {
            let place = pointer(error.path());
            refusal(place, error.inner(), text)
        }
    }
}

fn refusal(place: String, error: &serde_json::Error, text: &str) -> Refusal {
    let words = error.to_string();
    // A parser that wants a name and finds a number calls that bad syntax, which it is not.
    if error.classify() != Category::Data && serde_json::from_str::<IgnoredAny>(text).is_err() {
        return JSON_INVALID.because(words);
    }
    for (start, kind, say) in ABOUT_FIELD {
        if let Some(name) = words.strip_prefix(start).and_then(field_name) {
            let at = if is_at(&place, name) { place } else { place + &step(name) };
            return kind.at(at, format!("{say} `{}`", shortened(name)));
        }
    }
    for kind in NAMED {
        if let Some(detail) = words.strip_prefix(kind.code).and_then(|rest| rest.strip_prefix(": ")) {
            return kind.at(place, shortened(detail));
        }
    }
    let words = shortened(&words);
    match &*place {
        at if at.ends_with("_ms") && words.starts_with("number out of range") => {
            SPAN_INVALID.at(place, words)
        }
        "" => JSON_INVALID.because(words),
        "/branches" if words.starts_with(TOO_MANY) => BRANCHES_INVALID.at(place, words),
        _ => FIELD_INVALID.at(place, words),
    }
}

/// The name that stands before the closing back-tick; it may hold back-ticks itself.
fn field_name(rest: &str) -> Option<&str> {
    rest.rsplit_once("`, expected ")
        .or_else(|| rest.rsplit_once("`, there are no fields"))
        .or_else(|| rest.rsplit_once("` at line "))
        .map(|(name, _)| name)
}

fn is_at(place: &str, name: &str) -> bool {
    place.ends_with(&step(name))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&step(&index.to_string())),
            Segment::Map { key } => pointer.push_str(&step(key)),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// One step of a JSON pointer (RFC 6901).
pub(crate) fn step(key: &str) -> String {
    format!("/{}", shortened(key).replace('~', "~0").replace('/', "~1"))
}

/// A text that a caller sent, short enough to be sent back.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
