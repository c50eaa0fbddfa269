//! Compares decimal texts exactly, digit by digit: no size is too large, nothing is rounded.
//!
//! Never reads an amount: amounts have an asset and its scale, attributes have neither.

use std::cmp::Ordering;

/// A decimal, taken apart: `-12.50` is below zero, `12` and `5`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    sign: Sign,
    whole: &'a str,
    /// Without zeros at the end.
    part: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Below,
    Zero,
    Above,
}

/// Whether this text is a decimal: digits without zeros in front, with or without a point and digits behind it, a
/// minus in front or not. `007` is a text.
pub(crate) fn is_decimal(text: &str) -> bool {
    Decimal::read(text).is_some()
}

impl<'a> Decimal<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Decimal<'a>> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, part) = match unsigned.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || (whole.len() > 1 && whole.starts_with('0'))
        {
            return None;
        }
        let part = part.trim_end_matches('0');
        let sign = match (whole, part) {
            ("0", "") => Sign::Zero,
            _ if unsigned.len() < text.len() => Sign::Below,
            _ => Sign::Above,
        };
        Some(Decimal { sign, whole, part })
    }

    pub(crate) fn compare(&self, other: &Decimal<'_>) -> Ordering {
        // Digits behind the point order as texts do: "5" is a beginning of "55".
        let size =
            || (self.whole.len(), self.whole, self.part).cmp(&(other.whole.len(), other.whole, other.part));
        self.sign.cmp(&other.sign).then_with(|| match self.sign {
            Sign::Below => size().reverse(),
            Sign::Zero => Ordering::Equal,
            Sign::Above => size(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_a_decimal_and_what_is_not() {
        for text in ["0", "7", "-7", "12.50", "0.7", "-0.0", "340282366920938463463374607431768211456.1"] {
            assert!(is_decimal(text), "{text}");
        }
        for text in
            ["", "-", ".", ".5", "5.", "007", "00", "+5", "1e5", "1.2.3", "1,5", " 1", "٣", "--1", "NaN"]
        {
            assert!(!is_decimal(text), "{text}");
        }
    }

    #[test]
    fn equal_values_are_equal_however_they_are_written() {
        for (a, b) in [("12.5", "12.50"), ("-0", "0"), ("-0.00", "0"), ("3", "3.000")] {
            let (a, b) = (Decimal::read(a).unwrap(), Decimal::read(b).unwrap());
            assert_eq!(a.compare(&b), Ordering::Equal);
        }
    }

    proptest! {
        #[test]
        fn decimals_order_as_their_thousandths_do(a in -100_000i64..100_000, b in -100_000i64..100_000) {
            let text = |n: i64| format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 1000, n.abs() % 1000);
            let (x, y) = (text(a), text(b));
            let (x, y) = (Decimal::read(&x).unwrap(), Decimal::read(&y).unwrap());
            prop_assert_eq!(x.compare(&y), a.cmp(&b));
        }
    }
}
