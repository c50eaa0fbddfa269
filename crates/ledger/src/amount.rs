//! Amounts: integers of an asset's smallest unit; decimal texts at the edges, never through floating point.
//!
//! Decides which texts are amounts. Must never round: what does not fit the scale exactly is refused.

use transaction::Refusal;

use crate::refusal as r;

/// The longest decimal text that is looked at.
const TEXT_MAX: usize = 64;

/// The finest scale of an asset.
pub(crate) const SCALE_MAX: u8 = 18;

/// An amount as asked for. Texts are read when the asset, and so its scale, is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount<S> {
    /// Smallest units.
    Units(i128),
    /// A decimal in the asset's scale: `"12.50"`.
    Decimal(S),
    /// A whole number without a point, as a JSON number: only where the scale is 0.
    Whole(i128),
}

/// The units of an amount that may be negative (a floor).
pub(crate) fn read(amount: &Amount<&str>, scale: u8) -> Result<i128, Refusal> {
    match *amount {
        Amount::Units(units) => Ok(units),
        Amount::Whole(units) if scale == 0 => Ok(units),
        Amount::Whole(_) => {
            Err(r::AMOUNT_INVALID.because(format!("a bare number for an asset with {scale} decimals")))
        }
        Amount::Decimal(text) => decimal(text, scale),
    }
}

/// The units of an amount that is moved, held or captured: at least one.
pub(crate) fn read_positive(amount: &Amount<&str>, scale: u8) -> Result<i128, Refusal> {
    let units = read(amount, scale)?;
    if units > 0 {
        return Ok(units);
    }
    Err(r::AMOUNT_INVALID.because("an amount must be larger than zero"))
}

fn decimal(text: &str, scale: u8) -> Result<i128, Refusal> {
    let invalid = |why: &str| r::AMOUNT_INVALID.because(why.to_owned());
    if text.len() > TEXT_MAX {
        return Err(invalid("longer than 64 characters"));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(invalid("a point without digits behind it")),
        Some(parts) => parts,
        None => (digits, ""),
    };
    if whole.is_empty() {
        return Err(invalid("no digits in front of the point"));
    }
    if fraction.len() > usize::from(scale) {
        return Err(invalid(&format!("more than {scale} decimals")));
    }
    let mut units: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(invalid("only digits, one point and a leading minus belong into a decimal"));
        }
        units = units
            .checked_mul(10)
            .and_then(|units| units.checked_add(i128::from(digit)))
            .ok_or_else(|| invalid("does not fit into 128 bits"))?;
    }
    let rest = u32::from(scale) - u32::try_from(fraction.len()).unwrap_or(0);
    let units = units.checked_mul(10_i128.pow(rest)).ok_or_else(|| invalid("does not fit into 128 bits"))?;
    Ok(if negative { -units } else { units })
}

/// Units as a decimal text with `scale` digits behind the point: 1250 with scale 2 is `12.50`.
#[must_use]
pub fn format_units(units: i128, scale: u8) -> String {
    let digits = format!("{:0width$}", units.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if units < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, scale, units) in [
            ("12.50", 2, 1250),
            ("12.5", 2, 1250),
            ("12", 2, 1200),
            ("0.000000000000000001", 18, 1),
            ("-3.1", 1, -31),
            ("007", 0, 7),
            ("170141183460469231731687303715884105727", 0, i128::MAX),
        ] {
            assert_eq!(read(&Amount::Decimal(text), scale), Ok(units), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let long = "0".repeat(65);
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1.234",
            "+1",
            "1e3",
            "1 ",
            "--1",
            "1.2.3",
            "0x1",
            "١",
            "1,5",
            "NaN",
            "170141183460469231731687303715884105728",
            &long,
        ] {
            let refusal = read(&Amount::Decimal(text), 2).expect_err(text);
            assert_eq!(refusal.kind, &r::AMOUNT_INVALID, "{text}");
        }
        assert!(read(&Amount::Whole(5), 2).is_err());
        assert_eq!(read(&Amount::Whole(5), 0), Ok(5));
        assert!(read_positive(&Amount::Units(0), 0).is_err());
        assert!(read_positive(&Amount::Decimal("-1"), 0).is_err());
    }

    #[test]
    fn what_is_written_reads_back() {
        for (units, scale, text) in [
            (1250, 2, "12.50"),
            (-5, 2, "-0.05"),
            (0, 0, "0"),
            (7, 0, "7"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(format_units(units, scale), text);
        }
        for units in [0, 1, -1, 99, 100, -12_345, i128::MAX] {
            for scale in [0, 1, 2, 18] {
                let text = format_units(units, scale);
                assert_eq!(read(&Amount::Decimal(&text), scale), Ok(units), "{text}");
            }
        }
    }
}
