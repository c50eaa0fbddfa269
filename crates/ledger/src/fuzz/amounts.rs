//! Any text, scale and sign as an amount: read exactly or refused, and what is written reads back.
//!
//! The other opinion is arithmetic on digits, as it is done on paper: it shares no line with `amount.rs`.

use crate::Amount;
use crate::amount::{SCALE_MAX, format_units, read, read_positive};
use crate::refusal::AMOUNT_INVALID;

/// The longest text that is an amount.
const LONGEST: usize = 64;

/// Reads the first byte as a scale and the rest as a text, and as units; panics where a promise is broken.
pub fn amounts(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let scale = choice % (SCALE_MAX + 1);
    if let Ok(text) = std::str::from_utf8(rest) {
        read_as_text(text, scale);
    }
    let mut sixteen = [0; 16];
    for (into, byte) in sixteen.iter_mut().zip(rest) {
        *into = *byte;
    }
    written(i128::from_le_bytes(sixteen), scale);
}

fn read_as_text(text: &str, scale: u8) {
    let amount = Amount::Decimal(text);
    match (read(&amount, scale), on_paper(text, scale)) {
        (Ok(units), Some(expected)) => {
            assert_eq!(units.to_string(), expected, "{text:?} with {scale} decimals");
            assert_eq!(read_positive(&amount, scale).is_ok(), units > 0, "{text:?} is moved");
            written(units, scale);
        }
        (Err(refusal), None) => {
            assert_eq!(refusal.kind, &AMOUNT_INVALID, "{text:?}");
            assert!(!refusal.detail.is_empty() && refusal.detail.len() < 100, "{refusal}");
            assert!(read_positive(&amount, scale).is_err(), "{text:?} is moved all the same");
        }
        (read, paper) => panic!("{text:?} with {scale} decimals is {read:?}, on paper {paper:?}"),
    }
}

/// The units of a decimal in digits; `None`: it is no amount.
fn on_paper(text: &str, scale: u8) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut parts = digits.split('.');
    let (whole, fraction) = (parts.next()?, parts.next());
    let is_digits = |part: &str| !part.is_empty() && part.chars().all(|c: char| c.is_ascii_digit());
    let places = fraction.unwrap_or_default().chars().count();
    let is_amount = text.len() <= LONGEST
        && parts.next().is_none()
        && is_digits(whole)
        && fraction.is_none_or(is_digits)
        && places <= usize::from(scale);
    if !is_amount {
        return None;
    }
    let zeros = "0".repeat(usize::from(scale) - places);
    let shifted = [whole, fraction.unwrap_or_default(), &zeros].concat();
    let units = shifted.trim_start_matches('0');
    if units.is_empty() {
        return Some("0".to_owned());
    }
    let most = i128::MAX.to_string();
    let fits = (units.len(), units) <= (most.len(), &most);
    let sign = if digits.len() < text.len() { "-" } else { "" };
    fits.then(|| format!("{sign}{units}"))
}

/// What is written has all its decimals, no more, and reads back; so do units and whole numbers, which need no text.
fn written(units: i128, scale: u8) {
    let text = format_units(units, scale);
    let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    assert_eq!(places, usize::from(scale), "{text} has other decimals");
    assert_eq!(text.starts_with('-'), units < 0, "{text} has another sign");
    assert!(text.len() <= LONGEST, "{text} is longer than what is read");
    // The smallest number has no opposite: no amount is so, and no balance comes there.
    let expected = (units != i128::MIN).then_some(units);
    assert_eq!(read(&Amount::Decimal(&text), scale).ok(), expected, "{text} reads back");
    assert_eq!(read(&Amount::Units(units), scale), Ok(units));
    let whole = (scale == 0).then_some(units);
    assert_eq!(read(&Amount::Whole(units), scale).ok(), whole, "a bare number is for whole assets");
}
