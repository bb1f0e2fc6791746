//! Times, for people and for programs.

use std::time::{Duration, SystemTime};

/// Returns the time, and how far ahead it is.
pub(crate) fn until(at: SystemTime) -> String {
    match at.duration_since(SystemTime::now()) {
        Ok(ahead) => format!("{} (in {})", rfc3339(at), rough(ahead)),
        Err(_) => ago(at),
    }
}

/// Returns the time, and how long ago it was.
pub(crate) fn ago(at: SystemTime) -> String {
    match at.elapsed() {
        Ok(ago) => format!("{} ({} ago)", rfc3339(at), rough(ago)),
        Err(_) => rfc3339(at),
    }
}

pub(crate) fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

/// Returns the two largest units of a duration.
fn rough(duration: Duration) -> String {
    let text = humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

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
