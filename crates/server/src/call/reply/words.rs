//! The words of a refusal, out of whatever a participant wrote: short, printable, on one line.

use std::ops::RangeInclusive;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest words, in bytes.
const MAX: usize = 4 * 1024;

/// Marks of writing direction and of lines: invisible, and able to show words in another order than they are in.
const REORDERING: [RangeInclusive<char>; 3] =
    ['\u{200e}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2066}'..='\u{2069}'];

/// Where JSON answers commonly say why. Anything but text is passed over.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// The `detail` or `message` of a JSON body, else the body's text, else the code.
pub(super) fn of(body: &[u8], code: StatusCode) -> String {
    let words = told(body).unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    match words.trim() {
        "" => format!("HTTP {}", code.as_u16()),
        words => printable(words),
    }
}

fn told(body: &[u8]) -> Option<String> {
    let told: Told<'_> = serde_json::from_slice(body).ok()?;
    let texts = [told.detail, told.message].into_iter().flatten();
    texts
        .filter_map(|raw| serde_json::from_str::<String>(raw.get()).ok())
        .find(|text| !text.trim().is_empty())
}

/// Control characters and those that reorder a line are escaped, so that words cannot forge a line of a log or a table.
fn printable(words: &str) -> String {
    let mut printable = String::with_capacity(words.len().min(MAX));
    for seen in words.chars() {
        let before = printable.len();
        if seen.is_control() || REORDERING.iter().any(|range| range.contains(&seen)) {
            printable.extend(seen.escape_default());
        } else {
            printable.push(seen);
        }
        if printable.len() > MAX {
            printable.truncate(before);
            break;
        }
    }
    printable
}
