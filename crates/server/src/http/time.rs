//! Journal time on the wire: RFC 3339, UTC, microseconds.
//!
//! Written by hand because every answer holds a few of them; held against a well-kept library by a test.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use transaction::Time;

/// A time as it is written.
#[derive(Clone, Copy)]
pub(crate) struct Stamp(pub(super) Time);

const MICROS_A_DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// The last microsecond of the year 9999.
const LATEST: i64 = 253_402_300_799_999_999;

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        serializer.serialize_str(std::str::from_utf8(&text).expect("digits and signs are ASCII"))
    }
}

impl Stamp {
    /// A time as it is written.
    pub(crate) fn text_of(time: Time) -> String {
        String::from_utf8_lossy(&Stamp(time).text()).into_owned()
    }

    /// `2026-01-02T03:04:05.123456Z`; what lies before 1970 or after 9999 is written as that end.
    fn text(self) -> [u8; 27] {
        let micros = self.0.0.clamp(0, LATEST);
        let (year, month, day) = date(micros / MICROS_A_DAY);
        let rest = micros % MICROS_A_DAY;
        let seconds = rest / 1_000_000;
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], seconds / 3600);
        put(&mut text[14..16], seconds / 60 % 60);
        put(&mut text[17..19], seconds % 60);
        put(&mut text[20..26], rest % 1_000_000);
        text
    }
}

/// Year, month and day of a day since 1970-01-01, not before it. Counts in years that begin in March, so that the leap
/// day is the last of its year, and in eras of 400 years, after which the calendar repeats.
fn date(day: i64) -> (i64, i64, i64) {
    let since_march_0000 = day + 719_468;
    let era = since_march_0000 / 146_097;
    let day_of_era = since_march_0000 % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, into_next) =
        if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
    (era * 400 + year_of_era + into_next, month, day_of_month)
}

fn put(digits: &mut [u8], mut value: i64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// Reads a time that a caller gives, any RFC 3339 form.
pub(super) fn read(text: &str) -> Option<Time> {
    text.parse::<Timestamp>().ok().map(|stamp| Time(stamp.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(micros: i64) -> String {
        String::from_utf8(Stamp(Time(micros)).text().to_vec()).unwrap()
    }

    #[test]
    fn times_are_rfc_3339_with_microseconds() {
        assert_eq!(written(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(written(1_767_323_045_000_007), "2026-01-02T03:04:05.000007Z");
        assert_eq!(written(951_782_400_000_000), "2000-02-29T00:00:00.000000Z");
        assert_eq!(written(i64::MAX), "9999-12-31T23:59:59.999999Z");
        assert_eq!(written(-5), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        assert_eq!(read("1970-01-01T01:00:00+01:00"), Some(Time(0)));
        for text in ["", "yesterday", "2026-02-30T00:00:00Z", "2026-01-01", "1767323045"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_the_calendar_says(micros in 0..=LATEST) {
            let stamp = Timestamp::from_microsecond(micros).unwrap();
            prop_assert_eq!(written(micros), format!("{stamp:.6}"));
            prop_assert_eq!(read(&written(micros)), Some(Time(micros)));
        }
    }
}
