//! Times as text.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns a time in UTC with milliseconds (RFC 3339): `2026-11-28T23:05:52.123Z`. A time before
/// 1970 counts as the beginning of that year.
pub(super) fn rfc_3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / DAY, since.as_secs() % DAY);
    let (year, month, day) = date(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let (second, milli) = (second % 60, since.subsec_millis());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// Returns the date of a day since 1970-01-01. The year is taken to begin in March, so that the
/// day of a leap year is its last one.
fn date(days: u64) -> (u64, u64, u64) {
    // The days since 0000-03-01, in cycles of 400 years.
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (cycle * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn leap_days_and_ends_of_years_are_right() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_767_225_599, "2025-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc_3339(at(seconds)), text);
        }
        let fraction = at(1_000_000_000) + Duration::from_micros(7_999);
        assert_eq!(rfc_3339(fraction), "2001-09-09T01:46:40.007Z");
        assert_eq!(
            rfc_3339(UNIX_EPOCH - Duration::from_secs(1)),
            rfc_3339(at(0))
        );
    }

    proptest! {
        #[test]
        fn the_date_is_that_of_http(seconds in 0_u64..253_402_300_799) {
            // `Sun, 06 Nov 1994 08:49:37 GMT`.
            let date = httpdate::fmt_http_date(at(seconds));
            let parts: Vec<&str> = date.split(' ').collect();
            let text = rfc_3339(at(seconds));
            prop_assert_eq!(&text[0..4], parts[3]);
            prop_assert_eq!(&text[8..10], parts[1]);
            prop_assert_eq!(&text[11..19], parts[4]);
            const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
            let month = MONTHS.find(parts[2]).unwrap() / 3 + 1;
            prop_assert_eq!(&text[5..7], format!("{month:02}"));
        }
    }
}
