//! Tables without a goal: stores, the protocol, and requests end to end.

use std::fmt::Write as _;

use crate::medians::{Medians, ratio, time};

/// Compares the stores, and each one with and without encryption.
pub fn stores(medians: &Medians) -> String {
    let mut table =
        "| store | get | put | put that meets a conflict |\n|---|---|---|---|\n".to_owned();
    for store in ["memory", "SQLite", "Redis"] {
        let of = |what: &str, form: &str| medians.of("stores", &format!("{what}/{store}, {form}"));
        let whats = ["get", "put", "conflict"];
        let plain = whats.map(|what| time(of(what, "plain"))).join(" | ");
        let encrypted = whats.map(|what| {
            let encrypted = of(what, "encrypted");
            let share = 100.0 * (1.0 - of(what, "plain") / encrypted);
            let share = match share {
                _ if share.is_nan() => "–".to_owned(),
                _ if share <= 0.0 => "lost in noise".to_owned(),
                _ => format!("{share:.0} %"),
            };
            format!("{} ({share})", time(encrypted))
        });
        let _ = writeln!(
            table,
            "| {store} | {plain} |\n| {store}, encrypted (its share) | {} |",
            encrypted.join(" | ")
        );
    }
    table
}

/// Compares the reading of each kind of answer with that of the bare text, a table each.
pub fn protocol(medians: &Medians) -> String {
    let table = |group: &str, bare: &str, names: &[&str]| {
        let kind = group.trim_start_matches("protocol/");
        let mut table = format!("| {kind} | takes | over the bare text |\n|---|---|---|\n");
        let bare_time = medians.of(group, bare);
        for name in [&[bare], names].concat() {
            let takes = medians.of(group, name);
            let over = ratio(takes, bare_time);
            let _ = writeln!(table, "| {name} | {} | {over} |", time(takes));
        }
        table
    };
    let responses = [
        "RFC 6749, strict",
        "milliseconds",
        "loose, given JSON",
        "loose, unquoted keys",
    ];
    let refusals = ["RFC 6749", "mapped"];
    let redirects = [
        "RFC 6749, strict",
        "in the fragment",
        "state in the redirect URI",
    ];
    [
        table("protocol/token response", "serde_json alone", &responses),
        table("protocol/refusal", "serde_json alone", &refusals),
        table("protocol/redirect", "form_urlencoded alone", &redirects),
    ]
    .join("\n")
}

pub fn end_to_end(medians: &Medians) -> String {
    let mut table =
        "| client | a static header | tokenkeeper | ratio |\n|---|---|---|---|\n".to_owned();
    for client in ["hyper", "reqwest"] {
        let of = |name| medians.of(&format!("end to end/{client}"), name);
        let (theirs, ours) = (of("a static header"), of("tokenkeeper"));
        let over = ratio(ours, theirs);
        let (theirs, ours) = (time(theirs), time(ours));
        let _ = writeln!(table, "| {client} | {theirs} | {ours} | {over} |");
    }
    table
}
