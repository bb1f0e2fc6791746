//! What has no goal of its own: stores, the protocol, and requests end to end.

use std::fmt::Write as _;

use crate::measured::{Measured, ratio, time};

/// The share of the encryption is of the whole.
pub fn stores(measured: &Measured) -> String {
    let mut table =
        "| store | get | put | put that meets a conflict |\n|---|---|---|---|\n".to_owned();
    for store in ["memory", "SQLite", "Redis"] {
        let of = |what: &str, form: &str| measured.of("stores", &format!("{what}/{store}, {form}"));
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

pub fn protocol(measured: &Measured) -> String {
    let mut table = "| read | takes | over the bare text |\n|---|---|---|\n".to_owned();
    let mut rows = |group: &str, bare: &str, names: &[&str]| {
        let bare_takes = measured.of(group, bare);
        let what = group.trim_start_matches("protocol/");
        let _ = writeln!(table, "| {what}: {bare} | {} | 1 |", time(bare_takes));
        for name in names {
            let takes = measured.of(group, name);
            let over = ratio(takes, bare_takes);
            let _ = writeln!(table, "| {what}: {name} | {} | {over} |", time(takes));
        }
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
    rows("protocol/token response", "serde_json alone", &responses);
    rows("protocol/refusal", "serde_json alone", &refusals);
    rows("protocol/redirect", "form_urlencoded alone", &redirects);
    table
}

pub fn end_to_end(measured: &Measured) -> String {
    let mut table =
        "| client | a static header | tokenkeeper | ratio |\n|---|---|---|---|\n".to_owned();
    for client in ["hyper", "reqwest"] {
        let of = |name| measured.of(&format!("end to end/{client}"), name);
        let (theirs, ours) = (of("a static header"), of("tokenkeeper"));
        let over = ratio(ours, theirs);
        let (theirs, ours) = (time(theirs), time(ours));
        let _ = writeln!(table, "| {client} | {theirs} | {ours} | {over} |");
    }
    table
}
