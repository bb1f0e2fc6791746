//! A goal and its verdict.

use std::fmt;

/// A line of the table: a goal, the measured numbers, the verdict.
pub struct Goal {
    what: &'static str,
    bound: &'static str,
    measured: String,
    reached: Option<bool>,
    by: &'static str,
}

impl Goal {
    /// A goal that no number is above the bound.
    ///
    /// If a number is missing, only a number above the bound gives a verdict.
    pub fn at_most(bound: f64, numbers: impl IntoIterator<Item = Option<f64>>, unit: &str) -> Self {
        Self::all(numbers, unit, |number| number <= bound)
    }

    /// A goal that each number is `wanted`.
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
            bound: "",
            measured: format!("{} {unit}", texts.join(", ")).trim_end().to_owned(),
            reached,
            by: "",
        }
    }

    /// A goal that a test asserts.
    pub fn by_a_test() -> Self {
        Self {
            measured: "by a test".to_owned(),
            reached: Some(true),
            ..Self::at_most(0.0, [], "")
        }
    }

    /// Sets the subject, the bound in words, and the command that shows the numbers.
    pub fn named(self, what: &'static str, bound: &'static str, by: &'static str) -> Self {
        Self {
            what,
            bound,
            by,
            ..self
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, bound, by) = (self.what, self.bound, self.by);
        let measured = &self.measured;
        let reached = match self.reached {
            Some(true) => "reached",
            Some(false) => "**not reached**",
            None => "not measured",
        };
        write!(f, "| {what} | {bound} | {measured} | {reached} | `{by}` |")
    }
}

fn short(number: f64) -> String {
    if number.fract() == 0.0 || number >= 100.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    }
}
