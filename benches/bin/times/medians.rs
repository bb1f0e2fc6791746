//! A reader of criterion's folder.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

/// Medians in nanoseconds, by group and function.
pub struct Medians(BTreeMap<(String, String), f64>);

impl Medians {
    pub fn read(folder: &Path) -> Self {
        let mut medians = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.file_name().is_some_and(|name| name == "new") {
                    let (id, median) = benchmark(&path);
                    medians.insert(id, median);
                } else if path.is_dir() {
                    open.push(path);
                }
            }
        }
        Self(medians)
    }

    /// Returns the median, or NaN where nothing was measured.
    pub fn of(&self, group: &str, function: &str) -> f64 {
        let key = (group.to_owned(), function.to_owned());
        self.0.get(&key).copied().unwrap_or(f64::NAN)
    }
}

fn benchmark(folder: &Path) -> ((String, String), f64) {
    let id = json(&folder.join("benchmark.json"));
    let text = |name: &str| id[name].as_str().unwrap_or_default().to_owned();
    let function = [text("function_id"), text("value_str")];
    let function: Vec<_> = function.into_iter().filter(|s| !s.is_empty()).collect();
    let median = json(&folder.join("estimates.json"))["median"]["point_estimate"].as_f64();
    let median = median.expect("criterion writes a median");
    ((text("group_id"), function.join("/")), median)
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("criterion writes both files");
    serde_json::from_str(&text).expect("criterion writes JSON")
}

/// Formats a time in the unit that suits it.
pub fn time(nanos: f64) -> String {
    match nanos {
        _ if nanos.is_nan() => "–".to_owned(),
        ..1e4 => format!("{nanos:.0} ns"),
        ..1e7 => format!("{:.1} µs", nanos / 1e3),
        _ => format!("{:.1} ms", nanos / 1e6),
    }
}

/// Formats a ratio; a dash if one of the times is missing.
pub fn ratio(one: f64, other: f64) -> String {
    let ratio = one / other;
    if ratio.is_nan() {
        "–".to_owned()
    } else {
        format!("{ratio:.2}")
    }
}

/// Returns the lowest time; NaN if one is missing, since that one may be the lowest.
pub fn fastest(times: impl IntoIterator<Item = f64>) -> f64 {
    let lower = |best: f64, time: f64| {
        if time.is_nan() || time < best {
            time
        } else {
            best
        }
    };
    times.into_iter().fold(f64::INFINITY, lower)
}

/// Returns whether ours is as fast as the fastest peer, for the same work.
pub fn verdict(over: impl IntoIterator<Item = f64>) -> &'static str {
    let over: Vec<f64> = over.into_iter().collect();
    if over.iter().any(|over| *over > 1.0) {
        "**not reached**"
    } else if over.iter().any(|over| over.is_nan()) {
        "not measured"
    } else {
        "reached"
    }
}
