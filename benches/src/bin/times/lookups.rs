//! Finding an account by its subject.

use std::fmt::Write as _;

use tokenkeeper_benches::Line;

use crate::measured::{Measured, ratio, time};

const ACCOUNTS: [u32; 4] = [1, 100, 10_000, 1_000_000];
const NAMES: [&str; 5] = [
    "tokenkeeper",
    "papaya, inline key",
    "papaya",
    "dashmap",
    "moka",
];

pub fn table(measured: &Measured) -> String {
    let mut table = format!(
        "| accounts | {} | ours over the best |\n|{}\n",
        NAMES.join(" | "),
        "---|".repeat(NAMES.len() + 2)
    );
    for accounts in ACCOUNTS {
        let times = times(measured, accounts);
        let others = times[1..].iter().copied();
        // One that was not measured may have been the best.
        let best = others.fold(f64::INFINITY, |best: f64, time| {
            if time.is_nan() || time < best {
                time
            } else {
                best
            }
        });
        let cells = times.map(time).join(" | ");
        let over = ratio(times[0], best);
        let _ = writeln!(table, "| {accounts} | {cells} | {over} |");
    }
    table
}

pub fn plot(measured: &Measured) -> String {
    let line = |(place, name): (usize, &str)| Line {
        name: name.to_owned(),
        points: ACCOUNTS
            .iter()
            .map(|&accounts| (f64::from(accounts), times(measured, accounts)[place]))
            .filter(|point| point.1 > 0.0)
            .collect(),
    };
    let lines: Vec<Line> = NAMES.into_iter().enumerate().map(line).collect();
    let title = "Finding an account by its subject";
    tokenkeeper_benches::plot(title, "accounts", "ns", &lines)
}

fn times(measured: &Measured, accounts: u32) -> [f64; 5] {
    NAMES.map(|name| measured.of("keyed", &format!("{name}/{accounts}")))
}
