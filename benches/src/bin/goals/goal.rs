//! A goal, and whether it was reached.

use std::fmt;

/// A line of the table.
pub struct Goal {
    what: &'static str,
    wants: &'static str,
    measured: String,
    reached: Option<bool>,
    by: &'static str,
}

impl Goal {
    /// That no number is above the bound. Those that were not measured count for nothing, unless there is no other.
    pub fn at_most(bound: f64, numbers: impl IntoIterator<Item = Option<f64>>, unit: &str) -> Self {
        let numbers: Vec<f64> = numbers.into_iter().flatten().collect();
        let texts: Vec<String> = numbers.iter().map(|n| short(*n)).collect();
        Self {
            what: "",
            wants: "",
            measured: format!("{} {unit}", texts.join(", ")).trim_end().to_owned(),
            reached: (!numbers.is_empty()).then(|| numbers.iter().all(|n| *n <= bound)),
            by: "",
        }
    }

    /// That each number is this one.
    pub fn exactly(wanted: f64, numbers: &[Option<f64>], unit: &str) -> Self {
        let off = |number: &Option<f64>| number.map(|n| (n - wanted).abs());
        let is_it = Self::at_most(0.0, numbers.iter().map(off), unit);
        let measured = Self::at_most(wanted, numbers.iter().copied(), unit).measured;
        Self { measured, ..is_it }
    }

    /// What a test holds: `scripts/test` fails without it.
    pub fn of_a_test() -> Self {
        Self {
            measured: "by a test".to_owned(),
            reached: Some(true),
            ..Self::at_most(0.0, [], "")
        }
    }

    /// What it is about, what it asks for, and the command that shows it.
    pub fn said(self, what: &'static str, wants: &'static str, by: &'static str) -> Self {
        Self {
            what,
            wants,
            by,
            ..self
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, wants, by) = (self.what, self.wants, self.by);
        let (measured, reached) = match self.reached {
            Some(true) => (&*self.measured, "reached"),
            Some(false) => (&*self.measured, "**not reached**"),
            None => ("", "not measured"),
        };
        write!(f, "| {what} | {wants} | {measured} | {reached} | `{by}` |")
    }
}

fn short(number: f64) -> String {
    if number.fract() == 0.0 || number >= 100.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    }
}
