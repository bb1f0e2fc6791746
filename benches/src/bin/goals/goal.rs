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
    /// That no number is above the bound. Where one was not measured, only one that is above says something.
    pub fn at_most(bound: f64, numbers: impl IntoIterator<Item = Option<f64>>, unit: &str) -> Self {
        Self::all(numbers, unit, |number| number <= bound)
    }

    /// That each number is this one.
    pub fn exactly(
        wanted: f64,
        numbers: impl IntoIterator<Item = Option<f64>>,
        unit: &str,
    ) -> Self {
        Self::all(numbers, unit, |number| {
            (number - wanted).abs() < f64::EPSILON
        })
    }

    fn all(
        numbers: impl IntoIterator<Item = Option<f64>>,
        unit: &str,
        is_good: impl Fn(f64) -> bool,
    ) -> Self {
        let numbers: Vec<Option<f64>> = numbers.into_iter().collect();
        let text = |number: &Option<f64>| number.map_or("–".to_owned(), short);
        let texts: Vec<String> = numbers.iter().map(text).collect();
        let reached = if numbers.iter().flatten().any(|number| !is_good(*number)) {
            Some(false)
        } else {
            let whole = !numbers.is_empty() && numbers.iter().all(Option::is_some);
            whole.then_some(true)
        };
        Self {
            what: "",
            wants: "",
            measured: format!("{} {unit}", texts.join(", ")).trim_end().to_owned(),
            reached,
            by: "",
        }
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
        let measured = &self.measured;
        let reached = match self.reached {
            Some(true) => "reached",
            Some(false) => "**not reached**",
            None => "not measured",
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
