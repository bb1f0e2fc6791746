//! The table and the plot of lookups by subject.

use std::fmt::Write as _;

use tokenkeeper_benches::Line;

use crate::medians::{Medians, fastest, ratio, time, verdict};

const ACCOUNTS: [u32; 4] = [1, 100, 10_000, 1_000_000];
const NAMES: [&str; 5] = [
    "tokenkeeper",
    "papaya, inline key",
    "papaya",
    "dashmap",
    "moka",
];

pub fn table(medians: &Medians) -> String {
    let mut table = format!(
        "| accounts | {} | ours over the best | verdict |\n|{}\n",
        NAMES.join(" | "),
        "---|".repeat(NAMES.len() + 3)
    );
    for accounts in ACCOUNTS {
        let times = times(medians, accounts);
        let best = fastest(times[1..].iter().copied());
        let cells = times.map(time).join(" | ");
        let (over, verdict) = (ratio(times[0], best), verdict([times[0] / best]));
        let _ = writeln!(table, "| {accounts} | {cells} | {over} | {verdict} |");
    }
    table
}

pub fn plot(medians: &Medians) -> String {
    let line = |(place, name): (usize, &str)| Line {
        name: name.to_owned(),
        points: ACCOUNTS
            .iter()
            .map(|&accounts| (f64::from(accounts), times(medians, accounts)[place]))
            .filter(|point| point.1 > 0.0)
            .collect(),
    };
    let lines: Vec<Line> = NAMES.into_iter().enumerate().map(line).collect();
    let title = "Finding an account by its subject";
    tokenkeeper_benches::plot(title, "accounts", "ns", &lines)
}

fn times(medians: &Medians, accounts: u32) -> [f64; 5] {
    NAMES.map(|name| medians.of("keyed", &format!("{name}/{accounts}")))
}
