//! Times, for people and for programs.

use std::time::{Duration, SystemTime};

/// Returns the time, and how far ahead it is, or how long ago it was.
pub(crate) fn shown(at: SystemTime) -> String {
    format!("{} ({})", rfc3339(at), relative(at))
}

/// Returns how far ahead a time is, or how long ago it was.
pub(crate) fn relative(at: SystemTime) -> String {
    match at.duration_since(SystemTime::now()) {
        Ok(ahead) => format!("in {}", rough(ahead)),
        Err(past) => format!("{} ago", rough(past.duration())),
    }
}

pub(crate) fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

/// Returns a duration as people say it: its largest unit, and the next one if the largest counts
/// less than three.
pub(crate) fn rough(duration: Duration) -> String {
    let mut left = duration.as_secs();
    let mut counts = UNITS.iter().map(|(seconds, name)| {
        let count = left / seconds;
        left %= seconds;
        (count, *name)
    });
    let Some((count, name)) = counts.find(|(count, _)| *count > 0) else {
        return "less than a second".to_owned();
    };
    let largest = counted(count, name);
    match counts.next() {
        Some((next, name)) if count < 3 && next > 0 => format!("{largest} {}", counted(next, name)),
        _ => largest,
    }
}

fn counted(count: u64, name: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

/// The units and their seconds; a month is a twelfth of a year.
const UNITS: [(u64, &str); 6] = [
    (365 * DAY, "year"),
    (365 * DAY / 12, "month"),
    (DAY, "day"),
    (60 * 60, "hour"),
    (60, "minute"),
    (1, "second"),
];

const DAY: u64 = 24 * 60 * 60;

/// Serializes a time as RFC 3339 says.
pub(crate) mod option {
    use std::time::SystemTime;

    use serde::Serializer;

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.collect_str(&super::rfc3339(*at)),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (seconds, text) in [
            (0, "less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (90, "1 minute 30 seconds"),
            (59 * 60 + 59, "59 minutes"),
            (2 * 3600 + 60, "2 hours 1 minute"),
            (3 * 3600 + 60, "3 hours"),
            (DAY + 59, "1 day"),
            (DAY - 1, "23 hours"),
            (30 * DAY, "30 days"),
            (364 * DAY, "11 months"),
            (365 * DAY, "1 year"),
            (400 * DAY, "1 year 1 month"),
            (3 * 365 * DAY, "3 years"),
        ] {
            assert_eq!(rough(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }
}
